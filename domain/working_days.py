"""When staff are at work: the working days of a country, and eight hours on each of them."""

from datetime import UTC, date, datetime, time, timedelta
from functools import cache
from zoneinfo import ZoneInfo

import holidays

from domain.places import country_code, local_date, zone_named

ONE_DAY = timedelta(days=1)
OFFICE_DAY = timedelta(hours=8)


def works_on(day: date, country: str | None) -> bool:
    """Whether `day` is a working day in a country (a code like DE or US-CA); None: weekends alone.

    Raises ValueError for a country whose holidays are not known.
    """
    if country is None:
        return day.weekday() < 5
    return _calendar(country, day.year).is_working_day(day)


def working_day_by(day: date, country: str | None) -> date:
    """`day`, or the last working day before it."""
    while not works_on(day, country):
        day -= ONE_DAY
    return day


def working_day_after(day: date, number: int, country: str | None) -> date:
    """The n-th working day after `day`."""
    while number:
        day += ONE_DAY
        number -= works_on(day, country)
    return day


def working_day_since(
    instant: datetime, number: int, *, time_zone: str, country: str | None
) -> date:
    """The n-th working day after the one on which something happened, where the staff are."""
    return working_day_after(local_date(instant, zone_named(time_zone)), number, country)


def after_working_time(
    start: datetime, period: timedelta, *, opens: time, zone: ZoneInfo, country: str | None
) -> datetime:
    """The instant (UTC) at which staff were at work for `period` since `start`.

    They are from `opens` on, in `zone`, for eight hours of each working day. What would be over
    when they go home is over when they come again.
    """
    day, left = local_date(start, zone), period
    while True:
        opens_at = datetime.combine(day, opens, zone).astimezone(UTC)
        begins_at, closes_at = max(start, opens_at), opens_at + OFFICE_DAY
        if works_on(day, country) and begins_at < closes_at:
            if left < closes_at - begins_at:
                return begins_at + left
            left -= closes_at - begins_at
        day += ONE_DAY


@cache
def _calendar(country: str, year: int) -> holidays.HolidayBase:
    """A year's holidays, filled in whole before anybody looks.

    A calendar that fills itself when asked shows a second thread a year without holidays.
    """
    code, _, region = country_code(country).partition("-")
    try:
        return holidays.country_holidays(code, subdiv=region or None, years=year, expand=False)
    except NotImplementedError:
        raise ValueError(
            f"the holidays of {country!r} are not known: give an ISO code like DE or US-CA"
        ) from None
