"""Brings a database to the schema of this code, and tells whether it is there already.

`python -m database.migrate MESSAGE` writes the next revision from what changed in the tables.
"""

import logging
import sys
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from enum import StrEnum
from functools import cache
from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.operations.ops import MigrationScript
from alembic.runtime.migration import MigrationContext
from alembic.script import Script, ScriptDirectory
from sqlalchemy import Connection
from sqlalchemy.exc import SAWarning

from database.engine import Database
from database.versions import require_supported, version_of

MIGRATIONS = Path(__file__).parent / "migrations"
MIGRATING = 0x70726F6D697365  # any number that is ours alone
ALONE = (
    "SET LOCAL lock_timeout = 0",
    "SET LOCAL statement_timeout = 0",
    f"SELECT pg_advisory_xact_lock({MIGRATING})",
)

# At level INFO it tells of every look at the revision.
logging.getLogger("alembic.runtime.migration").setLevel(logging.WARNING)


class Tables(StrEnum):
    """How a database's tables stand to this code."""

    CURRENT = "current"
    BEHIND = "behind"
    AHEAD = "ahead"


class SchemaDiffers(Exception):
    """The tables are not those of this code; the process must not work with them."""


class SchemaBehind(SchemaDiffers):
    """The tables are older than this code, or there are none."""


class SchemaAhead(SchemaDiffers):
    """A newer version of Promisekeeper has changed the tables."""


class MigrationBroken(Exception):
    """A migration would have left rows that point nowhere; nothing of it was kept."""


def migrate(database: Database, revision: str = "head") -> None:
    """Bring the tables to a revision, all or nothing; harmless when they are there.

    Raises SchemaAhead when they are newer than this code, DatabaseTooOld.
    """
    if tables(database) is Tables.CURRENT:
        return
    with _for_altering(database) as connection:
        require_supported(version_of(connection))
        _refuse_newer(_standing(connection))
        with warnings.catch_warnings():
            # No index on an expression is read back from SQLite; it is not touched either.
            warnings.filterwarnings("ignore", "Skipped unsupported reflection", SAWarning)
            command.upgrade(_config(connection), revision)


def tables(database: Database) -> Tables:
    """How the tables stand to this code."""
    with database.engine.connect() as connection:
        return _standing(connection)


def is_current(database: Database) -> bool:
    """Whether the tables are those of this code."""
    return tables(database) is Tables.CURRENT


def require_current(database: Database) -> None:
    """Raises SchemaBehind, SchemaAhead or DatabaseTooOld, in words for whoever starts."""
    with database.engine.connect() as connection:
        require_supported(version_of(connection))
        standing = _standing(connection)
    _refuse_newer(standing)
    if standing is Tables.BEHIND:
        raise SchemaBehind(
            "The database has tables older than this code, or none. Nothing was changed. Run "
            "`promisekeeper up`, or `promisekeeper database migrate` where the services run on "
            "their own."
        )


def _refuse_newer(standing: Tables) -> None:
    if standing is Tables.AHEAD:
        raise SchemaAhead(
            "The database has tables newer than this code. Nothing was changed. Run the version "
            "that brought them there, or a newer one; or restore the backup from before "
            "`promisekeeper database migrate`."
        )


def _standing(connection: Connection) -> Tables:
    revision = revision_of(connection)
    if revision == newest_revision():
        return Tables.CURRENT
    return Tables.BEHIND if revision is None or revision in known_revisions() else Tables.AHEAD


def revision_of(connection: Connection) -> str | None:
    """The revision the tables are at; None for an empty database."""
    return MigrationContext.configure(connection).get_current_revision()


@cache
def known_revisions() -> tuple[str, ...]:
    """The revisions of this code, the newest first."""
    return tuple(script.revision for script in ScriptDirectory(str(MIGRATIONS)).walk_revisions())


def newest_revision() -> str:
    """The revision this code was written for."""
    return known_revisions()[0]


def write_revision(message: str) -> Path | None:
    """Write the revision that leads from the newest one to the tables as they are in the code.

    None when it leads there already: then nothing is written.
    """
    scratch = Database("sqlite://")
    migrate(scratch)
    with scratch.engine.begin() as connection:
        number = 1 + len(known_revisions())
        script = command.revision(
            _config(connection),
            message,
            autogenerate=True,
            rev_id=f"{number:04}",
            process_revision_directives=_write_no_empty_one,
        )
    scratch.close()
    return Path(script.path) if isinstance(script, Script) else None


def _write_no_empty_one(
    _context: MigrationContext, _revision: object, directives: list[MigrationScript]
) -> None:
    if all(script.upgrade_ops is None or script.upgrade_ops.is_empty() for script in directives):
        directives.clear()


def _config(connection: Connection) -> Config:
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    config.set_main_option("path_separator", "os")
    config.attributes["connection"] = connection
    return config


@contextmanager
def _for_altering(database: Database) -> Iterator[Connection]:
    """One writing transaction, one process at a time.

    SQLite copies tables to alter them, so its keys rest meanwhile. On PostgreSQL whoever comes
    second waits, as long as it takes, and then finds the work done.
    """
    engine = database.engine.execution_options(writes=True)
    with engine.connect() as connection:
        if database.is_sqlite:
            _pragma(connection, "foreign_keys=OFF")  # heard only outside a transaction
        try:
            with connection.begin():
                if not database.is_sqlite:
                    for statement in ALONE:
                        connection.exec_driver_sql(statement)
                yield connection
                if database.is_sqlite:
                    _refuse_dangling(connection)
        finally:
            if database.is_sqlite:
                _pragma(connection, "foreign_keys=ON")


def _pragma(connection: Connection, pragma: str) -> None:
    connection.connection.cursor().execute(f"PRAGMA {pragma}")


def _refuse_dangling(connection: Connection) -> None:
    dangling = connection.exec_driver_sql("PRAGMA foreign_key_check").all()
    if dangling:
        tables = ", ".join(sorted({str(row[0]) for row in dangling}))
        raise MigrationBroken(
            f"{len(dangling)} rows of {tables} would point nowhere; nothing was changed."
        )


if __name__ == "__main__":
    written = write_revision(" ".join(sys.argv[1:]) or "change")
    if written is None:
        sys.exit("Nothing changed in database/tables since the newest revision: none was written.")
    print(written)  # noqa: T201 - this is its output
