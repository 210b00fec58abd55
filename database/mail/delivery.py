"""What the mail service later says of each copy, kept once and in any order (P4)."""

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from sqlalchemy import ColumnElement, Select, String, Uuid, and_, exists, literal, or_, update
from sqlalchemy import select as select_columns
from sqlalchemy.orm import aliased
from sqlmodel import Session, col, func, select
from sqlmodel.sql.sqltypes import UTCDateTime

from database.ids import id_of_each
from database.mail.mail_rows import change, hold_many, stands_at
from database.mail.mended_addresses import reopen_fallen_back
from database.mail.outbox import CARRIED, GOT_IT
from database.tables import Campaign, DeliveryEvent, MailAttempt, OutboxMail, PolicyVersion
from database.writing import as_table, insert_selected, instant_as_text

STATE_AFTER_EVENT = {
    "processed": "accepted",
    "delivered": "delivered",
    "bounce": "bounced",
    "dropped": "dropped",
    "spamreport": "complained",
}
REACHED_NOBODY = ("bounce", "dropped", "spamreport")
NOT_PROVEN = ("queued", "sending", "unknown", "operator")
PROVEN = ("accepted", "dropped", "delivered", "bounced", "complained")
"""What events prove, from the least to the most telling: so their order does not matter."""
_SENT = aliased(OutboxMail)
"""Beside the mails that are moved."""


class Event(NamedTuple):
    """A delivery event of one copy; `reason` says in words why it reached nobody, if it did not."""

    mail_id: UUID
    attempt_id: UUID
    event: str
    occurred_at: datetime
    reason: str = ""


def record_events(transaction: Session, events: Sequence[Event], now: datetime) -> int:
    """Keep delivery events, each once and in any order, and move the mails forward.

    One event of an attempt proves that the mail service took all its copies, those too that wait
    to be sent again. That a copy reached nobody is said of its own attempt alone, and that it
    arrived is said of no mail that was queued anew since, for another address. A first notice whose
    address was mended since goes out again.
    Returns how many events were new; those about mails we do not know are dropped.
    """
    attempts = {event.attempt_id: event.attempt_id.hex for event in events}
    said = as_table(
        transaction,
        [
            {
                "mail_id": event.mail_id.hex,
                "attempt_id": attempts[event.attempt_id],
                "event": event.event,
                "occurred_at": instant_as_text(event.occurred_at),
                "reason": event.reason,
            }
            for event in events
        ],
        mail_id=Uuid(),
        attempt_id=Uuid(),
        event=String(),
        occurred_at=UTCDateTime(),
        reason=String(),
    )
    of_attempts = and_(
        col(OutboxMail.attempt_id).in_(attempts), col(OutboxMail.state).in_(NOT_PROVEN)
    )
    named = select_columns(said.c.mail_id).union_all(
        select_columns(col(OutboxMail.id)).where(of_attempts)
    )
    hold_many(transaction, col(OutboxMail.id).in_(named))
    row = {
        "id": id_of_each(),
        "mail_id": said.c.mail_id,
        "attempt_id": said.c.attempt_id,
        "event": said.c.event,
        "occurred_at": said.c.occurred_at,
        "recorded_at": literal(now, UTCDateTime()),
    }
    of_mails = col(OutboxMail.id) == said.c.mail_id
    known = select_columns(*row.values()).select_from(said).join(OutboxMail, of_mails)
    fresh = insert_selected(transaction, DeliveryEvent, list(row), known)
    for kind, reason in {(event.event, event.reason) for event in events}:
        if kind in STATE_AFTER_EVENT:
            mails = select_columns(said.c.mail_id).where(
                said.c.event == kind, said.c.reason == reason
            )
            about = col(_SENT.attempt_id) == said.c.attempt_id
            if kind not in REACHED_NOBODY:
                about = or_(about, _began_since_queued(said.c.attempt_id))
            mails = mails.join(_SENT, and_(col(_SENT.id) == said.c.mail_id, about))
            state = STATE_AFTER_EVENT[kind]
            _move_forward(transaction, mails, state, reason or None, now)
            if state not in GOT_IT:
                _let_fall(transaction, mails, state, reason or None, now)
    # Not by their ids: many attempts have more copies than a statement may have values.
    transaction.execute(
        update(OutboxMail)
        .where(of_attempts)
        .values(state="accepted", accepted_at=now, settled_at=now, reason=None)
    )
    back = {event.mail_id for event in events if event.event in REACHED_NOBODY}
    reopen_fallen_back(transaction, back, now)
    return fresh


def _began_since_queued(attempt_id: ColumnElement[UUID]) -> ColumnElement[bool]:
    """Whether an attempt went to the address that the mail has: once that is mended, the mail is
    queued anew, and what went before says nothing of it."""
    return exists().where(
        col(MailAttempt.id) == attempt_id, col(MailAttempt.started_at) >= col(_SENT.queued_at)
    )


def _move_forward(
    transaction: Session,
    mails: Select[tuple[UUID]],
    state: str,
    reason: str | None,
    now: datetime,
) -> None:
    transaction.execute(
        update(OutboxMail)
        .where(
            col(OutboxMail.id).in_(mails),
            stands_at(*NOT_PROVEN, *PROVEN[: PROVEN.index(state)]),
        )
        .values(
            state=state,
            settled_at=now,
            accepted_at=func.coalesce(col(OutboxMail.accepted_at), now),
            reason=reason,
        )
        .execution_options(synchronize_session=False)
    )


def _let_fall(
    transaction: Session,
    mails: Select[tuple[UUID]],
    state: str,
    reason: str | None,
    now: datetime,
) -> None:
    """What was carried as its addressee had one of these mails falls with it (P4)."""
    had, earlier = aliased(OutboxMail), aliased(Campaign)
    resting = (
        select(OutboxMail.id)
        .join(Campaign, col(Campaign.id) == col(OutboxMail.subject_id))
        .join(PolicyVersion, col(PolicyVersion.corrected_by_id) == Campaign.policy_version_id)
        .join(earlier, col(earlier.policy_version_id) == col(PolicyVersion.id))
        .join(
            had,
            (col(had.subject_id) == col(earlier.id))
            & (col(had.addressee_id) == col(OutboxMail.addressee_id))
            & (col(had.step) == col(OutboxMail.step)),
        )
        .where(
            col(had.id).in_(mails),
            stands_at(state, of=had),
            stands_at(CARRIED),
            col(OutboxMail.accepted_at).is_not(None),
        )
        .order_by(col(OutboxMail.id))
        .with_for_update(of=OutboxMail, key_share=True)
    )
    change(transaction, resting, state=state, reason=reason, settled_at=now)
