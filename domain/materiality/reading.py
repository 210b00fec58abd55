"""What one statement says about data: who may do what with which data, why, for how long."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from functools import lru_cache

from domain.clauses import Clause, ClauseKind
from domain.materiality.lexicon import LEXICON, Term, straightened

BURDENS = frozenset({"collect", "use", "share", "sell", "keep"})
ABBREVIATION = re.compile(
    r"\b(?:e\.g|i\.e|etc|Inc|Ltd|Co|Corp|No|vs|Art|Sec|U\.S|U\.K|Mr|Ms|Dr|St)\.$"
)
SENTENCE = re.compile(r"(?<=[.!?])\s+(?=[\"'\u201c\u2018(\[]?[A-Z0-9\u00c0-\u024f\u0400-\u04ff])")
NEW_THOUGHT = re.compile(r"[;:]|,?\s+\b(?:but|however|unless|except|instead)\b", re.IGNORECASE)
NEGATION_REACH = 14  # words
NEARBY = 300  # characters within which one word can bear on another
UNITS = {"hour": 1 / 24, "day": 1.0, "week": 7.0, "month": 30.4, "year": 365.25}
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


@dataclass(frozen=True, kw_only=True)
class Reading:
    """The statement in the lexicon's keys; `denied` are acts that it says are not done."""

    allowed: frozenset[str] = frozenset()
    denied: frozenset[str] = frozenset()
    terms: dict[str, frozenset[str]] = field(default_factory=dict)
    marks: frozenset[str] = frozenset()
    periods: tuple[Period, ...] = ()
    ages: tuple[int, ...] = ()

    def of(self, kind: str) -> frozenset[str]:
        """The keys of one kind of term: data, purposes, recipients, rights or safeguards."""
        return self.terms.get(kind, frozenset())

    def says(self, mark: str) -> bool:
        """Whether a word of the list `mark` of the lexicon is there."""
        return mark in self.marks

    @property
    def burdens(self) -> frozenset[str]:
        return self.allowed & BURDENS


NOTHING = Reading()


def sentences(clause: Clause) -> tuple[Clause, ...]:
    """The sentences of a clause, each as a clause in the same place; a table row stays whole."""
    if clause.kind in (ClauseKind.ROW, ClauseKind.HEADING):
        return (clause,)
    found: list[str] = []
    for part in SENTENCE.split(clause.text):
        if found and ABBREVIATION.search(found[-1]):
            found[-1] += " " + part
        else:
            found.append(part)
    return tuple(replace(clause, text=text) for text in found)


def read_all(statements: Iterable[Clause]) -> Reading:
    """The readings of several statements as one; periods stay in the order of the text."""
    return _together([read(statement.text, statement.stem) for statement in statements])


@lru_cache(maxsize=20_000)
def read(text: str, stem: str = "") -> Reading:
    """Read a statement; a list item is read as the end of the sentence that its stem begins."""
    words = straightened(text)
    opening = straightened(stem)
    allowed, denied = _acts(words)
    if opening:
        allowed, denied = _under(opening, allowed, denied)
    # "Advertising partners" are a recipient; only what is left can be a purpose.
    purposes_in = words
    for recipient in LEXICON.terms["recipients"].values():
        purposes_in = recipient.pattern.sub(" ", purposes_in)
    entitled = LEXICON.words["entitled"].search(f"{opening} {words}")
    terms = {
        kind: _found(purposes_in if kind == "purposes" else words, entries)
        for kind, entries in LEXICON.terms.items()
        if kind != "rights" or entitled
    }
    return Reading(
        allowed=allowed - denied,
        denied=denied - allowed,
        terms={kind: keys for kind, keys in terms.items() if keys},
        marks=frozenset(mark for mark in LEXICON.words if _mentions(mark, words)),
        periods=_periods(words, opening),
        ages=tuple(int(age["years"] or age["old"]) for age in AGE.finditer(words)),
    )


def _together(readings: Sequence[Reading]) -> Reading:
    if len(readings) == 1:
        return readings[0]
    kinds = LEXICON.terms
    return Reading(
        allowed=frozenset().union(*(reading.allowed for reading in readings)),
        denied=frozenset().union(*(reading.denied for reading in readings)),
        terms={k: frozenset().union(*(reading.of(k) for reading in readings)) for k in kinds},
        marks=frozenset().union(*(reading.marks for reading in readings)),
        periods=tuple(period for reading in readings for period in reading.periods),
        ages=tuple(age for reading in readings for age in reading.ages),
    )


def _found(words: str, entries: dict[str, Term]) -> frozenset[str]:
    return frozenset(key for key, term in entries.items() if term.pattern.search(words))


def _mentions(mark: str, words: str) -> bool:
    if mark == "negation":
        words = LEXICON.words["not_a_negation"].sub(" ", words)
    return bool(LEXICON.words[mark].search(words))


def _acts(words: str) -> tuple[frozenset[str], frozenset[str]]:
    """Acts allowed and acts denied: a negation reaches forward within one thought."""
    allowed: set[str] = set()
    denied: set[str] = set()
    for act, pattern in LEXICON.acts.items():
        for match in pattern.finditer(words):
            thought = NEW_THOUGHT.split(_window(words, match.start()))[-1]
            reach = " ".join(thought.split()[-NEGATION_REACH:])
            (denied if _mentions("negation", reach) else allowed).add(act)
    return frozenset(allowed), frozenset(denied)


def _under(
    opening: str, allowed: frozenset[str], denied: frozenset[str]
) -> tuple[frozenset[str], frozenset[str]]:
    """An item below "we never:" is denied; below "we use data to:" it is a use."""
    stem_allowed, stem_denied = _acts(opening)
    if _mentions("negation", opening):
        return frozenset(), allowed | denied | stem_denied
    return allowed | stem_allowed, denied


def _periods(words: str, opening: str) -> tuple[Period, ...]:
    found = []
    for match in PERIOD.finditer(words):
        number = match["figure"] or match["digits"]
        count = float(number) if number else float(NUMBERS.get((match["word"] or "").lower(), 1))
        days = count * UNITS[match["unit"].lower()] * (7 / 5 if match["working"] else 1)
        role = _nearest_role(words, match) or _nearest_role(opening, None)
        found.append(
            Period(words=match.group(), days=days, role=role, about=_about(words, match.start()))
        )
    return tuple(found)


def _nearest_role(words: str, period: re.Match[str] | None) -> str | None:
    """What the period is for: the role whose word stands closest to it."""
    start, end = period.span() if period else (len(words), len(words))
    first = max(0, start - NEARBY)
    distances = [
        (start - word.end() if word.end() <= start else word.start() - end, order, role)
        for order, (role, pattern) in enumerate(LEXICON.roles.items())
        for word in pattern.finditer(words, first, end + NEARBY)
        if word.end() <= start or word.start() >= end
    ]
    return min(distances)[2] if distances else None


def _window(words: str, end: int) -> str:
    """What stands shortly before a place, from the beginning of a word."""
    start = max(0, end - NEARBY)
    return words[start:end] if start == 0 else words[start:end].partition(" ")[2]


def _about(words: str, end: int) -> str | None:
    """The data a period is about: in a row its first cell, else the data last named before it."""
    row = re.match(r"[^:;]{1,60}: ([^:;]{1,80});", words[: min(end, NEARBY)])
    if row:
        return row[1]
    named = [
        (match.end(), match.group())
        for term in LEXICON.terms["data"].values()
        for match in term.pattern.finditer(_window(words, end))
    ]
    return max(named)[1] if named else None
