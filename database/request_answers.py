"""What a data-subject request is answered: put forward, agreed to by a second person, sent out."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlmodel import Session, col, select

from database.facts import record
from database.requests import queue_for_requester, record_breach
from database.tables import DataSubjectRequest, RequestDecision
from database.writing import held, hold
from domain.data_subject_requests import (
    Ground,
    Kind,
    Outcome,
    State,
    decision_refusal,
    needs_second_person,
)

ANSWERED_ALREADY = "This request is answered already, with another answer. Nothing was sent twice."


class DecisionRefused(Exception):
    """An answer cannot go out like this; nothing changed."""


@dataclass(frozen=True, kw_only=True)
class Answer:
    """What privacy staff want to answer."""

    outcome: Outcome
    explanation: str
    ground: Ground | None = None
    evidence: str | None = None


def propose_decision(
    transaction: Session,
    request: DataSubjectRequest,
    answer: Answer,
    *,
    decided_by: UUID,
    now: datetime,
) -> RequestDecision:
    """Write down an answer before the workflow is asked to accept it.

    Raises DecisionRefused when it could not go out even with a second person's consent.
    """
    decision = RequestDecision(
        request_id=request.id,
        outcome=answer.outcome,
        ground=answer.ground,
        explanation=answer.explanation.strip(),
        evidence=answer.evidence,
        decided_by=decided_by,
        decided_at=now,
    )
    second = needs_second_person(answer.outcome)
    refusal = _refusal(request, decision, confirmed_by=UUID(int=0) if second else None)
    if refusal:
        raise DecisionRefused(refusal)
    transaction.add(decision)
    return decision


def pending_decision(session: Session, request_id: UUID) -> RequestDecision | None:
    """The answer that took effect last: in review it waits for a second person."""
    return session.exec(
        select(RequestDecision)
        .where(
            RequestDecision.request_id == request_id,
            col(RequestDecision.recorded_at).is_not(None),
        )
        .order_by(col(RequestDecision.recorded_at).desc(), col(RequestDecision.decided_at).desc())
    ).first()


def apply_decision(
    transaction: Session, request: DataSubjectRequest, decision_id: UUID, now: datetime
) -> None:
    """Let a proposed answer take effect: send it, or put it before a second person (P20).

    Asking again for the same one changes nothing. Raises DecisionRefused when another one was
    faster, or when it could not go out any more.
    """
    hold(transaction, request)
    decision = held(transaction, RequestDecision, decision_id)
    if decision.recorded_at is not None:
        return
    if request.answered_at is not None:
        raise DecisionRefused(ANSWERED_ALREADY)
    second = needs_second_person(Outcome(decision.outcome))
    refusal = _refusal(request, decision, confirmed_by=UUID(int=0) if second else None)
    if refusal:
        raise DecisionRefused(refusal)
    decision.recorded_at = now
    transaction.add(decision)
    record(
        transaction,
        "request.decided",
        request.id,
        now,
        decision=decision.id,
        outcome=decision.outcome,
        ground=decision.ground,
        decided_by=decision.decided_by,
    )
    if second:
        request.state = State.REVIEW
        transaction.add(request)
    else:
        _answer(transaction, request, decision, now)


def confirm_decision(
    transaction: Session,
    request: DataSubjectRequest,
    decision_id: UUID,
    *,
    staff_id: UUID,
    now: datetime,
) -> None:
    """A second person agrees to the refusal or partial answer they read, and it goes out (P20).

    Asking again for the one that went out changes nothing. Raises DecisionRefused when another
    answer was put forward meanwhile, or by the one who decided.
    """
    hold(transaction, request)
    if request.answered_at is not None:
        if request.decision_id != decision_id:
            raise DecisionRefused(ANSWERED_ALREADY)
        return
    decision = pending_decision(transaction, request.id)
    if decision is None:
        raise DecisionRefused("There is no answer that waits for a second person.")
    if decision.id != decision_id:
        raise DecisionRefused(
            "This is not the answer that waits: another one was put forward since. Nothing was "
            "sent. Read that one, and confirm it if you agree."
        )
    refusal = _refusal(request, decision, confirmed_by=staff_id)
    if refusal:
        raise DecisionRefused(refusal)
    decision.confirmed_by = staff_id
    transaction.add(decision)
    _answer(transaction, request, decision, now)


def _answer(
    transaction: Session, request: DataSubjectRequest, decision: RequestDecision, now: datetime
) -> None:
    record_breach(transaction, request, now)
    request.state = State.ANSWERED
    request.outcome = decision.outcome
    request.decision_id = decision.id
    request.answered_at = now
    transaction.add(request)
    queue_for_requester(transaction, request, step="answer", template="request_answer", now=now)
    record(
        transaction,
        "request.answered",
        request.id,
        now,
        decision=decision.id,
        outcome=decision.outcome,
        confirmed_by=decision.confirmed_by,
        in_time=now < request.due_at,
    )


def _refusal(
    request: DataSubjectRequest, decision: RequestDecision, *, confirmed_by: UUID | None
) -> str | None:
    return decision_refusal(
        kind=Kind(request.kind),
        verified=request.verified_at is not None,
        outcome=Outcome(decision.outcome),
        ground=Ground(decision.ground) if decision.ground else None,
        explanation=decision.explanation,
        decided_by=decision.decided_by,
        confirmed_by=confirmed_by,
        evidence=decision.evidence,
        regime=request.regime,
    )
