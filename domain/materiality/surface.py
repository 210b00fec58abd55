"""Contact details, links, dates and pointers: what changes on the surface of a policy."""

import re
from datetime import date
from itertools import pairwise

from domain.materiality.context import charges
from domain.materiality.differing import differences
from domain.materiality.lexicon import LEXICON
from domain.materiality.links import pages, says_by_link, sites
from domain.materiality.rules import Comparison
from domain.materiality.signs import signs
from domain.materiality.words import LINK, WORD, plain_words, straightened, words
from domain.texts.clauses import Clause, ClauseKind

MONTH = r"(?:jan|feb|mar|apr|may|june?|july?|aug|sept?|oct|nov|dec)[a-z]*\.?"
DAY = r"\d{1,2}(?:st|nd|rd|th)?(?:\s+of)?"
DATE = re.compile(
    rf"\b(?:{MONTH}\s+{DAY}|{DAY}\s+{MONTH}|{MONTH})(?:,?\s+\d{{4}})\b|\b{MONTH}\s+{DAY}\b"
    r"|\b\d{1,4}[./-]\d{1,2}[./-]\d{1,4}\b",
    re.IGNORECASE,
)
MONTHS = "janfebmaraprmayjunjulaugsepoctnovdec"
COPYRIGHT = re.compile(
    r"(?:\u00a9|\(c\)|copyright)\s*\d{4}(?:\s*[-\u2013]\s*\d{4})?", re.IGNORECASE
)
SECTION_NUMBER = re.compile(
    r"^(?:section|article|part)?\s*(?:\d{1,3}(?:\.\d{1,3})*|[a-z]|[ivx]+)[.):]?\s+(?=\S)",
    re.IGNORECASE,
)
NUMBERED = re.compile(r"\bversion\s+\d+(?:\.\d+)*", re.IGNORECASE)
CONTROLLER = re.compile(
    r"controller|responsible for|provider of the service|representative|recipient|processor|server"
    r"|withdraw",
    re.IGNORECASE,
)
POSTCODE = re.compile(r"\b\d{4,6}\b")
NUMBER_TO_CALL = re.compile(r"\+?[\d\s()./-]{6,30}")
HIDDEN_ADDRESS = re.compile(r"\[email\W+protected\]\w*")
WORDS_OF_AN_ADDRESS = (
    "address attn avenue box building city fax floor house mail office phone postal postcode "
    "road room square street suite tel telephone tower unit zip"
)
ADDRESS = frozenset(WORDS_OF_AN_ADDRESS.split())
WORDS_BESIDE_AN_ADDRESS = (
    "a an and any at by c can care contact department email for have if in is of office on or our "
    "please privacy question questions registered send team the to us via write you"
)
LEADS_TO_AN_ADDRESS = frozenset(WORDS_BESIDE_AN_ADDRESS.split())
WORDS_OF_A_DATE_LINE = (
    "as changed cookie cookies current date dated day document effect effective from in into last "
    "modified month new notice of on our policy posted privacy published revised revision since "
    "starting statement terms time today update updated version was were your"
)
DATE_LINE = frozenset(WORDS_OF_A_DATE_LINE.split())


def only_links(comparison: Comparison) -> bool:
    """Links and mail addresses gave way to others; not those that people exercise a right by."""
    # A page that hides its addresses from machines shows each of them as the same words.
    texts = [HIDDEN_ADDRESS.sub("hidden@", text) for text in comparison.texts]
    old, new = (LINK.sub(" link ", text.replace("hidden@", " link ")) for text in texts)
    before, after = (pages(LINK.findall(text)) for text in texts)
    same_sites = sites(LINK.findall(texts[0])) == sites(LINK.findall(texts[1]))
    clauses = (*comparison.old, *comparison.new)
    return (
        old != texts[0]
        and new != texts[1]
        and plain_words(old) == plain_words(new)
        and signs(old) == signs(new)
        and (before == after or (same_sites and not any(map(says_by_link, clauses))))
    )


def only_contacts(comparison: Comparison) -> bool:
    """Names and figures of an address gave way to others, and nothing is said of data."""
    texts = comparison.texts
    return (
        all(_is_an_address(text) and _is_nothing_else(text) for text in texts)
        and not any(CONTROLLER.search(text) or charges(text) for text in texts)
        and not any(
            reading.mentioned or reading.periods or reading.ages
            for reading in (comparison.before, comparison.after)
        )
        and all(
            all(_is_name(word) for word in before + after)
            for before, after in _differing_as_written(comparison)
        )
    )


def _is_nothing_else(text: str) -> bool:
    """Names, figures and links aside, only words that lead to an address."""
    spoken = WORD.findall(straightened(LINK.sub(" ", text)))
    return all(
        _is_name(word) or word.casefold() in ADDRESS | LEADS_TO_AN_ADDRESS or word in ";:"
        for word in spoken
    )


def _is_an_address(text: str) -> bool:
    return (
        not ADDRESS.isdisjoint(words(text))
        or bool(LINK.search(text))
        or bool(POSTCODE.search(text))
    )


def is_a_number_to_call(statement: Clause) -> bool:
    """A telephone number and nothing else."""
    return bool(NUMBER_TO_CALL.fullmatch(statement.text))


def is_a_date_of_the_document(statement: Clause) -> bool:
    """Only says from when the document is."""
    undated = NUMBERED.sub(" ", DATE.sub(" ", statement.text))
    return bool(DATE.search(statement.text)) and _dates_the_document(undated)


def turns_on_a_name(comparison: Comparison) -> bool:
    """Whether a sentence names somebody or some place anew that has to do with people's data."""
    return (
        comparison.amended
        and _names_matter(comparison)
        and any(
            _is_name(word) and not word.isdigit()
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


def _is_name(word: str) -> bool:
    return (word[0].isupper() or word[0].isdigit()) and not LEXICON.is_charged(word.casefold())


def document_dates(comparison: Comparison) -> bool:
    """Both only say from when the document is, the new one no earlier and no closer to the day on
    which people were told."""
    old, new = comparison.old_text, comparison.new_text
    undated = [NUMBERED.sub(" ", DATE.sub(" ", text)) for text in (old, new)]
    return (
        all(DATE.search(text) for text in (old, new))
        and all(_dates_the_document(text) for text in undated)
        and signs(undated[0]) == signs(undated[1])
        and _go_forward(_days(old), _days(new))
    )


def _days(text: str) -> list[date]:
    """The dates in a text that can be read in one way only."""
    return [day for found in DATE.findall(text) if (day := _day(found))]


def _day(written: str) -> date | None:
    year = re.search(r"\d{4}", written)
    month = re.search(r"[a-z]{3}", written.casefold())
    day = re.search(r"(?<!\d)\d{1,2}(?!\d)", written)
    if not year:
        return None
    if not month:
        numbers = re.fullmatch(r"(\d{4})-(\d{1,2})-(\d{1,2})", written)
        return _date(*map(int, numbers.groups())) if numbers else None
    return _date(int(year[0]), MONTHS.index(month[0]) // 3 + 1, int(day[0]) if day else 1)


def _date(year: int, month: int, day: int) -> date | None:
    try:
        return date(year, month, day)
    except ValueError:
        return None


def _go_forward(old: list[date], new: list[date]) -> bool:
    """No date is earlier than before, and the time from one to another is no shorter."""
    if len(old) != len(new):
        return len(old) < 2 and len(new) < 2
    later = all(after >= before for before, after in zip(old, new, strict=True))
    gaps = [[abs(two - one) for one, two in pairwise(side)] for side in (old, new)]
    return later and all(after >= before for before, after in zip(*gaps, strict=True))


def year_of_rights(comparison: Comparison) -> bool:
    """Only the year behind a copyright sign differs."""
    old, new = comparison.old_text, comparison.new_text
    return old != new and COPYRIGHT.sub("", old) == COPYRIGHT.sub("", new)


def renumbered(comparison: Comparison) -> bool:
    """The same heading under another number."""
    headings = (*comparison.old, *comparison.new)
    old, new = (SECTION_NUMBER.sub("", text) for text in comparison.texts)
    return all(one.kind is ClauseKind.HEADING for one in headings) and old == new


def _dates_the_document(undated: str) -> bool:
    return all(word in DATE_LINE or word in LEXICON.grammar for word in plain_words(undated))
