"""When a version may take effect, and the rungs of a campaign before it does (P5, P7). Pure.

Arithmetic on absolute instants. Workflows wait on these moments; pages show them.
"""

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

from domain.company import CampaignLeads
from domain.places import in_utc, local_date, start_of_day, zone_named
from domain.rungs import ONE_DAY, Role, Rung, RungKind, from_then_on

MINIMUM_NOTICE_PERIOD = timedelta(days=14)
MOST_REMINDERS = 2
REACH_WITHIN = timedelta(days=14)
REACH_BEFORE_EFFECT = timedelta(days=7)


class NoticeTooShort(ValueError):
    """A notice period is under the fourteen days that are always given (P7)."""


def earliest_effective_on(
    announced_at: datetime, notice_period: timedelta, sending_allowance: timedelta, time_zone: str
) -> date:
    """The first date that mails may name as "not before" (P7).

    `sending_allowance` is the time that sending may take; `time_zone` is the company's. Raises
    NoticeTooShort under MINIMUM_NOTICE_PERIOD.
    """
    zone = zone_named(time_zone)
    return _day_after(announced_at + sending_allowance, notice_period, zone)


def not_before(
    announced_at: datetime,
    notice_days: int,
    planned_on: date | None,
    *,
    sending_allowance: timedelta,
    time_zone: str,
) -> date:
    """The day that mails name: the planned one, or the earliest where review took long (P7).

    Raises NoticeTooShort.
    """
    notice_period = timedelta(days=notice_days)
    earliest_on = earliest_effective_on(announced_at, notice_period, sending_allowance, time_zone)
    return max(earliest_on, planned_on or earliest_on)


def effective_at(
    last_accepted_at: datetime, notice_period: timedelta, planned_on: date | None, time_zone: str
) -> datetime:
    """The instant (UTC) from which a version is in force (P7).

    The first midnight in the company's zone after the last first-notice was accepted plus the
    notice period, and never before the planned date. Raises NoticeTooShort.
    """
    zone = zone_named(time_zone)
    earliest_on = _day_after(last_accepted_at, notice_period, zone)
    return start_of_day(max(earliest_on, planned_on or earliest_on), zone)


def reach_by_on(failed_at: datetime, effective_at: datetime | None, zone: ZoneInfo) -> date:
    """The day by which somebody whom the first notice did not reach is to be reached (P4).

    Two weeks after it failed, or a week before the effect when that is earlier, so that they too
    have time to decide; never before it failed.
    """
    by_at = failed_at + REACH_WITHIN
    if effective_at is not None:
        by_at = min(by_at, effective_at - REACH_BEFORE_EFFECT)
    return local_date(max(by_at, failed_at), zone)


def campaign_rungs(
    effect_at: datetime, leads: CampaignLeads, zone: ZoneInfo, *, not_before: datetime
) -> tuple[Rung, ...]:
    """Reminders and escalations of a campaign, earliest first; those before `not_before` dropped.

    The date of effect is a midnight; they stand at the hour of `leads` on days of the company's
    `zone`. Raises ValueError for more than two reminders (P5) or a negative lead.
    """
    to_owner, to_legal = leads.owner_escalation_lead, leads.legal_escalation_after
    if len(leads.reminder_leads) > MOST_REMINDERS:
        raise ValueError("at most two reminders are promised: give one or two leads")
    if min((*leads.reminder_leads, to_owner, to_legal)) < timedelta():
        raise ValueError("a lead counts back from the day of effect: it cannot be negative")
    effect_on = local_date(in_utc(effect_at), zone)

    def rung(key: str, days: timedelta, kind: RungKind, role: Role, summary: str) -> Rung:
        at = datetime.combine(effect_on + days, leads.hour, zone).astimezone(UTC)
        return Rung(
            key=key, at=at, kind=kind, audience=(role,), summary=summary, effect_at=effect_at
        )

    reminders = (
        rung(
            f"{RungKind.REMINDER}_{number}",
            -lead,
            RungKind.REMINDER,
            Role.ACCOUNT_HOLDER,
            f"reminder {number} of {len(leads.reminder_leads)} to those who have not answered",
        )
        for number, lead in enumerate(sorted(leads.reminder_leads, reverse=True), start=1)
    )
    escalations = (
        rung(
            "escalation_owner",
            -to_owner,
            RungKind.ESCALATION,
            Role.OWNER,
            "counts of those who have not answered, to the campaign's owner",
        ),
        rung(
            "escalation_legal",
            to_legal,
            RungKind.ESCALATION,
            Role.LEGAL,
            "counts of those who still have not answered, to legal",
        ),
    )
    return from_then_on(not_before, *reminders, *escalations)


def _day_after(instant: datetime, notice_period: timedelta, zone: ZoneInfo) -> date:
    if notice_period < MINIMUM_NOTICE_PERIOD:
        raise NoticeTooShort(
            f"a notice period of {notice_period.days} days is too short: "
            f"give at least {MINIMUM_NOTICE_PERIOD.days}"
        )
    return local_date(in_utc(instant) + notice_period, zone) + ONE_DAY
