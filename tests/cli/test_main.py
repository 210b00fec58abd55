"""The command line answers at once, in words, with the exit codes of the contract."""

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from sqlmodel import select
from typer.testing import CliRunner, Result

from cli.main import app
from database.engine import Database
from database.migrate import require_current
from database.tables import PolicyVersion
from settings import ROOT, Settings

Run = Callable[..., Result]
POLICY = "# Privacy\n\nWe answer every request within thirty days.\n"


@pytest.fixture
def privacy(promisekeeper: Run) -> None:
    added = promisekeeper("policy", "add", "privacy", "--title", "Privacy", "--owner", "lena")
    assert added.exit_code == 0


def submit(run: Run, file: Path, *more: str) -> Result:
    return run("policy", "submit", "privacy", str(file), "--summary", "New", "--as", "lena", *more)


@pytest.mark.usefixtures("privacy")
def test_a_page_is_submitted_as_markdown_and_what_it_lost_is_said(
    promisekeeper: Run, database: Database, tmp_path: Path
) -> None:
    """P2: on the standard error, for whoever hands it in."""
    file = tmp_path / "1.html"
    file.write_text("<!doctype html><h1>Gnomes</h1><p>We keep it.<script>x</script>")
    result = submit(promisekeeper, file)
    assert f"{file}: read as Markdown.\n  1 script was left out." in result.stderr
    with database.session() as session:
        assert session.exec(select(PolicyVersion)).one().text == "# Gnomes\n\nWe keep it.\n"


@pytest.mark.parametrize("arguments", [["--help"], ["deadline", "2026-01-31T10:00:00Z"]])
def test_what_needs_no_service_loads_none(arguments: list[str]) -> None:
    program = (
        "import sys\nfrom cli.main import app\n"
        "try:\n    app()\nfinally:\n"
        "    print(sorted({'temporalio', 'sqlmodel', 'fastapi'} & {*sys.modules}), file=sys.stderr)"
    )
    result = subprocess.run(
        [sys.executable, "-c", program, *arguments],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    assert result.stderr.strip() == "[]"


def test_without_tables_every_command_says_what_to_do(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PROMISEKEEPER_DATA_DIR", str(tmp_path))
    refused = CliRunner().invoke(app, ["staff", "list"])
    assert refused.exit_code == 3
    assert "promisekeeper database migrate" in refused.stderr
    assert CliRunner().invoke(app, ["database", "migrate"]).exit_code == 0
    assert CliRunner().invoke(app, ["staff", "list"]).exit_code == 0
    database = Database(f"sqlite:///{tmp_path / 'promisekeeper.db'}")
    require_current(database)
    database.close()


def test_a_data_directory_that_is_not_there_is_named_as_unreachable(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PROMISEKEEPER_DATA_DIR", str(tmp_path / "nowhere"))
    result = CliRunner().invoke(app, ["requests", "list"])
    assert result.exit_code == 3
    assert "The database does not answer" in result.stderr
    assert not (tmp_path / "nowhere").exists()


def test_wrong_settings_are_bad_usage(promisekeeper: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PROMISEKEEPER_NOTICE_DAYS", "3")
    result = promisekeeper("staff", "list")
    assert result.exit_code == 2
    assert "PROMISEKEEPER_NOTICE_DAYS" in result.stderr


@pytest.mark.usefixtures("privacy")
def test_a_version_is_kept_when_temporal_is_silent(
    promisekeeper: Run, database: Database, tmp_path: Path
) -> None:
    (tmp_path / "1.md").write_text(POLICY)
    result = submit(promisekeeper, tmp_path / "1.md")
    assert result.exit_code == 3
    assert "kept" in result.stderr
    with database.session() as session:
        assert session.exec(select(PolicyVersion.number)).all() == [1]


@pytest.mark.usefixtures("privacy")
@pytest.mark.parametrize(
    ("content", "words"),
    [(b"", "holds no text"), (b"\xff\xfe", "UTF-16"), (b"# Only a heading\n", "no readable")],
)
def test_a_text_that_is_no_policy_is_refused(
    promisekeeper: Run, database: Database, tmp_path: Path, content: bytes, words: str
) -> None:
    (tmp_path / "1.md").write_bytes(content)
    result = submit(promisekeeper, tmp_path / "1.md")
    assert (result.exit_code, words in result.stderr) == (2, True)
    with database.session() as session:
        assert session.exec(select(PolicyVersion)).all() == []


@pytest.mark.usefixtures("privacy")
@pytest.mark.parametrize(
    ("effective", "code", "words"),
    [
        ("2020-01-01", 1, "in the past"),
        ("tomorrow", 2, "write the day like"),
    ],
)
def test_an_effective_date_that_cannot_be_is_refused(
    promisekeeper: Run, tmp_path: Path, effective: str, code: int, words: str
) -> None:
    (tmp_path / "1.md").write_text(POLICY)
    result = submit(promisekeeper, tmp_path / "1.md", "--effective", effective)
    assert (result.exit_code, words in result.stderr) == (code, True)


@pytest.mark.parametrize(
    "arguments",
    [
        ["policy", "status", "nothing"],
        ["governing", "nothing", "a1"],
        ["requests", "show", "R-NOTHING"],
        ["campaign", "report", "nothing", "1"],
        ["policy", "add", "terms", "--title", "Terms", "--owner", "nobody"],
        ["policy", "add", "terms", "--title", "Terms", "--owner", "petra"],
    ],
)
def test_what_is_not_known_or_not_allowed_is_a_no_in_words(
    promisekeeper: Run, arguments: list[str]
) -> None:
    result = promisekeeper(*arguments)
    assert (result.exit_code, result.stdout) == (1, "")
    assert result.stderr.strip().endswith((".", "STAFF"))


def test_outside_development_only_a_personal_token_says_who_acts(
    staff_tokens: dict[str, str], database: Database, tmp_path: Path
) -> None:
    """P30: a handle is a name, not a proof."""
    from cli.context import Office
    from clock import Clock
    from database.people.staff import StaffRefused

    office = Office(
        settings=Settings().model_copy(update={"environment": "production"}),
        database=database,
        clock=Clock(database, development=False),
    )
    with pytest.raises(StaffRefused, match="personal token"):
        office.member("lena")
    assert office.member(staff_tokens["lena"]).handle == "lena"


def test_only_an_admin_adds_staff(promisekeeper: Run) -> None:
    """P30."""
    new = ["staff", "add", "alice", "--name", "Alice", "--email", "alice@example.com"]
    assert promisekeeper(*new, "--role", "legal").exit_code == 1
    assert promisekeeper(*new, "--role", "legal", "--as", "lena").exit_code == 1
    assert promisekeeper(*new, "--role", "wizard", "--as", "omar").exit_code == 1
    added = promisekeeper(*new, "--role", "legal", "--as", "omar")
    assert (added.exit_code, "pk_staff_" in added.stdout) == (0, True)
    listed = json.loads(promisekeeper("staff", "list", "--format", "json").stdout)
    assert listed[0] == {
        "handle": "alice",
        "name": "Alice",
        "email": "alice@example.com",
        "roles": ["legal"],
        "away": None,
    }
