"""A policy is read into clauses the way a person reads it, whatever layout it came in."""

import pytest

from domain.texts.clauses import ClauseKind, read_clauses

MARKDOWN = """# Privacy

Welcome *here*.

## What we collect

We note:

- your name,
- your devices:
  1. their model
  2. their age

| Data | Kept for |
|---|---|
| Calls | 30 days |
| Invoices | ten years |
"""

ONE_LINE_A_PARAGRAPH = """Our Promise
We sell garden gnomes and write down who bought which one.
We use what we wrote down for the following.
1) to send the gnome;
2) to send the bill.
How we keep it
Nobody but the gardener sees the book.
If you move house, tell the gardener."""


def test_every_clause_knows_its_headings_kind_and_lines() -> None:
    clauses = read_clauses(MARKDOWN)
    assert [(c.kind, c.text, c.lines) for c in clauses[:4]] == [
        (ClauseKind.HEADING, "Privacy", (1, 1)),
        (ClauseKind.PARAGRAPH, "Welcome here.", (3, 3)),
        (ClauseKind.HEADING, "What we collect", (5, 5)),
        (ClauseKind.PARAGRAPH, "We note:", (7, 7)),
    ]
    assert clauses[3].path == ("Privacy", "What we collect")


def test_a_list_item_carries_the_sentence_it_completes() -> None:
    stems = {c.text: c.stem for c in read_clauses(MARKDOWN) if c.kind is ClauseKind.ITEM}
    assert stems["your name,"] == "We note:"
    assert stems["their age"] == "We note: your devices:"


def test_a_table_row_is_read_with_its_headers() -> None:
    rows = [c for c in read_clauses(MARKDOWN) if c.kind is ClauseKind.ROW]
    assert [row.text for row in rows] == [
        "Data: Calls; Kept for: 30 days",
        "Data: Invoices; Kept for: ten years",
    ]
    assert rows[1].lines == (17, 17)


def test_plain_text_with_one_line_a_paragraph_is_not_glued_together() -> None:
    clauses = read_clauses(ONE_LINE_A_PARAGRAPH)
    assert [(c.kind, c.lines[0]) for c in clauses] == [
        (ClauseKind.HEADING, 1),
        (ClauseKind.PARAGRAPH, 2),
        (ClauseKind.PARAGRAPH, 3),
        (ClauseKind.ITEM, 4),
        (ClauseKind.ITEM, 5),
        (ClauseKind.HEADING, 6),
        (ClauseKind.PARAGRAPH, 7),
        (ClauseKind.PARAGRAPH, 8),
    ]
    assert clauses[3].stem == "We use what we wrote down for the following."
    assert clauses[6].path == ("Our Promise", "How we keep it")


def test_wrapped_markdown_stays_one_paragraph() -> None:
    wrapped = (
        "We write down who bought a gnome and\nwhen it was sent. We keep the book\nfor a year.\n"
    )
    assert [c.lines for c in read_clauses(wrapped)] == [(1, 3)]


def test_the_id_depends_on_the_words_and_not_on_the_place() -> None:
    here = read_clauses("# A\n\nWe keep it.\n")[-1]
    there = read_clauses("Before.\n\n## B\n\n- We keep\n  it.\n")[-1]
    assert here.id == there.id


def test_repeated_clauses_have_ids_of_their_own() -> None:
    ids = [clause.id for clause in read_clauses("Same.\n\nSame.\n\nSame.\n")]
    assert len(set(ids)) == 3


def test_words_nested_beyond_reason_are_still_read() -> None:
    assert read_clauses(">" * 300 + " we sell data")[-1].text == "we sell data"
    assert read_clauses("Fine.\n\n" + "- " * 300 + "we sell data")[-1].text == "we sell data"


def test_raw_html_is_read_as_what_it_is() -> None:
    assert "<b>sell</b>" in read_clauses("We <b>sell</b> data.")[0].text


def test_a_short_line_in_bold_is_a_heading_made_by_hand() -> None:
    clauses = read_clauses(
        "## Your data\n\n**Sharing**\n\nWe share it.\n\n**We never sell it.**\n\n"
        "**We collect:**\n\n- your name\n\n**Keeping.** For a year.\n\n## Contact\n\nWrite to us.\n"
    )
    told = [(clause.kind, clause.path[1:], clause.stem, clause.text) for clause in clauses]
    assert told == [
        (ClauseKind.HEADING, (), "", "Your data"),
        (ClauseKind.HEADING, (), "", "Sharing"),
        (ClauseKind.PARAGRAPH, ("Sharing",), "", "We share it."),
        (ClauseKind.PARAGRAPH, ("Sharing",), "", "We never sell it."),
        (ClauseKind.PARAGRAPH, ("Sharing",), "", "We collect:"),
        (ClauseKind.ITEM, ("Sharing",), "We collect:", "your name"),
        (ClauseKind.PARAGRAPH, ("Sharing", "Keeping"), "", "Keeping. For a year."),
        (ClauseKind.HEADING, (), "", "Contact"),
        (ClauseKind.PARAGRAPH, (), "", "Write to us."),
    ]


@pytest.mark.parametrize(
    "text",
    [
        "**Cookies.** We use two.",
        "**Cookies:** We use two.",
        "**Cookies** \u2013 two.",
        "**Cookies**\nTwo.",
    ],
)
def test_a_bold_lead_says_what_its_paragraph_is_about(text: str) -> None:
    (_, clause) = read_clauses(f"# Policy\n\n{text}")
    assert clause.path == ("Policy", "Cookies")


def test_a_bold_word_in_a_sentence_is_no_lead() -> None:
    (clause,) = read_clauses("**We** use two cookies.")
    assert clause.path == ()


def test_a_header_without_rows_is_read() -> None:
    (clause,) = read_clauses("| We sell your data. |\n|---|")
    assert clause.text == "We sell your data."


def test_no_list_is_too_deep_to_be_read() -> None:
    steps = "\n".join(f"{'  ' * depth}- step {depth} of many" for depth in range(80))
    assert len(read_clauses(steps)) == 80
    assert [clause.text for clause in read_clauses("1. " * 60 + "the end")] == ["the end"]


def test_lines_may_end_as_they_did_on_old_machines() -> None:
    read = [clause.text for clause in read_clauses("We keep it.\r\rWe sell it.\r\r")]
    assert read == ["We keep it.", "We sell it."]


def test_a_clause_knows_where_its_links_lead() -> None:
    text = "See [our *garden*](/garden) or <https://gnomes.example>.\n\n| A |\n|---|\n| [b](c) |\n"
    paragraph, row = read_clauses(text)
    assert paragraph.links == (
        ("our garden", "/garden"),
        ("https://gnomes.example", "https://gnomes.example"),
    )
    assert row.links == (("b", "c"),)
