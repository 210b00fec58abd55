"""Who we are: what mails, pages and clocks need to know of the company. Pure."""

from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

from domain.people.marketing import MarketingPurpose

LATEST_HOUR = time(15, 45)


@dataclass(frozen=True, kw_only=True)
class LadderNumbers:
    """Days before the due day at which each rung of a request's ladder stands, highest first.

    `acknowledge_within`: working hours that whoever is told has to say that they act before the
    next person is told; `acknowledge_within_at_the_end`: those from the deputy's rung on. Raises
    ValueError for numbers that make no ladder.
    """

    unassigned_after_working_days: int = 1
    assignee: int = 20
    assignee_again: int = 15
    lead: int = 10
    officer: int = 7
    in_review: int = 5
    deputy: int = 3
    executive: int = 2
    late_reply_lead: timedelta = timedelta(hours=24)
    acknowledge_within: timedelta = timedelta(hours=8)
    acknowledge_within_at_the_end: timedelta = timedelta(hours=1)
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
        periods = (
            self.late_reply_lead,
            self.acknowledge_within,
            self.acknowledge_within_at_the_end,
        )
        if self.unassigned_after_working_days < 1 or min(periods) <= timedelta():
            raise ValueError("a lead of the ladder must be longer than nothing")
        if self.hour > LATEST_HOUR:
            raise ValueError("the office is open for eight hours of one day: from 15:45 at last")


@dataclass(frozen=True, kw_only=True)
class OfficeHours:
    """When those who answer requests are at work, and when the ladder speaks to them.

    `country`: a code like DE or US-CA whose holidays are kept; None means weekends alone.
    """

    time_zone: str
    country: str | None
    numbers: LadderNumbers = LadderNumbers()


@dataclass(frozen=True, kw_only=True)
class AttachmentLimits:
    """How many files people may send with one request, and how many bytes each."""

    count: int = 10
    largest: int = 5_000_000


@dataclass(frozen=True, kw_only=True)
class Company:
    """The company whose promises are kept, as its settings describe it.

    `languages` are those it speaks; the first one is for whoever speaks none of them.
    `closing_page`: where people close their account, if there is such a page. `requests_an_hour`:
    so many from one address are taken in each by itself, further ones together with them.
    `purposes`: what it mails people for, beside what it owes them. `package_period`: so long after
    the answer a copy of somebody's data can be fetched. `attachments`: what people may send along.
    """

    name: str
    address: str
    contact_email: str
    country: str
    time_zone: str
    authority_name: str
    authority_url: str
    default_regime: str
    base_url: str
    languages: tuple[str, ...]
    closing_page: str = ""
    requests_an_hour: int = 5
    purposes: tuple[MarketingPurpose, ...] = ()
    ladder: LadderNumbers = LadderNumbers()
    package_period: timedelta = timedelta(days=30)
    attachments: AttachmentLimits = AttachmentLimits()

    @property
    def office(self) -> OfficeHours:
        """When its privacy staff are at work."""
        return OfficeHours(time_zone=self.time_zone, country=self.country, numbers=self.ladder)

    @property
    def zone(self) -> ZoneInfo:
        """The zone whose midnights are effective dates (P7)."""
        return ZoneInfo(self.time_zone)

    def today(self, now: datetime) -> date:
        """The company's day at an instant."""
        return now.astimezone(self.zone).date()

    def zone_of(self, time_zone: str | None) -> ZoneInfo:
        """A person's zone, ours when theirs is not known."""
        return ZoneInfo(time_zone) if time_zone else self.zone

    @property
    def language(self) -> str:
        """The language of its policies and its staff, and of whoever speaks none of the others."""
        return self.languages[0]

    @property
    def contact_url(self) -> str:
        """Where people make requests (P26)."""
        return f"{self.base_url}/requests/new"


@dataclass(frozen=True, kw_only=True)
class Officers:
    """Staff handles of the people a request reaches on its way up; empty means everybody in that
    role. The lead is also the backup, for what is nobody's yet."""

    lead: str = ""
    privacy_officer: str = ""
    deputy: str = ""
    executive: str = ""


@dataclass(frozen=True, kw_only=True)
class CampaignLeads:
    """When the silent are reminded and whom their silence reaches, in days from that of the effect.

    `hour`: of those days, in the company's zone. `sending_period`: what the first notices may take
    to go out (P7).
    """

    reminder_leads: tuple[timedelta, ...] = (timedelta(days=14), timedelta(days=3))
    owner_escalation_lead: timedelta = timedelta(days=1)
    legal_escalation_after: timedelta = timedelta(days=7)
    hour: time = time(9)
    sending_period: timedelta = timedelta(days=1)
