"""When staff are told of a request: in working hours, in order, ever more of them, never twice."""

import sys
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime, time, timedelta
from functools import cache
from itertools import pairwise
from uuid import UUID, uuid5
from zoneinfo import ZoneInfo

import holidays
import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.company import LadderNumbers, OfficeHours
from domain.places import local_date
from domain.requests.deadlines import deadline
from domain.requests.ladder import (
    FOR_STAFF,
    Fired,
    Missed,
    armed,
    highest_missed,
    overdue_rung,
    request_ladder,
)
from domain.rungs import Role, Rung, RungKind
from domain.working_days import _calendar
from tests.clock_changes import zones_and_instants

BERLIN = "Europe/Berlin"
DAY = timedelta(days=1)
HOUR = timedelta(hours=1)
ALL_RUNGS = (
    *("unassigned", "d-20", "d-15", "d-10", "d-7", "d-5", "d-3", "d-2"),
    *("late_reply", "breach"),
)
AT_NINE = UUID(int=0)
"""A request whose own moment in the quarter of an hour from nine on is nine itself."""
instants = st.datetimes(
    min_value=datetime(2024, 1, 1),  # noqa: DTZ001, hypothesis takes bounds without a zone
    max_value=datetime(2032, 12, 31),  # noqa: DTZ001
    timezones=st.just(UTC),
)
zones = st.sampled_from(
    (BERLIN, "UTC", "America/Santiago", "Africa/Cairo", "Pacific/Kiritimati", "Asia/Seoul")
)


def ladder(
    received_at: datetime,
    due_at: datetime,
    *,
    zone: str = BERLIN,
    country: str | None = "DE",
    request_id: UUID = AT_NINE,
) -> tuple[Rung, ...]:
    return request_ladder(
        request_id=request_id,
        received_at=received_at,
        due_at=due_at,
        office=OfficeHours(time_zone=zone, country=country),
    )


def keys(rungs: tuple[Rung, ...]) -> list[str]:
    return [rung.key for rung in rungs]


def at(rungs: tuple[Rung, ...], key: str) -> datetime:
    return next(rung.at for rung in rungs if rung.key == key)


def nine_in_berlin(year: int, month: int, day: int) -> datetime:
    return datetime(year, month, day, 9, tzinfo=ZoneInfo(BERLIN))


def test_the_ladder_of_a_request_in_autumn() -> None:
    """P21: 9 November to 9 December 2026; D-10 (29 November) is a Sunday, so Friday speaks."""
    received = datetime(2026, 11, 9, 14, 7, tzinfo=UTC)
    rungs = ladder(received, received + 30 * DAY)
    assert [(rung.key, rung.at) for rung in rungs] == [
        ("unassigned", nine_in_berlin(2026, 11, 10)),
        ("d-20", nine_in_berlin(2026, 11, 19)),
        ("d-15", nine_in_berlin(2026, 11, 24)),
        ("d-10", nine_in_berlin(2026, 11, 27)),
        ("d-7", nine_in_berlin(2026, 12, 2)),
        ("d-5", nine_in_berlin(2026, 12, 4)),
        ("d-3", nine_in_berlin(2026, 12, 4)),
        ("d-2", nine_in_berlin(2026, 12, 7)),
        ("late_reply", received + 29 * DAY),
        ("breach", received + 30 * DAY),
    ]


def test_each_rung_speaks_to_its_roles() -> None:
    received = datetime(2026, 11, 9, 14, 7, tzinfo=UTC)
    audience = {rung.key: rung.audience for rung in ladder(received, received + 30 * DAY)}
    assert audience["unassigned"] == (Role.BACKUP,)
    assert audience["d-20"] == audience["d-15"] == (Role.ASSIGNEE,)
    assert set(audience["d-10"]) == {Role.ASSIGNEE, Role.LEAD, Role.PERSON}
    assert Role.PRIVACY_OFFICER in audience["d-7"]
    assert Role.DEPUTY in audience["d-3"]
    assert Role.EXECUTIVE in audience["d-2"]
    staff = [set(audience[key]) - {Role.PERSON} for key in ALL_RUNGS if key.startswith("d-")]
    assert all(lower <= higher for lower, higher in pairwise(staff))
    assert audience["late_reply"] == (Role.PERSON,)


def test_holidays_of_the_companys_country_are_no_working_days() -> None:
    """D-2 of 28 December 2026 is Boxing Day, D-3 Christmas: both roll back to the 24th."""
    received = datetime(2026, 11, 28, 12, tzinfo=UTC)
    rungs = ladder(received, received + 30 * DAY)
    assert at(rungs, "d-2") == at(rungs, "d-3") == nine_in_berlin(2026, 12, 24)
    without_holidays = ladder(received, received + 30 * DAY, country=None)
    assert at(without_holidays, "d-2") == nine_in_berlin(2026, 12, 25)


def test_an_unassigned_request_of_friday_is_asked_about_on_monday() -> None:
    received = datetime(2026, 11, 13, 15, tzinfo=UTC)
    assert at(ladder(received, received + 30 * DAY), "unassigned") == nine_in_berlin(2026, 11, 16)


def test_a_due_time_of_midnight_belongs_to_the_day_it_ends() -> None:
    """P21: the law's limits end at midnight; D is the day before."""
    received = datetime(2026, 1, 31, 10, tzinfo=UTC)
    due = datetime(2026, 3, 1, tzinfo=ZoneInfo(BERLIN))
    assert at(ladder(received, due), "d-2") == nine_in_berlin(2026, 2, 26)


def test_a_ten_day_limit_starts_lower_on_the_ladder() -> None:
    """P21: nothing fires before receipt."""
    received = datetime(2026, 3, 2, 12, tzinfo=UTC)
    rungs = ladder(received, datetime(2026, 3, 13, tzinfo=ZoneInfo(BERLIN)))
    assert keys(rungs) == [
        *("unassigned", "d-7", "d-5", "d-3", "d-2"),
        *("late_reply", "breach"),
    ]


@given(
    received=instants,
    length=st.integers(10, 31),
    zone=zones,
    country=st.sampled_from(("DE", "US", "KR", "BR", "AE", "IL", None)),
)
def test_staff_are_woken_at_nine_on_working_days_and_in_order(
    received: datetime, length: int, zone: str, country: str | None
) -> None:
    """P21: staff rungs roll back, late reply and breach never do, summer or winter."""
    due = received + length * DAY
    rungs = ladder(received, due, zone=zone, country=country)
    there = ZoneInfo(zone)
    calendar = holidays.country_holidays(country) if country else None
    assert [rung.at for rung in rungs] == sorted(rung.at for rung in rungs)
    assert [key for key in ALL_RUNGS if key in keys(rungs) and key != "unassigned"] == [
        key for key in keys(rungs) if key != "unassigned"
    ]
    assert at(rungs, "breach") == due
    assert at(rungs, "late_reply") == due - 24 * timedelta(hours=1)
    for rung in rungs:
        assert rung.at >= received
        if rung.kind in {RungKind.REMINDER, RungKind.ESCALATION}:
            local = rung.at.astimezone(there)
            assert local.time() == time(9)
            assert (
                calendar.is_working_day(local.date())
                if calendar is not None
                else local.weekday() < 5
            )
            if rung.key != "unassigned":
                days_before = int(rung.key.removeprefix("d-"))
                last_day = local_date(due - timedelta.resolution, there)
                assert local.date() <= last_day - days_before * DAY


@given(
    request_id=st.uuids(),
    around=zones_and_instants,
    length=st.integers(10, 31),
    country=st.sampled_from(("DE", "KR", None)),
)
def test_a_request_has_its_own_moment_in_the_quarter_of_an_hour_from_nine_on(
    request_id: UUID, around: tuple[str, datetime], length: int, country: str | None
) -> None:
    """P21: the same one every morning and each time it is asked for; on the same working day,
    before the answer is due, and never for what stands to the minute."""
    zone, received = around
    due = received + length * DAY

    def own() -> tuple[Rung, ...]:
        return ladder(received, due, zone=zone, country=country, request_id=request_id)

    assert own() == own()
    nine = {rung.key: rung.at for rung in ladder(received, due, zone=zone, country=country)}
    after = {rung.key: rung.at - nine[rung.key] for rung in own() if rung.key in nine}
    assert set(nine) == set(after)
    assert after.pop("late_reply") == after.pop("breach") == timedelta()
    (moment,) = set(after.values())
    assert timedelta() <= moment < timedelta(minutes=15)
    assert all(received <= rung.at <= due for rung in own())


def test_many_requests_do_not_wake_in_the_same_minute() -> None:
    received = datetime(2026, 11, 9, 14, 7, tzinfo=UTC)
    requests = [uuid5(AT_NINE, str(number)) for number in range(1000)]
    mornings = [
        at(ladder(received, received + 30 * DAY, request_id=request), "d-7") for request in requests
    ]
    in_each_minute = Counter(morning.minute for morning in mornings)
    assert sorted(in_each_minute) == list(range(15))
    assert max(in_each_minute.values()) < 150


@given(
    around=zones_and_instants,
    length=st.integers(10, 31),
    country=st.sampled_from(("DE", "US", "MA", "CL", "KR", None)),
)
def test_a_rung_stands_on_the_last_working_day_by_its_day(
    around: tuple[str, datetime], length: int, country: str | None
) -> None:
    """P21: at nine by the office's clock, also on the days after it was changed."""
    zone, received = around
    there = ZoneInfo(zone)
    due = received + length * DAY
    last_day = local_date(due - timedelta.resolution, there)
    for rung in ladder(received, due, zone=zone, country=country):
        if not rung.key.startswith("d-"):
            continue
        local = rung.at.astimezone(there)
        by = last_day - int(rung.key.removeprefix("d-")) * DAY
        idle = [local.date() + number * DAY for number in range(1, (by - local.date()).days + 1)]
        assert local.time() == time(9)
        assert works(local.date(), country)
        assert not any(works(day, country) for day in idle)


@cache
def works(day: date, country: str | None) -> bool:
    """What a calendar says that was made for this one question."""
    if country is None:
        return day.weekday() < 5
    return holidays.country_holidays(country, years=day.year).is_working_day(day)


def test_threads_that_ask_at_once_see_the_same_holidays() -> None:
    """P21: 25 December 2026 is a Friday; nobody is told to work that day."""
    received = datetime(2026, 11, 27, 12, tzinfo=UTC)
    expected = ladder(received, received + 30 * DAY)
    assert at(expected, "d-2") == nine_in_berlin(2026, 12, 24)
    patience = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    try:
        with ThreadPoolExecutor(8) as threads:
            for _ in range(20):
                _calendar.cache_clear()
                asked = [
                    threads.submit(ladder, received, received + 30 * DAY) for _thread in range(8)
                ]
                assert all(answer.result() == expected for answer in asked)
    finally:
        sys.setswitchinterval(patience)


def test_the_numbers_are_settings_and_name_the_rungs() -> None:
    received = datetime(2026, 11, 9, 14, tzinfo=UTC)
    rungs = request_ladder(
        request_id=AT_NINE,
        received_at=received,
        due_at=received + 30 * DAY,
        office=OfficeHours(
            time_zone=BERLIN, country=None, numbers=LadderNumbers(assignee=22, hour=time(8))
        ),
    )
    assert at(rungs, "d-22") == datetime(2026, 11, 17, 8, tzinfo=ZoneInfo(BERLIN))
    with pytest.raises(ValueError, match="ever nearer"):
        LadderNumbers(assignee=10)
    with pytest.raises(ValueError, match="15:45 at last"):
        LadderNumbers(hour=time(16))
    with pytest.raises(ValueError, match="longer than nothing"):
        LadderNumbers(acknowledge_within=timedelta())


def test_unknown_holidays_are_refused_in_words() -> None:
    received = datetime(2026, 11, 9, 14, tzinfo=UTC)
    with pytest.raises(ValueError, match="holidays of 'ZZ'"):
        ladder(received, received + 30 * DAY, country="ZZ")


def test_summaries_are_whole_words_for_ops() -> None:
    received = datetime(2026, 11, 9, 14, tzinfo=UTC)
    rungs = ladder(received, received + 30 * DAY)
    assert rungs[1].summary == "reminder to the assignee, 20 days before the answer is due"
    assert all(rung.summary and not rung.summary.endswith(".") for rung in rungs)


def test_after_the_due_time_there_is_an_alarm_every_day() -> None:
    """P21: daily until answered."""
    due = datetime(2026, 12, 9, 14, 7, tzinfo=UTC)
    first, second = overdue_rung(due, 1), overdue_rung(due, 2)
    assert (first.key, first.at) == ("overdue-1", due + DAY)
    assert (second.key, second.at) == ("overdue-2", due + 2 * DAY)
    assert second.summary == "the answer is 2 days overdue"
    with pytest.raises(ValueError, match="from one"):
        overdue_rung(due, 0)


# Whole ladders

COUNTRIES_AND_ZONES = (
    ("DE", BERLIN),
    ("US", "America/New_York"),
    ("KR", "Asia/Seoul"),
    ("AE", "Asia/Dubai"),  # whose week ended on Friday, and ends on Sunday
    ("IL", "Asia/Jerusalem"),
    (None, "Pacific/Kiritimati"),
)


def whole_life(country: str | None, zone: str, received: datetime, of: str) -> Iterator[Rung]:
    """What fires when nobody ever acts, and the worker wakes for each rung."""
    due = deadline(received_at=received, time_zone=zone, country=of, company_time_zone=zone).due_at
    office = OfficeHours(time_zone=zone, country=country)
    fired: dict[str, Fired] = {}
    now = received
    while now < due + 2 * DAY:
        rungs = armed(
            request_id=AT_NINE,
            received_at=received,
            due_at=due,
            office=office,
            fired=fired,
            now=now,
            more=3,
        )
        now = next(rung.at for rung in rungs if rung.key not in fired)
        missed = highest_missed(rungs, now, fired)
        yield from missed.fire
        fired |= {rung.key: Fired(at=now, passed_over=True) for rung in missed.skipped}
        fired |= {rung.key: Fired(at=now) for rung in missed.fire}


def assert_whole(country: str | None, zone: str, of: str, received: datetime) -> None:
    """Nothing before receipt; for staff on working days, in working hours, one step after the
    other; after the due time nothing but the breach and the days overdue; nothing twice."""
    there = ZoneInfo(zone)
    due = deadline(received_at=received, time_zone=zone, country=of, company_time_zone=zone).due_at
    life = list(whole_life(country, zone, received.astimezone(UTC), of))
    assert len({rung.key for rung in life}) == len(life)
    assert [rung.at for rung in life] == sorted(rung.at for rung in life)
    assert [rung.key for rung in life if rung.kind not in FOR_STAFF] == [
        *("late_reply", "breach", "overdue-1", "overdue-2"),
    ]
    assert all(
        rung.at >= due for rung in life if rung.kind not in (*FOR_STAFF, RungKind.LATE_REPLY)
    )
    for_staff = [rung for rung in life if rung.kind in FOR_STAFF]
    assert all(earlier.at < later.at for earlier, later in pairwise(for_staff))
    for rung in for_staff:
        assert received < rung.at < due
        local = rung.at.astimezone(there)
        assert works(local.date(), country)
        assert time(9) <= local.time() < time(17)


@given(
    where=st.sampled_from(COUNTRIES_AND_ZONES), of=st.sampled_from(("DE", "KR")), received=instants
)
def test_whole_ladders_stand_as_they_should(
    where: tuple[str | None, str], of: str, received: datetime
) -> None:
    """P21."""
    assert_whole(*where, of, received)


@pytest.mark.slow
@pytest.mark.parametrize(("country", "zone"), COUNTRIES_AND_ZONES)
@pytest.mark.parametrize("of", ["DE", "KR"])
def test_whole_ladders_of_requests_of_every_eleventh_day_of_nine_years(
    country: str | None, zone: str, of: str
) -> None:
    """P21: each weekday in turn, received in the last millisecond of its day."""
    first = datetime(2024, 1, 1, 23, 59, 59, 999_000, tzinfo=ZoneInfo(zone))
    for number in range(0, 9 * 365 + 3, 11):
        assert_whole(country, zone, of, first + number * DAY)


# Whose turn it is

RECEIVED = datetime(2026, 11, 10, 14, 7, tzinfo=UTC)
DUE = RECEIVED + 30 * DAY
RUNGS = ladder(RECEIVED, DUE)


def sorted_out(now: datetime, *fired: str) -> tuple[list[str], list[str]]:
    missed = highest_missed(RUNGS, now, fired)
    return keys(missed.fire), keys(missed.skipped)


def test_before_its_time_nothing_fires() -> None:
    assert highest_missed(RUNGS, RECEIVED, ()) == Missed()


def test_of_several_missed_rungs_only_the_highest_fires() -> None:
    fire, skipped = sorted_out(at(RUNGS, "d-7"), "unassigned")
    assert fire == ["d-7"]
    assert skipped == ["d-20", "d-15", "d-10"]


def test_a_rung_under_one_that_fired_is_passed_over() -> None:
    fire, skipped = sorted_out(at(RUNGS, "d-7"), "unassigned", "d-20", "d-15", "d-7")
    assert (fire, skipped) == ([], ["d-10"])


def test_the_late_reply_does_not_silence_the_staff_rung() -> None:
    """P21: one goes to the person, the other to the executive."""
    fire, skipped = sorted_out(at(RUNGS, "late_reply"))
    assert fire == ["d-2", "late_reply"]
    assert "breach" not in skipped


def test_a_worker_that_was_away_over_the_due_time_still_owes_the_person_word() -> None:
    """P21: the late reply goes out after the breach too, once; no lower rung for staff does."""
    fire, skipped = sorted_out(DUE)
    assert fire == ["late_reply", "breach"]
    assert skipped == [key for key in keys(RUNGS) if key not in fire]
    assert sorted_out(DUE + DAY, *fire)[0] == []


@pytest.mark.parametrize("days", [1, 3, 20_000])
def test_of_the_days_overdue_only_the_last_is_a_rung(days: int) -> None:
    """P21: however old the receipt is, no more is written; the next one is a day later."""

    def overdue(now: datetime, *fired: str) -> list[str]:
        rungs = armed(
            request_id=AT_NINE,
            received_at=RECEIVED,
            due_at=DUE,
            office=OfficeHours(time_zone=BERLIN, country="DE"),
            fired={key: Fired(at=now) for key in fired},
            now=now,
            more=1,
        )
        return [rung.key for rung in rungs if rung.kind is RungKind.OVERDUE]

    last, following = f"overdue-{days}", f"overdue-{days + 1}"
    assert overdue(DUE + days * DAY) == [last, following]
    assert overdue(DUE + days * DAY, last) == [following]
    assert overdue(DUE, last) == [following]


def test_overdue_alarms_follow_the_breach() -> None:
    rungs = (*RUNGS, *(overdue_rung(DUE, number) for number in (1, 2, 3)))
    missed = highest_missed(rungs, DUE + 2 * DAY, [key for key in ALL_RUNGS if key != "breach"])
    assert keys(missed.fire) == ["breach", "overdue-2"]
    assert keys(missed.skipped) == ["overdue-1"]


@given(stops=st.lists(st.timedeltas(timedelta(), 32 * DAY), min_size=1, max_size=12))
def test_whenever_the_worker_wakes_nothing_fires_twice_and_the_breach_is_kept(
    stops: list[timedelta],
) -> None:
    """P21: any sequence of wake-ups, the last one after the due time."""
    fired: list[str] = []
    passed: list[str] = []
    for now in sorted([*(RECEIVED + stop for stop in stops), DUE + 32 * DAY]):
        missed = highest_missed(RUNGS, now, (*fired, *passed))
        fired += keys(missed.fire)
        passed += keys(missed.skipped)
    assert sorted((*fired, *passed)) == sorted(ALL_RUNGS)
    assert fired.count("breach") == fired.count("late_reply") == 1
