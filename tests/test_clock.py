"""The clock is real time, which development alone may move, and only forward."""

from datetime import UTC, datetime, timedelta

import pytest

from clock import Clock, ClockIsReal
from database.engine import Database

ONE_DAY = timedelta(days=1)


def ahead(clock: Clock) -> timedelta:
    """How far the clock stands ahead of real time, to the minute."""
    difference = clock.now() - datetime.now(UTC)  # noqa: TID251 - what the clock is held against
    return timedelta(minutes=round(difference / timedelta(minutes=1)))


def test_a_clock_that_nobody_moved_tells_real_time_in_utc(database: Database) -> None:
    clock = Clock(database, development=True)
    assert clock.now().utcoffset() == timedelta(0)
    assert (ahead(clock), clock.offset()) == (timedelta(0), timedelta(0))


def test_every_process_sees_how_far_it_was_moved(database: Database) -> None:
    assert Clock(database, development=True).advance(30 * ONE_DAY) == 30 * ONE_DAY
    assert Clock(database, development=True).advance(ONE_DAY) == 31 * ONE_DAY
    other = Database(database.url)
    clock = Clock(other, development=True)
    assert (ahead(clock), clock.offset()) == (31 * ONE_DAY, 31 * ONE_DAY)
    other.close()


@pytest.mark.parametrize("period", [timedelta(0), -ONE_DAY])
def test_time_only_moves_forward(database: Database, period: timedelta) -> None:
    clock = Clock(database, development=True)
    with pytest.raises(ValueError, match="forward"):
        clock.advance(period)
    assert clock.offset() == timedelta(0)


def test_production_neither_moves_its_clock_nor_believes_one_that_was(database: Database) -> None:
    """An offset row left by a laptop's copy changes nothing."""
    Clock(database, development=True).advance(ONE_DAY)
    clock = Clock(database, development=False)
    with pytest.raises(ClockIsReal):
        clock.advance(ONE_DAY)
    assert (ahead(clock), clock.offset()) == (timedelta(0), timedelta(0))
