"""What shows a change to be harmless. Whatever is not shown here goes to a person.

Each reason has its proof. All ask that what stands above still means the same; those that look at
words only loosely, that no word, figure or sign differs that decides what a sentence means.
"""

from collections.abc import Callable, Mapping

from domain.materiality.context import context_differs
from domain.materiality.differing import critical, differences
from domain.materiality.periods import PERIOD, says_two_lengths
from domain.materiality.rules import Comparison, Version, saying
from domain.materiality.signs import signs
from domain.materiality.slips import is_met, reordered, slips_only, spelled_out
from domain.materiality.surface import (
    document_dates,
    is_a_date_of_the_document,
    is_a_number_to_call,
    only_contacts,
    only_links,
    renumbered,
    year_of_rights,
)
from domain.materiality.titles import is_a_pointer, is_a_title
from domain.materiality.words import plain_words, straightened
from domain.texts.clauses import Clause


def shown_harmless(comparison: Comparison) -> str | None:
    """The name of what shows it harmless, or None."""
    if not comparison.old:
        return _one_sided(comparison.new, comparison.old_version)
    if not comparison.new:
        return _one_sided(comparison.old, comparison.new_version)
    if context_differs(comparison.old[0], comparison.new[0]):
        return None
    same_meaning = _decisive(comparison.old_text) == _decisive(comparison.new_text)
    shown_by = {**WHATEVER_IT_SAYS, **(IF_NOTHING_DECIDES if same_meaning else {})}
    return next((name for name, shows in shown_by.items() if shows(comparison)), None)


def _decisive(text: str) -> tuple[object, ...]:
    """The words, figures and signs that decide, wherever they stand."""
    return critical(text), _kinds(text)


def _kinds(text: str) -> list[str]:
    return [sign for _, sign in signs(text)]


def _same_text(comparison: Comparison) -> bool:
    return comparison.old_text == comparison.new_text


def _same_words(comparison: Comparison) -> bool:
    old, new = comparison.old_text, comparison.new_text
    return plain_words(old) == plain_words(new) and signs(old) == signs(new)


def _same_letters(comparison: Comparison) -> bool:
    old, new = (plain_words(text) for text in (comparison.old_text, comparison.new_text))
    return (
        old != new
        and "".join(old) == "".join(new)
        and all(not all(map(is_met, (*one, *other))) for one, other in differences(old, new))
    )


def _same_but_for_spelling(comparison: Comparison) -> bool:
    old, new = comparison.old_text, comparison.new_text
    spelled_alike = plain_words(old) != plain_words(new) and spelled_out(old) == spelled_out(new)
    return spelled_alike and _kinds(old) == _kinds(new)


def _same_length_of_time(comparison: Comparison) -> bool:
    """`30 days` and `thirty (30) days`, `two weeks` and `14 days`."""
    days = [
        [period.days for period in one.periods] for one in (comparison.before, comparison.after)
    ]
    texts = (comparison.old_text, comparison.new_text)
    timeless = [signs(PERIOD.sub("period", text)) for text in texts]
    same_length = bool(days[0]) and days[0] == days[1] and not any(map(says_two_lengths, texts))
    return same_length and same_but_for_periods(comparison) and timeless[0] == timeless[1]


WHATEVER_IT_SAYS: Mapping[str, Callable[[Comparison], bool]] = {
    "moved": _same_text,
    "formatting": _same_words,
    "spelling": _same_but_for_spelling,
    "length of time": _same_length_of_time,
    "date of the document": document_dates,
    "year of copyright": year_of_rights,
    "numbering": renumbered,
    "link or address": only_links,
    "contact details": only_contacts,
}
IF_NOTHING_DECIDES: Mapping[str, Callable[[Comparison], bool]] = {
    "spacing": _same_letters,
    "reordered": reordered,
    "typing correction": slips_only,
}


def same_but_for_periods(comparison: Comparison) -> bool:
    """Whether nothing but lengths of time differs: then a rule on periods has said it all."""
    old, new = (
        plain_words(PERIOD.sub("period", straightened(text)))
        for text in (comparison.old_text, comparison.new_text)
    )
    return old == new


def _one_sided(statements: tuple[Clause, ...], other: Version) -> str | None:
    """A statement that came or went says nothing new if the other version says it too."""
    if all(is_a_title(statement, other) for statement in statements):
        return "heading"
    if all(is_a_pointer(statement, other) for statement in statements):
        return "pointer"
    if all(is_a_date_of_the_document(statement) for statement in statements):
        return "date of the document"
    if all(is_a_number_to_call(statement) for statement in statements):
        return "contact details"
    return "stated elsewhere" if all(saying(one) in other.sayings for one in statements) else None
