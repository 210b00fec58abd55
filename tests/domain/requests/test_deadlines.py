"""The thirty-day clock: the earlier of the policy's 720 hours and the law's limit binds."""

from calendar import isleap
from datetime import UTC, date, datetime, time, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo, available_timezones

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.places import local_date, start_of_day
from domain.requests.data_subject_requests import Kind
from domain.requests.deadlines import (
    PACKS,
    POLICY_RULE,
    Authority,
    Deadline,
    authority_for,
    corresponding_date,
    court_remedy,
    deadline,
    earliest,
)
from tests.clock_changes import zones_and_instants

BERLIN = "Europe/Berlin"
LEAD = Authority(name="The lead authority", url="https://authority.example")
EVERY_DAY = [date(2024, 1, 1) + timedelta(days=number) for number in range(9 * 365 + 3)]
ZONES = (
    "UTC",
    BERLIN,
    "Europe/London",
    "America/Los_Angeles",
    "America/Havana",
    "America/Santiago",
    "America/Sao_Paulo",
    "Africa/Cairo",
    "Asia/Beirut",
    "Asia/Seoul",
    "Asia/Kolkata",
    "Australia/Lord_Howe",
    "Pacific/Kiritimati",
    "Pacific/Pago_Pago",
)
NO_ZONES_OF_PEOPLE = {"localtime", "Factory"}
instants = st.datetimes(
    min_value=datetime(2024, 1, 1),  # noqa: DTZ001, hypothesis takes bounds without a zone
    max_value=datetime(2032, 12, 31, 23, 59, 59),  # noqa: DTZ001
    timezones=st.just(UTC),
)
zones = st.sampled_from(ZONES)
countries = st.sampled_from((None, "DE", "IS", "GB", "US-CA", "KR", "BR", "IN", "US"))


def noon_in_berlin(day: date) -> datetime:
    return datetime(day.year, day.month, day.day, 12, tzinfo=ZoneInfo(BERLIN))


def in_germany(received_at: datetime) -> Deadline:
    return deadline(
        received_at=received_at, time_zone=BERLIN, country="DE", company_time_zone=BERLIN
    )


def test_the_policy_promises_720_hours_from_receipt() -> None:
    """P21: a request of 10 November is due 720 hours later, by the policy's own clock."""
    answer = in_germany(datetime(2026, 11, 10, 9, 30, tzinfo=UTC))
    assert answer.rule == POLICY_RULE
    assert answer.due_at == datetime(2026, 12, 10, 9, 30, tzinfo=UTC)
    assert [candidate.rule for candidate in answer.candidates] == [POLICY_RULE, "statute.gdpr"]
    assert answer.warnings == ()


def test_a_month_from_31_january_ends_with_february() -> None:
    """P21: the corresponding-date rule makes the law's month shorter than thirty days."""
    answer = in_germany(datetime(2026, 1, 31, 10, tzinfo=UTC))
    assert answer.rule == "statute.gdpr"
    assert answer.due_at == datetime(2026, 2, 28, 23, tzinfo=UTC)  # midnight in Berlin


def test_the_law_binds_only_around_february() -> None:
    """P21: receipts from 30 January (leap years 31 January) to the end of February, 2024-2032."""
    bound = [day for day in EVERY_DAY if in_germany(noon_in_berlin(day)).rule == "statute.gdpr"]
    expected = [
        day
        for day in EVERY_DAY
        if day.month == 2 or (day.month == 1 and day.day >= (31 if isleap(day.year) else 30))
    ]
    assert bound == expected


def test_the_corresponding_date_is_the_same_date_or_the_months_last() -> None:
    for day in EVERY_DAY:
        later = corresponding_date(day)
        assert (later.year * 12 + later.month) - (day.year * 12 + day.month) == 1
        assert later.day == day.day or (later.day < day.day and (later + timedelta(1)).day == 1)
    assert all(corresponding_date(a) <= corresponding_date(b) for a, b in pairwise(EVERY_DAY))


@given(received_at=instants, person=st.none() | zones, company=zones, country=countries)
def test_the_earliest_clock_binds_and_nothing_extends_it(
    received_at: datetime, person: str | None, company: str, country: str | None
) -> None:
    """P21: never later than 720 hours, never later than any candidate."""
    answer = deadline(
        received_at=received_at, time_zone=person, country=country, company_time_zone=company
    )
    assert answer.due_at == min(candidate.due_at for candidate in answer.candidates)
    assert received_at < answer.due_at <= received_at + timedelta(hours=720)
    winner = next(found for found in answer.candidates if found.rule == answer.rule)
    assert winner.due_at == answer.due_at


@given(around=zones_and_instants, country=countries)
def test_clocks_that_change_neither_shorten_nor_lengthen_a_limit(
    around: tuple[str, datetime], country: str | None
) -> None:
    """P21: the policy's clock is 720 hours; the law's ends with a whole day, however long it is."""
    zone, received_at = around
    answer = deadline(
        received_at=received_at, time_zone=zone, country=country, company_time_zone="UTC"
    )
    policy, *statutes = answer.candidates
    assert policy.due_at - received_at == timedelta(hours=720)
    there = ZoneInfo(zone)
    for statute in statutes:
        ends_on = local_date(statute.due_at, there)
        assert local_date(statute.due_at - timedelta.resolution, there) == ends_on - timedelta(1)
        assert statute.due_at == start_of_day(ends_on, there)


@given(received_at=instants, zone=zones, country=st.sampled_from(("DE", "GB", "KR", "US-CA")))
def test_a_limit_of_the_law_ends_at_midnight_where_the_person_is(
    received_at: datetime, zone: str, country: str
) -> None:
    """P21: a day ends at the midnight that begins the next, on either side of a clock change."""
    answer = deadline(
        received_at=received_at, time_zone=zone, country=country, company_time_zone="UTC"
    )
    ends_at = answer.candidates[1].due_at
    there = ZoneInfo(zone)
    last_day = local_date(ends_at - timedelta.resolution, there)
    assert local_date(ends_at, there) == last_day + timedelta(days=1)
    received_on = local_date(received_at, there)
    if country in {"DE", "GB"}:
        assert last_day == corresponding_date(received_on)
    else:
        assert (last_day - received_on).days == {"KR": 10, "US-CA": 45}[country]


@given(day=st.sampled_from(EVERY_DAY), zone=zones)
def test_a_day_begins_at_its_first_instant(day: date, zone: str) -> None:
    begins_at = start_of_day(day, ZoneInfo(zone))
    assert local_date(begins_at, ZoneInfo(zone)) == day
    assert local_date(begins_at - timedelta.resolution, ZoneInfo(zone)) < day


@given(earlier=instants, later=instants, zone=zones, country=countries)
def test_who_asks_later_is_never_due_earlier(
    earlier: datetime, later: datetime, zone: str, country: str | None
) -> None:
    earlier, later = sorted((earlier, later))
    first, second = (
        deadline(received_at=at, time_zone=zone, country=country, company_time_zone="UTC").due_at
        for at in (earlier, later)
    )
    assert first <= second


# Against an oracle that knows the regulation and none of our code


def last_day_by_the_regulation(received_on: date) -> date:
    """Regulation 1182/71, Article 3: the day of the event is not counted (1); a period of months
    ends with the day of the last month that has the date from which it runs (2)(c), or, where that
    month has no such date, with its last day. Found by walking through the calendar."""
    day, months_begun = received_on, 0
    while True:
        before, day = day, day + timedelta(days=1)
        months_begun += before.month != day.month
        if months_begun == 1 and day.day == received_on.day:
            return day
        if months_begun == 2:
            return before


def last_day_by_days(received_on: date, days: int) -> date:
    """So many whole dates, the day of receipt not among them."""
    day = received_on
    for _ in range(days):
        day = date.fromordinal(day.toordinal() + 1)
    return day


def assert_ends_with(due_at: datetime, last_day: date, there: ZoneInfo) -> None:
    """The instant before is on the last day, and the instant itself on the one after."""
    assert due_at.utcoffset() == timedelta()
    assert due_at.astimezone(there).date() == date.fromordinal(last_day.toordinal() + 1)
    assert (due_at - timedelta(microseconds=1)).astimezone(there).date() == last_day


MOMENTS = (time(0), time(0, 0, 0, 1), time(12), time(23, 59, 59, 999_000), time.max)


@pytest.mark.parametrize("zone", ZONES)
def test_every_day_of_nine_years_ends_as_the_regulation_says(zone: str) -> None:
    """P21: 29 February, month ends and both changes of the clocks among them; received in the first
    and the last instant of the day and between."""
    there = ZoneInfo(zone)
    for number, day in enumerate(EVERY_DAY):
        moment = MOMENTS[number % len(MOMENTS)]
        received_at = datetime.combine(day, moment, there).astimezone(UTC)
        received_on = received_at.astimezone(there).date()  # where clocks skip the first hour too
        for country, last_day in (
            ("DE", last_day_by_the_regulation(received_on)),
            ("KR", last_day_by_days(received_on, 10)),
        ):
            answer = deadline(
                received_at=received_at, time_zone=zone, country=country, company_time_zone="UTC"
            )
            policy, statute = answer.candidates
            assert policy.due_at == received_at + timedelta(seconds=720 * 3600)
            assert_ends_with(statute.due_at, last_day, there)
            assert answer.due_at == min(policy.due_at, statute.due_at)


@pytest.mark.parametrize("moment", MOMENTS)
@pytest.mark.parametrize("zone", ZONES)
def test_february_is_short_whenever_on_the_day_the_request_came(zone: str, moment: time) -> None:
    """P21: every day from 28 January to 1 March of each year, the leap years' 29 February too."""
    there = ZoneInfo(zone)
    for day in EVERY_DAY:
        if (
            day.month not in {1, 2, 3}
            or (day.month == 1 and day.day < 28)
            or day.month == 3 < day.day
        ):
            continue
        received_at = datetime.combine(day, moment, there).astimezone(UTC)
        answer = deadline(
            received_at=received_at, time_zone=zone, country="DE", company_time_zone="UTC"
        )
        last_day = last_day_by_the_regulation(received_at.astimezone(there).date())
        assert_ends_with(answer.candidates[1].due_at, last_day, there)
        in_hours = (answer.candidates[1].due_at - received_at) / timedelta(hours=1)
        assert (answer.rule == POLICY_RULE) == (in_hours >= 720)


@given(
    received_at=instants,
    zone=st.sampled_from(sorted(available_timezones() - NO_ZONES_OF_PEOPLE)),
)
def test_the_regulation_holds_in_every_zone_there_is(received_at: datetime, zone: str) -> None:
    """P21."""
    there = ZoneInfo(zone)
    answer = deadline(
        received_at=received_at, time_zone=zone, country="FR", company_time_zone="UTC"
    )
    last_day = last_day_by_the_regulation(received_at.astimezone(there).date())
    assert_ends_with(answer.candidates[1].due_at, last_day, there)


@pytest.mark.parametrize(
    ("received", "last_day"),
    [
        ("2024-01-29", "2024-02-29"),
        ("2024-01-30", "2024-02-29"),
        ("2024-01-31", "2024-02-29"),
        ("2024-02-29", "2024-03-29"),
        ("2026-01-28", "2026-02-28"),
        ("2026-01-29", "2026-02-28"),
        ("2026-01-31", "2026-02-28"),
        ("2026-02-28", "2026-03-28"),
        ("2026-03-31", "2026-04-30"),
        ("2026-12-31", "2027-01-31"),
    ],
)
def test_the_oracle_and_the_clock_know_the_days_that_lawyers_ask_about(
    received: str, last_day: str
) -> None:
    """P21: the corresponding date, and where it is missing the month's last."""
    day, expected = date.fromisoformat(received), date.fromisoformat(last_day)
    assert last_day_by_the_regulation(day) == expected
    assert corresponding_date(day) == expected


def test_korea_counts_ten_whole_days_where_the_person_is() -> None:
    """P21: at 20:00 UTC it is already the next day in Seoul; the day of receipt is not counted."""
    answer = deadline(
        received_at=datetime(2026, 3, 1, 20, tzinfo=UTC),
        time_zone="Asia/Seoul",
        country="KR",
        company_time_zone="America/Los_Angeles",
    )
    assert answer.rule == "statute.korea"
    assert answer.due_at == datetime(2026, 3, 12, 15, tzinfo=UTC)


def test_without_the_persons_zone_the_companys_counts() -> None:
    """P21: the zone that was used is named in the explanation."""
    answer = deadline(
        received_at=datetime(2026, 3, 1, 20, tzinfo=UTC),
        time_zone=None,
        country="KR",
        company_time_zone="America/Los_Angeles",
    )
    assert answer.due_at == datetime(2026, 3, 12, 7, tzinfo=UTC)  # Los Angeles is at -7 by then
    assert "America/Los_Angeles, the company's time zone" in answer.candidates[1].explanation


def test_california_is_slower_than_the_policy() -> None:
    """P21: 45 days never bind, and stand among the candidates."""
    answer = deadline(
        received_at=datetime(2026, 6, 1, tzinfo=UTC),
        time_zone=None,
        country="us-ca",
        company_time_zone="UTC",
    )
    assert answer.rule == POLICY_RULE
    assert answer.candidates[1].due_at == datetime(2026, 7, 17, tzinfo=UTC)


def test_a_country_without_a_pack_is_for_legal() -> None:
    """P21: the policy's clock alone, visibly."""
    answer = deadline(
        received_at=datetime(2026, 1, 31, tzinfo=UTC),
        time_zone=None,
        country="IN",
        company_time_zone="UTC",
    )
    assert [candidate.rule for candidate in answer.candidates] == [POLICY_RULE]
    assert "no legal pack for IN, legal must check" in answer.warnings[0]
    assert answer.regime is None


def test_plain_us_hints_at_california() -> None:
    answer = deadline(
        received_at=datetime(2026, 1, 31, tzinfo=UTC),
        time_zone=None,
        country="US",
        company_time_zone="UTC",
    )
    assert "US-CA" in answer.warnings[0]


def test_a_region_follows_its_country() -> None:
    answer = deadline(
        received_at=datetime(2026, 1, 31, tzinfo=UTC),
        time_zone=None,
        country="DE-BY",
        company_time_zone="UTC",
    )
    assert answer.rule == "statute.gdpr"


def test_an_unknown_country_is_counted_by_the_default_and_the_earlier_laws_are_named() -> None:
    """P21: Korea and Brazil would be earlier in June; California would not."""
    answer = deadline(
        received_at=datetime(2026, 6, 10, tzinfo=UTC),
        time_zone=None,
        country=None,
        company_time_zone="UTC",
    )
    assert answer.rule == POLICY_RULE
    assert answer.regime == "gdpr"
    text = " / ".join(answer.warnings)
    assert "country unknown" in text
    assert "in KR, PIPA asks for an answer by the end of 20 June 2026 (UTC)" in text
    assert "in BR, LGPD asks for an answer by the end of 25 June 2026 (UTC)" in text
    assert "CCPA" not in text


@pytest.mark.parametrize(
    ("zone", "words"),
    [(None, "20 June 2026 (Europe/Berlin)"), ("Asia/Seoul", "20 June 2026 (Asia/Seoul)")],
)
def test_an_earlier_law_is_named_with_a_day_in_the_zone_it_is_counted_in(
    zone: str | None, words: str
) -> None:
    """P21: staff read a day, and whose it is; no instant of a machine."""
    answer = deadline(
        received_at=datetime(2026, 6, 10, 9, tzinfo=UTC),
        time_zone=zone,
        country=None,
        company_time_zone="Europe/Berlin",
    )
    [korea] = [one for one in answer.warnings if "KR" in one]
    assert korea.endswith(f"by the end of {words}")


def test_a_law_without_days_for_a_right_is_for_legal() -> None:
    """P21: Brazil counts days for access, none for correction."""
    access, correction = (
        deadline(
            received_at=datetime(2026, 6, 10, tzinfo=UTC),
            time_zone=None,
            country="BR",
            company_time_zone="UTC",
            right=right,
        )
        for right in ("access", "correction")
    )
    assert access.rule == "statute.brazil"
    assert access.due_at == datetime(2026, 6, 26, tzinfo=UTC)
    assert correction.rule == POLICY_RULE
    assert "no limit in days for correction" in correction.warnings[0]


def of_rights(
    rights: list[Kind], received_at: datetime, zone: str, country: str | None
) -> list[Deadline]:
    return [
        deadline(
            received_at=received_at,
            time_zone=zone,
            country=country,
            company_time_zone=BERLIN,
            right=right,
        )
        for right in rights
    ]


def test_of_several_rights_the_one_that_is_due_first_binds() -> None:
    """P21: one answer; each clock says whose it is, and what two rights share is told once."""
    rights = [Kind.ERASURE, Kind.ACCESS, Kind.INQUIRY]
    received_at = datetime(2026, 6, 10, tzinfo=UTC)
    answer = earliest(of_rights(rights, received_at, "UTC", "BR"))
    assert (answer.rule, answer.due_at) == ("statute.brazil", datetime(2026, 6, 26, tzinfo=UTC))
    assert [(clock.rule, clock.rights) for clock in answer.candidates] == [
        (POLICY_RULE, (Kind.INQUIRY, Kind.ACCESS, Kind.ERASURE)),
        ("statute.brazil", (Kind.INQUIRY, Kind.ACCESS)),
    ]
    assert answer.binding(Kind.ERASURE).rule == POLICY_RULE
    assert answer.binding(Kind.ACCESS).rule == "statute.brazil"
    assert ["erasure" in warning for warning in answer.warnings] == [True]


@given(st.lists(st.sampled_from(Kind), min_size=1, unique=True), instants, zones, countries)
def test_one_answer_is_due_no_later_than_that_of_any_right(
    rights: list[Kind], received_at: datetime, zone: str, country: str | None
) -> None:
    """P21: whatever is asked for together, in whatever order, no clock gets lost."""
    each = of_rights(rights, received_at, zone, country)
    answer = earliest(each)
    assert answer.due_at == min(one.due_at for one in each)
    other_way = earliest(reversed(each))
    assert set(answer.candidates) == set(other_way.candidates)
    assert set(answer.warnings) == set(other_way.warnings)
    for right, alone in zip(rights, each, strict=True):
        binding = answer.binding(right)
        assert (binding.due_at, binding.rule) == (alone.due_at, alone.rule)
    assert earliest(each[:1]) == each[0]


@pytest.mark.parametrize(
    ("field", "value", "word"),
    [
        ("received_at", datetime(2026, 1, 31), "no time zone"),  # noqa: DTZ001, that is the point
        ("received_at", datetime(9999, 12, 31, tzinfo=UTC), "between 1970 and 9000"),
        ("time_zone", "Europe/Atlantis", "not a time zone"),
        ("time_zone", "../../etc/passwd", "not a time zone"),
        ("time_zone", "Europe", "not a time zone"),
        ("company_time_zone", "", "not a time zone"),
        ("country", "Germany", "not a country code"),
        ("right", "everything", "not a kind of request"),
        ("default_regime", "atlantis", "not a regime"),
    ],
)
def test_bad_input_is_refused_in_words(field: str, value: object, word: str) -> None:
    good: dict[str, object] = {
        "received_at": datetime(2026, 1, 31, tzinfo=UTC),
        "time_zone": None,
        "country": None,
        "company_time_zone": "UTC",
    }
    with pytest.raises(ValueError, match=word):
        deadline(**{**good, field: value})  # type: ignore[arg-type]


def test_json_carries_instants_in_utc() -> None:
    json = in_germany(datetime(2026, 1, 31, 11, tzinfo=ZoneInfo(BERLIN))).to_json_dict()
    assert json["received_at"] == "2026-01-31T10:00:00Z"
    assert json["due_at"] == "2026-02-28T23:00:00Z"
    assert list(json) == ["received_at", "due_at", "rule", "candidates", "warnings"]


def test_the_packs_are_whole() -> None:
    """P21, P23: the EEA's thirty countries; each country in one pack, with an authority."""
    assert set(PACKS) == {"gdpr", "uk_gdpr", "california", "korea", "brazil"}
    listed = [country for pack in PACKS.values() for country in pack.countries]
    assert len(listed) == len(set(listed))
    for pack in PACKS.values():
        assert set(pack.authorities) == pack.countries
        assert set(pack.days) <= set(Kind)
        assert bool(pack.days) == (pack.limit == "days")
        assert all(found.url.startswith("https://") for found in pack.authorities.values())
    assert len(PACKS["gdpr"].countries - {"EL", "AX", "GF", "GP", "MF", "MQ", "RE", "YT"}) == 30


def test_complaints_go_to_the_persons_authority_else_the_lead_one() -> None:
    """P23."""
    assert authority_for("IE", lead=LEAD).name == "Data Protection Commission"
    assert authority_for("DE-BY", lead=LEAD) == authority_for("DE", lead=LEAD) != LEAD
    assert authority_for("IN", lead=LEAD) == authority_for(None, lead=LEAD) == LEAD


def test_the_court_is_named_where_the_regime_gives_one() -> None:
    """P23."""
    assert "Article 79" in court_remedy("gdpr")
    assert court_remedy("california") == ""
    assert court_remedy(None) == ""
