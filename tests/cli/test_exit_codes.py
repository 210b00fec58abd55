"""Every command ends with the code of the contract.

0 fine, 1 the answer is no, 2 bad usage, 3 a service is not reachable.
"""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import typer.main
from typer.core import TyperGroup
from typer.testing import CliRunner, Result

from cli.main import app

Run = Callable[..., Result]
MAIL = "00000000-0000-0000-0000-000000000001"
REFERENCE = "R-7KQ2M4XA"
WITHOUT_SERVICES = ("up", "doctor", "assess", "deadline", "data-map", "demo run")
COMMANDS = {
    "governing": ["privacy", "a1"],
    "policy title": ["privacy", "--in", "de=Datenschutz", "--as", "lena"],
    "policy add": ["privacy", "--title", "Privacy", "--owner", "lena"],
    "policy submit": ["privacy", "1.md", "--summary", "New", "--as", "lena"],
    "policy import-history": ["privacy", "past", "--as", "lena"],
    "policy review": ["privacy", "1", "--reason", "Read", "--as", "lena"],
    "policy wording": ["privacy", "1"],
    "policy without-approval": ["privacy", "1", "stay", "--as", "lena"],
    "policy preview": ["privacy", "1", "--to", "mails", "--as", "lena"],
    "policy test-mail": ["privacy", "1", "--as", "lena"],
    "policy release": ["privacy", "1", "--as", "lena"],
    "policy reject": ["privacy", "1", "--reason", "No", "--as", "lena"],
    "policy withdraw": ["privacy", "1", "--reason", "No", "--as", "lena"],
    "policy postpone": [
        *("privacy", "1", "--until", "2027-01-01", "--reason", "Later", "--as", "lena"),
    ],
    "policy audience": ["privacy", "1"],
    "policy reclassify": ["privacy", "1", "--agree", "--as", "noor"],
    "policy status": ["privacy"],
    "policy lessons": ["privacy", "--to", "cases"],
    "policy agreement": [],
    "campaign report": ["privacy", "1"],
    "campaign pause": ["privacy", "1", "--reason", "No", "--as", "omar"],
    "campaign resume": ["privacy", "1", "--reason", "Yes", "--as", "lena"],
    "campaign correct": ["privacy", "1", "--confirm", "--as", "noor"],
    "campaign rate": [
        *("privacy", "1", "--per-minute", "600", "--reason", "New", "--as", "omar"),
    ],
    "campaign not-reached": ["privacy", "1"],
    "campaign not-approved": ["privacy", "1"],
    "campaign assign-not-reached": ["privacy", "1", "--to", "petra", "--as", "lena"],
    "campaign reached": [
        *("privacy", "1", "a1", "--by", "post", "--reason", "A letter", "--as", "lena"),
    ],
    "accounts import": ["people.csv", "--as", "omar"],
    "accounts list": [],
    "accounts show": ["a1"],
    "requests list": [],
    "requests show": [REFERENCE],
    "requests assign": [REFERENCE, "--to", "petra", "--as", "petra"],
    "requests decide": [
        *(REFERENCE, "--outcome", "fulfilled"),
        *("--explanation", "Here it is.", "--as", "petra"),
    ],
    "requests confirm": [REFERENCE, "--answer", MAIL, "--as", "petra"],
    "requests explain-deadline": [REFERENCE],
    "requests receive": [
        *("--channel", "post", "--received-at", "2026-03-01T10:00:00+01:00"),
        *("--kind", "access", "--email", "dora@people.example", "--as", "petra"),
    ],
    "requests authority": [REFERENCE, "--accept", "--evidence", "A mandate", "--as", "petra"],
    "requests name": [REFERENCE, "--account", "a1", "--as", "petra"],
    "requests letters": [],
    "requests posted": [
        *(REFERENCE, "--letter", MAIL, "--on", "2026-03-01", "--proof", "RR 1", "--as", "petra"),
    ],
    "erasures tombstones": ["--to", "tombstones.csv"],
    "erasures replay": ["--taken-at", "2026-03-01T00:00:00Z"],
    "requests acknowledge": [REFERENCE, "--as", "petra"],
    "requests correct-receipt": [
        *(REFERENCE, "--received-at", "2026-03-01T10:00:00+01:00"),
        *("--proof", "The postmark", "--as", "petra"),
    ],
    "requests confirm-receipt": [REFERENCE, "--correction", MAIL, "--as", "paul"],
    "requests late-reply": [],
    "requests metrics": [],
    "requests end": [
        *(REFERENCE, "--outcome", "spam", "--reason", "An advertisement", "--as", "petra"),
    ],
    "requests confirm-end": [REFERENCE, "--end", MAIL, "--as", "paul"],
    "requests take-out": [REFERENCE, "--as", "petra"],
    "requests died": [REFERENCE, "--as", "petra"],
    "requests lives": [REFERENCE, "--as", "paul"],
    "requests recipients": [],
    "requests told": [MAIL, "--how", "A letter", "--as", "petra"],
    "minors list": [],
    "minors add": ["--account", "a1", "--note", "The profile", "--as", "petra"],
    "minors take": [MAIL, "--as", "petra"],
    "minors restrict": [MAIL, "--as", "petra"],
    "minors name": [MAIL, "--account", "a1", "--as", "petra"],
    "minors heard": [MAIL, "--how", "On the telephone", "--as", "petra"],
    "minors found": [MAIL, "--outcome", "not_minor", "--means", "Pays by card", "--as", "petra"],
    "minors confirm": [MAIL, "--as", "paul"],
    "requests release-hold": [REFERENCE, "--reason", "Settled", "--as", "petra"],
    "requests erased": [REFERENCE, "--as", "petra"],
    "holds add": ["--account", "a1", "--reason", "A claim", "--as", "lena"],
    "holds release": ["--account", "a1", "--reason", "Settled", "--as", "petra"],
    "holds list": [],
    "mail status": [],
    "mail unknown": [],
    "mail rejected": [],
    "mail stop": ["--reason", "No", "--as", "omar"],
    "mail start": ["--reason", "Yes", "--as", "lena"],
    "mail allow": ["alice@people.example", "--reason", "Mended", "--as", "omar"],
    "mail resend": [MAIL, "--as", "omar"],
    "staff add": [
        *("alice", "--name", "Alice", "--email", "alice@example.com"),
        *("--role", "legal", "--as", "omar"),
    ],
    "staff list": [],
    "staff absent": [
        *("petra", "--from", "2026-03-01", "--until", "2026-03-09"),
        *("--delegate", "paul", "--as", "petra"),
    ],
    "staff back": ["petra", "--as", "petra"],
    "api-key add": ["billing", "--as", "omar"],
    "api-key list": [],
    "api-key revoke": ["billing", "--as", "omar"],
    "database migrate": [],
    "demo advance": ["1"],
}
"""A line for each command that needs a service."""
UNKNOWN = [
    ["policy", "status", "nothing"],
    ["policy", "audience", "nothing", "1"],
    ["policy", "lessons", "nothing", "--to", "cases"],
    ["policy", "agreement", "nothing"],
    ["policy", "title", "nothing", "--in", "de=Hausordnung", "--as", "lena"],
    ["policy", "wording", "nothing", "1"],
    ["policy", "preview", "nothing", "1", "--to", "mails", "--as", "lena"],
    ["policy", "test-mail", "nothing", "1", "--as", "lena"],
    ["policy", "release", "nothing", "1", "--as", "lena"],
    ["policy", "reject", "nothing", "1", "--reason", "No", "--as", "lena"],
    ["policy", "withdraw", "nothing", "1", "--reason", "No", "--as", "lena"],
    ["campaign", "pause", "nothing", "1", "--reason", "No", "--as", "omar"],
    ["campaign", "rate", "nothing", "1", "--per-minute", "6", "--reason", "No", "--as", "omar"],
    ["governing", "nothing", "a1"],
    ["policy", "reclassify", "nothing", "1", "--agree", "--as", "noor"],
    ["campaign", "correct", "nothing", "1", "--confirm", "--as", "noor"],
    ["campaign", "report", "nothing", "1"],
    ["campaign", "not-reached", "nothing", "1"],
    ["campaign", "assign-not-reached", "nothing", "1", "--to", "petra", "--as", "lena"],
    [
        *("campaign", "reached", "nothing", "1", "a1", "--by", "post"),
        *("--reason", "A letter", "--as", "lena"),
    ],
    ["accounts", "show", "nobody"],
    ["requests", "show", "R-NOTHING"],
    ["requests", "explain-deadline", "R-NOTHING"],
    ["requests", "assign", "R-NOTHING", "--to", "petra", "--as", "petra"],
    ["requests", "acknowledge", "R-NOTHING", "--as", "petra"],
    ["requests", "authority", "R-NOTHING", "--refuse", "--evidence", "None", "--as", "petra"],
    [
        *("requests", "end", "R-NOTHING", "--outcome", "spam", "--reason", "No"),
        *("--as", "petra"),
    ],
    ["requests", "confirm-end", "R-NOTHING", "--end", MAIL, "--as", "paul"],
    ["requests", "confirm-receipt", "R-NOTHING", "--correction", MAIL, "--as", "paul"],
    ["requests", "take-out", "R-NOTHING", "--as", "petra"],
    ["requests", "died", "R-NOTHING", "--as", "petra"],
    ["requests", "lives", "R-NOTHING", "--as", "paul"],
    ["requests", "told", MAIL, "--how", "A letter", "--as", "petra"],
    ["minors", "add", "--account", "nobody", "--note", "The profile", "--as", "petra"],
    ["minors", "take", MAIL, "--as", "petra"],
    ["minors", "confirm", MAIL, "--as", "paul"],
    ["staff", "back", "nobody", "--as", "petra"],
    ["requests", "release-hold", "R-NOTHING", "--reason", "Settled", "--as", "petra"],
    ["requests", "erased", "R-NOTHING", "--as", "petra"],
    ["holds", "add", "--account", "nobody", "--reason", "A claim", "--as", "lena"],
    ["holds", "release", "--account", "nobody", "--reason", "Settled", "--as", "petra"],
    ["mail", "resend", MAIL, "--as", "omar"],
    ["mail", "allow", "alice@people.example", "--reason", "Mended", "--as", "omar"],
    ["api-key", "revoke", "nothing", "--as", "omar"],
]
REFUSED = [
    ["requests", "assign", REFERENCE, "--to", "petra", "--as", "nobody"],
    ["requests", "show", REFERENCE, "--as", "nobody"],
    ["accounts", "list", "--as", "nobody"],
    ["holds", "add", "--account", "nobody", "--reason", "A claim", "--as", "omar"],
    ["holds", "list", "--as", "omar"],
    ["mail", "resend", MAIL, "--as", "lena"],
    ["mail", "allow", "alice@people.example", "--reason", "Mended", "--as", "petra"],
    ["mail", "stop", "--reason", "No", "--as", "petra"],
    ["mail", "start", "--reason", "Yes", "--as", "lena"],
    ["api-key", "add", "billing", "--as", "lena"],
    ["api-key", "revoke", "billing", "--as", "lena"],
]


def typed(group: TyperGroup, path: str = "") -> Iterator[str]:
    """Every command by its words."""
    for name, command in group.commands.items():
        if isinstance(command, TyperGroup):
            yield from typed(command, f"{path}{name} ")
        else:
            yield f"{path}{name}"


def every_command() -> set[str]:
    root = typer.main.get_command(app)
    assert isinstance(root, TyperGroup)
    return set(typed(root))


@pytest.fixture
def nowhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Neither database nor Temporal is where it is looked for."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PROMISEKEEPER_DATA_DIR", str(tmp_path / "nowhere"))
    monkeypatch.setenv("TEMPORAL_ADDRESS", "127.0.0.1:1")
    (tmp_path / "1.md").write_text("# Privacy\n\nWe answer within thirty days.\n")
    (tmp_path / "people.csv").write_text("external_id,email\na1,alice@example.com\n")
    return tmp_path


def test_every_command_is_asked() -> None:
    assert {*COMMANDS, *WITHOUT_SERVICES} == every_command()


@pytest.mark.parametrize("name", sorted(every_command()))
def test_an_option_that_does_not_exist_is_bad_usage(name: str, nowhere: Path) -> None:
    result = CliRunner().invoke(app, [*name.split(), "--nonsense"])
    assert (result.exit_code, result.stdout) == (2, "")


@pytest.mark.parametrize("name", COMMANDS)
def test_a_database_that_is_not_there_is_a_service_that_is_not_reachable(
    name: str, nowhere: Path
) -> None:
    result = CliRunner().invoke(app, [*name.split(), *COMMANDS[name]])
    assert (result.exit_code, result.stdout) == (3, ""), result.stderr
    assert "The database does not answer" in result.stderr
    assert "promisekeeper doctor" in result.stderr
    assert not (nowhere / "nowhere").exists()


@pytest.mark.parametrize("name", COMMANDS)
def test_a_refused_setting_is_bad_usage(
    name: str, nowhere: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PROMISEKEEPER_NOTICE_DAYS", "3")
    result = CliRunner().invoke(app, [*name.split(), *COMMANDS[name]])
    assert (result.exit_code, result.stdout) == (2, "")
    assert "PROMISEKEEPER_NOTICE_DAYS" in result.stderr


@pytest.mark.parametrize("arguments", [*UNKNOWN, *REFUSED], ids=" ".join)
def test_what_is_not_known_or_not_allowed_is_a_no(promisekeeper: Run, arguments: list[str]) -> None:
    result = promisekeeper(*arguments)
    assert (result.exit_code, result.stdout) == (1, ""), result.stderr
    assert result.stderr.strip()
