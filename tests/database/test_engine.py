"""Writers queue up instead of failing; a block that raises leaves nothing."""

from contextlib import closing

import pytest

from database.engine import Database
from database.tables import ClockOffset
from tests.in_two_processes import in_two_processes

ROUNDS = 150


def count_up(url: str) -> int:
    """Read, then write: what a deferred transaction cannot do beside another one."""
    with closing(Database(url)) as database:
        for _ in range(ROUNDS):
            with database.transaction() as transaction:
                row = transaction.get_one(ClockOffset, 1)
                row.seconds += 1
    return ROUNDS


def test_two_processes_that_write_in_a_loop_never_meet_a_locked_database(
    database: Database,
) -> None:
    """BEGIN IMMEDIATE: no write is lost, and none fails at once."""
    with database.transaction() as transaction:
        transaction.add(ClockOffset(seconds=0.0))
    assert in_two_processes(count_up, database.url) == [ROUNDS, ROUNDS]
    with database.session() as session:
        assert session.get_one(ClockOffset, 1).seconds == 2 * ROUNDS


def test_a_transaction_that_raises_leaves_nothing(database: Database) -> None:
    def write_and_break() -> None:
        with database.transaction() as transaction:
            transaction.add(ClockOffset(seconds=5.0))
            transaction.flush()
            raise RuntimeError("in the middle")

    with pytest.raises(RuntimeError, match="in the middle"):
        write_and_break()
    with database.session() as session:
        assert session.get(ClockOffset, 1) is None


def test_what_a_reading_session_changes_is_not_kept(database: Database) -> None:
    with database.session() as session:
        session.add(ClockOffset(seconds=5.0))
        session.flush()
    with database.session() as session:
        assert session.get(ClockOffset, 1) is None
