"""Waiting for what other threads and processes do, without believing in durations."""

from collections.abc import Callable
from threading import Event
from time import monotonic
from typing import TypeVar

T = TypeVar("T")
LONGEST = 90.0
BETWEEN_LOOKS = 0.02
PART_OF_THE_WAIT = 0.1
"""What takes long is looked at less often: to look costs as much as what is waited for."""


def eventually(look: Callable[[], T]) -> T:
    """What `look` returns as soon as it is true. An AssertionError it raises counts as not yet."""
    begun_at = monotonic()
    while True:
        waited = monotonic() - begun_at
        last = waited > LONGEST
        try:
            found = look()
        except AssertionError:
            if last:
                raise
        else:
            if found:
                return found
            assert not last, f"{look} did not come true"
        Event().wait(max(BETWEEN_LOOKS, waited * PART_OF_THE_WAIT))
