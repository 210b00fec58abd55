"""Legal holds: what may be answered while one stands, and by when its release is acted on (P13).

Pure. A hold stands on an account, or on what one data source has of it, with a request or without.
"""

from collections.abc import Collection
from datetime import date, datetime

from domain.company import OfficeHours
from domain.requests.data_subject_requests import Ground, Kind, Outcome
from domain.working_days import working_day_since

EVERYWHERE = ""
"""The source of a hold that stands on all of them."""
HOLDERS = ("legal", "privacy")
"""The roles that place holds, and release those of others."""
HELD_BACK = Kind.ERASURE
"""The right that a hold stands against."""
WORKING_DAYS_TO_ERASE = 5
UNDER_A_HOLD = (
    "A legal hold stands on this account, so its erasure cannot be fulfilled, and only in part on "
    f"the ground {Ground.LEGAL_MATTERS}. Choose partial or refused with that ground. Name the "
    "ground to the person, and not what the hold is about. After the release, what is granted is "
    "erased by itself, and of what is refused you are told to erase it."
)


def hold_refusal(kind: Kind, outcome: Outcome, ground: Ground | None) -> str | None:
    """Why a right may not end like this while a hold stands, for staff; None when it may.

    A refusal on another ground erases nothing, and so may be.
    """
    erases = outcome is Outcome.FULFILLED or (
        outcome is Outcome.PARTIAL and ground is not Ground.LEGAL_MATTERS
    )
    return UNDER_A_HOLD if kind is HELD_BACK and erases else None


def waits_for_release(kind: Kind, outcome: Outcome, ground: Ground | None) -> bool:
    """Whether an answer given under a hold is for the hold's sake, and its release undoes it."""
    kept = outcome in {Outcome.PARTIAL, Outcome.REFUSED}
    return kind is HELD_BACK and kept and ground is Ground.LEGAL_MATTERS


def keeps(source: str, on_hold: Collection[str]) -> bool:
    """Whether nothing is erased in a source; `on_hold` are the sources that holds stand on."""
    return source in on_hold or EVERYWHERE in on_hold


def erase_by(released_at: datetime, office: OfficeHours) -> date:
    """The day by which an erasure is done that waited for a hold: a working week later."""
    return working_day_since(
        released_at, WORKING_DAYS_TO_ERASE, time_zone=office.time_zone, country=office.country
    )
