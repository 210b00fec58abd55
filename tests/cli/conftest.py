"""The command line over a database of the test's own, without any service."""

from collections.abc import Callable
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from cli.main import app
from database.engine import Database
from database.people.staff import add_staff

PromiseKeeper = Callable[..., Result]


@pytest.fixture
def staff_tokens(database: Database) -> dict[str, str]:
    """Lena and Noor of legal, Petra of privacy and Omar, an admin: their personal tokens."""
    with database.transaction() as transaction:
        return {
            handle: add_staff(
                transaction,
                handle=handle,
                name=handle.title(),
                email=f"{handle}@example.com",
                roles=roles,
            )[1]
            for handle, roles in (
                ("lena", ["legal"]),
                ("noor", ["legal"]),
                ("petra", ["privacy"]),
                ("omar", ["ops", "admin"]),
            )
        }


@pytest.fixture
def promisekeeper(
    tmp_path: Path,
    database: Database,
    staff_tokens: dict[str, str],
    monkeypatch: pytest.MonkeyPatch,
) -> PromiseKeeper:
    """Runs `promisekeeper ARGUMENTS`; Temporal is nowhere, and silent at once."""
    assert staff_tokens
    monkeypatch.setenv("PROMISEKEEPER_DATA_DIR", str(tmp_path))
    monkeypatch.setenv("PROMISEKEEPER_DATABASE_URL", database.url)
    monkeypatch.setenv("TEMPORAL_ADDRESS", "127.0.0.1:1")
    monkeypatch.setattr("workflows.messenger.ANSWER_WITHIN_SECONDS", 0.5)

    def run(*arguments: str) -> Result:
        return CliRunner().invoke(app, list(arguments))

    return run
