"""Data-subject requests: received, verified, decided, answered, and the rungs that fired."""

import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from sqlmodel import Session, col, select

from database.accounts import accounts_at_address
from database.facts import record
from database.links import REQUEST_STATUS, REQUEST_VERIFY, add_link
from database.outbox import ACCOUNT, REQUEST, REQUESTER, STAFF, Queued, queue
from database.tables import (
    DataSubjectRequest,
    FiredRung,
    Link,
    OutboxMail,
    RequestDecision,
    Staff,
)
from database.writing import held, hold
from domain.data_subject_requests import (
    GATED_KINDS,
    Ground,
    Intake,
    Kind,
    Outcome,
    State,
    decision_refusal,
    needs_second_person,
)
from domain.deadlines import Deadline

REFERENCE_ALPHABET = "ABCDEFGHJKLMNPQRSTUVWXYZ23456789"
VERIFY_LINK_PERIOD = timedelta(days=60)  # after the due time: being late must shut nobody out
ANSWERED_ALREADY = "This request is answered already, with another answer. Nothing was sent twice."
OPEN_STATES = (State.RECEIVED, State.ACKNOWLEDGED, State.IDENTITY, State.WORK, State.REVIEW)


class RequestUnknown(Exception):
    """There is no such request."""


class DecisionRefused(Exception):
    """An answer cannot go out like this; nothing changed."""


@dataclass(frozen=True, kw_only=True)
class Received:
    """When, how and under which policy version and clock a request came in."""

    channel: str
    deadline: Deadline
    policy_version_id: UUID | None


@dataclass(frozen=True, kw_only=True)
class Answer:
    """What privacy staff want to answer."""

    outcome: Outcome
    explanation: str
    ground: Ground | None = None
    evidence: str | None = None


def receive(
    transaction: Session, intake: Intake, received: Received, now: datetime
) -> DataSubjectRequest:
    """Take in a request and queue its first mails in the same transaction (P26).

    The acknowledgement goes to the address typed in, in the same words whether we know it or not;
    the verification link goes only to an address on file (P19).
    """
    request = _taken_in(transaction, intake, received)
    mails = [_acknowledgement(transaction, request, now)]
    if request.account_id is not None and request.kind in GATED_KINDS:
        mails.append(_verification(transaction, request, request.account_id, now))
    queue(transaction, mails, now)
    record(
        transaction,
        "request.received",
        request.id,
        now,
        request_kind=request.kind,
        channel=request.channel,
        received_at=request.received_at,
        due_at=request.due_at,
        rule=request.rule,
    )
    return request


def request_by_reference(session: Session, reference: str) -> DataSubjectRequest:
    """Raises RequestUnknown."""
    request = session.exec(
        select(DataSubjectRequest).where(DataSubjectRequest.reference == reference.upper())
    ).first()
    if request is None:
        raise RequestUnknown(f"There is no request {reference}.")
    return request


def open_requests(session: Session) -> Sequence[DataSubjectRequest]:
    """Requests that still need an answer, the most urgent first."""
    return session.exec(
        select(DataSubjectRequest)
        .where(col(DataSubjectRequest.state).in_(OPEN_STATES))
        .order_by(col(DataSubjectRequest.due_at))
    ).all()


def all_requests(session: Session) -> Sequence[DataSubjectRequest]:
    """Every request, the most urgent first."""
    return session.exec(select(DataSubjectRequest).order_by(col(DataSubjectRequest.due_at))).all()


def fired_rungs(session: Session, request_id: UUID) -> Sequence[FiredRung]:
    """The rungs of a request that fired or were passed over, in that order."""
    return session.exec(
        select(FiredRung).where(FiredRung.request_id == request_id).order_by(col(FiredRung.due_at))
    ).all()


def mails_of(session: Session, request_id: UUID) -> Sequence[OutboxMail]:
    """Every mail of a request, the first one first."""
    return session.exec(
        select(OutboxMail)
        .where(OutboxMail.subject_id == request_id)
        .order_by(col(OutboxMail.queued_at))
    ).all()


def acknowledge(transaction: Session, request: DataSubjectRequest, now: datetime) -> None:
    """Note that the acknowledgement went out."""
    hold(transaction, request)
    if request.acknowledged_at is not None:
        return
    request.acknowledged_at = now
    if request.state == State.RECEIVED:
        gated = request.kind in GATED_KINDS and request.verified_at is None
        request.state = State.IDENTITY if gated else State.WORK
    transaction.add(request)
    record(transaction, "request.acknowledged", request.id, now)


def verify_identity(
    transaction: Session, request: DataSubjectRequest, *, how: str, now: datetime
) -> bool:
    """The person proved control of the address on file (P19); False when done already."""
    hold(transaction, request)
    if request.verified_at is not None:
        return False
    request.verified_at = now
    request.verified_by = how
    if request.state in (State.RECEIVED, State.ACKNOWLEDGED, State.IDENTITY):
        request.state = State.WORK
    transaction.add(request)
    record(transaction, "request.verified", request.id, now, how=how)
    return True


def assign(
    transaction: Session, request: DataSubjectRequest, staff_id: UUID, now: datetime
) -> None:
    """Give a request to a member of staff."""
    hold(transaction, request)
    if request.assignee_id == staff_id:
        return
    request.assignee_id = staff_id
    transaction.add(request)
    record(transaction, "request.assigned", request.id, now, assignee=staff_id)


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


def fire(
    transaction: Session,
    request: DataSubjectRequest,
    rung: str,
    *,
    due_at: datetime,
    now: datetime,
    passed_over: bool = False,
) -> bool:
    """Note a rung as fired, with its fact; False when it was before."""
    hold(transaction, request)
    known = transaction.exec(
        select(FiredRung).where(
            FiredRung.request_id == request.id, FiredRung.rung == rung, FiredRung.due_at == due_at
        )
    ).first()
    if known is not None:
        return False
    transaction.add(
        FiredRung(
            request_id=request.id, rung=rung, due_at=due_at, fired_at=now, passed_over=passed_over
        )
    )
    record(
        transaction,
        "request.rung_passed_over" if passed_over else "request.rung_fired",
        request.id,
        now,
        rung=rung,
        due_at=due_at,
    )
    return True


def queue_for_staff(
    transaction: Session,
    request: DataSubjectRequest,
    staff: Sequence[Staff],
    *,
    step: str,
    template: str,
    now: datetime,
) -> None:
    """Tell members of staff that a rung was reached."""
    queue(
        transaction,
        [
            Queued(
                subject_kind=REQUEST,
                subject_id=request.id,
                addressee_kind=STAFF,
                addressee_id=member.id,
                step=step,
                template=template,
                variant=request.id,
            )
            for member in staff
        ],
        now,
    )


def queue_for_requester(
    transaction: Session, request: DataSubjectRequest, *, step: str, template: str, now: datetime
) -> None:
    """Queue a mail to the address the person typed in, with the link to their status page."""
    link = transaction.exec(
        select(Link).where(Link.subject_id == request.id, Link.purpose == REQUEST_STATUS)
    ).one()
    queue(transaction, [_to_requester(request, step, template, link)], now)


def record_late_reply(transaction: Session, request: DataSubjectRequest, now: datetime) -> None:
    """The reply of P21 is on its way: it is not an answer, and the case stays open."""
    hold(transaction, request)
    if request.late_reply_at is not None:
        return
    request.late_reply_at = now
    transaction.add(request)
    queue_for_requester(
        transaction, request, step="late_reply", template="request_late_reply", now=now
    )
    record(transaction, "request.late_reply", request.id, now)


def record_breach(transaction: Session, request: DataSubjectRequest, now: datetime) -> None:
    """Nobody answered in time: the policy's promise and the law's limit are noted apart (P21)."""
    hold(transaction, request)
    limits = {
        str(candidate["rule"]): datetime.fromisoformat(str(candidate["due_at"]))
        for candidate in request.candidates
    }
    for rule, due_at in limits.items():
        if due_at > now:
            continue
        if rule.startswith("policy.") and request.policy_breach_at is None:
            request.policy_breach_at = now
            record(transaction, "request.policy_breach", request.id, now, rule=rule, due_at=due_at)
        if rule.startswith("statute.") and request.statutory_breach_at is None:
            request.statutory_breach_at = now
            record(
                transaction, "request.statutory_breach", request.id, now, rule=rule, due_at=due_at
            )
    transaction.add(request)


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


def _taken_in(transaction: Session, intake: Intake, received: Received) -> DataSubjectRequest:
    accounts = accounts_at_address(transaction, intake.contact_address)
    deadline = received.deadline
    request = DataSubjectRequest(
        reference="R-" + "".join(secrets.choice(REFERENCE_ALPHABET) for _ in range(8)),
        kind=intake.kinds[0],
        channel=received.channel,
        name=intake.name,
        contact_email=intake.contact_address,
        message=intake.message,
        country=intake.country,
        time_zone=intake.time_zone,
        policy_version_id=received.policy_version_id,
        account_id=accounts[0].id if accounts else None,
        received_at=deadline.received_at,
        due_at=deadline.due_at,
        rule=deadline.rule,
        regime=deadline.regime,
        candidates=[candidate.to_json_dict() for candidate in deadline.candidates],
        warnings=list(deadline.warnings),
    )
    transaction.add(request)
    transaction.flush()
    return request


def _acknowledgement(transaction: Session, request: DataSubjectRequest, now: datetime) -> Queued:
    status = add_link(
        transaction, purpose=REQUEST_STATUS, subject_id=request.id, now=now, account_id=None
    )
    transaction.flush()
    return _to_requester(request, "acknowledgement", "request_acknowledgement", status)


def _verification(
    transaction: Session, request: DataSubjectRequest, account_id: UUID, now: datetime
) -> Queued:
    verify = add_link(
        transaction,
        purpose=REQUEST_VERIFY,
        subject_id=request.id,
        now=now,
        account_id=account_id,
        expires_at=request.due_at + VERIFY_LINK_PERIOD,
    )
    transaction.flush()
    return Queued(
        subject_kind=REQUEST,
        subject_id=request.id,
        addressee_kind=ACCOUNT,
        addressee_id=account_id,
        step="verification",
        template="request_verification",
        variant=request.id,
        link_id=verify.id,
    )


def _to_requester(request: DataSubjectRequest, step: str, template: str, link: Link) -> Queued:
    return Queued(
        subject_kind=REQUEST,
        subject_id=request.id,
        addressee_kind=REQUESTER,
        addressee_id=request.id,
        step=step,
        template=template,
        variant=request.id,
        link_id=link.id,
    )
