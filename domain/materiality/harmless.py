"""What shows a change to be harmless. Whatever is not shown here goes to a person."""

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from itertools import chain

from rapidfuzz.distance import OSA

from domain.clauses import Clause, ClauseKind
from domain.matching import common_runs
from domain.materiality.lexicon import LEXICON
from domain.materiality.periods import PERIOD
from domain.materiality.reading import read
from domain.materiality.rules import Comparison, Version
from domain.materiality.words import WORD, straightened, words

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
LONGEST_POINTER = 14  # words
LINK = re.compile(r"https?://\S+|www\.\S+|\b[\w.+-]+\s?@\s?[\w-]+\.[\w.]+|\[email\W+protected\]")
MONTH = r"(?:jan|feb|mar|apr|may|june?|july?|aug|sept?|oct|nov|dec)[a-z]*\.?"
DAY = r"\d{1,2}(?:st|nd|rd|th)?(?:\s+of)?"
DATE = re.compile(
    rf"\b(?:{MONTH}\s+{DAY}|{DAY}\s+{MONTH}|{MONTH})(?:,?\s+\d{{4}})\b|\b{MONTH}\s+{DAY}\b"
    r"|\b\d{1,4}[./-]\d{1,2}[./-]\d{1,4}\b",
    re.IGNORECASE,
)
CONTROLLER = re.compile(r"controller|responsible for|provider of the service", re.IGNORECASE)
LONGEST_DATE_LINE = 120


def shown_harmless(comparison: Comparison) -> str | None:
    """The name of what shows it harmless, or None."""
    if not comparison.old:
        return _one_sided(comparison.new, comparison.old_version)
    if not comparison.new:
        return _one_sided(comparison.old, comparison.new_version)
    if comparison.old_text == comparison.new_text:
        return "moved"
    before, after = _words(comparison.old_text), _words(comparison.new_text)
    if before == after:
        return "formatting"
    if _date_of_document(comparison.old_text) and _date_of_document(comparison.new_text):
        return "date of the document"
    if _only_dates(comparison):
        return "date"
    if _without_links(comparison.old_text) == _without_links(comparison.new_text):
        return "link or address"
    if _only_names(comparison):
        return "name or contact details"
    if _critical(comparison.old_text) != _critical(comparison.new_text):
        return None
    if "".join(before) == "".join(after):
        return "spacing"
    if _reordered(comparison, before, after):
        return "reordered"
    return "typing correction" if _slips_only(before, after, comparison) else None


def turns_on_a_word(comparison: Comparison) -> bool:
    """Whether hardly more changed than a word that decides what the sentence means."""
    if not comparison.amended or _critical(comparison.old_text) == _critical(comparison.new_text):
        return False
    changed = _differences(_words(comparison.old_text), _words(comparison.new_text))
    return sum(max(len(old), len(new)) for old, new in changed) <= FEW


def changed_words(comparison: Comparison) -> frozenset[str]:
    """The words in small letters that came or went: no names, figures or words of grammar."""
    old, new = (
        [word for word in WORD.findall(straightened(LINK.sub(" ", text))) if word.islower()]
        for text in (comparison.old_text, comparison.new_text)
    )
    changed = chain.from_iterable(chain(*pair) for pair in _differences(old, new))
    return frozenset(changed) - LEXICON.grammar - LEXICON.english


def in_other_lines(
    old: Sequence[Clause], new: Sequence[Clause]
) -> tuple[frozenset[Clause], frozenset[Clause]]:
    """The statements whose words stand in the other version too, in order and side by side.

    A text that was only broken into lines, items or cells in another way has no others.
    """
    old_words, new_words = (
        [[(_denies(one), word) for word in _words(one.text)] for one in side] for side in (old, new)
    )
    place_in_new: dict[int, int] = {}
    place_in_old: dict[int, int] = {}
    for start, counterpart, length in common_runs(
        list(chain.from_iterable(old_words)), list(chain.from_iterable(new_words))
    ):
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
        _words(PERIOD.sub("period", straightened(text)))
        for text in (comparison.old_text, comparison.new_text)
    )
    return old == new


def context_differs(old: Clause, new: Clause) -> bool:
    """Whether the same words now stand under a heading or stem that denies, or no longer does."""
    return _denies(old) != _denies(new)


def _denies(clause: Clause) -> bool:
    return read(" ".join((*clause.path, clause.stem))).says("negation")


def _one_sided(statements: tuple[Clause, ...], other: Version) -> str | None:
    """A statement that came or went says nothing new if the other version says it too."""
    if all(_says_nothing(statement) for statement in statements):
        return "heading"
    if all(_points_elsewhere(statement) for statement in statements):
        return "pointer"
    said = {_key(statement) for statement in other.statements}
    return "stated elsewhere" if all(_key(one) in said for one in statements) else None


def _says_nothing(statement: Clause) -> bool:
    if statement.kind is not ClauseKind.HEADING:
        return False
    reading = read(statement.text)
    charged = reading.says("negation") or reading.says("consent") or "sell" in reading.allowed
    return not charged and not reading.periods


def _points_elsewhere(statement: Clause) -> bool:
    """Only says where something else is to be read."""
    reading = read(statement.text)
    spoken = len(_words(statement.text))
    return (
        reading.says("pointer")
        and spoken <= LONGEST_POINTER
        and not (reading.burdens - {"use", "collect"})
        and not any(reading.of(kind) for kind in ("data", "purposes", "recipients", "rights"))
        and not any(reading.says(mark) for mark in ("negation", "opt_out", "consent", "free_text"))
    )


def _without_links(text: str) -> str:
    """The words with each link and mail address as one and the same word."""
    return " ".join(_words(LINK.sub(" link ", text)))


def _only_names(comparison: Comparison) -> bool:
    """Names, or figures of an address, gave way to others; not who the controller is."""
    old, new = (
        WORD.findall(straightened(LINK.sub(" link ", text)))
        for text in (comparison.old_text, comparison.new_text)
    )
    about_data = comparison.before.burdens or comparison.after.burdens
    timed = comparison.before.periods or comparison.after.periods or comparison.after.ages
    figures = not about_data and not timed
    return not CONTROLLER.search(comparison.old_text + comparison.new_text) and all(
        before and after and all(_is_name(word, figures=figures) for word in before + after)
        for before, after in _differences(old, new)
    )


def _is_name(word: str, *, figures: bool) -> bool:
    if word.isdigit():
        return figures
    return (word[0].isupper() or word[0].isdigit()) and not LEXICON.is_charged(word.casefold())


def _key(statement: Clause) -> tuple[bool, str]:
    return _denies(statement), " ".join(_words(statement.text))


def _words(text: str) -> list[str]:
    spoken = [word for word in words(text) if word not in ";:"]
    return [word for place, word in enumerate(spoken) if place == 0 or word != spoken[place - 1]]


def _critical(text: str) -> Counter[str]:
    spoken = words(text)
    found: Counter[str] = Counter(re.findall(r"\d+|[%$\u20ac\u00a3]", " ".join(spoken)))
    for mention in LEXICON.mentions(spoken):
        if mention.label in CRITICAL:
            found[" ".join(spoken[mention.start : mention.end])] += 1
    found.update(f"{period.days} days" for period in read(text).periods)
    return found


def _date_of_document(text: str) -> bool:
    return (
        len(text) <= LONGEST_DATE_LINE
        and read(text).says("document_date")
        and not read(text).burdens
    )


def _only_dates(comparison: Comparison) -> bool:
    """Calendar dates gave way to others, and nothing is done with data on them."""
    old, new = (
        _words(DATE.sub(" date ", text)) for text in (comparison.old_text, comparison.new_text)
    )
    return old == new and not comparison.before.burdens and not comparison.after.burdens


def _reordered(comparison: Comparison, before: list[str], after: list[str]) -> bool:
    """The same words in another order; not where order may say who gives what to whom."""
    sides = (comparison.before, comparison.after)
    plain = all(
        not reading.says("negation") and not reading.allowed & {"share", "sell"}
        for reading in sides
    )
    return plain and Counter(before) == Counter(after)


def _slips_only(before: list[str], after: list[str], comparison: Comparison) -> bool:
    vocabulary = (comparison.old_version.vocabulary, comparison.new_version.vocabulary)
    return all(
        _is_slip(old, new, vocabulary)
        if old and new and len(old) == len(new)
        else all(word in LEXICON.grammar for word in old + new) and len(old + new) <= FEW
        for old, new in _differences(before, after)
    )


def _differences(before: list[str], after: list[str]) -> list[tuple[list[str], list[str]]]:
    """The stretches of words that differ, between stretches that are the same."""
    found, old, new = [], 0, 0
    for start, counterpart, length in [
        *common_runs(before, after),
        (len(before), len(after), 0),
    ]:
        if start > old or counterpart > new:
            found.append((before[old:start], after[new:counterpart]))
        old, new = start + length, counterpart + length
    return found


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
