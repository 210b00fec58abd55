"""The one clock of web and CLI: real time, plus an offset in development.

Workflows have Temporal's clock and activities are told the time by the workflow that calls them.
"""

from datetime import UTC, datetime, timedelta

from sqlalchemy import update
from sqlmodel import Session, col, select

from database.engine import Database
from database.tables import ClockOffset
from database.writing import insert_new

SHORTEST_STEP = timedelta(seconds=1)
FURTHEST_AHEAD = timedelta(days=3650)
_SECONDS = select(ClockOffset.seconds).where(ClockOffset.id == 1)


def real_now() -> datetime:
    """Real time, whatever the development clock says: for logs, and how long a service is away."""
    return datetime.now(UTC)  # noqa: TID251 - the one place that may


class ClockIsReal(Exception):
    """Outside development nobody moves the clock."""


class ClockNotMoved(ValueError):
    """The clock cannot be moved by this period; the message says why. Nothing changed."""


class Clock:
    """Tells the time; `development` alone allows moving it."""

    def __init__(self, database: Database, *, development: bool) -> None:
        self._database = database
        self._development = development

    def now(self) -> datetime:
        """This instant, aware, in UTC."""
        return real_now() + self.offset()

    def offset(self) -> timedelta:
        """How far ahead of real time this clock stands; nothing in production."""
        if not self._development:
            return timedelta(0)
        with self._database.session() as session:
            return _offset(session)

    def standing(self) -> str:
        """How it stands, for people: in days, or below one to the second."""
        offset = self.offset()
        days = f"{offset.days} {'day' if offset.days == 1 else 'days'}"
        passed = days if offset.days else str(timedelta(seconds=round(offset.total_seconds())))
        return f"{passed} ahead of real time" if offset else "real time"

    def require_movable(self, period: timedelta) -> None:
        """Raises ClockIsReal in production, ClockNotMoved for a period that cannot be passed."""
        if not self._development:
            raise ClockIsReal("The clock can only be moved in development. It was not moved.")
        if period < SHORTEST_STEP:
            raise ClockNotMoved(
                "Time only moves forward, by a second or more. The clock was not moved."
            )
        offset = self.offset()
        if period > FURTHEST_AHEAD - offset:
            raise ClockNotMoved(
                f"The clock stands {offset.days} days ahead and goes no further than "
                f"{FURTHEST_AHEAD.days} days ahead. It was not moved. To begin again at the real "
                "time, start with an empty data directory."
            )

    def advance(self, period: timedelta) -> timedelta:
        """Move the clock forward and return the new offset. Raises as `require_movable` does."""
        self.require_movable(period)
        with self._database.transaction() as transaction:
            insert_new(transaction, ClockOffset, [{"id": 1, "seconds": 0.0}])
            seconds = col(ClockOffset.seconds) + period.total_seconds()
            transaction.execute(update(ClockOffset).values(seconds=seconds))
            return _offset(transaction)


def _offset(session: Session) -> timedelta:
    return timedelta(seconds=session.exec(_SECONDS).first() or 0.0)
