"""Where people are: countries and time zones by name, and the midnights that begin their days."""

import re
from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

_COUNTRY_CODE = re.compile(r"[A-Z]{2}(-[A-Z0-9]{1,3})?")


def country_code(text: str) -> str:
    """An ISO 3166 code in capitals, like DE or US-CA. Raises ValueError for anything else."""
    code = text.strip().upper()
    if not _COUNTRY_CODE.fullmatch(code):
        raise ValueError(f"{text!r} is not a country code: give two letters like DE, or US-CA")
    return code


def zone_named(name: str) -> ZoneInfo:
    """The IANA time zone called `name`. Raises ValueError, in words, when there is none."""
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise ValueError(
            f"{name!r} is not a time zone: give an IANA name like Europe/Berlin or Asia/Seoul"
        ) from None


def start_of_day(day: date, zone: ZoneInfo) -> datetime:
    """The instant, in UTC, at which `day` begins in `zone`.

    Where clocks jump over midnight, or show it twice, it is the first instant of the day.
    """
    return datetime(day.year, day.month, day.day, tzinfo=zone).astimezone(UTC)


def local_date(instant: datetime, zone: ZoneInfo) -> date:
    """The calendar date of an instant in `zone`."""
    return instant.astimezone(zone).date()


def in_utc(instant: datetime) -> datetime:
    """The same instant in UTC. Raises ValueError without an offset, or out of all reason."""
    if instant.tzinfo is None:
        raise ValueError(
            f"{instant.isoformat()} has no time zone, so it names no instant: "
            f"add an offset, like {instant.isoformat()}Z or {instant.isoformat()}+01:00"
        )
    if not 1970 <= instant.year <= 9000:
        raise ValueError(f"{instant.isoformat()}: the year must lie between 1970 and 9000")
    return instant.astimezone(UTC)
