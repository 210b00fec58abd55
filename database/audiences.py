"""Audiences: whom a campaign would address, and whom it does, frozen chunk by chunk (P4)."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import insert
from sqlmodel import Session, func, select

from database.accounts import open_since
from database.approvals import PolicyHistory
from database.assessments import assessment_of
from database.campaigns import count_addressees, shards
from database.chunks import Advance, Pace
from database.engine import Database
from database.facts import record
from database.ids import new_id
from database.links import APPROVE, add_links
from database.standings import standings
from database.tables import Account, Campaign, CampaignAddressee, Policy, PolicyVersion
from database.unfinished_imports import finish_imports, one_stands_unfinished
from database.writing import held, hold
from domain.account_holders import LeftOut, Status, left_out
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
class Group:
    """Accounts for which a version means the same, and who get the same mail.

    `governing` and `accepted` are the numbers of versions; the change is shown from the former.
    """

    governing: int
    accepted: int
    language: str
    kind: str
    asks_approval: bool
    addressed: bool
    accounts: int


@dataclass(frozen=True, kw_only=True)
class Preview:
    """Whom a version would be told to and who would be asked, if it were released at this instant.

    `left_out`: how many get no mail for a reason of their own, by that reason. `unassessed`: the
    versions from which the change is not known yet; their accounts count as asked.
    """

    groups: tuple[Group, ...]
    left_out: Mapping[LeftOut, int]
    unassessed: tuple[int, ...]

    @property
    def addressees(self) -> int:
        """How many mails a first notice would be."""
        return sum(group.accounts for group in self.groups if group.addressed)

    @property
    def asked(self) -> int:
        """How many of them would be asked for their approval."""
        return sum(
            group.accounts for group in self.groups if group.addressed and group.asks_approval
        )


def preview(session: Session, version: PolicyVersion, at: datetime) -> Preview:
    """Whom a version would address if its audience were frozen at this instant; writes nothing.

    While it has no class it is counted as of class `approval`. An editorial one addresses nobody.
    """
    history = PolicyHistory(session, session.get_one(Policy, version.policy_id))
    counts: Counter[Group] = Counter()
    absent: Counter[LeftOut] = Counter()
    bases: set[int] = set()
    for standing, accounts in standings(session, history, at, version).items():
        asks = bool(standing.asks_approval)
        why = left_out(standing.status, standing.kind, asks_approval=asks)
        if why is not None:
            absent[why] += accounts
            continue
        bases |= {standing.governing, standing.accepted}
        group = Group(
            governing=standing.governing,
            accepted=standing.accepted,
            language=standing.language,
            kind=standing.kind,
            asks_approval=asks,
            addressed=_is_addressed(version, asks_approval=asks),
            accounts=0,
        )
        counts[group] += accounts
    groups = (replace(group, accounts=accounts) for group, accounts in counts.items())
    return Preview(
        groups=tuple(sorted(groups, key=_order)),
        left_out={why: absent[why] for why in LeftOut},
        unassessed=tuple(
            number
            for number in sorted(bases - {version.number})
            if not assessment_of(session, history.versions[number].id, version.id)
        ),
    )


def _order(group: Group) -> tuple[object, ...]:
    return (-group.governing, -group.accepted, group.language, group.kind, group.asks_approval)


def _is_addressed(version: PolicyVersion, *, asks_approval: bool) -> bool:
    """Of class `notice` everybody is told, of class `approval` whoever has to approve is asked."""
    told = version.version_class == VersionClass.NOTICE
    return told or (asks_approval and version.version_class != VersionClass.EDITORIAL)


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
                Account.status == Status.OPEN,
                open_since() <= freezing_at,
            )
            .order_by(Account.external_id)
            .limit(FREEZE_CHUNK)
        ).all()
        if not accounts:
            return None
        version = session.get_one(PolicyVersion, campaign.policy_version_id)
        history = PolicyHistory(session, session.get_one(Policy, version.policy_id))
        states = history.governing(accounts, freezing_at)
        concerned = (
            (account, states[account.id], history.needs_approval(states[account.id], version))
            for account in accounts
            if account.id in states
        )
        addressed = (
            (account.id, state, asks)
            for account, state, asks in concerned
            if _is_addressed(version, asks_approval=asks)
            and left_out(account.status, account.kind, asks_approval=asks) is None
        )
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
                for position, (account_id, state, asks) in enumerate(addressed, start=first)
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
