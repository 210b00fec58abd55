"""Databases for tests: a SQLite file, or one on a PostgreSQL server that this process starts.

Both are copies of one that was filled once in this process.
"""

import atexit
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from contextlib import closing, contextmanager
from functools import cache
from itertools import count
from pathlib import Path
from typing import Any, TypeVar

import psycopg
import pytest
from sqlalchemy import Dialect, text
from sqlalchemy.util import LRUCache

from database.engine import Database
from database.migrate import migrate
from tests import postgres_server
from tests.eventually import eventually

SQLITE, POSTGRESQL = "sqlite", "postgresql"
DATABASES = (SQLITE, POSTGRESQL)
BOTH = (SQLITE, pytest.param(POSTGRESQL, marks=pytest.mark.postgresql))
"""What a test is run on, one after the other."""
FILE = "promisekeeper.db"
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
T = TypeVar("T")


@contextmanager
def empty_database(kind: str, directory: Path) -> Iterator[Database]:
    """A database without tables."""
    with _opened(kind, directory / FILE, "template1") as database:
        yield database


@contextmanager
def migrated_database(kind: str, directory: Path) -> Iterator[Database]:
    """A database with every table and no row."""
    with filled_database(kind, directory, migrate) as (database, _):
        yield database


@contextmanager
def filled_database(
    kind: str, directory: Path, fill: Callable[[Database], T]
) -> Iterator[tuple[Database, T]]:
    """A database with every table and what a function put there, and what it gave back.

    It does so once in this process: what it gives back should not be changed.
    """
    path = directory / FILE
    template, given = _template(kind, fill)
    if kind == SQLITE:
        shutil.copy(template, path)
    with _opened(kind, path, template) as database:
        yield database, given


def until_somebody_waits(database: Database, work: Future[Any]) -> None:
    """On PostgreSQL: until a writer waits for a row that another holds, or `work` has not. On
    SQLite writers come one after the other anyway."""
    waits = text("SELECT 1 FROM pg_locks WHERE NOT granted")
    with database.engine.connect() as beside:
        if not database.is_sqlite:
            eventually(lambda: work.done() or beside.execute(waits).first())


@contextmanager
def _opened(kind: str, path: Path, template: str) -> Iterator[Database]:
    """The SQLite file at `path`, or a copy of a database of the server; the latter is dropped."""
    if kind == SQLITE:
        with closing(_with_what_is_compiled(kind, Database(f"sqlite:///{path}"))) as database:
            yield database
        return
    name = f"test_{next(_numbers)}"
    _tell_server(f"CREATE DATABASE {name} TEMPLATE {template} STRATEGY file_copy")
    with closing(_with_what_is_compiled(kind, Database(_url(name)))) as database:
        yield database
    _tell_server(f"DROP DATABASE {name} WITH (FORCE)")


def _with_what_is_compiled(kind: str, database: Database) -> Database:
    """A database that compiles no statement again that another one of its kind has compiled here.

    Tests that have one each spend a third of their time on that.
    """
    dialect, compiled = _compiling(kind)
    for engine in (database.engine, database._reading_engine, database._writing_engine):
        engine.dialect, engine._compiled_cache = dialect, compiled
    return database


@cache
def _compiling(kind: str) -> tuple[Dialect, LRUCache[Any, Any]]:
    """What is compiled belongs to a dialect, which knows its server once it was connected to it."""
    with closing(Database("sqlite://" if kind == SQLITE else _url("template1"))) as database:
        database.engine.connect().close()
        return database.engine.dialect, LRUCache(10_000)


@cache
def _template(kind: str, fill: Callable[[Database], Any]) -> tuple[str, Any]:
    """What to copy, file or database, and what `fill` gave back. Migrations run once for all."""
    migrated = None if fill is migrate else _template(kind, migrate)[0]
    name = f"template_{next(_numbers)}"
    if kind == SQLITE:
        place = str(_own_directory() / name)
        url = f"sqlite:///{place}"
        if migrated:
            shutil.copy(migrated, place)
    else:
        place = name
        url = _url(name)
        _tell_server(f"CREATE DATABASE {name} TEMPLATE {migrated or 'template1'}")
    with closing(Database(url)) as database:
        given = fill(database)
    return place, given


@cache
def _server_url() -> str:
    """Starts the server."""
    url = str(postgres_server.start(_own_directory() / SERVER, cleanup_mode=None).get_uri())
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
