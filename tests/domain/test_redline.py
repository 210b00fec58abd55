"""Accepting every change of a redline gives the new text, rejecting every one the old text."""

from hypothesis import given
from hypothesis import strategies as st

from domain.alignment import ChangeKind
from domain.redline import Segment, document_redline, redline

pieces = st.sampled_from(
    ["we", " ", "  ", "sell", "don't", ".", ", ", "\n", "30", "caf\u00e9", "\u200b"]
)
texts = st.one_of(st.lists(pieces, max_size=30).map("".join), st.text(max_size=60))


@given(before=texts, after=texts)
def test_accepting_and_rejecting_give_the_two_texts_exactly(before: str, after: str) -> None:
    segments = redline(before, after)
    assert "".join(s.text for s in segments if s.kind != "deleted") == after
    assert "".join(s.text for s in segments if s.kind != "inserted") == before


def test_whole_words_are_marked_and_neighbours_are_marked_together() -> None:
    assert redline("We keep it for thirty days.", "We keep it for one year.") == (
        Segment(kind="same", text="We keep it for "),
        Segment(kind="deleted", text="thirty days"),
        Segment(kind="inserted", text="one year"),
        Segment(kind="same", text="."),
    )


def test_a_document_is_redlined_clause_by_clause_in_its_new_order() -> None:
    """P1: anyone can read what changed between two versions."""
    old = "# Gnomes\n\nWe sell gnomes.\n\nWe keep a book of all the gnomes we sold.\n"
    new = "# Gnomes\n\nWe keep a book of most of the gnomes we sold.\n\nAsk the gardener.\n"
    blocks = document_redline(old, new)
    assert [block.kind for block in blocks] == [
        ChangeKind.UNCHANGED,
        ChangeKind.REMOVED,
        ChangeKind.AMENDED,
        ChangeKind.ADDED,
    ]
    assert blocks[2].section == ("Gnomes",)
    assert [s.text for s in blocks[2].segments if s.kind == "inserted"] == ["most of"]
    assert blocks[3].segments == (Segment(kind="inserted", text="Ask the gardener."),)
