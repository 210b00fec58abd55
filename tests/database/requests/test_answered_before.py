"""A request is refused as answered already only where one was, and the person reads which (P20)."""

from dataclasses import replace
from datetime import timedelta

import pytest

from activities.mail.done_words import ground_of
from database.people.accounts import account_by_external_id
from database.requests import answering, identity, requests
from database.requests.answered_before import NOT_ANSWERED_BEFORE, answered_before
from database.requests.answering import Answer
from database.requests.requested_rights import decisions_of, rights_of
from database.requests.sendable import DecisionRefused
from database.tables import DataSubjectRequest
from domain.company import Company
from domain.requests.data_subject_requests import Ground, Kind, Outcome
from settings import Settings
from tests.people import BOB, DORA
from tests.scene import NOW, Scene
from translations.catalogues import speak

A_WEEK = timedelta(days=7)
COMPANY: Company = Settings(_env_file=None).company
GIVEN = Answer(outcome=Outcome.FULFILLED, explanation="Here it is.", evidence="Handed over.")
AGAIN = Answer(
    outcome=Outcome.REFUSED,
    explanation="Nothing is new.",
    ground=Ground.ALREADY_ANSWERED,
    evidence="The answer of last week.",
)


@pytest.fixture(autouse=True)
def people(scene: Scene) -> None:
    scene.import_accounts(DORA, BOB)


def asks(
    scene: Scene, address: str, *kinds: str, weeks: int = 0, about: str = ""
) -> DataSubjectRequest:
    now = NOW + weeks * A_WEEK
    request = scene.request(address, kinds=kinds or ("access",), now=now, about=about)
    with scene.database.transaction() as transaction:
        row = transaction.get_one(DataSubjectRequest, request.id)
        requests.acknowledge(transaction, row, now)
        identity.verify_identity(transaction, row, how=identity.BY_LINK, now=now)
    return request


def decides(
    scene: Scene, request: DataSubjectRequest, answer: Answer, *, weeks: int = 0, kind: Kind
) -> None:
    """Petra decides, and Paul agrees where that takes two. Raises DecisionRefused."""
    now = NOW + weeks * A_WEEK
    with scene.database.transaction() as transaction:
        row = transaction.get_one(DataSubjectRequest, request.id)
        petra, paul = scene.staff["petra"], scene.staff["paul"]
        decision = answering.propose_decision(
            transaction, row, answer, kind=kind, decided_by=petra, now=now
        )
        transaction.flush()
        answering.apply_decision(transaction, row, decision.id, now)
        if answer.outcome is Outcome.REFUSED:
            answering.confirm_decision(transaction, row, decision.id, staff_id=paul, now=now)


def read_by_the_person(scene: Scene, request: DataSubjectRequest) -> str:
    with scene.database.session() as session:
        (right,) = rights_of(session, request.id)
        decision = decisions_of(session, [right])[right.id]
        english = speak("en")
        return ground_of(session, right, decision, english, COMPANY.zone)


def test_the_answer_names_the_earlier_one_and_its_day(scene: Scene) -> None:
    """P20, P22: the last that was really one, however often it was asked for since, and from
    whatever address."""
    first = asks(scene, DORA.email)
    decides(scene, first, GIVEN, kind=Kind.ACCESS)
    for weeks, address in ((1, DORA.email), (2, "dora@elsewhere.example")):
        again = asks(scene, address, weeks=weeks, about=DORA.email)
        decides(scene, again, AGAIN, weeks=weeks, kind=Kind.ACCESS)
        assert read_by_the_person(scene, again) == (
            "We have answered the same request before, and nothing has changed. "
            f"We answered it on 2 March 2026, as request {first.reference}."
        )


@pytest.mark.parametrize(
    ("address", "kind", "answer"),
    [
        (BOB.email, Kind.ACCESS, GIVEN),
        (DORA.email, Kind.INQUIRY, GIVEN),
        (DORA.email, Kind.ACCESS, None),
    ],
    ids=["somebody else's", "for another right", "not answered"],
)
def test_another_request_is_no_answer(
    scene: Scene, address: str, kind: Kind, answer: Answer | None
) -> None:
    """P20: only one of the same person for the same right counts, once it is answered."""
    before = asks(scene, address, kind)
    if answer is not None:
        decides(scene, before, answer, kind=kind)
    request = asks(scene, DORA.email, weeks=1)
    with pytest.raises(DecisionRefused) as refused:
        decides(scene, request, AGAIN, weeks=1, kind=Kind.ACCESS)
    assert str(refused.value) == NOT_ANSWERED_BEFORE


def test_one_that_was_answered_while_this_one_waited_counts(scene: Scene) -> None:
    """P20: and what is answered after the decision does not change which one is named."""
    first, later = asks(scene, DORA.email), asks(scene, DORA.email)
    again = asks(scene, DORA.email, weeks=1)
    decides(scene, first, GIVEN, weeks=2, kind=Kind.ACCESS)
    decides(scene, again, AGAIN, weeks=2, kind=Kind.ACCESS)
    decides(scene, later, GIVEN, weeks=3, kind=Kind.ACCESS)
    assert first.reference in read_by_the_person(scene, again)


def test_what_was_ended_unjudged_or_for_want_of_proof_is_no_answer(scene: Scene) -> None:
    """P19, P20."""
    spam = asks(scene, DORA.email)
    with scene.database.transaction() as transaction:
        row = transaction.get_one(DataSubjectRequest, spam.id)
        answering.set_aside(
            transaction,
            row,
            Outcome.SPAM,
            mail="request_ended",
            decided_by=scene.staff["petra"],
            confirmed_by=scene.staff["paul"],
            now=NOW,
        )
    unproved = scene.request(DORA.email)
    silent = Answer(outcome=Outcome.UNVERIFIED, explanation="You did not confirm it.")
    decides(scene, unproved, silent, kind=Kind.ACCESS)
    request = asks(scene, DORA.email, weeks=1)
    with pytest.raises(DecisionRefused, match="No earlier request of the same person"):
        decides(scene, request, AGAIN, weeks=1, kind=Kind.ACCESS)


def test_what_an_appeal_is_against_is_no_earlier_answer(scene: Scene) -> None:
    """P20: to appeal is not to ask the same again."""
    first = asks(scene, DORA.email)
    decides(scene, first, GIVEN, kind=Kind.ACCESS)
    appeal = asks(scene, DORA.email, weeks=1)
    with scene.database.transaction() as transaction:
        row = transaction.get_one(DataSubjectRequest, appeal.id)
        row.follows_id, row.is_appeal = first.id, True
        transaction.add(row)
        transaction.flush()
        (right,) = rights_of(transaction, row.id)
        assert answered_before(transaction, right, NOW + A_WEEK) is None


def test_the_answer_to_whoever_shares_a_mailbox_is_none(scene: Scene) -> None:
    """P19, P20: one of two at the same address is refused nothing because the other was answered,
    and reads nothing of it."""
    scene.import_accounts(replace(BOB, email=DORA.email))
    theirs, mine = asks(scene, DORA.email), asks(scene, DORA.email, weeks=1)
    decides(scene, theirs, GIVEN, kind=Kind.ACCESS)
    with scene.database.transaction() as transaction:
        for request, who in ((theirs, BOB), (mine, DORA)):
            row = transaction.get_one(DataSubjectRequest, request.id)
            row.account_id = account_by_external_id(transaction, who.external_id).id
            transaction.add(row)
        transaction.flush()
        (right,) = rights_of(transaction, mine.id)
        assert answered_before(transaction, right, NOW + A_WEEK) is None
