"""Typing corrections: slips of the hand, and words in another order."""

from collections import Counter

from rapidfuzz.distance import OSA

from domain.materiality.differing import FEW, differences
from domain.materiality.lexicon import LEXICON
from domain.materiality.rules import Comparison
from domain.materiality.words import plain_words


def reordered(comparison: Comparison) -> bool:
    """The same words in another order; not where order may say who gives what to whom."""
    sides = (comparison.before, comparison.after)
    plain = all(
        not reading.says("negation") and not reading.allowed & {"share", "sell"}
        for reading in sides
    )
    return plain and Counter(plain_words(comparison.old_text)) == Counter(
        plain_words(comparison.new_text)
    )


def slips_only(comparison: Comparison) -> bool:
    """Nothing but misspelt words, plurals and small words of grammar differs."""
    vocabulary = (comparison.old_version.vocabulary, comparison.new_version.vocabulary)
    before, after = plain_words(comparison.old_text), plain_words(comparison.new_text)
    return all(
        _is_slip(old, new, vocabulary)
        if old and new and len(old) == len(new)
        else all(word in LEXICON.grammar for word in old + new) and len(old + new) <= FEW
        for old, new in differences(before, after)
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
    allowed = 2 if shorter >= 8 else 1
    return OSA.distance(one, other) <= allowed and (shorter >= 4 or sorted(one) == sorted(other))


def _misspelt(one: str, other: str, vocabulary: tuple[frozenset[str], frozenset[str]]) -> bool:
    """A misspelt word is in neither the lexicon nor the other version; a plural is no new word.

    A word of the lexicon may be mended ("consnet" to "consent"), never lost.
    """
    old_words, new_words = vocabulary
    if one.rstrip("s") == other.rstrip("s"):
        return True
    mended = one not in new_words and not LEXICON.is_charged(one)
    spoilt = other not in old_words and not LEXICON.is_charged(one)
    return mended or (spoilt and not LEXICON.is_charged(other))
