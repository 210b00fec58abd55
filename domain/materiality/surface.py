"""Names, links, dates and pointers: what changes on the surface of a policy."""

import re

from domain.clauses import Clause
from domain.materiality.differing import differences
from domain.materiality.lexicon import LEXICON
from domain.materiality.reading import read
from domain.materiality.rules import Comparison
from domain.materiality.words import LINK, WORD, plain_words, straightened

LONGEST_POINTER = 14  # words
MONTH = r"(?:jan|feb|mar|apr|may|june?|july?|aug|sept?|oct|nov|dec)[a-z]*\.?"
DAY = r"\d{1,2}(?:st|nd|rd|th)?(?:\s+of)?"
DATE = re.compile(
    rf"\b(?:{MONTH}\s+{DAY}|{DAY}\s+{MONTH}|{MONTH})(?:,?\s+\d{{4}})\b|\b{MONTH}\s+{DAY}\b"
    r"|\b\d{1,4}[./-]\d{1,2}[./-]\d{1,4}\b",
    re.IGNORECASE,
)
CONTROLLER = re.compile(r"controller|responsible for|provider of the service", re.IGNORECASE)
LONGEST_DATE_LINE = 120


def points_elsewhere(statement: Clause) -> bool:
    """Only says where something else is to be read."""
    reading = read(statement.text)
    spoken = len(plain_words(statement.text))
    return (
        reading.says("pointer")
        and spoken <= LONGEST_POINTER
        and not (reading.burdens - {"use", "collect"})
        and not any(reading.of(kind) for kind in ("data", "purposes", "recipients", "rights"))
        and not any(reading.says(mark) for mark in ("negation", "opt_out", "consent", "free_text"))
    )


def only_links(comparison: Comparison) -> bool:
    """Links and mail addresses gave way to others."""
    old, new = (
        plain_words(LINK.sub(" link ", text)) for text in (comparison.old_text, comparison.new_text)
    )
    return old == new


def only_names(comparison: Comparison) -> bool:
    """Names, or figures of an address, gave way to others, and say nothing of people's data."""
    about_data = comparison.before.burdens or comparison.after.burdens
    timed = comparison.before.periods or comparison.after.periods or comparison.after.ages
    figures = not about_data and not timed
    return not _names_matter(comparison) and all(
        before and after and all(_is_name(word, figures=figures) for word in before + after)
        for before, after in _differing_as_written(comparison)
    )


def turns_on_a_name(comparison: Comparison) -> bool:
    """Whether a sentence names somebody or some place anew that has to do with people's data."""
    return (
        comparison.amended
        and _names_matter(comparison)
        and any(
            _is_name(word, figures=False)
            for _, after in _differing_as_written(comparison)
            for word in after
        )
    )


def _names_matter(comparison: Comparison) -> bool:
    """A name can say who the controller is, to whom data goes, and where it lies."""
    return bool(CONTROLLER.search(comparison.old_text + comparison.new_text)) or any(
        reading.says("abroad")
        or reading.allowed & {"share", "sell"}
        or (reading.says("personal") and "keep" in reading.allowed)
        for reading in (comparison.before, comparison.after)
    )


def _differing_as_written(comparison: Comparison) -> list[tuple[list[str], list[str]]]:
    """The words that differ in the letters they are written in, links left out of account."""
    old, new = (
        WORD.findall(straightened(LINK.sub(" link ", text)))
        for text in (comparison.old_text, comparison.new_text)
    )
    return differences(old, new)


def _is_name(word: str, *, figures: bool) -> bool:
    if word.isdigit():
        return figures
    return (word[0].isupper() or word[0].isdigit()) and not LEXICON.is_charged(word.casefold())


def document_dates(comparison: Comparison) -> bool:
    """Both lines only say from when the document is."""
    return all(_dates_the_document(text) for text in (comparison.old_text, comparison.new_text))


def _dates_the_document(text: str) -> bool:
    return (
        len(text) <= LONGEST_DATE_LINE
        and read(text).says("document_date")
        and not read(text).burdens
    )


def only_dates(comparison: Comparison) -> bool:
    """Calendar dates gave way to others, and nothing is done with data on them."""
    old, new = (
        plain_words(DATE.sub(" date ", text)) for text in (comparison.old_text, comparison.new_text)
    )
    return old == new and not comparison.before.burdens and not comparison.after.burdens
