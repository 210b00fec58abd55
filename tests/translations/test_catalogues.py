"""Every language we speak says everything, and nothing on a page or in a mail is left unsaid."""

import re
from contextlib import suppress
from pathlib import Path

import pytest
from babel.messages.catalog import Message
from hypothesis import given
from hypothesis import strategies as st
from jinja2 import Environment, nodes

from settings import ROOT
from tests.catalogues import TEMPLATE, catalogues, messages, places, read
from translations.catalogues import CatalogueMissing, speak

LANGUAGES = [path.stem for path in catalogues()]
READ_BY_PEOPLE = sorted(
    path
    for pattern in ("email_templates/**/*.txt", "email_templates/**/*.html", "web/pages/*")
    for path in ROOT.glob(pattern)
    if path.is_file() and path.name != "api.html"  # for who writes programs, in English
)


def test_german_is_among_the_languages() -> None:
    assert "de" in LANGUAGES


@pytest.mark.parametrize(
    ("tag", "name"),
    [
        *(("de", "German"), ("pt-BR", "Portuguese (Brazil)")),
        *(("", ""), ("unknown", "unknown"), ("qq", "qq")),
    ],
)
def test_a_locale_is_called_by_its_name_and_what_is_none_by_what_it_is(tag: str, name: str) -> None:
    assert speak("en").name_of(tag) == name


def test_the_template_of_catalogues_is_up_to_date() -> None:
    """Type `make translations`."""
    assert places(read(TEMPLATE)) == places(messages())


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_catalogue_says_every_message(language: str) -> None:
    """Type `make translations`, write what is empty, take `fuzzy` off what is right."""
    catalogue = read(ROOT / "translations" / f"{language}.po")
    found = {message.id: message for message in catalogue if message.id}
    wanted = {message.id for message in messages() if message.id}
    assert not wanted - found.keys(), "missing"
    assert not found.keys() - wanted, "said by nobody any more"
    assert not [message.id for message in found.values() if message.fuzzy], "fuzzy"
    assert not [message.id for message in found.values() if not all(said(message))], "empty"


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_translation_keeps_the_values_and_the_markup(language: str) -> None:
    """Neither a value nor a link is lost, and a translation breaks out of no attribute."""
    for message in read(ROOT / "translations" / f"{language}.po"):
        for words in said(message) if message.id else ():
            meant = message.id if isinstance(message.id, str) else message.id[-1]
            assert values(words) == values(meant), words
            assert tags(words) == tags(meant), words
            assert words.strip() == words, words
            assert words % dict.fromkeys(values(words), "x"), words
            assert '"' not in re.sub(r"<[^>]*>", "", words), words


@pytest.mark.parametrize("path", READ_BY_PEOPLE, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_no_words_stand_outside_the_messages(path: Path) -> None:
    """What is not marked for translation would be English for everybody."""
    environment = Environment(autoescape=True, extensions=["jinja2.ext.i18n"])
    environment.filters.update(
        dict.fromkeys(("day", "moment", "last_day", "said", "title", "sentence", "happened"), str)
        | {"paragraphs": str}
    )
    tree = environment.parse(path.read_text("utf-8"))
    data = "\0".join(node.data for node in tree.find_all(nodes.TemplateData))
    shown = re.sub(r"(?s)<style>.*?</style>|<\?xml.*?\?>|<[^>]*>", "", data)
    shown = re.sub(r'[\w-]+="[^"]*"|/\w+/', "", shown)  # attributes and addresses in pieces
    assert not re.findall(r"[^\W\d_]{2,}", shown)


@pytest.mark.parametrize("path", [path for path in READ_BY_PEOPLE if path.name == "body.txt"])
def test_a_line_of_a_text_body_keeps_its_end(path: Path) -> None:
    """`{% endtrans %}` at the end of a line would swallow it."""
    assert not re.search(r"\{% endtrans %\}$", path.read_text("utf-8"), re.MULTILINE)


def test_a_catalogue_is_found_for_nothing_but_a_language() -> None:
    for tag in ("", "..", "../../etc/passwd", "de/../de", "d" * 300, "xx", "fr", "de.po", "de\0"):
        with pytest.raises(CatalogueMissing):
            speak(tag)


@given(st.text(max_size=300))
def test_whatever_is_asked_for_is_spoken_or_refused(tag: str) -> None:
    with suppress(CatalogueMissing):
        assert speak(tag).tag == tag


def said(message: Message) -> tuple[str, ...]:
    return (message.string,) if isinstance(message.string, str) else tuple(message.string or ())


def values(words: str) -> set[str]:
    return set(re.findall(r"%\((\w+)\)s", words))


def tags(words: str) -> list[str]:
    return sorted(re.findall(r"<[^>]*>", words))
