"""Who is governed by what: the fold of dated events, told of Alice, Bob and Carol."""

from datetime import timedelta

from domain.approvals.approvals import (
    Ways,
    in_force,
)
from domain.approvals.governing import (
    needs_approval,
)
from tests.domain.approvals.accounts_lives import (
    ADVERSE,
    APPROVED,
    DECLINED,
    LATEST,
    ONE_DAY,
    clean_except,
    day,
    decided,
    force,
    on,
    starting,
    voided,
)


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
    assert [step.approval and step.approval.number for step in state.steps] == [None, 2, 2, None]
    assert state.steps[-1].because.startswith("the approval of version 2 was taken back: ")


def test_who_approves_what_governs_already_is_governed_by_their_word_from_then_on() -> None:
    """P6: Alice joined under version 1, and accepted it a day later: until then nothing proves it,
    and it governs since she joined."""
    alice = (decided(1, APPROVED, 1),)
    state = on(LATEST, alice, timeline=force(0, 30), clean=ADVERSE)
    assert (state.number, state.since, state.accepted) == (1, day(0), 1)
    assert [(step.since, step.because) for step in state.steps] == [
        (day(0), "asserted by omar at import, no proof"),
        (day(1), "approved version 1: approval of day 1"),
    ]


def test_an_approval_of_what_governs_that_counts_no_more_leaves_what_it_governed_by() -> None:
    """P5, P6, P8: taken back or voided alike; the version stays, and who said so at first."""
    accepted = decided(1, APPROVED, 1)
    declined = decided(1, DECLINED, 40)
    for decisions, lost in (
        ((accepted, declined), "was taken back"),
        ((voided(accepted, 40),), "was voided (a wrong period in the mail, void 1)"),
    ):
        state = on(LATEST, decisions, timeline=force(0, 30), clean=ADVERSE)
        assert (state.number, state.since) == (1, day(0))
        assert [step.since for step in state.steps] == [day(0), day(1), day(40)]
        last = state.steps[-1]
        because = f"the approval of version 1 {lost}: asserted by omar at import, no proof"
        assert (last.approval, last.because) == (None, because)
    again = (accepted, voided(declined, 50))
    assert on(LATEST, again, timeline=force(0, 30), clean=ADVERSE).steps[-1].approval == accepted


def test_who_approves_what_a_law_brought_them_is_governed_by_their_own_word() -> None:
    """P5, P6: the departure stays told before it."""
    required = {(1, 2): ("AI Act",)}
    state = on(
        LATEST,
        (decided(2, APPROVED, 50),),
        timeline=force(0, 30),
        clean=ADVERSE,
        required=lambda base, number: required.get((base, number), ()),
    )
    assert (state.number, state.since) == (2, day(30))
    assert [step.required_by for step in state.steps] == [(), ("AI Act",), ()]
    assert state.steps[-1].because == "approved version 2: approval of day 50"


def test_the_same_approval_given_twice_counts_from_the_first() -> None:
    """P6."""
    alice = (decided(2, APPROVED, 35), decided(2, APPROVED, 60))
    assert on(LATEST, alice, timeline=force(0, 30), clean=ADVERSE).since == day(35)


def test_who_declines_a_later_version_keeps_the_one_that_was_in_force() -> None:
    """P5: version 2 governs Alice; that she does not want version 3 leaves her there."""
    alice = (decided(2, APPROVED, 10), decided(3, DECLINED, 40))
    state = on(LATEST, alice, timeline=force(0, 30), clean=ADVERSE)
    assert (state.number, state.accepted) == (2, 2)


def test_changes_do_not_creep_in_by_small_steps() -> None:
    """P6: each step is clean, the way from what Alice accepted is not."""
    clean = clean_except((1, 2), (2, 4))
    alice = (decided(2, APPROVED, 10),)
    state = on(LATEST, alice, timeline=force(0, 30, 50, 70), clean=clean)
    assert (state.number, state.accepted) == (3, 2)
    assert needs_approval(state, 4, Ways(clean=clean))
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
