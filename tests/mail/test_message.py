"""A mail is rendered once for all; what differs is filled in for each, and can do no harm."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mail.message import TemplateRefused, Templates, header_name, one_line
from translations.catalogues import CatalogueMissing

HOSTILE = '<script>alert("x")</script>'


@pytest.fixture
def templates(tmp_path: Path) -> Templates:
    folder = tmp_path / "greeting"
    folder.mkdir()
    (folder / "subject.txt").write_text("{{ topic }} for\n {{ personal.name }}\n")
    (folder / "body.txt").write_text("Hello {{ personal.name }}\n{{ reply | paragraphs }}")
    (folder / "body.html").write_text(
        '<html lang="{{ language }}"><style>p { color: red }</style><p>{{ personal.name }}</p>'
        "<p>{% trans %}Thank you{% endtrans %}</p><p>{{ topic }}</p>"
        '<p>{{ reply | paragraphs }}</p><a href="{{ personal.link }}">'
    )
    return Templates(tmp_path)


PERSONAL = ("name", "link")
ALICE = {"name": "Alice", "link": "https://example.com/?a=1&b=2"}
NEWS = {"topic": "News", "reply": "First.\n\nSecond <b>."}


def test_a_hostile_name_is_escaped_in_html_and_left_alone_in_text(templates: Templates) -> None:
    message = templates.render("greeting", shared={**NEWS, "topic": HOSTILE}, personal=PERSONAL)
    mail = message.personal({**ALICE, "name": HOSTILE})
    assert "<script" not in mail.html
    assert mail.html.count("&lt;script&gt;") == 2
    assert f"Hello {HOSTILE}" in mail.text


def test_line_ends_reach_no_subject(templates: Templates) -> None:
    message = templates.render(
        "greeting", shared={**NEWS, "topic": "News\r\nBcc: eve@example.com"}, personal=PERSONAL
    )
    mail = message.personal({**ALICE, "name": "Alice\r\nBcc: eve@example.com\u2028x"})
    assert mail.subject == "News Bcc: eve@example.com for Alice Bcc: eve@example.com x"


def test_paragraphs_stay_paragraphs_and_styles_are_inlined(templates: Templates) -> None:
    message = templates.render("greeting", shared=NEWS, personal=PERSONAL)
    mail = message.personal(ALICE)
    assert '<p style="color: red;">First.<br><br>Second &lt;b&gt;.</p>' in mail.html
    assert mail.text == "Hello Alice\nFirst.\n\nSecond <b>.\n"


def test_a_link_is_escaped_in_its_attribute(templates: Templates) -> None:
    message = templates.render("greeting", shared=NEWS, personal=PERSONAL)
    link = '<a clicktracking="off" href="https://example.com/?a=1&amp;b=2"'
    assert link in message.personal(ALICE).html


def test_only_tags_in_use_are_filled_and_none_is_left_over(templates: Templates) -> None:
    message = templates.render("greeting", shared=NEWS, personal=(*PERSONAL, "spare"))
    mail = message.personal(ALICE)
    assert {tag.field for tag in message.tags} == set(PERSONAL)
    assert not [tag for tag in message.tags if tag.text in mail.subject + mail.text + mail.html]


def test_a_field_whose_name_ends_like_another_is_filled_with_its_own(tmp_path: Path) -> None:
    folder = tmp_path / "two"
    folder.mkdir()
    for part in ("subject.txt", "body.txt", "body.html"):
        (folder / part).write_text("{{ personal.link }} {{ personal.other_link }}")
    personal = ("link", "other_link")
    message = Templates(tmp_path).render("two", shared={}, personal=personal)
    assert message.personal({"link": "here", "other_link": "there"}).text == "here there\n"


def test_tags_cannot_be_guessed_from_another_message(templates: Templates) -> None:
    first, second = (templates.render("greeting", shared=NEWS, personal=PERSONAL) for _ in range(2))
    assert {tag.text for tag in first.tags}.isdisjoint(tag.text for tag in second.tags)


def test_a_missing_value_an_unknown_field_and_an_unknown_mail_are_errors(
    templates: Templates,
) -> None:
    with pytest.raises(TemplateRefused, match="topic"):
        templates.render("greeting", shared={}, personal=PERSONAL)
    with pytest.raises(TemplateRefused, match="link"):
        templates.render("greeting", shared=NEWS, personal=("name",))
    with pytest.raises(TemplateRefused, match="farewell"):
        templates.render("farewell", shared={}, personal=())


def test_a_copy_that_lacks_a_field_is_refused(templates: Templates) -> None:
    message = templates.render("greeting", shared=NEWS, personal=PERSONAL)
    with pytest.raises(TemplateRefused, match="link"):
        message.fill({"name": "Alice"})


def test_a_mail_is_said_in_the_language_of_a_catalogue(templates: Templates) -> None:
    """The same template serves every language; what is compiled for one does not leak."""
    for language, words in (("de", "Vielen Dank"), ("en", "Thank you"), ("de", "Vielen Dank")):
        message = templates.render("greeting", language=language, shared=NEWS, personal=PERSONAL)
        assert words in message.html
        assert f'lang="{language}"' in message.html


@pytest.mark.parametrize("language", ["fr", "../greeting", "de/../de", "", "x" * 300])
def test_a_language_without_a_catalogue_is_refused(templates: Templates, language: str) -> None:
    with pytest.raises(CatalogueMissing):
        templates.render("greeting", language=language, shared=NEWS, personal=PERSONAL)


@given(st.text(max_size=300))
def test_a_header_name_breaks_no_header(name: str) -> None:
    tidy = header_name(name)
    assert not set(tidy) & {*';,<>"\r\n\0\u202e'}
    assert tidy == one_line(tidy)


def test_a_name_in_any_script_is_kept() -> None:
    assert header_name("  Müller; Zoë, 李雷 ") == "Müller Zoë 李雷"
