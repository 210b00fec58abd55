"""Who the company is: its name and authority, its time, its languages, what it mails people for."""

from datetime import date
from pathlib import Path
from typing import Annotated
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import BaseModel, Field, field_validator

from domain.people.marketing import MarketingPurpose, read_purposes
from settings.files import MARKETING
from settings.values import Address, Several
from translations.catalogues import CatalogueMissing, speak


class CompanySettings(BaseModel):
    """What mails and pages say of the company; the defaults describe one that does not exist."""

    time_zone: Annotated[
        str, Field(description="The company's time zone: effective dates are midnights in it (P7)")
    ] = "Europe/Berlin"
    company_name: Annotated[str, Field(description="Named in mails and pages")] = (
        "Fernhill Remote Support"
    )
    company_address: Annotated[str, Field(description="Postal address at the foot of mails")] = (
        "1 Example Square, 10115 Berlin"
    )
    company_country: Annotated[
        str,
        Field(description="Whose holidays staff rungs respect, a region's too: `DE` or `DE-BY`"),
    ] = "DE"
    company_contact_email: Annotated[str, Field(description="Where people may write")] = (
        "privacy@fernhill.example"
    )
    company_closing_url: Annotated[
        Address,
        Field(
            description="Where people close their account: offered to who does not approve, with "
            "`offer_closing` (P5). Without it that cannot be promised"
        ),
    ] = ""
    company_authority_name: Annotated[
        str, Field(description="The company's lead supervisory authority (P23)")
    ] = "Berlin Commissioner for Data Protection and Freedom of Information"
    company_authority_url: Annotated[str, Field(description="Its web address")] = (
        "https://www.datenschutz-berlin.de"
    )
    languages: Annotated[
        Several[str],
        Field(
            description="Comma-separated languages of mails and pages, each with a catalogue in "
            "`translations/`; the first is the policies' own, and for whoever reads none of them"
        ),
    ] = ("en", "de")
    marketing_file: Annotated[
        str,
        Field(
            description="The file with the purposes that people are mailed for, which each may "
            "refuse (P17). Empty means `marketing.toml`, the sample company's"
        ),
    ] = ""
    default_regime: Annotated[
        str, Field(description="The legal pack for people whose country is unknown")
    ] = "gdpr"

    @field_validator("company_country")
    @classmethod
    def _has_holidays(cls, country: str) -> str:
        from domain.working_days import works_on  # its calendars load slowly

        works_on(date(2026, 1, 1), country)
        return country

    @field_validator("time_zone")
    @classmethod
    def _is_a_zone(cls, zone: str) -> str:
        try:
            ZoneInfo(zone)
        except (ZoneInfoNotFoundError, ValueError, OSError) as nothing:
            raise ValueError(f"{zone!r} is not an IANA zone, like Europe/Berlin") from nothing
        return zone

    @field_validator("languages")
    @classmethod
    def _have_catalogues(cls, tags: tuple[str, ...]) -> tuple[str, ...]:
        if not tags:
            raise ValueError("names no language: en needs no catalogue")
        try:
            return tuple(dict.fromkeys(speak(tag).tag for tag in tags))
        except CatalogueMissing as missing:
            raise ValueError(str(missing)) from None

    @property
    def zone(self) -> ZoneInfo:
        """The company's time zone."""
        return ZoneInfo(self.time_zone)

    @property
    def marketing_purposes(self) -> tuple[MarketingPurpose, ...]:
        """What people are mailed for. Raises PurposesRefused, and OSError for a file that is not
        there."""
        file = Path(self.marketing_file) if self.marketing_file else MARKETING
        return read_purposes(file.read_text("utf-8"), self.languages)
