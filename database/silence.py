"""Tells a database that does not answer from one that answers with an error."""

import re
import sqlite3

import psycopg
from sqlalchemy import exc
from sqlalchemy.exc import DBAPIError, SQLAlchemyError

NO_FILE = frozenset({sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_BUSY, sqlite3.SQLITE_IOERR})
"""The file is out of reach, or another program holds it for longer than anybody should wait."""
GONE = ("08", "57P", "53")
"""PostgreSQL's classes of states: a lost connection, a server that stops or starts, a full one."""
UNDEFINED = ("42P01", "42703")
"""PostgreSQL's states for a table and for a column that is not there."""

TURNED_AWAY = re.compile(
    r"FATAL: .*(authentication failed|does not exist|no such database|pg_hba\.conf"
    r"|permission denied|not permitted)"
)
"""What PostgreSQL, or a pooler before it, says at the door: the driver hands on no state there."""


def is_silence(fault: SQLAlchemyError) -> bool:
    """Whether nobody is there to answer, so that trying again later is all there is to do."""
    if isinstance(fault, exc.TimeoutError):  # every connection of this process waits for an answer
        return True
    if not isinstance(fault, DBAPIError):
        return False
    if fault.connection_invalidated:
        return True
    if isinstance(fault.orig, sqlite3.OperationalError):
        return fault.orig.sqlite_errorcode & 0xFF in NO_FILE
    state = getattr(fault.orig, "sqlstate", "")
    if state is None:  # no server has said anything
        return isinstance(fault.orig, psycopg.OperationalError)
    return str(state).startswith(GONE)


def turns_us_away(fault: SQLAlchemyError) -> bool:
    """Whether a server does not let us in (password, name of the database), now or later.

    To people that is silence too, and `is_silence` says so.
    """
    return isinstance(fault, DBAPIError) and bool(TURNED_AWAY.search(str(fault.orig)))


def lacks_tables(fault: SQLAlchemyError) -> bool:
    """Whether a table or column is not there: the tables are those of another version."""
    if not isinstance(fault, DBAPIError):
        return False
    if isinstance(fault.orig, sqlite3.OperationalError):
        return str(fault.orig).startswith(("no such table", "no such column"))
    return getattr(fault.orig, "sqlstate", "") in UNDEFINED


def remedy(database: str) -> str:
    """What mends the silence of the database at this URL: the stack brings a file, no server."""
    if database.startswith("sqlite"):
        return (
            "start the stack (promisekeeper up), or mend PROMISEKEEPER_DATA_DIR or "
            "PROMISEKEEPER_DATABASE_URL"
        )
    return (
        "start PostgreSQL, or mend PROMISEKEEPER_DATABASE_URL; "
        "if it runs and hangs, look at its log and restart it"
    )


def reason(fault: SQLAlchemyError) -> str:
    """What the driver said about it, in a line; never the statement or the password."""
    said = str(fault.orig if isinstance(fault, DBAPIError) else fault)
    return next(iter(said.splitlines()), "").strip() or type(fault).__name__
