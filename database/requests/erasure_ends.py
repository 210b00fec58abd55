"""How an erasure ends: dropped by its person, done everywhere, or otherwise than decided (P13)."""

from collections.abc import Mapping
from datetime import datetime
from uuid import UUID

from sqlmodel import Session, select

from database.facts import record
from database.mail.outbox import AFTER_HOLD, NO_ADDRESS, queue
from database.requests import erase_tasks, erasures, own_erasure
from database.requests.answering import answer_when_decided, decide_at_once
from database.requests.deferred_erasures import erasure_of
from database.requests.identity import to_whom_it_concerns
from database.requests.requested_rights import decisions_of, reopen
from database.requests.sendable import NOTHING_KEPT
from database.tables import DataSubjectRequest, OutboxMail, RequestDecision, RequestedRight
from domain.requests.data_subject_requests import Ground, Kind, Outcome, State
from domain.requests.erasures import SourceEnd, Stage, end_of
from domain.requests.personal_data import OWN_SOURCE

KEPT_BY_YOU = (
    "You told us that you want to keep your data, before we had erased any of it. Nothing was "
    "erased, and we do no more about it."
)
OTHERWISE = (
    "The sources did otherwise than was decided: {sources} did not erase everything. Read what "
    "they say, and answer the erasure again, as partial."
)


def keep_the_data(transaction: Session, request: DataSubjectRequest, now: datetime) -> None:
    """Its person wants it no more, and hears that nothing was erased. Raises ErasureRefused."""
    erasure = erasures.drop(transaction, request, now)
    kind = Kind(transaction.get_one(RequestedRight, erasure.right_id).kind)
    decide_at_once(transaction, request, kind, KEPT_BY_YOU, now, outcome=Outcome.WITHDRAWN)


def end(
    transaction: Session,
    request: DataSubjectRequest,
    kept_by_us: Mapping[str, object],
    now: datetime,
) -> None:
    """Every source is done: the answer goes out, or people decide again where what the sources did
    does not fit it. The request is held. `kept_by_us`: what our own database would leave."""
    erasure = erasures.of_request(transaction, request.id)
    if erasure is None or erasures.life_of(transaction, erasure).stage is not Stage.ERASING:
        return
    if not erasures.may_end(transaction, erasure):
        return
    right = transaction.get_one(RequestedRight, erasure.right_id)
    decision = decisions_of(transaction, [right])[right.id]
    ends = erase_tasks.ends_of(transaction, erasure)
    problem = _misfit(decision, ends)
    if problem:
        erasure.problem = problem
        transaction.add(erasure)
        reopen(transaction, right, now)
        request.state = State.WORK
        transaction.add(request)
        record(transaction, "erasure.otherwise", request.id, now, sources=_left(ends))
        return
    erasure.ended_at, erasure.kept_by_us = now, dict(kept_by_us)
    transaction.add(erasure)
    record(transaction, "erasure.ended", request.id, now)
    answer_when_decided(transaction, request, now)


def _misfit(decision: RequestDecision, ends: Mapping[str, SourceEnd]) -> str:
    """Why what the sources did is not what was decided, for staff; empty where it is."""
    all_gone = end_of(ends.values()) == (Outcome.FULFILLED, None)
    if decision.outcome == Outcome.FULFILLED and not all_gone:
        return OTHERWISE.format(sources=", ".join(_left(ends)))
    if decision.ground == Ground.REGULATORY_OBLIGATION and all_gone:
        return NOTHING_KEPT
    return ""


def _left(ends: Mapping[str, SourceEnd]) -> list[str]:
    return sorted(name for name, one in ends.items() if one is not SourceEnd.ERASED)


def is_to_be_told(session: Session, request: DataSubjectRequest) -> bool:
    """Whether its person has still to hear that what a hold kept back is erased."""
    deferred = erasure_of(session, request.id)
    return (
        deferred is not None
        and deferred.released_at is not None
        and deferred.erased_at is None
        and told_after_hold(session, request.id) is None
    )


def tell_after_hold(transaction: Session, request: DataSubjectRequest, now: datetime) -> None:
    """Its person hears that what a hold kept back is erased, while we know where to write; once. It
    is held."""
    if is_to_be_told(transaction, request):
        mail = to_whom_it_concerns(transaction, request, AFTER_HOLD, AFTER_HOLD, now)
        queue(transaction, [mail], now)


def tell_before_our_own(
    transaction: Session,
    request: DataSubjectRequest,
    kept_by_us: Mapping[str, object],
    now: datetime,
) -> None:
    """What a hold kept back is erased everywhere else: its person hears so, and what our own
    database will keep now. It is held."""
    erasure = erasures.of_request(transaction, request.id)
    if erasure is None or not own_erasure.our_own_is_due(transaction, request, erasure):
        return
    if is_to_be_told(transaction, request):
        erasure.kept_by_us = dict(kept_by_us)
        transaction.add(erasure)
        tell_after_hold(transaction, request, now)


def told_after_hold(session: Session, request_id: UUID) -> str | None:
    """How the mail stands that says so; None before it is written."""
    return session.exec(
        select(OutboxMail.state).where(
            OutboxMail.subject_id == request_id, OutboxMail.step == AFTER_HOLD
        )
    ).first()


def note_resumed(transaction: Session, request: DataSubjectRequest, now: datetime) -> None:
    """What a hold had kept back is erased at every source too. The request is held."""
    erasure, deferred = (
        erasures.of_request(transaction, request.id),
        erasure_of(transaction, request.id),
    )
    done = erasure is not None and OWN_SOURCE in erase_tasks.ends_of(transaction, erasure)
    if (
        not done
        or deferred is None
        or deferred.released_at is None
        or deferred.erased_at is not None
    ):
        return
    deferred.erased_at = now
    transaction.add(deferred)
    told = told_after_hold(transaction, request.id) not in {None, NO_ADDRESS}
    record(transaction, "erasure.done", request.id, now, by="machine", told=told)
