"""How a campaign stands, and what of its timetable is still to come, as its workflow reads it."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from sqlmodel import Session

from activities.campaigns.case import CampaignCase
from database.campaigns import campaigns
from database.campaigns.controls import last_act
from database.campaigns.owed import steps_owed
from database.campaigns.progress import count_addressees, count_missed
from database.campaigns.shards import canary_shards, canary_to_come, not_begun, shards
from database.mail.steps import DOUBTFUL, FIRST_NOTICE, PAUSED, WITHOUT_MAIL, is_reminder
from database.policies.lineage import campaigns_replaced
from database.tables import Campaign, CampaignStep, Policy, PolicyVersion
from domain.campaigns.timetable import campaign_rungs
from domain.company import CampaignLeads
from domain.policies.reviews import VersionState
from domain.rungs import Rung, RungKind

NEARBY = timedelta(hours=18)


@dataclass(frozen=True, kw_only=True)
class Timetable:
    """Reads campaigns: in the company's zone, with the leads of reminders and escalations."""

    zone: ZoneInfo
    leads: CampaignLeads

    def case(self, session: Session, campaign: Campaign, now: datetime) -> CampaignCase:
        """All that the workflow knows: ids, numbers, states and instants."""
        version = session.get_one(PolicyVersion, campaign.policy_version_id)
        policy = session.get_one(Policy, version.policy_id)
        to_come = self.to_come(session, campaign, version, now)
        owed = steps_owed(session, campaign)
        next_ones = [*owed, *(rung.key for rung in to_come[:1])]
        if campaign.notified_at is None:
            next_ones.append(FIRST_NOTICE)
        return CampaignCase(
            publication=f"publication/{policy.slug}/{version.number}",
            slug=policy.slug,
            number=version.number,
            state=campaign.state,
            frozen=campaign.audience_frozen_at is not None and campaign.canary is not None,
            addressees=count_addressees(session, campaign.id),
            effective_at=campaigns.ends_at(campaign, version) if campaign.notified_at else None,
            to_come=to_come,
            postponed=version.state == VersionState.POSTPONED,
            owed=owed,
            canary=canary_to_come(campaign),
            canary_until=campaign.canary_until,
            stopped_because=_why_stopped(session, campaign),
            asks_late=campaign.reclassified_id is not None,
            closed=campaign.finished_at is not None,
            replaces=bool(campaigns_replaced(session, version.id)),
            in_doubt=count_missed(session, campaign, DOUBTFUL),
            without_mail=count_missed(session, campaign, WITHOUT_MAIL),
            shards=shards(session, campaign.id),
            canary_shards=canary_shards(session, campaign.id),
            not_begun=not_begun(session, campaign.id, next_ones),
            followed_by=campaigns.followed_by(session, campaign),
            since=campaign.finished_at
            or campaign.notified_at
            or campaign.audience_frozen_at
            or campaign.started_at,
        )

    def is_over(self, session: Session, campaign: Campaign, step: str, now: datetime) -> bool:
        """Whether a step is a reminder whose time has passed: it goes to nobody any more."""
        if not is_reminder(step):
            return False
        version = session.get_one(PolicyVersion, campaign.policy_version_id)
        to_come = self.to_come(session, campaign, version, now)
        return step not in {rung.key for rung in to_come}

    def to_come(
        self, session: Session, campaign: Campaign, version: PolicyVersion, now: datetime
    ) -> tuple[Rung, ...]:
        """Where nobody has to approve, nobody is reminded and nothing escalates.

        After an outage only the last reminder that is due goes out, and none after the effect. When
        the date moves later, what was escalated is again, and nobody is reminded more often (P5).
        """
        ends_at = campaigns.ends_at(campaign, version)
        if campaign.notified_at is None or ends_at is None:
            return ()
        if not campaigns.asks_anybody(session, campaign.id):
            return ()
        rungs = campaign_rungs(ends_at, self.leads, self.zone, not_before=campaign.notified_at)
        reminders = [rung for rung in rungs if rung.kind is RungKind.REMINDER and rung.at <= now]
        passed_over = reminders if ends_at <= now else reminders[:-1]
        taken = campaigns.steps_taken(session, campaign.id)
        to_come = (_to_be_taken(rung, taken) for rung in rungs if rung not in passed_over)
        return tuple(rung for rung in to_come if rung)


def _to_be_taken(rung: Rung, taken: Sequence[CampaignStep]) -> Rung | None:
    """A rung under a key of its own; None when it was taken. An escalation that was taken for an
    earlier date of effect is another one for a later date, whatever its leads are by then."""
    before = [step for step in taken if step.step.startswith(rung.key)]
    if not before:
        return rung
    if rung.kind is RungKind.REMINDER or any(_is_about(step, rung) for step in before):
        return None
    return replace(rung, key=f"{rung.key}_{len(before) + 1}")


def _is_about(step: CampaignStep, rung: Rung) -> bool:
    """Whether an escalation was for the same date of effect. One from before dates were noted stood
    at a midnight nearby, or an hour beside it where clocks were changed."""
    if step.effect_at is None:
        return abs(step.due_at - rung.at) <= NEARBY
    return step.effect_at == rung.effect_at


def _why_stopped(session: Session, campaign: Campaign) -> str:
    """The machine's own words; a person's reason stays in the database (P31)."""
    act = last_act(session, campaign.policy_version_id) if campaign.state == PAUSED else None
    return act.reason if act and act.staff_id is None else ""
