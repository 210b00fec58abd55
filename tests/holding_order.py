"""Which tables a transaction holds rows of, in which order: read off its statements."""

import re
from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy import event
from sqlalchemy.engine import Connection

from database.engine import Database
from database.writing import HOLDING_ORDER

PARTS = re.compile(r"\(|\)|\bFROM (?P<of>\w+)|\bFOR (?:NO KEY )?UPDATE\b(?: OF (?P<named>\w+))?")


@contextmanager
def holdings(database: Database) -> Iterator[list[list[str]]]:
    """Of each transaction of the block the tables of which it held rows, in the order in which it
    came to each. PostgreSQL only: elsewhere nothing is held for itself."""
    found: list[list[str]] = []

    def begins(_connection: Connection) -> None:
        found.append([])

    def holds(_connection: Connection, _cursor: object, statement: str, *_: object) -> None:
        found[-1] += [table for table in held_by(statement) if table not in found[-1]]

    engine = database.engine
    event.listen(engine, "begin", begins)
    event.listen(engine, "before_cursor_execute", holds)
    try:
        yield found
    finally:
        event.remove(engine, "begin", begins)
        event.remove(engine, "before_cursor_execute", holds)


def held_by(statement: str) -> list[str]:
    """The tables of which a statement holds rows: what it, or its part in parentheses, is from."""
    held, sources = [], [""]
    for part in PARTS.finditer(statement):
        match part[0]:
            case "(":
                sources.append("")
            case ")":
                sources.pop()
            case words if words.startswith("FROM"):
                sources[-1] = part["of"]
            case _:
                held.append(part["named"] or sources[-1])
    return held


def in_order(held: list[str]) -> bool:
    """Whether that is the one order of everybody; a table that has no place in it is held alone.
    Raises ValueError where it is not."""
    return len(held) < 2 or held == sorted(held, key=HOLDING_ORDER.index)
