"""Finding requests: the answered ones page by page, others by a reference or a mail address."""

from collections.abc import Sequence

from sqlalchemy import ColumnElement
from sqlmodel import Session, col, func, or_, select

from database.people.accounts import accounts_of
from database.requests.requests import contact_key
from database.tables import DataSubjectRequest, JoinedRequest, RequestAgent
from domain.mail_addresses import ascii_address, is_mail_address
from domain.requests.data_subject_requests import State
from domain.requests.personal_data import Person

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


def by_reference(session: Session, words: str) -> Sequence[DataSubjectRequest]:
    """The requests, whatever became of them, whose reference has these letters and digits in it, or
    to which one with such a reference was joined; the newest first. None for fewer than three."""
    asked = "".join(one for one in words.upper().removeprefix("R-") if one.isalnum())
    if len(asked) < MIN_LETTERS:
        return ()
    joined = select(JoinedRequest.request_id).where(col(JoinedRequest.reference).contains(asked))
    return _newest(
        session,
        col(DataSubjectRequest.reference).contains(asked),
        col(DataSubjectRequest.id).in_(joined),
    )


def by_address(session: Session, address: str) -> Sequence[DataSubjectRequest]:
    """The requests that came from a whole mail address, or that it asked as an agent, and those
    about it, or about an account with it; the newest first. None for less than an address."""
    asked = ascii_address(address.strip())
    if not is_mail_address(asked):
        return ()
    accounts = accounts_of(session, Person(addresses=(asked,)))
    by_agent = select(RequestAgent.request_id).where(RequestAgent.contact_key == contact_key(asked))
    return _newest(
        session,
        col(DataSubjectRequest.contact_key) == contact_key(asked),
        func.lower(DataSubjectRequest.account_address) == contact_key(asked),
        col(DataSubjectRequest.account_id).in_([one.id for one in accounts]),
        col(DataSubjectRequest.id).in_(by_agent),
    )


def _newest(session: Session, *either: ColumnElement[bool]) -> Sequence[DataSubjectRequest]:
    return session.exec(
        select(DataSubjectRequest)
        .where(or_(*either))
        .order_by(col(DataSubjectRequest.received_at).desc(), col(DataSubjectRequest.id))
        .limit(SHOWN)
    ).all()
