"""Keys of the API: shown once, listed without their secrets, revoked for good."""

import json
from collections.abc import Callable

from typer.testing import Result

from database.engine import Database
from database.people.api_keys import key_of

Run = Callable[..., Result]


def test_a_key_is_made_listed_and_revoked(promisekeeper: Run, database: Database) -> None:
    """P32: its secret is shown once, and kept nowhere."""
    made = promisekeeper("api-key", "add", "billing", "--read-only", "--as", "omar")
    secret = made.stdout.split()[-1]
    with database.session() as session:
        assert not key_of(session, secret).may_write
    listed = promisekeeper("api-key", "list", "--format", "json")
    assert secret not in listed.stdout
    [row] = json.loads(listed.stdout)
    assert (row["name"], row["made_by"], row["revoked_at"]) == ("billing", "omar", None)
    assert promisekeeper("api-key", "revoke", "billing", "--as", "omar").exit_code == 0
    [row] = json.loads(promisekeeper("api-key", "list", "--format", "json").stdout)
    assert row["revoked_at"]
    again = promisekeeper("api-key", "add", "billing", "--as", "omar")
    assert (again.exit_code, "Take another name" in again.stderr) == (1, True)
