"""Brings a database to the schema of this code, and tells whether it is there already.

`python -m database.migrate MESSAGE` writes the next revision from what changed in the tables.
"""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import cast

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import Script, ScriptDirectory
from sqlalchemy import Connection

from database.engine import Database

MIGRATIONS = Path(__file__).parent / "migrations"


class SchemaBehind(Exception):
    """The tables are not those of this code; the process must not work with them."""


class MigrationBroken(Exception):
    """A migration would have left rows that point nowhere; nothing of it was kept."""


def migrate(database: Database) -> None:
    """Bring the tables to the newest revision, all or nothing; harmless when they are there."""
    if is_current(database):
        return
    with _for_altering(database) as connection:
        command.upgrade(_config(connection), "head")


def is_current(database: Database) -> bool:
    """Whether the tables are those of this code."""
    with database.engine.connect() as connection:
        return revision_of(connection) == newest_revision()


def require_current(database: Database) -> None:
    """Raises SchemaBehind, in words for whoever starts the process."""
    if not is_current(database):
        raise SchemaBehind(
            "The database has not the tables of this version of Promisekeeper. Nothing was "
            "changed. Run `promisekeeper up`, or `promisekeeper database migrate` where the "
            "services run on their own."
        )


def revision_of(connection: Connection) -> str | None:
    """The revision the tables are at; None for an empty database."""
    return MigrationContext.configure(connection).get_current_revision()


def newest_revision() -> str | None:
    """The revision this code was written for."""
    return ScriptDirectory(str(MIGRATIONS)).get_current_head()


def write_revision(message: str) -> Path:
    """Write the revision that leads from the newest one to the tables as they are in the code."""
    scratch = Database("sqlite://")
    migrate(scratch)
    with scratch.engine.begin() as connection:
        number = 1 + len(list(ScriptDirectory(str(MIGRATIONS)).walk_revisions()))
        script = command.revision(
            _config(connection), message, autogenerate=True, rev_id=f"{number:04}"
        )
    scratch.close()
    return Path(cast(Script, script).path)


def _config(connection: Connection) -> Config:
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    config.set_main_option("path_separator", "os")
    config.attributes["connection"] = connection
    return config


@contextmanager
def _for_altering(database: Database) -> Iterator[Connection]:
    """One writing transaction. SQLite copies tables to alter them, so its keys rest meanwhile."""
    engine = database.engine.execution_options(writes=True)
    with engine.connect() as connection:
        if database.is_sqlite:
            _pragma(connection, "foreign_keys=OFF")  # heard only outside a transaction
        try:
            with connection.begin():
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
    print(write_revision(" ".join(sys.argv[1:]) or "change"))  # noqa: T201 - this is its output
