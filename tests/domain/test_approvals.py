"""Who is governed by what: the fold of dated events, told of Alice, Bob and Carol, and as rules."""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from random import Random

from hypothesis import given
from hypothesis import strategies as st

from domain.approvals import (
    Decided,
    Decision,
    Frozen,
    Governing,
    InForce,
    Reclassified,
    Start,
    Voided,
    governing,
    in_force,
    needs_approval,
)

JOINED = datetime(2026, 1, 1, tzinfo=UTC)
ONE_DAY = timedelta(days=1)
LATEST = 100
DAYS_AROUND_70 = st.integers(61, 80)
APPROVED, DECLINED = Decision.APPROVED, Decision.DECLINED
Clean = Callable[[int, int], bool]


def day(number: int) -> datetime:
    return JOINED + number * ONE_DAY


def starting(number: int = 1, on: int = 0) -> Start:
    return Start(number=number, at=day(on), proof="asserted by omar at import, no proof")


def force(*days: int) -> tuple[InForce, ...]:
    """Version 1 in force from the first of the days, version 2 from the second, and so on."""
    return tuple(InForce(number=number, at=day(on)) for number, on in enumerate(days, start=1))


def decided(number: int, decision: Decision, on: int) -> Decided:
    return Decided(number=number, decision=decision, at=day(on), proof=f"approval of day {on}")


def voided(decision: Decided, on: int) -> Decided:
    void = Voided(at=day(on), proof="a wrong period in the mail, void 1")
    return replace(decision, voided=void)


def clean_except(*adverse: tuple[int, int]) -> Clean:
    """Every change is clean but these."""
    return lambda base, number: (base, number) not in adverse


def on(
    number: int,
    decisions: tuple[Decided, ...] = (),
    *,
    timeline: tuple[InForce, ...],
    clean: Clean,
    start: Start | None = None,
) -> Governing:
    return governing(
        day(number),
        start=start or starting(),
        timeline=timeline,
        decisions=decisions,
        clean=clean,
    )


ADVERSE = clean_except((1, 2))


def test_an_approval_before_the_effect_moves_alice_at_the_effect() -> None:
    """P5, P6: at the later of decision and in force, and the step names its proof."""
    alice = (decided(2, APPROVED, 10),)
    assert on(29, alice, timeline=force(0, 30), clean=ADVERSE).number == 1
    state = on(30, alice, timeline=force(0, 30), clean=ADVERSE)
    assert (state.number, state.since, state.accepted) == (2, day(30), 2)
    assert state.steps[-1].because == "approved version 2: approval of day 10"


def test_an_approval_after_the_effect_moves_alice_when_she_gives_it() -> None:
    """P5: never backdated."""
    alice = (decided(2, APPROVED, 40),)
    assert on(39, alice, timeline=force(0, 30), clean=ADVERSE).number == 1
    assert on(50, alice, timeline=force(0, 30), clean=ADVERSE).since == day(40)


def test_bob_who_declines_and_carol_who_is_silent_stay() -> None:
    """P5: a change of class approval never governs who has not approved it."""
    bob = (decided(2, DECLINED, 10),)
    for decisions in (bob, ()):
        state = on(LATEST, decisions, timeline=force(0, 30), clean=ADVERSE)
        assert (state.number, state.since, len(state.steps)) == (1, day(0), 1)


def test_a_decline_takes_an_approval_back_from_its_instant() -> None:
    """P5, P6: what governed before it is not unsaid, and the proof tells of the return."""
    bob = (decided(2, APPROVED, 10), decided(2, DECLINED, 50))
    assert on(49, bob, timeline=force(0, 30), clean=ADVERSE).number == 2
    state = on(60, bob, timeline=force(0, 30), clean=ADVERSE)
    assert (state.number, state.since, state.accepted) == (1, day(50), 1)
    assert [(step.number, step.since) for step in state.steps] == [
        (1, day(0)),
        (2, day(30)),
        (1, day(50)),
    ]
    assert state.steps[-1].because.startswith("the approval of version 2 was taken back")


def test_minds_may_change_more_than_once() -> None:
    """P5."""
    alice = (
        decided(2, APPROVED, 10),
        decided(2, DECLINED, 40),
        decided(2, APPROVED, 50),
        decided(2, DECLINED, 60),
        decided(2, APPROVED, 70),
    )
    governed = [on(at, alice, timeline=force(0, 30), clean=ADVERSE).number for at in (35, 45, 55)]
    assert governed == [2, 1, 2]
    state = on(LATEST, alice, timeline=force(0, 30), clean=ADVERSE)
    assert [step.since for step in state.steps] == [day(n) for n in (0, 30, 40, 50, 60, 70)]


def test_a_voided_approval_moves_alice_back_from_the_void_on() -> None:
    """P8: what governed her until then stays told, and the proof says why it ended."""
    alice = (voided(decided(2, APPROVED, 10), 50),)
    assert on(49, alice, timeline=force(0, 30), clean=ADVERSE).number == 2
    state = on(60, alice, timeline=force(0, 30), clean=ADVERSE)
    assert (state.number, state.since, state.accepted) == (1, day(50), 1)
    assert [(step.number, step.since) for step in state.steps] == [
        (1, day(0)),
        (2, day(30)),
        (1, day(50)),
    ]
    assert state.steps[-1].because.startswith(
        "the approval of version 2 was voided (a wrong period in the mail, void 1): "
    )


def test_an_approval_given_again_after_a_void_counts_from_then() -> None:
    """P8: whoever is asked again and approves again moves again, never backdated."""
    alice = (voided(decided(2, APPROVED, 10), 20), decided(2, APPROVED, 40))
    assert on(39, alice, timeline=force(0, 30), clean=ADVERSE).number == 1
    assert on(LATEST, alice, timeline=force(0, 30), clean=ADVERSE).since == day(40)


def test_a_voided_decline_takes_nothing_away_any_more() -> None:
    """P8: the approval before it stands again, from the void on."""
    bob = (decided(2, APPROVED, 10), voided(decided(2, DECLINED, 40), 50))
    governed = [on(at, bob, timeline=force(0, 30), clean=ADVERSE).number for at in (35, 45, 55)]
    assert governed == [2, 1, 2]
    assert on(LATEST, bob, timeline=force(0, 30), clean=ADVERSE).since == day(50)


def test_a_decline_of_what_governs_anyway_moves_nobody() -> None:
    """P6: version 3 took the adverse change back, so it governs with and without the approval."""
    alice = (decided(2, APPROVED, 10), decided(2, DECLINED, 60))
    state = on(LATEST, alice, timeline=force(0, 30, 50), clean=ADVERSE)
    assert (state.number, state.since, state.accepted) == (3, day(50), 1)


def test_the_same_approval_given_twice_counts_from_the_first() -> None:
    """P6."""
    alice = (decided(2, APPROVED, 35), decided(2, APPROVED, 60))
    assert on(LATEST, alice, timeline=force(0, 30), clean=ADVERSE).since == day(35)


def test_a_typing_correction_in_mid_campaign_costs_nobody_their_decision() -> None:
    """P6: version 3 corrects version 2 before anybody was governed by it."""
    timeline = (InForce(number=1, at=day(0)), InForce(number=3, at=day(30)))
    clean = clean_except((1, 2), (1, 3))
    alice, bob = (decided(2, APPROVED, 10),), (decided(2, DECLINED, 10),)
    assert on(30, alice, timeline=timeline, clean=clean).number == 3
    assert "approved version 2" in on(30, alice, timeline=timeline, clean=clean).steps[-1].because
    assert on(LATEST, bob, timeline=timeline, clean=clean).number == 1
    assert on(LATEST, timeline=timeline, clean=clean).number == 1


def test_who_declines_the_correction_takes_back_what_it_carried() -> None:
    """P5, P6: Alice approved version 2, which 3 replaced and only mends, and declines 3."""
    timeline = (InForce(number=1, at=day(0)), InForce(number=3, at=day(30)))
    clean = clean_except((1, 2), (1, 3))
    alice = (decided(2, APPROVED, 10), decided(3, DECLINED, 40))
    assert on(39, alice, timeline=timeline, clean=clean).number == 3
    state = on(LATEST, alice, timeline=timeline, clean=clean)
    assert (state.number, state.since) == (1, day(40))


def test_who_declines_a_later_version_keeps_the_one_that_was_in_force() -> None:
    """P5: version 2 governs Alice; that she does not want version 3 leaves her there."""
    alice = (decided(2, APPROVED, 10), decided(3, DECLINED, 40))
    state = on(LATEST, alice, timeline=force(0, 30), clean=ADVERSE)
    assert (state.number, state.accepted) == (2, 2)


def test_a_correction_after_the_effect_leaves_the_silent_where_they_are() -> None:
    """P6: Carol never approved version 2, and version 3 says the same with fewer errors."""
    clean = clean_except((1, 2), (1, 3))
    assert on(LATEST, timeline=force(0, 30, 60), clean=clean).number == 1
    alice = (decided(2, APPROVED, 10),)
    assert on(LATEST, alice, timeline=force(0, 30, 60), clean=clean).number == 3


def test_changes_do_not_creep_in_by_small_steps() -> None:
    """P6: each step is clean, the way from what Alice accepted is not."""
    clean = clean_except((1, 2), (2, 4))
    alice = (decided(2, APPROVED, 10),)
    state = on(LATEST, alice, timeline=force(0, 30, 50, 70), clean=clean)
    assert (state.number, state.accepted) == (3, 2)
    assert needs_approval(state, 4, clean)
    asserted = clean_except((1, 3))
    assert on(LATEST, timeline=force(0, 30, 50), clean=asserted).number == 2


def test_a_version_that_takes_an_adverse_change_back_frees_everybody() -> None:
    """P6: those who stayed and those who went meet again on version 3."""
    timeline = force(0, 30, 60)
    for decisions in ((), (decided(2, DECLINED, 10),), (decided(2, APPROVED, 10),)):
        assert on(LATEST, decisions, timeline=timeline, clean=ADVERSE).number == 3


def test_an_old_approval_does_not_carry_past_what_governs_since() -> None:
    """P5: version 5 gave Alice something, and version 6 takes it away, back to version 2."""
    clean = clean_except((1, 2), (2, 5), (3, 5), (4, 5), (5, 6))
    alice = (decided(2, APPROVED, 10), decided(5, APPROVED, 45))
    state = on(LATEST, alice, timeline=force(0, 20, 30, 40, 50, 60), clean=clean)
    assert state.number == 5


def test_a_version_overtaken_before_the_approval_never_governs() -> None:
    """P6: never through a version that is no longer in force."""
    clean = clean_except((1, 2), (1, 3), (2, 3))
    alice = (decided(2, APPROVED, 70),)
    assert on(LATEST, alice, timeline=force(0, 30, 60), clean=clean).number == 1


def test_an_account_that_joins_late_starts_with_what_is_clean_from_its_start() -> None:
    """P6: asserted on version 1 while version 2 was in force, which changes nothing for it."""
    late = starting(on=40)
    state = on(50, timeline=force(0, 30), clean=clean_except(), start=late)
    assert (state.number, state.since) == (2, day(40))
    assert on(50, timeline=force(0, 30), clean=ADVERSE, start=late).number == 1


def test_the_instant_of_effect_belongs_to_the_new_version() -> None:
    """P6: half-open intervals."""
    timeline = force(10, 30)
    assert in_force(day(10) - timedelta.resolution, timeline) is None
    before, after = (
        in_force(day(30) - shift, timeline) for shift in (timedelta.resolution, 0 * ONE_DAY)
    )
    assert before
    assert after
    assert (before.number, after.number) == (1, 2)


@st.composite
def stories(draw: st.DrawFn) -> tuple[Start, tuple[InForce, ...], tuple[Decided, ...], Clean]:
    """An account, the versions that came into force, what its holder decided, what was adverse."""
    count = draw(st.integers(1, 6))
    days = sorted(draw(st.lists(st.integers(0, 60), min_size=count, max_size=count, unique=True)))
    numbers = st.integers(1, count)
    adverse = draw(st.sets(st.tuples(numbers, numbers).filter(lambda pair: pair[0] < pair[1])))
    taken = draw(
        st.lists(
            st.builds(decided, numbers, st.sampled_from([APPROVED, DECLINED]), st.integers(0, 60)),
            max_size=6,
            unique_by=lambda one: (one.number, one.at),
        )
    )
    voids = st.none() | st.integers(1, 60)
    decisions = [
        one if days is None else replace(one, voided=Voided(at=one.at + days * ONE_DAY, proof=""))
        for one in taken
        for days in [draw(voids)]
    ]
    start = starting(draw(numbers), draw(st.integers(0, 30)))
    return start, force(*days), tuple(decisions), clean_except(*adverse)


Story = tuple[Start, tuple[InForce, ...], tuple[Decided, ...], Clean]


def told(story: Story, at: datetime) -> Governing:
    start, timeline, decisions, clean = story
    return governing(at, start=start, timeline=timeline, decisions=decisions, clean=clean)


@given(stories())
def test_every_move_is_to_the_version_in_force_at_its_instant_or_back(story: Story) -> None:
    """P6: never backdated, never to a version already overtaken; back only by decline or void."""
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
        assert back or (current and current.number == step.number)


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


def test_a_decline_of_the_corrected_text_is_the_last_word_on_the_same_change() -> None:
    """P5: Alice approved version 2, then declined version 3, which says the same in better
    spelling: neither governs her, nor version 4, until she approves one of them again."""
    timeline = (
        InForce(number=1, at=day(0)),
        InForce(number=3, at=day(30)),
        InForce(number=4, at=day(60)),
    )
    clean = clean_except((1, 2), (1, 3), (1, 4))
    alice = (decided(2, APPROVED, 10), decided(3, DECLINED, 20))
    assert on(LATEST, alice, timeline=timeline, clean=clean).number == 1
    late = (decided(2, APPROVED, 10), decided(3, DECLINED, 40))
    assert on(39, late, timeline=timeline, clean=clean).number == 3
    state = on(50, late, timeline=timeline, clean=clean)
    assert (state.number, state.since) == (1, day(40))
    assert state.steps[-1].because.startswith("version 3 was declined")
    again = (*alice, decided(4, APPROVED, 70))
    assert on(LATEST, again, timeline=timeline, clean=clean).since == day(70)


def test_whoever_approved_is_not_asked_again_because_of_a_typing_correction() -> None:
    """P6: version 2 was to be replaced by version 3 before it took effect."""
    clean = clean_except((1, 2), (1, 3))
    timeline = force(0)
    alice = on(20, (decided(2, APPROVED, 10),), timeline=timeline, clean=clean)
    carol = on(20, timeline=timeline, clean=clean)
    assert not needs_approval(alice, 3, clean)
    assert needs_approval(carol, 3, clean)


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


@given(stories(), st.data())
def test_the_last_word_on_a_change_decides_whichever_of_its_spellings_it_was_said_of(
    story: Story, data: st.DataObject
) -> None:
    """P5: version u, to everybody's disadvantage, was replaced by its correction v."""
    start, timeline, decisions, _ = without_late_voids(story)
    u, v = len(timeline) + 1, len(timeline) + 2
    adverse = [(base, new) for base in range(1, u) for new in (u, v)]
    said = data.draw(
        st.lists(
            st.builds(decided, st.sampled_from([u, v]), st.sampled_from(Decision), DAYS_AROUND_70),
            max_size=5,
            unique_by=lambda one: one.at,
        )
    )
    clean = clean_except(*bad_of(story), *adverse)
    forces = (*timeline, InForce(number=v, at=day(70)))
    state = told((start, forces, (*decisions, *said), clean), day(LATEST))
    counts = {u: False, v: False}
    for word in sorted(said, key=lambda one: one.at):
        if word.decision is DECLINED and word.number == v:
            counts = {u: False, v: False}
        else:
            counts[word.number] = word.decision is APPROVED
    assert (state.number == v) == any(counts.values())


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
    clean = clean_except(*bad_of(story), *((base, number) for base in bad_from))
    early = data.draw(
        st.lists(
            st.builds(decided, st.just(number), st.sampled_from(Decision), st.integers(61, 69)),
            max_size=2,
        )
    )
    longer = (*timeline, InForce(number=number, at=day(70)))
    story = (start, longer, (*decisions, *early), clean)
    before, after = told(story, day(70) - timedelta.resolution), told(story, day(70))
    assert needs_approval(before, number, clean) == (after.number != number)


@given(stories(), st.data())
def test_a_typing_correction_before_the_effect_costs_nobody_their_word(
    story: Story, data: st.DataObject
) -> None:
    """P6: version u is replaced by its correction v. Who would have gone to u goes to v at the same
    instant, who would have stayed stays, and whoever was not to be asked about u is not about v."""
    start, timeline, decisions, _ = without_late_voids(story)
    u, v = len(timeline) + 1, len(timeline) + 2
    bad_from = data.draw(st.sets(st.integers(1, len(timeline))))
    clean = clean_except(*bad_of(story), *((base, new) for base in bad_from for new in (u, v)))
    said = data.draw(
        st.lists(
            st.builds(decided, st.just(u), st.sampled_from(Decision), DAYS_AROUND_70),
            max_size=3,
            unique_by=lambda one: one.at,
        )
    )
    words = (*decisions, *said)
    planned, corrected = (
        (start, (*timeline, InForce(number=number, at=day(70))), words, clean) for number in (u, v)
    )
    for at in (day(65), day(70), day(75), day(LATEST)):
        meant, became = told(planned, at), told(corrected, at)
        assert became.number == (v if meant.number == u else meant.number)
        assert became.since == meant.since
    for_u, for_v = (
        needs_approval(told(each, day(69)), number, clean)
        for each, number in ((planned, u), (corrected, v))
    )
    assert for_u == for_v


@given(stories(), st.data())
def test_a_typing_correction_after_the_effect_moves_exactly_those_who_were_there(
    story: Story, data: st.DataObject
) -> None:
    """P6: nobody is asked twice, and nobody comes along who had not approved."""
    start, timeline, decisions, _ = without_late_voids(story)
    u, v = len(timeline) + 1, len(timeline) + 2
    bad_from = data.draw(st.sets(st.integers(1, len(timeline))))
    clean = clean_except(*bad_of(story), *((base, new) for base in bad_from for new in (u, v)))
    said = data.draw(
        st.lists(
            st.builds(decided, st.just(u), st.sampled_from(Decision), DAYS_AROUND_70),
            max_size=3,
            unique_by=lambda one: one.at,
        )
    )
    forces = (*timeline, InForce(number=u, at=day(70)), InForce(number=v, at=day(75)))
    story = (start, forces, (*decisions, *said), clean)
    before, after = told(story, day(75) - timedelta.resolution), told(story, day(75))
    if not any(word.at == day(75) for word in said):
        assert after.number == (v if before.number == u else before.number)


def bad_of(story: Story) -> list[tuple[int, int]]:
    """The pairs that a story's clean says are not."""
    *_, clean = story
    return [(a, b) for b in range(1, 7) for a in range(1, b) if not clean(a, b)]


@given(stories(), st.integers(0, 120), st.none() | st.integers(1, 60))
def test_while_it_is_frozen_nothing_moves_an_account(
    story: Story, first: int, days: int | None
) -> None:
    """P5: what governed a person who died stays; a mistake is mended from then on."""
    start, timeline, decisions, clean = story
    begin = max(day(first), start.at)
    frozen = Frozen(at=begin, until=None if days is None else begin + days * ONE_DAY)

    def with_ice(at: datetime) -> Governing:
        return governing(
            at, start=start, timeline=timeline, decisions=decisions, clean=clean, frozen=frozen
        )

    steps = with_ice(day(200)).steps
    assert not any(frozen.holds(step.since) for step in steps[1:])
    just_before = begin - timedelta.resolution
    if just_before >= start.at:
        assert with_ice(just_before).number == told(story, just_before).number
        assert with_ice(begin).number == told(story, just_before).number
    if frozen.until is None:
        assert with_ice(day(200)).number == with_ice(begin).number


def without_late_voids(story: Story) -> Story:
    """The same until day 60, after which nothing is voided."""
    start, timeline, decisions, clean = story
    kept = tuple(
        replace(one, voided=None) if one.voided and one.voided.at > day(60) else one
        for one in decisions
    )
    return start, timeline, kept, clean


def found_out(number: int, on: int, *bases: int) -> Reclassified:
    changes = frozenset((base, number) for base in bases)
    return Reclassified(number=number, at=day(on), changes=changes, proof="reclassification 1")


def test_a_reclassification_moves_back_whoever_never_approved_and_marks_the_past() -> None:
    """P2: from its instant; the steps that it was wrong to take stay told, as errors."""
    state = governing(
        day(60),
        start=starting(),
        timeline=force(0, 30),
        decisions=(),
        clean=clean_except(),
        reclassified=(found_out(2, 50, 1),),
    )
    assert (state.number, state.since) == (1, day(50))
    assert [(step.number, step.since, bool(step.in_error)) for step in state.steps] == [
        (1, day(0), False),
        (2, day(30), True),
        (1, day(50), False),
    ]


def test_a_frozen_account_is_moved_back_once_it_is_not_frozen_any_more() -> None:
    """P2: while it is frozen nothing moves it."""
    for at, number in ((55, 2), (60, 1)):
        state = governing(
            day(at),
            start=starting(),
            timeline=force(0, 30),
            decisions=(),
            clean=clean_except(),
            frozen=Frozen(at=day(40), until=day(60)),
            reclassified=(found_out(2, 50, 1),),
        )
        assert state.number == number


@given(st.randoms(use_true_random=False))
def test_a_reclassification_is_never_backdated_and_governs_nobody_unasked(chance: Random) -> None:
    """P2, P5: before its instant all is as without it; after it only a word, or what is clean by
    what is known now, brings anybody to a version."""
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
            governing(
                day(at),
                start=starting(),
                timeline=timeline,
                decisions=decisions,
                clean=clean_except(*adverse),
                reclassified=known,
            )
            for known in ((found,), ())
        )
        if day(at) < found.at:
            assert with_it == without
            assert not any(step.in_error for step in with_it.steps)
        else:
            last = with_it.steps[-1]
            assert not last.clean_by & found.changes
            assert last.number == with_it.number
            for step in with_it.steps:
                assert bool(step.in_error) == bool(step.clean_by & found.changes)
                assert step.since <= found.at or not step.in_error
