"""What became of an attempt to send: accepted, given back, in doubt, rejected (P4)."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import exists, true, update
from sqlmodel import Session, col, select

from database.mail.mail_rows import Batch, change, hold_mails, hold_many, in_batch, in_order
from database.mail.outbox import (
    IN_DOUBT,
)
from database.mail.steps import STOPPED
from database.tables import DeliveryEvent, MailAttempt, OutboxMail

LATER_ATTEMPTS_THAT_PROVE_SILENCE = 3
EVIDENCE_PERIODS = 3
STOP_IS_TOLD_AGAIN_AFTER = timedelta(minutes=10)
STOP_IS_TOLD_AT_MOST = 10


def accept(transaction: Session, attempt_id: UUID, provider_id: str, now: datetime) -> None:
    """The mail service took the whole attempt."""
    _finish(transaction, attempt_id, now, "accepted", provider_id=provider_id)
    _settle_attempt(transaction, attempt_id, state="accepted", accepted_at=now, settled_at=now)


def give_back(transaction: Session, attempt_id: UUID, reason: str, now: datetime) -> None:
    """The attempt surely did not go out; its mails wait for the next one."""
    _finish(transaction, attempt_id, now, "not_sent", reason=reason)
    _settle_attempt(transaction, attempt_id, state="queued", attempt_id=None, reason=reason)


def doubt(
    transaction: Session,
    attempt_id: UUID,
    reason: str,
    now: datetime,
    *,
    answered: int | None = None,
) -> None:
    """Nobody can tell whether the attempt went out; events or an operator will. `answered`: the
    status of an answer that said only that something went wrong."""
    _finish(transaction, attempt_id, now, "unknown", reason=reason, answered=answered)
    _settle_attempt(transaction, attempt_id, state="unknown", reason=reason)


def reject(
    transaction: Session, attempt_id: UUID, mail_ids: Sequence[UUID], reason: str, now: datetime
) -> None:
    """The mail service will never take these copies; the rest of the attempt did not go out."""
    _finish(transaction, attempt_id, now, "rejected", reason=reason)
    _hold_attempt(transaction, attempt_id)
    named = select(OutboxMail.id).where(
        OutboxMail.attempt_id == attempt_id, col(OutboxMail.id).in_(mail_ids)
    )
    change(transaction, named, state="rejected", reason=reason, settled_at=now)
    _settle_attempt(transaction, attempt_id, state="queued", attempt_id=None)


def suppress(
    transaction: Session, attempt_id: UUID, reasons: Mapping[UUID, str], now: datetime
) -> None:
    """These copies of an attempt are not sent to anybody (`suppressions.py`); the rest
    of the attempt goes out."""
    attempt = transaction.get_one(MailAttempt, attempt_id)
    _hold_attempt(transaction, attempt_id)
    for reason in sorted(set(reasons.values())):
        named = select(OutboxMail.id).where(
            OutboxMail.attempt_id == attempt_id,
            col(OutboxMail.state).in_(IN_DOUBT),  # another sender may think us dead
            col(OutboxMail.id).in_([mail for mail, why in reasons.items() if why == reason]),
        )
        attempt.copies -= change(
            transaction, named, state="suppressed", reason=reason, settled_at=now
        )
    transaction.add(attempt)
    if not attempt.copies:
        _finish(transaction, attempt_id, now, "suppressed")


def any_in_doubt(session: Session, batch: Batch) -> bool:
    """Whether of any mail of a batch nobody knows whether it went out."""
    in_doubt = select(OutboxMail.id).where(in_batch(batch), col(OutboxMail.state).in_(IN_DOUBT))
    return session.exec(in_doubt.limit(1)).first() is not None


def doubt_abandoned(transaction: Session, batch: Batch, now: datetime) -> int:
    """Mails a dead sender left in `sending` become `unknown`: never straight back to queued."""
    abandoned = select(OutboxMail.id).where(in_batch(batch), OutboxMail.state == "sending")
    return change(
        transaction,
        in_order(abandoned),
        state="unknown",
        reason="the sender stopped in the middle",
        claimed_at=now,
    )


def settle(transaction: Session, batch: Batch, *, settle_after: timedelta, now: datetime) -> None:
    """Decide about unknown mails whose events had time enough to come.

    They are repeated only on evidence: events of at least three later attempts did arrive, and
    none of theirs. Without that, when three times `settle_after` has passed, they are shown to
    ops, who resend with one click: so later attempts had time to be made and heard of. Evidence
    that comes later still counts (`doubts.reconsider`).

    Word to a campaign's owner that the machine stopped it is repeated without evidence: it is sent
    just when the mail service fails, the campaign then sends nothing that would be evidence, and to
    hear it twice harms nobody.
    """
    unknown = col(OutboxMail.state) == "unknown"
    told_soon = min(settle_after, STOP_IS_TOLD_AGAIN_AFTER)
    tells_of_stop = hold_mails(
        transaction,
        in_batch(batch),
        unknown,
        col(OutboxMail.step).startswith(STOPPED, autoescape=True),
        col(OutboxMail.attempts) < STOP_IS_TOLD_AT_MOST,
        col(OutboxMail.claimed_at) <= now - told_soon,
    )
    if tells_of_stop:
        transaction.execute(
            update(OutboxMail)
            .where(col(OutboxMail.id).in_(tells_of_stop))
            .values(state="queued", reason="it may have been lost: told again")
        )
    long_ago = col(OutboxMail.claimed_at) <= now - settle_after
    overdue = hold_mails(transaction, in_batch(batch), unknown, long_ago)
    if not overdue:
        return
    of_overdue = select(OutboxMail.attempt_id).where(col(OutboxMail.id).in_(overdue)).distinct()
    unheard = [
        attempt
        for attempt in transaction.exec(of_overdue).all()
        if attempt and later_ones_were_heard_of(transaction, attempt)
    ]
    transaction.execute(
        update(OutboxMail)
        .where(col(OutboxMail.id).in_(overdue), col(OutboxMail.attempt_id).in_(unheard))
        .values(state="queued", reason="no event came, while those of later mails did: sent again")
    )
    transaction.execute(
        update(OutboxMail)
        .where(
            col(OutboxMail.id).in_(overdue),
            unknown,
            col(OutboxMail.claimed_at) <= now - EVIDENCE_PERIODS * settle_after,
        )
        .values(
            state="operator",
            reason="it is not known whether this mail went out: look, then resend or leave it",
        )
    )


def later_ones_were_heard_of(
    session: Session, attempt: UUID, *, before: datetime | None = None
) -> bool:
    """Whether events of so many later attempts came that its own, had it gone out, would have.

    `before`: only what came by then is counted.
    """
    started_at = select(MailAttempt.started_at).where(MailAttempt.id == attempt).scalar_subquery()
    heard_of = exists().where(
        col(DeliveryEvent.attempt_id) == col(MailAttempt.id),
        col(DeliveryEvent.recorded_at) <= before if before else true(),
    )
    later = (
        select(MailAttempt.id)
        .where(col(MailAttempt.started_at) > started_at, heard_of)
        .limit(LATER_ATTEMPTS_THAT_PROVE_SILENCE)
    )
    return len(session.exec(later).all()) == LATER_ATTEMPTS_THAT_PROVE_SILENCE


def _finish(
    transaction: Session,
    attempt_id: UUID,
    now: datetime,
    outcome: str,
    *,
    provider_id: str | None = None,
    reason: str | None = None,
    answered: int | None = None,
) -> None:
    attempt = transaction.get_one(MailAttempt, attempt_id)
    attempt.ended_at = now
    attempt.outcome = outcome
    attempt.provider_id = provider_id or attempt.provider_id
    attempt.reason = reason
    attempt.answered = answered
    transaction.add(attempt)


def _hold_attempt(transaction: Session, attempt: UUID) -> None:
    """All its mails at once: held one part after the other, they might wait in a circle for whoever
    hears of an earlier attempt of theirs."""
    hold_many(transaction, col(OutboxMail.attempt_id) == attempt)


def _settle_attempt(transaction: Session, attempt: UUID, **values: object) -> None:
    """Fenced: only mails that still belong to this attempt and are still in doubt move."""
    in_doubt = select(OutboxMail.id).where(
        OutboxMail.attempt_id == attempt, col(OutboxMail.state).in_(IN_DOUBT)
    )
    change(transaction, in_order(in_doubt), **values)
