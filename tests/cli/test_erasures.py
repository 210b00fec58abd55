"""A restored backup brings nobody back, from the command line (P13)."""

import json
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from uuid import uuid4

import pytest
import sqlalchemy as sa
from typer.testing import Result

from data_sources.tombstones import known_as
from database.engine import Database
from database.requests.tombstones import lay
from database.tables import Tombstone
from domain.requests.personal_data import Person
from embedded.sample_company import database as sample
from settings import load_settings

Run = Callable[..., Result]
ALICE = Person(addresses=("alice@people.example",), external_ids=("a-alice",))
ERASED_AT = datetime(2026, 3, 2, 9, tzinfo=UTC)
TAKEN_AT = ("--taken-at", "2026-03-01T00:00:00Z")


@pytest.fixture
def company(database: Database, promisekeeper: Run, tmp_path: Path) -> sa.Engine:
    """The invented company's database, as a backup had it: Alice was erased since."""
    assert callable(promisekeeper)
    settings = load_settings()
    assert sample.make(settings.sample_company, others=2)
    with database.transaction() as transaction:
        lay(transaction, uuid4(), known_as(ALICE, settings.suppression_key_bytes), ERASED_AT)
    return sa.create_engine(settings.sample_company)


def names(company: sa.Engine) -> set[str]:
    with company.connect() as connection:
        return set(connection.scalars(sa.text("SELECT name FROM customer")))


def test_who_was_erased_is_erased_again_and_a_trial_run_only_says_so(
    promisekeeper: Run, company: sa.Engine
) -> None:
    """P13."""
    tried = promisekeeper("erasures", "replay", *TAKEN_AT, "--dry-run", "--format", "json")
    assert tried.exit_code == 0, tried.output
    assert "Alice Abel" in names(company)
    done = promisekeeper("erasures", "replay", *TAKEN_AT, "--format", "json")
    assert json.loads(done.stdout) == json.loads(tried.stdout)
    assert {row["source"] for row in json.loads(done.stdout)} >= {"billing", "sessions"}
    assert "Alice Abel" not in names(company)
    assert "Bob Brandt" in names(company)


def test_only_what_was_restored_is_searched_and_paper_is_named(
    promisekeeper: Run, company: sa.Engine
) -> None:
    """P13."""
    one = promisekeeper("erasures", "replay", *TAKEN_AT, "--source", "sessions")
    assert one.exit_code == 0, one.output
    assert "Alice Abel" in names(company)
    whole = promisekeeper("erasures", "replay", *TAKEN_AT)
    assert "paper cannot be searched" in whole.stdout
    unknown = promisekeeper("erasures", "replay", *TAKEN_AT, "--source", "moon")
    assert unknown.exit_code == 2
    assert "There is no data source moon" in unknown.output


def test_tombstones_kept_apart_outlive_our_own_database(
    promisekeeper: Run, company: sa.Engine, database: Database, tmp_path: Path
) -> None:
    """P13: they name nobody."""
    kept = tmp_path / "tombstones.csv"
    assert promisekeeper("erasures", "tombstones", "--to", str(kept)).exit_code == 0
    assert "alice" not in kept.read_text()
    with database.transaction() as transaction:
        transaction.execute(sa.delete(Tombstone))
    assert (
        json.loads(promisekeeper("erasures", "replay", *TAKEN_AT, "--format", "json").stdout) == []
    )
    again = promisekeeper("erasures", "replay", *TAKEN_AT, "--from", str(kept))
    assert "2 tombstones were new." in again.stdout
    assert "Alice Abel" not in names(company)


def test_a_file_that_is_something_else_erases_nothing(
    promisekeeper: Run, company: sa.Engine, tmp_path: Path
) -> None:
    other = tmp_path / "other.csv"
    other.write_text("name,mail\n")
    (tmp_path / "row.csv").write_text("erasure_id,known_as,erased_at\nx,y,z\n")
    for file in (tmp_path / "row.csv", tmp_path / "none.csv"):
        answer = promisekeeper("erasures", "replay", *TAKEN_AT, "--from", str(file))
        assert answer.exit_code == 2
        assert "is not what `erasures tombstones` writes" in answer.output
    assert "Alice Abel" in names(company)
