"""Moving time from a terminal: in whole words when it cannot be."""

from collections.abc import Callable
from datetime import timedelta

import pytest
from typer.testing import Result

from clock import Clock
from database.engine import Database

Run = Callable[..., Result]


@pytest.mark.parametrize(
    ("days", "words"),
    [
        ("0", "a second or more"),
        ("-3", "a second or more"),
        ("0.000001", "a second or more"),
        ("3651", "no further than 3650 days"),
        ("99999999", "no further than 3650 days"),
        ("1e300", "no number of days"),
        ("inf", "no number of days"),
        ("nan", "no number of days"),
    ],
)
def test_a_period_that_cannot_pass_is_refused_in_words(
    promisekeeper: Run, database: Database, days: str, words: str
) -> None:
    refused = promisekeeper("demo", "advance", "--", days)
    said = " ".join(refused.stderr.split())
    assert (refused.exit_code, refused.stdout) == (2, "")
    assert words in said
    assert "not moved" in said
    assert Clock(database, development=True).offset() == timedelta(0)


@pytest.mark.parametrize(
    ("moved", "words"), [(0, "0 workflows"), (1, "1 workflow"), (2, "2 workflows")]
)
def test_how_many_workflows_moved_along_is_said_in_good_english(
    promisekeeper: Run, monkeypatch: pytest.MonkeyPatch, moved: int, words: str
) -> None:
    monkeypatch.setattr("workflows.desk.Desk.advance", lambda *_: moved)
    assert f"; {words} moved along." in promisekeeper("demo", "advance", "1").stdout


def test_without_temporal_no_time_passes(promisekeeper: Run, database: Database) -> None:
    silent = promisekeeper("demo", "advance", "0.5")
    assert silent.exit_code == 3
    assert "no time has passed" in " ".join(silent.stderr.split())
    assert Clock(database, development=True).offset() == timedelta(0)
