"""Audiences: whom a campaign addresses, frozen when it begins, chunk by chunk."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import insert
from sqlmodel import Session, func, select

from database.accounts import open_since
from database.approvals import PolicyHistory
from database.campaigns import count_addressees, shards
from database.chunks import Advance, Pace
from database.engine import Database
from database.facts import record
from database.ids import new_id
from database.links import APPROVE, add_links
from database.tables import Account, Campaign, CampaignAddressee, Policy, PolicyVersion
from database.unfinished_imports import finish_imports, one_stands_unfinished
from database.writing import held, hold
from domain.reviews import VersionClass

SHARD_SIZE = 1000
FREEZE_CHUNK = 100


def freeze_audience(
    database: Database, campaign_id: UUID, now: datetime, progress: Advance = lambda _rows: None
) -> int:
    """Write down whom a campaign addresses, chunk by chunk, after imports that stand are finished.

    Of class `approval`: open accounts that the version would not govern without their approval. Of
    class `notice`: every open account. An interrupted freeze goes on where it stopped, with the
    instant it began at; two at once do no harm, and a finished one is not repeated. `progress` is
    told of each chunk, also of the imports', and may raise to end it there. Returns the number of
    addressees.
    """
    while (freezing_at := _freezing_at(database, campaign_id, now)) is None:
        finish_imports(database, now, progress)
    pace = Pace(database)
    while (chunk := _next_accounts(database, campaign_id, freezing_at)) is not None:
        _address(pace, campaign_id, chunk, now)
        progress(len(chunk.addressed))
    with database.transaction() as transaction:
        campaign = held(transaction, Campaign, campaign_id)
        addressees = count_addressees(transaction, campaign_id)
        if campaign.audience_frozen_at is None:
            campaign.audience_frozen_at = freezing_at
            record(transaction, "campaign.audience_frozen", campaign_id, now, addressees=addressees)
    return addressees


@dataclass(frozen=True, kw_only=True)
class _Accounts:
    """The next accounts by external id, after one and up to one, and whom of them to address."""

    after: str
    up_to: str
    addressed: Sequence[dict[str, Any]]


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


def _next_accounts(
    database: Database, campaign_id: UUID, freezing_at: datetime
) -> _Accounts | None:
    """Look at the next accounts, without holding anybody up; None when all are looked at."""
    with database.session() as session:
        campaign = session.get_one(Campaign, campaign_id)
        if campaign.audience_frozen_at is not None:
            return None
        accounts = session.exec(
            select(Account)
            .where(
                Account.external_id > campaign.frozen_up_to,
                Account.status == "open",
                open_since() <= freezing_at,
            )
            .order_by(Account.external_id)
            .limit(FREEZE_CHUNK)
        ).all()
        if not accounts:
            return None
        version = session.get_one(PolicyVersion, campaign.policy_version_id)
        history = PolicyHistory(session, session.get_one(Policy, version.policy_id))
        asked = [
            (account_id, state, history.needs_approval(state, version))
            for account_id, state in history.governing(accounts, freezing_at).items()
        ]
        told = version.version_class == VersionClass.NOTICE
        first = _next_position(session, campaign_id)
        return _Accounts(
            after=campaign.frozen_up_to,
            up_to=accounts[-1].external_id,
            addressed=[
                {
                    "id": new_id(),
                    "campaign_id": campaign_id,
                    "account_id": account_id,
                    "shard": position // SHARD_SIZE,
                    "governing_version_id": history.versions[state.number].id,
                    "accepted_version_id": history.versions[state.accepted].id,
                    "asks_approval": asks,
                }
                for position, (account_id, state, asks) in enumerate(
                    ((each for each in asked if told or each[2])), start=first
                )
            ],
        )


def _next_position(session: Session, campaign_id: UUID) -> int:
    """How many are addressed so far. All shards but the last are full, so only it is counted."""
    last = max(shards(session, campaign_id) - 1, 0)
    in_last = session.exec(
        select(func.count())
        .select_from(CampaignAddressee)
        .where(CampaignAddressee.campaign_id == campaign_id, CampaignAddressee.shard == last)
    ).one()
    return last * SHARD_SIZE + in_last


def _address(pace: Pace, campaign_id: UUID, chunk: _Accounts, now: datetime) -> None:
    """Write down whom to address, each with a link, unless another freeze came first."""
    with pace.transaction() as transaction:
        campaign = held(transaction, Campaign, campaign_id)
        if campaign.frozen_up_to != chunk.after:
            return
        campaign.frozen_up_to = chunk.up_to
        if chunk.addressed:
            transaction.connection().execute(insert(CampaignAddressee), chunk.addressed)
            subjects = [(row["id"], row["account_id"]) for row in chunk.addressed]
            add_links(transaction, purpose=APPROVE, subjects=subjects, now=now)
