"""The lexicon in `lexicon.toml`, compiled: counsel's words, ready to be looked for."""

import re
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from hashlib import sha256
from pathlib import Path
from typing import Any

STRAIGHT_QUOTES = str.maketrans("\u2018\u2019\u201c\u201d\u2010\u2011\u2013\u2014", "''\"\"----")


@dataclass(frozen=True, kw_only=True)
class Term:
    """A thing a clause can speak of. Of weight `material`, its start is adverse by itself."""

    key: str
    name: str
    weight: str
    practice: str
    pattern: re.Pattern[str]


@dataclass(frozen=True)
class Lexicon:
    """Everything the rules look for; `fingerprint` changes whenever a word of it does."""

    source: bytes

    @cached_property
    def fingerprint(self) -> str:
        return sha256(self.source).hexdigest()[:8]

    @cached_property
    def _entries(self) -> dict[str, Any]:
        return tomllib.loads(self.source.decode())

    @cached_property
    def terms(self) -> dict[str, dict[str, Term]]:
        """`data`, `purposes`, `recipients`, `rights` and `safeguards`, each by key."""
        kinds = ("data", "purposes", "recipients", "rights", "safeguards")
        return {
            kind: {key: _term(key, entry) for key, entry in self._entries[kind].items()}
            for kind in kinds
        }

    @cached_property
    def acts(self) -> dict[str, re.Pattern[str]]:
        return _patterns(self._entries["acts"])

    @cached_property
    def words(self) -> dict[str, re.Pattern[str]]:
        lists = {name: words for name, words in self._entries["words"].items() if name != "roles"}
        return _patterns(lists)

    @cached_property
    def roles(self) -> dict[str, re.Pattern[str]]:
        """What a period can be for: a response, a notice, a breach, retention."""
        return _patterns(self._entries["words"]["roles"])

    @cached_property
    def grammar(self) -> frozenset[str]:
        """Words that come and go without a change of meaning."""
        return frozenset(self._entries["words"]["grammar"])

    def is_charged(self, word: str) -> bool:
        """Whether a single word carries meaning here, so that it is never taken for a slip."""
        return bool(self._charged.fullmatch(word))

    @cached_property
    def _charged(self) -> re.Pattern[str]:
        entries, words = self._entries, self._entries["words"]
        phrases = [phrase for act in entries["acts"].values() for phrase in act]
        for kind in self.terms:
            phrases += [phrase for entry in entries[kind].values() for phrase in entry["phrases"]]
        for name, listed in words.items():
            if name not in ("grammar", "english", "personal", "roles"):
                phrases += listed
        return _pattern(phrase for phrase in phrases if " " not in phrase)


def straightened(text: str) -> str:
    """Typographic quotes and dashes as typed ones, character for character."""
    return text.translate(STRAIGHT_QUOTES)


def _term(key: str, entry: Mapping[str, Any]) -> Term:
    return Term(
        key=key,
        name=entry["name"],
        weight=entry.get("weight", "unclear"),
        practice=entry.get("practice", "other"),
        pattern=_pattern(entry["phrases"]),
    )


def _patterns(lists: Mapping[str, Iterable[str]]) -> dict[str, re.Pattern[str]]:
    return {name: _pattern(phrases) for name, phrases in lists.items()}


def _pattern(phrases: Iterable[str]) -> re.Pattern[str]:
    written = [
        r"[\s-]+".join(re.escape(word).replace(r"\*", r"\w*") for word in phrase.split())
        for phrase in sorted(phrases, key=lambda phrase: (-len(phrase), phrase))
    ]
    return re.compile(rf"(?<![\w'])(?:{'|'.join(written)})(?!\w)", re.IGNORECASE)


LEXICON = Lexicon(source=Path(__file__).with_name("lexicon.toml").read_bytes())
