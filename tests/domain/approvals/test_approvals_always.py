"""Who is governed by what: what is so in every life of an account."""

from dataclasses import replace
from datetime import timedelta
from itertools import pairwise
from random import Random

from hypothesis import given
from hypothesis import strategies as st

from domain.approvals.approvals import (
    Decision,
    InForce,
    Voided,
    Ways,
    in_force,
)
from domain.approvals.governing import (
    needs_approval,
)
from tests.domain.approvals.accounts_lives import (
    DECLINED,
    LATEST,
    Story,
    adverse_from,
    day,
    decided,
    stories,
    told,
    without_late_voids,
)


@given(stories())
def test_every_move_is_to_the_version_in_force_at_its_instant_or_back(story: Story) -> None:
    """P6: never backdated, never to a version already overtaken; back only by decline or void. Of
    the version that governs already a step only tells of an approval."""
    start, timeline, decisions, _ = story
    steps = told(story, day(LATEST)).steps
    assert steps[0].number == start.number
    for earlier, step in pairwise(steps):
        assert earlier.since <= step.since
        current = in_force(step.since, timeline)
        back = any(
            (one.decision is DECLINED and one.at == step.since)
            or (one.voided and one.voided.at == step.since)
            for one in decisions
        )
        proves = step.number == earlier.number and step.approval
        assert back or proves or (current and current.number == step.number)


@given(stories(), st.integers(0, LATEST))
def test_what_governs_is_proven_by_its_own_approval_while_that_stands(
    story: Story, number: int
) -> None:
    """P6: whatever it governed by before, and by none that was taken back or voided."""
    at = max(day(number), story[0].at)
    state = told(story, at)
    last = state.steps[-1]
    own = [word for word in state.approved if word.number == state.number]
    assert last.number == state.number
    assert last.approval is None or last.approval.stands(at)
    assert bool(own) == (last.approval is not None and last.approval.number == state.number)
    if own:
        assert last.approval in own
        assert own[0].proof in last.because
        assert not last.required_by


@given(stories())
def test_the_answer_at_an_instant_is_the_last_step_until_then(story: Story) -> None:
    """P6: the moves told today agree with what was answered on every day before."""
    steps = told(story, day(120)).steps
    start = story[0]
    for number in range(121):
        if day(number) >= start.at:
            then = [step for step in steps if step.since <= day(number)]
            state = told(story, day(number))
            assert (state.number, state.steps) == (then[-1].number, tuple(then))


@given(stories(), st.integers(0, 60), st.data())
def test_later_events_never_change_a_past_answer(
    story: Story, number: int, data: st.DataObject
) -> None:
    """P6."""
    start, timeline, decisions, clean = story
    at = max(day(number), start.at)
    later_decisions = data.draw(
        st.lists(
            st.builds(decided, st.integers(1, 6), st.sampled_from(Decision), st.integers(91, 95))
        )
    )
    future = InForce(number=len(timeline) + 1, at=day(90))
    longer = (start, (*timeline, future), (*decisions, *later_decisions), clean)
    assert told(longer, at) == told(story, at)


@given(stories())
def test_nobody_is_moved_by_a_change_they_did_not_accept(story: Story) -> None:
    """P5: who never approved anything is only ever where the way from their start is clean."""
    start, timeline, _, clean = story
    state = told((start, timeline, (), clean), day(LATEST))
    assert state.accepted == start.number
    for earlier, step in pairwise(state.steps):
        assert clean(start.number, step.number)
        assert clean(earlier.number, step.number)


@given(stories())
def test_who_takes_everything_back_stands_as_if_they_had_never_approved(story: Story) -> None:
    """P5: a withdrawal is a fold without the approval."""
    start, timeline, decisions, clean = story
    withdrawn = tuple(decided(number, DECLINED, 121) for number in range(1, 7))
    after = told((start, timeline, (*decisions, *withdrawn), clean), day(122))
    never = told((start, timeline, (), clean), day(122))
    assert (after.number, after.accepted) == (never.number, never.accepted)


@given(stories(), st.integers(0, 120))
def test_a_void_changes_nothing_before_its_instant(story: Story, number: int) -> None:
    """P8: never backdated; until then it is as if nothing had been voided."""
    start, timeline, decisions, clean = story
    at = max(day(number), start.at)
    until_then = tuple(
        one if one.voided and one.voided.at <= at else replace(one, voided=None)
        for one in decisions
    )
    assert told(story, at) == told((start, timeline, until_then, clean), at)


@given(stories())
def test_whose_decisions_are_all_voided_stands_as_if_they_had_never_decided(story: Story) -> None:
    """P8: and every move until the void stays told."""
    start, timeline, decisions, clean = story
    void = Voided(at=day(121), proof="a wrong mail")
    emptied = tuple(one if one.voided else replace(one, voided=void) for one in decisions)
    after = told((start, timeline, emptied, clean), day(122))
    never = told((start, timeline, (), clean), day(122))
    assert (after.number, after.accepted) == (never.number, never.accepted)
    before = told(story, day(120)).steps
    assert after.steps[: len(before)] == before


@given(stories(), st.randoms(use_true_random=False))
def test_the_order_in_which_rows_are_read_does_not_matter(story: Story, chance: Random) -> None:
    """P6: two words of the same instant too."""
    start, timeline, decisions, clean = story
    shuffled = list(decisions)
    chance.shuffle(shuffled)
    again = told((start, timeline, tuple(shuffled), clean), day(LATEST))
    assert again == told(story, day(LATEST))


@given(stories())
def test_the_instant_of_a_move_belongs_to_the_new_version(story: Story) -> None:
    """P6: half-open intervals, at every move of every story."""
    for earlier, step in pairwise(told(story, day(LATEST)).steps):
        if earlier.since < step.since:
            assert told(story, step.since - timedelta.resolution).number == earlier.number
            assert step in told(story, step.since).steps


@given(stories())
def test_a_move_without_approval_is_clean_from_what_was_last_accepted(story: Story) -> None:
    """P6: no creep by small steps, whatever was approved and taken back in between."""
    *_, clean = story
    for earlier, step in pairwise(told(story, day(LATEST)).steps):
        if step.because.startswith("version") and "declined" not in step.because:
            assert clean(earlier.number, step.number)
            assert clean(told(story, step.since).accepted, step.number)


@given(stories())
def test_a_move_by_approval_names_one_that_stands_and_is_of_a_text_no_better(story: Story) -> None:
    """P5: of that very version, or of one since the governing one from which it is clean."""
    *_, clean = story
    for earlier, step in pairwise(told(story, day(LATEST)).steps):
        if step.because.startswith("approved"):
            standing = told(story, step.since).approved
            assert any(
                approval.proof in step.because
                and (
                    approval.number == step.number
                    or (
                        earlier.number <= approval.number < step.number
                        and clean(approval.number, step.number)
                    )
                )
                for approval in standing
            )


@given(stories(), st.integers(1, 6))
def test_a_version_clean_from_every_text_frees_everybody(story: Story, effect: int) -> None:
    """P6: it takes what was adverse back, so those who stayed and those who went meet on it."""
    start, timeline, decisions, clean = story
    reverting = InForce(number=len(timeline) + 1, at=day(60 + effect))
    state = told((start, (*timeline, reverting), decisions, clean), day(LATEST))
    assert (state.number, state.since) == (reverting.number, reverting.at)


@given(stories(), st.data())
def test_who_needs_no_approval_is_exactly_who_moves_at_the_effect(
    story: Story, data: st.DataObject
) -> None:
    """P4, P5: whom a campaign asks, and nobody else, stays where they are unless they approve."""
    start, timeline, decisions, _ = without_late_voids(story)
    number = len(timeline) + 1
    bad_from = data.draw(st.sets(st.integers(1, len(timeline))))
    clean = adverse_from(story, bad_from, number)
    early = data.draw(
        st.lists(
            st.builds(decided, st.just(number), st.sampled_from(Decision), st.integers(61, 69)),
            max_size=2,
        )
    )
    longer = (*timeline, InForce(number=number, at=day(70)))
    story = (start, longer, (*decisions, *early), clean)
    before, after = told(story, day(70) - timedelta.resolution), told(story, day(70))
    assert needs_approval(before, number, Ways(clean=clean)) == (after.number != number)
