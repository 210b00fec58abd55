"""Legal writes in Word: the same policy reads the same, and what is lost is said."""

from collections.abc import Callable
from itertools import permutations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from domain.conversion import read_policy_file
from domain.conversion.policy_file import LARGEST_FILE
from domain.materiality import Verdict, assess
from domain.texts.clauses import read_clauses
from domain.texts.policy_text import PolicyRefused
from tests.domain.conversion.word_file import W, paragraph, table, word_file, words

MARKDOWN = b"""# Gnome Club

## What we keep

**Letters.** We keep *every* letter for 30 days. See [the archive](https://gnomes.example/archive).

We keep:

- your name
- your garden:
  - its size
  - its ponds
- your hat

1. You write to us.
2. We answer within 30 days.

| Data | Kept for |
| --- | --- |
| Letters | 30 days |
| Hats | 2 years |

We do not sell gnome_data, 5 < 6 & so on.
"""
PAGE = b"""<!DOCTYPE html><html><head><title>x</title></head><body><h1>Gnome Club</h1>
<h2>What we keep</h2>
<p><b>Letters.</b> We keep <i>every</i> letter
for 30&nbsp;days. See <a href="https://gnomes.example/archive">the archive</a>.
<p>We keep:
<ul><li>your name<li>your garden:<ul><li>its size</li><li>its ponds</li></ul><li>your hat</ul>
<ol><li><p>You write to us.</p></li><li><p>We answer within 30 days.</p></li></ol>
<table><thead><tr><th>Data</th><th>Kept for</th></tr></thead>
<tr><td>Letters</td><td><p>30 days</p></td></tr><tr><td>Hats</td><td>2 years</td></tr></table>
<p>We do not sell gnome_data, 5 &lt; 6 &amp; so on.</body></html>"""
LINK = '<w:hyperlink r:id="r1">' + words("the archive") + "</w:hyperlink>"
WORD = word_file(
    paragraph(words("Gnome Club"), style="H1"),
    paragraph(words("What we keep"), style="H2"),
    paragraph(
        words("Letters.", "<w:b/>"),
        words(" We keep "),
        words("every", "<w:i/>"),
        words(" letter for 30 days. See "),
        LINK,
        words("."),
    ),
    paragraph(words("We keep:")),
    paragraph(words("your name"), level=0),
    paragraph(words("your garden:"), level=0),
    paragraph(words("its size"), level=1),
    paragraph(words("its ponds"), level=1),
    paragraph(words("your hat"), level=0),
    paragraph(words("You write to us."), level=0, number=2),
    paragraph(words("We answer within 30 days."), level=0, number=2),
    table(("Data", "Kept for"), ("Letters", "30 days"), ("Hats", "2 years")),
    paragraph(words("We do not sell gnome_data, 5 &lt; 6 &amp; so on.")),
    links=("https://gnomes.example/archive",),
)
KINDS = {"policy.md": MARKDOWN, "policy.docx": WORD, "policy.html": PAGE}


def read(raw: bytes, name: str = "") -> str:
    return read_policy_file(raw, name).text.text


def page(body: str) -> bytes:
    return f"<!doctype html><html><body>{body}</body></html>".encode()


@pytest.mark.parametrize(("old", "new"), list(permutations(KINDS, 2)))
def test_the_same_policy_reads_the_same_from_every_kind_of_file(old: str, new: str) -> None:
    """P2: moving from one kind of file to another is no change for anybody."""
    before, after = read(KINDS[old]), read(KINDS[new])
    spoken = [
        [(clause.kind, clause.path, clause.stem, clause.text) for clause in read_clauses(text)]
        for text in (before, after)
    ]
    assert spoken[0] == spoken[1]
    assert assess(before, after).verdict in (Verdict.EDITORIAL, Verdict.IDENTICAL)


@pytest.mark.parametrize("raw", [WORD, PAGE])
def test_links_and_emphasis_survive(raw: bytes) -> None:
    text = read(raw)
    assert "**Letters**." in text
    assert "*every*" in text
    assert "[the archive](https://gnomes.example/archive)" in text
    assert read_policy_file(raw).text.title == "Gnome Club"


def test_the_kind_is_told_by_content_and_only_then_by_name() -> None:
    assert read(PAGE, "policy.md") == read(PAGE)
    assert read(WORD, "policy.md") == read(WORD)
    assert read(b"<p>We keep it.</p>", "POLICY.HTM") == "We keep it.\n"
    assert read(b"<p>We keep it.</p>") == "<p>We keep it.</p>"
    assert not read_policy_file(MARKDOWN, "policy.md").converted


@pytest.mark.parametrize(
    ("body", "lost"),
    [
        ("<script>alert(1)</script>", "1 script was left out."),
        ("<nav><ul><li>Home</li></ul></nav>", '1 navigation menu was left out: "Home".'),
        ("<footer>Imprint</footer>", '1 page header or footer was left out: "Imprint".'),
        ("<form><input value=lost>Send</form>", '1 form was left out: "Send".'),
        ("<label>We may sell it</label>", '1 form field was left out: "We may sell it".'),
        ("<img src=x onerror=alert(1) alt=lost>", "1 picture was left out."),
        ("<iframe src=x></iframe><object>lost</object>", "2 embedded objects were left out."),
        (
            "<p hidden>lost<p style='display: none'>gone",
            '2 hidden passages were left out: "lost", "gone".',
        ),
        ("<p><del>lost</del>", '1 struck-out passage was left out: "lost".'),
    ],
)
def test_what_is_no_text_is_left_out_of_a_page_and_said(body: str, lost: str) -> None:
    file = read_policy_file(page(f"<p>We keep it.</p>{body}"))
    assert file.text.text == "We keep it.\n"
    assert file.left_out == (lost,)


def test_text_that_only_a_style_sheet_hides_is_read() -> None:
    file = read_policy_file(page("<style>.no{display:none}</style><p class=no>We sell it."))
    assert file.text.text == "We sell it.\n"
    assert file.left_out == (
        "1 style sheet was left out: text that it hides on the screen is read.",
    )


def test_of_what_is_left_out_a_few_words_are_quoted_without_what_a_terminal_obeys() -> None:
    long = "<del>a\x9b2J\u202eb</del>" + "<del>" + "word " * 30 + "</del>" + "<del>c</del>" * 2
    (told,) = read_policy_file(page(f"<p>We keep it.{long}")).left_out
    word = "word " * 15 + "word\u2026"
    assert told == f'4 struck-out passages were left out: "a 2J b", "{word}", "c", and more.'


def test_only_the_main_part_of_a_page_is_read() -> None:
    around = "<title>Gnomes</title><style></style><div>Buy hats!</div>"
    file = read_policy_file(page(f"{around}<main><header>We keep it.</header></main>"))
    assert file.text.text == "We keep it.\n"
    assert file.left_out == (
        '1 passage outside the main part of the page was left out: "Buy hats!".',
    )


def test_a_form_around_the_whole_page_only_loses_its_fields() -> None:
    file = read_policy_file(page("<form><h1>Gnomes</h1><p>We keep it.</p><input></form>"))
    assert file.text.text == "# Gnomes\n\nWe keep it.\n"
    assert file.left_out == ("1 form field was left out.",)


@pytest.mark.parametrize(
    "target", ["javascript:alert(1)", "java\nscript:x", "data:x", "//evil.example"]
)
def test_a_link_that_leads_astray_becomes_text(target: str) -> None:
    file = read_policy_file(page(f'<p>We <a href="{target}">keep</a> it.</p>'))
    assert file.text.text == "We keep it.\n"
    assert "became plain text" in file.left_out[0]


@pytest.mark.parametrize(
    ("body", "text"),
    [
        (
            "<p># no heading<p>1. no list<p>+++<p>> no quote",
            r"\# no heading|1\. no list|\+++|\> no quote",
        ),
        ("<p>*a* [b](c) `d` &lt;b> &amp;amp;", r"\*a\* \[b\](c) \`d\` \<b> \&amp;"),
        ("<p><b>Lead.</b>Text <b>a</b><b>b</b>", "**Lead**.Text **ab**"),
        ("<p>one<br>two<br><br>three", "one  \ntwo|three"),
        ("<table><tr><td>Alone</td><td>in a frame</td></tr></table>", "Alone|in a frame"),
        ("<dl><dt>Hat</dt><dd>kept</dd></dl>", "**Hat**|kept"),
        ("<ul><li>a</li><ul><li>b</li></ul></ul>", "- a\n  - b"),
        ("<ol start=3><li>c</li></ol>", "3. c"),
        ("<p>\u00b7&nbsp;&nbsp; typed bullet", "- typed bullet"),
        ("<blockquote><p>a<p>b</blockquote>", "> a|> b"),
    ],
)
def test_words_stay_what_they_are(body: str, text: str) -> None:
    assert read(page(body)) == text.replace("|", "\n\n") + "\n"


def test_a_merged_cell_is_repeated_where_it_stands() -> None:
    file = read_policy_file(
        page(
            "<table><tr><th>Data<th>Kept<th>Why<tr><td rowspan=2>Mail<td>1 day<td>a|b"
            "<tr><td colspan=2><ul><li>c<li>d</ul></table>"
        )
    )
    assert file.text.text.splitlines()[2:] == [r"| Mail | 1 day | a\|b |", "| Mail | c; d | c; d |"]
    assert file.left_out == ("2 merged table cells are repeated in each place they cover.",)


def test_a_page_in_the_encoding_that_it_names_is_read() -> None:
    raw = '<html><meta charset="windows-1252"><p>Caf\u00e9 \u201cGnome\u201d'
    assert read(raw.encode("cp1252")) == "Caf\u00e9 \u201cGnome\u201d\n"
    assert read(raw.encode("utf-16")) == "Caf\u00e9 \u201cGnome\u201d\n"


def test_what_word_adds_to_the_text_is_left_out_and_said() -> None:
    file = read_policy_file(
        word_file(
            paragraph(words("Keeping 3"), style="T1"),
            paragraph(
                words("We "),
                f"<w:del>{words('never ')}</w:del><w:ins>{words('may ')}</w:ins>",
                words("secretly ", "<w:vanish/>"),
                words("keep it"),
                '<w:r><w:commentReference w:id="0"/></w:r>',
                '<w:r><w:footnoteReference w:id="2"/></w:r>',
                words("."),
                words(" Gone.", "<w:strike/>"),
            ),
            paragraph(words("Numbered."), level=0, number=2),
            header1__xml=f"<w:hdr {W}>{paragraph(words('Draft'))}</w:hdr>",
            footnotes__xml=f'<w:footnotes {W}><w:footnote w:id="2">{paragraph(words("In a box."))}'
            "</w:footnote></w:footnotes>",
            vbaProject__bin=b"macro",
        )
    )
    assert file.text.text == "We may keep it\\[1\\].\n\n1. Numbered.\n\n1. In a box.\n"
    assert file.left_out == (
        "1 comment was left out.",
        "1 tracked deletion was left out.",
        '1 struck-out passage was left out: "Gone.".',
        '1 hidden passage was left out: "secretly".',
        '1 page header or footer was left out: "Draft".',
        '1 line of the table of contents was left out: "Keeping 3".',
        "1 macro project was left out.",
        "1 footnote became text at the end.",
        "1 tracked insertion was taken as accepted.",
        "2 lists are counted 1, 2, 3 now: check references such as 3 (b).",
    )


ENTITY_USED = f"<w:document {W}><w:body>{paragraph(words('We keep it &b;'))}</w:body></w:document>"
DOCTYPE = '<!DOCTYPE a [<!ENTITY b "bbbb"><!ENTITY c SYSTEM "file:///etc/passwd">]>'


@pytest.mark.slow
@pytest.mark.parametrize(
    ("make", "said"),
    [
        (lambda: b"PK\x03\x04\x00\x00", "broken"),
        (lambda: WORD[: len(WORD) // 2], "broken"),
        (lambda: WORD.replace(b"PK\x01\x02", b"PK\x01\x03"), "broken"),
        (lambda: b"We keep it.", "broken"),
        (lambda: b"\xd0\xcf\x11\xe0" + bytes(100), "password"),
        (lambda: word_file(styles__xml=b"<w:styles"), "broken"),
        (lambda: word_file(styles__xml=f"{DOCTYPE}<a>&c;</a>"), "broken"),
        (lambda: word_file(document__xml="<a/>"), "broken"),
        (lambda: word_file(document__xml=f"{DOCTYPE}{ENTITY_USED}"), "broken"),
        (lambda: word_file("<w:sdt>" * 200 + "</w:sdt>" * 200), "nested more than 100"),
        (
            lambda: word_file("<w:sdt><w:sdtContent>" * 45 + "</w:sdtContent></w:sdt>" * 45),
            "no text",
        ),
        (lambda: word_file(media__xml=b"<a>" + bytes(20_000_000)), "12 MB"),
        (lambda: word_file(paragraph(words("x " * 1_500_000))), "2 MB"),
        (lambda: word_file("<w:p/>" * 200_000), "more than 150,000 elements"),
        (lambda: word_file(paragraph()), "no text"),
        (lambda: b"PK\x03\x04" + bytes(LARGEST_FILE), "4 MB"),
    ],
)
def test_a_hostile_or_broken_word_file_is_refused_in_words(
    make: Callable[[], bytes], said: str
) -> None:
    with pytest.raises(PolicyRefused, match=said):
        read_policy_file(make(), "policy.docx")


def test_a_zip_file_without_a_document_is_refused_as_that() -> None:
    raw = word_file().replace(b"word/document", b"xlsx/document")
    with pytest.raises(PolicyRefused, match="without a Word document"):
        read_policy_file(raw, "policy.xlsx")


@pytest.mark.slow
@pytest.mark.parametrize(
    ("body", "said"),
    [
        ("<div>" * 5_000 + "x", "nested more than 100"),
        ("<b>" * 5_000 + "x", "nested more than 100"),
        ("<br>" * 60_000, "more than 50,000 elements"),
        ("x " * 1_100_000, "2 MB"),
        (
            "<table><tr><td rowspan=1000 colspan=50>"
            + "x" * 1_000
            + "<td>a<tr><td>b" * 900
            + "</table>",
            "merged cells",
        ),
        ("<script>x</script>", "no text"),
        ("<p>" + "x" * LARGEST_FILE, "4 MB"),
    ],
)
def test_a_hostile_page_is_refused_in_words(body: str, said: str) -> None:
    with pytest.raises(PolicyRefused, match=said):
        read_policy_file(page(body))


@pytest.mark.slow
@pytest.mark.parametrize(
    "body",
    [
        "<p " + " ".join(f"a{n}" for n in range(200_000)) + ">We keep it.",
        "<!--" * 500_000,
        "<" * 1_000_000,
        "<li>x" * 40_000,
        "<b>" + "." * 1_000_000,
        "&" * 300_000,
        "<p>" + "<br> " * 49_000,
        "<list>x<hn>y<soup>z<_document_>",
    ],
)
def test_a_page_that_is_made_to_take_long_does_not(body: str) -> None:
    """It ends, in a text or a refusal: the test would hang otherwise."""
    try:
        assert read(page(body))
    except PolicyRefused as refusal:
        assert "Nothing was stored" in str(refusal)  # noqa: PT017 - either is fine


TAGS = (
    "p",
    "/p",
    "ul",
    "li",
    "/ul",
    "ol",
    "table",
    "tr",
    "td",
    "b",
    "/b",
    "a href=x",
    "/a",
    "h1",
    "br",
)
RUBBISH = ("<del>", "<form>", "<!--", "-->", "<![CDATA[", "]]>", "<?xml", "<svg>", "&lt;")
MARKS = ("*", "_", "#", "[", "](", "|", "\\", "x", "1.", "\x00", "\x1e", "\u00b7")
PIECES = st.sampled_from([*(f"<{tag}>" for tag in TAGS), *RUBBISH, *MARKS])


@pytest.mark.slow
@given(st.lists(PIECES, max_size=40))
@settings(max_examples=200, deadline=None)
def test_any_page_is_read_or_refused(pieces: list[str]) -> None:
    try:
        file = read_policy_file(page("We keep it. " + " ".join(pieces)))
    except PolicyRefused:
        return
    assert read_policy_file(file.text.text.encode()).text == file.text


@pytest.mark.slow
@given(st.integers(0, len(WORD) - 1), st.binary(max_size=4))
@settings(max_examples=200, deadline=None)
def test_a_word_file_damaged_anywhere_is_read_or_refused(place: int, damage: bytes) -> None:
    raw = WORD[:place] + damage + WORD[place + len(damage) :]
    try:
        assert read_policy_file(raw, "policy.docx").converted
    except PolicyRefused as refusal:
        assert "Nothing was stored" in str(refusal)  # noqa: PT017 - either is fine


def test_the_title_of_a_page_may_stand_before_its_main_part() -> None:
    head = "<header><h1>Gnome Club</h1></header>"
    assert read(page(f"{head}<main><p>We keep it.</main>")) == "# Gnome Club\n\nWe keep it.\n"
    own = "<main><h1>Policy</h1><p>We keep it.</main>"
    assert read(page(f"{head}{own}")) == "# Policy\n\nWe keep it.\n"


def test_the_number_of_a_note_is_no_digit_of_the_figure_before_it() -> None:
    assert read(page("<p>For <b>30</b><sup>1</sup> days.")) == "For **30**\\[1\\] days.\n"
