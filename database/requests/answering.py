"""What data-subject requests are answered: right by right, and sent when all are decided.

A decision is put forward, agreed to by a second person where it takes one, and may be replaced
until the answer goes out.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlmodel import Session

from database.facts import record
from database.requests import data_corrections, erasures
from database.requests.deferred_erasures import defer
from database.requests.identity import queue_answer
from database.requests.identity_checks import delete_evidence
from database.requests.packages import hand_over
from database.requests.requested_rights import decisions_of, reopen, rights_of
from database.requests.requests import record_breach
from database.requests.restrictions import restrict
from database.requests.sendable import (
    DecisionRefused,
    require_authority,
    require_fitting,
    require_heir,
    require_no_death,
    require_not_held,
    require_sendable,
)
from database.requests.source_tasks import drop_what_nobody_needs
from database.requests.standing_holds import bars_erasure
from database.tables import DataSubjectRequest, RequestDecision, RequestedRight
from database.webhooks.events import EventKind, tell_of_request
from database.writing import held, hold
from domain.people.restrictions import Reason
from domain.requests.data_corrections import outcome_refusal
from domain.requests.data_subject_requests import (
    GATED_KINDS,
    Ground,
    Kind,
    Outcome,
    RightState,
    State,
)
from domain.requests.decisions import DONE, needs_second_person, outcome_of
from domain.requests.ends import WORDS
from domain.requests.erasures import ErasureGround
from domain.requests.legal_holds import waits_for_release

ANSWERED_ALREADY = "This request is answered already, with another answer. Nothing was sent twice."
NOTHING_WAITS = "There is no answer that waits for a second person."
ANOTHER_WAITS = (
    "This is not the answer that waits: another one was put forward since. Nothing was sent. Read "
    "that one, and confirm it if you agree."
)
NO_ERASURE_GROUND = (
    "Choose why the data is to be erased: one of the four grounds of the policy; or that its "
    "holder is a minor, where somebody reported it. Nothing was changed."
)


@dataclass(frozen=True, kw_only=True)
class Answer:
    """What privacy staff want to answer to a right; `erasure_ground`: why data is to be erased."""

    outcome: Outcome
    explanation: str
    ground: Ground | None = None
    evidence: str | None = None
    erasure_ground: ErasureGround | None = None


def propose_decision(
    transaction: Session,
    request: DataSubjectRequest,
    answer: Answer,
    *,
    kind: Kind | None = None,
    decided_by: UUID,
    now: datetime,
) -> RequestDecision:
    """Write down an answer to one right before the workflow is asked to accept it.

    `kind` may be left out where a request asks for one right only. Raises DecisionRefused when
    it could not go out even with a second person's consent.
    """
    right = _right_meant(transaction, request, kind)
    decision = RequestDecision(
        right_id=right.id,
        outcome=answer.outcome,
        ground=answer.ground,
        explanation=answer.explanation.strip(),
        evidence=answer.evidence,
        erasure_ground=answer.erasure_ground,
        decided_by=decided_by,
        decided_at=now,
    )
    require_authority(transaction, right, decision)
    second = _some_second_person(decision)
    require_sendable(transaction, request, right, decision, confirmed_by=second, now=now)
    require_fitting(transaction, right, decision)
    transaction.add(decision)
    return decision


def require_what_is_to_be_done(
    session: Session, request: DataSubjectRequest, answer: Answer, kind: Kind | None
) -> None:
    """Nothing is erased without one of the grounds of the policy, nor corrected without a value
    that was shown to be wrong (P12, P13). Raises DecisionRefused."""
    rights = [one for one in rights_of(session, request.id) if kind in {None, one.kind}]
    if answer.outcome not in DONE or len(rights) != 1:
        return
    (right,) = rights
    if right.kind == Kind.ERASURE and answer.erasure_ground not in erasures.grounds_of(
        session, request
    ):
        raise DecisionRefused(NO_ERASURE_GROUND)
    shown = [claim.credible for claim in data_corrections.claims_of(session, right.id)]
    refusal = outcome_refusal(answer.outcome, answer.ground, shown)
    if right.kind == Kind.CORRECTION and refusal:
        raise DecisionRefused(refusal)


def decide_at_once(
    transaction: Session,
    request: DataSubjectRequest,
    kind: Kind,
    explanation: str,
    now: datetime,
    *,
    outcome: Outcome = Outcome.FULFILLED,
) -> None:
    """The machine has done what a right asks for, or the person wants it no more, and it says so:
    nothing stands against it, so nobody has to decide, and the record names nobody (P13, P15, P17).
    When it was the last right without a decision, the answer goes out.

    `explanation` is one of our sentences, which is translated where it is shown.
    """
    right = _right_meant(transaction, request, kind)
    decision = RequestDecision(
        right_id=right.id,
        outcome=outcome,
        explanation=explanation,
        decided_at=now,
        recorded_at=now,
    )
    transaction.add(decision)
    transaction.flush()
    _record(transaction, right, decision, now, by="machine")
    _stand(transaction, right, decision, RightState.DECIDED, now)
    answer_when_decided(transaction, request, now)


def set_aside(
    transaction: Session,
    request: DataSubjectRequest,
    outcome: Outcome,
    *,
    mail: str,
    decided_by: UUID | None,
    confirmed_by: UUID | None,
    now: datetime,
) -> None:
    """End a request that nobody judges: what is not decided yet ends with this outcome, and the
    answer, in the words of this mail, goes out. What is decided stays so.

    The request is held and not answered. `decided_by` is null where its person ended it.
    """
    for right in rights_of(transaction, request.id):
        if right.state == RightState.DECIDED:
            continue
        decision = RequestDecision(
            right_id=right.id,
            outcome=outcome,
            explanation=WORDS[outcome],
            decided_by=decided_by,
            decided_at=now,
            confirmed_by=confirmed_by,
            recorded_at=now,
        )
        transaction.add(decision)
        transaction.flush()
        _stand(transaction, right, decision, RightState.DECIDED, now)
    record(
        transaction,
        "request.set_aside",
        request.id,
        now,
        outcome=outcome,
        decided_by=decided_by,
        confirmed_by=confirmed_by,
    )
    _answer(transaction, request, rights_of(transaction, request.id), now, mail)


def apply_decision(
    transaction: Session, request: DataSubjectRequest, decision_id: UUID, now: datetime
) -> None:
    """Let a proposed answer to a right take effect, or put it before a second person (P20).

    When it was the last right without one, the answer goes out. Asking again for the same one
    changes nothing. Raises DecisionRefused when the request is answered, or when it could not go
    out any more.
    """
    hold(transaction, request)
    decision = held(transaction, RequestDecision, decision_id)
    if decision.recorded_at is not None:
        return
    if request.answered_at is not None:
        raise DecisionRefused(ANSWERED_ALREADY)
    right = held(transaction, RequestedRight, decision.right_id)
    second = _some_second_person(decision)
    require_authority(transaction, right, decision)
    require_sendable(transaction, request, right, decision, confirmed_by=second, now=now)
    decision.recorded_at = now
    transaction.add(decision)
    _record(
        transaction, right, decision, now, ground=decision.ground, decided_by=decision.decided_by
    )
    _stand(transaction, right, decision, RightState.REVIEW if second else RightState.DECIDED, now)
    answer_when_decided(transaction, request, now)


def confirm_decision(
    transaction: Session,
    request: DataSubjectRequest,
    decision_id: UUID,
    *,
    staff_id: UUID,
    now: datetime,
) -> None:
    """A second person agrees to the refusal or partial answer they read (P20).

    When it was the last right without a decision in effect, the answer goes out. Asking again for
    one that is in effect changes nothing. Raises DecisionRefused when another answer was put
    forward meanwhile, or by the one who decided.
    """
    hold(transaction, request)
    right, decision = _read_by_second_person(transaction, request, decision_id)
    if right.state == RightState.DECIDED:
        return
    require_authority(transaction, right, decision)
    require_sendable(transaction, request, right, decision, confirmed_by=staff_id, now=now)
    decision.confirmed_by = staff_id
    transaction.add(decision)
    record(
        transaction,
        "request.confirmed",
        request.id,
        now,
        right=right.kind,
        decision=decision.id,
        confirmed_by=staff_id,
    )
    _stand(transaction, right, decision, RightState.DECIDED, now)
    answer_when_decided(transaction, request, now)


def _right_meant(
    session: Session, request: DataSubjectRequest, kind: Kind | None
) -> RequestedRight:
    rights = {Kind(right.kind): right for right in rights_of(session, request.id)}
    if kind is None and len(rights) == 1:
        return next(iter(rights.values()))
    if kind is None:
        raise DecisionRefused(
            "This request asks for several rights, and each gets an answer of its own. Say which "
            f"one you answer: {', '.join(rights)}."
        )
    if kind not in rights:
        raise DecisionRefused(
            f"This request does not ask for {kind}. It asks for {', '.join(rights)}."
        )
    return rights[kind]


def _read_by_second_person(
    transaction: Session, request: DataSubjectRequest, decision_id: UUID
) -> tuple[RequestedRight, RequestDecision]:
    """The right whose decision this is, in effect or waiting, with that decision."""
    rights = rights_of(transaction, request.id)
    right = next((right for right in rights if right.decision_id == decision_id), None)
    if right is not None:
        return right, held(transaction, RequestDecision, decision_id)
    if request.answered_at is not None:
        raise DecisionRefused(ANSWERED_ALREADY)
    waits = any(right.state == RightState.REVIEW for right in rights)
    raise DecisionRefused(ANOTHER_WAITS if waits else NOTHING_WAITS)


def _stand(
    transaction: Session,
    right: RequestedRight,
    decision: RequestDecision,
    state: RightState,
    now: datetime,
) -> None:
    in_effect = state is RightState.DECIDED
    right.state = state
    right.decision_id = decision.id
    right.outcome = decision.outcome if in_effect else None
    right.decided_at = now if in_effect else None
    transaction.add(right)
    if in_effect and decision.outcome in DONE:
        _carry_out(transaction, right, decision, now)
    else:
        erasures.take_back(transaction, right.id)


def _carry_out(
    transaction: Session, right: RequestedRight, decision: RequestDecision, now: datetime
) -> None:
    """What is granted begins with the decision, and not only once the answer is out."""
    if right.kind == Kind.RESTRICTION:
        _restrict(transaction, right, decision, now)
    elif right.kind == Kind.CORRECTION:
        data_corrections.begin(transaction, right, now)
    elif decision.erasure_ground:
        request = transaction.get_one(DataSubjectRequest, right.request_id)
        erasures.grant(transaction, request, right, ErasureGround(decision.erasure_ground), now)


def _restrict(
    transaction: Session, right: RequestedRight, decision: RequestDecision, now: datetime
) -> None:
    """The account is restricted (P14)."""
    request = transaction.get_one(DataSubjectRequest, right.request_id)
    restrict(
        transaction,
        [request.account_id] if request.account_id else [],
        Reason.REQUESTED,
        now=now,
        staff_id=decision.confirmed_by or decision.decided_by,
        request_id=request.id,
    )


def answer_when_decided(transaction: Session, request: DataSubjectRequest, now: datetime) -> None:
    """Send the answer, once every right is decided and what was granted is done. It is held."""
    rights = rights_of(transaction, request.id)
    states = {right.state for right in rights}
    if states == {RightState.DECIDED} and _is_being_done(transaction, request):
        request.state = State.WORK
        transaction.add(request)
    elif states == {RightState.DECIDED}:
        _answer(transaction, request, rights, now)
    elif RightState.OPEN not in states:
        request.state = State.REVIEW
        transaction.add(request)


def correction_is_done(
    transaction: Session, request: DataSubjectRequest, right: RequestedRight, now: datetime
) -> None:
    """Every source has put right what was to be, or people gave it up somewhere: then what was
    decided as fulfilled is decided again (P12). The request is held, and not answered."""
    if right.outcome == Outcome.FULFILLED and data_corrections.given_up(transaction, right):
        reopen(transaction, right, now)
        request.state = State.WORK
        transaction.add(request)
    else:
        answer_when_decided(transaction, request, now)


def _is_being_done(session: Session, request: DataSubjectRequest) -> bool:
    """Whether something that was granted is still to be done at a source."""
    return erasures.is_under_way(session, request.id) or data_corrections.is_under_way(
        session, request.id
    )


def _answer(
    transaction: Session,
    request: DataSubjectRequest,
    rights: Sequence[RequestedRight],
    now: datetime,
    mail: str = "request_answer",
) -> None:
    if any(right.kind in GATED_KINDS and right.outcome in DONE for right in rights):
        require_not_held(request, now)
        require_no_death(transaction, request)
        require_heir(transaction, request)
    record_breach(transaction, request, now)
    _defer_what_is_held_back(transaction, request, rights, now)
    request.state = State.ANSWERED
    request.outcome = outcome_of(Outcome(right.outcome) for right in rights if right.outcome)
    request.answered_at = now
    transaction.add(request)
    hand_over(transaction, request, now)
    queue_answer(transaction, request, now, mail)
    delete_evidence(transaction, request, now)
    drop_what_nobody_needs(transaction, request, now)
    tell_of_request(transaction, EventKind.REQUEST_ANSWERED, request.id, now)
    record(
        transaction,
        "request.answered",
        request.id,
        now,
        outcome=request.outcome,
        decisions=[right.decision_id for right in rights],
        in_time=now < request.due_at,
    )


def _defer_what_is_held_back(
    transaction: Session,
    request: DataSubjectRequest,
    rights: Sequence[RequestedRight],
    now: datetime,
) -> None:
    """What is answered for the sake of a hold is done when it is released (P13)."""
    decisions = decisions_of(transaction, rights)
    for right in rights:
        decision = decisions[right.id]
        ground = Ground(decision.ground) if decision.ground else None
        held_back = waits_for_release(Kind(right.kind), Outcome(decision.outcome), ground)
        if held_back and bars_erasure(transaction, request):
            defer(transaction, right, now)


def _record(
    transaction: Session,
    right: RequestedRight,
    decision: RequestDecision,
    now: datetime,
    **by: object,
) -> None:
    record(
        transaction,
        "request.decided",
        right.request_id,
        now,
        right=right.kind,
        decision=decision.id,
        outcome=decision.outcome,
        **by,
    )


def _some_second_person(decision: RequestDecision) -> UUID | None:
    """Stands for whoever will agree, while nobody has yet; None where nobody need."""
    return UUID(int=0) if needs_second_person(Outcome(decision.outcome)) else None
