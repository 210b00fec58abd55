"""The timetable of who asks (P19): its rungs among those of a request's ladder, each fired once."""

from collections.abc import Callable, Collection, Sequence
from datetime import datetime

from sqlmodel import Session

from database.requests import codes, identity, requests, rungs
from database.tables import DataSubjectRequest, Staff
from domain.requests.identity import DRAFT, IdentityNumbers, identity_rungs
from domain.rungs import Role, Rung

Whom = Callable[[Session, DataSubjectRequest, Sequence[Role], datetime], Sequence[Staff]]


def next_rung(
    request: DataSubjectRequest, fired: Collection[str], numbers: IdentityNumbers
) -> Rung | None:
    """The next one to come; none once we know who asks."""
    return next((rung for rung in coming_rungs(request, numbers) if rung.key not in fired), None)


def fire_rungs(
    transaction: Session,
    request: DataSubjectRequest,
    numbers: IdentityNumbers,
    whom: Whom,
    now: datetime,
) -> None:
    """Fire those whose time has come: of several reminders that were missed only the last, and none
    from before we first asked. Staff who hear that it is overdue hear of no draft."""
    due = [rung for rung in coming_rungs(request, numbers) if rung.at <= now]
    asked_at = codes.first_asked_at(transaction, request)
    for rung in due:
        is_draft = rung.key == DRAFT
        moot = now >= request.due_at if is_draft else _is_moot(rung, due, asked_at)
        if not rungs.fire(transaction, request, rung, now=now, passed_over=moot) or moot:
            continue
        if is_draft:
            staff = whom(transaction, request, rung.audience, now)
            step = rungs.mail_step(transaction, request, rung.key)
            requests.queue_for_staff(
                transaction, request, staff, step=step, template="request_rung", now=now
            )
        else:
            codes.remind(transaction, request, rung.key, now)


def _is_moot(reminder: Rung, due: Sequence[Rung], asked_at: datetime) -> bool:
    """Whether a later one is due too, or we asked for the first time after it."""
    return reminder is not due[-1] or reminder.at <= asked_at


def coming_rungs(request: DataSubjectRequest, numbers: IdentityNumbers) -> Sequence[Rung]:
    """All of them, fired or not; none once we know who asks. Whoever said that a request is not
    theirs is asked no more."""
    if not (identity.asks_by_mail(request) or identity.awaits_holder(request)):
        return ()
    rungs = identity_rungs(request.received_at, request.due_at, numbers)
    asks = request.disputed_at is None
    return [rung for rung in rungs if asks or rung.key == DRAFT]
