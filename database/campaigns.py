"""Campaigns: the audience frozen at announcement, the steps taken, how it stands."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import exists
from sqlmodel import Session, col, func, select

from database.approvals import PolicyHistory
from database.engine import Database
from database.facts import record
from database.links import APPROVE, add_link
from database.outbox import ACCOUNT, CAMPAIGN, Batch, Queued, states
from database.tables import (
    Account,
    Approval,
    Campaign,
    CampaignAddressee,
    CampaignStep,
    Link,
    OutboxMail,
    Policy,
    PolicyVersion,
)
from domain.approvals import Decision
from domain.reviews import VersionClass

SHARD_SIZE = 1000
FIRST_NOTICE = "first_notice"
UNDELIVERABLE = ("bounced", "dropped", "complained", "rejected", "operator", "unknown")


@dataclass(frozen=True, kw_only=True)
class Progress:
    """How a campaign stands, in numbers of account holders."""

    addressees: int
    approved: int
    declined: int
    silent: int
    not_reached: int
    mails: dict[str, int]


@dataclass(frozen=True, kw_only=True)
class NotReached:
    """An account whose first notice reached nobody, and why."""

    account: str
    state: str
    reason: str | None
    mail: UUID


def open_campaign(
    transaction: Session, version: PolicyVersion, policy: Policy, now: datetime
) -> Campaign:
    """The campaign of a version, opened with its announcement; the one there already, if any."""
    campaign = campaign_of(transaction, version.id)
    if campaign is None:
        campaign = Campaign(policy_version_id=version.id, owner_id=policy.owner_id, started_at=now)
        transaction.add(campaign)
        record(transaction, "campaign.opened", campaign.id, now, version=version.id)
    return campaign


def campaign_of(session: Session, version_id: UUID) -> Campaign | None:
    """The campaign of a version."""
    return session.exec(select(Campaign).where(Campaign.policy_version_id == version_id)).first()


def freeze_audience(database: Database, campaign_id: UUID, now: datetime) -> int:
    """Write down whom a campaign addresses, a thousand accounts to a transaction.

    Of class `approval`: open accounts that the version would not govern without their approval. Of
    class `notice`: every open account. An interrupted freeze goes on where it stopped; a finished
    one is not repeated. Returns the number of addressees.
    """
    with database.session() as session:
        frozen_up_to = _frozen_up_to(session, campaign_id)
        if session.get_one(Campaign, campaign_id).audience_frozen_at is not None:
            return count_addressees(session, campaign_id)
    last: str | None = frozen_up_to
    while last is not None:
        last = _freeze_chunk(database, campaign_id, last, now)
    with database.transaction() as transaction:
        campaign = transaction.get_one(Campaign, campaign_id)
        campaign.audience_frozen_at = now
        transaction.add(campaign)
        addressees = count_addressees(transaction, campaign_id)
        record(transaction, "campaign.audience_frozen", campaign_id, now, addressees=addressees)
    return addressees


def count_addressees(session: Session, campaign_id: UUID) -> int:
    """How many accounts a campaign addresses."""
    return session.exec(
        select(func.count())
        .select_from(CampaignAddressee)
        .where(CampaignAddressee.campaign_id == campaign_id)
    ).one()


def shards(session: Session, campaign_id: UUID) -> int:
    """How many shards the audience fills."""
    last = session.exec(
        select(func.max(CampaignAddressee.shard)).where(
            CampaignAddressee.campaign_id == campaign_id
        )
    ).one()
    return 0 if last is None else int(last) + 1


def mails_of_step(session: Session, campaign: Campaign, step: str, shard: int) -> list[Queued]:
    """The mails a shard owes for a step: everyone for the first notice, the silent afterwards.

    Whoever has to approve before the version governs them is asked; the others are told.
    """
    answered = exists().where(
        col(Approval.account_id) == col(CampaignAddressee.account_id),
        col(Approval.policy_version_id) == campaign.policy_version_id,
    )
    query = (
        select(CampaignAddressee, Link.id)
        .join(Account, col(Account.id) == col(CampaignAddressee.account_id))
        .join(Link, col(Link.subject_id) == col(CampaignAddressee.id))
        .where(
            CampaignAddressee.campaign_id == campaign.id,
            CampaignAddressee.shard == shard,
            Account.status == "open",
            col(Link.successor_id).is_(None),
        )
    )
    if step != FIRST_NOTICE:
        query = query.where(~answered, col(CampaignAddressee.asks_approval))
    return [
        Queued(
            subject_kind=CAMPAIGN,
            subject_id=campaign.id,
            addressee_kind=ACCOUNT,
            addressee_id=addressee.account_id,
            step=step,
            template=notice_template(step, asks_approval=addressee.asks_approval),
            variant=addressee.governing_version_id,
            link_id=link_id,
            shard=shard,
        )
        for addressee, link_id in session.exec(query).all()
    ]


def notice_template(step: str, *, asks_approval: bool) -> str:
    """Which mail a step of a campaign sends to an account holder."""
    if not asks_approval:
        return "notice_first_notice"
    return "approval_first_notice" if step == FIRST_NOTICE else "approval_reminder"


def asks_anybody(session: Session, campaign_id: UUID) -> bool:
    """Whether anybody addressed has to approve; if not, there is nobody to remind."""
    query = select(CampaignAddressee.id).where(
        CampaignAddressee.campaign_id == campaign_id, col(CampaignAddressee.asks_approval)
    )
    return session.exec(query).first() is not None


def step_taken(session: Session, campaign_id: UUID, step: str) -> bool:
    """Whether a step was taken already."""
    return (
        session.exec(
            select(CampaignStep).where(
                CampaignStep.campaign_id == campaign_id, CampaignStep.step == step
            )
        ).first()
        is not None
    )


def take_step(
    transaction: Session, campaign_id: UUID, step: str, *, due_at: datetime, now: datetime
) -> bool:
    """Note a step as taken, with its fact; False when it was taken before."""
    if step_taken(transaction, campaign_id, step):
        return False
    transaction.add(CampaignStep(campaign_id=campaign_id, step=step, due_at=due_at, taken_at=now))
    mails = states(transaction, Batch(subject_id=campaign_id, step=step))
    record(
        transaction, "campaign.step_taken", campaign_id, now, step=step, due_at=due_at, mails=mails
    )
    return True


def progress(session: Session, campaign: Campaign) -> Progress:
    """How a campaign stands now."""
    latest = (
        select(Approval.account_id, func.max(Approval.decided_at).label("at"))
        .where(Approval.policy_version_id == campaign.policy_version_id)
        .group_by(col(Approval.account_id))
        .subquery()
    )
    decisions = dict(
        session.exec(
            select(Approval.decision, func.count())
            .join(
                latest,
                (latest.c.account_id == Approval.account_id) & (latest.c.at == Approval.decided_at),
            )
            .join(
                CampaignAddressee,
                (col(CampaignAddressee.account_id) == col(Approval.account_id))
                & (col(CampaignAddressee.campaign_id) == campaign.id),
            )
            .where(Approval.policy_version_id == campaign.policy_version_id)
            .group_by(Approval.decision)
        ).all()
    )
    addressees = count_addressees(session, campaign.id)
    mails = states(session, Batch(subject_id=campaign.id, step=FIRST_NOTICE))
    approved = decisions.get(Decision.APPROVED, 0)
    declined = decisions.get(Decision.DECLINED, 0)
    return Progress(
        addressees=addressees,
        approved=approved,
        declined=declined,
        silent=addressees - approved - declined,
        not_reached=sum(mails.get(state, 0) for state in UNDELIVERABLE),
        mails=mails,
    )


def not_reached(session: Session, campaign_id: UUID) -> Sequence[NotReached]:
    """Whom the first notice did not reach, by their external id (P4)."""
    rows = session.exec(
        select(Account.external_id, OutboxMail.state, OutboxMail.reason, OutboxMail.id)
        .join(Account, col(Account.id) == col(OutboxMail.addressee_id))
        .where(
            OutboxMail.subject_id == campaign_id,
            OutboxMail.step == FIRST_NOTICE,
            col(OutboxMail.state).in_(UNDELIVERABLE),
        )
        .order_by(Account.external_id)
    ).all()
    return [
        NotReached(account=account, state=state, reason=reason, mail=mail)
        for account, state, reason, mail in rows
    ]


def addressee_by_id(session: Session, addressee_id: UUID) -> CampaignAddressee:
    """The addressee a link was made for."""
    return session.get_one(CampaignAddressee, addressee_id)


def _frozen_up_to(session: Session, campaign_id: UUID) -> str:
    return (
        session.exec(
            select(func.max(Account.external_id))
            .join(CampaignAddressee, col(CampaignAddressee.account_id) == col(Account.id))
            .where(CampaignAddressee.campaign_id == campaign_id)
        ).one()
        or ""
    )


def _freeze_chunk(database: Database, campaign_id: UUID, after: str, now: datetime) -> str | None:
    """Freeze the next thousand accounts; the last external id among them, or None at the end."""
    with database.transaction() as transaction:
        accounts = transaction.exec(
            select(Account)
            .where(
                Account.external_id > after, Account.status == "open", Account.recorded_at <= now
            )
            .order_by(Account.external_id)
            .limit(SHARD_SIZE)
        ).all()
        if not accounts:
            return None
        campaign = transaction.get_one(Campaign, campaign_id)
        version = transaction.get_one(PolicyVersion, campaign.policy_version_id)
        policy = transaction.get_one(Policy, version.policy_id)
        history = PolicyHistory(transaction, policy)
        governed = history.governing(accounts, now)
        addressed = [
            (account, governed[account.id])
            for account in accounts
            if account.id in governed
            and (
                version.version_class == VersionClass.NOTICE
                or history.needs_approval(governed[account.id], version)
            )
        ]
        first = count_addressees(transaction, campaign_id)
        for position, (account, state) in enumerate(addressed, start=first):
            addressee = CampaignAddressee(
                campaign_id=campaign_id,
                account_id=account.id,
                shard=position // SHARD_SIZE,
                governing_version_id=history.versions[state.number].id,
                accepted_version_id=history.versions[state.accepted].id,
                asks_approval=history.needs_approval(state, version),
            )
            transaction.add(addressee)
            add_link(
                transaction,
                purpose=APPROVE,
                subject_id=addressee.id,
                account_id=account.id,
                now=now,
            )
        return accounts[-1].external_id
