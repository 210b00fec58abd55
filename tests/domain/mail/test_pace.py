"""How fast mail may go, and what a 429 teaches (P8)."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from domain.mail.pace import (
    LONGEST_HOLD,
    MINUTE,
    SLOWEST,
    WITHOUT_A_WORD,
    Bucket,
    Slowdown,
    about,
    burst_period,
    reserve_period,
    slower,
)

NOW = datetime(2026, 3, 2, 10, 0, tzinfo=UTC)
SECOND = timedelta(seconds=1)
rates = st.integers(1, 200_000)
waits = st.timedeltas(timedelta(), timedelta(minutes=3))
takes = st.lists(st.tuples(waits, st.integers(1, 5_000)), max_size=40)


def taken(bucket: Bucket, wanted: Sequence[tuple[timedelta, int]]) -> list[tuple[datetime, int]]:
    """What each of those who come one after the other gets."""
    now, got = NOW, []
    for wait, copies in wanted:
        now += wait
        granted = min(copies, bucket.holds(now))
        bucket = replace(bucket, paid_until=bucket.less(granted, now))
        got.append((now, granted))
    return got


@given(rates, takes)
def test_no_window_sees_more_than_its_rate_and_one_bucket(
    rate: int, wanted: list[tuple[timedelta, int]]
) -> None:
    """P8: whoever takes whatever, whenever."""
    got = taken(Bucket(rate=rate), wanted)
    for first, (begin, _) in enumerate(got):
        for last in range(first, len(got)):
            copies = sum(granted for _, granted in got[first : last + 1])
            allowed = (got[last][0] - begin + burst_period(rate)) * rate / MINUTE
            assert copies <= allowed


@given(rate=rates, wanted=takes, copies=st.integers(1, 5_000), reserved=st.booleans())
def test_at_the_instant_that_it_names_a_bucket_holds_enough(
    rate: int, wanted: list[tuple[timedelta, int]], copies: int, *, reserved: bool
) -> None:
    """P8: who waits that long does not wait in vain, and never for what it cannot hold."""
    bucket = Bucket(rate=rate)
    now = NOW
    for wait, many in wanted:
        now += wait
        spent = min(many, bucket.holds(now))
        bucket = replace(bucket, paid_until=bucket.less(spent, now))
    bucket = replace(bucket, reserve=reserve_period(rate) if reserved else timedelta())
    at = bucket.holds_at(copies, now)
    assert bucket.holds(max(at, now)) >= min(copies, bucket.most()) >= 1
    assert at - now <= burst_period(rate) + SECOND


@given(rates)
def test_a_campaign_leaves_a_part_to_mails_that_somebody_waits_for(rate: int) -> None:
    campaign = Bucket(rate=rate, reserve=reserve_period(rate))
    paid = campaign.less(campaign.holds(NOW), NOW)
    left = Bucket(rate=rate, paid_until=paid).holds(NOW)
    assert left >= 1 or rate < 20


def learnt(known: Slowdown | None = None, *, sent: int, now: datetime = NOW) -> Slowdown:
    return slower(known, sent=sent, asked_at=now - SECOND, retry_after=10 * SECOND, now=now)


@pytest.mark.parametrize(
    ("said", "held"),
    [
        (7 * SECOND, 7 * SECOND),
        (timedelta(), timedelta()),
        (None, WITHOUT_A_WORD),
        (timedelta(days=400), LONGEST_HOLD),
    ],
)
def test_nobody_sends_for_as_long_as_the_service_says(
    said: timedelta | None, held: timedelta
) -> None:
    told = slower(None, sent=0, asked_at=NOW, retry_after=said, now=NOW)
    assert told.held_until == NOW + held


def test_a_429_halves_what_really_went_out_and_five_minutes_without_one_forget_it() -> None:
    """P8: and so a single one costs no campaign more than those five minutes."""
    told = learnt(sent=10_000)
    on = told.held_until
    by_minute = [told.rate_at(on + minutes * MINUTE) for minutes in range(6)]
    assert by_minute == [5_000, 6_000, 7_000, 8_000, 9_000, None]


def test_a_429_to_a_campaign_of_few_copies_leaves_it_fast_enough_for_all_of_them() -> None:
    told = learnt(sent=40)
    assert told.rate_at(told.held_until) == SLOWEST
    assert Bucket(rate=SLOWEST, reserve=reserve_period(SLOWEST)).holds(told.held_until) == 270


def test_requests_that_were_refused_together_halve_the_rate_once() -> None:
    """Twenty threads were at it when the first of them was told."""
    told = learnt(sent=10_000)
    again = slower(
        told, sent=0, asked_at=NOW - SECOND, retry_after=30 * SECOND, now=NOW + 2 * SECOND
    )
    assert again == replace(told, held_until=NOW + 32 * SECOND)


def test_a_later_429_halves_again_and_remembers_what_was_before_the_first() -> None:
    told = learnt(sent=10_000)
    later = learnt(told, sent=4_000, now=NOW + 2 * MINUTE)
    assert (later.rate, later.peak, later.began_at) == (2_000, 10_000, NOW)
    in_vain = learnt(later, sent=0, now=NOW + 3 * MINUTE)
    assert in_vain.rate == 1_000


@given(
    st.integers(0, 10**7),
    st.lists(st.tuples(waits, st.integers(0, 10**7)), max_size=10),
)
def test_whatever_was_learnt_is_forgotten_once_it_is_quiet(
    sent: int, later: list[tuple[timedelta, int]]
) -> None:
    told, now = learnt(sent=sent), NOW
    for wait, copies in later:
        now += wait
        told = learnt(told, sent=copies, now=now)
        assert told.rate >= SLOWEST
    assert told.rate_at(told.held_until + 10 * MINUTE) is None


@given(st.integers(1, 10**7), rates)
def test_how_long_the_rest_takes_is_never_said_too_short(copies: int, rate: int) -> None:
    words = about(copies, rate)
    number, unit = words.split()[1:]
    assume(unit.startswith("minute"))
    assert int(number) * rate >= copies
