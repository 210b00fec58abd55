"""What may be promised to whoever does not approve, and how it moves (P5)."""

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.approvals.without_approval import (
    STAYS_AT_LEAST,
    Promise,
    WithoutApproval,
    earliest_until_on,
    keeps,
    moved_later,
    promise_refusal,
)

EFFECT = date(2026, 4, 3)
DAYS = st.dates(min_value=date(2020, 1, 1), max_value=date(2040, 1, 1))


def until(day: date | None) -> Promise:
    return Promise(what=WithoutApproval.STAY_UNTIL, until_on=day)


def refusal(promise: Promise, effect_on: date, *, closing_page: str = "/close") -> str | None:
    return promise_refusal(promise, effect_on, closing_page=closing_page)


def test_closing_is_offered_only_where_there_is_a_page_for_it() -> None:
    """P5: the sentence names the setting."""
    offer = Promise(what=WithoutApproval.OFFER_CLOSING)
    assert refusal(offer, EFFECT) is None
    assert "PROMISEKEEPER_COMPANY_CLOSING_URL" in str(refusal(offer, EFFECT, closing_page=""))


def test_people_stay_for_sixty_days_after_the_effect_at_least() -> None:
    """P5."""
    assert refusal(until(date(2026, 6, 2)), EFFECT) is None
    refused = refusal(until(date(2026, 6, 1)), EFFECT)
    assert refused
    assert "the earliest is 2026-06-02" in refused


@pytest.mark.parametrize("what", [WithoutApproval.STAY, WithoutApproval.OFFER_CLOSING])
def test_only_who_stays_until_a_day_has_a_day(what: WithoutApproval) -> None:
    assert refusal(Promise(what=what), EFFECT) is None
    assert refusal(Promise(what=what, until_on=date(2026, 9, 1)), EFFECT)
    assert refusal(until(None), EFFECT)


@given(promised_on=DAYS, effects=st.lists(DAYS, min_size=1))
def test_the_day_only_ever_moves_later_and_leaves_sixty_days(
    promised_on: date, effects: list[date]
) -> None:
    """P5: however often the effect moves."""
    promise = until(promised_on)
    for effect_on in effects:
        before = promise
        promise = moved_later(promise, effect_on)
        assert before.until_on
        assert promise.until_on
        assert promise.until_on >= max(before.until_on, effect_on + STAYS_AT_LEAST)
        assert promise.until_on in (before.until_on, earliest_until_on(effect_on))
        assert refusal(promise, effect_on) is None


@given(effect_on=DAYS)
def test_who_just_stays_stays_whenever_it_takes_effect(effect_on: date) -> None:
    assert moved_later(Promise(), effect_on) == Promise()
    assert earliest_until_on(effect_on) - effect_on == timedelta(days=60)


@given(told_on=DAYS, until_on=DAYS)
def test_only_the_same_for_as_long_need_not_be_told_again(told_on: date, until_on: date) -> None:
    """P5, P8."""
    assert keeps(Promise(), Promise())
    assert not keeps(Promise(), until(until_on))
    assert not keeps(until(told_on), Promise(what=WithoutApproval.OFFER_CLOSING))
    assert keeps(until(told_on), until(until_on)) == (until_on >= told_on)
