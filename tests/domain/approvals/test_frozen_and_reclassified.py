"""Accounts of the dead, which nothing moves, and versions that should have asked for approval."""

from datetime import timedelta
from random import Random

from hypothesis import given
from hypothesis import strategies as st

from domain.approvals.approvals import Reclassified, Stage
from tests.domain.approvals.accounts_lives import (
    APPROVED,
    DECLINED,
    LATEST,
    ONE_DAY,
    Story,
    clean_except,
    day,
    decided,
    force,
    on,
    stories,
    told,
)


@given(stories(), st.integers(0, 120), st.none() | st.integers(1, 60))
def test_while_it_is_frozen_nothing_moves_an_account(
    story: Story, first: int, days: int | None
) -> None:
    """P5: what governed a person who died stays; a mistake is mended from then on."""
    start = story[0]
    begin = max(day(first), start.at)
    frozen = Stage(at=begin, until=None if days is None else begin + days * ONE_DAY)
    steps = told(story, day(200), [frozen]).steps
    assert not any(frozen.holds(step.since) for step in steps[1:])
    just_before = begin - timedelta.resolution
    if just_before >= start.at:
        assert told(story, just_before, [frozen]).number == told(story, just_before).number
        assert told(story, begin, [frozen]).number == told(story, just_before).number
    if frozen.until is None:
        assert told(story, day(200), [frozen]).number == told(story, begin, [frozen]).number


def test_a_frozen_account_is_moved_back_once_it_is_not_frozen_any_more() -> None:
    """P2: while it is frozen nothing moves it."""
    for at, number in ((55, 2), (60, 1)):
        state = on(
            at,
            timeline=force(0, 30),
            clean=clean_except(),
            frozen=[Stage(at=day(40), until=day(60))],
            reclassified=(found_out(2, 50, 1),),
        )
        assert state.number == number


def test_a_reclassification_moves_back_whoever_never_approved_and_marks_the_past() -> None:
    """P2: from its instant; the steps that it was wrong to take stay told, as errors."""
    found = (found_out(2, 50, 1),)
    state = on(60, timeline=force(0, 30), clean=clean_except(), reclassified=found)
    assert (state.number, state.since) == (1, day(50))
    assert [(step.number, step.since, bool(step.in_error)) for step in state.steps] == [
        (1, day(0), False),
        (2, day(30), True),
        (1, day(50), False),
    ]
    then = on(40, timeline=force(0, 30), clean=clean_except(), reclassified=found)
    assert [(step.number, bool(step.in_error)) for step in then.steps] == [(1, False), (2, True)]


@given(st.randoms(use_true_random=False))
def test_a_reclassification_is_never_backdated_and_governs_nobody_unasked(chance: Random) -> None:
    """P2, P5: before its instant all is as without it, but for the mark of the error; after it only
    a word, or what is clean by what is known now, brings anybody to a version."""
    timeline = force(0, *sorted(chance.sample(range(1, LATEST), 3)))
    numbers = range(1, len(timeline) + 1)
    pairs = [(base, number) for number in numbers for base in range(1, number)]
    adverse = frozenset(pair for pair in pairs if chance.random() < 0.3)
    number = chance.choice(numbers[1:])
    bases = [base for base in range(1, number) if chance.random() < 0.8]
    found = found_out(number, chance.randrange(1, LATEST), *bases)
    decisions = tuple(
        decided(
            chance.choice(numbers), chance.choice([APPROVED, DECLINED]), chance.randrange(LATEST)
        )
        for _ in range(chance.randrange(4))
    )
    for at in range(0, LATEST + 1, 3):
        with_it, without = (
            on(
                at,
                decisions,
                timeline=timeline,
                clean=clean_except(*adverse),
                reclassified=known,
            )
            for known in ((found,), ())
        )
        if day(at) < found.at:
            assert with_it == without
        else:
            last = with_it.steps[-1]
            assert not last.clean_by & found.changes
            assert last.number == with_it.number
        for step in with_it.steps:
            assert bool(step.in_error) == bool(step.clean_by & found.changes)
            assert step.since <= found.at or not step.in_error


def found_out(number: int, on: int, *bases: int) -> Reclassified:
    changes = frozenset((base, number) for base in bases)
    return Reclassified(number=number, at=day(on), changes=changes, proof="reclassification 1")
