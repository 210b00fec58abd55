"""By when those hear of it who were given data that is erased, corrected or restricted. Pure."""

from datetime import date, datetime

from domain.company import OfficeHours
from domain.working_days import working_day_since

WORKING_DAYS_TO_TELL = 5


def tell_by(noted_at: datetime, office: OfficeHours) -> date:
    """A working week after it was done. GDPR Article 19 names no day; until they hear of it they
    go on with the data."""
    return working_day_since(
        noted_at, WORKING_DAYS_TO_TELL, time_zone=office.time_zone, country=office.country
    )
