"""`promisekeeper assess` answers offline, in three formats, and says what it cannot read."""

import json
from pathlib import Path

import pytest
from typer import Typer
from typer.testing import CliRunner, Result

from cli.assess import assess_command

OLD = "# Gnomes\n\nWe never share your data with advertisers.\n\nWe recieve <b>letters</b>.\n"
NEW = "# Gnomes\n\nWe may share your data with advertisers.\n\nWe receive <b>letters</b>.\n"


@pytest.fixture
def old(tmp_path: Path) -> Path:
    path = tmp_path / "1.md"
    path.write_text(OLD)
    return path


@pytest.fixture
def new(tmp_path: Path) -> Path:
    path = tmp_path / "2.md"
    path.write_text(f'+++\ntitle = "Gnome Club"\n+++\n{NEW}')
    return path


def run(*arguments: object) -> Result:
    app = Typer()
    app.command()(assess_command)
    return CliRunner().invoke(app, [str(argument) for argument in arguments])


def test_text_names_the_verdict_the_finding_and_what_was_cleared(old: Path, new: Path) -> None:
    """P2: flagged with the rule, the quoted evidence and a plain sentence."""
    result = run(old, new)
    assert result.exit_code == 0
    assert "Material adverse change" in result.output
    assert "We [-never-]{+may+} share your data with advertisers." in result.output
    assert "promise.reversed.allowed" in result.output
    assert "typing correction: We receive" in result.output


def test_text_counts_lines_as_the_file_does(old: Path, new: Path) -> None:
    assert "(old line 3, new line 6)" in run(old, new).output


def test_json_is_the_contract(old: Path, new: Path) -> None:
    written = json.loads(run(old, new, "--format", "json").stdout)
    assert written["verdict"] == "material_adverse"
    assert written["findings"][0]["before"] == "We never share your data with advertisers."


def test_html_escapes_the_policy_and_marks_the_words(old: Path, new: Path) -> None:
    page = run(old, new, "--format", "html").stdout
    assert "<del>never</del>" in page
    assert "<ins>may</ins>" in page
    assert "&lt;b&gt;letters&lt;/b&gt;" in page
    assert "<b>letters" not in page
    assert "<script" not in page


def test_a_file_that_is_not_there_is_named(old: Path, tmp_path: Path) -> None:
    result = run(old, tmp_path / "nowhere.md")
    assert result.exit_code == 2
    assert "nowhere.md: no such file" in result.stderr


def test_a_refused_file_says_why(old: Path, tmp_path: Path) -> None:
    (tmp_path / "bad.md").write_bytes(b"Caf\xe9")
    result = run(tmp_path / "bad.md", old)
    assert result.exit_code == 2
    assert "not UTF-8" in result.stderr
    assert result.stdout == ""
