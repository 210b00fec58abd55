"""What time it is while an activity works: it was told when it was asked, and that is over."""

import time
from datetime import datetime, timedelta

from temporalio import activity


class Moments:
    """The time of one try as it goes on, by the clock of the workflow that asked at `asked_at`.

    A workflow's clock may have been moved, so a try reads no other; what it counts itself are the
    seconds since it began.
    """

    def __init__(self, asked_at: datetime) -> None:
        self.began_at = asked_at
        self._began = time.monotonic()

    def now(self) -> datetime:
        """This instant."""
        return self.began_at + self.passed()

    def passed(self) -> timedelta:
        """How long the try has been at work."""
        return timedelta(seconds=time.monotonic() - self._began)


def moments_since(asked_at: datetime) -> Moments:
    """For the beginning of an activity: a try may have waited a while for a worker."""
    info = activity.info()
    return Moments(asked_at + (info.started_time - info.current_attempt_scheduled_time))
