"""The clock is real time, which development alone may move, and only forward."""

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import pytest

from clock import Clock, ClockIsReal, ClockNotMoved
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


@pytest.mark.parametrize(
    ("period", "words"),
    [
        (timedelta(0), "forward"),
        (-ONE_DAY, "forward"),
        (timedelta(milliseconds=999), "a second or more"),
        (3651 * ONE_DAY, "no further than 3650 days ahead"),
        (timedelta.max, "no further than 3650 days ahead"),
    ],
)
def test_time_moves_forward_and_not_out_of_all_reason(
    database: Database, period: timedelta, words: str
) -> None:
    clock = Clock(database, development=True)
    with pytest.raises(ClockNotMoved, match=words):
        clock.advance(period)
    assert clock.offset() == timedelta(0)


def test_the_furthest_is_counted_from_real_time_and_not_from_the_last_move(
    database: Database,
) -> None:
    clock = Clock(database, development=True)
    clock.advance(3650 * ONE_DAY)
    for period in (ONE_DAY, timedelta.max):
        with pytest.raises(ClockNotMoved, match="empty data directory"):
            clock.advance(period)
    assert clock.offset() == 3650 * ONE_DAY
    assert clock.now().year < 2100


def test_moves_at_the_same_time_all_count(database: Database) -> None:
    """Two processes, each with its own connections."""
    other = Database(database.url)
    clocks = [Clock(each, development=True) for each in (database, other)]
    with ThreadPoolExecutor(4) as threads:
        moves = [threads.submit(clocks[number % 2].advance, ONE_DAY) for number in range(20)]
        seen = {move.result() for move in moves}
    assert seen == {number * ONE_DAY for number in range(1, 21)}
    assert clocks[0].offset() == 20 * ONE_DAY
    other.close()


def test_production_neither_moves_its_clock_nor_believes_one_that_was(database: Database) -> None:
    """An offset row left by a laptop's copy changes nothing."""
    Clock(database, development=True).advance(ONE_DAY)
    clock = Clock(database, development=False)
    with pytest.raises(ClockIsReal):
        clock.advance(ONE_DAY)
    assert (ahead(clock), clock.offset()) == (timedelta(0), timedelta(0))
