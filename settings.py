"""Every setting of the product, and the only reader of the environment."""

from base64 import b64decode, urlsafe_b64decode
from datetime import timedelta
from pathlib import Path
from typing import Annotated, Literal, Self
from zoneinfo import ZoneInfo, available_timezones

from pydantic import Field, SecretStr, ValidationError, model_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError

from domain.company import CampaignLeads, Company, Officers

ROOT = Path(__file__).parent
DEVELOPMENT_LINK_KEY = "only-for-development-link-key-0000000000000="
DEVELOPMENT_SESSION_KEY = "only-for-development-session-key"
DEVELOPMENT_API_KEY = "SG.only-for-the-sandbox"
DATABASES = ("sqlite:///", "postgresql+psycopg://", "postgresql://", "postgres://")
INVENTED = (
    "mail_from",
    "company_name",
    "company_address",
    "company_contact_email",
    "company_authority_name",
    "company_authority_url",
)
"""Settings whose defaults describe a company that does not exist."""


class Settings(BaseSettings):
    """Environment variables `PROMISEKEEPER_*`, or the same names in `.env`."""

    model_config = SettingsConfigDict(
        env_prefix="PROMISEKEEPER_", env_file=".env", extra="ignore", frozen=True
    )

    environment: Annotated[
        Literal["development", "production"],
        Field(description="`production` refuses every default that is only safe on a laptop"),
    ] = "development"
    base_url: Annotated[
        str,
        Field(
            description="Where people reach the website; the links in mails begin with it. "
            "Empty means the embedded website, on `web_port`"
        ),
    ] = ""
    data_dir: Annotated[Path, Field(description="Where the embedded stack keeps its data")] = Path(
        ".promisekeeper"
    )
    database_url: Annotated[
        str, Field(description="SQLAlchemy URL; empty means SQLite in the data directory")
    ] = ""
    link_keys: Annotated[
        tuple[str, ...],
        NoDecode,
        Field(
            description="Comma-separated base64 keys of personal links; the first signs, all verify"
        ),
    ] = (DEVELOPMENT_LINK_KEY,)
    session_key: Annotated[
        SecretStr, Field(description="Signs the staff console's session cookie")
    ] = SecretStr(DEVELOPMENT_SESSION_KEY)

    time_zone: Annotated[
        str, Field(description="The company's time zone: effective dates are midnights in it (P7)")
    ] = "Europe/Berlin"
    notice_days: Annotated[
        int, Field(ge=14, le=365, description="Days between the last first notice and effect (P7)")
    ] = 30
    sending_days: Annotated[
        int,
        Field(ge=0, le=30, description="Days a campaign may take to send; part of `not before`"),
    ] = 1
    reminder_lead_days: Annotated[
        tuple[int, ...],
        NoDecode,
        Field(description="Days before effect at which the silent are reminded, at most two (P5)"),
    ] = (14, 3)
    escalation_lead_days: Annotated[
        int,
        Field(ge=0, description="Days before effect at which silence reaches the campaign's owner"),
    ] = 1
    legal_escalation_days: Annotated[
        int, Field(ge=0, description="Days after effect at which remaining silence reaches legal")
    ] = 7

    company_name: Annotated[str, Field(description="Named in mails and pages")] = (
        "Fernhill Remote Support"
    )
    company_address: Annotated[str, Field(description="Postal address at the foot of mails")] = (
        "1 Example Square, 10115 Berlin"
    )
    company_country: Annotated[
        str, Field(min_length=2, max_length=2, description="Whose holidays staff rungs respect")
    ] = "DE"
    company_contact_email: Annotated[str, Field(description="Where people may write")] = (
        "privacy@fernhill.example"
    )
    company_authority_name: Annotated[
        str, Field(description="The company's lead supervisory authority (P23)")
    ] = "Berlin Commissioner for Data Protection and Freedom of Information"
    company_authority_url: Annotated[str, Field(description="Its web address")] = (
        "https://www.datenschutz-berlin.de"
    )
    default_regime: Annotated[
        str, Field(description="The legal pack for people whose country is unknown")
    ] = "gdpr"

    privacy_officer: Annotated[
        str, Field(description="Staff handle; empty means everybody with the role privacy")
    ] = ""
    deputy: Annotated[str, Field(description="The officer's deputy; empty as above")] = ""
    executive: Annotated[
        str, Field(description="Staff handle; empty means everybody with the role admin")
    ] = ""

    sendgrid_api_key: Annotated[
        SecretStr, Field(description="SendGrid's key, or the sandbox's")
    ] = SecretStr(DEVELOPMENT_API_KEY)
    sendgrid_host: Annotated[
        str,
        Field(
            description="SendGrid's address; empty means the mail sandbox, on `mail_sandbox_port`"
        ),
    ] = ""
    sendgrid_webhook_public_keys: Annotated[
        tuple[str, ...],
        NoDecode,
        Field(description="Comma-separated public keys that sign delivery events (set by `up`)"),
    ] = ()
    mail_from: Annotated[str, Field(description="The sender's address")] = (
        "privacy@fernhill.example"
    )
    mail_batch_size: Annotated[
        int, Field(ge=1, le=1000, description="Personal copies in one request to SendGrid")
    ] = 1000
    mail_settle_after_seconds: Annotated[
        int, Field(ge=1, description="How long an unknown outcome waits for its delivery events")
    ] = 10

    web_port: Annotated[int, Field(ge=1, le=65535, description="Embedded website")] = 8000
    mail_sandbox_port: Annotated[int, Field(ge=1, le=65535, description="Mail sandbox")] = 8025
    temporal_port: Annotated[int, Field(ge=1, le=65535, description="Embedded Temporal server")] = (
        7233
    )
    temporal_ui_port: Annotated[int, Field(ge=1, le=65535, description="Embedded Temporal UI")] = (
        8233
    )
    temporal_ui_url: Annotated[
        str, Field(description="Where ops find the Temporal UI; empty means the embedded one")
    ] = ""

    @model_validator(mode="before")
    @classmethod
    def _split_lists(cls, values: dict[str, object]) -> dict[str, object]:
        for name in ("link_keys", "sendgrid_webhook_public_keys", "reminder_lead_days"):
            value = values.get(name)
            if isinstance(value, str):
                values[name] = tuple(part.strip() for part in value.split(",") if part.strip())
        return values

    @model_validator(mode="after")
    def _check(self) -> Self:
        if self.time_zone not in available_timezones():
            raise ValueError(
                f"TIME_ZONE {self.time_zone!r} is not an IANA zone, like Europe/Berlin"
            )
        if len(self.reminder_lead_days) > 2:
            raise ValueError("REMINDER_LEAD_DAYS: at most two reminders are promised (P5)")
        if any(days < 0 for days in self.reminder_lead_days):
            raise ValueError("REMINDER_LEAD_DAYS count back from the effect: none is negative")
        if not self.link_keys:
            raise ValueError("LINK_KEYS is empty: no personal link could be made or read")
        if not all(_is_long_key(key) for key in self.link_keys):
            raise ValueError("LINK_KEYS: every key is at least 32 bytes in URL-safe base64")
        if self.database_url and not _is_database(self.database_url):
            raise ValueError(
                "DATABASE_URL is no address of a database we know, which are "
                "sqlite:///FILE and postgresql+psycopg://USER:PASSWORD@HOST:PORT/NAME"
            )
        for name in ("base_url", "sendgrid_host", "temporal_ui_url"):
            address = getattr(self, name)
            if address and not address.startswith(("http://", "https://")):
                raise ValueError(f"{name.upper()} is no address: it begins with https://")
        if self.environment == "production":
            self._refuse_laptop_defaults()
        return self

    def _refuse_laptop_defaults(self) -> None:
        faults = [
            name
            for name, unsafe in (
                ("BASE_URL (must be https)", not self.base_url.startswith("https://")),
                ("DATABASE_URL", not self.database_url),
                ("LINK_KEYS", DEVELOPMENT_LINK_KEY in self.link_keys),
                ("SESSION_KEY", self.session_key.get_secret_value() == DEVELOPMENT_SESSION_KEY),
                (
                    "SENDGRID_API_KEY",
                    self.sendgrid_api_key.get_secret_value() == DEVELOPMENT_API_KEY,
                ),
                ("SENDGRID_HOST (must be https)", not self.sendgrid_host.startswith("https://")),
                ("SENDGRID_WEBHOOK_PUBLIC_KEYS", not self.sendgrid_webhook_public_keys),
                ("TEMPORAL_UI_URL", not self.temporal_ui_url),
                (
                    "MAIL_SETTLE_AFTER_SECONDS (3600 at least)",
                    self.mail_settle_after_seconds < 3600,
                ),
                *(
                    (name.upper(), getattr(self, name) == Settings.model_fields[name].default)
                    for name in INVENTED
                ),
            )
            if unsafe
        ]
        if faults:
            raise ValueError(
                "these settings have no value that is safe in production: " + ", ".join(faults)
            )

    @property
    def development(self) -> bool:
        """Whether the conveniences of a laptop (moving the clock, sample staff) are allowed."""
        return self.environment == "development"

    @property
    def database(self) -> str:
        """The database's URL."""
        return self.database_url or f"sqlite:///{self.data_dir.resolve() / 'promisekeeper.db'}"

    @property
    def website(self) -> str:
        """Address of the website, without a slash at the end."""
        return (self.base_url or f"http://127.0.0.1:{self.web_port}").rstrip("/")

    @property
    def mail_service(self) -> str:
        """Address of the mail service, without a slash at the end."""
        return (self.sendgrid_host or f"http://127.0.0.1:{self.mail_sandbox_port}").rstrip("/")

    @property
    def temporal_address(self) -> str:
        """Where Temporal is unless its own TEMPORAL_ADDRESS says otherwise."""
        return f"127.0.0.1:{self.temporal_port}"

    @property
    def zone(self) -> ZoneInfo:
        """The company's time zone."""
        return ZoneInfo(self.time_zone)

    @property
    def link_key_bytes(self) -> tuple[bytes, ...]:
        """The keys of personal links, the signing one first."""
        return tuple(urlsafe_b64decode(key) for key in self.link_keys)

    @property
    def notice_period(self) -> timedelta:
        """Time between the last accepted first notice and effect (P7)."""
        return timedelta(days=self.notice_days)

    @property
    def sending_period(self) -> timedelta:
        """What a campaign may take to send its first notices (P7)."""
        return timedelta(days=self.sending_days)

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
        )

    @property
    def campaign_leads(self) -> CampaignLeads:
        """When the silent are reminded and whom their silence reaches."""
        return CampaignLeads(
            reminder_leads=tuple(timedelta(days=days) for days in self.reminder_lead_days),
            owner_escalation_lead=timedelta(days=self.escalation_lead_days),
            legal_escalation_after=timedelta(days=self.legal_escalation_days),
        )

    @property
    def officers(self) -> Officers:
        """Whom a late data-subject request reaches."""
        return Officers(
            privacy_officer=self.privacy_officer, deputy=self.deputy, executive=self.executive
        )

    @property
    def temporal_ui(self) -> str:
        """Address of the Temporal UI, without a slash at the end."""
        return (self.temporal_ui_url or f"http://127.0.0.1:{self.temporal_ui_port}").rstrip("/")


class SettingsRefused(Exception):
    """A setting is missing or wrong; the process must not start."""


def _is_database(url: str) -> bool:
    try:
        make_url(url)
    except (ValueError, ArgumentError):
        return False
    return url.startswith(DATABASES)


def _is_long_key(key: str) -> bool:
    try:
        return len(b64decode(key, altchars=b"-_", validate=True)) >= 32
    except ValueError:
        return False


def load_settings() -> Settings:
    """Read the environment. Raises SettingsRefused with one line for each fault."""
    try:
        return Settings()
    except ValidationError as fault:
        lines = [
            f"  {'PROMISEKEEPER_' + str(error['loc'][0]).upper() if error['loc'] else 'settings'}: "
            f"{error['msg'].removeprefix('Value error, ')}"
            for error in fault.errors(include_input=False, include_url=False)
        ]
        raise SettingsRefused(
            "Promisekeeper did not start, because of its settings:\n" + "\n".join(lines)
        ) from None
