"""Finding requests that are answered: page by page, and by what people know of a reference."""

from collections.abc import Sequence

from sqlmodel import Session, col, or_, select

from database.tables import DataSubjectRequest, JoinedRequest
from domain.requests.data_subject_requests import State

SHOWN = 20
"""Of those that a search finds, so many."""
MIN_LETTERS = 3


def answered(session: Session, limit: int, page: int = 1) -> Sequence[DataSubjectRequest]:
    """A page of the requests that are answered and not purged, the last answered first; one more
    than `limit` where another page follows."""
    return session.exec(
        select(DataSubjectRequest)
        .where(col(DataSubjectRequest.state).in_([State.ANSWERED, State.CLOSED]))
        .order_by(col(DataSubjectRequest.answered_at).desc(), col(DataSubjectRequest.id))
        .offset((page - 1) * limit)
        .limit(limit + 1)
    ).all()


def found(session: Session, words: str) -> Sequence[DataSubjectRequest]:
    """The requests, whatever became of them, whose reference has these letters and digits in it, or
    to which one with such a reference was joined; the newest first. None for fewer than three."""
    asked = "".join(one for one in words.upper().removeprefix("R-") if one.isalnum())
    if len(asked) < MIN_LETTERS:
        return ()
    joined = select(JoinedRequest.request_id).where(col(JoinedRequest.reference).contains(asked))
    return session.exec(
        select(DataSubjectRequest)
        .where(
            or_(
                col(DataSubjectRequest.reference).contains(asked),
                col(DataSubjectRequest.id).in_(joined),
            )
        )
        .order_by(col(DataSubjectRequest.received_at).desc(), col(DataSubjectRequest.id))
        .limit(SHOWN)
    ).all()
