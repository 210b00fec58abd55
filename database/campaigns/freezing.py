"""The audience of a campaign: written down when it begins, chunk by chunk (P4)."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Boolean, ColumnElement, Integer, String, Uuid, literal
from sqlalchemy import select as select_columns
from sqlmodel import Session, and_, col, func, select

from database.approvals.approvals import PolicyHistory
from database.approvals.renewing import stands, unheard_until
from database.approvals.standings import is_looked_at_alone, silent, state_of_silent
from database.campaigns.audiences import is_addressed
from database.campaigns.progress import count_addressees
from database.campaigns.replacing import told_before
from database.campaigns.shards import shards
from database.chunks import Advance
from database.engine import Database
from database.facts import record
from database.ids import id_of_each, new_id
from database.imports.unfinished_imports import (
    COUNTED_ANEW,
    finish_imports,
    one_stands_unfinished,
)
from database.people.accounts import open_since
from database.policies.lineage import lineage
from database.policies.policies import TAKEN_BACK
from database.tables import Account, Campaign, CampaignAddressee, Policy, PolicyVersion
from database.writing import as_table, count_anew, held, hold, insert_new, insert_selected
from domain.approvals.approvals import Governing
from domain.people.account_holders import AccountKind, Status, left_out

SHARD_SIZE = 1000
FREEZE_CHUNK = 1000


def freeze_audience(
    database: Database, campaign_id: UUID, now: datetime, progress: Advance = lambda _rows: None
) -> int:
    """Write down whom a campaign addresses, chunk by chunk, after imports that stand are finished.

    That is every open account that it does not govern already, nobody's of no natural person, of
    class `notice` and `approval` alike: whoever has to approve is asked, the others are told. Of
    one that does not come any more: only those who were told of a version whose place it took, to
    hear so.
    An interrupted freeze goes on where it stopped, with the instant it began at; two at once do no
    harm, and a finished one is not repeated. `progress` is told of each chunk, also of the
    imports', and may raise to end it there. Returns the number of addressees.
    """
    while (freezing_at := _freezing_at(database, campaign_id, now)) is None:
        finish_imports(database, now, progress)
    while (chunk := _next_chunk(database, campaign_id, freezing_at)) is not None:
        progress(_address(database, campaign_id, freezing_at, chunk))
    with database.transaction() as transaction:
        campaign = held(transaction, Campaign, campaign_id)
        addressees = count_addressees(transaction, campaign_id)
        if campaign.audience_frozen_at is None:
            campaign.audience_frozen_at = freezing_at
            if addressees >= COUNTED_ANEW:
                count_anew(transaction, CampaignAddressee)
            record(transaction, "campaign.audience_frozen", campaign_id, now, addressees=addressees)
    return addressees


@dataclass(frozen=True, kw_only=True)
class _Chunk:
    """The next accounts by external id, after one and up to one, and how the silent among them
    stand (`standings.silent`): each way of it, with what the version means then."""

    after: str
    up_to: str
    ways: Sequence[Mapping[str, object]]


def _freezing_at(database: Database, campaign_id: UUID, now: datetime) -> datetime | None:
    """The instant whose accounts are addressed: whoever comes later is late for every try (P7).

    None while an import stands unfinished. None can come to stand as long as the policy is held,
    and one that stands afterwards counts as later.
    """
    with database.transaction() as transaction:
        campaign = transaction.get_one(Campaign, campaign_id)
        version = transaction.get_one(PolicyVersion, campaign.policy_version_id)
        held(transaction, Policy, version.policy_id)
        hold(transaction, campaign)
        begun_at = campaign.freezing_at or campaign.audience_frozen_at
        if begun_at is None and one_stands_unfinished(transaction):
            return None
        campaign.freezing_at = begun_at or now
        return campaign.freezing_at


def _next_chunk(database: Database, campaign_id: UUID, freezing_at: datetime) -> _Chunk | None:
    """Look at the next accounts, without holding anybody up; None when all are looked at."""
    with database.session() as session:
        campaign = session.get_one(Campaign, campaign_id)
        if campaign.audience_frozen_at is not None:
            return None
        ids = session.exec(
            select(Account.external_id)
            .where(Account.external_id > campaign.frozen_up_to, *_open_at(freezing_at))
            .order_by(Account.external_id)
            .limit(FREEZE_CHUNK)
        ).all()
        if not ids:
            return None
        version = session.get_one(PolicyVersion, campaign.policy_version_id)
        history = PolicyHistory(session, session.get_one(Policy, version.policy_id))
        of_chunk = col(Account.external_id).between(ids[0], ids[-1])
        started = silent(history, freezing_at).where(of_chunk).subquery()
        ways = session.execute(select(started.c.asserted, started.c.past).distinct()).all()
        return _Chunk(
            after=campaign.frozen_up_to,
            up_to=ids[-1],
            ways=[
                way
                for asserted, past in ways
                for way in _meaning(history, version, freezing_at, asserted, past)
            ],
        )


def _meaning(
    history: PolicyHistory, version: PolicyVersion, at: datetime, asserted: UUID | None, past: int
) -> Iterator[dict[str, object]]:
    state = state_of_silent(history, at, asserted, past)
    if state is None:
        return
    asks = history.needs_approval(state, version)
    for kind in AccountKind:
        if _is_owed_mail(version, state, kind):
            yield {
                "asserted": asserted,
                "past": past,
                "kind": kind,
                **stands(history, state, version, asks=asks),
            }


def _is_owed_mail(version: PolicyVersion, state: Governing, kind: str) -> bool:
    told = version.state in TAKEN_BACK or is_addressed(version, state.number)
    return told and left_out(Status.OPEN, kind) is None


def _address(database: Database, campaign_id: UUID, freezing_at: datetime, chunk: _Chunk) -> int:
    """Write down whom of a chunk to address, unless another freeze came first; how many.

    The silent come first: who decides in this moment is found among those who did, and is there
    already.
    """
    with database.transaction() as transaction:
        campaign = held(transaction, Campaign, campaign_id)
        if campaign.frozen_up_to != chunk.after:
            return 0
        campaign.frozen_up_to = chunk.up_to
        version = transaction.get_one(PolicyVersion, campaign.policy_version_id)
        history = PolicyHistory(transaction, transaction.get_one(Policy, version.policy_id))
        first = _next_position(transaction, campaign_id)
        if version.state in TAKEN_BACK:
            told = _told_before(transaction, campaign, freezing_at, chunk)
            return _address_each(transaction, campaign, history, freezing_at, told, first)
        added = _address_silent(transaction, campaign_id, history, freezing_at, chunk, first)
        others = _of_those_who_decided(transaction, history, freezing_at, chunk)
        return added + _address_each(
            transaction, campaign, history, freezing_at, others, first + added
        )


def _address_silent(
    transaction: Session,
    campaign_id: UUID,
    history: PolicyHistory,
    at: datetime,
    chunk: _Chunk,
    first: int,
) -> int:
    accounts = silent(history, at).where(_of_chunk(chunk), *_open_at(at)).subquery()
    ways = as_table(
        transaction,
        chunk.ways,
        asserted=Uuid(),
        past=Integer(),
        kind=String(),
        governing_version_id=Uuid(),
        accepted_version_id=Uuid(),
        asks_approval=Boolean(),
    )
    position = first - 1 + func.row_number().over(order_by=accounts.c.external_id)
    row: dict[str, Any] = {
        "id": id_of_each(),
        "campaign_id": literal(campaign_id, Uuid()),
        "account_id": accounts.c.account_id,
        "shard": position // SHARD_SIZE,
        "governing_version_id": ways.c.governing_version_id,
        "accepted_version_id": ways.c.accepted_version_id,
        "asks_approval": ways.c.asks_approval,
    }
    addressed = (
        select_columns(*row.values())
        .join_from(
            accounts,
            ways,
            and_(
                accounts.c.asserted.is_not_distinct_from(ways.c.asserted),
                accounts.c.past == ways.c.past,
                accounts.c.kind == ways.c.kind,
            ),
        )
        .order_by(accounts.c.external_id)
    )
    return insert_selected(transaction, CampaignAddressee, list(row), addressed)


def _of_those_who_decided(
    session: Session, history: PolicyHistory, at: datetime, chunk: _Chunk
) -> Sequence[Account]:
    return session.exec(
        select(Account)
        .where(_of_chunk(chunk), *_open_at(at), is_looked_at_alone(history))
        .order_by(Account.external_id)
    ).all()


def _told_before(
    session: Session, campaign: Campaign, at: datetime, chunk: _Chunk
) -> Sequence[Account]:
    """Who was told of a version whose place this one took (P8)."""
    accounts = session.exec(
        select(Account).where(_of_chunk(chunk), *_open_at(at)).order_by(Account.external_id)
    ).all()
    told = told_before(session, campaign.policy_version_id, [each.id for each in accounts])
    return [account for account in accounts if account.id in told]


def _address_each(
    transaction: Session,
    campaign: Campaign,
    history: PolicyHistory,
    at: datetime,
    accounts: Sequence[Account],
    first: int,
) -> int:
    """Address accounts that are looked at one by one."""
    version = transaction.get_one(PolicyVersion, campaign.policy_version_id)
    found, about = history.proven(accounts, at), lineage(transaction, version.id)
    concerned = (
        (account, proven, history.needs_approval(proven.state, version))
        for account in accounts
        if (proven := found.get(account.id))
    )
    owed = (
        {
            "account_id": account.id,
            "unheard_until": unheard_until(proven, about),
            **stands(history, proven.state, version, asks=asks),
        }
        for account, proven, asks in concerned
        if _is_owed_mail(version, proven.state, account.kind)
    )
    rows = [
        {
            "id": new_id(),
            "campaign_id": campaign.id,
            "shard": position // SHARD_SIZE,
            **each,
        }
        for position, each in enumerate(owed, start=first)
    ]
    return len(insert_new(transaction, CampaignAddressee, rows))


def _of_chunk(chunk: _Chunk) -> ColumnElement[bool]:
    return and_(col(Account.external_id) > chunk.after, col(Account.external_id) <= chunk.up_to)


def _open_at(at: datetime) -> tuple[ColumnElement[bool], ...]:
    return col(Account.status) == Status.OPEN, open_since() <= at


def _next_position(session: Session, campaign_id: UUID) -> int:
    """How many are addressed so far. All shards but the last are full, so only it is counted."""
    last = max(shards(session, campaign_id) - 1, 0)
    in_last = session.exec(
        select(func.count())
        .select_from(CampaignAddressee)
        .where(CampaignAddressee.campaign_id == campaign_id, CampaignAddressee.shard == last)
    ).one()
    return last * SHARD_SIZE + in_last
