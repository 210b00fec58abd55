"""Lengths of time and ages in a statement, and what each length of time is for."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from domain.materiality.words import WORD, Mention, straightened

NEARBY = 50  # words within which one can bear on another
UNITS = {"hour": 1 / 24, "day": 1.0, "week": 7.0, "month": 30.4, "year": 365.25}
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
    r"|(?P<digits>\d+(?:\.\d+)?)|(?:(?<=for )|(?<=within )|(?<=after )|(?<=than ))an?)"
    r"[\s-]+(?P<working>business\s+|working\s+)?(?:calendar\s+|full\s+|consecutive\s+)?"
    r"(?P<unit>hour|day|week|month|year)s?\b",
    re.IGNORECASE,
)
AGE = re.compile(
    r"\b(?:age of|under|younger than|at least|below)\s+(?P<years>\d{1,2})\b(?!\s*(?:days|hours|%))"
    r"|\b(?P<old>\d{1,2})\s+years\s+(?:old|of age)",
    re.IGNORECASE,
)


@dataclass(frozen=True, kw_only=True)
class Period:
    """A length of time as written; `days` is for comparing, working days counted as 7/5."""

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
            role=_nearest(mentions, _position(starts, found)) or _last(opening, "roles."),
            about=_about(written, found.start(), mentions, starts),
        )
        for found in PERIOD.finditer(written)
    )


def _days(found: re.Match[str]) -> float:
    number = found["figure"] or found["digits"]
    count = float(number) if number else float(NUMBERS.get((found["word"] or "").lower(), 1))
    return count * UNITS[found["unit"].lower()] * (7 / 5 if found["working"] else 1)


def _position(starts: Sequence[int], found: re.Match[str]) -> tuple[int, int]:
    """The positions of the first word of a match and of the word after it."""
    first = sum(start < found.start() for start in starts)
    return first, sum(start < found.end() for start in starts)


def _nearest(mentions: Sequence[Mention], period: tuple[int, int]) -> str | None:
    """What the period is for: the role whose word stands closest to it."""
    first, end = period
    distances = [
        (max(first - mention.end, mention.start - end), mention.label.removeprefix("roles."))
        for mention in mentions
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
    row = re.match(r"[^:;]{1,60}: ([^:;]{1,80});", written[:end])
    if row:
        return row[1]
    named = [
        mention
        for mention in mentions
        if mention.label.startswith("data.") and starts[mention.end - 1] < end
    ]
    if not named:
        return None
    last = WORD.match(written, starts[named[-1].end - 1])
    return written[starts[named[-1].start] : last.end()] if last else None
