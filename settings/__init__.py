"""Every setting of the product, and the only reader of the environment."""

from collections.abc import Iterator
from datetime import time, timedelta
from typing import Self

from pydantic import ValidationError, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from domain.company import CampaignLeads, Company
from domain.people.marketing import PurposesRefused
from settings.campaigns import CampaignSettings
from settings.company import CompanySettings
from settings.deployment import DeploymentSettings
from settings.faults import fault, faults
from settings.files import ROOT, SAMPLE_DATA_MAP
from settings.keys import (
    DEVELOPMENT_DATA_KEY,
    DEVELOPMENT_LINK_KEY,
    DEVELOPMENT_SESSION_KEY,
    DEVELOPMENT_SUPPRESSION_KEY,
    KeySettings,
)
from settings.ladder import LadderSettings
from settings.mail import DEVELOPMENT_API_KEY, MailSettings
from settings.requests import RequestSettings
from settings.webhooks import WebhookSettings

__all__ = [
    "DEVELOPMENT_API_KEY",
    "DEVELOPMENT_DATA_KEY",
    "DEVELOPMENT_LINK_KEY",
    "DEVELOPMENT_SESSION_KEY",
    "DEVELOPMENT_SUPPRESSION_KEY",
    "ROOT",
    "SAMPLE_DATA_MAP",
    "Settings",
    "SettingsRefused",
    "load_settings",
]
INVENTED = (
    "mail_from",
    "company_name",
    "company_address",
    "company_contact_email",
    "company_authority_name",
    "company_authority_url",
    "marketing_file",
)
"""Settings whose defaults describe a company that does not exist."""
FOR_ALL = "is the one for development, which everybody knows"


class Settings(  # the last is read first, and its faults are told first
    WebhookSettings,
    MailSettings,
    LadderSettings,
    RequestSettings,
    CampaignSettings,
    CompanySettings,
    KeySettings,
    DeploymentSettings,
    BaseSettings,
):
    """Environment variables `PROMISEKEEPER_*`, or the same names in `.env`."""

    model_config = SettingsConfigDict(
        env_prefix="PROMISEKEEPER_", env_file=".env", extra="ignore", frozen=True
    )

    @model_validator(mode="after")
    def _refuse_halves_and_laptop_defaults(self) -> Self:
        """Looked at last, when each setting is right by itself; all that is unsafe at once."""
        found = [*self.halves(), *self._wrong_files()]
        if not self.development:
            found += [
                fault(name, f"{wrong}. Production needs {needed}")
                for name, unsafe, wrong, needed in self._laptop_defaults()
                if unsafe
            ]
        if found:
            raise ValueError("\n".join(found))
        return self

    def _wrong_files(self) -> Iterator[str]:
        try:
            _ = self.marketing_purposes
        except OSError as wrong:
            yield fault("marketing_file", f"cannot be read: {wrong.strerror}")
        except UnicodeDecodeError:
            yield fault("marketing_file", "is no text in UTF-8")
        except PurposesRefused as wrong:
            yield fault("marketing_file", str(wrong))

    def _laptop_defaults(self) -> Iterator[tuple[str, bool, str, str]]:
        """Name, whether its value is unsafe, what is wrong then, and what production needs."""
        yield from self._unsafe_addresses()
        yield "database_url", not self.database_url, "is empty", "a database of its own"
        yield from self._keys_for_all()
        keys = self.sendgrid_webhook_public_keys
        yield "sendgrid_webhook_public_keys", not keys, "is empty", "the event webhook's key"
        yield "temporal_ui_url", not self.temporal_ui_url, "is empty", "the address of yours"
        settle = self.mail_settle_after_seconds
        yield "mail_settle_after_seconds", settle < 3600, f"is {settle}", "3600 at least"
        for name in INVENTED:
            same = getattr(self, name) == Settings.model_fields[name].default
            yield name, same, "is that of a company that does not exist", "your own"

    def _keys_for_all(self) -> Iterator[tuple[str, bool, str, str]]:
        suppression_key = self.suppression_key.get_secret_value()
        session_key = self.session_key.get_secret_value()
        api_key = self.sendgrid_api_key.get_secret_value()
        yield "link_keys", DEVELOPMENT_LINK_KEY in self.link_keys, FOR_ALL, "keys of its own"
        yield "data_keys", DEVELOPMENT_DATA_KEY in self.data_keys, FOR_ALL, "keys of its own"
        known = suppression_key == DEVELOPMENT_SUPPRESSION_KEY
        yield "suppression_key", known, FOR_ALL, "a key of its own"
        yield "session_key", session_key == DEVELOPMENT_SESSION_KEY, FOR_ALL, "a key of its own"
        yield "sendgrid_api_key", api_key == DEVELOPMENT_API_KEY, FOR_ALL, "a key of its own"

    def _unsafe_addresses(self) -> Iterator[tuple[str, bool, str, str]]:
        https = "does not begin with https://"
        yield "base_url", not self.base_url.startswith("https://"), https, "its public address"
        yield "sendgrid_host", not self.sendgrid_host.startswith("https://"), https, "SendGrid's"
        for name, url in (
            ("alarm_webhook_url", self.alarm_webhook_url),
            ("events_webhook_url", self.events_webhook_url),
            ("dead_man_url", self.dead_man_url.get_secret_value()),
        ):
            yield name, bool(url) and not url.startswith("https://"), https, "one that does"

    @property
    def company(self) -> Company:
        """Who we are, for mails, pages and clocks."""
        return Company(
            name=self.company_name,
            address=self.company_address,
            contact_email=self.company_contact_email,
            country=self.company_country,
            time_zone=self.time_zone,
            authority_name=self.company_authority_name,
            authority_url=self.company_authority_url,
            default_regime=self.default_regime,
            base_url=self.website,
            languages=self.languages,
            closing_page=self.company_closing_url,
            requests_an_hour=self.requests_an_hour,
            purposes=self.marketing_purposes,
            ladder=self.ladder,
            package_period=timedelta(days=self.package_days),
            attachments=self.attachment_limits,
        )

    @property
    def campaign_leads(self) -> CampaignLeads:
        """When the silent are reminded and whom their silence reaches."""
        return CampaignLeads(
            reminder_leads=tuple(timedelta(days=days) for days in self.reminder_lead_days),
            owner_escalation_lead=timedelta(days=self.escalation_lead_days),
            legal_escalation_after=timedelta(days=self.legal_escalation_days),
            hour=time(self.ladder_hour),
            sending_period=self.sending_period,
        )


class SettingsRefused(Exception):
    """A setting is missing or wrong; the process must not start."""


def load_settings() -> Settings:
    """Read the environment. Raises SettingsRefused with one line for each fault."""
    try:
        return Settings()
    except ValidationError as refusal:
        lines = [f"  {line}" for line in dict.fromkeys(faults(refusal))]
        raise SettingsRefused(
            "Promisekeeper did not start, because of its settings:\n" + "\n".join(lines)
        ) from None
