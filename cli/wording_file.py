"""What people read of a version, as legal types or files it: words by language."""

import re
import tomllib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from database.campaigns.corrections import RightWords
    from database.policies.wording import Words


class WordsRefused(Exception):
    """The words cannot be read; nothing was stored."""


def typed_words(language: str | None, summary: str | None, sentences: Sequence[str]) -> "Words":
    """Words from options: sentences like F1=TEXT. Raises WordsRefused."""
    from database.policies.wording import Words

    if language is None:
        raise WordsRefused("--language says which language it is, like de. Nothing was stored.")
    told = {}
    for given in sentences:
        key, sign, sentence = given.partition("=")
        if not sign:
            raise WordsRefused(f"--sentence {given}: write it like F1=TEXT. Nothing was stored.")
        told[_key(key)] = sentence
    return Words(language=language, summary=summary, sentences=told)


def read_words(file: Path) -> Sequence["Words"]:
    """Words from a TOML file: a table for each language; `summary`, findings, purposes as keys.

    Raises WordsRefused.
    """
    return [_words(file, language, table) for language, table in _tables(file).items()]


def read_corrections(file: Path) -> Sequence["RightWords"]:
    """As `read_words`, with what those are told who had a wrong mail as `mail`."""
    return [right_words(_words(file, language, table)) for language, table in _tables(file).items()]


def right_words(words: "Words", mail: str = "") -> "RightWords":
    """Words with what is mailed about them: what was given, or stands among them as `mail`."""
    from database.campaigns.corrections import RightWords

    sentences = dict(words.sentences)
    told = sentences.pop("mail", mail)
    return RightWords(
        language=words.language, mail=told, summary=words.summary, sentences=sentences
    )


def _tables(file: Path) -> Mapping[str, object]:
    try:
        return tomllib.loads(file.read_text(encoding="utf-8"))
    except OSError as fault:
        reason = (fault.strerror or str(fault)).lower()
        raise WordsRefused(f"{file}: {reason}. Nothing was stored.") from None
    except ValueError as fault:  # no TOML, or no UTF-8
        raise WordsRefused(f"{file}: {fault}. Nothing was stored.") from None


def _words(file: Path, language: str, table: object) -> "Words":
    from database.policies.wording import SUMMARY, Words

    if not isinstance(table, Mapping):
        raise WordsRefused(
            f"{file}: {language} stands outside a table such as [de]. Nothing was stored."
        )
    for name, value in table.items():
        if not isinstance(value, str):
            raise WordsRefused(f"{file}: [{language}] {name} is no text. Nothing was stored.")
    return Words(
        language=language,
        summary=table.get(SUMMARY),
        sentences={_key(name): told for name, told in table.items() if name != SUMMARY},
    )


def _key(given: str) -> str:
    """Of a finding, or of the law that requires it, like F1-law, with one capital; of a purpose,
    without."""
    key = given.strip().lower()
    return key.capitalize() if re.fullmatch("f[0-9]+(-law)?", key) else key
