"""Whether answers reach people: what came back is posted, and what went out late is a breach (P21,
P22, P26)."""

from datetime import datetime

from sqlalchemy import ColumnElement, and_, case
from sqlmodel import Session, col, func, select

from database.mail.outbox import ACCOUNT, AGENT, AT_SOURCE, REQUEST, REQUESTER
from database.mail.steps import GOT_BY_NOBODY
from database.requests.requests import ACKNOWLEDGEMENT, ANSWER, record_breach
from database.tables import DataSubjectRequest, OutboxMail

ELSEWHERE = "request_answer_elsewhere"
"""It only says that there is an answer at another address."""


def came_back() -> ColumnElement[bool]:
    """Of a mail and its request, whether it is an acknowledgement or an answer that reached nobody,
    so that it is owed on paper, or in another way that somebody finds. An answer takes the place of
    the acknowledgement."""
    unanswered = col(DataSubjectRequest.answered_at).is_(None)
    return and_(
        col(OutboxMail.subject_kind) == REQUEST,
        case(
            (unanswered, col(OutboxMail.step) == ACKNOWLEDGEMENT),
            else_=col(OutboxMail.step) == ANSWER,
        ),
        col(OutboxMail.addressee_kind).in_((ACCOUNT, AGENT, AT_SOURCE, REQUESTER)),
        col(OutboxMail.template) != ELSEWHERE,
        col(OutboxMail.state).in_(GOT_BY_NOBODY),
    )


def answers_in_vain(session: Session) -> int:
    """How many answers reached nobody, and were not posted either."""
    return session.exec(
        select(func.count(col(OutboxMail.id)))
        .join(DataSubjectRequest, col(DataSubjectRequest.id) == col(OutboxMail.subject_id))
        .where(came_back(), OutboxMail.step == ANSWER)
    ).one()


def note_late_answers(transaction: Session, now: datetime, *, limit: int) -> int:
    """An answer that was decided in time, and that the mail service took only after it was due, is
    a breach like one that was not given. How many were noted."""
    rows = transaction.exec(
        select(DataSubjectRequest, func.min(OutboxMail.accepted_at))
        .join(OutboxMail, col(OutboxMail.subject_id) == col(DataSubjectRequest.id))
        .where(
            OutboxMail.subject_kind == REQUEST,
            OutboxMail.step == ANSWER,
            OutboxMail.template != ELSEWHERE,
            col(OutboxMail.accepted_at) >= col(DataSubjectRequest.due_at),
            col(DataSubjectRequest.answered_at).is_not(None),
            col(DataSubjectRequest.policy_breach_at).is_(None),
            col(DataSubjectRequest.statutory_breach_at).is_(None),
        )
        .group_by(col(DataSubjectRequest.id))
        .limit(limit)
    ).all()
    for request, accepted_at in rows:
        record_breach(transaction, request, now, answered_at=accepted_at)
    return len(rows)
