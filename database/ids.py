"""What each new row has of its own: an id, and a link its nonce.

Ids are random, and in the order of time (UUID version 7, RFC 9562, 5.7): rows that are written
together lie together, in the table and in its indexes. With ids that are all random each of them
touches pages of its own: a thousand addressees took four times as long.

What stands for them in a statement makes one for each row that the statement adds, without bringing
the rows here. Databases have functions for it; SQLite has ours, which are registered with it.
"""

import secrets
from typing import Any
from uuid import UUID

import uuid_utils
from sqlalchemy import LargeBinary, Uuid
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.functions import FunctionElement
from uuid_utils.compat import uuid7

NONCE_BYTES = 16
_ID_ON_POSTGRESQL = """encode(set_bit(set_bit(overlay(
uuid_send(gen_random_uuid())
placing substring(int8send((extract(epoch from clock_timestamp()) * 1000)::bigint) from 3)
from 1 for 6), 52, 1), 53, 1), 'hex')::uuid"""
"""The time in front of a random id, and its version from 4 (0100) to 7 (0111)."""

_NONCE_ON_POSTGRESQL = f"""substring(sha256(
uuid_send(gen_random_uuid()) || uuid_send(gen_random_uuid())) from 1 for {NONCE_BYTES})"""
"""An id alone is random in 122 of its 128 bits."""


def new_id() -> UUID:
    """A new id for one row."""
    return uuid7()


def new_nonce() -> bytes:
    """Random bytes that nobody guesses (P32)."""
    return secrets.token_bytes(NONCE_BYTES)


def register(connection: Any) -> None:  # noqa: ANN401 - sqlite3's own type has no stubs for this
    """Let statements on this SQLite connection make them."""
    # Not by way of the standard library's class: as text an id is made six times as fast.
    connection.create_function("new_id", 0, lambda: uuid_utils.uuid7().hex)
    connection.create_function("new_nonce", 0, new_nonce)


class id_of_each(FunctionElement[UUID]):  # noqa: N801 - stands in a statement like any function
    """A new id for each row of a statement."""

    type = Uuid()
    inherit_cache = True


class nonce_of_each(FunctionElement[bytes]):  # noqa: N801
    """A new nonce for each row of a statement."""

    type = LargeBinary()
    inherit_cache = True


@compiles(id_of_each, "sqlite")
def _id_on_sqlite(*_given: object, **_options: object) -> str:
    return "new_id()"


@compiles(id_of_each, "postgresql")
def _id_on_postgresql(*_given: object, **_options: object) -> str:
    return _ID_ON_POSTGRESQL


@compiles(nonce_of_each, "sqlite")
def _nonce_on_sqlite(*_given: object, **_options: object) -> str:
    return "new_nonce()"


@compiles(nonce_of_each, "postgresql")
def _nonce_on_postgresql(*_given: object, **_options: object) -> str:
    return _NONCE_ON_POSTGRESQL
