"""Opens the database: `session()` reads, `transaction()` writes."""

import sqlite3
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from typing import Any

import psycopg
from psycopg.abc import RV, PQGen
from sqlalchemy import URL, Connection, Engine, ExceptionContext, event, make_url
from sqlmodel import Session, create_engine

from database import ids

Transaction = Session
"""What `transaction()` gives, for those who hand it on and ask nothing of SQL themselves."""
TOLD_EVENTS = "told_events"
"""Of a transaction's `info`: whether the company has a webhook for events."""

BUSY_TIMEOUT_MILLISECONDS = 30_000
LOOK_AGAIN_SECONDS = 0.0002
"""How often a writer of another process looks whether SQLite is free: its own wait grows to a tenth
of a second, and then hardly ever finds the gap between two transactions of a busy worker."""
GAP_SECONDS = 0.0005
"""After each transaction, so that there is such a gap."""
READERS_CACHE_KILOBYTES = 2_000
WRITERS_CACHE_KILOBYTES = 16_000
"""Of a connection, when it needs them. There are many readers and one writer: what a chunk has
changed is written, read and written again before it ends, and what the last one read is still
there, as long as no other process wrote."""
LOG_PAGES = 8_000
"""So long, 32 MB, SQLite's log may become before it is carried over into the file, which waits for
the disk. After a thousand pages, as SQLite would have it, that is at each thousand mails; and what
was changed again and again meanwhile is carried over once."""
WHILE_ANOTHER_OPENS_IT = [0.01] * 500  # seconds; it takes milliseconds
CONNECT_TIMEOUT_SECONDS = 10
SILENT_NETWORK_MILLISECONDS = 30_000
VANISHED_HOST = {"keepalives_idle": 10, "keepalives_interval": 5, "keepalives_count": 3}
"""Seconds, seconds, probes. A host that took a question and then vanished lets nothing else end the
wait for its answer: with none of ours under way, the kernel itself would first probe after hours.
"""
POSTGRESQL_SETTINGS = {
    "timezone": "UTC",
    "lock_timeout": "30s",
    "statement_timeout": "2min",
    "random_page_cost": "1.1",  # of a disk without a needle: by an index, not by all accounts
    "idle_in_transaction_session_timeout": "2min",
}
"""What takes long ends in words. A PostgreSQL that hangs ends nothing: see `Database.hangs`.

SQLite ends only the wait for another writer; a disk that hangs holds up whoever asks it."""
OWN_WAIT_SECONDS = 7.0
"""Nobody is cut off sooner, even from a database that is said to hang: as long as `health.lookout`
itself waits. What it asks may be held up by a lock, or by one process of the server's, that
concern nobody else."""
HANGS = "it has not answered for too long, and is not waited for"
POOLED_CONNECTIONS = 10
MORE_CONNECTIONS = 30  # together one for each thread that a website answers with


class Database:
    """One database, SQLite or PostgreSQL, shared by the threads of a process.

    On SQLite a writer begins with BEGIN IMMEDIATE behind a lock of the process: a deferred
    transaction that turns into a write fails at once with "database is locked", time-out or not.
    So writers come one after the other, and who came first goes first. On PostgreSQL they run side
    by side, each statement sees what is committed, and whoever checks before they write holds a
    row: see `database.writing`. Readers see one state of the data from their first question to
    their last, on both.

    `hangs` says whether PostgreSQL hangs, so far as anybody knows: then no connection is opened,
    and whoever has waited for an answer over OWN_WAIT_SECONDS has an error, which
    `database.silence` calls silence. `told_events`: whether a webhook takes `webhooks.events`;
    where none does, none is written.
    """

    def __init__(
        self, url: str, *, hangs: Callable[[], bool] = lambda: False, told_events: bool = True
    ) -> None:
        self.url = url
        self._info = {TOLD_EVENTS: told_events}
        self._hangs = hangs
        self.is_sqlite = url.startswith("sqlite")
        self.engine = create_engine(
            _with_driver(url),
            hide_parameters=True,
            **({} if self.is_sqlite else _postgresql_options()),
        )
        self._closed = False
        self._writer = Turns() if self.is_sqlite else nullcontext()
        self._writing_engine = self._reading_engine = self.engine
        if self.is_sqlite:
            _teach_sqlite(self.engine, READERS_CACHE_KILOBYTES)
            if make_url(url).database:
                one = create_engine(url, hide_parameters=True, pool_size=1, max_overflow=0)
                self._writing_engine = _teach_sqlite(one, WRITERS_CACHE_KILOBYTES)
            self._writing_engine = self._writing_engine.execution_options(writes=True)
        else:
            event.listen(self.engine, "do_connect", self._connect)
            event.listen(self.engine, "handle_error", _forget_the_row)
            self._reading_engine = self.engine.execution_options(isolation_level="REPEATABLE READ")

    @contextmanager
    def session(self) -> Iterator[Session]:
        """Read. What is changed inside is not kept."""
        with self._in_use(), Session(self._reading_engine) as session:
            yield session

    @contextmanager
    def transaction(self) -> Iterator[Session]:
        """Write: all of it on leaving the block, nothing of it when the block raises."""
        with (
            self._in_use(),
            self._turn(),
            Session(self._writing_engine, expire_on_commit=False, info=self._info) as session,
            session.begin(),
        ):
            yield session

    @contextmanager
    def _turn(self) -> Iterator[None]:
        """On SQLite one thread of the process at a time, then perhaps one of another process."""
        with self._writer:
            yield
            if self.is_sqlite:
                time.sleep(GAP_SECONDS)

    def close(self) -> None:
        """Give back every connection. One that is still asked something ends when it is done."""
        self._closed = True
        self._let_go()

    @contextmanager
    def _in_use(self) -> Iterator[None]:
        """Whoever gives a connection back after the end, or just then, closes it."""
        try:
            yield
        finally:
            if self._closed:
                self._let_go()

    def _let_go(self) -> None:
        for engine in (self.engine, self._writing_engine):
            engine.pool.dispose()

    def _connect(
        self, _dialect: object, _record: object, words: list[Any], options: dict[str, Any]
    ) -> "_Connection":
        if self._hangs():
            raise psycopg.OperationalError(HANGS)
        connection = _Connection.connect(*words, **options)
        connection.hangs = self._hangs
        return connection


class Turns:
    """Lets one thread have its turn after the other, in the order in which they came. A lock lets
    whoever comes by just then go first, and of many who wait some wait for long."""

    def __init__(self) -> None:
        self._looking = threading.Lock()
        self._taken = False
        self._waiting = deque[threading.Lock]()

    @property
    def waiting(self) -> int:
        """How many wait for theirs."""
        return len(self._waiting)

    def __enter__(self) -> None:
        mine = threading.Lock()
        mine.acquire()
        with self._looking:
            if not self._taken:
                self._taken = True
                return
            self._waiting.append(mine)
        mine.acquire()  # until whoever was before us lets it go

    def __exit__(self, *_fault: object) -> None:
        with self._looking:
            if self._waiting:
                self._waiting.popleft().release()
            else:
                self._taken = False


class _Connection(psycopg.Connection[Any]):
    """Waits for an answer until it comes, or long enough from a server that is known to hang."""

    hangs: Callable[[], bool]

    def wait(self, gen: PQGen[RV], interval: float = 0.1, timeout: float | None = None) -> RV:
        """As the driver does, which wakes each `interval` seconds for the sake of Ctrl-C."""
        return super().wait(self._while_it_may_come(gen, interval), interval, timeout)

    def _while_it_may_come(self, waiting: PQGen[RV], interval: float) -> PQGen[RV]:
        """Counts the seconds that it was awake itself: one that was stopped has missed nothing."""
        waited = 0.0
        try:
            wanted = next(waiting)
            while True:
                ready = yield wanted
                waited = 0.0 if ready else waited + interval
                if waited > OWN_WAIT_SECONDS and self.hangs():
                    self.pgconn.finish()  # nothing it says later is ours
                    raise psycopg.OperationalError(HANGS)
                wanted = waiting.send(ready)
        except StopIteration as answered:
            answer: RV = answered.value
            return answer


def _with_driver(url: str) -> URL:
    """Hosts hand out addresses like postgres://...; our driver is psycopg."""
    address = make_url(url.replace("postgres://", "postgresql://", 1))
    return address.set(drivername="postgresql+psycopg") if url.startswith("postgres") else address


def _postgresql_options() -> dict[str, Any]:
    settings = " ".join(f"-c {name}={value}" for name, value in POSTGRESQL_SETTINGS.items())
    return {
        "isolation_level": "READ COMMITTED",
        "pool_pre_ping": True,  # a server that was restarted costs nobody an error
        "pool_size": POOLED_CONNECTIONS,
        "max_overflow": MORE_CONNECTIONS,
        "connect_args": {
            "application_name": "promisekeeper",
            "connect_timeout": CONNECT_TIMEOUT_SECONDS,
            "tcp_user_timeout": SILENT_NETWORK_MILLISECONDS,
            **VANISHED_HOST,
            "options": settings,
        },
    }


def _forget_the_row(context: ExceptionContext) -> None:
    """PostgreSQL quotes the row in the details of what it refuses; logs must not keep it (P31)."""
    fault, told = context.original_exception, context.sqlalchemy_exception
    if isinstance(fault, psycopg.Error) and told is not None and fault.diag.message_detail:
        words = str(fault.diag.message_primary)
        fault.args = (words,)
        told.args = (f"({type(fault).__name__}) {words}",)


def _teach_sqlite(engine: Engine, cache_kilobytes: int) -> Engine:
    def prepare(connection: sqlite3.Connection, _record: object) -> None:
        _prepare_sqlite(connection, cache_kilobytes)

    event.listen(engine, "connect", prepare)
    event.listen(engine, "begin", _begin_sqlite)
    return engine


def _prepare_sqlite(connection: sqlite3.Connection, cache_kilobytes: int) -> None:
    connection.isolation_level = None  # we say BEGIN ourselves, see _begin_sqlite
    _write_ahead(connection)
    ids.register(connection)
    for pragma in (
        "synchronous=NORMAL",
        "foreign_keys=ON",
        f"busy_timeout={BUSY_TIMEOUT_MILLISECONDS}",
        f"cache_size=-{cache_kilobytes}",
        f"wal_autocheckpoint={LOG_PAGES}",
    ):
        connection.execute(f"PRAGMA {pragma}")


def _write_ahead(connection: sqlite3.Connection) -> None:
    """Of two that open a new file at once SQLite refuses one without a wait, time-out or not."""
    for pause in (*WHILE_ANOTHER_OPENS_IT, None):
        try:
            connection.execute("PRAGMA journal_mode=WAL")
        except sqlite3.OperationalError as fault:
            if fault.sqlite_errorcode != sqlite3.SQLITE_BUSY or pause is None:
                raise
            time.sleep(pause)
        else:
            return


def _begin_sqlite(connection: Connection) -> None:
    if not connection.get_execution_options().get("writes", False):
        connection.exec_driver_sql("BEGIN")
        return
    raw: Any = connection.connection.driver_connection
    until = time.monotonic() + BUSY_TIMEOUT_MILLISECONDS / 1000
    raw.execute("PRAGMA busy_timeout=0")
    try:
        while time.monotonic() < until and not _has_begun(raw):
            time.sleep(LOOK_AGAIN_SECONDS)
        if not raw.in_transaction:
            connection.exec_driver_sql("BEGIN IMMEDIATE")  # says in SQLAlchemy's way what is wrong
    finally:
        raw.execute(f"PRAGMA busy_timeout={BUSY_TIMEOUT_MILLISECONDS}")


def _has_begun(connection: sqlite3.Connection) -> bool:
    """Whether a transaction that writes has begun, or never will."""
    try:
        connection.execute("BEGIN IMMEDIATE")
    except sqlite3.OperationalError as fault:
        return fault.sqlite_errorcode & 0xFF != sqlite3.SQLITE_BUSY
    return True
