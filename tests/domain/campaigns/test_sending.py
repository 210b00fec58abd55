"""How many try a campaign first, and when the machine stops it (P8)."""

from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.campaigns.sending import (
    Canary,
    Limits,
    Tally,
    why_stop,
    why_stop_canary,
    why_stop_requests,
)

CANARY = Canary(percent=1, at_least=100, wait_period=timedelta(minutes=30))
LIMITS = Limits(
    failed_percent=5,
    complained_percent=0.3,
    unknown_percent=5,
    copies=1000,
    copies_at_least=100,
)


@pytest.mark.parametrize(
    ("addressees", "first"),
    [(0, 0), (1, 0), (100, 0), (101, 100), (10_000, 100), (10_001, 101), (1_000_000, 10_000)],
)
def test_the_larger_of_a_hundred_and_one_percent_go_first(addressees: int, first: int) -> None:
    """P8: nobody, where that would be everybody."""
    assert CANARY.size(addressees) == first


def test_without_a_canary_all_go_at_once() -> None:
    """P8: a company may do without."""
    assert replace(CANARY, on=False).size(1_000_000) == 0


@given(st.integers(0, 10**7), st.integers(1, 50), st.integers(1, 10**5))
def test_a_canary_is_never_everybody_and_never_less_than_asked_for(
    addressees: int, percent: int, at_least: int
) -> None:
    """P8."""
    size = replace(CANARY, percent=percent, at_least=at_least).size(addressees)
    assert size < addressees or size == 0
    if size:
        assert size >= at_least
        assert size * 100 >= addressees * percent


@pytest.mark.parametrize(
    ("tally", "words"),
    [
        (Tally(copies=0), None),
        (Tally(copies=100, failed=5), None),
        (Tally(copies=100, failed=6), "6 of 100 copies bounced"),
        (Tally(copies=1000, complained=3), None),
        (Tally(copies=1000, complained=4), "4 of 1,000 copies were reported as spam"),
        (Tally(copies=100, complained=1), None),
        (Tally(copies=100, complained=2), "2 of 100 copies were reported as spam"),
        (Tally(copies=100, unknown=5), None),
        (Tally(copies=100, unknown=100), "Nobody knows whether 100 of 100 copies"),
    ],
)
def test_more_than_the_limit_stops_and_one_complaint_alone_does_not(
    tally: Tally, words: str | None
) -> None:
    """P8."""
    found = why_stop(tally, LIMITS)
    assert found is None if words is None else found and words in found


@pytest.mark.parametrize(
    ("requests", "lost", "stops"),
    [(0, 0, False), (2, 2, False), (3, 2, False), (3, 3, True), (60, 3, False), (59, 3, True)],
)
def test_three_lost_requests_stop_when_they_are_more_than_the_limit(
    requests: int, lost: int, *, stops: bool
) -> None:
    """P8: two may be chance."""
    assert (why_stop_requests(requests, lost, LIMITS) is not None) is stops


@pytest.mark.parametrize(("refused", "stops"), [(0, False), (5, False), (6, True), (100, True)])
def test_a_canary_that_was_answered_with_errors_is_not_waited_for(
    refused: int, *, stops: bool
) -> None:
    """P8: of a hundred copies."""
    assert (why_stop_canary(100, refused, LIMITS) is not None) is stops
