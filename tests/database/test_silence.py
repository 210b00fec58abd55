"""A database that does not answer is told from one that answers with an error, or is too old."""

from pathlib import Path

import psycopg
import pytest
from sqlalchemy import make_url, text
from sqlalchemy.exc import DBAPIError, SQLAlchemyError

from database.engine import Database
from database.silence import is_silence, lacks_tables, reason, remedy, turns_us_away
from database.versions import DatabaseTooOld, Version, require_supported, version_of
from tests import databases


def fault_of(database: Database, statement: str) -> SQLAlchemyError:
    with pytest.raises(SQLAlchemyError) as caught, database.session() as session:
        session.execute(text(statement))
    return caught.value


@pytest.mark.parametrize(
    "url",
    [
        "sqlite:////nowhere/at/all.db",
        "postgresql+psycopg://alice:secret@127.0.0.1:9/alice",
    ],
)
def test_nobody_there_is_silence_in_a_line_without_the_password(url: str) -> None:
    database = Database(url)
    fault = fault_of(database, "SELECT 1")
    assert is_silence(fault)
    assert reason(fault)
    assert "\n" not in reason(fault)
    assert "secret" not in reason(fault)
    database.close()


def test_a_server_that_runs_and_hangs_is_mended_by_a_restart_and_a_file_never_is() -> None:
    assert "if it runs and hangs, look at its log and restart it" in remedy("postgresql://db/ours")
    assert "hangs" not in remedy("sqlite:////ours.db")


@pytest.mark.postgresql
@pytest.mark.parametrize("wrong", [{"database": "nowhere"}, {"username": "alice"}])
def test_a_server_that_does_not_let_us_in_is_told_from_one_that_is_away(
    tmp_path: Path, wrong: dict[str, str]
) -> None:
    with databases.empty_database(databases.POSTGRESQL, tmp_path) as there:
        url = make_url(there.url).set(**wrong)  # type: ignore[arg-type]
        stranger = Database(url.render_as_string(hide_password=False))
        fault = fault_of(stranger, "SELECT 1")
        stranger.close()
    assert turns_us_away(fault)
    assert "does not exist" in reason(fault)


@pytest.mark.parametrize(
    ("said", "turned_away"),
    [
        ('FATAL:  password authentication failed for user "alice"', True),
        ('FATAL:  no pg_hba.conf entry for host "192.0.2.1", user "alice"', True),
        ('FATAL:  permission denied for database "promisekeeper"', True),
        ("FATAL:  no such database: promisekeeper", True),
        ("FATAL:  the database system is starting up", False),
        ("FATAL:  sorry, too many clients already", False),
        ("Connection refused", False),
    ],
)
def test_at_the_door_only_words_tell_one_from_the_other(said: str, turned_away: bool) -> None:
    fault = DBAPIError("", {}, psycopg.OperationalError(f"connection failed: {said}"))
    assert turns_us_away(fault) == turned_away
    assert is_silence(fault)


@pytest.mark.parametrize(
    ("statement", "lacks"),
    [
        ("SELECT * FROM nowhere", True),
        ("SELECT nobody FROM policy", True),
        ("SELECT FROM WHERE", False),
    ],
)
def test_an_answer_that_is_an_error_is_no_silence(
    database: Database, statement: str, lacks: bool
) -> None:
    fault = fault_of(database, statement)
    assert not is_silence(fault)
    assert lacks_tables(fault) == lacks


def test_a_file_that_another_program_keeps_locked_is_silence(tmp_path: Path) -> None:
    database, other = (Database(f"sqlite:///{tmp_path / 'locked.db'}") for _ in range(2))
    with other.transaction() as transaction, database.engine.connect() as connection:
        transaction.execute(text("CREATE TABLE one (id INTEGER)"))
        connection.exec_driver_sql("PRAGMA busy_timeout=0")
        with pytest.raises(SQLAlchemyError) as caught:
            connection.exec_driver_sql("CREATE TABLE two (id INTEGER)")
    assert is_silence(caught.value)
    database.close()
    other.close()


def test_this_database_is_new_enough(database: Database) -> None:
    with database.engine.connect() as connection:
        version = version_of(connection)
    assert version.is_supported
    require_supported(version)


@pytest.mark.parametrize(
    ("kind", "number", "words"),
    [
        ("sqlite", (3, 34, 1), "SQLite 3.34.1, and Promisekeeper needs SQLite 3.35 or newer"),
        ("postgresql", (13, 9), "PostgreSQL 13.9, and Promisekeeper needs PostgreSQL 14 or newer"),
    ],
)
def test_a_database_that_is_too_old_is_refused_in_words(
    kind: str, number: tuple[int, ...], words: str
) -> None:
    with pytest.raises(DatabaseTooOld, match=words):
        require_supported(Version(kind=kind, number=number))
