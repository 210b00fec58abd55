"""The life of an erasure: granted, thought over by its person, done at the sources (P13). Pure.

Nothing is erased before the time to think is over, or under a hold; and that time never takes the
answer past its due time.
"""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from domain.requests.data_subject_requests import Ground, Outcome
from domain.requests.personal_data import OWN_SOURCE, Located, Receipt

COOLING_OFF = timedelta(hours=48)
ROOM_TO_ERASE = timedelta(hours=48)
"""Before the answer is due, so long is left for sources that are slow."""


class ErasureGround(StrEnum):
    """Why data is to be erased: the four of the policy (P13), and a minor as its holder (P18)."""

    NO_LONGER_NECESSARY = "no_longer_necessary"
    CONSENT_WITHDRAWN = "consent_withdrawn"
    INTERESTS_NOT_COMPELLING = "interests_not_compelling"
    NOT_COMPLIANT = "not_compliant"
    MINOR = "minor"


GROUND_WORDS: Mapping[ErasureGround, str] = {
    ErasureGround.NO_LONGER_NECESSARY: "The data is no longer necessary for what it was held for.",
    ErasureGround.CONSENT_WITHDRAWN: "You withdrew the consent that it was held on.",
    ErasureGround.INTERESTS_NOT_COMPELLING: "Our legitimate interests do not outweigh yours.",
    ErasureGround.NOT_COMPLIANT: "It should not have been held.",
    ErasureGround.MINOR: "The account was a minor's.",
}
WORDS_FOR_STAFF: Mapping[ErasureGround, str] = {
    ErasureGround.NO_LONGER_NECESSARY: "The data is no longer necessary for what it was held for",
    ErasureGround.CONSENT_WITHDRAWN: "The person withdrew the consent that it was held on",
    ErasureGround.INTERESTS_NOT_COMPELLING: "Our legitimate interests do not outweigh the person's",
    ErasureGround.NOT_COMPLIANT: "It should not have been held",
    ErasureGround.MINOR: "The account is a minor's",
}
OF_THE_POLICY = tuple(one for one in ErasureGround if one is not ErasureGround.MINOR)
"""The four that anybody may ask by."""


class Stage(StrEnum):
    """Where an erasure stands."""

    OPEN = "open"
    COOLING_OFF = "cooling_off"
    ERASING = "erasing"
    DONE = "done"
    DROPPED = "dropped"


STAGE_WORDS: Mapping[Stage, str] = {
    Stage.OPEN: "waits for what is decided of it",
    Stage.COOLING_OFF: "waits for the person to think about it",
    Stage.ERASING: "under way at the sources",
    Stage.DONE: "done",
    Stage.DROPPED: "dropped: the person keeps the data, or it is decided otherwise",
}
"""For staff."""


@dataclass(frozen=True, kw_only=True)
class Life:
    """What has happened to an erasure.

    `begins_at`: when the time to think is over; set while it is granted. `skipped_at`: the
    person wants it at once. `dropped_at`: the person keeps the data. `begun_at`: the point of no
    return. `ended_at`: every source said that it is done.
    """

    begins_at: datetime | None = None
    skipped_at: datetime | None = None
    dropped_at: datetime | None = None
    begun_at: datetime | None = None
    ended_at: datetime | None = None

    @property
    def stage(self) -> Stage:
        """Where it stands."""
        if self.dropped_at is not None:
            return Stage.DROPPED
        if self.ended_at is not None:
            return Stage.DONE
        if self.begun_at is not None:
            return Stage.ERASING
        return Stage.OPEN if self.begins_at is None else Stage.COOLING_OFF

    @property
    def may_begin_at(self) -> datetime | None:
        """From when on nothing but a hold stands in its way; None where something else does."""
        if self.stage is not Stage.COOLING_OFF:
            return None
        return self.skipped_at or self.begins_at

    @property
    def can_be_dropped(self) -> bool:
        """Whether the person can still keep the data: what is begun cannot be undone."""
        return self.stage in {Stage.OPEN, Stage.COOLING_OFF}


def begins_at(granted_at: datetime, told_at: datetime | None, due_at: datetime) -> datetime:
    """When the person's time to think is over: two days after the mail went out that says how to
    keep the data, less where the answer is due soon. `told_at` is None while it has not: then we
    wait for as long as the due time lets us.
    """
    latest_at = due_at - ROOM_TO_ERASE
    return max(granted_at, min(told_at + COOLING_OFF, latest_at) if told_at else latest_at)


Counts = Mapping[str, int]
"""How many entries there are, by category."""


def rows_of(entries: Iterable[Mapping[str, Any]]) -> Counter[str]:
    """The counts in a part of a receipt."""
    rows: Counter[str] = Counter()
    for one in entries:
        rows[one["category"]] += one["rows"]
    return rows


def rows_there(receipt: Mapping[str, Any]) -> Counter[str]:
    """What was in a source by its receipt, before it erased: what it found; or what an erasure
    took, or would take, and left."""
    if "done" in receipt:
        return rows_of(receipt["done"]) + rows_of(receipt["retained"])
    return rows_of(receipt["held"])


def gone(done: Counts, stays: Counts, before: Counts) -> Counts:
    """What is erased, by category: what a source says that it erased now, or more, where more was
    there `before` and does not stay. Whatever an earlier try erased, whose answer was lost, the
    source does not say again."""
    return {
        category: max(rows, before.get(category, 0) - stays.get(category, 0))
        for category, rows in done.items()
    }


def told_whole(
    receipt: Mapping[str, Any], earlier: Iterable[Mapping[str, Any]]
) -> dict[str, object]:
    """A receipt for an erasure that tells all that is gone since a source was first looked into.
    `earlier`: what it said before it was asked to erase this time."""
    before: Counter[str] = Counter()
    for known in earlier:
        before |= rows_there(known)
    rows = gone(rows_of(receipt["done"]), rows_of(receipt["retained"]), before)
    done = [{"category": category, "rows": count} for category, count in rows.items()]
    return {**receipt, "done": done}


class SourceEnd(StrEnum):
    """What became of an erasure in one source. `not_done`: a person gave it up."""

    ERASED = "erased"
    KEPT = "kept"
    HELD = "held"
    NOT_DONE = "not_done"


def source_end(source: str, receipt: Mapping[str, object]) -> SourceEnd:
    """What a source's receipt comes to. What the engine itself keeps, to prove what it did, is told
    as well, and makes no answer a partial one (P33)."""
    kept = source != OWN_SOURCE and receipt.get("retained")
    return SourceEnd.KEPT if kept else SourceEnd.ERASED


def end_of(sources: Iterable[SourceEnd | None]) -> tuple[Outcome, Ground | None] | None:
    """How an erasure ends for its person, and on which ground where it is a partial one that has
    one by itself; None while a source (which is None) has not said that it is done."""
    ends = set(sources)
    if None in ends:
        return None
    if SourceEnd.HELD in ends:
        return Outcome.PARTIAL, Ground.LEGAL_MATTERS
    if SourceEnd.KEPT in ends:
        return Outcome.PARTIAL, Ground.REGULATORY_OBLIGATION
    if SourceEnd.NOT_DONE in ends:
        return Outcome.PARTIAL, None
    return Outcome.FULFILLED, None


def still_there(receipt: Receipt, located: Located) -> tuple[str, ...]:
    """Categories of which a source has more, after an erasure, than it said it keeps: it cannot
    be believed, and a person must look."""
    kept: dict[str, int] = {}
    for one in receipt.retained:
        kept[one.category] = kept.get(one.category, 0) + one.rows
    return tuple(one.category for one in located.held if one.rows > kept.get(one.category, 0))
