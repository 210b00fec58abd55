"""New ids: random, and in the order of time (UUID version 7, RFC 9562, 5.7).

Rows that are written together lie together, in the table and in its indexes. With ids that are all
random each of them touches pages of its own: a thousand addressees took four times as long.
"""

from typing import Any
from uuid import UUID

from sqlalchemy import Uuid
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.functions import FunctionElement
from uuid_utils.compat import uuid7

SQLITE_FUNCTION = "new_id"
_ON_POSTGRESQL = """encode(set_bit(set_bit(overlay(
uuid_send(gen_random_uuid())
placing substring(int8send((extract(epoch from clock_timestamp()) * 1000)::bigint) from 3)
from 1 for 6), 52, 1), 53, 1), 'hex')::uuid"""
"""The time in front of a random id, and its version from 4 (0100) to 7 (0111)."""


def new_id() -> UUID:
    """A new id for one row."""
    return uuid7()


def register(connection: Any) -> None:  # noqa: ANN401 - sqlite3's own type has no stubs for this
    """Let statements on this SQLite connection make new ids."""
    connection.create_function(SQLITE_FUNCTION, 0, lambda: uuid7().hex)


class id_of_each(FunctionElement[UUID]):  # noqa: N801 - stands in a statement like any function
    """A new id for each row of a statement that adds them without bringing them here."""

    type = Uuid()
    inherit_cache = True


@compiles(id_of_each, "sqlite")
def _on_sqlite(*_given: object, **_options: object) -> str:
    return f"{SQLITE_FUNCTION}()"


@compiles(id_of_each, "postgresql")
def _on_postgresql(*_given: object, **_options: object) -> str:
    return _ON_POSTGRESQL
