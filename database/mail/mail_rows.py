"""Rows of the outbox: which of them, held in an order that no two writers dispute, and changed."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import TypeVar
from uuid import UUID

from sqlalchemy import ColumnElement, and_, tuple_, update
from sqlalchemy.sql.selectable import GenerativeSelect
from sqlmodel import Session, col, func, select
from sqlmodel.sql.expression import SelectOfScalar

from database.tables import CampaignAddressee, OutboxMail

Found = TypeVar("Found")
Query = TypeVar("Query", bound=GenerativeSelect)


@dataclass(frozen=True, kw_only=True)
class Batch:
    """Which mails a sender looks after: a subject's, of one step and shard, or a single one."""

    subject_id: UUID | None = None
    addressee_kind: str | None = None
    step: str | None = None
    shard: int | None = None
    mail_id: UUID | None = None


def in_batch(batch: Batch) -> ColumnElement[bool]:
    """Whether a mail is one of those that a sender looks after."""
    wanted = (
        (col(OutboxMail.subject_id), batch.subject_id),
        (col(OutboxMail.addressee_kind), batch.addressee_kind),
        (col(OutboxMail.step), batch.step),
        (col(OutboxMail.shard), batch.shard),
        (col(OutboxMail.id), batch.mail_id),
    )
    return and_(*(column == value for column, value in wanted if value is not None))


def stands_at(*states: str, of: type[OutboxMail] = OutboxMail) -> ColumnElement[bool]:
    """Whether a mail that is found otherwise is in one of these states. SQLite would rather walk
    the index of states, and nearly all mails may be in one of them: so it is not offered to it."""
    return func.coalesce(col(of.state), "").in_(states)


def of_campaigns_to(account_ids: Collection[UUID]) -> ColumnElement[bool]:
    """Whether a mail is a campaign's to one of these accounts. They are found by whom campaigns
    address: no index leads from an account to its mails, as each mail queued would pay for it."""
    addressed = select(CampaignAddressee.campaign_id, CampaignAddressee.account_id).where(
        col(CampaignAddressee.account_id).in_(account_ids)
    )
    return tuple_(col(OutboxMail.subject_id), col(OutboxMail.addressee_id)).in_(addressed)


def of_nobody_else(query: Query) -> Query:
    """Ours until the transaction ends, without those that are another writer's at this moment."""
    return query.with_for_update(skip_locked=True, key_share=True)


def in_order(query: SelectOfScalar[Found]) -> SelectOfScalar[Found]:
    """Ours until the transaction ends, one after the other in the order of their ids."""
    return query.order_by(col(OutboxMail.id)).with_for_update(key_share=True)


def hold_mails(transaction: Session, *which: ColumnElement[bool]) -> Sequence[UUID]:
    """The ids of these mails, which are ours until the transaction ends."""
    return transaction.exec(in_order(select(OutboxMail.id).where(*which))).all()


def hold_many(transaction: Session, which: ColumnElement[bool]) -> None:
    """As `hold_mails`, without their ids: for more than a statement takes values. On SQLite whoever
    writes holds everything."""
    if transaction.get_bind().dialect.name == "sqlite":
        return
    held = in_order(select(OutboxMail.id).where(which)).subquery()
    transaction.exec(select(func.count()).select_from(held)).one()


def change(transaction: Session, which: SelectOfScalar[UUID], **values: object) -> int:
    """Change the mails that a query holds, without bringing their ids here; how many.

    Named in front of the statement, the query runs once: within it PostgreSQL may ask it again and
    again, and hold more than its limit.
    """
    once = which.cte()
    changed = transaction.execute(
        update(OutboxMail)
        .where(col(OutboxMail.id).in_(select(once.c.id)))
        .values(**values)
        .returning(col(OutboxMail.shard))
        .execution_options(synchronize_session=False)
    )
    return len(changed.all())
