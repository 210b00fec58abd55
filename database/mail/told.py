"""Who had a mail, or may have had it: conditions on rows of the outbox (P4, P8)."""

from datetime import datetime

from sqlalchemy import ColumnElement, and_, exists, or_
from sqlmodel import col

from database.mail.outbox import MAYBE_TOLD
from database.tables import MailAttempt, OutboxMail


def maybe_told() -> ColumnElement[bool]:
    """Whether the addressee of a mail had it, or may have: by a try, too, that came to no answer
    before the mail was to be sent again; or before it was queued for a second time."""
    tried = and_(
        col(OutboxMail.state).in_(("queued", "cancelled")), col(OutboxMail.attempt_id).is_not(None)
    )
    had = and_(_is_queued_anew(), col(OutboxMail.accepted_at).is_not(None))
    return or_(col(OutboxMail.state).in_(MAYBE_TOLD), tried, had)


def _is_queued_anew() -> ColumnElement[bool]:
    """Whether a mail waits for another try than the one that it had, if it had one."""
    return and_(
        col(OutboxMail.state).in_(("queued", "cancelled")), col(OutboxMail.attempt_id).is_(None)
    )


def maybe_told_before(instant: datetime) -> ColumnElement[bool]:
    """Whether they had it before an instant, or may have: by its last try, or by one of its
    campaign that came to no answer before the mail was tried again."""
    tried = col(MailAttempt.started_at) < instant
    last = exists().where(col(MailAttempt.id) == col(OutboxMail.attempt_id), tried)
    had = and_(_is_queued_anew(), col(OutboxMail.accepted_at) < instant)
    in_doubt = exists().where(
        col(MailAttempt.subject_id) == col(OutboxMail.subject_id),
        col(MailAttempt.started_at) >= col(OutboxMail.queued_at),
        tried,
        or_(col(MailAttempt.outcome) == "unknown", col(MailAttempt.outcome).is_(None)),
    )
    return and_(maybe_told(), or_(last, had, and_(col(OutboxMail.attempts) > 1, in_doubt)))
