"""Two versions brought together: every clause is in exactly one change, and of the right kind."""

from collections import Counter
from dataclasses import replace
from itertools import accumulate, pairwise

from hypothesis import given
from hypothesis import strategies as st

from domain.texts.alignment import ChangeKind, align, carried
from domain.texts.clauses import read_clauses

BOOK = "We keep the book of gnomes in a locked cupboard in the shed."
BILL = "Bills are written by hand and sent on the first day of each month."
GARDEN = "Visitors to the garden are counted at the gate without asking for names."


def kinds(old: list[str], new: list[str]) -> list[tuple[ChangeKind, bool]]:
    changes = align(read_clauses("\n\n".join(old)), read_clauses("\n\n".join(new)))
    return [(change.kind, change.moved) for change in changes]


def test_what_stays_comes_and_goes() -> None:
    assert kinds([BOOK, BILL], [BOOK, GARDEN]) == [
        (ChangeKind.UNCHANGED, False),
        (ChangeKind.REMOVED, False),
        (ChangeKind.ADDED, False),
    ]


def test_an_amended_clause_is_recognised() -> None:
    assert kinds([BOOK], [BOOK.replace("shed", "cellar")]) == [(ChangeKind.AMENDED, False)]


def test_a_moved_clause_is_shown_as_moved() -> None:
    assert (ChangeKind.MOVED, True) in kinds([BOOK, BILL, GARDEN], [BILL, GARDEN, BOOK])


def test_a_clause_amended_on_the_way_is_both() -> None:
    changed = kinds([BOOK, BILL, GARDEN], [BILL, GARDEN, BOOK.replace("shed", "cellar")])
    assert (ChangeKind.AMENDED, True) in changed


def test_a_clause_cut_in_two_is_split_and_two_made_one_are_merged() -> None:
    assert kinds([f"{BOOK} {BILL}"], [BOOK, BILL]) == [(ChangeKind.SPLIT, False)]
    assert kinds([BOOK, BILL], [f"{BOOK} {BILL}"]) == [(ChangeKind.MERGED, False)]


def test_a_heading_is_never_taken_for_a_paragraph() -> None:
    assert kinds(["# Our gnomes"], ["Our gnomes."]) == [
        (ChangeKind.REMOVED, False),
        (ChangeKind.ADDED, False),
    ]


def test_a_clause_is_followed_through_versions_by_its_id() -> None:
    amended = BOOK.replace("shed", "cellar")
    versions = [
        [BOOK, BILL],
        [BILL, amended],
        [GARDEN, BILL, amended.replace("book", "list"), BOOK],
    ]
    first, *_, last = accumulate((read_clauses("\n\n".join(one)) for one in versions), carried)
    book, bill = (clause.id for clause in first)
    assert [clause.id for clause in last][1:3] == [bill, book]
    assert last[3].id not in (book, bill), "who comes back finds the name taken and has another"


def test_halves_and_what_is_made_of_them_keep_the_first_ones_id() -> None:
    (whole,), (first, second) = (
        read_clauses(text) for text in (f"{BOOK} {BILL}", f"{BOOK}\n\n{BILL}")
    )
    assert [clause.id for clause in carried((whole,), (first, second))] == [whole.id, second.id]
    assert [clause.id for clause in carried((first, second), (whole,))] == [first.id]


words = st.sampled_from(
    ["we", "keep", "sell", "your", "data", "gnome", "never", "for", "30", "days"]
)
paragraphs = st.lists(st.lists(words, min_size=1, max_size=8).map(" ".join), max_size=8)


@given(old=paragraphs, new=paragraphs)
def test_every_clause_is_in_exactly_one_change(old: list[str], new: list[str]) -> None:
    before, after = (read_clauses("\n\n".join(side)) for side in (old, new))
    changes = align(before, after)
    assert Counter(c.id for change in changes for c in change.old) == Counter(c.id for c in before)
    assert Counter(c.id for change in changes for c in change.new) == Counter(c.id for c in after)
    assert all(len(change.old) <= 1 or len(change.new) <= 1 for change in changes)


@given(versions=st.lists(paragraphs, min_size=2, max_size=4))
def test_ids_are_carried_to_every_clause_once_and_change_nothing_else(
    versions: list[list[str]],
) -> None:
    read = [read_clauses("\n\n".join(paragraphs)) for paragraphs in versions]
    followed = list(accumulate(read, carried))
    for clauses, known in zip(read, followed, strict=True):
        assert [replace(clause, id="") for clause in known] == [
            replace(clause, id="") for clause in clauses
        ]
        assert len({clause.id for clause in known}) == len(known)
    for before, after in pairwise(followed):
        kept = {clause.id for clause in before} & {clause.id for clause in after}
        same = Counter(clause.text for clause in before) & Counter(clause.text for clause in after)
        assert len(kept) >= same.total()
