"""The life of an erasure (P13, P18): when it may begin, and how it ends."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.data_subject_requests import Ground, Outcome
from domain.erasures import (
    COOLING_OFF,
    ROOM_TO_ERASE,
    Life,
    Stage,
    begins_at,
    end_of,
    still_there,
)
from domain.personal_data import (
    OWN_SOURCE,
    Done,
    Failed,
    Held,
    Located,
    Receipt,
    Retained,
    Verb,
)

CONFIRMED = datetime(2026, 3, 2, 9, tzinfo=UTC)
HOURS = st.integers(-48, 1000).map(lambda hours: timedelta(hours=hours))
MOMENTS = st.none() | HOURS.map(lambda after: CONFIRMED + after)
LIVES = st.builds(
    Life,
    begins_at=MOMENTS,
    skipped_at=MOMENTS,
    dropped_at=MOMENTS,
    begun_at=MOMENTS,
    ended_at=MOMENTS,
)


def receipt(source: str = "billing", *, kept: int = 0, failed: int = 0) -> Receipt:
    """What a source says after an erasure."""
    return Receipt(
        source=source,
        verb=Verb.ERASE,
        done=(Done(category="Contact details", rows=1),),
        retained=(Retained(category="Contact details", rows=kept, reason="A law", until="8 years"),)
        if kept
        else (),
        failed=(Failed(category="Contact details", rows=failed, reason="in_use"),)
        if failed
        else (),
    )


RECEIPTS = st.dictionaries(
    st.sampled_from(["billing", "sessions", "paper", OWN_SOURCE]),
    st.none() | st.builds(receipt, kept=st.integers(0, 2), failed=st.integers(0, 1)),
    min_size=1,
)


@given(HOURS.map(lambda left: CONFIRMED + left), st.booleans())
def test_the_time_to_think_never_takes_the_answer_past_its_due_time(
    due_at: datetime, of_minor: bool
) -> None:
    """P13, P21: it ends in time for slow sources, or at once where there is no such time."""
    begins = begins_at(CONFIRMED, due_at, of_minor=of_minor)
    assert CONFIRMED <= begins <= CONFIRMED + COOLING_OFF
    assert begins == CONFIRMED or begins <= due_at - ROOM_TO_ERASE


@given(HOURS.map(lambda left: CONFIRMED + left))
def test_a_minor_s_data_waits_for_nobody(due_at: datetime) -> None:
    """P18."""
    assert begins_at(CONFIRMED, due_at, of_minor=True) == CONFIRMED


def test_with_weeks_left_the_person_has_two_days() -> None:
    """P13."""
    due_at = CONFIRMED + timedelta(days=20)
    assert begins_at(CONFIRMED, due_at, of_minor=False) == CONFIRMED + timedelta(days=2)


@given(LIVES)
def test_nothing_begins_that_nobody_confirmed_or_that_somebody_dropped(life: Life) -> None:
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
    at = CONFIRMED
    assert [
        Life().stage,
        Life(begins_at=at).stage,
        Life(begins_at=at, begun_at=at).stage,
        Life(begins_at=at, begun_at=at, ended_at=at).stage,
    ] == [Stage.REVIEW, Stage.COOLING_OFF, Stage.ERASING, Stage.DONE]
    assert Life(begins_at=at, dropped_at=at).stage is Stage.DROPPED


@given(RECEIPTS, st.sets(st.sampled_from(["billing", "sessions", OWN_SOURCE])))
def test_it_ends_only_when_every_source_that_is_not_held_has_done_it(
    receipts: dict[str, Receipt | None], held: set[str]
) -> None:
    """P13."""
    end = end_of(receipts, held)
    asked = [one for name, one in receipts.items() if name not in held]
    assert (end is None) == any(one is None or bool(one.failed) for one in asked)
    if end is not None:
        assert (end.ground is Ground.LEGAL_MATTERS) == bool(held)
        assert (end.outcome is Outcome.FULFILLED) == (end.ground is None)


@pytest.mark.parametrize(
    ("source", "outcome"), [("billing", Outcome.PARTIAL), (OWN_SOURCE, Outcome.FULFILLED)]
)
def test_what_a_law_keeps_makes_it_partial_and_our_own_proof_does_not(
    source: str, outcome: Outcome
) -> None:
    """P13, P33."""
    end = end_of({source: receipt(source, kept=2)}, held=())
    assert end is not None
    assert end.outcome is outcome


@pytest.mark.parametrize(("kept", "there", "lies"), [(0, 1, True), (1, 1, False), (0, 0, False)])
def test_a_source_that_has_more_than_it_said_is_not_believed(
    kept: int, there: int, lies: bool
) -> None:
    """P13."""
    located = Located(
        source="billing", held=(Held(category="Contact details", rows=there, uses=()),)
    )
    assert bool(still_there(receipt(kept=kept), located)) == lies
