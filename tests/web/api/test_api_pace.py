"""The bucket of an API key gives out each call once, however many threads ask."""

import sys
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from uuid import uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as some

from tests.scene import NOW
from web.pace import Pace


@pytest.fixture
def hasty_threads() -> Iterator[None]:
    """Python goes from one thread to another as often as it can."""
    usually = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    yield
    sys.setswitchinterval(usually)


@pytest.mark.usefixtures("hasty_threads")
def test_many_threads_at_once_get_no_more_than_one_would() -> None:
    pace, key = Pace(per_minute=1000), uuid4()
    with ThreadPoolExecutor(8) as threads:
        waits = list(threads.map(lambda _: pace.take(key, NOW), range(4000)))
    assert waits.count(timedelta()) == 500


@given(
    per_minute=some.integers(1, 10_000),
    pauses=some.lists(some.timedeltas(timedelta(), timedelta(minutes=2)), max_size=40),
)
def test_whoever_waits_as_long_as_was_said_may_call_and_no_sooner(
    per_minute: int, pauses: Sequence[timedelta]
) -> None:
    pace, key, now = Pace(per_minute), uuid4(), NOW
    for pause in pauses:
        now += pause
        if wait := pace.take(key, now):
            assert pace.take(key, now + wait - timedelta.resolution)
            now += wait
            assert not pace.take(key, now)
