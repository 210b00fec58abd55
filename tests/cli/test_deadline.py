"""`promisekeeper deadline` prints the clock as JSON or a table, and refuses bad input in words."""

import json

import pytest
import typer
from typer.testing import CliRunner, Result

from cli.deadline import deadline_command


@pytest.fixture(autouse=True)
def own_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PROMISEKEEPER_TIME_ZONE", "America/Los_Angeles")
    monkeypatch.setenv("PROMISEKEEPER_DEFAULT_REGIME", "korea")


def run(*arguments: str) -> Result:
    app = typer.Typer()
    app.command()(deadline_command)
    return CliRunner().invoke(app, list(arguments))


def test_it_prints_the_clock_as_json() -> None:
    """P21: when, by which rule, against which others, and why."""
    result = run(
        "2026-01-31T10:00:00Z",
        *("--time-zone", "Europe/Berlin", "--country", "DE", "--company-time-zone", "UTC"),
    )
    assert result.exit_code == 0
    answer = json.loads(result.stdout)
    assert answer["received_at"] == "2026-01-31T10:00:00Z"
    assert answer["due_at"] == "2026-02-28T23:00:00Z"
    assert answer["rule"] == "statute.gdpr"
    assert [sorted(found) for found in answer["candidates"]] == [
        ["due_at", "explanation", "rule"],
        ["due_at", "explanation", "rule"],
    ]
    assert answer["warnings"] == []


def test_what_is_not_given_comes_from_the_settings() -> None:
    answer = json.loads(run("2026-06-01T12:00:00Z").stdout)
    assert answer["rule"] == "statute.korea"
    assert answer["due_at"] == "2026-06-12T07:00:00Z"


def test_the_right_changes_the_clock() -> None:
    """P21: Brazil counts days for access, not for correction."""
    access = json.loads(run("2026-06-01T12:00:00Z", "--country", "BR").stdout)
    correction = json.loads(
        run("2026-06-01T12:00:00Z", "--country", "BR", "--right", "correction").stdout
    )
    assert (access["rule"], correction["rule"]) == ("statute.brazil", "policy.720h")


def test_the_table_says_the_same() -> None:
    result = run("2026-06-01T12:00:00Z", "--format", "table")
    assert result.exit_code == 0
    assert "Due 2026-06-12T07:00:00Z by statute.korea." in result.stdout
    assert "Warning: country unknown" in result.stdout


@pytest.mark.parametrize(
    ("arguments", "word"),
    [
        (["2026-01-31T10:00:00"], "has no time zone"),
        (["2026-01-31"], "has no time zone"),
        (["yesterday"], "is not an instant"),
        (["2026-01-31T10:00:00Z", "--time-zone", "Mars/Olympus"], "is not a time zone"),
        (["2026-01-31T10:00:00Z", "--country", "Germany"], "is not a country code"),
        (["2026-01-31T10:00:00Z", "--company-time-zone", "nowhere"], "is not a time zone"),
        (["2026-01-31T10:00:00Z", "--right", "everything"], "everything"),
    ],
)
def test_bad_input_exits_2_and_says_what_is_wrong(arguments: list[str], word: str) -> None:
    result = run(*arguments)
    assert result.exit_code == 2
    assert word in result.stderr
    assert result.stdout == ""


def test_settings_that_are_wrong_are_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PROMISEKEEPER_TIME_ZONE", "Mars/Olympus")
    result = run("2026-01-31T10:00:00Z")
    assert result.exit_code == 2
    assert "Mars/Olympus" in result.stderr
