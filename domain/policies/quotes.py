"""Words that legal quoted, and what became of them in another text of the policy (P2, P6). Pure.

A word that stands in both texts says little: a clause may mean something else where it stands now.
So clauses are followed, and the words only found in them.
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache

from domain.materiality import assess, changes_between
from domain.texts.alignment import Change, ChangeKind
from domain.texts.clauses import Clause, ClauseKind, read_clauses

_PAIRS_KEPT = 32  # those of the versions that are being compared


class Became(StrEnum):
    """What became of a clause with quoted words."""

    UNTOUCHED = "untouched"  # the same words in the same place
    CORRECTED = "corrected"  # in the same place, and nothing but slips differs
    QUOTED = "quoted"  # what was quoted stands there, in a clause that moved or was amended
    REWORDED = "reworded"  # it goes on, or others came where it stood: who knows what they mean
    GONE = "gone"


@dataclass(frozen=True, kw_only=True)
class Trace:
    """What another text has of a clause: `words` is what to quote there, of these `clauses`."""

    became: Became
    words: str
    clauses: tuple[Clause, ...]


def stands_in(words: str, text: str) -> bool:
    """Whether these words are in a text, however its lines are broken."""
    return any(_lines(words, text))


def clauses_meant(words: str, text: str, other: str) -> tuple[Clause, ...]:
    """The clauses of a text that hold quoted words: of several, those that another text has not in
    the same place."""
    lines = list(_lines(words, text))
    holding = [
        clause
        for clause in read_clauses(text)
        if any(first <= clause.lines[1] and clause.lines[0] <= last for first, last in lines)
    ]
    there = {change.new[0] for change in _changes(other, text) if _is_untouched(change)}
    return tuple(clause for clause in holding if clause not in there) or tuple(holding)


def traces(words: str, meant: Sequence[Clause], origin: str, text: str) -> tuple[Trace, ...]:
    """What became of the clauses meant by a quote from one text, in another; at least one."""
    if not meant:  # what no reader sees, like the address of a link that is named elsewhere
        became = Became.QUOTED if stands_in(words, text) else Became.GONE
        return (Trace(became=became, words=words, clauses=()),)
    return tuple(
        _trace(words, origin, text, change)
        for change in _changes(origin, text)
        if not set(meant).isdisjoint(change.old)
    )


def stand_in_place(clauses: Iterable[Clause], text: str, other: str) -> bool:
    """Whether another text has all these clauses of a text, in the same place; not if none."""
    there = {change.new[0] for change in _changes(other, text) if _is_untouched(change)}
    clauses = set(clauses)
    return bool(clauses) and clauses <= there


def only_corrected(clauses: Iterable[Clause], text: str, other: str) -> bool:
    """The same, or but for slips; not if there are none."""
    there = {
        clause
        for change in _changes(other, text)
        if _is_untouched(change) or _is_correction(change, other, text)
        for clause in change.new
    }
    clauses = set(clauses)
    return bool(clauses) and clauses <= there


def _lines(words: str, text: str) -> Iterator[tuple[int, int]]:
    """The first and last line of each place where these words stand, from 1."""
    pattern = r"\s+".join(map(re.escape, words.split()))
    for found in re.finditer(pattern, text) if pattern else ():
        first = text.count("\n", 0, found.start()) + 1
        yield first, first + found.group().count("\n")


def _trace(words: str, origin: str, text: str, change: Change) -> Trace:
    now = change.new or _came_instead(change, _changes(origin, text))
    said = " ".join(clause.text for clause in now)
    quoted = bool(change.new) and any(
        first <= clause.lines[1] and clause.lines[0] <= last
        for first, last in _lines(words, text)
        for clause in now
    )
    if _is_untouched(change):
        became = Became.UNTOUCHED
    elif _is_correction(change, origin, text):
        became = Became.CORRECTED
    elif quoted:
        became = Became.QUOTED
    else:
        became = Became.REWORDED if now else Became.GONE
    return Trace(became=became, words=words if quoted or not now else said, clauses=now)


def _came_instead(change: Change, changes: Iterable[Change]) -> tuple[Clause, ...]:
    """What is new under the heading under which a clause is no more."""
    return tuple(
        clause
        for other in changes
        if other.kind is ChangeKind.ADDED
        for clause in other.new
        if clause.path == change.old[0].path and clause.kind is not ClauseKind.HEADING
    )


_changes = lru_cache(maxsize=_PAIRS_KEPT)(changes_between)


@lru_cache(maxsize=_PAIRS_KEPT)
def _harmless(old: str, new: str) -> frozenset[tuple[str | None, str | None]]:
    """What stood before and stands now, of the changes after which the policy says the same."""
    changes = assess(old, new).changes
    return frozenset((one.before, one.after) for one in changes if one.only_corrects)


def _is_correction(change: Change, old: str, new: str) -> bool:
    pair = _text(change.old), _text(change.new)
    return _is_in_place(change) and pair in _harmless(old, new)


def _is_untouched(change: Change) -> bool:
    return change.kind is ChangeKind.UNCHANGED and _is_in_place(change)


def _is_in_place(change: Change) -> bool:
    if change.moved or len(change.old) != 1 or len(change.new) != 1:
        return False
    old, new = change.old[0], change.new[0]
    return (old.path, old.stem) == (new.path, new.stem)


def _text(clauses: Sequence[Clause]) -> str | None:
    return " ".join(clause.text for clause in clauses) or None
