"""Campaigns: opened with the announcement, the steps taken, whom they address."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from sqlmodel import Session, col, select

from database.campaigns.progress import is_asked
from database.facts import record
from database.mail.mail_rows import Batch
from database.mail.outbox import states
from database.policies.policies import PolicyUnknown, version_by_slug
from database.tables import Campaign, CampaignAddressee, CampaignStep, Link, Policy, PolicyVersion


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
    """The campaign of a version; the latest one where it asks again."""
    return session.exec(
        select(Campaign)
        .where(Campaign.policy_version_id == version_id)
        .order_by(col(Campaign.generation).desc())
    ).first()


def followed_by(session: Session, campaign: Campaign) -> UUID | None:
    """The campaign that asks again about the version of one that is over, and is not over yet."""
    if campaign.finished_at is None:
        return None
    return session.exec(
        select(Campaign.id)
        .where(
            Campaign.policy_version_id == campaign.policy_version_id,
            Campaign.generation > campaign.generation,
            col(Campaign.finished_at).is_(None),
        )
        .order_by(col(Campaign.generation).desc())
    ).first()


def ends_at(campaign: Campaign, version: PolicyVersion) -> datetime | None:
    """Until when a campaign asks: the date of effect, or its own where that is past (P2, P7)."""
    return campaign.asks_until or version.effective_at


def campaign_by_number(session: Session, slug: str, number: int) -> Campaign:
    """The campaign of a version of a policy. Raises PolicyUnknown."""
    version = version_by_slug(session, slug, number)
    campaign = campaign_of(session, version.id)
    if campaign is None:
        raise PolicyUnknown(
            f"Version {number} of {slug} has no campaign (it is {version.state}): one is opened "
            "when a version of class notice or approval is announced."
        )
    return campaign


def asks_anybody(session: Session, campaign_id: UUID) -> bool:
    """Whether anybody addressed has to approve; if not, there is nobody to remind."""
    query = select(CampaignAddressee.id).where(
        CampaignAddressee.campaign_id == campaign_id, is_asked()
    )
    return session.exec(query.limit(1)).first() is not None


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


def steps_taken(session: Session, campaign_id: UUID) -> Sequence[CampaignStep]:
    """The steps that were taken."""
    return session.exec(select(CampaignStep).where(CampaignStep.campaign_id == campaign_id)).all()


def take_step(
    transaction: Session,
    campaign_id: UUID,
    step: str,
    *,
    due_at: datetime,
    now: datetime,
    effect_at: datetime | None = None,
) -> bool:
    """Note a step as taken, with its fact; False when it was taken before. `effect_at`: the date
    of effect that it is about."""
    if step_taken(transaction, campaign_id, step):
        return False
    transaction.add(
        CampaignStep(
            campaign_id=campaign_id, step=step, due_at=due_at, effect_at=effect_at, taken_at=now
        )
    )
    mails = states(transaction, Batch(subject_id=campaign_id, step=step))
    record(
        transaction, "campaign.step_taken", campaign_id, now, step=step, due_at=due_at, mails=mails
    )
    return True


def addressee_by_id(session: Session, addressee_id: UUID) -> CampaignAddressee:
    """The addressee a link was made for."""
    return session.get_one(CampaignAddressee, addressee_id)


def addressee_of(session: Session, version_id: UUID, account_id: UUID) -> CampaignAddressee | None:
    """An account as the campaign of a version addresses it; None when it does not."""
    return session.exec(
        select(CampaignAddressee)
        .join(Campaign, col(Campaign.id) == col(CampaignAddressee.campaign_id))
        .where(Campaign.policy_version_id == version_id, CampaignAddressee.account_id == account_id)
        .order_by(col(Campaign.generation).desc())
    ).first()


def link_of(session: Session, version_id: UUID, account_id: UUID) -> Link | None:
    """The link of an account to its page about a version; None when it has none."""
    addressee = addressee_of(session, version_id, account_id)
    if addressee is None:
        return None
    return session.exec(
        select(Link).where(Link.subject_id == addressee.id, col(Link.successor_id).is_(None))
    ).first()
