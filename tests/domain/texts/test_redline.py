"""Accepting every change of a redline gives the new text, rejecting every one the old text."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.texts.alignment import ChangeKind, align
from domain.texts.clauses import read_clauses
from domain.texts.redline import RedlineBlock, Segment, document_redline, redline, redline_of

pieces = st.sampled_from(
    ["we", " ", "  ", "sell", "don't", ".", ", ", "\n", "30", "caf\u00e9", "\u200b"]
)
texts = st.one_of(st.lists(pieces, max_size=30).map("".join), st.text(max_size=60))

lines = st.lists(st.sampled_from(["we keep", "your name", "for a year", "and sell it"]), min_size=1)
marks = st.sampled_from(["", "", "# ", "- ", "  - ", "1. ", "> "])
documents = st.lists(st.tuples(marks, lines.map(" ".join)).map("".join), max_size=10).map(
    "\n\n".join
)


@given(before=texts, after=texts)
def test_accepting_and_rejecting_give_the_two_texts_exactly(before: str, after: str) -> None:
    segments = redline(before, after)
    assert "".join(s.text for s in segments if s.kind != "deleted") == after
    assert "".join(s.text for s in segments if s.kind != "inserted") == before


@pytest.mark.slow
@given(before=documents, after=documents)
def test_so_do_the_blocks_of_a_document_whatever_was_moved_split_or_merged(
    before: str, after: str
) -> None:
    changes = align(read_clauses(before), read_clauses(after))
    blocks = redline_of(changes)
    assert [_without("deleted", block) for block in blocks if _without("deleted", block)] == [
        " ".join(clause.text for clause in change.new) for change in changes if change.new
    ]
    assert [clause for change in changes for clause in change.new] == list(read_clauses(after))
    gone = {
        change.old[0].lines: _without("inserted", block)
        for change, block in zip(changes, blocks, strict=True)
        if change.old
    }
    assert " ".join(text for _, text in sorted(gone.items())) == " ".join(
        clause.text for clause in read_clauses(before)
    )


def _without(kind: str, block: RedlineBlock) -> str:
    return "".join(segment.text for segment in block.segments if segment.kind != kind)


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
