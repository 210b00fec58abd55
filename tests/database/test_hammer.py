"""Two processes write to the same things at the same moment: nothing is lost or doubled."""

from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from datetime import timedelta
from functools import partial
from itertools import product
from typing import Protocol
from uuid import UUID, uuid4

import pytest
from sqlmodel import Session, col, func, select

from database.approvals import approvals
from database.campaigns import controls, freezing, reviews
from database.campaigns.corrections import Right, RightWords
from database.engine import Database
from database.mail import delivery, outbox, outcomes
from database.mail.delivery import Event
from database.mail.mail_rows import Batch
from database.people import staff
from database.people.accounts import AccountRow
from database.people.staff import by_handle
from database.policies import policies
from database.policies.voids import Voids, reading_of, stands
from database.requests import answering, identity, requests, rungs, sendable
from database.requests.answering import Answer
from database.requests.requested_rights import rights_of
from database.tables import (
    Account,
    Approval,
    Campaign,
    DataSubjectRequest,
    DeliveryEvent,
    Fact,
    Policy,
    PolicyVersion,
    RequestDecision,
    RequestedRight,
    Review,
)
from domain.approvals.approvals import Decision
from domain.policies.reviews import Decisions, VersionClass, VersionState
from domain.requests.data_subject_requests import Kind, Outcome
from domain.rungs import Role, Rung, RungKind
from domain.texts.policy_text import read_policy_text
from tests import correcting
from tests.in_two_processes import in_two_processes, meet, side_by_side
from tests.people import LANGUAGES, POLICY, import_accounts
from tests.scene import FIRST_DAY, NOW, ONE_HOUR, Scene, loose_mails, mails_of
from tests.texts import FIRST, SECOND

pytestmark = pytest.mark.slow

ROUNDS = 25
COPIES = 40
A_MILLISECOND = timedelta(milliseconds=1)
REFUSALS = (
    policies.SubmissionRefused,
    sendable.DecisionRefused,
    reviews.ReviewRefused,
    staff.StaffRefused,
)


class Act(Protocol):
    """Something that may be done once to a subject, however many try."""

    def __call__(self, transaction: Session, subject: UUID) -> object: ...


@contextmanager
def opened(url: str) -> Iterator[Database]:
    with closing(Database(url)) as database:
        yield database


def try_each(url: str, act: Act, subjects: Sequence[UUID]) -> int:
    """Do it to one subject after the other; how often it was refused."""
    return try_all(url, [act], subjects)


def try_all(url: str, acts: Sequence[Act], subjects: Sequence[UUID]) -> int:
    """Do everything to one subject after the other, each at the same moment as somebody else."""
    refused = 0
    with opened(url) as database:
        for act, subject in product(acts, subjects):
            meet()
            try:
                with database.transaction() as transaction:
                    act(transaction, subject)
            except REFUSALS:
                refused += 1
    return refused


def facts(database: Database, kind: str) -> Counter[UUID]:
    with database.session() as session:
        return Counter(session.exec(select(Fact.subject_id).where(Fact.kind == kind)).all())


def count(database: Database, table: type[Approval | DeliveryEvent]) -> int:
    with database.session() as session:
        return session.exec(select(func.count()).select_from(table)).one()


# What may happen once


def verify(transaction: Session, subject: UUID) -> None:
    request = transaction.get_one(DataSubjectRequest, subject)
    identity.verify_identity(transaction, request, how="link", now=NOW)


def acknowledge(transaction: Session, subject: UUID) -> None:
    requests.acknowledge(transaction, transaction.get_one(DataSubjectRequest, subject), NOW)


def fire_a_rung(transaction: Session, subject: UUID) -> None:
    request = transaction.get_one(DataSubjectRequest, subject)
    rung = Rung(
        key="d-20", at=NOW, kind=RungKind.REMINDER, audience=(Role.LEAD,), summary="to the lead"
    )
    rungs.fire(transaction, request, rung, now=NOW)


def act_on_it(transaction: Session, subject: UUID) -> None:
    request = transaction.get_one(DataSubjectRequest, subject)
    petra = by_handle(transaction, "petra")
    rungs.acknowledge_step(transaction, request, petra.id, NOW)


def reply_late(transaction: Session, subject: UUID) -> None:
    requests.record_late_reply(transaction, transaction.get_one(DataSubjectRequest, subject), NOW)


def answer(transaction: Session, subject: UUID) -> None:
    proposed = transaction.exec(
        select(RequestDecision.id)
        .join(RequestedRight, col(RequestedRight.id) == col(RequestDecision.right_id))
        .where(RequestedRight.request_id == subject)
    ).one()
    request = transaction.get_one(DataSubjectRequest, subject)
    answering.apply_decision(transaction, request, proposed, NOW)


STEPS: dict[str, Act] = {
    "request.verified": verify,
    "request.acknowledged": acknowledge,
    "request.rung_fired": fire_a_rung,
    "request.late_reply": reply_late,
    "request.answered": answer,
}


def test_each_step_of_a_request_is_taken_once(scene: Scene) -> None:
    """P21, P22."""
    subjects = [scene.request(f"dora{number}@people.example").id for number in range(ROUNDS)]
    with scene.database.transaction() as transaction:
        for subject in subjects:
            transaction.add(
                RequestDecision(
                    right_id=rights_of(transaction, subject)[0].id,
                    outcome=Outcome.REDIRECTED,
                    explanation="Ask the other company.",
                    decided_by=scene.staff["petra"],
                    decided_at=NOW,
                )
            )
    in_two_processes(try_all, scene.database.url, list(STEPS.values()), subjects)
    for kind in STEPS:
        assert facts(scene.database, kind) == Counter(subjects), kind


def answer_one_right(kind: str, transaction: Session, subject: UUID) -> None:
    proposed = transaction.exec(
        select(RequestDecision.id)
        .join(RequestedRight, col(RequestedRight.id) == col(RequestDecision.right_id))
        .where(RequestedRight.request_id == subject, RequestedRight.kind == kind)
    ).one()
    request = transaction.get_one(DataSubjectRequest, subject)
    answering.apply_decision(transaction, request, proposed, NOW)


def test_the_last_two_rights_decided_at_once_make_one_answer(scene: Scene) -> None:
    """P22: not none because each thought the other one open, and not two."""
    kinds = {"access": Outcome.UNVERIFIED, "minor": Outcome.REDIRECTED}
    subjects = [
        scene.request(f"dora{number}@people.example", kinds=tuple(kinds)).id
        for number in range(ROUNDS)
    ]
    with scene.database.transaction() as transaction:
        for subject in subjects:
            request = transaction.get_one(DataSubjectRequest, subject)
            for kind, outcome in kinds.items():
                answering.propose_decision(
                    transaction,
                    request,
                    Answer(outcome=outcome, explanation="Ask the other company."),
                    kind=Kind(kind),
                    decided_by=scene.staff["petra"],
                    now=NOW,
                )
    one, other = (
        partial(try_each, scene.database.url, partial(answer_one_right, kind), subjects)
        for kind in kinds
    )
    assert side_by_side(one, other) == [0, 0]
    assert facts(scene.database, "request.answered") == Counter(subjects)


def test_of_two_who_act_on_a_step_at_once_one_is_on_record(scene: Scene) -> None:
    """P21."""
    subjects = [scene.request(f"dora{number}@people.example").id for number in range(ROUNDS)]
    with scene.database.transaction() as transaction:
        for subject in subjects:
            fire_a_rung(transaction, subject)
    in_two_processes(try_each, scene.database.url, act_on_it, subjects)
    assert facts(scene.database, "request.rung_acknowledged") == Counter(subjects)


def approve(version_id: UUID, transaction: Session, subject: UUID) -> None:
    version = transaction.get_one(PolicyVersion, version_id)
    shown = approvals.Shown(version=version, base=version, how="link", language="en")
    account = transaction.get_one(Account, subject)
    approvals.decide(transaction, account, shown, Decision.APPROVED, NOW)


def people(count: int, name: str = "carol") -> list[AccountRow]:
    return [
        AccountRow(external_id=f"{name}-{number:06}", email=f"{name}{number}@people.example")
        for number in range(count)
    ]


def account_ids(database: Database) -> list[UUID]:
    with database.session() as session:
        return list(session.exec(select(Account.id).order_by(Account.external_id)).all())


def test_an_account_holder_who_presses_twice_at_once_has_decided_once(scene: Scene) -> None:
    """P5."""
    scene.import_accounts(*people(ROUNDS))
    version = scene.submit(FIRST)
    accounts = account_ids(scene.database)
    in_two_processes(try_each, scene.database.url, partial(approve, version.id), accounts)
    assert facts(scene.database, "approval.approved") == Counter(accounts)
    assert count(scene.database, Approval) == ROUNDS


def approve_each(url: str, version_id: UUID, subjects: Sequence[UUID]) -> None:
    """One account after the other, each a millisecond before what was mailed is put right."""
    with opened(url) as database:
        for number, subject in enumerate(subjects):
            meet()
            with database.transaction() as transaction:
                version = transaction.get_one(PolicyVersion, version_id)
                base = policies.version_by_slug(transaction, POLICY, 1)
                shown = approvals.Shown(version=version, base=base, how="link", language="en")
                account = transaction.get_one(Account, subject)
                at = NOW + number * ONE_HOUR
                approvals.decide(transaction, account, shown, Decision.APPROVED, at)


def void_each(url: str, version_id: UUID, lena: UUID, noor: UUID, rounds: int) -> None:
    """Put right what was mailed, so that every answer given until then is void."""
    words = RightWords(language="en", mail="It is a year.")
    right = Right(decisions=Decisions.VOID, words=[words])
    with opened(url) as database:
        for number in range(rounds):
            at = NOW + number * ONE_HOUR + A_MILLISECOND
            with database.transaction() as transaction:
                version = transaction.get_one(PolicyVersion, version_id)
                act = controls.acting(transaction, lena, "legal", reason="a wrong period", now=at)
                correcting.propose(transaction, version, act, right)
            meet()
            with database.transaction() as transaction:
                version = transaction.get_one(PolicyVersion, version_id)
                correcting.confirm(transaction, version, noor, at)


def test_no_answer_given_before_a_void_escapes_it(scene: Scene) -> None:
    """P8: each is void from the instant of the very confirmation that came after it."""
    scene.import_accounts(*people(ROUNDS))
    campaign_id = scene.campaign()
    freezing.freeze_audience(scene.database, campaign_id, NOW)
    scene.queue_step(campaign_id)
    with scene.database.transaction() as transaction:
        claim = outbox.claim(transaction, Batch(subject_id=campaign_id), limit=1, now=NOW)
        assert claim
        outcomes.accept(transaction, claim.attempt_id, "x", NOW)
        version_id = transaction.get_one(Campaign, campaign_id).policy_version_id
    accounts = account_ids(scene.database)
    url, (lena, noor) = scene.database.url, (scene.staff[name] for name in ("lena", "noor"))
    side_by_side(
        partial(approve_each, url, version_id, accounts),
        partial(void_each, url, version_id, lena, noor, len(accounts)),
    )
    with scene.database.session() as session:
        policy = policies.policy_by_slug(session, POLICY)
        voids = Voids(session, policy.id)
        given = session.exec(select(Approval)).all()
        found = [voids.of(reading_of(approval), approval.decided_at, None) for approval in given]
        standing = session.exec(select(Approval).where(stands())).all()
    assert len(given) == ROUNDS
    gaps = {
        void and void.at - approval.decided_at for void, approval in zip(found, given, strict=True)
    }
    assert gaps == {A_MILLISECOND}
    assert standing == []


def submit(by: UUID, transaction: Session, subject: UUID) -> None:
    read = read_policy_text(SECOND.encode())
    submission = policies.Submission(
        text=read.text,
        sha256=read.sha256,
        summary="Recordings are kept longer.",
        submitted_by=by,
        planned_effective_on=None,
        notice_days=30,
    )
    policies.submit(transaction, transaction.get_one(Policy, subject), submission, NOW)


def test_of_two_versions_of_the_same_words_handed_in_at_once_one_is_refused(scene: Scene) -> None:
    """P1: numbers do not repeat, and the same text makes one version."""
    lena = scene.staff["lena"]
    with scene.database.transaction() as transaction:
        subjects = [
            policies.add_policy(
                transaction, slug=f"policy-{number}", title="A policy", owner_id=lena
            ).id
            for number in range(ROUNDS)
        ]
    refused = in_two_processes(try_each, scene.database.url, partial(submit, lena), subjects)
    assert sum(refused) == ROUNDS
    with scene.database.session() as session:
        numbers = session.exec(select(PolicyVersion.policy_id, PolicyVersion.number)).all()
    assert sorted(numbers) == sorted((subject, 1) for subject in subjects)


def review(transaction: Session, subject: UUID) -> None:
    version = transaction.get_one(PolicyVersion, subject)
    asked = transaction.exec(select(Review.id).where(Review.policy_version_id == subject)).one()
    reviews.apply_review(transaction, version, asked, NOW)


def release(by: UUID, transaction: Session, subject: UUID) -> None:
    row = transaction.get_one(PolicyVersion, subject)
    reviews.release(transaction, row, by, NOW, languages=LANGUAGES)


def put_in_force(transaction: Session, subject: UUID) -> None:
    policies.put_in_force(transaction, transaction.get_one(PolicyVersion, subject), NOW)


def test_each_step_of_a_version_is_taken_once(scene: Scene) -> None:
    """P2, P3."""
    lena, noor = scene.staff["lena"], scene.staff["noor"]
    versions = []
    with scene.database.transaction() as transaction:
        for number in range(ROUNDS):
            policy = policies.add_policy(
                transaction, slug=f"policy-{number}", title="A policy", owner_id=lena
            )
            submit(lena, transaction, policy.id)
            version = transaction.exec(
                select(PolicyVersion).where(PolicyVersion.policy_id == policy.id)
            ).one()
            version.state, version.effective_at = VersionState.IN_REVIEW, NOW
            reviews.propose_review(
                transaction,
                version,
                reviewer_id=noor,
                content=reviews.ReviewContent(version_class=VersionClass.EDITORIAL),
                reason="read it twice",
                now=NOW,
            )
            versions.append(version.id)
    steps: dict[str, Act] = {
        "policy_version.reviewed": review,
        "policy_version.released": partial(release, noor),
        "policy_version.in_force": put_in_force,
    }
    in_two_processes(try_all, scene.database.url, list(steps.values()), versions)
    for kind in steps:
        assert facts(scene.database, kind) == Counter(versions), kind


def hire(transaction: Session, subject: UUID) -> None:
    staff.add_staff(
        transaction, handle=f"s{subject}", name="Sam", email="sam@staff.example", roles=["ops"]
    )


def test_of_two_who_are_given_one_handle_one_is_refused(scene: Scene) -> None:
    subjects = [uuid4() for _ in range(ROUNDS)]
    assert sum(in_two_processes(try_each, scene.database.url, hire, subjects)) == ROUNDS


# Mails


def events_of(attempts: Sequence[tuple[UUID, tuple[UUID, ...]]]) -> list[list[Event]]:
    return [
        [
            Event(mail_id=mail, attempt_id=attempt, event="delivered", occurred_at=NOW)
            for mail in mails
        ]
        for attempt, mails in attempts
    ]


@pytest.fixture
def attempts(scene: Scene) -> list[tuple[UUID, tuple[UUID, ...]]]:
    """Requests to the mail service that are under way, of many copies each."""
    subject = uuid4()
    with scene.database.transaction() as transaction:
        outbox.queue(transaction, loose_mails(COPIES * ROUNDS, subject_id=subject), NOW)
    claims = []
    for _ in range(ROUNDS):
        with scene.database.transaction() as transaction:
            claimed = outbox.claim(transaction, Batch(subject_id=subject), limit=COPIES, now=NOW)
            assert claimed is not None
        ids = tuple(mail.id for mail in mails_of(scene.database, claimed.attempt_id))
        claims.append((claimed.attempt_id, ids))
    return claims


def queue_all(url: str, mails: list[outbox.Queued], *, last_first: bool) -> int:
    with opened(url) as database:
        meet()
        with database.transaction() as transaction:
            return len(outbox.queue(transaction, mails[::-1] if last_first else mails, NOW))


def test_the_same_mails_queued_twice_at_once_are_queued_once(scene: Scene) -> None:
    """P4: an activity that was tried again while the first try still ran."""
    mails = loose_mails(1000, subject_id=uuid4())
    queued = side_by_side(
        partial(queue_all, scene.database.url, mails, last_first=False),
        partial(queue_all, scene.database.url, mails, last_first=True),
    )
    assert sum(queued) == 1000


def hear_of(url: str, batches: list[list[Event]], *, last_first: bool) -> int:
    fresh = 0
    with opened(url) as database:
        for events in batches:
            meet()
            with database.transaction() as transaction:
                told = events[::-1] if last_first else events
                fresh += delivery.record_events(transaction, told, NOW)
    return fresh


def acknowledge_each(url: str, attempts: list[UUID]) -> int:
    with opened(url) as database:
        for attempt in attempts:
            meet()
            with database.transaction() as transaction:
                outcomes.accept(transaction, attempt, "provider", NOW)
    return len(attempts)


def test_the_same_events_told_twice_at_once_count_once(
    scene: Scene, attempts: list[tuple[UUID, tuple[UUID, ...]]]
) -> None:
    """P4: in whatever order they come, two that tell them do not wait for each other for ever."""
    url, batches = scene.database.url, events_of(attempts)
    fresh = side_by_side(
        partial(hear_of, url, batches, last_first=False),
        partial(hear_of, url, batches, last_first=True),
    )
    assert sum(fresh) == count(scene.database, DeliveryEvent) == COPIES * ROUNDS


def test_an_event_that_comes_with_the_acknowledgement_is_not_lost(
    scene: Scene, attempts: list[tuple[UUID, tuple[UUID, ...]]]
) -> None:
    """P4."""
    url = scene.database.url
    side_by_side(
        partial(acknowledge_each, url, [attempt for attempt, _ in attempts]),
        partial(hear_of, url, events_of(attempts), last_first=True),
    )
    with scene.database.session() as session:
        assert outbox.states(session, Batch(step="test")) == {"delivered": COPIES * ROUNDS}


# Everything at once


def import_many(url: str, by: UUID) -> int:
    with opened(url) as database:
        import_accounts(database, people(5000, "dave"), by=by, now=FIRST_DAY)
    return 5000


def approve_many(url: str, version_id: UUID, accounts: list[UUID]) -> int:
    with opened(url) as database:
        for account in accounts:
            with database.transaction() as transaction:
                approve(version_id, transaction, account)
    return len(accounts)


def test_people_approve_while_an_import_is_under_way(scene: Scene) -> None:
    """P5: on neither database is a person sent away, or a line lost."""
    scene.import_accounts(*people(200))
    version = scene.submit(FIRST)
    known = account_ids(scene.database)
    assert side_by_side(
        partial(import_many, scene.database.url, scene.staff["omar"]),
        partial(approve_many, scene.database.url, version.id, known),
    ) == [5000, 200]
    assert facts(scene.database, "approval.approved") == Counter(known)
    assert len(account_ids(scene.database)) == 5200
