"""Long writing in short transactions, with rests in which other writers get in."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from sqlmodel import Session

from database.engine import Database

Advance = Callable[[int], object]
"""Told after each chunk how many rows it held."""


class Pace:
    """Short transactions one after the other; before each, a rest as long as the last one took.

    SQLite lets one writer in at a time, and those who wait look only now and then whether it is
    their turn: without rests they would hardly ever find it free. PostgreSQL needs none. What is
    read and worked out between two transactions counts as rest.
    """

    def __init__(self, database: Database) -> None:
        self._database = database
        self._rested_at = time.monotonic()

    @contextmanager
    def transaction(self) -> Iterator[Session]:
        """Write one chunk of many."""
        time.sleep(max(0.0, self._rested_at - time.monotonic()))
        with self._database.transaction() as transaction:
            began = time.monotonic()
            yield transaction
        if self._database.is_sqlite:
            ended = time.monotonic()
            self._rested_at = ended + (ended - began)
