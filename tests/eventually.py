"""Waiting for what other threads and processes do, without believing in durations."""

from collections.abc import Callable
from threading import Event
from time import monotonic
from typing import TypeVar

T = TypeVar("T")
LONGEST = 90.0


def eventually(look: Callable[[], T]) -> T:
    """What `look` returns as soon as it is true. An AssertionError it raises counts as not yet."""
    give_up_at = monotonic() + LONGEST
    while True:
        last = monotonic() > give_up_at
        try:
            found = look()
        except AssertionError:
            if last:
                raise
        else:
            if found:
                return found
            assert not last, f"{look} did not come true"
        Event().wait(0.02)
