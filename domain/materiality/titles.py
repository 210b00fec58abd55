"""Titles and pointers: they say where something stands, and nothing of what is done."""

from domain.materiality.context import charges
from domain.materiality.lexicon import LEXICON
from domain.materiality.reading import read
from domain.materiality.rules import Version
from domain.materiality.weighing import WEIGHTS
from domain.materiality.words import plain_words, root, words
from domain.texts.clauses import Clause, ClauseKind

LONGEST_POINTER = 14  # words
ASKING = frozenset({"how", "what", "when", "why", "where", "which", "who", "whom", "whose"})
ABOUT_SOMEBODY = frozenset({"we", "they", "you", "it", "us"})
OURS = frozenset({"we", "us", "our", "you", "your"})
SAYING = frozenset(
    {"for", "is", "are", "will", "may", "can", "must", "shall", "used", "shared", "seen"}
)
USES_OF_A_CHOICE = frozenset({"choice", "opt_out", "consent", "entitled", "negation", "free_text"})


def is_a_title(statement: Clause, other: Version) -> bool:
    """A title of words that say what it is about: `How we reach you`, `Information we collect`.

    Any other may say to whom, or whether, all below it applies: `Premium subscribers`, `Repealed`.
    """
    if statement.kind is not ClauseKind.HEADING:
        return False
    spoken = plain_words(statement.text)
    asks = not ASKING.isdisjoint(spoken[:1])
    charged = charges(statement.text) - {"words.law", "words.parent"}
    sells = "sell" in read(statement.text).allowed
    if charged or sells or _names_a_right(statement) or (not asks and _is_a_sentence(spoken)):
        return False
    asks_about_us = asks and not OURS.isdisjoint(spoken)
    return all(
        _is_known(word, other) or (asks_about_us and WEIGHTS.met(root(word))) for word in spoken
    )


def is_a_pointer(statement: Clause, other: Version) -> bool:
    """Only says where something else is to be read, and is no way to a right or a choice."""
    reading = read(statement.text)
    spoken = plain_words(statement.text)
    return (
        reading.says("pointer")
        and len(spoken) <= LONGEST_POINTER
        and "which" not in spoken
        and not (reading.mentioned - {"use", "collect"})
        and not any(reading.of(kind) for kind in ("data", "purposes", "recipients"))
        and not any(reading.says(mark) for mark in USES_OF_A_CHOICE)
        and not _names_a_right(statement)
        and all(_is_known(word, other) or WEIGHTS.met(root(word)) for word in spoken)
    )


def _names_a_right(statement: Clause) -> bool:
    mentions = LEXICON.mentions(words(statement.text))
    return any(mention.label.startswith("rights.") for mention in mentions)


def _is_a_sentence(title: tuple[str, ...]) -> bool:
    """`We share your location`; and `for` says to whom the words below apply."""
    return not (ABOUT_SOMEBODY.isdisjoint(title[:2]) and SAYING.isdisjoint(title))


def _is_known(word: str, other: Version) -> bool:
    return (
        word in LEXICON.grammar
        or word in LEXICON.english
        or word in ASKING
        or word in other.vocabulary
        or any(LEXICON.mentions([word]))
    )
