"""Typing corrections: slips of the hand, other spellings, and words in another order."""

import re
from collections import Counter
from collections.abc import Sequence
from itertools import chain, groupby

from rapidfuzz.distance import OSA

from domain.materiality.context import ORDERLY, charges
from domain.materiality.differing import FEW, differences
from domain.materiality.lexicon import LEXICON
from domain.materiality.reading import read
from domain.materiality.rules import Comparison
from domain.materiality.weighing import WEIGHTS
from domain.materiality.words import plain_words, root

MARKED = re.compile(r"[,;]")
JOINING = frozenset({"and", "or"})
# A word in capitals in the middle of a sentence, which names somebody.
NAME = re.compile(r"(?<=[a-z,;] )[A-Z]\w+")
IDLE = frozenset({"a", "an", "the", "also", "so", "then", "therefore", "please", "that"})
LONG = 8  # letters
LONGEST_PART = 5  # words
SHORTENED = {"can't": "cannot", "won't": "will not", "shan't": "shall not"}
E_MAIL = re.compile(r"\be-mail", re.IGNORECASE)
ENDINGS_SPELLED_OUT = (("n't", "not"), ("'ll", "will"), ("'re", "are"), ("'ve", "have"))
ISE = re.compile(r"(?<=\w{4})is(?=(?:e|es|ed|ing|ation|ations)$)|(?<=\w{4})ys(?=(?:e|es|ed|ing)$)")
SAID_ALIKE = {
    "anytime": "at any time",
    "e g": "for example",
    "i e": "that is",
    "eu": "european union",
    "eea": "european economic area",
    "in order to": "to",
    "in the event that": "if",
    "uk": "united kingdom",
}


def spelled_out(text: str) -> tuple[str, ...]:
    """The words in one spelling: `don't` as two, `e-mail` as one, `organise` with a z.

    And in one way of saying the same: `at any time` for `anytime`.
    """
    spoken = chain.from_iterable(map(_spelled_out, plain_words(E_MAIL.sub("email", text))))
    said = f" {' '.join(spoken)} "
    for one, other in SAID_ALIKE.items():
        said = said.replace(f" {one} ", f" {other} ")
    return tuple(said.split())


def _spelled_out(word: str) -> list[str]:
    if word in SHORTENED:
        return SHORTENED[word].split()
    for ending, spelled in ENDINGS_SPELLED_OUT:
        if word.endswith(ending):
            return [word.removesuffix(ending), spelled]
    return [ISE.sub(lambda part: part.group()[0] + "z", word)]


def reordered(comparison: Comparison) -> bool:
    """The same parts of one list in another order, each of them only named."""
    old, new = ([*plain_words(MARKED.sub(" and ", text))] for text in comparison.texts)
    start = _same_start(old, new)
    end = min(_same_start(old[::-1], new[::-1]), min(len(old), len(new)) - start)
    parts = [_parts(side[start : len(side) - end]) for side in (old, new)]
    return (
        not any(charges(text) or _counts_in_order(text) for text in comparison.texts)
        and Counter(parts[0]) == Counter(parts[1])
        and _joints(old) == _joints(new)
        and all(_only_names(part) for part in parts[0])
    )


def _counts_in_order(text: str) -> bool:
    """It says that the order counts, or goes through several lists side by side."""
    spoken = plain_words(text)
    lists = sum(word in JOINING for word in spoken)
    return lists > 1 or not ORDERLY.isdisjoint(spoken)


def _same_start(old: Sequence[str], new: Sequence[str]) -> int:
    different = (
        place for place, pair in enumerate(zip(old, new, strict=False)) if len(set(pair)) > 1
    )
    return next(different, min(len(old), len(new)))


def _parts(spoken: Sequence[str]) -> list[tuple[str, ...]]:
    groups = groupby(spoken, key=lambda word: word in JOINING)
    return [tuple(group) for joins, group in groups if not joins]


def _joints(spoken: Sequence[str]) -> list[str]:
    return [word for word in spoken if word in JOINING]


def _only_names(part: tuple[str, ...]) -> bool:
    """Nothing is done in it, or said of how long."""
    text = " ".join(part)
    return len(part) <= LONGEST_PART and not read(text).mentioned and not charges(text)


def slips_only(comparison: Comparison) -> bool:
    """Nothing but misspelt words and small words of grammar differs."""
    vocabulary = (comparison.old_version.vocabulary, comparison.new_version.vocabulary)
    names = {name.casefold() for text in comparison.texts for name in NAME.findall(text)}
    before, after = plain_words(comparison.old_text), plain_words(comparison.new_text)
    changed = differences(before, after)
    return bool(changed) and all(
        _is_slip(old, new, vocabulary) and names.isdisjoint((*old, *new))
        if old and new and len(old) == len(new)
        else all(word in IDLE for word in old + new) and len(old + new) <= FEW
        for old, new in changed
    )


def _is_slip(
    old: list[str], new: list[str], vocabulary: tuple[frozenset[str], frozenset[str]]
) -> bool:
    return all(
        one == other or (_close(one, other) and _misspelt(one, other, vocabulary))
        for one, other in zip(old, new, strict=True)
    )


def _close(one: str, other: str) -> bool:
    """One slip of the hand, two in a long word; transposed letters, a plural."""
    if any(character.isdigit() for character in one + other) or one[0] != other[0]:
        return False
    shorter = min(len(one), len(other))
    allowed = 2 if shorter >= LONG else 1
    return OSA.distance(one, other) <= allowed and (shorter >= 4 or sorted(one) == sorted(other))


def _misspelt(one: str, other: str, vocabulary: tuple[frozenset[str], frozenset[str]]) -> bool:
    """Exactly one of the two is a word: known from policies, or from elsewhere in its version.

    A word of the lexicon may be mended ("consnet" to "consent"), never lost. A plural is no slip.
    """
    old_words, new_words = vocabulary
    mended = not is_met(one) and one not in new_words and _is_a_word(other)
    spoilt = not is_met(other) and other not in old_words and not LEXICON.is_charged(one)
    return (mended or (spoilt and _is_a_word(one))) and one.endswith("s") == other.endswith("s")


def _is_a_word(word: str) -> bool:
    """Of two short words never met, both may be words; of two long ones so close, hardly."""
    return is_met(word) or len(word) >= LONG


def is_met(word: str) -> bool:
    """Whether a policy had it before."""
    return WEIGHTS.met(root(word)) or LEXICON.is_charged(word)
