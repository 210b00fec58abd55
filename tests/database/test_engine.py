"""Writers queue up instead of failing; a block that raises leaves nothing; nothing hangs."""

import socket
import threading
import traceback
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from datetime import datetime, timedelta
from pathlib import Path
from uuid import UUID, uuid4
from zoneinfo import ZoneInfo

import psycopg
import pytest
from sqlalchemy import event, insert, text
from sqlalchemy.exc import IntegrityError, OperationalError
from sqlalchemy.pool import QueuePool
from sqlmodel import select

from database import engine
from database.engine import Database
from database.facts import record
from database.silence import is_silence
from database.tables import Account, ClockOffset, Fact
from database.writing import held, hold
from tests import databases
from tests.eventually import eventually
from tests.in_two_processes import in_two_processes, meet

ROUNDS = 150
NEW_FILES = 100


def count_up(url: str) -> int:
    """Read, then write: what a deferred transaction of SQLite cannot do beside another one, and
    what loses counts on PostgreSQL where nothing is held."""
    with closing(Database(url)) as database:
        for _ in range(ROUNDS):
            with database.transaction() as transaction:
                row = held(transaction, ClockOffset, 1)
                row.seconds += 1
    return ROUNDS


@pytest.mark.slow
def test_two_processes_that_write_in_a_loop_never_meet_a_locked_database(
    database: Database,
) -> None:
    """No write is lost, and none fails at once."""
    with database.transaction() as transaction:
        transaction.add(ClockOffset(seconds=0.0))
    assert in_two_processes(count_up, database.url) == [ROUNDS, ROUNDS]
    with database.session() as session:
        assert session.get_one(ClockOffset, 1).seconds == 2 * ROUNDS


def test_writers_of_a_process_have_their_turn_in_the_order_in_which_they_came() -> None:
    """P5: nobody who decides waits longer because others decide after them."""
    turns, order = engine.Turns(), list[str]()

    def take(name: str) -> None:
        with turns:
            order.append(name)

    def queue_up(name: str, threads: ThreadPoolExecutor) -> None:
        before = turns.waiting
        threads.submit(take, name)
        eventually(lambda: turns.waiting > before)

    names = ["Alice", "Bob", "Carol", "Dora"]
    with ThreadPoolExecutor(len(names)) as threads:
        with turns:
            for name in names:
                queue_up(name, threads)
        take("who comes by just then")
    assert order == [*names, "who comes by just then"]


def open_new_files(directory: Path) -> int:
    """Both open each file as its first two."""
    for number in range(NEW_FILES):
        meet()
        with closing(Database(f"sqlite:///{directory}/{number}.db")) as database:
            database.engine.connect().close()
    return NEW_FILES


@pytest.mark.slow
def test_two_processes_that_open_a_new_file_at_once_never_meet_a_locked_database(
    tmp_path: Path,
) -> None:
    """As website and worker do at the first start; SQLite does not wait there by itself."""
    assert in_two_processes(open_new_files, tmp_path) == [NEW_FILES, NEW_FILES]


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


def test_a_reader_sees_one_state_of_the_data_until_it_is_done(database: Database) -> None:
    with database.transaction() as transaction:
        transaction.add(ClockOffset(seconds=1.0))
    with database.session() as session:
        assert session.exec(select(ClockOffset.seconds)).one() == 1.0
        with database.transaction() as transaction:
            held(transaction, ClockOffset, 1).seconds = 2.0
        assert session.exec(select(ClockOffset.seconds)).one() == 1.0
    with database.session() as session:
        assert session.exec(select(ClockOffset.seconds)).one() == 2.0


def test_what_was_changed_before_a_row_is_held_is_not_lost(database: Database) -> None:
    with database.transaction() as transaction:
        row = ClockOffset(seconds=1.0)
        transaction.add(row)
        row.seconds = 2.0
        hold(transaction, row)
        assert row.seconds == 2.0
        row.seconds = 3.0
        assert held(transaction, ClockOffset, 1).seconds == 3.0


def test_an_instant_comes_back_in_utc_wherever_it_was_written(database: Database) -> None:
    noon_in_berlin = datetime(2026, 7, 1, 12, tzinfo=ZoneInfo("Europe/Berlin"))
    with database.transaction() as transaction:
        record(transaction, "test", UUID(int=1), noon_in_berlin)
    with database.session() as session:
        recorded_at = session.exec(select(Fact.recorded_at)).one()
    assert recorded_at == noon_in_berlin
    assert recorded_at.utcoffset() == timedelta(0)
    assert recorded_at.hour == 10


def test_what_the_database_refuses_is_told_without_the_row(database: Database) -> None:
    """P31: its words end up in logs."""
    nobody = {"id": uuid4(), "external_id": "001-alice", "email": "alice@people.example"}
    with (
        pytest.raises(IntegrityError) as refusal,
        database.transaction() as transaction,
    ):
        transaction.execute(insert(Account).values(nobody))
    assert "alice" not in "".join(traceback.format_exception(refusal.value))


@pytest.mark.parametrize("scheme", ["postgres", "postgresql", "postgresql+psycopg"])
def test_an_address_works_however_a_host_writes_it(scheme: str) -> None:
    with closing(
        Database(f"{scheme}://keeper:secret@db.example/promises?sslmode=require")
    ) as named:
        assert named.engine.url.drivername == "postgresql+psycopg"
        assert named.engine.url.password == "secret"
        assert named.engine.url.query == {"sslmode": "require"}


@pytest.mark.postgresql
def test_a_writer_who_never_ends_is_an_error_for_the_others_and_no_hang(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(engine.POSTGRESQL_SETTINGS, "lock_timeout", "50ms")
    with databases.migrated_database(databases.POSTGRESQL, tmp_path) as database:
        with database.transaction() as transaction:
            transaction.add(ClockOffset(seconds=1.0))
        with database.transaction() as endless:
            held(endless, ClockOffset, 1)
            with database.transaction() as other:
                with pytest.raises(OperationalError, match="lock timeout"):
                    held(other, ClockOffset, 1)
                other.rollback()


@pytest.mark.postgresql
def test_a_server_that_takes_the_call_and_says_nothing_is_an_error_and_no_hang(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(engine, "CONNECT_TIMEOUT_SECONDS", 2)  # it knows none that is shorter
    with socket.create_server(("127.0.0.1", 0)) as mute:
        port = mute.getsockname()[1]
        with (
            closing(Database(f"postgresql://keeper@127.0.0.1:{port}/promises")) as database,
            pytest.raises(OperationalError, match="timeout"),
            database.session() as session,
        ):
            session.exec(select(ClockOffset)).all()


@pytest.mark.postgresql
def test_a_host_that_takes_a_question_and_vanishes_is_noticed_within_half_a_minute(
    tmp_path: Path,
) -> None:
    with (
        databases.empty_database(databases.POSTGRESQL, tmp_path) as database,
        database.session() as session,
    ):
        connection = session.connection().connection.dbapi_connection
        assert isinstance(connection, psycopg.Connection)
        told = connection.info.get_parameters()
        first, next_one, unanswered = (
            int(told[f"keepalives_{name}"]) for name in ("idle", "interval", "count")
        )
        assert first + next_one * unanswered <= 30
        assert int(told["tcp_user_timeout"]) <= 30_000


@pytest.mark.postgresql
def test_nobody_waits_long_for_a_database_that_is_known_to_hang(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Neither who waits for an answer when it becomes known, nor who comes later."""
    monkeypatch.setattr(engine, "OWN_WAIT_SECONDS", 0.5)
    hangs = threading.Event()
    with (
        databases.empty_database(databases.POSTGRESQL, tmp_path) as there,
        closing(Database(there.url, hangs=hangs.is_set)) as database,
        ThreadPoolExecutor(1) as other,
    ):

        def somebody_waits() -> bool:
            asked = "SELECT count(*) FROM pg_stat_activity WHERE wait_event = 'PgSleep'"
            with there.session() as session:
                return bool(session.execute(text(asked)).scalar_one())

        def wait() -> object:
            with database.transaction() as transaction:
                return transaction.execute(text("SELECT pg_sleep(80)")).scalar_one()

        under_way = other.submit(wait)
        eventually(somebody_waits)
        hangs.set()
        for asked in (under_way, other.submit(wait)):
            with pytest.raises(OperationalError, match="has not answered for too long") as fault:
                asked.result()
            assert is_silence(fault.value)
        hangs.clear()
        with database.session() as session:
            assert session.execute(text("SELECT 1")).scalar_one() == 1


@pytest.mark.postgresql
def test_who_has_not_waited_long_is_not_cut_off_by_what_others_say(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The lookout's one question may wait for a lock that concerns nobody else."""
    monkeypatch.setattr(engine, "OWN_WAIT_SECONDS", 80.0)
    hangs = threading.Event()
    with (
        databases.empty_database(databases.POSTGRESQL, tmp_path) as there,
        closing(Database(there.url, hangs=hangs.is_set)) as database,
        database.session() as session,
    ):
        session.connection()
        hangs.set()
        slow = text("SELECT 'an answer' FROM pg_sleep(0.5)")
        assert session.execute(slow).scalar_one() == "an answer"


def test_a_connection_in_use_when_its_database_is_closed_ends_with_its_use(
    database: Database,
) -> None:
    """A question that hangs may outlive the command that asked it."""
    other = Database(database.url)
    with other.session() as session:
        connection = session.connection().connection.dbapi_connection
        session.exec(select(Fact.id)).all()
        other.close()
    if not other.is_sqlite:
        assert isinstance(connection, psycopg.Connection)
        assert connection.closed


def test_a_connection_given_back_while_its_database_is_closed_does_not_stay_open(
    database: Database,
) -> None:
    """The use ends first, then the database is closed, then the connection is back."""
    other = Database(database.url)
    pool = other.engine.pool
    used, closed = threading.Event(), threading.Event()

    @event.listens_for(pool, "checkin")
    def wait_for_the_end(*_: object) -> None:
        used.set()
        closed.wait(timeout=30)

    def use() -> None:
        with other.session() as session:
            session.exec(select(Fact.id)).all()

    with ThreadPoolExecutor(1) as thread:
        used_up = thread.submit(use)
        used.wait(timeout=30)
        other.close()
        closed.set()
        used_up.result()
    assert isinstance(pool, QueuePool)
    assert pool.checkedin() == 0
