"""Every mail in email_templates/ renders with what its README promises, and with nothing else."""

import re
from html.parser import HTMLParser

import pytest
from jinja2 import Environment, meta, nodes

from mail.message import Message, Templates
from tests.mail.conftest import FRAME, TEMPLATES

README = (TEMPLATES / "README.md").read_text()
MAILS = sorted(folder.name for folder in TEMPLATES.iterdir() if folder.is_dir())
LINK = "https://fernhill.example/approve/abc"
RIGHTS = [
    {
        "asked_for": "a copy of <your> data",
        "outcome": "We have done part of it.",
        "ground": "It would harm others.",
        "explanation": "First.\n\nSecond.",
        "done": ["Erased: contact <details>.", "Kept: invoices. A law. Until: 2034."],
    },
    {
        "asked_for": "an end to marketing",
        "outcome": "We have done it.",
        "ground": "",
        "explanation": "At once.",
        "done": [],
    },
]
LISTS: dict[str, object] = {
    "changes": ["Recordings are kept for a year.", "We may <sell> data."],
    "counts": [("Approved", 700), ("Declined", 12)],
    "erased": ["To be erased: contact <details>."],
    "laws": [{"citation": "Act <1>, section 2", "sentence": "The law wants them kept."}],
    "rights": RIGHTS,
    "elsewhere": ["Please ask <Clinic>."],
    "is_confirmed": False,
    "needs_identity": True,
    "appeal_against": "R-3B7QK9DX",
    "by_us": False,
    "segments": [("Silent, language de", 40), ("Not reached, bounced", 3)],
}


WITHOUT_LINK = {"instruction_report"}
"""To a company that has no page with us."""
MAIN_LINKS = {
    "notice_first_notice": "redline_url",
    "minor_first_notice": "redline_url",
    "change_withdrawn": "policy_url",
}


def documented(mail: str, kind: str) -> set[str]:
    section = README.split(f"\n## {mail}\n")[1].split("\n## ")[0]
    (line,) = re.findall(rf"^\* {kind}: (.*)$", section, re.MULTILINE)
    return set(re.findall(r"`(\w+)`", line))


def example(mail: str, language: str = "en", **changes: object) -> Message:
    shared = {
        name: LISTS.get(
            name, f"https://fernhill.example/{name}" if "url" in name else f"the {name}"
        )
        for name in documented(mail, "shared")
    }
    message = Templates(TEMPLATES).render(
        mail,
        language=language,
        shared=FRAME | shared | changes,
        personal=sorted(documented(mail, "personal")),
    )
    return message.personal(
        {
            "greeting": "Hello Alice",
            "link": LINK,
            "no_reminders_link": "https://fernhill.example/unsubscribe/def",
            "code": "01234567",
            "answer": "You have not answered yet.",
            "copy_link": "https://fernhill.example/requests/copy/ghi",
        }
    )


def used(mail: str) -> tuple[set[str], set[str]]:
    """Return the shared values and personal fields that a mail's own templates use."""
    environment = Environment(autoescape=True, extensions=["jinja2.ext.i18n"])
    environment.filters["paragraphs"] = str
    shared: set[str] = set()
    personal: set[str] = set()
    for part in ("subject.txt", "body.txt", "body.html"):
        tree = environment.parse((TEMPLATES / mail / part).read_text())
        imported = {name for one in tree.find_all(nodes.FromImport) for name in one.names}
        shared |= meta.find_undeclared_variables(tree) - imported
        personal |= {
            found.attr
            for found in tree.find_all(nodes.Getattr)
            if isinstance(found.node, nodes.Name) and found.node.name == "personal"
        }
    return shared - FRAME.keys() - {"personal", "on_paper", "gettext", "_"}, personal


class Anchors(HTMLParser):
    def __init__(self, html: str) -> None:
        super().__init__()
        self.attributes: list[list[tuple[str, str | None]]] = []
        self.sources: list[str] = []
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag == "a":
            self.attributes.append(attrs)
        self.sources += [value or "" for name, value in attrs if name in {"src", "background"}]


def test_every_mail_is_in_the_readme_and_the_other_way_round() -> None:
    assert sorted(re.findall(r"^## (\w+)$", README, re.MULTILINE)) == MAILS
    assert len(MAILS) == 36


@pytest.mark.parametrize("mail", MAILS)
def test_a_mail_uses_exactly_the_values_its_readme_lists(mail: str) -> None:
    assert used(mail) == (documented(mail, "shared"), documented(mail, "personal"))


@pytest.mark.parametrize(
    ("language", "because"),
    [("en", "You get this mail because"), ("de", "Sie erhalten diese E-Mail, weil")],
)
@pytest.mark.parametrize("mail", MAILS)
def test_a_mail_says_who_writes_and_why(mail: str, language: str, because: str) -> None:
    message = example(mail, language)
    assert message.subject
    for body in (message.text, message.html):
        assert "Hello Alice" in body
        assert because in body
        assert all(value in body for value in FRAME.values())
    assert f'<html lang="{language}">' in message.html


@pytest.mark.parametrize("mail", MAILS)
def test_a_mail_says_the_same_in_every_language(mail: str) -> None:
    """Each value stands as often, and each paragraph and list is there."""
    values = [f"the {name}" for name in documented(mail, "shared")]
    english, german = (example(mail, language) for language in ("en", "de"))
    for value in values:
        assert (value in english.text) == (value in german.text), value
        assert (value in english.html) == (value in german.html), value
    assert english.text.count("\n") == german.text.count("\n")
    for mark in ("<p", "<li", "<a ", "<strong", "<tr", "<h1"):
        assert english.html.count(mark) == german.html.count(mark), mark


@pytest.mark.parametrize("mail", MAILS)
def test_text_and_html_name_the_same_things(mail: str) -> None:
    """What a mail's readers without HTML are told is what all others are told."""
    message = example(mail, "de")
    for name in documented(mail, "shared") - {"console_url"}:
        if "url" not in name:
            assert (f"the {name}" in message.text) == (f"the {name}" in message.html), name


@pytest.mark.parametrize("language", ["en", "de"])
@pytest.mark.parametrize("mail", [mail for mail in MAILS if mail not in WITHOUT_LINK])
def test_a_mail_shows_its_link_in_full_in_text_and_html(mail: str, language: str) -> None:
    message = example(mail, language)
    leads_to = MAIN_LINKS.get(mail, "console_url")
    personal = "link" in documented(mail, "personal")
    address = LINK if personal else f"https://fernhill.example/{leads_to}"
    assert re.search(rf"(^|\s){re.escape(address)}$", message.text, re.MULTILINE)
    assert f'href="{address}"' in message.html
    assert f">{address}</a>" in message.html


@pytest.mark.parametrize("mail", MAILS)
def test_links_are_not_tracked_and_nothing_is_fetched(mail: str) -> None:
    anchors = Anchors(example(mail).html)
    assert anchors.attributes
    for attributes in anchors.attributes:
        names = [name for name, _ in attributes]
        assert dict(attributes)["clicktracking"] == "off"
        assert names.index("clicktracking") < names.index("href")
    assert anchors.sources == []


@pytest.mark.parametrize("mail", MAILS)
def test_a_mail_fits_phones_dark_rooms_and_screen_readers(mail: str) -> None:
    html = example(mail).html
    assert html.lower().startswith("<!doctype html>")
    assert '<html lang="en">' in html
    assert 'name="viewport"' in html
    assert 'name="color-scheme"' in html
    assert "prefers-color-scheme: dark" in html
    assert 'role="presentation"' in html
    assert len(html.encode()) < 102_000, "longer mails are clipped"


def test_what_counsel_writes_is_escaped() -> None:
    assert "We may &lt;sell&gt; data." in example("approval_first_notice").html


def test_the_late_reply_takes_the_blame_and_claims_nothing() -> None:
    """P21, P23: late, our fault, the step, nothing to do, contact, complaint and court."""
    message = example("request_late_reply", court="You may go to court.")
    for body in (message.text, message.html):
        assert "The fault is ours" in body
        assert "the stage_words" in body
        assert "nothing you need to do" in body
        assert "lodge a complaint" in body
        assert "the authority_name" in body
        assert "You may go to court." in body
        assert not re.search(r"(?i)complex|doubt|extend|soon|\d{4}-\d\d|your account", body)


def test_a_regime_without_a_court_and_an_answer_without_a_ground_leave_no_gap() -> None:
    (_, without_ground) = RIGHTS
    message = example("request_answer", court="", rights=[without_ground])
    assert "The ground" not in message.text + message.html
    assert "\n\n\n" not in message.text
    assert "lodge a complaint" in message.text


def test_numbers_stand_beside_what_they_count_one_below_the_other() -> None:
    html = example("campaign_finished", counts=[("Approved", 700), ("Declined", 12)]).html
    (of_twelve,) = re.findall("<td([^>]*)>12</td>", html)
    assert "text-align: right" in of_twelve
    (table,) = re.findall('<table class="facts"([^>]*)>', html)
    assert "width" not in table


def test_an_answer_keeps_its_paragraphs() -> None:
    """P22: the explanation arrives as it was written."""
    message = example("request_answer")
    assert "First.\n\nSecond." in message.text
    assert "First.<br><br>Second." in message.html


@pytest.mark.parametrize(
    "mail",
    [
        "approval_first_notice",
        "approval_reminder",
        "change_corrected",
        "law_first_notice",
        "minor_first_notice",
        "notice_first_notice",
    ],
)
def test_where_no_change_has_a_sentence_the_summary_has_no_empty_heading_before_it(
    mail: str,
) -> None:
    """P4: as of a version that is only to be told, and has no finding that was confirmed."""
    told, without = example(mail), example(mail, changes=())
    heading = re.search(r"What (would change|changes).*", told.text)
    assert heading
    assert heading[0] not in without.text + without.html
    assert "<ul>\n</ul>" not in without.html
    assert "the summary" in without.text
    assert "\n\n\n" not in without.text


def test_what_is_erased_of_a_minor_is_no_answer_to_a_request_of_theirs() -> None:
    """P18: somebody else reported them, and they asked for nothing."""
    for language in ("en", "de"):
        message = example("request_answer", language, by_us=True)
        for text in (message.subject, message.text, message.html):
            assert not re.search(r"your request|You asked|Ihre Anfrage|Ihren Antrag", text)
        asked = example("request_answer", language)
        assert message.subject != asked.subject


@pytest.mark.parametrize("language", ["en", "de"])
@pytest.mark.parametrize("mail", ["approval_first_notice", "minor_first_notice"])
def test_of_a_version_in_force_no_mail_says_that_it_is_still_to_come(
    mail: str, language: str
) -> None:
    """P2, P4: who is told so late reads what happened, and when; others what we mean to do."""
    late = example(mail, language)
    to_come = example(mail, language, in_force_since="", in_error_since="")
    plans = re.compile(r"want to change|about to change|möchten unsere|Wir ändern|ändert sich")
    for before, after in ((to_come.subject, late.subject), (to_come.text, late.text)):
        assert plans.search(before)
        assert not plans.search(re.sub(r"Was sich .*", "", after)), after
    assert "the in_force_since" in late.text


@pytest.mark.parametrize("mail", MAILS)
def test_no_mail_counts_its_policy(mail: str) -> None:
    """P4: our terms of service are several, our privacy policy is one."""
    for changes in ({}, {"in_force_since": "", "in_error_since": ""}):
        message = example(mail, **changes)
        for text in (message.subject, message.text, message.html):
            assert not re.search(r"(?i)our the policy_title (is|are|has|changes)\b", text)
