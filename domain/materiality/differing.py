"""What differs between two texts, word by word."""

import re
from collections import Counter
from collections.abc import Sequence
from itertools import chain

from domain.materiality.lexicon import LEXICON
from domain.materiality.reading import read
from domain.materiality.rules import Comparison
from domain.materiality.words import LINK, WORD, plain_words, straightened, words
from domain.texts.matching import common_runs

# Words and figures that decide what a sentence means; a change that touches one is never a slip.
CRITICAL = frozenset(
    f"words.{mark}"
    for mark in (
        "negation",
        "not_a_negation",
        "exceptions",
        "limits",
        "widening",
        "firm",
        "loose",
        "consent",
        "opt_out",
        "open_ended",
        "anonymous",
        "by_default",
        "hurdle",
    )
)
FEW = 3
AN_EDIT = 6  # words, within which a sentence has stayed the same sentence


def turns_on_few_words(comparison: Comparison) -> bool:
    """Whether a sentence stayed and only a few words of it changed, came or went."""
    if not comparison.amended:
        return False
    changed = differences(plain_words(comparison.old_text), plain_words(comparison.new_text))
    return sum(max(len(old), len(new)) for old, new in changed) <= AN_EDIT


def changed_words(comparison: Comparison) -> frozenset[str]:
    """The words in small letters that came or went: no names, figures or words of grammar."""
    old, new = (
        [word for word in WORD.findall(straightened(LINK.sub(" ", text))) if word.islower()]
        for text in (comparison.old_text, comparison.new_text)
    )
    changed = chain.from_iterable(chain(*pair) for pair in differences(old, new))
    return frozenset(changed) - LEXICON.grammar - LEXICON.english


def critical(text: str) -> Counter[str]:
    """The words, figures and lengths of time that decide what a text means."""
    spoken = words(text)
    found: Counter[str] = Counter(re.findall(r"\d+|[%$\u20ac\u00a3]", " ".join(spoken)))
    for mention in LEXICON.mentions(spoken):
        if mention.label in CRITICAL:
            found[" ".join(spoken[mention.start : mention.end])] += 1
    found.update(f"{period.days} days" for period in read(text).periods)
    return found


def differences(before: Sequence[str], after: Sequence[str]) -> list[tuple[list[str], list[str]]]:
    """The stretches of words that differ, between stretches that are the same."""
    found, old, new = [], 0, 0
    for start, counterpart, length in [
        *common_runs(before, after),
        (len(before), len(after), 0),
    ]:
        if start > old or counterpart > new:
            found.append((list(before[old:start]), list(after[new:counterpart])))
        old, new = start + length, counterpart + length
    return found
