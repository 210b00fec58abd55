"""Instants around the changes to and from summer time, in zones that make them in unlike ways."""

from datetime import UTC, datetime, timedelta
from functools import cache
from zoneinfo import ZoneInfo

from hypothesis import strategies as st

ZONES = (
    "Europe/Berlin",  # at two, by an hour
    "America/New_York",
    "Australia/Lord_Howe",  # by half an hour
    "Africa/Casablanca",  # back before Ramadan, forward after it
    "America/Santiago",  # forward at midnight, which that day does not have
    "Asia/Beirut",
    "Africa/Cairo",
    "America/Havana",  # back at one: a midnight that comes twice
    "Atlantic/Azores",
    "Asia/Seoul",  # never
    "UTC",
)
DAY = timedelta(days=1)
_FIRST, _LAST = datetime(2024, 1, 1, tzinfo=UTC), datetime(2033, 1, 1, tzinfo=UTC)


@cache
def clock_changes(zone: str) -> tuple[datetime, ...]:
    """The instants (UTC) at which the clocks of a zone are changed."""
    there = ZoneInfo(zone)
    changes = []
    day = _FIRST
    while day < _LAST:
        if _shown(day, there) != _shown(day + DAY, there):
            changes.append(_first_after(day, there))
        day += DAY
    return tuple(changes)


def near_clock_changes(zone: str) -> st.SearchStrategy[datetime]:
    """Instants (UTC) within forty days of a change, some of them to the microsecond."""
    exactly = st.sampled_from((timedelta(0), timedelta.resolution, -timedelta.resolution))
    days = st.integers(-40, 40).map(lambda number: number * DAY)
    around = st.timedeltas(-40 * DAY, 40 * DAY)
    changes = clock_changes(zone) or (datetime(2026, 3, 29, 1, tzinfo=UTC),)
    return st.builds(
        lambda change, distance, more: change + distance + more,
        st.sampled_from(changes),
        days | around,
        exactly,
    )


zones_and_instants = st.sampled_from(ZONES).flatmap(
    lambda zone: st.tuples(st.just(zone), near_clock_changes(zone))
)


def _shown(instant: datetime, zone: ZoneInfo) -> timedelta | None:
    return instant.astimezone(zone).utcoffset()


def _first_after(day: datetime, zone: ZoneInfo) -> datetime:
    """The second within this day at which the zone begins to show another time."""
    before, after = day, day + DAY
    while after - before > timedelta(seconds=1):
        middle = before + (after - before) // timedelta(seconds=2) * timedelta(seconds=1)
        if _shown(middle, zone) == _shown(day, zone):
            before = middle
        else:
            after = middle
    return after
