"""The fields in which legal writes what people read of a version, and what was changed in them."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256

from database.campaigns.corrections import RightWords
from database.policies.wording import SUMMARY, Told, Words, WordsState
from web.forms import Posted

PREFIX = "words:"
RIGHT = "right:"


@dataclass(frozen=True, kw_only=True)
class WordsField:
    """A field of the page. Its name says what stood there, so that only changes are taken: what a
    colleague wrote meanwhile stays."""

    name: str
    language: str
    text: str
    state: WordsState


def fields_of(told: Iterable[Told], posted: Posted) -> Mapping[str, Sequence[WordsField]]:
    """The fields by what they are of: the summary, a finding's key. As posted, if it was."""
    fields: dict[str, list[WordsField]] = {}
    for words in told:
        name = f"{PREFIX}{words.language}:{words.of}:{_digest(words.text)}"
        if words.state is not WordsState.NOT_NEEDED:
            fields.setdefault(words.of, []).append(
                WordsField(
                    name=name,
                    language=words.language,
                    text=posted.text(name) or words.text,
                    state=words.state,
                )
            )
    return fields


def changed_words(posted: Posted) -> tuple[Words, ...]:
    """What was changed in the fields, by language."""
    changed: dict[str, dict[str, str]] = {}
    for name, text in posted.with_prefix(PREFIX).items():
        language, of, stood = (*name.split(":"), "", "")[:3]
        if text.strip() and _digest(text) != stood:
            changed.setdefault(language, {})[of] = text
    return tuple(
        Words(language=language, summary=said.pop(SUMMARY, None), sentences=said)
        for language, said in changed.items()
    )


def right_words(posted: Posted) -> tuple[RightWords, ...]:
    """What a correction is to say, by language; its fields are named `right:LANGUAGE:OF`."""
    said: dict[str, dict[str, str]] = {}
    for name, text in posted.with_prefix(RIGHT).items():
        language, _, of = name.partition(":")
        said.setdefault(language, {})[of] = text
    return tuple(
        RightWords(
            language=language,
            mail=of.pop("mail", ""),
            summary=of.pop(SUMMARY, None),
            sentences=of,
        )
        for language, of in said.items()
    )


def _digest(text: str) -> str:
    return sha256(" ".join(text.split()).encode()).hexdigest()[:12]
