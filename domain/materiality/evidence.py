"""What speaks for and against in one comparison, as the names that the weights are kept under."""

from collections.abc import Iterable, Iterator, Sequence

from domain.materiality.lexicon import KINDS
from domain.materiality.reading import Reading
from domain.materiality.rules import Comparison
from domain.materiality.words import roots, words
from domain.texts.matching import common_runs


def evidence(comparison: Comparison, rules: Iterable[str]) -> frozenset[str]:
    """The names of all that this comparison shows: rules, terms, acts, words that came or went."""
    return frozenset(
        (
            *_of_form(comparison),
            *(f"rule {name}" for name in rules),
            *_of_terms(comparison),
            *_of_words(comparison),
        )
    )


def _of_form(comparison: Comparison) -> Iterator[str]:
    form = "amended" if comparison.amended else "added" if comparison.new else "removed"
    yield form
    shown = (comparison.new or comparison.old)[0]
    yield f"{form} {shown.kind}"
    length = max(len(words(comparison.old_text)), len(words(comparison.new_text)))
    yield f"{form} of {'few' if length < 12 else 'some' if length < 40 else 'many'} words"


def _of_terms(comparison: Comparison) -> Iterator[str]:
    before, after = frozenset(_said(comparison.before)), frozenset(_said(comparison.after))
    yield from (f"+ {said}" for said in after - before)
    yield from (f"- {said}" for said in before - after)
    yield from (f"= {said}" for said in after & before)
    for sign, reading, version in (
        ("++", comparison.after, comparison.old_version),
        ("--", comparison.before, comparison.new_version),
    ):
        for kind in KINDS:
            yield from (f"{sign} {kind}.{key}" for key in reading.of(kind) - version.names(kind))


def _said(reading: Reading) -> Iterator[str]:
    yield from (f"may {act}" for act in reading.allowed)
    yield from (f"not {act}" for act in reading.denied)
    for kind in KINDS:
        yield from (f"{kind}.{key}" for key in reading.of(kind))
    yield from (mark for mark in reading.marks)


def _of_words(comparison: Comparison) -> Iterator[str]:
    old, new = roots(comparison.old_text), roots(comparison.new_text)
    kept_old: set[int] = set()
    kept_new: set[int] = set()
    for start, counterpart, length in common_runs(old, new) if old and new else ():
        kept_old.update(range(start, start + length))
        kept_new.update(range(counterpart, counterpart + length))
    yield from _names("-", old, kept_old)
    yield from _names("+", new, kept_new)


def _names(sign: str, side: Sequence[str], kept: set[int]) -> Iterator[str]:
    for position, root in enumerate(side):
        if position not in kept:
            yield f"{sign} {root}"
        if position + 1 < len(side) and not {position, position + 1} <= kept:
            yield f"{sign} {root} {side[position + 1]}"
