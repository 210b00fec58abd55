"""When the silent are chased: never before the matter opens, in order, and in time to decide."""

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.campaigns.timetable import (
    MINIMUM_NOTICE_PERIOD,
    NoticeTooShort,
    campaign_rungs,
    earliest_effective_on,
    effective_at,
)
from domain.company import CampaignLeads
from domain.places import local_date
from domain.rungs import Role, Rung
from tests.clock_changes import zones_and_instants

BERLIN = "Europe/Berlin"
DAY = timedelta(days=1)
instants = st.datetimes(
    min_value=datetime(2024, 1, 1),  # noqa: DTZ001, hypothesis takes bounds without a zone
    max_value=datetime(2032, 12, 31),  # noqa: DTZ001
    timezones=st.just(UTC),
)
zones = st.sampled_from(
    (BERLIN, "UTC", "America/Santiago", "Africa/Cairo", "Pacific/Kiritimati", "Asia/Seoul")
)
notice_periods = st.integers(14, 90).map(lambda days: timedelta(days=days))


def keys(rungs: tuple[Rung, ...]) -> list[str]:
    return [rung.key for rung in rungs]


def test_a_version_takes_effect_at_the_first_midnight_after_the_notice_period() -> None:
    """P7: across the change to summer time, midnight is the company's."""
    accepted = datetime(2026, 3, 10, 15, 20, tzinfo=UTC)
    in_force = effective_at(accepted, timedelta(days=30), None, BERLIN)
    assert in_force == datetime(2026, 4, 10, tzinfo=ZoneInfo(BERLIN))


def test_the_planned_date_holds_when_sending_was_quick() -> None:
    """P7: mails said "not before" this date."""
    accepted = datetime(2026, 3, 10, 15, 20, tzinfo=UTC)
    in_force = effective_at(accepted, timedelta(days=30), date(2026, 6, 1), BERLIN)
    assert in_force == datetime(2026, 6, 1, tzinfo=ZoneInfo(BERLIN))


@given(
    announced=instants,
    took=st.timedeltas(timedelta(), 5 * DAY),
    notice=notice_periods,
    planned_later=st.integers(0, 60),
    zone=zones,
)
def test_everyone_has_the_whole_notice_period(
    announced: datetime, took: timedelta, notice: timedelta, planned_later: int, zone: str
) -> None:
    """P7: a local midnight, after the notice period, never before the planned date, and exactly
    the planned date when sending took no longer than allowed."""
    accepted = announced + took
    planned = earliest_effective_on(announced, notice, 2 * DAY, zone) + planned_later * DAY
    in_force = effective_at(accepted, notice, planned, zone)
    there = ZoneInfo(zone)
    assert in_force > accepted + notice
    assert local_date(in_force, there) >= planned
    assert local_date(in_force - timedelta.resolution, there) < local_date(in_force, there)
    if took <= 2 * DAY:
        assert local_date(in_force, there) == planned
    else:
        assert in_force - (accepted + notice) <= (planned_later + 4) * DAY


@given(first=instants, second=instants, notice=notice_periods, zone=zones)
def test_the_date_only_moves_later(
    first: datetime, second: datetime, notice: timedelta, zone: str
) -> None:
    """P7: one more accepted mail never brings the date forward."""
    first, second = sorted((first, second))
    assert effective_at(first, notice, None, zone) <= effective_at(second, notice, None, zone)


@given(around=zones_and_instants, notice=notice_periods)
def test_it_is_the_first_midnight_there_is_also_where_clocks_change_at_midnight(
    around: tuple[str, datetime], notice: timedelta
) -> None:
    """P7: no local day begins between the end of the notice period and the date of effect; a
    midnight that is skipped, or comes twice, counts once, as the first instant of its day."""
    zone, accepted = around
    there = ZoneInfo(zone)
    ends_at = accepted + notice
    in_force = effective_at(accepted, notice, None, zone)
    assert ends_at < in_force <= ends_at + DAY + timedelta(hours=1)
    assert local_date(in_force - timedelta.resolution, there) == local_date(ends_at, there)
    assert local_date(in_force, there) == local_date(ends_at, there) + DAY


@given(around=zones_and_instants)
def test_all_speak_at_nine_on_their_day_whatever_the_clocks_do(
    around: tuple[str, datetime],
) -> None:
    """P5: at the company, where it is nine whichever way the clocks went in between."""
    zone, accepted = around
    there = ZoneInfo(zone)
    in_force = effective_at(accepted, 30 * DAY, None, zone)
    rungs = campaign_rungs(in_force, CampaignLeads(), there, not_before=accepted)
    effect_on = local_date(in_force, there)
    assert [effect_on - local_date(rung.at, there) for rung in rungs] == [
        14 * DAY,
        3 * DAY,
        DAY,
        -7 * DAY,
    ]
    assert {rung.at.astimezone(there).time() for rung in rungs} == {time(9)}
    assert {rung.effect_at for rung in rungs} == {in_force}


def test_less_than_fourteen_days_of_notice_is_refused() -> None:
    """P7."""
    announced = datetime(2026, 3, 10, tzinfo=UTC)
    too_short = MINIMUM_NOTICE_PERIOD - DAY
    with pytest.raises(NoticeTooShort, match="at least 14"):
        effective_at(announced, too_short, None, BERLIN)
    with pytest.raises(NoticeTooShort):
        earliest_effective_on(announced, too_short, DAY, BERLIN)


IN_FORCE = datetime(2026, 5, 1, tzinfo=UTC)
LEADS = CampaignLeads()


def rungs_of(
    leads: CampaignLeads = LEADS, *, opened_before: timedelta = 30 * DAY
) -> tuple[Rung, ...]:
    """Those of a campaign in UTC that was opened so long before the effect."""
    not_before = IN_FORCE - opened_before
    return campaign_rungs(IN_FORCE, leads, ZoneInfo("UTC"), not_before=not_before)


def test_the_silent_are_reminded_twice_then_the_owner_hears_then_legal() -> None:
    """P5: at nine in the morning, not when the day begins."""
    nine = timedelta(hours=9)
    assert [(rung.key, rung.at - IN_FORCE, *rung.audience) for rung in rungs_of()] == [
        ("reminder_1", -14 * DAY + nine, Role.ACCOUNT_HOLDER),
        ("reminder_2", -3 * DAY + nine, Role.ACCOUNT_HOLDER),
        ("escalation_owner", -1 * DAY + nine, Role.OWNER),
        ("escalation_legal", 7 * DAY + nine, Role.LEGAL),
    ]


def test_a_reminder_before_the_campaign_opens_is_dropped() -> None:
    assert keys(rungs_of(opened_before=10 * DAY)) == [
        "reminder_2",
        "escalation_owner",
        "escalation_legal",
    ]


def test_a_third_reminder_is_refused() -> None:
    """P5: at most two reminders."""
    with pytest.raises(ValueError, match="at most two"):
        rungs_of(CampaignLeads(reminder_leads=(DAY, 2 * DAY, 3 * DAY)))


def test_a_negative_lead_is_refused() -> None:
    with pytest.raises(ValueError, match="negative"):
        rungs_of(CampaignLeads(owner_escalation_lead=-DAY))
