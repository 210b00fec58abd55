"""A version that only mends the typing of another carries over what was said of it."""

from datetime import timedelta

from hypothesis import given
from hypothesis import strategies as st

from domain.approvals.approvals import (
    Decided,
    Decision,
    InForce,
    Ways,
)
from domain.approvals.governing import (
    needs_approval,
)
from tests.domain.approvals.accounts_lives import (
    APPROVED,
    DECLINED,
    LATEST,
    Story,
    adverse_from,
    clean_except,
    day,
    decided,
    force,
    on,
    stories,
    told,
    without_late_voids,
)


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


def test_a_correction_after_the_effect_leaves_the_silent_where_they_are() -> None:
    """P6: Carol never approved version 2, and version 3 says the same with fewer errors."""
    clean = clean_except((1, 2), (1, 3))
    assert on(LATEST, timeline=force(0, 30, 60), clean=clean).number == 1
    alice = (decided(2, APPROVED, 10),)
    assert on(LATEST, alice, timeline=force(0, 30, 60), clean=clean).number == 3


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
    assert not needs_approval(alice, 3, Ways(clean=clean))
    assert needs_approval(carol, 3, Ways(clean=clean))


@given(stories(), st.data())
def test_the_last_word_on_a_change_decides_whichever_of_its_spellings_it_was_said_of(
    story: Story, data: st.DataObject
) -> None:
    """P5: version u, to everybody's disadvantage, was replaced by its correction v."""
    start, timeline, decisions, _ = without_late_voids(story)
    u, v = len(timeline) + 1, len(timeline) + 2
    said = data.draw(words_on(u, v, most=5))
    clean = adverse_from(story, range(1, u), u, v)
    forces = (*timeline, InForce(number=v, at=day(70)))
    state = told((start, forces, (*decisions, *said), clean), day(LATEST))
    counts = {u: False, v: False}
    for word in sorted(said, key=lambda one: one.at):
        if word.decision is DECLINED and word.number == v:
            counts = {u: False, v: False}
        else:
            counts[word.number] = word.decision is APPROVED
    assert (state.number == v) == any(counts.values())


@given(stories(), st.data())
def test_a_typing_correction_before_the_effect_costs_nobody_their_word(
    story: Story, data: st.DataObject
) -> None:
    """P6: version u is replaced by its correction v. Who would have gone to u goes to v at the same
    instant, who would have stayed stays, and whoever was not to be asked about u is not about v."""
    start, timeline, decisions, _ = without_late_voids(story)
    u, v = len(timeline) + 1, len(timeline) + 2
    bad_from = data.draw(st.sets(st.integers(1, len(timeline))))
    clean = adverse_from(story, bad_from, u, v)
    said = data.draw(words_on(u, most=3))
    words = (*decisions, *said)
    planned, corrected = (
        (start, (*timeline, InForce(number=number, at=day(70))), words, clean) for number in (u, v)
    )
    for at in (day(65), day(70), day(75), day(LATEST)):
        meant, became = told(planned, at), told(corrected, at)
        assert became.number == (v if meant.number == u else meant.number)
        assert became.since == meant.since
    for_u, for_v = (
        needs_approval(told(each, day(69)), number, Ways(clean=clean))
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
    clean = adverse_from(story, bad_from, u, v)
    said = data.draw(words_on(u, most=3))
    forces = (*timeline, InForce(number=u, at=day(70)), InForce(number=v, at=day(75)))
    story = (start, forces, (*decisions, *said), clean)
    before, after = told(story, day(75) - timedelta.resolution), told(story, day(75))
    if not any(word.at == day(75) for word in said):
        assert after.number == (v if before.number == u else before.number)


def words_on(*numbers: int, most: int) -> st.SearchStrategy[list[Decided]]:
    """What is said of these versions around day 70, each word at its own instant."""
    words = st.builds(
        decided, st.sampled_from(numbers), st.sampled_from(Decision), st.integers(61, 80)
    )
    return st.lists(words, max_size=most, unique_by=lambda one: one.at)
