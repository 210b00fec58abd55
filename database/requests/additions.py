"""What a person tells us later about an open request, in their own words."""

from collections.abc import Sequence
from datetime import date, datetime
from uuid import UUID

from sqlmodel import Session, col, select

from database.facts import record
from database.people.absences import acting_for
from database.people.staff import in_charge
from database.requests.attachments import TOO_LATE
from database.requests.requests import OPEN_STATES, queue_for_staff
from database.tables import DataSubjectRequest, RequestAddition, Staff
from database.writing import hold
from domain.requests.data_subject_requests import problem_of_message
from domain.requests.ladder import ADDED_TO

MOST = 20
TOO_MANY = (
    "You have written to us here twenty times. Please write us a mail, and name the reference. "
    "Nothing was stored."
)


class AdditionRefused(Exception):
    """What was written is not taken; nothing was stored."""


def add(transaction: Session, request: DataSubjectRequest, words: str, now: datetime) -> None:
    """Keep what a person writes with their open request; sent twice, it is kept once. Raises
    AdditionRefused."""
    hold(transaction, request)
    if request.state not in OPEN_STATES:
        raise AdditionRefused(TOO_LATE)
    if wrong := problem_of_message(words):
        raise AdditionRefused(wrong)
    known = additions_of(transaction, request.id)
    if words in [one.words for one in known]:
        return
    if len(known) >= MOST:
        raise AdditionRefused(TOO_MANY)
    row = RequestAddition(request_id=request.id, words=words, added_at=now)
    transaction.add(row)
    record(transaction, "request.added_to", request.id, now, addition=row.id)


def tell_of_it(
    transaction: Session, request: DataSubjectRequest, today: date, now: datetime
) -> None:
    """Whoever works on the request, or acts for them, hears that there is more to read, once a day
    however much it is; where nobody does, the team."""
    assignee = transaction.get(Staff, request.assignee_id) if request.assignee_id else None
    acting = acting_for(transaction, assignee, today) if assignee else None
    queue_for_staff(
        transaction,
        request,
        [acting] if acting else in_charge(transaction, "privacy"),
        step=f"{ADDED_TO}#{today:%Y%m%d}",
        template=ADDED_TO,
        now=now,
    )


def additions_of(session: Session, request_id: UUID) -> Sequence[RequestAddition]:
    """What was told later about a request, the first first."""
    return session.exec(
        select(RequestAddition)
        .where(RequestAddition.request_id == request_id)
        .order_by(col(RequestAddition.added_at), col(RequestAddition.id))
    ).all()
