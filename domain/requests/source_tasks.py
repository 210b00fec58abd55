"""What data sources are asked for a right, and when they are asked again (P10-P17, P24). Pure."""

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from datetime import UTC, date, datetime, timedelta
from enum import StrEnum

from domain.company import OfficeHours
from domain.places import local_date, zone_named
from domain.requests.data_subject_requests import GATED_KINDS, Kind
from domain.requests.personal_data import (
    OWN_SOURCE,
    DataRole,
    Located,
    Receipt,
    Record,
    Retained,
    Verb,
)
from domain.rungs import ONE_DAY
from domain.working_days import working_day_after, working_day_by

FIRST_PAUSE = timedelta(minutes=1)
LONGEST_PAUSE = timedelta(hours=6)
SILENT_PERIOD = timedelta(days=1)
"""A source that does not answer for so long is told to people."""


class TaskState(StrEnum):
    """How something that a source is asked for stands.

    `waiting`: it is asked at `next_try_at`. `by_hand`: somebody of staff does it, and is reminded
    then. `needs_person`:
    what the source answered cannot be right. `given_up`: a person said that it cannot be had, and
    why. `dropped`: the request was answered without it, or it is asked anew, of an account.
    """

    WAITING = "waiting"
    BY_HAND = "by_hand"
    NEEDS_PERSON = "needs_person"
    DONE = "done"
    GIVEN_UP = "given_up"
    DROPPED = "dropped"


OPEN_TASKS = (TaskState.WAITING, TaskState.BY_HAND, TaskState.NEEDS_PERSON)
"""States in which something is still to come."""

COPIED = (Kind.ACCESS, Kind.PORTABILITY)
"""The rights that are answered with a copy. A source is asked once for both of one request."""

LOOKING = frozenset({Verb.LOCATE, Verb.EXPORT})
"""Verbs that change nothing: nobody needs what they bring once the request is answered."""
CHANGING = frozenset({Verb.CORRECT, Verb.RESTRICT, Verb.ERASE})
"""Verbs of what people decided for somebody: nothing of it counts for somebody else."""


BESIDE = "beside_the_request"
"""In the receipt of our own database, when it looks: whether it has more of the person than the
request for which it is asked."""

BY_HAND, SILENT, WRONG = "source_by_hand", "source_silent", "source_wrong"
BY_HAND_DUE, BY_HAND_OVERDUE = "source_by_hand_due", "source_by_hand_overdue"
"""The steps that tell staff of it."""
SOURCE_WORDS: Mapping[str, str] = {
    BY_HAND: "something that no machine can look up or do waits for one of you",
    BY_HAND_DUE: "what one of you does by hand is due",
    BY_HAND_OVERDUE: "what somebody is to do by hand is overdue",
    SILENT: "a data source has not answered for a day; it is asked again",
    WRONG: "a data source answers what cannot be right: somebody has to look",
}


@dataclass(frozen=True, kw_only=True)
class Asked:
    """How far a request is with the data sources, by their names in the data map.

    `next_at`: when one of them is asked next, or whoever does it by hand is reminded; None when
    nothing goes on by itself.
    """

    next_at: datetime | None = None
    waiting: tuple[str, ...] = ()
    by_hand: tuple[str, ...] = ()
    needs_person: tuple[str, ...] = ()

    @property
    def is_open(self) -> bool:
        """Whether something is still to come."""
        return bool(self.next_at or self.waiting or self.by_hand or self.needs_person)


_ASKED_FIRST: Mapping[Kind, Mapping[DataRole, Verb]] = {
    Kind.INQUIRY: {DataRole.CONTROLLER: Verb.LOCATE, DataRole.PROCESSOR: Verb.LOCATE},
    Kind.ACCESS: {DataRole.CONTROLLER: Verb.EXPORT, DataRole.PROCESSOR: Verb.LOCATE},
    Kind.PORTABILITY: {DataRole.CONTROLLER: Verb.EXPORT, DataRole.PROCESSOR: Verb.LOCATE},
    Kind.CORRECTION: {DataRole.PROCESSOR: Verb.LOCATE},
    Kind.ERASURE: {DataRole.CONTROLLER: Verb.LOCATE, DataRole.PROCESSOR: Verb.LOCATE},
    Kind.RESTRICTION: {DataRole.PROCESSOR: Verb.LOCATE},
    Kind.OBJECTION: {DataRole.PROCESSOR: Verb.LOCATE},
    Kind.MARKETING_OPT_OUT: {DataRole.CONTROLLER: Verb.SUPPRESS},
    Kind.OBJECTION_MARKETING: {DataRole.CONTROLLER: Verb.SUPPRESS},
}


_ASKED_ONCE_GRANTED: Mapping[Kind, Verb] = {
    Kind.RESTRICTION: Verb.RESTRICT,
    Kind.OBJECTION: Verb.RESTRICT,
}


def asked_once_granted(kind: Kind, source: str, role: DataRole) -> Verb | None:
    """What a source of ours is asked once a right is granted; None: nothing. Our own database says
    itself which accounts are restricted."""
    if role is DataRole.PROCESSOR or source == OWN_SOURCE:
        return None
    return _ASKED_ONCE_GRANTED.get(kind)


def asked_first(kind: Kind, role: DataRole, *, looks_first: bool = False) -> Verb | None:
    """What a source is asked as soon as a right's gate is open; None: nothing. `looks_first`: it is
    only known that somebody reads mail at an address, and not whether we have it of anybody.

    Of data that is held for somebody else we only look whether there is any: who it is asked of is
    that controller (P24).
    """
    if looks_first and kind in GATED_KINDS:
        return Verb.LOCATE
    return _ASKED_FIRST.get(kind, {}).get(role)


def next_try(attempts: int, now: datetime) -> datetime:
    """When a source is asked again that has not answered so often."""
    pause = LONGEST_PAUSE if attempts > 12 else FIRST_PAUSE * 2 ** max(attempts - 1, 0)
    return now + min(pause, LONGEST_PAUSE)


def reminded_at(due_on: date, moment: timedelta, office: OfficeHours, now: datetime) -> datetime:
    """When whoever does something by hand hears of it next: on the day by which it is to be done,
    rolled back to a working day, and then each working day. That is when the office opens, and a
    `moment` later, which each task has of its own."""
    zone, day = zone_named(office.time_zone), working_day_by(due_on, office.country)
    while (at := datetime.combine(day, office.numbers.hour, zone) + moment) <= now:
        day = working_day_after(max(day, local_date(now, zone) - ONE_DAY), 1, office.country)
    return at.astimezone(UTC)


def located_receipt(located: Located, *, title: str, controller: str | None) -> dict[str, object]:
    """What a source has, in counts, with what it is used for; and for whom, if not for us."""
    held = [
        {"category": one.category, "rows": one.rows, "uses": [asdict(use) for use in one.uses]}
        for one in located.held
    ]
    return {"held": held, "doubtful": located.doubtful, "title": title, "controller": controller}


def exported_receipt(
    categories: tuple[str, ...], records: tuple[Record, ...], doubtful: int
) -> dict[str, object]:
    """What a source gave, in counts of entries."""
    entries = {(record.category, record.item) for record in records}
    rows = {name: sum(category == name for category, _ in entries) for name in categories}
    return {
        "held": [{"category": name, "rows": count} for name, count in rows.items()],
        "doubtful": doubtful,
    }


def kept_entries(retained: Iterable[Retained]) -> list[dict[str, object]]:
    """What an erasure left, as it is kept in a receipt."""
    return [
        {
            "category": one.category,
            "rows": one.rows,
            "reason": one.reason,
            "until": one.until,
            "until_on": one.until_on.isoformat() if one.until_on else None,
        }
        for one in retained
    ]


def done_receipt(receipt: Receipt) -> dict[str, object]:
    """What a source did, as it is kept."""
    return {
        "done": [{"category": one.category, "rows": one.rows} for one in receipt.done],
        "retained": kept_entries(receipt.retained),
        "failed": [
            {"category": one.category, "rows": one.rows, "reason": one.reason}
            for one in receipt.failed
        ],
    }
