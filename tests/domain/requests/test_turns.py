"""A step that nobody acknowledges goes on to the next person, in working hours (P21)."""

from collections.abc import Mapping
from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.company import LadderNumbers, OfficeHours
from domain.places import local_date
from domain.requests.ladder import (
    Fired,
    armed,
    roles_told,
    words_of_rungs,
)
from domain.rungs import Role, Rung
from domain.working_days import after_working_time
from tests.clock_changes import zones_and_instants
from tests.domain.requests.test_ladder import (
    ALL_RUNGS,
    AT_NINE,
    BERLIN,
    DAY,
    HOUR,
    keys,
    nine_in_berlin,
    works,
)

OFFICE = OfficeHours(time_zone=BERLIN, country="DE")
MONDAY = datetime(2026, 11, 9, 14, 7, tzinfo=UTC)


def standing(fired: Mapping[str, Fired], due: datetime = MONDAY + 30 * DAY) -> tuple[Rung, ...]:
    return armed(
        request_id=AT_NINE, received_at=MONDAY, due_at=due, office=OFFICE, fired=fired, now=MONDAY
    )


def turns(fired: Mapping[str, Fired], step: str) -> list[tuple[str, datetime, Role]]:
    return [
        (rung.key, rung.at, role)
        for rung in standing(fired)
        for role in rung.audience
        if rung.key.startswith(f"{step}+")
    ]


def test_a_step_that_nobody_acknowledges_goes_on_to_the_next_person_each_working_day() -> None:
    """P21: eight working hours each, from the moment the one before was told."""
    told = {"d-20": Fired(at=nine_in_berlin(2026, 11, 19))}
    assert turns(told, "d-20") == [
        ("d-20+1", nine_in_berlin(2026, 11, 20), Role.LEAD),
        ("d-20+2", nine_in_berlin(2026, 11, 23), Role.PRIVACY_OFFICER),  # not at the weekend
    ]  # and on the 24th the next rung of the ladder takes over
    late = {**told, "d-20+1": Fired(at=datetime(2026, 11, 20, 12, tzinfo=UTC))}
    assert turns(late, "d-20")[1][1] == datetime(2026, 11, 23, 12, tzinfo=UTC)


def test_inside_the_last_three_days_the_next_person_is_told_after_an_hour() -> None:
    """P21: and where everybody was told at once, nobody is left."""
    told = {"d-3": Fired(at=nine_in_berlin(2026, 12, 4))}
    assert turns(told, "d-3") == [("d-3+1", nine_in_berlin(2026, 12, 4) + HOUR, Role.EXECUTIVE)]
    assert turns({"d-2": Fired(at=nine_in_berlin(2026, 12, 7))}, "d-2") == []


def test_what_is_nobodys_goes_from_the_backup_to_the_officer() -> None:
    told = {"unassigned": Fired(at=nine_in_berlin(2026, 11, 10))}
    assert [role for _, _, role in turns(told, "unassigned")] == [
        Role.PRIVACY_OFFICER,
        Role.DEPUTY,
        Role.EXECUTIVE,
    ]


def test_whoever_acknowledges_stops_the_step_and_no_other() -> None:
    """P21: "I have seen this and act"."""
    first = Fired(at=nine_in_berlin(2026, 11, 19), acknowledged=True)
    assert turns({"d-20": first}, "d-20") == []
    second = {
        "d-20": Fired(at=nine_in_berlin(2026, 11, 19)),
        "d-20+1": Fired(at=nine_in_berlin(2026, 11, 20), acknowledged=True),
    }
    assert [key for key, *_ in turns(second, "d-20")] == ["d-20+1"]
    assert "d-15" in keys(standing(second))


def test_a_rung_that_was_passed_over_has_told_nobody_who_could_act() -> None:
    passed = Fired(at=nine_in_berlin(2026, 11, 19), passed_over=True)
    assert turns({"d-20": passed}, "d-20") == []


def test_a_step_has_told_all_roles_up_to_its_last_turn() -> None:
    rungs = standing({})
    assert roles_told(rungs, "d-20") == (Role.ASSIGNEE,)
    assert roles_told(rungs, "d-20+2") == (Role.ASSIGNEE, Role.LEAD, Role.PRIVACY_OFFICER)
    assert roles_told(rungs, "d-10") == (
        Role.ASSIGNEE,
        Role.LEAD,
    )  # and the person, by another mail
    assert roles_told(rungs, "d-99") == ()


def test_every_rung_and_every_turn_has_its_words() -> None:
    words = words_of_rungs(LadderNumbers(assignee=22))
    assert words["d-22"] == "reminder to the assignee, 22 days before the answer is due"
    assert words["d-22+1"] == "nobody has said that they act, so the lead is told"
    assert set(ALL_RUNGS) <= set(words_of_rungs(LadderNumbers()))


@pytest.mark.parametrize(
    ("told", "hours", "over"),
    [
        ("12-03T09:00", 8, "12-04T09:00"),  # Thursday: not at closing, the next morning
        ("12-03T16:30", 1, "12-04T09:30"),
        ("12-03T20:00", 1, "12-04T10:00"),
        ("12-04T15:00", 8, "12-07T15:00"),  # Friday
        ("12-24T12:00", 8, "12-28T12:00"),  # Christmas is a Friday
    ],
)
def test_working_hours_pass_while_staff_are_at_work(told: str, hours: int, over: str) -> None:
    """P21."""
    berlin = ZoneInfo(BERLIN)
    start, end = (
        datetime.fromisoformat(f"2026-{moment}").replace(tzinfo=berlin) for moment in (told, over)
    )
    assert end == after_working_time(
        start.astimezone(UTC), hours * HOUR, opens=time(9), zone=berlin, country="DE"
    )


@given(around=zones_and_instants, minutes=st.integers(1, 4800))
def test_working_time_is_over_in_working_hours_and_never_too_soon(
    around: tuple[str, datetime], minutes: int
) -> None:
    """P21: whatever the clocks do, eight hours of each working day count and no others."""
    name, start = around
    zone, period = ZoneInfo(name), timedelta(minutes=minutes)
    over = after_working_time(start, period, opens=time(9), zone=zone, country="DE")
    local = over.astimezone(zone)
    assert works(local.date(), "DE")
    assert time(9) <= local.time() < time(17)
    counted = timedelta()
    day = local_date(start, zone)
    while day <= local.date():
        if works(day, "DE"):
            opens = datetime.combine(day, time(9), zone).astimezone(UTC)
            begins, ends = max(start, opens), min(over, opens + 8 * HOUR)
            counted += max(ends - begins, timedelta())
        day += DAY
    assert counted == period


# Missed rungs
