"""The one clock of web and CLI: real time, plus an offset in development.

Workflows have Temporal's clock and activities are told the time by the workflow that calls them.
"""

from datetime import UTC, datetime, timedelta

from sqlmodel import Session

from database.engine import Database
from database.tables import ClockOffset


class ClockIsReal(Exception):
    """Outside development nobody moves the clock."""


class Clock:
    """Tells the time; `development` alone allows moving it."""

    def __init__(self, database: Database, *, development: bool) -> None:
        self._database = database
        self._development = development

    def now(self) -> datetime:
        """This instant, aware, in UTC."""
        return datetime.now(UTC) + self.offset()  # noqa: TID251 - the one place that may

    def offset(self) -> timedelta:
        """How far ahead of real time this clock stands; nothing in production."""
        if not self._development:
            return timedelta(0)
        with self._database.session() as session:
            return _offset(session)

    def advance(self, period: timedelta) -> timedelta:
        """Move the clock forward and return the new offset. Raises ClockIsReal in production."""
        if not self._development:
            raise ClockIsReal("The clock can only be moved in development.")
        if period <= timedelta(0):
            raise ValueError("Time only moves forward.")
        with self._database.transaction() as transaction:
            row = transaction.get(ClockOffset, 1) or ClockOffset(seconds=0.0)
            row.seconds += period.total_seconds()
            transaction.add(row)
            return timedelta(seconds=row.seconds)


def _offset(session: Session) -> timedelta:
    row = session.get(ClockOffset, 1)
    return timedelta(seconds=row.seconds if row else 0.0)
