"""Long writing in short transactions, with rests in which other writers get in."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta

from sqlmodel import Session

from database.engine import Database

REST = 2.0
"""Of the time that a chunk took. At 1.0 a writer who waits comes at the wrong moment several times
in a row too often: the slowest of a hundred waited 30 to 130 ms, now 10."""

Advance = Callable[[int], object]
"""Told after each chunk how many rows it held, and of nought now and then when it only waits."""


class LongEnough(Exception):
    """The time for it is over. What is written stays, and the next call goes on from there."""


def at_most(limit: timedelta) -> Advance:
    """Something to tell of each chunk, that raises LongEnough once `limit` has passed from now."""
    enough_at = time.monotonic() + limit.total_seconds()

    def look_at_the_time(_rows: int) -> None:
        if time.monotonic() >= enough_at:
            raise LongEnough

    return look_at_the_time


class Pace:
    """Short transactions one after the other; before each, a rest twice as long as the last took.

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
            self._rested_at = ended + REST * (ended - began)
