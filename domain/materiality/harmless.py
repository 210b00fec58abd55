"""What shows a change to be harmless. Whatever is not shown here goes to a person."""

from collections.abc import Callable, Mapping, Sequence
from itertools import chain

from domain.clauses import Clause, ClauseKind
from domain.matching import LARGEST_TABLE, common_runs
from domain.materiality.differing import critical
from domain.materiality.periods import PERIOD
from domain.materiality.reading import denies, read
from domain.materiality.rules import Comparison, Version, saying
from domain.materiality.slips import reordered, slips_only
from domain.materiality.surface import (
    document_dates,
    only_dates,
    only_links,
    only_names,
    points_elsewhere,
)
from domain.materiality.words import plain_words, straightened


def shown_harmless(comparison: Comparison) -> str | None:
    """The name of what shows it harmless, or None."""
    if not comparison.old:
        return _one_sided(comparison.new, comparison.old_version)
    if not comparison.new:
        return _one_sided(comparison.old, comparison.new_version)
    same_meaning = critical(comparison.old_text) == critical(comparison.new_text)
    shown_by = {**ON_THE_SURFACE, **(IF_NOTHING_DECIDES if same_meaning else {})}
    return next((name for name, shows in shown_by.items() if shows(comparison)), None)


def _same_text(comparison: Comparison) -> bool:
    return comparison.old_text == comparison.new_text


def _same_words(comparison: Comparison) -> bool:
    return plain_words(comparison.old_text) == plain_words(comparison.new_text)


def _same_letters(comparison: Comparison) -> bool:
    old, new = ("".join(plain_words(t)) for t in (comparison.old_text, comparison.new_text))
    return old == new


ON_THE_SURFACE: Mapping[str, Callable[[Comparison], bool]] = {
    "moved": _same_text,
    "formatting": _same_words,
    "date of the document": document_dates,
    "date": only_dates,
    "link or address": only_links,
    "name or contact details": only_names,
}
IF_NOTHING_DECIDES: Mapping[str, Callable[[Comparison], bool]] = {
    "spacing": _same_letters,
    "reordered": reordered,
    "typing correction": slips_only,
}


def in_other_lines(
    old: Sequence[Clause], new: Sequence[Clause]
) -> tuple[frozenset[Clause], frozenset[Clause]]:
    """The statements whose words stand in the other version too, in order and side by side.

    A text that was only broken into lines, items or cells in another way has no others. Of more
    words than can be matched exactly none are shown, and each goes its own way.
    """
    old_words, new_words = (
        [[(denies(one), word) for word in plain_words(one.text)] for one in side]
        for side in (old, new)
    )
    all_old, all_new = (list(chain.from_iterable(side)) for side in (old_words, new_words))
    if len(all_old) * len(all_new) > LARGEST_TABLE:
        return frozenset(), frozenset()
    place_in_new: dict[int, int] = {}
    place_in_old: dict[int, int] = {}
    for start, counterpart, length in common_runs(all_old, all_new):
        for step in range(length):
            place_in_new[start + step] = counterpart + step
            place_in_old[counterpart + step] = start + step
    return _side_by_side(old, old_words, place_in_new), _side_by_side(new, new_words, place_in_old)


def _side_by_side(
    statements: Sequence[Clause], spoken: Sequence[Sequence[object]], places: Mapping[int, int]
) -> frozenset[Clause]:
    found, start = set(), 0
    for statement, said in zip(statements, spoken, strict=True):
        first = places.get(start)
        if first is not None and all(
            places.get(start + step) == first + step for step in range(len(said))
        ):
            found.add(statement)
        start += len(said)
    return frozenset(found)


def same_but_for_periods(comparison: Comparison) -> bool:
    """Whether nothing but lengths of time differs: then a rule on periods has said it all."""
    old, new = (
        plain_words(PERIOD.sub("period", straightened(text)))
        for text in (comparison.old_text, comparison.new_text)
    )
    return old == new


def context_differs(old: Clause, new: Clause) -> bool:
    """Whether the same words now stand under a heading or stem that denies, or no longer does."""
    return denies(old) != denies(new)


def _one_sided(statements: tuple[Clause, ...], other: Version) -> str | None:
    """A statement that came or went says nothing new if the other version says it too."""
    if all(_says_nothing(statement) for statement in statements):
        return "heading"
    if all(points_elsewhere(statement) for statement in statements):
        return "pointer"
    return "stated elsewhere" if all(saying(one) in other.sayings for one in statements) else None


def _says_nothing(statement: Clause) -> bool:
    if statement.kind is not ClauseKind.HEADING:
        return False
    reading = read(statement.text)
    charged = reading.says("negation") or reading.says("consent") or "sell" in reading.allowed
    return not charged and not reading.periods
