"""A date on which nothing is special, so that no test depends on the day it runs on.

From it on there are forty days without a holiday in Germany, and no change to summer time.
"""

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

MORNING = time(10, 15)
BERLIN = ZoneInfo("Europe/Berlin")


def until_a_quiet_monday(now: datetime) -> timedelta:
    """From `now` to the next second Monday of January, in the morning; more than a day."""
    return next(
        monday - now
        for monday in (_quiet_monday(now.year + number) for number in range(3))
        if monday > now + timedelta(days=1)
    )


def _quiet_monday(year: int) -> datetime:
    eighth = date(year, 1, 8)
    monday = eighth + timedelta(days=-eighth.weekday() % 7)
    return datetime.combine(monday, MORNING, BERLIN).astimezone(UTC)
