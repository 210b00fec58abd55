"""Who is a minor where, by when that is found out, and whom a report may restrict (P18)."""

from datetime import UTC, date, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.company import OfficeHours
from domain.requests.minors import (
    MOST_OF_ALL_REPORTERS,
    MOST_OF_ONE_REPORTER,
    age_of_majority,
    check_by,
    heard_by,
    restricted_at_once,
)

BERLIN = OfficeHours(time_zone="Europe/Berlin", country="DE")
COUNTS = st.integers(min_value=0, max_value=100)


@pytest.mark.parametrize(
    ("country", "age"),
    [("DE", 18), ("KR", 19), ("US", 18), ("US-AL", 19), ("GB-SCT", 16), (None, 18), ("US-CA", 18)],
)
def test_who_is_a_minor_depends_on_the_country(country: str | None, age: int) -> None:
    assert age_of_majority(country) == age


def test_it_is_found_out_within_three_working_days_and_its_holder_heard_before() -> None:
    """Over Easter, from an evening that is the next day in Berlin already."""
    reported_at = datetime(2026, 4, 1, 22, 30, tzinfo=UTC)
    assert heard_by(reported_at, BERLIN) == date(2026, 4, 8)
    assert check_by(reported_at, BERLIN) == date(2026, 4, 9)


@given(mine=COUNTS, others=COUNTS)
def test_a_report_never_restricts_more_than_a_day_allows(mine: int, others: int) -> None:
    new = restricted_at_once(of_this_reporter=mine, of_all=mine + others)
    assert new >= 0
    assert new == 0 or mine + new <= MOST_OF_ONE_REPORTER
    assert new == 0 or mine + others + new <= MOST_OF_ALL_REPORTERS
