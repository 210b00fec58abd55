"""Opens the database: `session()` reads, `transaction()` writes."""

import sqlite3
import threading
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext

from sqlalchemy import Connection, event
from sqlmodel import Session, create_engine

BUSY_TIMEOUT_MILLISECONDS = 30_000


class Database:
    """One database, SQLite or PostgreSQL, shared by the threads of a process.

    On SQLite a writer begins with BEGIN IMMEDIATE behind a lock of the process: a deferred
    transaction that turns into a write fails at once with "database is locked", time-out or not.
    """

    def __init__(self, url: str) -> None:
        self.url = url
        self.is_sqlite = url.startswith("sqlite")
        self.engine = create_engine(url, hide_parameters=True, pool_pre_ping=not self.is_sqlite)
        self._writer = threading.Lock() if self.is_sqlite else nullcontext()
        self._writing_engine = self.engine.execution_options(writes=True)
        if self.is_sqlite:
            event.listen(self.engine, "connect", _prepare_sqlite)
            event.listen(self.engine, "begin", _begin_sqlite)

    @contextmanager
    def session(self) -> Iterator[Session]:
        """Read. What is changed inside is not kept."""
        with Session(self.engine) as session:
            yield session

    @contextmanager
    def transaction(self) -> Iterator[Session]:
        """Write: all of it on leaving the block, nothing of it when the block raises."""
        with (
            self._writer,
            Session(self._writing_engine, expire_on_commit=False) as session,
            session.begin(),
        ):
            yield session

    def close(self) -> None:
        """Give back every connection."""
        self.engine.dispose()


def _prepare_sqlite(connection: sqlite3.Connection, _record: object) -> None:
    connection.isolation_level = None  # we say BEGIN ourselves, see _begin_sqlite
    for pragma in (
        "journal_mode=WAL",
        "synchronous=NORMAL",
        "foreign_keys=ON",
        f"busy_timeout={BUSY_TIMEOUT_MILLISECONDS}",
    ):
        connection.execute(f"PRAGMA {pragma}")


def _begin_sqlite(connection: Connection) -> None:
    writes = connection.get_execution_options().get("writes", False)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")
