"""What one statement says about data: who may do what with which data, why, for how long."""

import re
from bisect import bisect_left
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from functools import lru_cache
from operator import attrgetter

from domain.materiality.lexicon import KINDS, LEXICON
from domain.materiality.periods import UNIT_WORDS, Period, ages, periods
from domain.materiality.words import Mention, words
from domain.texts.clauses import Clause, ClauseKind

BURDENS = frozenset({"collect", "use", "share", "sell", "keep"})
ABBREVIATION = re.compile(
    r"\b(?:e\.g|i\.e|etc|Inc|Ltd|Co|Corp|No|vs|Art|Sec|U\.S|U\.K|Mr|Ms|Dr|St)\.$"
)
LONGEST_ABBREVIATION = 8
# Markup that was left in the text and parts it as lines and items do.
BREAK = re.compile(r"\s*(?:</?(?:br|p|div|ul|ol|li|tr|td|th)\b[^<>]{0,200}>\s*)+", re.IGNORECASE)
SENTENCE = re.compile(r"(?<=[.!?])\s+(?=[\"'\u201c\u2018(\[]?[A-Z0-9\u00c0-\u024f\u0400-\u04ff])")
# "If you have not opted out, we may share": the "not" is no denial of what comes after the comma.
CONDITION = re.compile(
    r"(\b(?:if|unless|when|where|until|while|as long as)\b[^,;:.]{1,200}),", re.IGNORECASE
)
# A cell of a table: `Sold: No`.
ANSWERED_NO = re.compile(r"([^;:?]{1,60})\??: no(?=;|$)", re.IGNORECASE)
NEW_THOUGHT = frozenset({";", ":", "but", "however", "unless", "except", "instead"})
NEGATION_REACH = 14  # words
LONGEST_PHRASE = 12  # words of a phrase in the lexicon


@dataclass(frozen=True, kw_only=True)
class Reading:
    """The statement in the lexicon's keys; `denied` are acts that it says are not done.

    An act that it both allows and denies, of two kinds of data say, is only `mentioned`.
    """

    allowed: frozenset[str] = frozenset()
    denied: frozenset[str] = frozenset()
    mentioned: frozenset[str] = frozenset()
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
    """The sentences of a clause, each as a clause in the same place with an id of its own.

    Of a table row, the lines: a cell that was written as a list completes the words before it.
    """
    if clause.kind is ClauseKind.HEADING:
        return (clause,)
    if clause.kind is ClauseKind.ROW:
        return _lines_of(clause)
    found = [text for line in BREAK.split(clause.text) for text in _sentences_of(line)]
    if len(found) <= 1:
        return (clause,)
    before = (clause.follows, *found)
    return tuple(
        replace(clause, id=f"{clause.id}.{number}", text=text, follows=before[number])
        for number, text in enumerate(found)
    )


def _sentences_of(line: str) -> list[str]:
    found: list[str] = []
    for part in SENTENCE.split(line) if line else ():
        if found and ABBREVIATION.search(found[-1][-LONGEST_ABBREVIATION:]):
            found[-1] += " " + part
        else:
            found.append(part)
    return found


def _lines_of(row: Clause) -> tuple[Clause, ...]:
    stem, lines = row.stem, []
    for number, text in enumerate(BREAK.split(row.text)):
        if text:
            lines.append(replace(row, id=f"{row.id}.{number}", text=text, stem=stem))
        if text.endswith(":"):
            stem = text
    return tuple(lines) or (row,)


@lru_cache(maxsize=20_000)
def read(text: str, stem: str = "") -> Reading:
    """Read a statement; a list item is read as the end of the sentence that its stem begins."""
    if ": n" in text.casefold():
        text = ANSWERED_NO.sub(r"not \1", text)
    text = CONDITION.sub(r"\1;", text)
    stem = CONDITION.sub(" ", stem)
    spoken = words(text)
    mentions = _unless_overlapped(LEXICON.mentions(spoken))
    opening = _mentions_of(stem)
    allowed, denied = _acts(spoken, mentions)
    if stem:
        allowed, denied = _under(words(stem), opening, allowed, denied)
    entitled = any(mention.label == "words.entitled" for mention in (*opening, *mentions))
    timed = any(word.rstrip("s") in UNIT_WORDS for word in spoken)
    return Reading(
        allowed=allowed - denied,
        denied=denied - allowed,
        mentioned=allowed | denied,
        terms={
            kind: keys
            for kind in KINDS
            if (kind != "rights" or entitled) and (keys := _keys(kind, mentions))
        },
        marks=_keys("words", mentions),
        periods=periods(text, mentions, opening) if timed else (),
        ages=ages(text) if "minors" in _keys("words", (*opening, *mentions)) else (),
    )


@lru_cache(maxsize=2_000)
def _mentions_of(text: str) -> tuple[Mention, ...]:
    return _unless_overlapped(LEXICON.mentions(words(text))) if text else ()


def _unless_overlapped(mentions: tuple[Mention, ...]) -> tuple[Mention, ...]:
    """Without what only looks so: "advertising partners" are no purpose, "no later" no "no"."""
    strong = [
        mention
        for mention in mentions
        if mention.label.startswith("recipients.") or mention.label == "words.not_a_negation"
    ]
    starts = [mention.start for mention in strong]

    def near(mention: Mention) -> Sequence[Mention]:
        first = bisect_left(starts, mention.start - LONGEST_PHRASE)
        return strong[first : bisect_left(starts, mention.end)]

    return tuple(
        mention
        for mention in mentions
        if not any(_swallows(other, mention) for other in near(mention))
    )


def _swallows(other: Mention, mention: Mention) -> bool:
    if not other.overlaps(mention):
        return False
    if mention.label == "words.negation":
        return other.label == "words.not_a_negation"
    if mention.label.startswith("recipients."):
        longer = other.end - other.start > mention.end - mention.start
        return longer and other.label.startswith("recipients.")
    return mention.label.startswith("purposes.") and other.label.startswith("recipients.")


def _keys(kind: str, mentions: Iterable[Mention]) -> frozenset[str]:
    start = kind + "."
    return frozenset(
        mention.label[len(start) :] for mention in mentions if mention.label.startswith(start)
    )


def _acts(
    spoken: Sequence[str], mentions: Sequence[Mention]
) -> tuple[frozenset[str], frozenset[str]]:
    """Acts allowed and acts denied: a negation reaches forward within one thought."""
    allowed: set[str] = set()
    denied: set[str] = set()
    negations = [mention for mention in mentions if mention.label == "words.negation"]
    for mention in mentions:
        if mention.label.startswith("acts."):
            act = mention.label[5:]
            (denied if _is_denied(spoken, mention, negations) else allowed).add(act)
    return frozenset(allowed), frozenset(denied)


def _is_denied(spoken: Sequence[str], act: Mention, negations: Sequence[Mention]) -> bool:
    first = bisect_left(negations, act.start - NEGATION_REACH, key=attrgetter("start"))
    last = bisect_left(negations, act.start, key=attrgetter("start"))
    return any(
        not NEW_THOUGHT.intersection(spoken[negation.end : act.start])
        for negation in negations[first:last]
    )


def _under(
    stem: Sequence[str],
    opening: Sequence[Mention],
    allowed: frozenset[str],
    denied: frozenset[str],
) -> tuple[frozenset[str], frozenset[str]]:
    """An item below "we never:" is denied; below "we use data to:" it is a use."""
    stem_allowed, stem_denied = _acts(stem, opening)
    if any(mention.label == "words.negation" for mention in opening):
        return frozenset(), allowed | denied | stem_denied
    return allowed | stem_allowed, denied


def together(readings: Sequence[Reading]) -> Reading:
    """Several readings as one; periods stay in the order of the text."""
    if len(readings) == 1:
        return readings[0]
    return Reading(
        allowed=frozenset().union(*(reading.allowed for reading in readings)),
        denied=frozenset().union(*(reading.denied for reading in readings)),
        mentioned=frozenset().union(*(reading.mentioned for reading in readings)),
        terms={k: frozenset().union(*(reading.of(k) for reading in readings)) for k in KINDS},
        marks=frozenset().union(*(reading.marks for reading in readings)),
        periods=tuple(period for reading in readings for period in reading.periods),
        ages=tuple(age for reading in readings for age in reading.ages),
    )
