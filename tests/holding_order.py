"""Which tables a transaction holds rows of, in which order: read off its statements."""

import re
from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy import event
from sqlalchemy.engine import Connection, Engine

from database.writing import HELD_UNDER, HOLDING_ORDER

PARTS = re.compile(r"\(|\)|\bFROM (?P<of>\w+)|\bFOR (?:NO KEY )?UPDATE\b(?: OF (?P<named>\w+))?")

MINE = "tables held"
"""Where a connection keeps them: several write at once."""


@contextmanager
def holdings(engine: Engine | type[Engine]) -> Iterator[list[list[str]]]:
    """Of each transaction of the block, of one engine or of all, the tables of which it held rows,
    in the order in which it came to each. PostgreSQL only: elsewhere nothing is held for itself."""
    found: list[list[str]] = []

    def begins(connection: Connection) -> None:
        found.append([])
        connection.info[MINE] = found[-1]

    def holds(connection: Connection, _cursor: object, statement: str, *_: object) -> None:
        mine = connection.info.setdefault(MINE, [])
        mine += [table for table in held_by(statement) if table not in mine]

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
    """Whether that is the one order of everybody; a table that has no place in it is held alone, or
    under what it belongs to. Raises ValueError where it is not."""
    if len(held) < 2:
        return True
    placed = [table for table in held if table not in HELD_UNDER]
    return placed == sorted(placed, key=HOLDING_ORDER.index) and all(
        held.index(HELD_UNDER[table]) < held.index(table) for table in held if table in HELD_UNDER
    )
