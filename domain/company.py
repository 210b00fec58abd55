"""Who we are: what mails, pages and clocks need to know of the company. Pure."""

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from domain.marketing import MarketingPurpose


@dataclass(frozen=True, kw_only=True)
class Company:
    """The company whose promises are kept, as its settings describe it.

    `languages` are those it speaks; the first one is for whoever speaks none of them.
    `closing_page`: where people close their account, if there is such a page. `requests_an_hour`:
    so many from one address are taken in each by itself, further ones together with them.
    `purposes`: what it mails people for, beside what it owes them.
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
    """Staff handles of the people a late request reaches; empty means everybody in that role."""

    privacy_officer: str
    deputy: str
    executive: str


@dataclass(frozen=True, kw_only=True)
class CampaignLeads:
    """When the silent are reminded and whom their silence reaches, relative to the effect.

    `sending_period`: what the first notices may take to go out (P7).
    """

    reminder_leads: tuple[timedelta, ...]
    owner_escalation_lead: timedelta
    legal_escalation_after: timedelta
    sending_period: timedelta
