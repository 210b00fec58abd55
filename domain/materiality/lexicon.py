"""The lexicon in `lexicon.toml`: counsel's words, checked and ready to be looked for."""

import tomllib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from hashlib import sha256
from pathlib import Path
from typing import Any

from domain.materiality.assessment import Practice
from domain.materiality.words import STRAIGHT, Mention, Phrasebook

KINDS = ("data", "purposes", "recipients", "rights", "safeguards")
LISTS = ("acts", "words", "roles")
# The lists that the rules ask for by name: one more, or one misspelt, would not be asked for.
NAMES_OF_LISTS = {
    "acts": "collect delete keep notify protect respond sell share use",
    "roles": "breach notice response retention",
    "words": "abroad anonymous answerable asked_for_approval by_default change choice consent "
    "contact corporate definition document_date english entitled exceptions firm framework "
    "free_text grammar hurdle law limits loose minors negation not_a_negation not_answerable "
    "open_ended opt_out parent personal pointer policy told_ahead told_by_mail unprotected "
    "widening",
}


class LexiconRefused(ValueError):
    """The lexicon cannot be used; the message names the entry and what is wrong with it."""


@dataclass(frozen=True, kw_only=True)
class Term:
    """A thing a clause can speak of."""

    key: str
    name: str
    practice: str


@dataclass(frozen=True)
class Lexicon:
    """Everything the rules look for; `fingerprint` changes whenever a word of it does."""

    source: bytes

    def __post_init__(self) -> None:
        """Raises LexiconRefused, so that a mistake in the file stops the start."""
        for table in self._entries.keys() ^ {*KINDS, *LISTS}:
            raise LexiconRefused(f"[{table}] is missing, or is none of the lexicon's tables.")
        _ = self.terms
        for label, phrase in self.phrases():
            _check(label, phrase)
        for table, lists in NAMES_OF_LISTS.items():
            for name in self._entries[table].keys() ^ {*lists.split()}:
                raise LexiconRefused(
                    f"[{table}] has no list {name}, or has one that no rule asks for."
                )

    @cached_property
    def fingerprint(self) -> str:
        return sha256(self.source).hexdigest()[:8]

    @cached_property
    def _entries(self) -> dict[str, Any]:
        try:
            return tomllib.loads(self.source.decode())
        except UnicodeDecodeError as error:
            raise LexiconRefused("The lexicon is not UTF-8 text; save it as UTF-8.") from error
        except tomllib.TOMLDecodeError as error:
            raise LexiconRefused(f"The lexicon is not TOML: {error}") from error

    @cached_property
    def terms(self) -> dict[str, dict[str, Term]]:
        """`data`, `purposes`, `recipients`, `rights` and `safeguards`, each by key."""
        return {
            kind: {key: _term(kind, key, entry) for key, entry in self._entries[kind].items()}
            for kind in KINDS
        }

    def phrases(self) -> Iterator[tuple[str, str]]:
        """Every phrase with its label: `data.location`, `acts.share`, `words.negation`."""
        for kind in KINDS:
            for key, entry in self._entries[kind].items():
                yield from _labelled(f"{kind}.{key}", entry.get("phrases"))
        for kind in LISTS:
            for key, phrases in self._entries[kind].items():
                yield from _labelled(f"{kind}.{key}", phrases)

    @cached_property
    def _book(self) -> Phrasebook:
        return Phrasebook.of(self.phrases())

    def mentions(self, text: Iterable[str]) -> tuple[Mention, ...]:
        """All that the lexicon knows in a text, in the order of the text."""
        spoken = tuple(text)
        return tuple(one for one in self._book.mentions(spoken) if not _is_month(spoken, one))

    def mentioned(self, text: Iterable[str]) -> Iterator[str]:
        """The phrases themselves, in the words of the text."""
        spoken = tuple(text)
        for mention in self.mentions(spoken):
            yield " ".join(spoken[mention.start : mention.end])

    @cached_property
    def grammar(self) -> frozenset[str]:
        """Words that come and go without a change of meaning."""
        return frozenset(self._entries["words"]["grammar"])

    @cached_property
    def english(self) -> frozenset[str]:
        """The commonest English words, by which a text in English is known."""
        return frozenset(self._entries["words"]["english"])

    def is_charged(self, word: str) -> bool:
        """Whether a single word carries meaning here, so that it is never taken for a slip."""
        return any(
            mention.label not in ("words.grammar", "words.english", "words.personal")
            and not mention.label.startswith("roles.")
            for mention in self._book.mentions((word,))
        )


def _is_month(spoken: Sequence[str], mention: Mention) -> bool:
    """Whether "may" is the month: a figure stands beside it."""
    beside = (*spoken[mention.start - 1 : mention.start], *spoken[mention.end : mention.end + 1])
    return spoken[mention.start : mention.end] == ("may",) and any(
        word[:1].isdigit() for word in beside
    )


def _labelled(label: str, phrases: object) -> Iterator[tuple[str, str]]:
    if not isinstance(phrases, list) or not all(isinstance(phrase, str) for phrase in phrases):
        raise LexiconRefused(f'[{label}] needs its phrases as a list: phrases = ["a", "b"].')
    return ((label, phrase) for phrase in phrases)


def _term(kind: str, key: str, entry: object) -> Term:
    if not isinstance(entry, Mapping):
        raise LexiconRefused(f"[{kind}.{key}] is no term: it needs a name and phrases.")
    practice = entry.get("practice", Practice.OTHER)
    if not isinstance(entry.get("name"), str):
        raise LexiconRefused(f"[{kind}.{key}] has no name; explanations need one.")
    if practice not in set(Practice):
        known = ", ".join(sorted(Practice))
        raise LexiconRefused(f'[{kind}.{key}] has the practice "{practice}"; there are: {known}.')
    return Term(key=key, name=entry["name"], practice=practice)


def _check(label: str, phrase: str) -> None:
    if phrase != phrase.casefold() or not phrase.strip(" *"):
        raise LexiconRefused(f'[{label}] has the phrase "{phrase}"; write it in small letters.')
    if phrase != phrase.translate(STRAIGHT):
        raise LexiconRefused(
            f"[{label}] has the phrase “{phrase}”; write ' and - as they are typed."
        )
    if any("*" in word[:-1] for word in phrase.split()):
        raise LexiconRefused(
            f'[{label}] has the phrase "{phrase}"; `*` can only end a word, for any ending.'
        )


LEXICON = Lexicon(source=Path(__file__).with_name("lexicon.toml").read_bytes())
