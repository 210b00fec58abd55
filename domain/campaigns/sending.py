"""When a campaign that sends is stopped by the machine, and how many try it first (P8). Pure."""

from dataclasses import dataclass
from datetime import timedelta
from math import ceil


@dataclass(frozen=True, kw_only=True)
class Canary:
    """How many of a campaign's addressees get their first notice ahead of the others.

    The larger of `at_least` and `percent` of them; with `at_least` or fewer addressees nobody does.
    `wait_period`: how long the others wait for what becomes of it.
    """

    percent: int
    at_least: int
    wait_period: timedelta
    on: bool = True

    def size(self, addressees: int) -> int:
        """Of so many addressees, how many go first; nought means that all go at once."""
        wanted = max(self.at_least, ceil(addressees * self.percent / 100))
        return wanted if self.on and wanted < addressees else 0


@dataclass(frozen=True, kw_only=True)
class Limits:
    """What share of a campaign's copies may go wrong, in percent, before the machine stops it.

    It looks at the last `copies` of which anything was heard, once they are `copies_at_least`;
    and at the requests of the last `attempts_period`, once `lost_at_least` of them were lost. One
    or two may carry most of a step's copies: `refused_percent` of these in requests that were
    answered with an error are enough, once they are `copies_at_least`.
    """

    failed_percent: float
    complained_percent: float
    unknown_percent: float
    copies: int
    copies_at_least: int
    attempts_period: timedelta = timedelta(minutes=1)
    lost_at_least: int = 3
    refused_percent: float = 25


@dataclass(frozen=True, kw_only=True)
class Tally:
    """What became of a number of copies. `failed`: bounced, dropped or rejected."""

    copies: int
    failed: int = 0
    complained: int = 0
    unknown: int = 0


def why_stop(tally: Tally, limits: Limits) -> str | None:
    """What is wrong with these copies, in words that name nobody; None when nothing is.

    One complaint alone is one person's word and stops nothing, however few the copies are.
    """
    of = f"of {tally.copies:,} copies"
    if _is_over(tally.failed, tally.copies, limits.failed_percent):
        return (
            f"{tally.failed:,} {of} bounced, were dropped or were rejected: more than "
            f"{limits.failed_percent:g} %."
        )
    if tally.complained > 1 and _is_over(tally.complained, tally.copies, limits.complained_percent):
        return (
            f"{tally.complained:,} {of} were reported as spam: more than "
            f"{limits.complained_percent:g} %."
        )
    if _is_over(tally.unknown, tally.copies, limits.unknown_percent):
        return (
            f"Nobody knows whether {tally.unknown:,} {of} went out: more than "
            f"{limits.unknown_percent:g} %."
        )
    return None


def why_stop_canary(copies: int, refused: int, limits: Limits) -> str | None:
    """What is wrong with a canary that was just mailed, in words; None when nothing is yet.

    `refused`: copies in requests that were answered with an error. A lost answer is not enough: the
    events of the time that the others wait may tell what became of it.
    """
    if not _is_over(refused, copies, limits.unknown_percent):
        return None
    return (
        f"The mail service answered the requests of {refused:,} of {copies:,} copies with an error "
        f"(5xx), and nobody knows whether they went out: more than {limits.unknown_percent:g} %."
    )


def why_stop_requests(requests: int, lost: int, limits: Limits) -> str | None:
    """What is wrong with the last requests to the mail service, in words; None when nothing is.

    Each that gets no answer, or an error, leaves up to a thousand copies in doubt.
    """
    if lost < limits.lost_at_least or not _is_over(lost, requests, limits.unknown_percent):
        return None
    return (
        f"{lost:,} of the last {requests:,} requests to the mail service got no answer, or an "
        f"error (5xx): more than {limits.unknown_percent:g} %."
    )


def why_stop_refused(copies: int, refused: int, limits: Limits) -> str | None:
    """What is wrong with the requests of a step so far, in words; None when nothing is.

    `copies`: all that are queued of it; `refused`: as of a canary, since it was last resumed.
    """
    if refused < limits.copies_at_least or not _is_over(refused, copies, limits.refused_percent):
        return None
    return (
        f"The mail service answered the requests of {refused:,} of {copies:,} copies with an error "
        f"(5xx), and nobody knows whether they went out: more than {limits.refused_percent:g} %."
    )


def _is_over(part: int, whole: int, percent: float) -> bool:
    return part * 100 > whole * percent
