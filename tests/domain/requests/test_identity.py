"""Codes and their limits, reminders to say who one is, and a recent change of address (P19)."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.requests.identity import (
    CODES_A_DAY,
    CODES_AN_HOUR,
    DISCLOSURE_HOLD_PERIOD,
    DRAFT,
    MOST_GUESSES_A_DAY,
    TRIES,
    Code,
    IdentityNumbers,
    disclosure_refusal,
    identity_rungs,
    may_have_another,
)

NOW = datetime(2026, 3, 2, 9, tzinfo=UTC)
ONE_DAY = timedelta(days=1)
MINUTES = st.integers(0, 3 * 24 * 60)


@given(
    events=st.lists(
        st.tuples(MINUTES, st.sampled_from(["ask", "guess", "five guesses"])), max_size=400
    )
)
def test_guesses_are_few_in_any_day_whatever_is_asked_for_and_tried(
    events: list[tuple[int, str]],
) -> None:
    """P19: asked for as often as may be, and tried as often as may be, in any order."""
    codes = [Code(asked_at=NOW)]
    guesses: list[datetime] = []
    for minute, event in sorted(events):
        now = NOW + timedelta(minutes=minute)
        if event == "ask" and may_have_another([code.asked_at for code in codes], now):
            codes.append(Code(asked_at=now))
        for _ in range({"ask": 0, "guess": 1, "five guesses": 5}[event]):
            last = codes[-1]
            if last.may_be_tried(now):
                guesses.append(now)
                codes[-1] = Code(asked_at=last.asked_at, tries=last.tries + 1)
    for begin in guesses:
        within = [at for at in guesses if begin <= at < begin + ONE_DAY]
        assert len(within) <= MOST_GUESSES_A_DAY


def test_whoever_guesses_all_day_gets_all_guesses_and_not_one_more() -> None:
    """P19: the limit is reached, so the test above can fail."""
    codes: list[Code] = []
    guesses = 0
    for minute in range(24 * 60):
        now = NOW + timedelta(minutes=minute)
        if may_have_another([code.asked_at for code in codes], now):
            codes.append(Code(asked_at=now))
        while codes[-1].may_be_tried(now):
            codes[-1] = Code(asked_at=codes[-1].asked_at, tries=codes[-1].tries + 1)
            guesses += 1
    assert guesses == MOST_GUESSES_A_DAY == TRIES * CODES_A_DAY


def test_a_code_is_good_for_half_an_hour_five_tries_and_one_use() -> None:
    """P19."""
    half_an_hour = timedelta(minutes=30)
    assert Code(asked_at=NOW, tries=4).may_be_tried(NOW + half_an_hour - timedelta.resolution)
    assert not Code(asked_at=NOW).may_be_tried(NOW + half_an_hour)
    assert not Code(asked_at=NOW, tries=5).may_be_tried(NOW)
    assert not Code(asked_at=NOW, used=True).may_be_tried(NOW)


def test_codes_come_back_with_the_hour() -> None:
    """P19: somebody who read three of them too late waits an hour, and no longer."""
    asked = [NOW + timedelta(minutes=minute) for minute in range(CODES_AN_HOUR)]
    assert not may_have_another(asked, NOW + timedelta(minutes=59))
    assert may_have_another(asked, NOW + timedelta(minutes=60))


def test_the_person_is_reminded_at_days_1_3_7_14_and_21_and_an_answer_drafted_at_25() -> None:
    """P19: for the thirty days of the policy."""
    rungs = identity_rungs(NOW, NOW + timedelta(hours=720))
    days = {rung.key: (rung.at - NOW) / ONE_DAY for rung in rungs}
    assert days == {
        "identity-1": 1,
        "identity-3": 3,
        "identity-7": 7,
        "identity-14": 14,
        "identity-21": 21,
        DRAFT: 25,
    }


@given(
    days=st.lists(st.integers(1, 40), max_size=8),
    limit=st.integers(1, 45),
    lead=st.integers(1, 29),
)
def test_nobody_is_reminded_once_the_answer_is_drafted(
    days: list[int], limit: int, lead: int
) -> None:
    """P19: of ten days in Korea as of thirty, whatever the settings say."""
    numbers = IdentityNumbers(reminder_days=tuple(days), draft_lead=timedelta(days=lead))
    due_at = NOW + timedelta(days=limit)
    *reminders, draft = identity_rungs(NOW, due_at, numbers)
    assert draft.key == DRAFT
    assert NOW <= draft.at < due_at or draft.at == NOW
    assert all(NOW < rung.at < draft.at for rung in reminders)
    assert [rung.at for rung in reminders] == sorted({rung.at for rung in reminders})


@pytest.mark.parametrize("disputed_at", [None, NOW])
def test_what_is_held_is_refused_in_words_until_the_time_is_over(
    disputed_at: datetime | None,
) -> None:
    """P19: a dispute has no such end, and what nothing speaks against is not refused."""
    held_until = NOW + DISCLOSURE_HOLD_PERIOD

    def refusal(now: datetime) -> str | None:
        return disclosure_refusal(held_until=held_until, disputed_at=disputed_at, now=now)

    assert refusal(held_until - timedelta.resolution)
    if disputed_at is None:
        assert "for another hour; the page" in (refusal(held_until - timedelta.resolution) or "")
        assert "for another 48 hours; the page" in (refusal(NOW) or "")
    assert bool(refusal(held_until)) == (disputed_at is not None)
    assert disclosure_refusal(held_until=None, disputed_at=None, now=NOW) is None
