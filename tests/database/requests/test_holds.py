"""Nothing is erased under a legal hold, and what waited for its release is not forgotten (P13)."""

from collections.abc import Callable
from contextlib import closing
from datetime import date
from functools import partial
from uuid import UUID, uuid4

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlmodel import Session, col, select

from database.engine import Database
from database.people.accounts import AccountRow
from database.requests import answering, deferred_erasures, holds
from database.requests.answering import Answer
from database.requests.deferred_erasures import NotToErase
from database.requests.holds import HoldRefused
from database.requests.identity import verify_identity
from database.requests.requested_rights import rights_of
from database.requests.sendable import DecisionRefused
from database.requests.standing_holds import standing_on
from database.tables import (
    DataSubjectRequest,
    DeferredErasure,
    Fact,
    LegalHold,
    RequestDecision,
    RequestedRight,
)
from domain.company import OfficeHours
from domain.requests.data_subject_requests import Ground, Kind, Outcome, RightState, State
from domain.requests.legal_holds import EVERYWHERE
from tests.answers import IN_FULL, INVOICES, REFUSAL
from tests.in_two_processes import meet, side_by_side
from tests.people import ALICE, BOB
from tests.scene import NOW, ONE_HOUR, Scene

SECRET = "Abel ./. Fernhill, the claim of 3 February"
BERLIN = OfficeHours(time_zone="Europe/Berlin", country="DE")
ERASED = Answer(outcome=Outcome.FULFILLED, explanation="We have erased your data.")
UNDER_HOLD = Answer(
    outcome=Outcome.PARTIAL,
    ground=Ground.LEGAL_MATTERS,
    explanation="We keep what legal claims need, and erase it afterwards.",
    evidence="the hold that legal placed",
)


@pytest.fixture
def request_made(scene: Scene) -> DataSubjectRequest:
    """Alice asks for erasure and a copy, and shows who she is."""
    scene.import_accounts(ALICE, BOB)
    return made(scene, ALICE)


def made(scene: Scene, who: AccountRow) -> DataSubjectRequest:
    request = scene.request(who.email, kinds=("erasure", "access"))
    with scene.database.transaction() as transaction:
        row = transaction.get_one(DataSubjectRequest, request.id)
        verify_identity(transaction, row, how="link", now=NOW)
        return row


def place(
    scene: Scene, who: AccountRow = ALICE, *, source: str = EVERYWHERE, reason: str = SECRET
) -> UUID:
    with scene.database.transaction() as transaction:
        return holds.place(
            transaction,
            scene.account(who.external_id).id,
            reason=reason,
            source=source,
            staff_id=scene.staff["lena"],
            now=NOW,
        ).hold_id


def release(scene: Scene, hold_id: UUID, *, by: str = "petra", reason: str = "Settled.") -> None:
    with scene.database.transaction() as transaction:
        holds.release(
            transaction,
            hold_id,
            reason=reason,
            staff_id=scene.staff[by],
            office=BERLIN,
            now=NOW + ONE_HOUR,
        )


def decide(
    scene: Scene, request: DataSubjectRequest, answer: Answer, kind: Kind = Kind.ERASURE
) -> None:
    """Petra decides, and Paul agrees where it takes two."""
    with scene.database.transaction() as transaction:
        row = transaction.get_one(DataSubjectRequest, request.id)
        decision = answering.propose_decision(
            transaction, row, answer, kind=kind, decided_by=scene.staff["petra"], now=NOW
        )
        transaction.flush()
        answering.apply_decision(transaction, row, decision.id, NOW)
        if answer.ground:
            answering.confirm_decision(
                transaction, row, decision.id, staff_id=scene.staff["paul"], now=NOW
            )


def answer_all(scene: Scene, request: DataSubjectRequest, answer: Answer = UNDER_HOLD) -> None:
    """The erasure like this, and the copy in full."""
    decide(scene, request, answer)
    decide(scene, request, IN_FULL, Kind.ACCESS)


def erasure(scene: Scene, request: DataSubjectRequest) -> RequestedRight:
    with scene.database.session() as session:
        (right,) = [one for one in rights_of(session, request.id) if one.kind == Kind.ERASURE]
        return right


def deferred(scene: Scene, request: DataSubjectRequest) -> DeferredErasure | None:
    with scene.database.session() as session:
        return deferred_erasures.erasure_of(session, request.id)


def to_be_done(scene: Scene) -> list[UUID]:
    with scene.database.session() as session:
        return [request.id for _, request in deferred_erasures.to_be_done(session)]


def note_erased(scene: Scene, request: DataSubjectRequest) -> None:
    with scene.database.transaction() as transaction:
        row = transaction.get_one(DataSubjectRequest, request.id)
        deferred_erasures.note_erased(transaction, row, staff_id=scene.staff["petra"], now=NOW)


@pytest.mark.parametrize("source", [EVERYWHERE, "fernhill-database"])
@pytest.mark.parametrize("answer", [ERASED, INVOICES])
def test_while_one_stands_an_erasure_is_not_done_and_staff_read_what_to_choose(
    scene: Scene, request_made: DataSubjectRequest, source: str, answer: Answer
) -> None:
    """P13: not whole, and not in part on another ground."""
    place(scene, source=source)
    with pytest.raises(DecisionRefused, match="Choose partial or refused"):
        decide(scene, request_made, answer)
    decide(scene, request_made, UNDER_HOLD)
    assert erasure(scene, request_made).outcome == Outcome.PARTIAL


def test_a_hold_on_somebody_else_stands_against_nothing(
    scene: Scene, request_made: DataSubjectRequest
) -> None:
    """P13."""
    place(scene, BOB)
    answer_all(scene, request_made, ERASED)
    assert deferred(scene, request_made) is None


def test_what_was_decided_and_not_answered_is_open_again_when_one_comes(
    scene: Scene, request_made: DataSubjectRequest
) -> None:
    """P13: the copy is decided as before, and the answer waits for the new decision."""
    decide(scene, request_made, ERASED)
    place(scene)
    assert erasure(scene, request_made).state == RightState.OPEN
    decide(scene, request_made, IN_FULL, Kind.ACCESS)
    with scene.database.session() as session:
        assert session.get_one(DataSubjectRequest, request_made.id).answered_at is None
        reopened = session.exec(select(Fact).where(Fact.kind == "request.right_reopened")).one()
    assert reopened.payload["right"] == "erasure"
    decide(scene, request_made, UNDER_HOLD)
    assert deferred(scene, request_made) is not None


def test_what_waits_for_a_second_person_is_open_again_too(scene: Scene) -> None:
    """P13, P20: nobody confirms an answer that is wrong meanwhile."""
    scene.import_accounts(ALICE)
    request = scene.request(ALICE.email, kinds=("erasure",))
    with scene.database.transaction() as transaction:
        row = transaction.get_one(DataSubjectRequest, request.id)
        verify_identity(transaction, row, how="link", now=NOW)
        petra = scene.staff["petra"]
        decision = answering.propose_decision(transaction, row, INVOICES, decided_by=petra, now=NOW)
        transaction.flush()
        answering.apply_decision(transaction, row, decision.id, NOW)
        assert row.state == State.REVIEW
    place(scene)
    assert erasure(scene, request).state == RightState.OPEN
    with scene.database.session() as session:
        assert session.get_one(DataSubjectRequest, request.id).state == State.WORK


def test_the_release_of_the_last_one_wakes_the_erasure_for_a_working_week(
    scene: Scene, request_made: DataSubjectRequest
) -> None:
    """P13: answered in time, remembered, and done once nothing stands against it."""
    first, second = place(scene), place(scene, source="fernhill-database")
    answer_all(scene, request_made)
    waiting = deferred(scene, request_made)
    assert waiting is not None
    assert (waiting.released_at, waiting.due_on) == (None, None)
    release(scene, first)
    assert to_be_done(scene) == []
    release(scene, second)
    woken = deferred(scene, request_made)
    assert woken is not None
    assert (woken.released_at, woken.due_on) == (NOW + ONE_HOUR, date(2026, 3, 9))
    assert to_be_done(scene) == [request_made.id]
    note_erased(scene, request_made)
    assert to_be_done(scene) == []
    with pytest.raises(NotToErase):
        note_erased(scene, request_made)
    with scene.database.session() as session:
        facts = [fact.kind for fact in session.exec(select(Fact)) if "erasure." in fact.kind]
    assert facts == ["erasure.deferred", "erasure.woken", "erasure.done"]


def test_a_refusal_for_the_sake_of_one_is_remembered_and_one_on_another_ground_is_not(
    scene: Scene, request_made: DataSubjectRequest
) -> None:
    """P13, P20: what need not be erased without a hold either does not wake."""
    place(scene)
    answer_all(
        scene,
        request_made,
        Answer(
            outcome=Outcome.REFUSED,
            ground=Ground.CONDITIONS_NOT_MET,
            explanation="Your contract runs on.",
            evidence="contract 7",
        ),
    )
    assert deferred(scene, request_made) is None
    later = made(scene, ALICE)
    answer_all(
        scene,
        later,
        Answer(
            outcome=Outcome.REFUSED,
            ground=Ground.LEGAL_MATTERS,
            explanation="Legal claims need it.",
            evidence="the hold",
        ),
    )
    assert deferred(scene, later) is not None


def test_released_before_the_answer_the_erasure_is_decided_again(
    scene: Scene, request_made: DataSubjectRequest
) -> None:
    """P13: nobody is told of a hold that is gone."""
    hold_id = place(scene)
    decide(scene, request_made, UNDER_HOLD)
    release(scene, hold_id)
    assert erasure(scene, request_made).state == RightState.OPEN
    answer_all(scene, request_made, ERASED)
    assert deferred(scene, request_made) is None


def test_a_new_one_puts_back_what_was_woken(scene: Scene, request_made: DataSubjectRequest) -> None:
    """P13."""
    hold_id = place(scene)
    answer_all(scene, request_made)
    release(scene, hold_id)
    again = place(scene)
    assert to_be_done(scene) == []
    with pytest.raises(NotToErase, match="a legal hold stands"):
        note_erased(scene, request_made)
    release(scene, again)
    assert to_be_done(scene) == [request_made.id]


def test_it_takes_a_reason_and_a_second_person(scene: Scene) -> None:
    """P13, P30: nobody releases their own."""
    scene.import_accounts(ALICE)
    with pytest.raises(HoldRefused, match="what the hold is about"):
        place(scene, reason=" ")
    hold_id = place(scene)
    with pytest.raises(HoldRefused, match="stands already"):
        place(scene)
    with pytest.raises(HoldRefused, match="a second person"):
        release(scene, hold_id, by="lena")
    with pytest.raises(HoldRefused, match="why the hold ends"):
        release(scene, hold_id, reason="\n")
    release(scene, hold_id, by="noor")
    for gone in (hold_id, uuid4()):
        with pytest.raises(HoldRefused, match="no such hold"):
            release(scene, gone)
    with scene.database.session() as session:
        row = session.get_one(LegalHold, hold_id)
    assert (row.released_by, row.keeps_our_records) == (scene.staff["noor"], False)


def test_no_fact_says_what_it_is_about(scene: Scene, request_made: DataSubjectRequest) -> None:
    """P31, P33: that stays in its row."""
    hold_id = place(scene)
    answer_all(scene, request_made)
    release(scene, hold_id, reason="The claim of Abel is settled.")
    with scene.database.session() as session:
        facts = session.exec(select(Fact)).all()
    assert {"hold.placed", "hold.released"} <= {fact.kind for fact in facts}
    assert not [fact for fact in facts if "Abel" in str(fact.payload)]


def try_each(url: str, act: Callable[[Session, UUID], object], subjects: list[UUID]) -> None:
    """Do it to one subject after the other, each at the same moment as somebody else."""
    with closing(Database(url)) as database:
        for subject in subjects:
            meet()
            try:
                with database.transaction() as transaction:
                    act(transaction, subject)
            except (DecisionRefused, HoldRefused):
                continue


def apply_erasure(transaction: Session, subject: UUID) -> None:
    request = transaction.get_one(DataSubjectRequest, subject)
    proposed = transaction.exec(
        select(RequestDecision.id)
        .join(RequestedRight, col(RequestedRight.id) == col(RequestDecision.right_id))
        .where(RequestedRight.request_id == subject)
    ).one()
    answering.apply_decision(transaction, request, proposed, NOW)


def place_on_its_account(staff_id: UUID, transaction: Session, subject: UUID) -> None:
    account_id = transaction.get_one(DataSubjectRequest, subject).account_id
    assert account_id is not None
    holds.place(
        transaction, account_id, reason=SECRET, source=EVERYWHERE, staff_id=staff_id, now=NOW
    )


@pytest.mark.slow
def test_a_hold_and_a_decision_at_the_same_moment_never_pass_each_other(scene: Scene) -> None:
    """P13: the decision is refused, or the hold opens it again."""
    people = [
        AccountRow(external_id=f"r-{number}", email=f"r{number}@people.example", name="Rosa")
        for number in range(15)
    ]
    scene.import_accounts(*people)
    subjects = [made(scene, who).id for who in people]
    with scene.database.transaction() as transaction:
        for subject in subjects:
            request = transaction.get_one(DataSubjectRequest, subject)
            petra = scene.staff["petra"]
            answering.propose_decision(
                transaction, request, ERASED, kind=Kind.ERASURE, decided_by=petra, now=NOW
            )
    url, place_one = scene.database.url, partial(place_on_its_account, scene.staff["lena"])
    side_by_side(
        partial(try_each, url, apply_erasure, subjects), partial(try_each, url, place_one, subjects)
    )
    with scene.database.session() as session:
        assert len(session.exec(select(LegalHold)).all()) == len(subjects)
        rights = session.exec(select(RequestedRight).where(RequestedRight.kind == "erasure")).all()
    assert {right.state for right in rights} == {RightState.OPEN}


ACTS = ("place", "release", "erased", "invoices", "under hold", "refused", "copy", "note erased")


@given(acts=st.lists(st.tuples(st.sampled_from(ACTS), st.integers(0, 1)), max_size=14))
@settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_whatever_the_order_no_erasure_is_fulfilled_under_a_hold(
    scene: Scene, acts: list[tuple[str, int]]
) -> None:
    """P13: and each that was answered for a hold's sake is to be done when none stands."""
    who = AccountRow(external_id=f"e-{uuid4()}", email=f"{uuid4()}@people.example", name="Eve")
    scene.import_accounts(who)
    account_id = scene.account(who.external_id).id
    request = made(scene, who)
    placed: list[UUID] = []
    for act, number in acts:
        answered_before = _is_answered(scene, request)
        _try(scene, act, number, who, request, placed)
        _look(scene, account_id, request, answered_before=answered_before)


def _try(
    scene: Scene,
    act: str,
    number: int,
    who: AccountRow,
    request: DataSubjectRequest,
    placed: list[UUID],
) -> None:
    answers = {
        "erased": ERASED,
        "invoices": INVOICES,
        "under hold": UNDER_HOLD,
        "refused": Answer(
            outcome=Outcome.REFUSED,
            ground=Ground.CONDITIONS_NOT_MET,
            explanation="Your contract runs on.",
            evidence="contract 7",
        ),
    }
    try:
        match act:
            case "place":
                placed.append(place(scene, who, source=("", "fernhill-database")[number]))
            case "release":
                if placed:
                    release(scene, placed.pop(number % len(placed)))
            case "copy":
                decide(scene, request, (IN_FULL, REFUSAL)[number], Kind.ACCESS)
            case "note erased":
                note_erased(scene, request)
            case _:
                decide(scene, request, answers[act])
    except (DecisionRefused, HoldRefused, NotToErase):
        return


def _is_answered(scene: Scene, request: DataSubjectRequest) -> bool:
    with scene.database.session() as session:
        return session.get_one(DataSubjectRequest, request.id).answered_at is not None


def _look(
    scene: Scene, account_id: UUID, request: DataSubjectRequest, *, answered_before: bool
) -> None:
    right, waiting = erasure(scene, request), deferred(scene, request)
    with scene.database.session() as session:
        on_hold = bool(standing_on(session, account_id))
        decision = session.get(RequestDecision, right.decision_id) if right.decision_id else None
    for_its_sake = decision is not None and decision.ground == Ground.LEGAL_MATTERS
    if decision and not answered_before:
        erases = decision.outcome in {Outcome.FULFILLED, Outcome.PARTIAL} and not for_its_sake
        assert not (on_hold and erases)
        answered_now = _is_answered(scene, request)
        assert (waiting is not None) == (answered_now and on_hold and for_its_sake)
    if waiting and waiting.erased_at is None:
        assert (waiting.due_on is None) == on_hold
        assert (request.id in to_be_done(scene)) != on_hold
