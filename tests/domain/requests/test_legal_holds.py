"""By when what waited for a hold is erased (P13)."""

from datetime import UTC, date, datetime, time

from hypothesis import given
from hypothesis import strategies as st

from domain.company import OfficeHours
from domain.requests.legal_holds import erase_by
from domain.working_days import works_on

BERLIN = OfficeHours(time_zone="Europe/Berlin", country="DE")


def test_a_working_week_after_its_release_in_the_days_of_the_company() -> None:
    """P13: it was Tuesday in Berlin already; Good Friday and Easter Monday do not count."""
    late_on_monday = datetime(2026, 3, 30, 22, 30, tzinfo=UTC)
    assert erase_by(late_on_monday, BERLIN) == date(2026, 4, 9)


@given(st.dates(date(2024, 1, 1), date(2032, 12, 31)))
def test_it_is_due_on_a_working_day_within_two_weeks_even_over_christmas(day: date) -> None:
    due_on = erase_by(datetime.combine(day, time(12), UTC), BERLIN)
    assert works_on(due_on, "DE")
    assert 5 <= (due_on - day).days <= 13
