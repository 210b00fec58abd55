"""Steps of a campaign that somebody's decision causes: a later day, a mail that was wrong (P8)."""

from collections.abc import Mapping
from datetime import datetime
from uuid import UUID

from sqlmodel import Session, col, select

from database.facts import record
from database.mail.steps import CORRECTION, POSTPONEMENT
from database.tables import Campaign, CampaignCorrection, CampaignStep, ControlAct


def postponements(session: Session, version_id: UUID) -> Mapping[str, ControlAct]:
    """The steps by which people hear that a version comes later, and how each was decided."""
    rows = session.exec(
        select(ControlAct)
        .where(ControlAct.policy_version_id == version_id, ControlAct.act == "postpone")
        .order_by(col(ControlAct.acted_at), col(ControlAct.id))
    ).all()
    return {f"{POSTPONEMENT}{number}": act for number, act in enumerate(rows, start=1)}


def postponed_at(session: Session, version_id: UUID) -> datetime | None:
    """When it was last decided that a version comes later."""
    acts = postponements(session, version_id).values()
    return max((act.acted_at for act in acts), default=None)


def corrections(session: Session, campaign_id: UUID) -> Mapping[str, CampaignCorrection]:
    """The steps by which people hear that a mail was wrong, and what two people decided of each."""
    rows = session.exec(
        select(CampaignCorrection)
        .where(
            CampaignCorrection.campaign_id == campaign_id,
            col(CampaignCorrection.confirmed_at).is_not(None),
        )
        .order_by(col(CampaignCorrection.confirmed_at), col(CampaignCorrection.id))
    ).all()
    return {f"{CORRECTION}{number}": row for number, row in enumerate(rows, start=1)}


def open_correction(session: Session, campaign_id: UUID) -> CampaignCorrection | None:
    """The correction that waits for a second person."""
    return session.exec(
        select(CampaignCorrection).where(
            CampaignCorrection.campaign_id == campaign_id,
            col(CampaignCorrection.confirmed_at).is_(None),
            col(CampaignCorrection.dropped_at).is_(None),
        )
    ).first()


def drop_correction(transaction: Session, campaign: Campaign, now: datetime) -> None:
    """The campaign, which is held, ends otherwise: what waits for a second person is of no use."""
    correction = open_correction(transaction, campaign.id)
    if correction:
        correction.dropped_at = now
        record(
            transaction, "campaign.correction_dropped", campaign.id, now, correction=correction.id
        )


def open_corrections(session: Session) -> Mapping[UUID, CampaignCorrection]:
    """All corrections that wait for a second person, by the version that was mailed about."""
    rows = session.exec(
        select(Campaign.policy_version_id, CampaignCorrection)
        .join(CampaignCorrection, col(CampaignCorrection.campaign_id) == col(Campaign.id))
        .where(
            col(CampaignCorrection.confirmed_at).is_(None),
            col(CampaignCorrection.dropped_at).is_(None),
        )
    ).all()
    return dict(rows)


def steps_caused(session: Session, campaign: Campaign) -> tuple[str, ...]:
    """Every step of a campaign that was decided on, in the order of the decisions.

    One that asks late is about a version in force: no day of it was moved.
    """
    late = campaign.reclassified_id is not None
    acts = {} if late else postponements(session, campaign.policy_version_id)
    decided = {step: act.acted_at for step, act in acts.items()}
    for step, correction in corrections(session, campaign.id).items():
        if correction.confirmed_at:
            decided[step] = correction.confirmed_at
    return tuple(sorted(decided, key=lambda step: (decided[step], step)))


def steps_owed(session: Session, campaign: Campaign) -> tuple[str, ...]:
    """Those of them that are not taken: what was decided and those who were mailed have not heard
    of."""
    taken = session.exec(
        select(CampaignStep.step).where(CampaignStep.campaign_id == campaign.id)
    ).all()
    return tuple(step for step in steps_caused(session, campaign) if step not in taken)
