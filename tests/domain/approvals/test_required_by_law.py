"""What a law requires governs everybody, is nobody's approval, and does not creep on (P5)."""

from collections.abc import Collection
from datetime import timedelta

from hypothesis import given
from hypothesis import strategies as st

from domain.approvals.approvals import (
    Governing,
    InForce,
    Reclassified,
    Required,
    Stage,
    Start,
    Ways,
)
from domain.approvals.governing import (
    governing,
    needs_approval,
)
from tests.domain.approvals.accounts_lives import (
    ADVERSE,
    APPROVED,
    DECLINED,
    LATEST,
    Story,
    clean_except,
    day,
    decided,
    force,
    on,
    starting,
    stories,
    without_late_voids,
)

AI_ACT = "Regulation (EU) 2024/1689, Article 50"
BECAUSE = f"required by law: {AI_ACT} (departure from P5)"
Pairs = Collection[tuple[int, int]]


def by_law(*pairs: tuple[int, int]) -> Required:
    """A law requires what is adverse on these ways."""
    return lambda base, number: (AI_ACT,) if (base, number) in pairs else ()


def test_it_governs_the_silent_from_the_effect_and_is_not_their_approval() -> None:
    """P5: the proof says so, and the last accepted text stays where it was."""
    law = by_law((1, 2))
    timeline = force(0, 30)
    before = on(29, timeline=timeline, clean=ADVERSE, required=law)
    assert before.number == 1
    assert not needs_approval(before, 2, Ways(clean=ADVERSE, required=law))
    carol = on(LATEST, timeline=timeline, clean=ADVERSE, required=law)
    assert (carol.number, carol.since, carol.accepted) == (2, day(30), 1)
    last = carol.steps[-1]
    assert (last.because, last.required_by, last.approval) == (BECAUSE, (AI_ACT,), None)
    assert carol.approved == ()


def test_whoever_joins_before_the_effect_or_after_it_is_governed_by_it() -> None:
    """P5: late joiners too."""
    for joined, since in ((20, 30), (40, 40)):
        late = starting(on=joined)
        state = on(
            LATEST, timeline=force(0, 30), clean=ADVERSE, required=by_law((1, 2)), start=late
        )
        assert (state.number, state.since) == (2, day(since))


def test_whoever_declined_the_version_before_is_not_bound_to_that_by_the_next_ones_law() -> None:
    """P5: version 3 has what version 2 wanted, and what a law requires: nobody is governed by half
    a version, so Bob stays until he approves. Alice, who approved version 2, has the rest by law.
    """
    clean = clean_except((1, 2), (1, 3), (2, 3))
    law = by_law((2, 3))
    timeline = force(0, 30, 60)
    bob = on(LATEST, (decided(2, DECLINED, 10),), timeline=timeline, clean=clean, required=law)
    assert bob.number == 1
    assert needs_approval(bob, 3, Ways(clean=clean, required=law))
    alice = on(LATEST, (decided(2, APPROVED, 10),), timeline=timeline, clean=clean, required=law)
    assert (alice.number, alice.since, alice.accepted) == (3, day(60), 2)
    assert [step.approval is not None for step in alice.steps] == [False, True, False]
    assert alice.steps[-1].because == BECAUSE


def test_whoever_declined_is_governed_once_nothing_is_left_but_the_law() -> None:
    """P5: version 3 takes back what Bob declined, and has what a law requires."""
    bob = on(
        LATEST,
        (decided(2, DECLINED, 10),),
        timeline=force(0, 30, 60),
        clean=clean_except((1, 2), (1, 3)),
        required=by_law((1, 3)),
    )
    assert (bob.number, bob.since, bob.accepted) == (3, day(60), 1)
    assert bob.steps[-1].because == BECAUSE


def test_a_late_yes_to_the_version_before_brings_the_rest_along_and_a_no_does_not() -> None:
    """P5: approved is version 2, and only that; who declined version 3 has declined it."""
    clean = clean_except((1, 2), (1, 3), (2, 3))
    law, timeline = by_law((2, 3)), force(0, 30, 60)
    late = (decided(2, APPROVED, 70),)
    state = on(LATEST, late, timeline=timeline, clean=clean, required=law)
    assert (state.number, state.since, state.accepted) == (3, day(70), 2)
    last = state.steps[-1]
    assert last.because == (
        f"approved version 2 (approval of day 70), and what changes in it is {BECAUSE}"
    )
    assert (last.approval, last.required_by) == (None, (AI_ACT,))
    declined = (*late, decided(3, DECLINED, 80))
    assert on(LATEST, declined, timeline=timeline, clean=clean, required=law).number == 1


def test_a_later_version_does_not_ask_again_for_what_the_law_required() -> None:
    """P5, P6: measured from what Carol last accepted it is still there, and the same law requires
    it; what is worse beside it does not creep in with it."""
    timeline = force(0, 30, 60)
    clean = clean_except((1, 2), (1, 3))
    inherited = by_law((1, 2), (1, 3))
    carol = on(LATEST, timeline=timeline, clean=clean, required=inherited)
    assert [step.number for step in carol.steps] == [1, 2, 3]
    assert (carol.accepted, carol.steps[-1].because) == (1, BECAUSE)
    more = by_law((1, 2))
    carol = on(LATEST, timeline=timeline, clean=clean, required=more)
    assert carol.number == 2
    assert needs_approval(carol, 3, Ways(clean=clean, required=more))


def test_a_frozen_account_is_governed_once_it_is_not_frozen_any_more() -> None:
    """P5: nothing moves the account of somebody who died; a mistake is mended from then on."""

    def frozen(until: int | None) -> Governing:
        return governing(
            day(LATEST),
            start=starting(),
            timeline=force(0, 30),
            decisions=(),
            ways=Ways(clean=ADVERSE, required=by_law((1, 2))),
            frozen=[Stage(at=day(20), until=day(until) if until else None)],
        )

    assert frozen(None).number == 1
    assert (frozen(50).number, frozen(50).since) == (2, day(50))


def test_whoever_was_moved_by_law_falls_back_when_more_is_found_in_the_change() -> None:
    """P2, P5: what the law requires is not all of it after all."""
    found = Reclassified(number=2, at=day(50), changes=frozenset({(1, 2)}), proof="more was found")
    state = governing(
        day(LATEST),
        start=starting(),
        timeline=force(0, 30),
        decisions=(),
        ways=Ways(clean=ADVERSE, required=by_law((1, 2))),
        reclassified=(found,),
    )
    assert [(step.number, bool(step.in_error)) for step in state.steps] == [
        (1, False),
        (2, True),
        (1, False),
    ]


PAIRS = [(base, number) for number in range(1, 8) for base in range(1, number)]
SOME_PAIRS = st.sets(st.sampled_from(PAIRS))


def told(story: Story, number: int, required: Pairs) -> Governing:
    start, timeline, decisions, clean = story
    return governing(
        day(number),
        start=start,
        timeline=timeline,
        decisions=decisions,
        ways=Ways(clean=clean, required=by_law(*required)),
    )


@given(stories(), SOME_PAIRS)
def test_what_the_law_requires_is_never_told_as_an_approval(story: Story, required: Pairs) -> None:
    """P5: and it moves nobody's last accepted text, so no change creeps in behind it."""
    start, _, decisions, _ = story
    for number in (40, LATEST):
        if day(number) < start.at:
            continue
        state = told(story, number, required)
        assert not any(step.approval and step.required_by for step in state.steps)
        for step in state.steps:
            assert bool(step.required_by) == ("required by law" in step.because)
        said_yes = {
            one.number for one in decisions if one.decision is APPROVED and one.at <= day(number)
        }
        assert state.accepted in {start.number, *said_yes}


@given(stories(), SOME_PAIRS, st.data())
def test_it_governs_exactly_whom_it_changes_nothing_else_for_from_the_effect(
    story: Story, required: Pairs, data: st.DataObject
) -> None:
    """P5: no approval, decline or silence decides; who is asked is exactly who stays."""
    start, timeline, decisions, clean = without_late_voids(story)
    number = len(timeline) + 1
    law = {(base, number) for base in data.draw(st.sets(st.integers(1, len(timeline))))}
    pairs = {*required, *law}
    longer = (*timeline, InForce(number=number, at=day(70)))

    def all_but_the_new(base: int, to: int) -> bool:
        return to != number and clean(base, to)

    ways = Ways(clean=all_but_the_new, required=by_law(*pairs))
    before, after = (
        governing(at, start=start, timeline=longer, decisions=decisions, ways=ways)
        for at in (day(70) - timedelta.resolution, day(70))
    )
    assert needs_approval(before, number, ways) == (after.number != number)
    if {(before.number, number), (before.accepted, number)} <= pairs:
        assert (after.number, after.since) == (number, day(70))
        assert after.steps[-1].required_by == (AI_ACT,)


@given(stories(), SOME_PAIRS)
def test_without_a_word_said_the_law_moves_as_a_clean_change_does(
    story: Story, required: Pairs
) -> None:
    """P6: at the same instants, through the same versions."""
    start, timeline, _, clean = story
    as_if_clean = Ways(clean=lambda a, b: clean(a, b) or (a, b) in required)
    silent = (start, timeline, (), clean)
    free = governing(day(LATEST), start=start, timeline=timeline, decisions=(), ways=as_if_clean)
    assert [(step.number, step.since) for step in told(silent, LATEST, required).steps] == [
        (step.number, step.since) for step in free.steps
    ]


def test_a_start_is_no_approval_either() -> None:
    """P5, P6: whoever joined under it is governed by it because it was in force."""
    joined = Start(number=2, at=day(40), proof="in force when the account was first known here")
    state = on(LATEST, timeline=force(0, 30), clean=ADVERSE, required=by_law((1, 2)), start=joined)
    assert [step.because for step in state.steps] == [joined.proof]
