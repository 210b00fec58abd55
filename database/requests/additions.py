"""What a person tells us later about an open request, in their own words."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from sqlmodel import Session, col, select

from database.facts import record
from database.requests.attachments import TOO_LATE
from database.requests.requests import OPEN_STATES
from database.tables import DataSubjectRequest, RequestAddition
from database.writing import hold
from domain.requests.data_subject_requests import problem_of_message

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


def additions_of(session: Session, request_id: UUID) -> Sequence[RequestAddition]:
    """What was told later about a request, the first first."""
    return session.exec(
        select(RequestAddition)
        .where(RequestAddition.request_id == request_id)
        .order_by(col(RequestAddition.added_at), col(RequestAddition.id))
    ).all()
