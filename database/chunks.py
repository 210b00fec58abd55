"""Long writing in short transactions: between two of them other writers get in."""

import time
from collections.abc import Callable
from datetime import timedelta

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
