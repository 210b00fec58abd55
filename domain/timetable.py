"""When people are chased: campaigns before a change takes effect, requests before they are due.

Pure arithmetic on absolute instants. Workflows wait on these moments; pages show them.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from enum import StrEnum
from functools import cache
from itertools import pairwise
from uuid import UUID
from zoneinfo import ZoneInfo

import holidays

from domain.places import country_code, in_utc, local_date, start_of_day, zone_named

MINIMUM_NOTICE_PERIOD = timedelta(days=14)
MOST_REMINDERS = 2
REACH_WITHIN = timedelta(days=14)
REACH_BEFORE_EFFECT = timedelta(days=7)
ONE_DAY = timedelta(days=1)
SPREAD_SECONDS = 15 * 60
LATEST_HOUR = time(23, 45)


class Role(StrEnum):
    """Whom a rung speaks to. Who that is, is looked up when it fires."""

    ACCOUNT_HOLDER = "account_holder"
    OWNER = "owner"
    LEGAL = "legal"
    PERSON = "person"
    ASSIGNEE = "assignee"
    BACKUP = "backup"
    LEAD = "lead"
    PRIVACY_OFFICER = "privacy_officer"
    DEPUTY = "deputy"
    EXECUTIVE = "executive"


class RungKind(StrEnum):
    """What a rung does."""

    REMINDER = "reminder"
    ESCALATION = "escalation"
    LATE_REPLY = "late_reply"
    BREACH = "breach"
    OVERDUE = "overdue"


@dataclass(frozen=True, kw_only=True)
class Rung:
    """A moment (UTC) at which an open matter speaks up.

    `key` is stable: a rung fires once for each key and due time. `summary` is for ops and names
    nobody.
    """

    key: str
    at: datetime
    kind: RungKind
    audience: tuple[Role, ...]
    summary: str


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
    effective_at: datetime,
    *,
    reminder_leads: Sequence[timedelta] = (timedelta(days=14), timedelta(days=3)),
    owner_escalation_lead: timedelta = ONE_DAY,
    legal_escalation_after: timedelta = timedelta(days=7),
    not_before: datetime,
) -> tuple[Rung, ...]:
    """Reminders and escalations of a campaign, earliest first; those before `not_before` dropped.

    Raises ValueError for more than two reminders (P5) or a negative lead.
    """
    if len(reminder_leads) > MOST_REMINDERS:
        raise ValueError("at most two reminders are promised: give one or two leads")
    if min((*reminder_leads, owner_escalation_lead, legal_escalation_after)) < timedelta():
        raise ValueError("a lead counts back from the day of effect: it cannot be negative")
    due_at = in_utc(effective_at)
    reminders = (
        Rung(
            key=f"{RungKind.REMINDER}_{number}",
            at=due_at - lead,
            kind=RungKind.REMINDER,
            audience=(Role.ACCOUNT_HOLDER,),
            summary=f"reminder {number} of {len(reminder_leads)} to those who have not answered",
        )
        for number, lead in enumerate(sorted(reminder_leads, reverse=True), start=1)
    )
    escalations = (
        Rung(
            key="escalation_owner",
            at=due_at - owner_escalation_lead,
            kind=RungKind.ESCALATION,
            audience=(Role.OWNER,),
            summary="counts of those who have not answered, to the campaign's owner",
        ),
        Rung(
            key="escalation_legal",
            at=due_at + legal_escalation_after,
            kind=RungKind.ESCALATION,
            audience=(Role.LEGAL,),
            summary="counts of those who still have not answered, to legal",
        ),
    )
    return _from(not_before, *reminders, *escalations)


@dataclass(frozen=True, kw_only=True)
class LadderNumbers:
    """Days before the due day at which each rung of a request's ladder stands, highest first."""

    unassigned_after_working_days: int = 1
    assignee: int = 20
    assignee_again: int = 15
    lead: int = 10
    officer: int = 7
    in_review: int = 5
    deputy: int = 3
    executive: int = 2
    late_reply_lead: timedelta = ONE_DAY
    hour: time = time(9)

    def __post_init__(self) -> None:
        days = (
            self.assignee,
            self.assignee_again,
            self.lead,
            self.officer,
            self.in_review,
            self.deputy,
            self.executive,
            0,
        )
        if any(higher <= lower for higher, lower in pairwise(days)):
            raise ValueError("the rungs of the ladder must come ever nearer to the due day")
        if self.unassigned_after_working_days < 1 or self.late_reply_lead <= timedelta():
            raise ValueError("a lead of the ladder must be longer than nothing")
        if self.hour > LATEST_HOUR:
            raise ValueError("staff are woken in the quarter of an hour from then on: by 23:45")


DEFAULT_NUMBERS = LadderNumbers()


def request_ladder(
    *,
    request_id: UUID,
    received_at: datetime,
    due_at: datetime,
    time_zone: str,
    holidays_of: str | None,
    numbers: LadderNumbers = DEFAULT_NUMBERS,
) -> tuple[Rung, ...]:
    """The ladder of a data-subject request, earliest first (P21).

    Staff rungs fire at nine in the company's `time_zone`, rolled back to a working day of
    `holidays_of` (a country code, or None for weekends alone); those before receipt are dropped.
    Each request has its own moment in the quarter of an hour from nine on, the same every morning,
    so that not all requests wake at once. The late reply and the breach stand to the minute and
    never roll. Raises ValueError for an unknown zone, or a country whose holidays are not known.

    Not for workflows, whose sandbox refuses what the calendar of a country loads on its first use:
    an activity works the ladder out.
    """
    received, due = in_utc(received_at), in_utc(due_at)
    office = _Office(
        zone=zone_named(time_zone),
        country=holidays_of,
        hour=numbers.hour,
        after=timedelta(seconds=request_id.int % SPREAD_SECONDS),
    )
    received_on = local_date(received, office.zone)
    # A due time of midnight ends the day before it.
    due_on = local_date(due - timedelta.resolution, office.zone)
    unassigned = Rung(
        key="unassigned",
        at=office.opens_after(received_on, numbers.unassigned_after_working_days),
        kind=RungKind.ESCALATION,
        audience=(Role.BACKUP,),
        summary="word to the backup, if nobody has been assigned yet",
    )
    staff = (
        Rung(
            key=f"d-{days}",
            at=office.opens_by(due_on - timedelta(days=days)),
            kind=kind,
            audience=audience,
            summary=f"{what}, {days} days before the answer is due",
        )
        for days, kind, audience, what in _staff_rungs(numbers)
    )
    late_reply = Rung(
        key="late_reply",
        at=due - numbers.late_reply_lead,
        kind=RungKind.LATE_REPLY,
        audience=(Role.PERSON,),
        summary="the reply that we are late goes out, if nobody has answered",
    )
    breach = Rung(
        key="breach",
        at=due,
        kind=RungKind.BREACH,
        audience=(Role.PRIVACY_OFFICER, Role.DEPUTY, Role.EXECUTIVE),
        summary="the answer is due; without one, the breach is recorded",
    )
    return _from(received, unassigned, *staff, late_reply, breach)


def _staff_rungs(
    numbers: LadderNumbers,
) -> tuple[tuple[int, RungKind, tuple[Role, ...], str], ...]:
    """Days before the due day, what the rung does, whom it speaks to, and what it says.

    Staff who heard of a rung hear of every higher one too: when two roll onto the same morning,
    only the higher one fires.
    """
    reminder, escalation = RungKind.REMINDER, RungKind.ESCALATION
    assignee = (Role.ASSIGNEE,)
    lead = (*assignee, Role.LEAD)
    lead_and_person = (*lead, Role.PERSON)
    officer = (*lead, Role.PRIVACY_OFFICER)
    deputy = (*officer, Role.DEPUTY)
    executive = (*deputy, Role.EXECUTIVE)
    progress = "reminder to assignee and lead, and word of the progress to the person"
    return (
        (numbers.assignee, reminder, assignee, "reminder to the assignee"),
        (numbers.assignee_again, reminder, assignee, "second reminder to the assignee"),
        (numbers.lead, reminder, lead_and_person, progress),
        (numbers.officer, escalation, officer, "escalation to the privacy officer"),
        (numbers.in_review, escalation, officer, "the answer must be in review"),
        (numbers.deputy, escalation, deputy, "escalation to the privacy officer and the deputy"),
        (numbers.executive, escalation, executive, "escalation to the executive"),
    )


def overdue_rung(due_at: datetime, number: int) -> Rung:
    """The daily alarm after the due time; `number` counts the days from one."""
    if number < 1:
        raise ValueError("days overdue are counted from one")
    return Rung(
        key=f"overdue-{number}",
        at=in_utc(due_at) + number * ONE_DAY,
        kind=RungKind.OVERDUE,
        audience=(Role.PRIVACY_OFFICER, Role.EXECUTIVE),
        summary=f"the answer is {number} {'day' if number == 1 else 'days'} overdue",
    )


@dataclass(frozen=True, kw_only=True)
class Missed:
    """What to do about rungs whose time has come: fire some, and mark the others as passed over."""

    fire: tuple[Rung, ...] = ()
    skipped: tuple[Rung, ...] = ()


def highest_missed(rungs: Sequence[Rung], now: datetime, fired: Collection[str]) -> Missed:
    """Sort out the rungs (earliest first) due at `now` whose keys are not in `fired`.

    Of several rungs for staff only the highest fires, and none under one that fired already. The
    late reply fires before the breach's time or not at all; the breach always fires, and then no
    lower rung does.
    """
    come = [rung for rung in rungs if rung.at <= now]
    missed = [rung for rung in come if rung.key not in fired]
    overdue = any(rung.kind is RungKind.BREACH for rung in come)
    to_the_minute = (RungKind.LATE_REPLY, RungKind.BREACH)
    highest = next((rung for rung in reversed(come) if rung.kind not in to_the_minute), None)

    def fires(rung: Rung) -> bool:
        match rung.kind:
            case RungKind.BREACH:
                return True
            case RungKind.LATE_REPLY:
                return not overdue
            case RungKind.OVERDUE:
                return rung is highest
            case _:
                return rung is highest and not overdue

    return Missed(
        fire=tuple(rung for rung in missed if fires(rung)),
        skipped=tuple(rung for rung in missed if not fires(rung)),
    )


@dataclass(frozen=True, kw_only=True)
class _Office:
    """When staff are there to be woken, and how long after opening one request wakes them."""

    zone: ZoneInfo
    country: str | None
    hour: time
    after: timedelta

    def opens_by(self, day: date) -> datetime:
        """The moment after opening on `day`, or on the last working day before it."""
        while not self._works_on(day):
            day -= ONE_DAY
        return self._moment(day)

    def opens_after(self, day: date, working_days: int) -> datetime:
        """The moment after opening on the n-th working day after `day`."""
        while working_days:
            day += ONE_DAY
            working_days -= self._works_on(day)
        return self._moment(day)

    def _works_on(self, day: date) -> bool:
        if self.country is None:
            return day.weekday() < 5
        return _calendar(self.country, day.year).is_working_day(day)

    def _moment(self, day: date) -> datetime:
        return datetime.combine(day, self.hour, self.zone).astimezone(UTC) + self.after


@cache
def _calendar(country: str, year: int) -> holidays.HolidayBase:
    """A year's holidays, filled in whole before anybody looks.

    A calendar that fills itself when asked shows a second thread a year without holidays.
    """
    code, _, region = country_code(country).partition("-")
    try:
        return holidays.country_holidays(code, subdiv=region or None, years=year, expand=False)
    except NotImplementedError:
        raise ValueError(
            f"the holidays of {country!r} are not known: give an ISO code like DE or US-CA"
        ) from None


def _day_after(instant: datetime, notice_period: timedelta, zone: ZoneInfo) -> date:
    if notice_period < MINIMUM_NOTICE_PERIOD:
        raise NoticeTooShort(
            f"a notice period of {notice_period.days} days is too short: "
            f"give at least {MINIMUM_NOTICE_PERIOD.days}"
        )
    return local_date(in_utc(instant) + notice_period, zone) + ONE_DAY


def _from(start: datetime, *rungs: Rung) -> tuple[Rung, ...]:
    """Earliest first; the sort is stable, so the higher of two at one instant comes last."""
    return tuple(sorted((rung for rung in rungs if rung.at >= start), key=lambda rung: rung.at))
