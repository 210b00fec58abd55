"""What no machine reaches waits for a person, and their evidence is held against what was asked."""

from dataclasses import replace
from datetime import timedelta

import pytest

from data_sources.data_map import ManualDescription
from data_sources.manual import ManualSource
from data_sources.source import SourceWrong
from domain.requests.personal_data import (
    Correction,
    Done,
    Exported,
    Held,
    LegalBasis,
    Located,
    Origin,
    Receipt,
    Record,
    Verb,
    Waits,
)
from tests.data_sources.fernhill import ALICE, CALL, NOW, Board, read_map

FOUND = Record(
    source="paper",
    category="Contracts",
    item=1,
    field="signed_name",
    value="Alice Abel",
    origin=Origin.PROVIDED,
    purpose="Keeping the customer's contract",
    legal_basis=LegalBasis.CONTRACT,
)
DESTROYED = Receipt(source="paper", verb=Verb.ERASE, done=(Done(category="Contracts", rows=1),))


@pytest.fixture
def board() -> Board:
    return Board()


@pytest.fixture
def paper(board: Board) -> ManualSource:
    about = next(one for one in read_map().sources if isinstance(one, ManualDescription))
    return ManualSource(about, board)


def waiting(answer: object) -> str:
    """The task that is waited for."""
    assert isinstance(answer, Waits)
    return answer.task_id


def test_a_task_says_who_is_to_do_what_until_when(paper: ManualSource, board: Board) -> None:
    """P11."""
    task = board.tasks[waiting(paper.export(ALICE, CALL))]
    assert (task.assigned_role, task.due_at) == ("task", NOW + timedelta(days=5))
    assert task.instructions == "Scan the person's contracts, and enter what they say."
    assert task.person == ALICE


def test_what_is_waited_for_tells_nobody_who_it_is_about(paper: ManualSource, board: Board) -> None:
    """P31: ids cross Temporal, and logs show no person."""
    waits = paper.erase(ALICE, CALL)
    assert "alice" not in repr(waits)
    assert "alice" not in repr(board.tasks)
    assert "Abel" not in repr(FOUND)
    assert "alice" not in repr(Correction(category="Contracts", field="x", before="alice", after=1))


def test_asked_again_it_is_the_same_task(paper: ManualSource, board: Board) -> None:
    later = replace(CALL, now=NOW + timedelta(days=3))
    assert waiting(paper.erase(ALICE, CALL)) == waiting(paper.erase(ALICE, later))
    assert board.tasks[waiting(paper.erase(ALICE, later))].due_at == NOW + timedelta(days=5)


def test_each_verb_and_each_call_is_a_task_of_its_own(paper: ManualSource, board: Board) -> None:
    other = replace(CALL, id="another")
    paper.locate(ALICE, CALL)
    paper.correct(ALICE, [], CALL)
    paper.restrict(ALICE, CALL)
    paper.suppress(ALICE, CALL)
    paper.erase(ALICE, CALL)
    paper.erase(ALICE, other)
    assert len(board.tasks) == 6


def test_what_a_person_handed_in_is_the_answer(paper: ManualSource, board: Board) -> None:
    """P11, P13."""
    copied = Exported(source="paper", records=(FOUND,))
    board.results[waiting(paper.export(ALICE, CALL))] = copied
    board.results[waiting(paper.erase(ALICE, CALL))] = DESTROYED
    uses = paper.about.categories["Contracts"]
    looked = Located(source="paper", held=(Held(category="Contracts", rows=0, uses=uses),))
    board.results[waiting(paper.locate(ALICE, CALL))] = looked
    assert paper.export(ALICE, CALL) == copied
    assert paper.erase(ALICE, CALL) == DESTROYED
    assert paper.locate(ALICE, CALL) == looked


@pytest.mark.parametrize(
    "handed_in",
    [
        replace(DESTROYED, verb=Verb.RESTRICT),
        replace(DESTROYED, source="billing"),
        replace(DESTROYED, done=()),
        Exported(source="paper", records=()),
    ],
)
def test_what_does_not_fit_what_was_asked_is_refused(
    paper: ManualSource, board: Board, handed_in: Receipt | Exported
) -> None:
    board.results[waiting(paper.erase(ALICE, CALL))] = handed_in
    with pytest.raises(SourceWrong, match="does not fit what was asked"):
        paper.erase(ALICE, CALL)


def test_a_field_that_the_map_does_not_know_is_refused(paper: ManualSource, board: Board) -> None:
    strange = Exported(source="paper", records=(replace(FOUND, field="shoe_size"),))
    board.results[waiting(paper.export(ALICE, CALL))] = strange
    with pytest.raises(SourceWrong, match="Nothing of it was used"):
        paper.export(ALICE, CALL)
