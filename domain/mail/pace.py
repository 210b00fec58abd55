"""How fast mail may go: a bucket that fills at a rate, and what a 429 teaches (P8). Pure.

A rate is copies in a minute. A bucket holds half a minute's worth and is kept as one instant,
`paid_until`: each copy moves it on by its share of a minute, and it may run that far behind the
clock and no further. So nothing is rounded, and no window sees more than its rate and one bucket.
"""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta

MINUTE = timedelta(minutes=1)
BURST_PERIOD = timedelta(seconds=30)
"""Long enough for a campaign to be done in few large requests, short enough for a service that
counts by the minute."""
SHARE_OF_OTHERS = 10
"""One copy in so many is kept for mail that is no campaign's: whoever asked for their link again
does not queue behind a million notices."""
SLOWEST = 600
"""No 429 makes us slower than this: the lowest limit that anybody reports of the service. Below
it, waiting as long as each 429 says is enough."""
RECOVERS_BY = 10
"""Each minute without a 429 gives back one part in so many of what went out in the last minute
before the first one: from a half up again takes five minutes, so that a single 429 costs no
more."""
WITHOUT_A_WORD = timedelta(seconds=30)
"""How long nobody sends after a 429 that does not say."""
LONGEST_HOLD = timedelta(hours=1)
"""A longer one is not believed: we ask again, and hear it again if it was meant."""
IN_VAIN_FOR = timedelta(hours=1)
"""For so long the service may say 429 to everything, before ops are told of a problem."""


def burst_period(rate: int) -> timedelta:
    """What a bucket holds, as time: half a minute's worth, and one copy at least."""
    return max(BURST_PERIOD, MINUTE / rate)


def reserve_period(rate: int) -> timedelta:
    """What a campaign leaves in a bucket; nothing where that would be less than a copy."""
    reserve = burst_period(rate) / SHARE_OF_OTHERS
    return reserve if reserve * rate >= MINUTE else timedelta()


@dataclass(frozen=True, kw_only=True)
class Bucket:
    """Copies may leave while `paid_until` is not past; null stands for a full bucket.

    `reserve`: the part of it, as time, that is not this taker's.
    """

    rate: int
    paid_until: datetime | None = None
    reserve: timedelta = timedelta()

    def holds(self, now: datetime) -> int:
        """How many copies may go now."""
        return max(0, (now - self._paid(now) - self.reserve) * self.rate // MINUTE)

    def most(self) -> int:
        """How many it holds when it is full."""
        return (burst_period(self.rate) - self.reserve) * self.rate // MINUTE

    def less(self, copies: int, now: datetime) -> datetime:
        """The instant it is paid until once so many have gone."""
        return self._paid(now) + self._price(copies)

    def holds_at(self, copies: int, now: datetime) -> datetime:
        """When it holds so many, if nobody else takes any; no more than `most` are waited for."""
        return self._paid(now) + self._price(min(copies, self.most())) + self.reserve

    def _paid(self, now: datetime) -> datetime:
        full = now - burst_period(self.rate)
        return max(self.paid_until or full, full)

    def _price(self, copies: int) -> timedelta:
        return -(MINUTE * -copies // self.rate)  # rounded up, by less than a microsecond


@dataclass(frozen=True, kw_only=True)
class Slowdown:
    """What the mail service's 429 taught: nobody sends before `held_until`, then `rate` at most.

    `peak` is what went out in the last minute before the first of them. `began_at` is the first
    429 and `slowed_at` the last that counted.
    """

    began_at: datetime
    slowed_at: datetime
    held_until: datetime
    rate: int
    peak: int

    def rate_at(self, now: datetime) -> int | None:
        """The rate it came up to again; None when all is forgotten."""
        minutes = max(0, (now - self.held_until) // MINUTE)
        rate = self.rate + minutes * -(-self.peak // RECOVERS_BY)
        return rate if rate < self.peak else None


def slower(
    known: Slowdown | None,
    *,
    sent: int,
    asked_at: datetime,
    retry_after: timedelta | None,
    now: datetime,
) -> Slowdown:
    """What to hold to after a 429 to a request of `asked_at`.

    `sent`: the copies that went out in the last minute, of which half is the new rate; where none
    did, half of what was known. Requests that were under way together are refused together: only
    the first halves.
    """
    held_until = now + min(WITHOUT_A_WORD if retry_after is None else retry_after, LONGEST_HOLD)
    rate = known.rate_at(now) if known else None
    if known is None or rate is None:
        peak = max(sent, 2 * SLOWEST)
        began_at = now
    elif asked_at <= known.slowed_at:
        return replace(known, held_until=max(known.held_until, held_until))
    else:
        peak, began_at = known.peak, known.began_at
        held_until = max(known.held_until, held_until)
    return Slowdown(
        began_at=began_at,
        slowed_at=now,
        held_until=held_until,
        rate=max(SLOWEST, (sent or rate or 0) // 2),
        peak=peak,
    )


def about(copies: int, rate: int) -> str:
    """How long so many copies take, in words that do not change every minute."""
    minutes = -(-copies // rate)
    if minutes < 10:
        return f"about {max(minutes, 1)} minute{'s' if minutes > 1 else ''}"
    if minutes <= 120:
        return f"about {-(-minutes // 5) * 5} minutes"
    return f"about {-(-minutes // 60)} hours"


def rate_in_words(per_minute: int | None) -> str:
    """A campaign's own rate."""
    return f"{per_minute:,} a minute" if per_minute else "no rate of its own"
