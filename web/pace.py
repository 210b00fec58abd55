"""How fast a system may call: each API key has a bucket, in each process of the website."""

from datetime import datetime, timedelta
from threading import Lock
from uuid import UUID

from domain.mail.pace import Bucket


class Pace:
    """Counts the calls of each key; one for all threads of a process. 0 a minute: no limit."""

    def __init__(self, per_minute: int) -> None:
        self.per_minute = per_minute
        self._paid_until: dict[UUID, datetime] = {}
        self._lock = Lock()

    def take(self, key_id: UUID, now: datetime) -> timedelta:
        """Count a call, or say how long until the next one may come; nothing when it may."""
        if not self.per_minute:
            return timedelta()
        with self._lock:
            bucket = Bucket(rate=self.per_minute, paid_until=self._paid_until.get(key_id))
            if not bucket.holds(now):
                return bucket.holds_at(1, now) - now
            self._paid_until[key_id] = bucket.less(1, now)
            return timedelta()
