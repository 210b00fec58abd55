"""How fast mail goes: what each claim may take, and what is held to after a 429 (P8).

A claim that nothing limits asks nothing more: whether something does, it learns with its first
mail (`is_limited`). Rows here are held after the mails of a claim, and nothing is waited for while
they are.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import ColumnElement, exists, or_
from sqlmodel import Session, col, func, select
from sqlmodel.sql.expression import SelectOfScalar

from database.facts import record
from database.ids import new_id
from database.tables import Campaign, MailAttempt, MailBucket, MailSlowdown, OutboxMail
from database.writing import insert_new
from domain.mail.pace import IN_VAIN_FOR, MINUTE, Bucket, Slowdown, reserve_period, slower

ALL_MAIL = UUID(int=0)


@dataclass(frozen=True, kw_only=True)
class Allowance:
    """How many copies a claim may take, and `not_before` when more may go, if none may now.

    `per_minute`: the lowest rate that holds for them; null while a 429 holds everything.
    """

    copies: int
    not_before: datetime | None = None
    per_minute: int | None = None
    buckets: tuple[tuple[MailBucket, Bucket], ...] = ()


def is_limited() -> ColumnElement[bool]:
    """Of a mail, whether more than the configured rate limits it."""
    return or_(
        exists().where(col(MailSlowdown.in_effect).is_(True)),
        exists().where(
            col(Campaign.id) == col(OutboxMail.subject_id), col(Campaign.per_minute).is_not(None)
        ),
    )


def allow(
    transaction: Session,
    campaign_id: UUID | None,
    *,
    wanted: int,
    per_minute: int,
    now: datetime,
) -> Allowance:
    """How many of the copies wanted may go now; the buckets are ours until the transaction ends.

    A campaign takes as many as it wants or a bucket can hold, or none: many small requests would
    be no gentler. Any other mail takes what there is, and a part that campaigns leave.
    """
    slowdown = _in_effect(transaction, now)
    if slowdown and now < slowdown.held_until:
        return Allowance(copies=0, not_before=slowdown.held_until)
    taught = slowdown.rate_at(now) if slowdown else None
    rates = dict(_rates(transaction, campaign_id, per_minute, taught))
    if not rates:
        return Allowance(copies=wanted)
    buckets = tuple(_buckets(transaction, rates, reserved=campaign_id is not None))
    least = min(wanted, *(bucket.most() for _, bucket in buckets)) if campaign_id else 1
    copies = min(wanted, *(bucket.holds(now) for _, bucket in buckets))
    lowest = min(rates.values())
    if copies >= least:
        return Allowance(copies=copies, per_minute=lowest, buckets=buckets)
    until = max(bucket.holds_at(least, now) for _, bucket in buckets)
    return Allowance(copies=0, not_before=until, per_minute=lowest)


def spend(transaction: Session, allowance: Allowance, copies: int, now: datetime) -> None:
    """So many copies of an allowance were taken."""
    for row, bucket in allowance.buckets:
        row.paid_until = bucket.less(copies, now)
        transaction.add(row)


def slow_down(
    transaction: Session, attempt_id: UUID, retry_after: timedelta | None, now: datetime
) -> bool:
    """The mail service answered 429 to an attempt: every process holds to it from the commit on.

    Whether it has gone on for too long, and nothing went out of late.
    """
    asked_at = transaction.get_one(MailAttempt, attempt_id).started_at
    sent = copies_last_minute(transaction, now)

    def learn(row: MailSlowdown | None) -> Slowdown:
        known = _read(row) if row else None
        return slower(known, sent=sent, asked_at=asked_at, retry_after=retry_after, now=now)

    _in_effect(transaction, now)
    first = MailSlowdown(**asdict(learn(None)))
    if insert_new(transaction, MailSlowdown, [first.model_dump()]):
        record(transaction, "mail.slowed_down", first.id, now, rate=first.rate)
        return False
    row = transaction.exec(_held_to()).one()
    row.sqlmodel_update(asdict(learn(row)))
    transaction.add(row)
    return not sent and now - row.began_at >= IN_VAIN_FOR


def copies_last_minute(session: Session, now: datetime) -> int:
    """How many copies the mail service took in the last minute."""
    return session.exec(
        select(func.coalesce(func.sum(MailAttempt.copies), 0)).where(
            col(MailAttempt.started_at) > now - MINUTE,
            col(MailAttempt.started_at) <= now,
            MailAttempt.outcome == "accepted",
        )
    ).one()


def learnt(session: Session) -> Slowdown | None:
    """What the last 429 taught; it may be over."""
    row = session.exec(select(MailSlowdown).where(col(MailSlowdown.in_effect).is_(True))).first()
    return _read(row) if row else None


def _held_to() -> SelectOfScalar[MailSlowdown]:
    return select(MailSlowdown).where(col(MailSlowdown.in_effect).is_(True)).with_for_update()


def _in_effect(transaction: Session, now: datetime) -> Slowdown | None:
    """What a 429 taught, ours until the transaction ends; it is noted as over once it is."""
    row = transaction.exec(_held_to()).first()
    if row is None:
        return None
    known = _read(row)
    if now < known.held_until or known.rate_at(now) is not None:
        return known
    row.in_effect, row.ended_at = None, now
    transaction.add(row)
    transaction.flush()
    return None


def _read(row: MailSlowdown) -> Slowdown:
    return Slowdown(
        began_at=row.began_at,
        slowed_at=row.slowed_at,
        held_until=row.held_until,
        rate=row.rate,
        peak=row.peak,
    )


def _rates(
    session: Session, campaign_id: UUID | None, per_minute: int, taught: int | None
) -> Iterator[tuple[UUID, int]]:
    """What limits a mail, in the order in which buckets are held."""
    of_all = [rate for rate in (per_minute, taught) if rate]
    if of_all:
        yield ALL_MAIL, min(of_all)
    if campaign_id:
        own = session.exec(select(Campaign.per_minute).where(Campaign.id == campaign_id)).first()
        if own:
            yield campaign_id, own


def _buckets(
    transaction: Session, rates: Mapping[UUID, int], *, reserved: bool
) -> Iterator[tuple[MailBucket, Bucket]]:
    """The buckets of these, held; of all mail a campaign leaves a part to others."""
    for subject_id, row in zip(rates, _rows(transaction, list(rates)), strict=True):
        rate = rates[subject_id]
        left = reserve_period(rate) if reserved and subject_id == ALL_MAIL else timedelta()
        yield row, Bucket(rate=rate, paid_until=row.paid_until, reserve=left)


def _rows(transaction: Session, subjects: Sequence[UUID]) -> Sequence[MailBucket]:
    """Their rows in the same order, made when they are not there, and held."""
    wanted = (
        select(MailBucket)
        .where(col(MailBucket.subject_id).in_(subjects))
        .order_by(col(MailBucket.subject_id))
        .with_for_update()
        .execution_options(populate_existing=True)
    )
    rows = transaction.exec(wanted).all()
    if len(rows) < len(subjects):
        fresh = [{"id": new_id(), "subject_id": subject} for subject in subjects]
        insert_new(transaction, MailBucket, fresh)
        rows = transaction.exec(wanted).all()
    return rows
