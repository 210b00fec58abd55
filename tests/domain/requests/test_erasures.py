"""The life of an erasure (P13, P18): when it may begin, and how it ends."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.requests.data_subject_requests import Ground, Outcome
from domain.requests.erasures import (
    COOLING_OFF,
    ROOM_TO_ERASE,
    Life,
    SourceEnd,
    Stage,
    begins_at,
    end_of,
    gone,
    source_end,
    still_there,
)
from domain.requests.personal_data import OWN_SOURCE, Done, Held, Located, Receipt, Retained, Verb
from domain.requests.source_tasks import done_receipt

GRANTED = datetime(2026, 3, 2, 9, tzinfo=UTC)
HOURS = st.integers(-48, 1000).map(lambda hours: timedelta(hours=hours))
MOMENTS = st.none() | HOURS.map(lambda after: GRANTED + after)
LIVES = st.builds(
    Life,
    begins_at=MOMENTS,
    skipped_at=MOMENTS,
    dropped_at=MOMENTS,
    begun_at=MOMENTS,
    ended_at=MOMENTS,
)


def receipt(source: str = "billing", *, kept: int = 0) -> Receipt:
    """What a source says after an erasure."""
    return Receipt(
        source=source,
        verb=Verb.ERASE,
        done=(Done(category="Contact details", rows=1),),
        retained=(Retained(category="Contact details", rows=kept, reason="A law", until="8 years"),)
        if kept
        else (),
    )


@given(HOURS.map(lambda left: GRANTED + left), MOMENTS)
def test_the_time_to_think_never_takes_the_answer_past_its_due_time(
    due_at: datetime, told_at: datetime | None
) -> None:
    """P13, P21: it ends in time for slow sources, or at once where there is no such time."""
    begins = begins_at(GRANTED, told_at, due_at)
    assert begins == GRANTED or GRANTED < begins <= due_at - ROOM_TO_ERASE
    if told_at is not None:
        assert begins <= max(GRANTED, told_at + COOLING_OFF)


def test_with_weeks_left_the_person_has_two_days_from_when_they_were_told() -> None:
    """P13: and as long as nobody told them, whatever the due time leaves."""
    due_at, told_at = GRANTED + timedelta(days=20), GRANTED + timedelta(hours=7)
    assert begins_at(GRANTED, told_at, due_at) == told_at + timedelta(days=2)
    assert begins_at(GRANTED, None, due_at) == due_at - ROOM_TO_ERASE


ROWS = st.dictionaries(st.sampled_from("abc"), st.integers(0, 5))


@given(ROWS, ROWS, ROWS)
def test_what_is_gone_is_what_was_there_and_does_not_stay_whoever_said_so(
    done: dict[str, int], stays: dict[str, int], before: dict[str, int]
) -> None:
    """P13: an answer that was lost takes nothing away from what the person is told."""
    told = gone(done, stays, before)
    assert told.keys() == done.keys()
    for category, rows in told.items():
        assert rows >= done[category]
        assert rows + stays.get(category, 0) >= before.get(category, 0)
        assert rows in {done[category], before.get(category, 0) - stays.get(category, 0)}


@given(LIVES)
def test_nothing_begins_that_nobody_granted_or_that_somebody_dropped(life: Life) -> None:
    """P13."""
    if life.may_begin_at is not None:
        assert life.begins_at is not None
        assert life.dropped_at is life.begun_at is life.ended_at is None
        assert life.may_begin_at in {life.begins_at, life.skipped_at}


@given(LIVES)
def test_what_is_begun_cannot_be_dropped(life: Life) -> None:
    """P13."""
    if life.begun_at is not None or life.ended_at is not None:
        assert not life.can_be_dropped


def test_it_goes_through_its_stages_in_order() -> None:
    """P13."""
    at = GRANTED
    assert [
        Life().stage,
        Life(begins_at=at).stage,
        Life(begins_at=at, begun_at=at).stage,
        Life(begins_at=at, begun_at=at, ended_at=at).stage,
    ] == [Stage.OPEN, Stage.COOLING_OFF, Stage.ERASING, Stage.DONE]
    assert Life(begins_at=at, dropped_at=at).stage is Stage.DROPPED


@given(st.lists(st.none() | st.sampled_from(SourceEnd), min_size=1))
def test_it_ends_once_every_source_is_done_and_wholly_only_where_nothing_stayed(
    sources: list[SourceEnd | None],
) -> None:
    """P13."""
    end = end_of(sources)
    assert (end is None) == (None in sources)
    if end is not None:
        outcome, ground = end
        assert (outcome is Outcome.FULFILLED) == (set(sources) == {SourceEnd.ERASED})
        assert (ground is Ground.LEGAL_MATTERS) == (SourceEnd.HELD in sources)


@pytest.mark.parametrize(
    ("source", "end"), [("billing", SourceEnd.KEPT), (OWN_SOURCE, SourceEnd.ERASED)]
)
def test_what_a_law_keeps_makes_it_partial_and_our_own_proof_does_not(
    source: str, end: SourceEnd
) -> None:
    """P13, P33."""
    assert source_end(source, done_receipt(receipt(source, kept=2))) is end
    assert source_end("billing", done_receipt(receipt())) is SourceEnd.ERASED


@pytest.mark.parametrize(("kept", "there", "lies"), [(0, 1, True), (1, 1, False), (0, 0, False)])
def test_a_source_that_has_more_than_it_said_is_not_believed(
    kept: int, there: int, lies: bool
) -> None:
    """P13."""
    located = Located(
        source="billing", held=(Held(category="Contact details", rows=there, uses=()),)
    )
    assert bool(still_there(receipt(kept=kept), located)) == lies
