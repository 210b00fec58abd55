"""Every setting of the product, and the only reader of the environment."""

from base64 import b64decode, urlsafe_b64decode
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import date, time, timedelta
from pathlib import Path
from typing import Annotated, Literal, Self
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import Field, SecretStr, ValidationError, field_validator, model_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError

from domain.attachments import AttachmentLimits
from domain.company import CampaignLeads, Company, LadderNumbers, Officers
from domain.identity import IdentityNumbers
from domain.marketing import MarketingPurpose, PurposesRefused, read_purposes
from domain.personal_data import OWN_SOURCE
from domain.request_retention import RequestPeriods
from domain.sending import Canary, Limits
from embedded.sample_company import IN_ONE_DATABASE
from translations.catalogues import CatalogueMissing, speak

ROOT = Path(__file__).parent
SAMPLE_DATA_MAP = ROOT / "embedded" / "sample_company" / "data_map.toml"
DEVELOPMENT_LINK_KEY = "only-for-development-link-key-0000000000000="
DEVELOPMENT_SUPPRESSION_KEY = "only-for-development-suppression-key-000000="
DEVELOPMENT_DATA_KEY = "only-for-development-data-key-0000000000000="
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
    "marketing_file",
)
"""Settings whose defaults describe a company that does not exist."""
PAUSED_OVER = "A campaign is paused when more than this share of its copies"
FOR_ALL = "is the one for development, which everybody knows"
A_NUMBER = "needs a whole number"
IN_OUR_WORDS = {
    "int_parsing": A_NUMBER,
    "int_parsing_size": A_NUMBER,
    "greater_than_equal": f"{A_NUMBER} greater than or equal to {{ge}}",
    "less_than_equal": f"{A_NUMBER} less than or equal to {{le}}",
    "string_too_short": "needs at least {min_length} characters",
    "string_too_long": "takes at most {max_length} characters",
    "literal_error": "needs {expected}",
    "value_error": "{error}",
}
"""What is wrong with a value, by pydantic's kind of error; never the value, which may be a key."""


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
    data_map: Annotated[
        str,
        Field(
            description="The file that says which source holds what about people "
            "(`docs/data-sources.md`), beside the engine's own database. Empty means the invented "
            "company's in development, and no other in production"
        ),
    ] = ""
    data_keys: Annotated[
        tuple[str, ...],
        NoDecode,
        Field(
            description="Comma-separated base64 keys of what is kept encrypted: copies of people's "
            "data, until they have them. The first encrypts, all decrypt"
        ),
    ] = (DEVELOPMENT_DATA_KEY,)
    storage_dir: Annotated[
        str,
        Field(
            description="Where encrypted files are kept; website and worker share it. Empty means "
            "`storage` in the data directory"
        ),
    ] = ""
    package_days: Annotated[
        int,
        Field(
            ge=1,
            le=365,
            description="Days after the answer for which a copy can be fetched; then it is deleted",
        ),
    ] = 30
    link_keys: Annotated[
        tuple[str, ...],
        NoDecode,
        Field(
            description="Comma-separated base64 keys of personal links; the first signs, all verify"
        ),
    ] = (DEVELOPMENT_LINK_KEY,)
    suppression_key: Annotated[
        SecretStr,
        Field(
            description="Base64 key by which addresses that mail must not go to are known. Never "
            "changed: without it nobody knows them any more"
        ),
    ] = SecretStr(DEVELOPMENT_SUPPRESSION_KEY)
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
        str,
        Field(description="Whose holidays staff rungs respect, a region's too: `DE` or `DE-BY`"),
    ] = "DE"
    company_contact_email: Annotated[str, Field(description="Where people may write")] = (
        "privacy@fernhill.example"
    )
    company_closing_url: Annotated[
        str,
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
        tuple[str, ...],
        NoDecode,
        Field(
            description="Comma-separated languages of mails and pages, each with a catalogue in "
            "`translations/`; the first is the policies' own, and for whoever reads none of them"
        ),
    ] = ("en", "de")
    requests_an_hour: Annotated[
        int,
        Field(
            ge=1,
            description="Requests from one address within an hour that are answered each by "
            "itself; further ones for the same are kept with them, and bring no mails of their "
            "own (P26)",
        ),
    ] = 5
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

    identity_reminder_days: Annotated[
        tuple[int, ...],
        NoDecode,
        Field(
            description="Days after receipt at which whoever makes a request is reminded to "
            "confirm who they are, until they do (P19)"
        ),
    ] = (1, 3, 7, 14, 21)
    identity_draft_lead_days: Annotated[
        int,
        Field(
            ge=1,
            le=29,
            description="Days before the answer is due at which, if they did not, the answer that "
            "we could not verify it is drafted for a person to sign",
        ),
    ] = 5
    attachments: Annotated[
        int,
        Field(ge=0, le=10, description="How many files people may send with one request"),
    ] = 10
    attachment_megabytes: Annotated[
        int, Field(ge=1, le=15, description="How large each of them may be")
    ] = 5
    request_close_days: Annotated[
        int,
        Field(
            ge=1,
            le=365,
            description="Days after its answer at which a request is closed: until then it can be "
            "appealed against. Then what showed that somebody may ask for another is deleted (P33)",
        ),
    ] = 60
    request_purge_days: Annotated[
        int,
        Field(
            ge=30,
            le=3650,
            description="Days after its answer at which a closed request loses names, addresses "
            "and words, unless a legal hold stands; what proves the answer in time stays (P33)",
        ),
    ] = 1096
    privacy_lead: Annotated[
        str,
        Field(
            description="Staff handle of who leads the privacy team, and is told of what is "
            "nobody's; empty means everybody with the role privacy"
        ),
    ] = ""
    privacy_officer: Annotated[str, Field(description="Staff handle; empty as above")] = ""
    deputy: Annotated[str, Field(description="The officer's deputy; empty as above")] = ""
    executive: Annotated[
        str, Field(description="Staff handle; empty means everybody with the role admin")
    ] = ""

    ladder_days: Annotated[
        tuple[int, ...],
        NoDecode,
        Field(
            description="Days before an answer is due at which staff are told, seven: assignee, "
            "assignee again, lead, officer, in review, deputy, executive (P21)"
        ),
    ] = (20, 15, 10, 7, 5, 3, 2)
    ladder_hour: Annotated[
        int,
        Field(
            ge=0,
            le=15,
            description="At which hour of a working day: the office opens. Reminders and "
            "escalations of campaigns stand at it too",
        ),
    ] = 9
    unassigned_days: Annotated[
        int, Field(ge=1, le=10, description="Working days until the lead hears of what is nobody's")
    ] = 1
    acknowledge_hours: Annotated[
        int,
        Field(
            ge=1,
            le=80,
            description="Working hours, eight a day, in which somebody has to say that they act; "
            "then the next person is told",
        ),
    ] = 8
    acknowledge_hours_at_the_end: Annotated[
        int, Field(ge=1, le=80, description="The same from the deputy's day on")
    ] = 1
    late_reply_hours: Annotated[
        int,
        Field(ge=1, le=120, description="Hours before it is due at which the late reply goes out"),
    ] = 24

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
    mail_rate_limit: Annotated[
        int,
        Field(
            ge=0,
            description="Copies in a minute, over all senders and processes; 0 means as many as "
            "the mail service takes (P8)",
        ),
    ] = 0
    mail_settle_after_seconds: Annotated[
        int, Field(ge=1, description="How long an unknown outcome waits for its delivery events")
    ] = 10

    api_rate_limit: Annotated[
        int,
        Field(
            ge=0,
            description="Calls of an API key in a minute, half of them at once at most, in each "
            "process of the website; 0 means no limit",
        ),
    ] = 3000
    alarm_webhook_url: Annotated[
        str,
        Field(
            description="Where alarms for staff are posted too, signed, so that they arrive when "
            "mail is what is wrong; with `alarm_webhook_secret`, or neither: then by mail only"
        ),
    ] = ""
    alarm_webhook_secret: Annotated[
        SecretStr,
        Field(
            description="Signs alarms (Standard Webhooks): `whsec_` and 24 to 64 bytes in base64"
        ),
    ] = SecretStr("")
    events_webhook_url: Annotated[
        str,
        Field(
            description="Where the company's own systems are told, signed, that an account's "
            "suppressions, restrictions or decisions changed, or that a version is in force; with "
            "`events_webhook_secret`, or neither"
        ),
    ] = ""
    events_webhook_secret: Annotated[
        SecretStr, Field(description="Signs these events, as `alarm_webhook_secret` signs alarms")
    ] = SecretStr("")
    dead_man_url: Annotated[
        SecretStr,
        Field(
            description="What the watchdog asks for (GET) after each complete round: a service "
            "outside that raises the alarm when it stays away. Empty means nobody is asked"
        ),
    ] = SecretStr("")

    canary: Annotated[
        bool,
        Field(description="Whether a few get a campaign's first notice before the others (P8)"),
    ] = True
    canary_percent: Annotated[
        int, Field(ge=1, le=50, description="How many that is: this share of the addressees")
    ] = 1
    canary_addressees: Annotated[
        int,
        Field(
            ge=1, description="Or so many, if that is more. To no more than so many, all at once"
        ),
    ] = 100
    canary_minutes: Annotated[
        int, Field(ge=0, description="How long the others wait for what becomes of the canary")
    ] = 30
    stop_failed_percent: Annotated[
        float,
        Field(ge=0, le=100, description=f"{PAUSED_OVER} bounce, are dropped or are rejected (P8)"),
    ] = 5
    stop_complained_percent: Annotated[
        float, Field(ge=0, le=100, description=f"{PAUSED_OVER}, and two at least, are called spam")
    ] = 0.3
    stop_unknown_percent: Annotated[
        float,
        Field(
            ge=0,
            le=100,
            description=f"{PAUSED_OVER}, or of the requests of a minute, three at least, are of "
            "unknown outcome",
        ),
    ] = 5
    stop_copies: Annotated[
        int, Field(ge=1, le=10000, description="Of how many copies, the last that were heard of")
    ] = 1000
    stop_copies_at_least: Annotated[
        int, Field(ge=1, le=10000, description="With fewer than that nothing is concluded")
    ] = 100

    web_port: Annotated[int, Field(ge=1, le=65535, description="Embedded website")] = 8000
    web_processes: Annotated[
        int,
        Field(
            ge=1,
            le=64,
            description="Processes of the embedded website; one answers on one core. In production "
            "`uvicorn --workers` says it",
        ),
    ] = 1
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

    @field_validator(
        "languages",
        "link_keys",
        "data_keys",
        "sendgrid_webhook_public_keys",
        "reminder_lead_days",
        "ladder_days",
        "identity_reminder_days",
        mode="before",
    )
    @classmethod
    def _split_list(cls, value: object) -> object:
        if isinstance(value, str):
            return tuple(part.strip() for part in value.split(",") if part.strip())
        return value

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

    @field_validator("reminder_lead_days")
    @classmethod
    def _are_reminders(cls, days: tuple[int, ...]) -> tuple[int, ...]:
        if len(days) > 2:
            raise ValueError("at most two reminders are promised (P5)")
        if any(lead < 1 for lead in days):
            raise ValueError("they come before the day of effect: each is 1 at least")
        return days

    @field_validator("ladder_days")
    @classmethod
    def _are_rungs(cls, days: tuple[int, ...]) -> tuple[int, ...]:
        if len(days) != 7:
            raise ValueError(f"names {len(days)} days: a ladder has seven rungs for staff")
        _ladder(days)
        return days

    @field_validator("identity_reminder_days")
    @classmethod
    def _are_days_after_receipt(cls, days: tuple[int, ...]) -> tuple[int, ...]:
        if any(day < 1 for day in days):
            raise ValueError("they count from receipt: the first is 1")
        return days

    @field_validator("link_keys")
    @classmethod
    def _are_long_keys(cls, keys: tuple[str, ...]) -> tuple[str, ...]:
        if not keys:
            raise ValueError("is empty: no personal link could be made or read")
        if not all(_is_long_key(key) for key in keys):
            raise ValueError("every key is at least 32 bytes in URL-safe base64")
        return keys

    @field_validator("data_keys")
    @classmethod
    def _are_data_keys(cls, keys: tuple[str, ...]) -> tuple[str, ...]:
        if not keys:
            raise ValueError("is empty: nothing could be kept encrypted")
        if not all(_is_long_key(key) and len(urlsafe_b64decode(key)) == 32 for key in keys):
            raise ValueError("every key is 32 bytes in URL-safe base64")
        return keys

    @field_validator("suppression_key")
    @classmethod
    def _is_one_long_key(cls, key: SecretStr) -> SecretStr:
        if not _is_long_key(key.get_secret_value()):
            raise ValueError("is at least 32 bytes in URL-safe base64")
        return key

    @field_validator("database_url")
    @classmethod
    def _is_a_database(cls, url: str) -> str:
        if url and not _is_database(url):
            raise ValueError(
                "is no address of a database we know, which are "
                "sqlite:///FILE and postgresql://USER:PASSWORD@HOST:PORT/NAME"
            )
        return url

    @field_validator("alarm_webhook_secret", "events_webhook_secret")
    @classmethod
    def _is_a_signing_secret(cls, secret: SecretStr) -> SecretStr:
        given = secret.get_secret_value()
        if given and not _is_signing_secret(given):
            raise ValueError("is `whsec_` followed by 24 to 64 bytes in base64")
        return secret

    @field_validator("dead_man_url")
    @classmethod
    def _is_a_secret_address(cls, url: SecretStr) -> SecretStr:
        cls._is_an_address(url.get_secret_value())
        return url

    @field_validator(
        "base_url",
        "company_closing_url",
        "sendgrid_host",
        "temporal_ui_url",
        "alarm_webhook_url",
        "events_webhook_url",
    )
    @classmethod
    def _is_an_address(cls, address: str) -> str:
        if address and not address.startswith(("http://", "https://")):
            raise ValueError("is no address: it begins with https://")
        return address

    @model_validator(mode="after")
    def _refuse_halves_and_laptop_defaults(self) -> Self:
        """Looked at last, when each setting is right by itself; all that is unsafe at once."""
        faults = [*self._halves(), *self._wrong_files()]
        if self.environment == "production":
            faults += [
                _fault(name, f"{wrong}. Production needs {needed}")
                for name, unsafe, wrong, needed in self._laptop_defaults()
                if unsafe
            ]
        if faults:
            raise ValueError("\n".join(faults))
        return self

    def _halves(self) -> Iterator[str]:
        """Of two settings that go together, the one that is missing."""
        for what, url, secret in (
            ("alarm", self.alarm_webhook_url, self.alarm_webhook_secret),
            ("events", self.events_webhook_url, self.events_webhook_secret),
        ):
            has_secret = secret.get_secret_value()
            if url and not has_secret:
                signs = "is empty, and nothing is posted unsigned. Give it with the URL, or neither"
                yield _fault(f"{what}_webhook_secret", signs)
            if has_secret and not url:
                yield _fault(f"{what}_webhook_url", "is empty. Give it with the secret, or neither")

    def _wrong_files(self) -> Iterator[str]:
        try:
            _ = self.marketing_purposes
        except OSError as fault:
            yield _fault("marketing_file", f"cannot be read: {fault.strerror}")
        except UnicodeDecodeError:
            yield _fault("marketing_file", "is no text in UTF-8")
        except PurposesRefused as fault:
            yield _fault("marketing_file", str(fault))

    def _laptop_defaults(self) -> Iterator[tuple[str, bool, str, str]]:
        """Name, whether its value is unsafe, what is wrong then, and what production needs."""
        session_key = self.session_key.get_secret_value()
        api_key = self.sendgrid_api_key.get_secret_value()
        https = "does not begin with https://"
        yield "base_url", not self.base_url.startswith("https://"), https, "its public address"
        yield "database_url", not self.database_url, "is empty", "a database of its own"
        yield "link_keys", DEVELOPMENT_LINK_KEY in self.link_keys, FOR_ALL, "keys of its own"
        yield "data_keys", DEVELOPMENT_DATA_KEY in self.data_keys, FOR_ALL, "keys of its own"
        suppression_key = self.suppression_key.get_secret_value()
        known = suppression_key == DEVELOPMENT_SUPPRESSION_KEY
        yield "suppression_key", known, FOR_ALL, "a key of its own"
        yield "session_key", session_key == DEVELOPMENT_SESSION_KEY, FOR_ALL, "a key of its own"
        yield "sendgrid_api_key", api_key == DEVELOPMENT_API_KEY, FOR_ALL, "a key of its own"
        yield "sendgrid_host", not self.sendgrid_host.startswith("https://"), https, "SendGrid's"
        keys = self.sendgrid_webhook_public_keys
        yield "sendgrid_webhook_public_keys", not keys, "is empty", "the event webhook's key"
        yield "temporal_ui_url", not self.temporal_ui_url, "is empty", "the address of yours"
        for name, url in (
            ("alarm_webhook_url", self.alarm_webhook_url),
            ("events_webhook_url", self.events_webhook_url),
            ("dead_man_url", self.dead_man_url.get_secret_value()),
        ):
            yield name, bool(url) and not url.startswith("https://"), https, "one that does"
        settle = self.mail_settle_after_seconds
        yield "mail_settle_after_seconds", settle < 3600, f"is {settle}", "3600 at least"
        for name in INVENTED:
            same = getattr(self, name) == Settings.model_fields[name].default
            yield name, same, "is that of a company that does not exist", "your own"

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
    def tells_events(self) -> bool:
        """Whether the company's own systems are told of events."""
        return bool(self.events_webhook_url)

    @property
    def temporal_address(self) -> str:
        """Where Temporal is unless its own TEMPORAL_ADDRESS says otherwise."""
        return f"127.0.0.1:{self.temporal_port}"

    @property
    def data_map_file(self) -> Path | None:
        """The data map; None where production has none."""
        if self.data_map:
            return Path(self.data_map)
        return SAMPLE_DATA_MAP if self.environment == "development" else None

    @property
    def request_periods(self) -> RequestPeriods:
        """For how long requests are kept."""
        return RequestPeriods(
            until_closed=timedelta(days=self.request_close_days),
            until_purged=timedelta(days=max(self.request_purge_days, self.request_close_days)),
        )

    @property
    def source_urls(self) -> Mapping[str, str]:
        """The databases, by source, whose addresses the data map leaves to the process."""
        sample = IN_ONE_DATABASE if self.data_map_file == SAMPLE_DATA_MAP else ()
        return {OWN_SOURCE: self.database, **dict.fromkeys(sample, self.sample_company)}

    @property
    def sample_company(self) -> str:
        """The address of the invented company's database, which the embedded stack makes."""
        return f"sqlite:///{self.data_dir.resolve() / 'sample_company.db'}"

    @property
    def storage_folder(self) -> Path:
        """Where encrypted files are kept."""
        return Path(self.storage_dir) if self.storage_dir else self.data_dir / "storage"

    @property
    def zone(self) -> ZoneInfo:
        """The company's time zone."""
        return ZoneInfo(self.time_zone)

    @property
    def link_key_bytes(self) -> tuple[bytes, ...]:
        """The keys of personal links, the signing one first."""
        return tuple(urlsafe_b64decode(key) for key in self.link_keys)

    @property
    def suppression_key_bytes(self) -> bytes:
        """The key by which addresses that mail must not go to are known."""
        return urlsafe_b64decode(self.suppression_key.get_secret_value())

    @property
    def sending_period(self) -> timedelta:
        """What a campaign may take to send its first notices (P7)."""
        return timedelta(days=self.sending_days)

    @property
    def marketing_purposes(self) -> tuple[MarketingPurpose, ...]:
        """What people are mailed for. Raises PurposesRefused, and OSError for a file that is not
        there."""
        file = Path(self.marketing_file) if self.marketing_file else ROOT / "marketing.toml"
        return read_purposes(file.read_text("utf-8"), self.languages)

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
            attachments=AttachmentLimits(
                count=self.attachments, largest=self.attachment_megabytes * 1_000_000
            ),
        )

    @property
    def ladder(self) -> LadderNumbers:
        """When staff are told of a request, and how long the next person waits (P21)."""
        return replace(
            _ladder(self.ladder_days),
            unassigned_after_working_days=self.unassigned_days,
            late_reply_lead=timedelta(hours=self.late_reply_hours),
            acknowledge_within=timedelta(hours=self.acknowledge_hours),
            acknowledge_within_at_the_end=timedelta(hours=self.acknowledge_hours_at_the_end),
            hour=time(self.ladder_hour),
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

    @property
    def canaries(self) -> Canary:
        """How many of a campaign's addressees are mailed first, and for how long they are alone."""
        return Canary(
            on=self.canary,
            percent=self.canary_percent,
            at_least=self.canary_addressees,
            wait_period=timedelta(minutes=self.canary_minutes),
        )

    @property
    def limits(self) -> Limits:
        """How much may go wrong before the machine pauses a campaign."""
        return Limits(
            failed_percent=self.stop_failed_percent,
            complained_percent=self.stop_complained_percent,
            unknown_percent=self.stop_unknown_percent,
            copies=self.stop_copies,
            copies_at_least=self.stop_copies_at_least,
        )

    @property
    def officers(self) -> Officers:
        """Whom a late data-subject request reaches."""
        return Officers(
            lead=self.privacy_lead,
            privacy_officer=self.privacy_officer,
            deputy=self.deputy,
            executive=self.executive,
        )

    @property
    def identity(self) -> IdentityNumbers:
        """When people are reminded to say who they are, and when an answer is drafted (P19)."""
        return IdentityNumbers(
            reminder_days=self.identity_reminder_days,
            draft_lead=timedelta(days=self.identity_draft_lead_days),
        )

    @property
    def temporal_ui(self) -> str:
        """Address of the Temporal UI, without a slash at the end."""
        return (self.temporal_ui_url or f"http://127.0.0.1:{self.temporal_ui_port}").rstrip("/")


class SettingsRefused(Exception):
    """A setting is missing or wrong; the process must not start."""


def _ladder(days: Sequence[int]) -> LadderNumbers:
    """Raises ValueError for days that make no ladder."""
    assignee, again, lead, officer, in_review, deputy, executive = days
    return LadderNumbers(
        assignee=assignee,
        assignee_again=again,
        lead=lead,
        officer=officer,
        in_review=in_review,
        deputy=deputy,
        executive=executive,
    )


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


def _is_signing_secret(secret: str) -> bool:
    prefix, _, encoded = secret.partition("_")
    try:
        return prefix == "whsec" and 24 <= len(b64decode(encoded, validate=True)) <= 64
    except ValueError:
        return False


def _fault(name: str, wrong: str) -> str:
    return f"PROMISEKEEPER_{name.upper()}: {wrong}"


def _faults(refusal: ValidationError) -> Iterator[str]:
    for error in refusal.errors(include_input=False, include_url=False):
        ours = IN_OUR_WORDS.get(error["type"])
        words = ours.format_map(error.get("ctx", {})) if ours else error["msg"]
        if error["loc"]:
            yield _fault(str(error["loc"][0]), words)
        else:
            yield from words.splitlines()


def load_settings() -> Settings:
    """Read the environment. Raises SettingsRefused with one line for each fault."""
    try:
        return Settings()
    except ValidationError as refusal:
        lines = [f"  {line}" for line in dict.fromkeys(_faults(refusal))]
        raise SettingsRefused(
            "Promisekeeper did not start, because of its settings:\n" + "\n".join(lines)
        ) from None
