"""Text that was only broken into lines, items or cells in another way."""

from collections.abc import Iterator, Sequence
from itertools import accumulate, chain, pairwise

from domain.materiality.context import charges
from domain.materiality.signs import signs
from domain.materiality.words import plain_words
from domain.texts.clauses import Clause
from domain.texts.matching import LARGEST_TABLE, common_runs

Words = Sequence[Sequence[object]]


def in_other_lines(
    old: Sequence[Clause], new: Sequence[Clause]
) -> tuple[frozenset[Clause], frozenset[Clause]]:
    """The statements that are whole statements of the other version, only broken elsewhere.

    One that became a part of a longer one is not among them: what was put to it may turn it. Of
    more words than can be matched exactly none are shown, and each goes its own way.
    """
    old_words, new_words = ([_charged_words(one) for one in side] for side in (old, new))
    all_old, all_new = (list(chain.from_iterable(side)) for side in (old_words, new_words))
    if len(all_old) * len(all_new) > LARGEST_TABLE:
        return frozenset(), frozenset()
    same_old: set[Clause] = set()
    same_new: set[Clause] = set()
    starts_old, starts_new = _starts(old_words), _starts(new_words)
    for first, other, length in common_runs(all_old, all_new):
        shared = [
            step
            for step in range(length + 1)
            if first + step in starts_old and other + step in starts_new
        ]
        for begin, end in pairwise(shared):
            before = _between(starts_old, first + begin, first + end)
            after = _between(starts_new, other + begin, other + end)
            if _say_the_same([old[place] for place in before], [new[place] for place in after]):
                same_old.update(old[place] for place in before)
                same_new.update(new[place] for place in after)
    return frozenset(same_old), frozenset(same_new)


def _charged_words(statement: Clause) -> list[object]:
    charged = charges(" ".join((*statement.path, statement.stem)))
    return [(charged, word) for word in plain_words(statement.text)]


def _starts(spoken: Words) -> dict[int, int]:
    """Of each word that begins a statement, and of the end of all, which statement begins there."""
    places = accumulate((len(said) for said in spoken), initial=0)
    return {start: number for number, start in enumerate(places)}


def _between(starts: dict[int, int], first: int, end: int) -> range:
    return range(starts[first], starts[end])


def _say_the_same(old: Sequence[Clause], new: Sequence[Clause]) -> bool:
    """One by one, or broken elsewhere with nothing in it that a break could turn."""
    if len(old) == len(new) == 1:
        return signs(old[0].text) == signs(new[0].text)
    texts = [" ".join(one.text for one in side) for side in (old, new)]
    if any(charges(text) for text in texts):
        return len(old) == len(new) and all(_pairs_alike(old, new))
    return signs(texts[0]) == signs(texts[1])


def _pairs_alike(old: Sequence[Clause], new: Sequence[Clause]) -> Iterator[bool]:
    for before, after in zip(old, new, strict=True):
        yield plain_words(before.text) == plain_words(after.text)
        yield signs(before.text) == signs(after.text)
