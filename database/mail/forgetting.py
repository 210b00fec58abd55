"""What the mail service said of the mails of campaigns that ended long ago is deleted (P33).

It is the most of what a campaign leaves behind, several rows for each copy. What it came to, and
when, stays with each mail, as proof of who was told. Of a request to the mail service that nobody
answered its events are the only proof that it was taken, so they stay as well; and what a legal
hold keeps.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, SQLColumnExpression, and_, delete, exists
from sqlmodel import Session, col, select

from database.tables import Campaign, DeliveryEvent, LegalHold, MailAttempt, OutboxMail

EVENTS_KEPT = timedelta(days=90)
"""From the end of the campaign on."""


def attempts_to_forget(session: Session, ended_by: datetime, *, limit: int) -> Sequence[UUID]:
    """Some answered requests to the mail service, of campaigns that had ended by then, of whose
    copies it said something that is still there."""
    return session.exec(
        select(MailAttempt.id)
        .join(Campaign, col(Campaign.id) == col(MailAttempt.subject_id))
        .where(
            col(Campaign.finished_at) <= ended_by,
            col(MailAttempt.outcome) == "accepted",
            exists().where(_is_of(col(MailAttempt.id))),
        )
        .order_by(col(MailAttempt.id))
        .limit(limit)
    ).all()


def forget_events(transaction: Session, attempt_id: UUID, *, limit: int) -> int:
    """Delete some of what was said of the copies of one; how much."""
    some = (
        select(DeliveryEvent.id)
        .select_from(DeliveryEvent, OutboxMail)
        .where(_is_of(attempt_id))
        .limit(limit)
    )
    done: Any = transaction.execute(delete(DeliveryEvent).where(col(DeliveryEvent.id).in_(some)))
    return int(done.rowcount)


def _is_of(attempt_id: UUID | SQLColumnExpression[UUID]) -> ColumnElement[bool]:
    """Of an event and its mail."""
    is_held = exists().where(
        col(LegalHold.account_id) == col(OutboxMail.addressee_id), col(LegalHold.keeps_our_records)
    )
    return and_(
        col(DeliveryEvent.attempt_id) == attempt_id,
        col(OutboxMail.id) == col(DeliveryEvent.mail_id),
        ~is_held,
    )
