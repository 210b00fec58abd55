"""Settings are refused with the name of each fault, and a laptop's defaults stay on the laptop."""

from base64 import urlsafe_b64encode
from pathlib import Path

import pytest

from settings import ROOT, Settings, SettingsRefused, load_settings

KEY = urlsafe_b64encode(b"k" * 32).decode()
PRODUCTION = {
    "ENVIRONMENT": "production",
    "BASE_URL": "https://privacy.example.com/",
    "DATABASE_URL": "postgresql+psycopg://promisekeeper@db.example.com/promisekeeper",
    "LINK_KEYS": KEY,
    "DATA_KEYS": KEY,
    "SUPPRESSION_KEY": KEY,
    "SESSION_KEY": "a-long-secret-of-our-own",
    "SENDGRID_API_KEY": "SG.a-real-one",
    "SENDGRID_HOST": "https://api.sendgrid.com",
    "SENDGRID_WEBHOOK_PUBLIC_KEYS": "a-public-key",
    "TEMPORAL_UI_URL": "https://temporal.example.com",
    "MAIL_SETTLE_AFTER_SECONDS": "21600",
    "MAIL_FROM": "privacy@example.com",
    "COMPANY_NAME": "Example Company",
    "COMPANY_ADDRESS": "2 Example Street, 10115 Berlin",
    "COMPANY_CONTACT_EMAIL": "privacy@example.com",
    "COMPANY_AUTHORITY_NAME": "The Authority",
    "COMPANY_AUTHORITY_URL": "https://authority.example.com",
    "MARKETING_FILE": str(ROOT / "marketing.toml"),
}

WEBHOOKS = {
    "ALARM_WEBHOOK_URL": "https://ops.example.com/alarms",
    "ALARM_WEBHOOK_SECRET": "whsec_" + "A" * 32,
    "EVENTS_WEBHOOK_URL": "https://crm.example.com/events",
    "EVENTS_WEBHOOK_SECRET": "whsec_" + "B" * 32,
}


@pytest.fixture(autouse=True)
def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No `.env` of whoever runs the tests."""
    monkeypatch.chdir(tmp_path)


def set_all(monkeypatch: pytest.MonkeyPatch, values: dict[str, str]) -> None:
    for name, value in values.items():
        monkeypatch.setenv(f"PROMISEKEEPER_{name}", value)


def named_in(refusal: SettingsRefused) -> set[str]:
    """The settings that have a line of their own."""
    _, *lines = str(refusal).splitlines()
    return {line.partition(":")[0].removeprefix("  PROMISEKEEPER_") for line in lines}


def test_a_laptop_needs_no_settings() -> None:
    settings = load_settings()
    assert settings.development
    assert settings.website == "http://127.0.0.1:8000"
    assert settings.mail_service == "http://127.0.0.1:8025"
    assert settings.temporal_address == "127.0.0.1:7233"
    assert settings.database.startswith("sqlite:////")


def test_addresses_follow_the_ports_of_the_embedded_stack(monkeypatch: pytest.MonkeyPatch) -> None:
    ports = {"WEB_PORT": "8101", "MAIL_SANDBOX_PORT": "8102", "TEMPORAL_PORT": "8103"}
    set_all(monkeypatch, ports)
    settings = load_settings()
    assert settings.company.contact_url == "http://127.0.0.1:8101/requests/new"
    assert settings.mail_service == "http://127.0.0.1:8102"
    assert settings.temporal_address == "127.0.0.1:8103"


def test_production_starts_with_values_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    set_all(monkeypatch, PRODUCTION)
    settings = load_settings()
    assert not settings.development
    assert settings.company.base_url == "https://privacy.example.com"
    assert settings.mail_service == "https://api.sendgrid.com"


@pytest.mark.parametrize("name", [name for name in PRODUCTION if name != "ENVIRONMENT"])
def test_production_names_the_setting_that_is_missing(
    monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    set_all(monkeypatch, {key: value for key, value in PRODUCTION.items() if key != name})
    with pytest.raises(SettingsRefused) as refusal:
        load_settings()
    _, *lines = str(refusal.value).splitlines()
    assert [line.partition(":")[0] for line in lines] == [f"  PROMISEKEEPER_{name}"]
    assert "Production needs" in lines[0]


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("BASE_URL", "http://privacy.example.com"),
        ("SENDGRID_HOST", "http://127.0.0.1:8025"),
        ("LINK_KEYS", f"{KEY},only-for-development-link-key-0000000000000="),
        ("DATA_KEYS", f"{KEY},only-for-development-data-key-0000000000000="),
        ("SUPPRESSION_KEY", "only-for-development-suppression-key-000000="),
        ("SESSION_KEY", "only-for-development-session-key"),
        ("SENDGRID_API_KEY", "SG.only-for-the-sandbox"),
    ],
)
def test_production_refuses_what_is_only_safe_on_a_laptop(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str
) -> None:
    set_all(monkeypatch, {**PRODUCTION, name: value})
    with pytest.raises(SettingsRefused, match=name):
        load_settings()


def test_production_names_every_fault_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    set_all(monkeypatch, {"ENVIRONMENT": "production"})
    with pytest.raises(SettingsRefused) as refusal:
        load_settings()
    assert named_in(refusal.value) == PRODUCTION.keys() - {"ENVIRONMENT"}


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (None, "cannot be read"),
        (b"\xff", "is no text in UTF-8"),
        (b'[newsletter]\nen = "News"', "newsletter: no label in de"),
    ],
)
def test_a_file_of_purposes_that_cannot_be_used_stops_the_start(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, content: bytes | None, said: str
) -> None:
    """P17: else people would read nothing, or something that nobody wrote."""
    file = tmp_path / "purposes.toml"
    if content is not None:
        file.write_bytes(content)
    set_all(monkeypatch, {"MARKETING_FILE": str(file)})
    with pytest.raises(SettingsRefused, match=said) as refusal:
        load_settings()
    assert named_in(refusal.value) == {"MARKETING_FILE"}


@pytest.mark.parametrize("environment", ["development", "production"])
def test_wrong_values_are_all_named_at_once_and_by_their_full_names(
    monkeypatch: pytest.MonkeyPatch, environment: str
) -> None:
    wrong = {
        "TIME_ZONE": "Mars/X",
        "REMINDER_LEAD_DAYS": "1,2,3",
        "LINK_KEYS": "xx",
        "DATABASE_URL": "mysql://there",
        "BASE_URL": "ftp://there",
        "TEMPORAL_UI_URL": "there",
        "WEB_PORT": "abc",
    }
    set_all(monkeypatch, {"ENVIRONMENT": environment, **wrong})
    with pytest.raises(SettingsRefused) as refusal:
        load_settings()
    assert named_in(refusal.value) == wrong.keys()
    assert "postgresql://USER:PASSWORD@HOST:PORT/NAME" in str(refusal.value)


def test_several_wrong_entries_of_a_list_are_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    set_all(monkeypatch, {"REMINDER_LEAD_DAYS": "soon,later"})
    with pytest.raises(SettingsRefused) as refusal:
        load_settings()
    assert str(refusal.value).splitlines()[1:] == [
        "  PROMISEKEEPER_REMINDER_LEAD_DAYS: needs a whole number"
    ]


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("TIME_ZONE", "Mars/Olympus", "not an IANA zone, like Europe/Berlin"),
        ("REMINDER_LEAD_DAYS", "14,7,3", "at most two reminders"),
        ("REMINDER_LEAD_DAYS", "14,-3", "1 at least"),
        ("REMINDER_LEAD_DAYS", "14,0", "1 at least"),
        ("REMINDER_LEAD_DAYS", "soon", "REMINDER_LEAD_DAYS"),
        ("NOTICE_DAYS", "13", "NOTICE_DAYS: .* greater than or equal to 14"),
        ("NOTICE_DAYS", "many", "NOTICE_DAYS: needs a whole number$"),
        ("ENVIRONMENT", "staging", "ENVIRONMENT: .* 'development' or 'production'"),
        ("LINK_KEYS", "", "LINK_KEYS: is empty"),
        ("LINK_KEYS", "c2hvcnQ=", "LINK_KEYS: every key is at least 32 bytes"),
        ("DATA_KEYS", "c2hvcnQ=", "DATA_KEYS: every key is 32 bytes"),
        ("SUPPRESSION_KEY", "c2hvcnQ=", "SUPPRESSION_KEY: is at least 32 bytes"),
        ("LINK_KEYS", "not base64 at all!", "LINK_KEYS: every key is at least 32 bytes"),
        ("WEB_PORT", "70000", "WEB_PORT: .* less than or equal to 65535"),
        ("COMPANY_COUNTRY", "DEU", "COMPANY_COUNTRY: 'DEU' is not a country code"),
        ("COMPANY_COUNTRY", "DE-XX", "COMPANY_COUNTRY: the holidays of 'DE-XX' are not known"),
        ("MAIL_BATCH_SIZE", "1001", "MAIL_BATCH_SIZE"),
        ("ALARM_WEBHOOK_URL", "ops.example.com/alarms", "ALARM_WEBHOOK_URL: is no address"),
        ("METRICS_TOKEN", "guess-me", "METRICS_TOKEN: is 32 letters and digits at least"),
        ("ALARM_WEBHOOK_SECRET", "short", "ALARM_WEBHOOK_SECRET: is `whsec_` followed by 24 to 64"),
        ("ALARM_WEBHOOK_SECRET", "whsec_c2hvcnQ=", "ALARM_WEBHOOK_SECRET: is `whsec_` followed"),
        ("DEAD_MAN_URL", "ping.example.com", "DEAD_MAN_URL: is no address"),
    ],
)
def test_a_wrong_value_is_refused_by_name(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str, words: str
) -> None:
    set_all(monkeypatch, {name: value})
    with pytest.raises(SettingsRefused, match=words):
        load_settings()


def test_the_holidays_of_a_region_can_be_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    set_all(monkeypatch, {"COMPANY_COUNTRY": "DE-BY"})
    assert load_settings().company.office.country == "DE-BY"


@pytest.mark.parametrize("environment", ["development", "production"])
@pytest.mark.parametrize(
    ("given", "missing"),
    [
        ("ALARM_WEBHOOK_URL", "ALARM_WEBHOOK_SECRET"),
        ("ALARM_WEBHOOK_SECRET", "ALARM_WEBHOOK_URL"),
        ("EVENTS_WEBHOOK_URL", "EVENTS_WEBHOOK_SECRET"),
        ("EVENTS_WEBHOOK_SECRET", "EVENTS_WEBHOOK_URL"),
    ],
)
def test_half_of_a_webhook_is_refused_and_the_other_half_named(
    monkeypatch: pytest.MonkeyPatch, environment: str, given: str, missing: str
) -> None:
    """P32: nothing is posted unsigned, and nothing stays at home without a word."""
    values = {**PRODUCTION, "ENVIRONMENT": environment, given: WEBHOOKS[given]}
    set_all(monkeypatch, values)
    with pytest.raises(SettingsRefused) as refusal:
        load_settings()
    assert named_in(refusal.value) == {missing}


def test_production_posts_alarms_and_pings_over_https_alone(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    set_all(monkeypatch, {**PRODUCTION, **WEBHOOKS, "DEAD_MAN_URL": "https://ping.example/1"})
    assert load_settings().alarm_webhook_url == "https://ops.example.com/alarms"
    plain = {
        "ALARM_WEBHOOK_URL": "http://ops.example.com/a",
        "EVENTS_WEBHOOK_URL": "http://crm.example.com/e",
        "DEAD_MAN_URL": "http://ping.example",
    }
    set_all(monkeypatch, plain)
    with pytest.raises(SettingsRefused) as refusal:
        load_settings()
    assert named_in(refusal.value) == plain.keys()


def test_a_refusal_keeps_secrets_to_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    """P32: what was typed may be a key in the wrong place."""
    set_all(monkeypatch, {"NOTICE_DAYS": "SG.secret", "LINK_KEYS": "secret-key-too-short"})
    with pytest.raises(SettingsRefused) as refusal:
        load_settings()
    assert "secret" not in str(refusal.value)


def test_lists_are_split_at_commas(monkeypatch: pytest.MonkeyPatch) -> None:
    set_all(monkeypatch, {"REMINDER_LEAD_DAYS": " 10, 2 ,", "LINK_KEYS": f"{KEY}, {KEY}"})
    settings = load_settings()
    assert settings.reminder_lead_days == (10, 2)
    assert settings.link_key_bytes == (b"k" * 32, b"k" * 32)
    assert settings.campaign_leads.reminder_leads[0].days == 10


def test_secrets_are_not_shown_by_accident() -> None:
    """P32."""
    shown = repr(Settings(_env_file=None))
    assert "only-for-development-session-key" not in shown
    assert "SG.only-for-the-sandbox" not in shown


def test_the_first_language_is_for_whoever_reads_none_of_them(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    assert load_settings().company.languages == ("en", "de")
    monkeypatch.setenv("PROMISEKEEPER_LANGUAGES", " de , en,de")
    assert load_settings().company.languages == ("de", "en")
    assert load_settings().company.language == "de"


@pytest.mark.parametrize("languages", ["", "xx", "en,fr", "../../etc", "de/../de", "d" * 300])
def test_a_language_without_a_catalogue_stops_the_start(
    monkeypatch: pytest.MonkeyPatch, languages: str
) -> None:
    monkeypatch.setenv("PROMISEKEEPER_LANGUAGES", languages)
    with pytest.raises(SettingsRefused) as refusal:
        load_settings()
    assert named_in(refusal.value) == {"LANGUAGES"}
