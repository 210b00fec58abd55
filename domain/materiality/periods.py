"""Lengths of time and ages in a statement, and what each length of time is for."""

import re
from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import islice
from operator import attrgetter

from domain.materiality.words import WORD, Mention, straightened

NEARBY = 50  # words within which one can bear on another
CLOSE = 120  # letters before it in which somebody is named who has the time
UNITS = {"hour": 1 / 24, "day": 1.0, "week": 7.0, "month": 30.4, "year": 365.25}
ROW_START = re.compile(r"[^:;]{1,60}: ([^:;]{1,80});")
UNIT_WORDS = frozenset(UNITS)
SMALL_NUMBERS = (
    "one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen "
    "sixteen seventeen eighteen nineteen twenty"
)
NUMBERS = {word: value for value, word in enumerate(SMALL_NUMBERS.split(), start=1)}
NUMBERS |= {"twenty-four": 24, "thirty": 30, "thirty-six": 36, "forty": 40, "forty-five": 45}
NUMBERS |= {"forty-eight": 48, "fifty": 50, "sixty": 60, "seventy-two": 72, "ninety": 90}
PERIOD = re.compile(
    rf"\b(?:(?P<word>{'|'.join(sorted(NUMBERS, key=len, reverse=True))})\s*(?:\((?P<figure>\d+)\))?"
    r"|(?<![\d.,])(?P<digits>\d+(?:\.\d+)?)|(?:(?<=for )|(?<=within )|(?<=after )|(?<=than ))an?)"
    r"[\s-]+(?P<working>business\s+|working\s+)?(?:calendar\s+|full\s+)?"
    r"(?P<unit>hour|day|week|month|year)s?\b",
    re.IGNORECASE,
)
AGE = re.compile(
    r"\b(?:age of|under|younger than|at least|below)\s+(?P<years>\d{1,2})\b(?!\s*(?:days|hours|%))"
    r"|\b(?P<old>\d{1,2})\s+years\s+(?:old|of age)",
    re.IGNORECASE,
)


PEOPLE_ACT = re.compile(
    r"\b(?:you|they)\s+(?:(?:do|does|did)\s+not|don't|may|can|could|must|object|appeal|reply|respond"
    r"|withdraw|restore|(?:will\s+)?have\s*$)",
    re.IGNORECASE,
)
WE_ACT = re.compile(r"\b(?:we|our|it)\b", re.IGNORECASE)


@dataclass(frozen=True, kw_only=True)
class Period:
    """A length of time as written; `days` is for comparing, working days counted as 7/5.

    No rule speaks of a role that is None, and none of the time that people have themselves.
    """

    words: str
    days: float
    role: str | None
    about: str | None


def ages(text: str) -> tuple[int, ...]:
    """The ages a statement names, in years, in its order."""
    return tuple(int(age["years"] or age["old"]) for age in AGE.finditer(straightened(text)))


def periods(
    text: str, mentions: Sequence[Mention], opening: Sequence[Mention]
) -> tuple[Period, ...]:
    """The lengths of time in a statement; `mentions` are its own, `opening` those of its stem."""
    written = straightened(text)
    starts = [word.start() for word in WORD.finditer(written)]
    return tuple(
        Period(
            words=found.group(),
            days=_days(found),
            role=_role(written, found, starts, mentions, opening),
            about=_about(written, found.start(), mentions, starts),
        )
        for found in PERIOD.finditer(written)
    )


def says_two_lengths(text: str) -> bool:
    """Whether a word and a figure disagree: `thirty (90) days`."""
    return any(
        found["figure"] and float(found["figure"]) != NUMBERS[found["word"].lower()]
        for found in PERIOD.finditer(straightened(text))
    )


def _days(found: re.Match[str]) -> float:
    number = found["figure"] or found["digits"]
    count = float(number) if number else float(NUMBERS.get((found["word"] or "").lower(), 1))
    return count * UNITS[found["unit"].lower()] * (7 / 5 if found["working"] else 1)


def _role(
    written: str,
    found: re.Match[str],
    starts: Sequence[int],
    mentions: Sequence[Mention],
    opening: Sequence[Mention],
) -> str | None:
    """What the period is for, unless it is the time in which people themselves have to act."""
    if _is_left_to_people(written[max(0, found.start() - CLOSE) : found.start()]):
        return None
    first, end = bisect_left(starts, found.start()), bisect_left(starts, found.end())
    return _nearest(mentions, (first, end)) or _last(opening, "roles.")


def _is_left_to_people(before: str) -> bool:
    acts = [act.end() for act in PEOPLE_ACT.finditer(before)]
    ours = [act.start() for act in WE_ACT.finditer(before)]
    return bool(acts) and not any(place > acts[-1] for place in ours)


def _nearest(mentions: Sequence[Mention], period: tuple[int, int]) -> str | None:
    """What the period is for: the role whose word stands closest to it."""
    first, end = period
    starts_near = bisect_left(mentions, first - 2 * NEARBY, key=attrgetter("start"))
    ends_near = bisect_left(mentions, end + NEARBY + 1, key=attrgetter("start"))
    distances = [
        (max(first - mention.end, mention.start - end), mention.label.removeprefix("roles."))
        for mention in mentions[starts_near:ends_near]
        if mention.label.startswith("roles.") and (mention.end <= first or mention.start >= end)
    ]
    near = [found for found in distances if found[0] <= NEARBY]
    return min(near, key=lambda found: found[0])[1] if near else None


def _last(mentions: Sequence[Mention], kind: str) -> str | None:
    named = [mention.label.removeprefix(kind) for mention in mentions if kind in mention.label]
    return named[-1] if named else None


def _about(
    written: str, end: int, mentions: Sequence[Mention], starts: Sequence[int]
) -> str | None:
    """The data a period is about: in a row its first cell, else the data last named before it."""
    row = ROW_START.match(written, 0, end)
    if row:
        return row[1]
    place = bisect_left(starts, end)
    before = reversed(mentions[: bisect_left(mentions, place, key=attrgetter("start"))])
    near = islice(before, NEARBY)
    named = next((m for m in near if m.label.startswith("data.") and m.end <= place), None)
    last = WORD.match(written, starts[named.end - 1]) if named else None
    return written[starts[named.start] : last.end()] if named and last else None
