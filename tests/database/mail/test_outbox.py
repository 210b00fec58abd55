"""The outbox: claimed once, in doubt rather than doubled, moved by events in whatever order."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from dataclasses import replace
from datetime import datetime, timedelta
from functools import partial
from uuid import UUID, uuid4

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import Insert, insert, literal, true
from sqlalchemy import event as sql_event
from sqlmodel import col, func, select

from database.campaigns import campaigns, freezing
from database.engine import Database
from database.ids import id_of_each
from database.mail import delivery, doubts, outbox, outcomes
from database.mail.delivery import Event
from database.mail.mail_rows import Batch
from database.tables import (
    Campaign,
    DataSubjectRequest,
    DeliveryEvent,
    MailAttempt,
    OutboxMail,
    PolicyVersion,
)
from domain.approvals.approvals import Decision
from tests.deciding import APPROVED, DECLINED
from tests.in_two_processes import in_two_processes
from tests.people import ALICE, BOB
from tests.scene import NOW, ONE_HOUR, Scene, loose_mails, mails_of

SECOND = timedelta(seconds=1)
TEN_SECONDS = 10 * SECOND
LATER = NOW + ONE_HOUR
EVENTS = ("processed", "deferred", "delivered", "bounce", "dropped", "spamreport", "open")


def queue(scene: Scene, mails: list[outbox.Queued]) -> tuple[UUID, ...]:
    with scene.database.transaction() as transaction:
        return outbox.queue(transaction, mails, NOW)


def claim(
    database: Database, batch: Batch, *, limit: int = 1000, now: datetime = NOW
) -> outbox.Claim | None:
    with database.transaction() as transaction:
        return outbox.claim(transaction, batch, limit=limit, now=now)


def must_claim(scene: Scene, mail_id: UUID, now: datetime = NOW) -> outbox.Claim:
    claimed = claim(scene.database, Batch(mail_id=mail_id), now=now)
    assert claimed is not None
    return claimed


def tell(scene: Scene, *events: Event, now: datetime = NOW) -> int:
    with scene.database.transaction() as transaction:
        return delivery.record_events(transaction, events, now)


def event(mail_id: UUID, attempt_id: UUID, name: str, at: datetime = NOW) -> Event:
    return Event(mail_id=mail_id, attempt_id=attempt_id, event=name, occurred_at=at)


@pytest.fixture
def mail(scene: Scene) -> UUID:
    """One queued mail."""
    (queued,) = queue(scene, loose_mails(1))
    return queued


# Queued and claimed


def test_a_mail_is_queued_once_for_each_person_and_step(scene: Scene) -> None:
    """P4: one row per subject, person and step."""
    (first, second) = loose_mails(2)
    assert len(queue(scene, [first, second, first])) == 2
    assert queue(scene, [second, first]) == ()
    with scene.database.session() as session:
        assert session.exec(select(func.count()).select_from(OutboxMail)).one() == 2


def test_a_claim_takes_only_mails_that_read_alike(scene: Scene) -> None:
    """P21: two rungs that waited out an outage each keep their own words."""
    subject = uuid4()
    queue(scene, loose_mails(2, subject_id=subject, step="due-10"))
    queue(scene, loose_mails(3, subject_id=subject, step="due-7"))
    taken = []
    while claimed := claim(scene.database, Batch(subject_id=subject)):
        taken.append({mail.step for mail in mails_of(scene.database, claimed.attempt_id)})
    assert sorted(taken, key=len) == taken
    assert sorted(map(str, taken)) == ["{'due-10'}", "{'due-7'}"]


def test_a_claim_keeps_its_limit(scene: Scene) -> None:
    subject = uuid4()
    queue(scene, loose_mails(5, subject_id=subject))
    sizes = []
    while claimed := claim(scene.database, Batch(subject_id=subject), limit=2):
        sizes.append(claimed.copies)
    assert sizes == [2, 2, 1]


def take_all(database: Database, subject_id: UUID) -> list[UUID]:
    taken: list[UUID] = []
    while claimed := claim(database, Batch(subject_id=subject_id), limit=3):
        taken += [mail.id for mail in mails_of(database, claimed.attempt_id)]
    return taken


def take_all_elsewhere(url: str, subject_id: UUID) -> list[UUID]:
    with closing(Database(url)) as database:
        return take_all(database, subject_id)


def test_threads_never_take_the_same_mail(scene: Scene) -> None:
    """P4."""
    subject = uuid4()
    queued = queue(scene, loose_mails(60, subject_id=subject))
    with ThreadPoolExecutor(4) as threads:
        taken = threads.map(partial(take_all, scene.database), [subject] * 4)
    everything = [mail for of_one in taken for mail in of_one]
    assert sorted(everything) == sorted(queued)


@pytest.mark.slow
def test_processes_never_take_the_same_mail(scene: Scene) -> None:
    """P4: SQLite knows no SKIP LOCKED, so this is shown and not believed."""
    subject = uuid4()
    queued = queue(scene, loose_mails(300, subject_id=subject))
    taken = in_two_processes(take_all_elsewhere, scene.database.url, subject)
    everything = [mail for of_one in taken for mail in of_one]
    assert sorted(everything) == sorted(queued)


# In doubt


def test_what_a_dead_sender_left_is_in_doubt_and_not_queued(scene: Scene, mail: UUID) -> None:
    """P4: nobody can prove that it did not go out."""
    must_claim(scene, mail)
    with scene.database.transaction() as transaction:
        assert outcomes.doubt_abandoned(transaction, Batch(mail_id=mail), NOW) == 1
    assert scene.mail(mail).state == "unknown"
    assert claim(scene.database, Batch(mail_id=mail)) is None


def test_a_late_acknowledgement_of_a_doubted_attempt_still_counts(scene: Scene, mail: UUID) -> None:
    """P4: the sender was slow, not dead."""
    attempt = must_claim(scene, mail).attempt_id
    with scene.database.transaction() as transaction:
        outcomes.doubt_abandoned(transaction, Batch(mail_id=mail), NOW)
        outcomes.accept(transaction, attempt, "provider-1", NOW)
    assert scene.mail(mail).state == "accepted"


def test_an_acknowledgement_is_fenced_by_its_attempt(scene: Scene, mail: UUID) -> None:
    """P4: an attempt that was given back cannot speak for the next one."""
    first = must_claim(scene, mail).attempt_id
    with scene.database.transaction() as transaction:
        outcomes.give_back(transaction, first, "429", NOW)
    second = must_claim(scene, mail).attempt_id
    with scene.database.transaction() as transaction:
        outcomes.accept(transaction, first, "provider-1", NOW)
    assert (scene.mail(mail).state, scene.mail(mail).attempt_id) == ("sending", second)
    assert scene.mail(mail).attempts == 2


def settle(scene: Scene, mail: UUID, now: datetime) -> str:
    with scene.database.transaction() as transaction:
        outcomes.settle(transaction, Batch(mail_id=mail), settle_after=TEN_SECONDS, now=now)
    return scene.mail(mail).state


def doubtful(scene: Scene, mail: UUID) -> UUID:
    """The attempt of which nobody knows; later ones are heard of as the test says."""
    attempt = must_claim(scene, mail).attempt_id
    with scene.database.transaction() as transaction:
        outcomes.doubt(transaction, attempt, "the line broke", NOW)
    return attempt


def heard_of_later(scene: Scene, attempts: int) -> None:
    for number, other in enumerate(queue(scene, loose_mails(attempts)), start=1):
        later = must_claim(scene, other, NOW + number * SECOND)
        tell(scene, event(other, later.attempt_id, "processed"))


@pytest.mark.parametrize(("attempts", "state"), [(0, "operator"), (2, "operator"), (3, "queued")])
def test_silence_is_evidence_only_beside_three_later_attempts(
    scene: Scene, mail: UUID, attempts: int, state: str
) -> None:
    """P4: repeated by the machine only on evidence that the first try did not go out."""
    doubtful(scene, mail)
    heard_of_later(scene, attempts)
    assert settle(scene, mail, NOW + TEN_SECONDS - SECOND) == "unknown"
    waiting = "queued" if state == "queued" else "unknown"
    assert settle(scene, mail, NOW + TEN_SECONDS) == waiting
    assert settle(scene, mail, NOW + 3 * TEN_SECONDS - SECOND) == waiting
    assert settle(scene, mail, NOW + 3 * TEN_SECONDS) == state


def test_a_lost_request_is_settled_by_as_many_statements_however_many_copies_it_had(
    scene: Scene,
) -> None:
    """P4: a thousand copies keep no other writer waiting."""
    statements = []
    for copies in (1, 300):
        subject = uuid4()
        queue(scene, loose_mails(copies, subject_id=subject))
        lost = claim(scene.database, Batch(subject_id=subject))
        assert lost
        with scene.database.transaction() as transaction:
            outcomes.doubt(transaction, lost.attempt_id, "the line broke", NOW)
        heard_of_later(scene, 3)
        with counted(scene.database) as said, scene.database.transaction() as transaction:
            outcomes.settle(
                transaction, Batch(subject_id=subject), settle_after=TEN_SECONDS, now=LATER
            )
        statements.append(len(said))
        with scene.database.session() as session:
            assert outbox.states(session, Batch(subject_id=subject)) == {"queued": copies}
    assert statements[0] == statements[1]


@contextmanager
def counted(database: Database) -> Iterator[list[str]]:
    """The statements that a database is told meanwhile."""
    said: list[str] = []

    def hear(*told: object) -> None:
        said.append(str(told[2]))

    sql_event.listen(database.engine, "before_cursor_execute", hear)
    yield said
    sql_event.remove(database.engine, "before_cursor_execute", hear)


def test_several_events_of_one_later_attempt_are_one_witness(scene: Scene, mail: UUID) -> None:
    """P4."""
    doubtful(scene, mail)
    subject = uuid4()
    others = queue(scene, loose_mails(3, subject_id=subject))
    later = claim(scene.database, Batch(subject_id=subject), now=NOW + SECOND)
    assert later
    tell(scene, *(event(other, later.attempt_id, "processed") for other in others))
    assert settle(scene, mail, NOW + ONE_HOUR) == "operator"


def test_events_of_earlier_attempts_prove_nothing(scene: Scene, mail: UUID) -> None:
    """P4."""
    for other in queue(scene, loose_mails(3)):
        earlier = must_claim(scene, other, NOW - SECOND)
        tell(scene, event(other, earlier.attempt_id, "delivered"))
    doubtful(scene, mail)
    assert settle(scene, mail, NOW + ONE_HOUR) == "operator"


def test_an_event_that_comes_after_all_stops_the_repetition(scene: Scene, mail: UUID) -> None:
    """P4: requeued on silence, then heard of before it was sent again."""
    attempt = doubtful(scene, mail)
    heard_of_later(scene, 3)
    assert settle(scene, mail, NOW + ONE_HOUR) == "queued"
    tell(scene, event(mail, attempt, "delivered"))
    assert scene.mail(mail).state == "delivered"
    assert claim(scene.database, Batch(mail_id=mail)) is None


def test_one_event_of_an_attempt_proves_all_its_copies(scene: Scene) -> None:
    """P4: a request is taken whole."""
    subject = uuid4()
    heard, silent = queue(scene, loose_mails(2, subject_id=subject))
    claimed = claim(scene.database, Batch(subject_id=subject))
    assert claimed
    with scene.database.transaction() as transaction:
        outcomes.doubt(transaction, claimed.attempt_id, "the line broke", NOW)
    tell(scene, event(heard, claimed.attempt_id, "bounce"))
    assert (scene.mail(heard).state, scene.mail(silent).state) == ("bounced", "accepted")


def test_ops_send_again_only_what_is_in_doubt(scene: Scene, mail: UUID) -> None:
    """P4."""

    def resent() -> bool:
        with scene.database.transaction() as transaction:
            return doubts.resend(transaction, mail, NOW)

    assert not resent()
    doubtful(scene, mail)
    assert settle(scene, mail, NOW + ONE_HOUR) == "operator"
    with scene.database.session() as session:
        assert [waiting.id for waiting in doubts.doubtful_mails(session)] == [mail]
    assert resent()
    assert not resent()
    assert scene.mail(mail).state == "queued"


def test_a_rejected_copy_takes_nobody_with_it(scene: Scene) -> None:
    """P4: the rest of its request did not go out, and is queued."""
    subject = uuid4()
    bad, good = queue(scene, loose_mails(2, subject_id=subject))
    claimed = claim(scene.database, Batch(subject_id=subject))
    assert claimed
    with scene.database.transaction() as transaction:
        outcomes.reject(transaction, claimed.attempt_id, [bad], "SendGrid answered 400", NOW)
    assert (scene.mail(bad).state, scene.mail(good).state) == ("rejected", "queued")
    with scene.database.session() as session:
        assert outbox.states(session, Batch(subject_id=subject)) == {"rejected": 1, "queued": 1}


# Events


def test_events_are_kept_once_and_those_of_strangers_dropped(scene: Scene, mail: UUID) -> None:
    attempt = must_claim(scene, mail).attempt_id
    delivered = event(mail, attempt, "delivered")
    stranger = event(uuid4(), uuid4(), "delivered")
    assert tell(scene, delivered, delivered, stranger) == 1
    assert tell(scene, delivered) == 0
    with scene.database.session() as session:
        assert len(session.exec(select(DeliveryEvent)).all()) == 1


@pytest.mark.parametrize("late", ["bounce", "dropped", "spamreport"])
def test_what_became_of_an_earlier_attempt_says_nothing_of_the_one_that_followed(
    scene: Scene, mail: UUID, late: str
) -> None:
    """P4: that went to another address perhaps, and reached somebody."""
    earlier = doubtful(scene, mail)
    heard_of_later(scene, 3)
    assert settle(scene, mail, NOW + ONE_HOUR) == "queued"
    attempt = must_claim(scene, mail, LATER).attempt_id
    tell(scene, event(mail, attempt, "delivered"))
    assert tell(scene, event(mail, earlier, late)) == 1
    assert scene.mail(mail).state == "delivered"


def test_that_an_earlier_attempt_was_delivered_proves_that_the_mail_went_out(
    scene: Scene, mail: UUID
) -> None:
    """P4: although it is in doubt again."""
    earlier = doubtful(scene, mail)
    heard_of_later(scene, 3)
    assert settle(scene, mail, NOW + ONE_HOUR) == "queued"
    must_claim(scene, mail, LATER)
    tell(scene, event(mail, earlier, "delivered"))
    assert scene.mail(mail).state == "delivered"


def test_a_copy_that_was_kept_back_is_not_taken_for_sent_when_another_sender_thought_us_dead(
    scene: Scene,
) -> None:
    """P4: while we wrote the letter, the mails were put in doubt; one of them must not go out."""
    subject = uuid4()
    kept_back, sent = queue(scene, loose_mails(2, subject_id=subject))
    claimed = claim(scene.database, Batch(subject_id=subject))
    assert claimed
    with scene.database.transaction() as transaction:
        outcomes.doubt_abandoned(transaction, Batch(subject_id=subject), NOW)
    with scene.database.transaction() as transaction:
        outcomes.suppress(transaction, claimed.attempt_id, {kept_back: "came back"}, NOW)
        outcomes.accept(transaction, claimed.attempt_id, "request-1", NOW)
    assert (scene.mail(kept_back).state, scene.mail(sent).state) == ("suppressed", "accepted")
    with scene.database.session() as session:
        assert session.get_one(MailAttempt, claimed.attempt_id).copies == 1


@pytest.mark.slow
def test_events_of_many_large_attempts_are_taken_at_once(scene: Scene) -> None:
    """P4: together they have more copies than a statement may have values on PostgreSQL."""
    attempts, copies = [uuid4() for _ in range(70)], 1000
    first, *others = loose_mails(copies)
    queue(scene, [replace(first, shard=1), *others])
    with scene.database.transaction() as transaction:
        transaction.add_all(
            MailAttempt(id=each, copies=copies, started_at=NOW) for each in attempts
        )
        transaction.flush()
        transaction.execute(copy_of_every_mail_in_every_attempt())
        named = transaction.exec(
            select(OutboxMail.id, MailAttempt.id)
            .join(MailAttempt, col(MailAttempt.id) == col(OutboxMail.attempt_id))
            .where(OutboxMail.shard == 1)
        ).all()
    assert tell(scene, *(event(mail, attempt, "delivered") for mail, attempt in named)) == 70
    with scene.database.session() as session:
        states = outbox.states(session, Batch(step="copied"))
    assert states == {"delivered": 70, "accepted": 70 * (copies - 1)}


def copy_of_every_mail_in_every_attempt() -> Insert:
    """Made by the database: 70,000 mails are slow to bring there."""
    columns = {column.name: column for column in OutboxMail.__table__.columns}  # type: ignore[attr-defined]
    columns |= {
        "id": id_of_each(),
        "addressee_id": id_of_each(),
        "step": literal("copied"),
        "state": literal("sending"),
        "attempt_id": col(MailAttempt.id),
    }
    every = select(*columns.values()).select_from(OutboxMail).join(MailAttempt, true())
    return insert(OutboxMail).from_select(list(columns), every)


def test_an_event_before_the_answer_is_not_undone_by_it(scene: Scene, mail: UUID) -> None:
    """The webhook may overtake the response."""
    attempt = must_claim(scene, mail).attempt_id
    tell(scene, event(mail, attempt, "delivered"))
    with scene.database.transaction() as transaction:
        outcomes.accept(transaction, attempt, "provider-1", NOW + SECOND)
    assert (scene.mail(mail).state, scene.mail(mail).accepted_at) == ("delivered", NOW)


@pytest.mark.slow
@given(
    order=st.permutations(EVENTS),
    count=st.integers(1, len(EVENTS)),
    repeats=st.lists(st.integers(0, len(EVENTS) - 1), max_size=3),
)
@settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_the_order_and_repetition_of_events_change_nothing(
    scene: Scene, order: list[str], count: int, repeats: list[int]
) -> None:
    """P4: SendGrid sends them late, doubled and shuffled."""
    chosen = order[:count]
    shuffled = [*chosen, *(chosen[number % count] for number in repeats)]
    first, second = queue(scene, loose_mails(2))
    for mail, names in ((first, sorted(chosen)), (second, shuffled)):
        attempt = must_claim(scene, mail).attempt_id
        for name in names:
            tell(scene, event(mail, attempt, name))
    assert scene.mail(first).state == scene.mail(second).state != "sending"


# Campaigns


@pytest.fixture
def campaign(scene: Scene) -> UUID:
    """A frozen campaign that owes Alice and Bob their notices."""
    scene.import_accounts(ALICE, BOB)
    campaign_id = scene.campaign()
    freezing.freeze_audience(scene.database, campaign_id, NOW)
    return campaign_id


def stop(scene: Scene, campaign_id: UUID, state: str) -> None:
    with scene.database.transaction() as transaction:
        transaction.get_one(Campaign, campaign_id).state = state


@pytest.mark.parametrize("decision", list(Decision))
def test_an_answer_a_moment_before_the_claim_stops_the_reminder(
    scene: Scene, campaign: UUID, decision: Decision
) -> None:
    """P5: a decision stops the reminders, those too that are queued already."""
    assert len(scene.queue_step(campaign, "reminder_1")) == 2
    scene.decide(ALICE, decision)
    claimed = claim(scene.database, Batch(subject_id=campaign, step="reminder_1"))
    assert claimed
    (mail,) = mails_of(scene.database, claimed.attempt_id)
    assert mail.addressee_id == scene.account(BOB.external_id).id
    with scene.database.session() as session:
        assert outbox.states(session, Batch(subject_id=campaign)) == {"cancelled": 1, "sending": 1}


def test_a_first_notice_is_owed_even_to_who_has_answered(scene: Scene, campaign: UUID) -> None:
    """P4: the notice is the legal act; only reminders are courtesy."""
    scene.queue_step(campaign)
    scene.decide(ALICE, DECLINED)
    claimed = claim(scene.database, Batch(subject_id=campaign))
    assert claimed
    assert claimed.copies == 2


@pytest.mark.parametrize("state", ["paused", "withdrawn", "finished"])
def test_a_campaign_that_does_not_run_sends_nothing(
    scene: Scene, campaign: UUID, state: str
) -> None:
    """P8: read in the claim itself, so it works at once; and what is queued is kept."""
    scene.queue_step(campaign)
    stop(scene, campaign, state)
    assert claim(scene.database, Batch(subject_id=campaign)) is None
    stop(scene, campaign, "running")
    assert claim(scene.database, Batch(subject_id=campaign))


def test_a_link_asked_for_again_goes_out_after_the_campaign(scene: Scene, campaign: UUID) -> None:
    """P5: who asks for their link gets it, however late."""
    again = outbox.Queued(
        subject_kind=outbox.CAMPAIGN,
        subject_id=campaign,
        addressee_kind=outbox.ACCOUNT,
        addressee_id=scene.account(ALICE.external_id).id,
        step=f"{outbox.LINK_AGAIN}_2026-05-01",
        template="approval_link_again",
        variant=uuid4(),
    )
    (mail,) = queue(scene, [again])
    stop(scene, campaign, "finished")
    assert must_claim(scene, mail).copies == 1


def test_a_reminder_that_waited_until_the_effect_goes_to_nobody(
    scene: Scene, campaign: UUID
) -> None:
    """P5: there is nothing to remind of any more; what was owed, the first notice, still goes."""
    owed = scene.queue_step(campaign)
    reminders = scene.queue_step(campaign, "reminder_1")
    with scene.database.transaction() as transaction:
        version_id = transaction.get_one(Campaign, campaign).policy_version_id
        transaction.get_one(PolicyVersion, version_id).effective_at = LATER
    early = claim(scene.database, Batch(mail_id=reminders[0]), now=LATER - SECOND)
    assert early
    assert claim(scene.database, Batch(mail_id=reminders[1]), now=LATER) is None
    assert scene.mail(reminders[1]).state == "cancelled"
    assert must_claim(scene, owed[0], LATER)


def test_escalations_to_staff_go_out_whatever_the_campaign_does(
    scene: Scene, campaign: UUID
) -> None:
    mail = outbox.Queued(
        subject_kind=outbox.CAMPAIGN,
        subject_id=campaign,
        addressee_kind=outbox.STAFF,
        addressee_id=scene.staff["lena"],
        step="escalation_owner",
        template="campaign_escalation",
        variant=campaign,
    )
    (queued,) = queue(scene, [mail])
    stop(scene, campaign, "paused")
    assert must_claim(scene, queued)


def test_a_notice_sent_again_by_ops_gets_a_delivery_of_its_own_once_its_step_is_taken(
    scene: Scene, campaign: UUID
) -> None:
    """P4: while the step is being sent, the campaign itself looks after it."""
    (alice, _) = scene.queue_step(campaign)
    doubtful(scene, alice)
    settle(scene, alice, NOW + ONE_HOUR)
    with scene.database.transaction() as transaction:
        assert doubts.resend(transaction, alice, NOW)
        assert outbox.steps_without_sender(transaction) == []
        campaigns.take_step(transaction, campaign, "first_notice", due_at=NOW, now=NOW)
        transaction.flush()
        assert outbox.steps_without_sender(transaction) == [(campaign, "first_notice")]
        assert outbox.without_sender(transaction) == []


def test_ops_cannot_send_for_a_campaign_that_stopped(scene: Scene, campaign: UUID) -> None:
    """P8: it would wait for ever, or go out against the withdrawal."""
    (alice, _) = scene.queue_step(campaign)
    doubtful(scene, alice)
    stop(scene, campaign, "withdrawn")
    with scene.database.transaction() as transaction:
        assert not doubts.resend(transaction, alice, NOW)
    assert scene.mail(alice).state == "unknown"


@pytest.mark.parametrize("why", ["answered", "in effect"])
def test_ops_cannot_send_a_first_notice_that_comes_too_late(
    scene: Scene, campaign: UUID, why: str
) -> None:
    """P4: it would announce what is past, or ask who has answered; they stay on the list."""
    mails = scene.queue_step(campaign)
    for mail in mails:
        doubtful(scene, mail)
        assert settle(scene, mail, NOW + ONE_HOUR) == "operator"
    if why == "answered":
        scene.decide(ALICE, APPROVED)
        scene.decide(BOB, APPROVED)
    with scene.database.transaction() as transaction:
        version_id = transaction.get_one(Campaign, campaign).policy_version_id
        in_effect = LATER if why == "in effect" else LATER + ONE_HOUR
        transaction.get_one(PolicyVersion, version_id).effective_at = in_effect
        (group,) = doubts.doubts(transaction)
        assert not doubts.resend(transaction, mails[0], LATER)
        assert not doubts.resend_some(transaction, group, scene.staff["omar"], LATER)
    assert {scene.mail(mail).state for mail in mails} == {"operator"}


def test_the_mails_of_an_answered_request_get_a_delivery_of_their_own(scene: Scene) -> None:
    """P22: its workflow may have ended, or been terminated, before the answer went out."""
    request = scene.request("dora@example.org")
    with scene.database.transaction() as transaction:
        assert outbox.without_sender(transaction) == []
        transaction.get_one(DataSubjectRequest, request.id).answered_at = NOW
        transaction.flush()
        assert len(outbox.without_sender(transaction)) == 1
