"""Each change stands before and after, its evidence marked; what moved is in both its places."""

import pytest

from domain.materiality import assess
from domain.policies.side_by_side import Passage, Row, side_by_side

STAY = "Fernhill keeps its books in order and answers letters of every kind."
MOVER = "Carol from the front desk reads the letters that come on Monday."


def rows(old: str, new: str) -> tuple[Row, ...]:
    return side_by_side(old, new, assess(old, new))


def said(passages: tuple[Passage, ...]) -> str:
    return "".join(segment.text for passage in passages for segment in passage.segments)


def quoted(passages: tuple[Passage, ...]) -> list[tuple[str, tuple[str, ...]]]:
    return [(said((passage,)), passage.quoted_by) for passage in passages if passage.quoted_by]


def test_the_sentence_that_a_finding_quotes_is_marked_in_its_clause() -> None:
    old = f"{STAY} We never share your data with advertisers. Write to Dora at any time."
    new = f"{STAY} We may share your data with advertisers. Write to Dora at any time."
    (row,) = rows(old, new)
    keys = tuple(finding.id for finding in row.findings)
    assert quoted(row.before) == [("We never share your data with advertisers.", keys)]
    assert quoted(row.after) == [("We may share your data with advertisers.", keys)]
    assert said(row.before) == old
    assert said(row.after) == new


def test_nothing_is_marked_when_the_finding_quotes_the_whole_clause() -> None:
    (row,) = rows("We never share your data with Bob.", "We share your data with advertisers.")
    assert row.findings
    assert quoted(row.before) == quoted(row.after) == []


def test_each_finding_marks_only_its_own_words() -> None:
    (row,) = rows(
        "We keep recordings for 30 days. Alice reads each one. We answer requests within 30 days.",
        "We keep recordings for 90 days. Alice reads each one. We answer requests within 20 days.",
    )
    assert quoted(row.after) == [
        ("We keep recordings for 90 days.", ("F1",)),
        ("We answer requests within 20 days.", ("F2",)),
    ]


def test_what_moved_stands_where_it_was_and_where_it_is() -> None:
    old = f"# One\n\n{MOVER}\n\n{STAY}\n\n# Two\n\nEmil waters the plants in the hall.\n"
    new = f"# One\n\n{STAY}\n\n# Two\n\nEmil waters the plants in the hall.\n\n{MOVER}\n"
    was, now = rows(old, new)
    assert (was.departed, now.departed) == (True, False)
    assert was.number == now.number == 1
    assert (now.old_section, now.change.section) == (("One",), ("Two",))


def test_what_moved_down_and_what_moved_up_keep_the_order_of_the_old_text() -> None:
    first, last = "Dora opens the door at nine.", "Emil closes the windows at six."
    others = [f"{STAY} Number {number}." for number in range(6)]
    old = "\n\n".join([first, *others, last])
    new = "\n\n".join([last, *others, first])
    shown = [(row.change.before, row.departed) for row in rows(old, new)]
    assert shown == [(first, True), (last, False), (last, True), (first, False)]


def test_an_assessment_of_other_texts_is_refused() -> None:
    assessment = assess(STAY, f"{STAY}\n\n{MOVER}")
    with pytest.raises(ValueError, match="argument"):
        side_by_side(STAY, STAY, assessment)


def test_what_stayed_while_a_denial_came_above_it_has_its_row() -> None:
    old, new = (f"## We {share}\n\nYour name goes on.\n" for share in ("share", "never share"))
    for before, after in ((old, new), (new, old)):
        rows = side_by_side(before, after, assess(before, after))
        assert "Your name goes on." in [row.change.after for row in rows]


def test_evidence_is_marked_to_the_letter_in_a_cell_of_several_lines() -> None:
    kept = "| Calls | We keep recordings of your calls for 30 days.<br>We greet you.<br>"
    never, may = (f"{kept}We {will} sell your location. |" for will in ("never", "may"))
    head = "We say here what we do with your data.\n\n| Data | What we do |\n|---|---|\n"
    (row,) = rows(f"{head}{never}\n", f"{head}{may}\n")
    evidence = {said((passage,)) for passage in row.after if passage.quoted_by}
    assert evidence == {"We may sell your location."}
    assert said(row.after) == row.change.after


def test_a_short_sentence_that_also_stands_within_the_quoted_one_is_not_marked() -> None:
    """The mark frames what the finding quotes, and no other words like them."""
    old = "We like Letters. You can object to our use of Letters. We keep them. Letters.\n"
    new = old.replace("You can object", "You cannot object")
    (row,) = rows(old, new)
    assert [text for text, _ in quoted(row.after)] == ["You cannot object to our use of Letters."]
