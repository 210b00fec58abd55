"""What sources are asked for which right, and when again."""

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.company import OfficeHours
from domain.requests.collected import Collected, collected_from
from domain.requests.data_subject_requests import Kind
from domain.requests.personal_data import DataRole, LegalBasis, Origin, Record, Use, Verb
from domain.requests.source_tasks import (
    FIRST_PAUSE,
    LONGEST_PAUSE,
    Asked,
    asked_first,
    next_try,
    reminded_at,
)
from domain.working_days import works_on

BERLIN = OfficeHours(time_zone="Europe/Berlin", country="DE")
NOW = datetime(2026, 3, 2, 9, tzinfo=UTC)
CHANGES_DATA = {Verb.CORRECT, Verb.ERASE, Verb.RESTRICT, Verb.SUPPRESS}


@pytest.mark.parametrize("kind", Kind)
def test_of_what_is_held_for_somebody_else_nothing_is_copied_or_changed(kind: Kind) -> None:
    """P24: theirs is the decision; we only look whether there is anything."""
    assert asked_first(kind, DataRole.PROCESSOR) in {None, Verb.LOCATE}


@pytest.mark.parametrize("kind", Kind)
def test_before_a_person_is_known_nothing_is_copied(kind: Kind) -> None:
    """P19: who proved no more than that they read mail at an address."""
    for role in DataRole:
        assert asked_first(kind, role, looks_first=True) is not Verb.EXPORT


def test_only_what_nothing_stands_against_is_changed_before_anybody_decided() -> None:
    """P15, P17."""
    changing = {kind for kind in Kind if asked_first(kind, DataRole.CONTROLLER) in CHANGES_DATA}
    assert changing == {Kind.OBJECTION_MARKETING, Kind.MARKETING_OPT_OUT}


@given(attempts=st.integers(min_value=1, max_value=100_000))
def test_pauses_grow_and_end_at_six_hours(attempts: int) -> None:
    pause, next_pause = (next_try(number, NOW) - NOW for number in (attempts, attempts + 1))
    assert FIRST_PAUSE <= pause <= next_pause <= LONGEST_PAUSE


def test_in_half_a_day_a_silent_source_is_asked_often_enough() -> None:
    at, asked = NOW, 0
    while at < NOW + timedelta(hours=12):
        asked += 1
        at = next_try(asked, at)
    assert 8 <= asked <= 12


@pytest.mark.parametrize(
    ("asked", "is_open"),
    [
        (Asked(), False),
        (Asked(next_at=NOW), True),
        (Asked(by_hand=("paper",)), True),
        (Asked(needs_person=("billing",)), True),
    ],
)
def test_a_request_is_open_for_its_sources_as_long_as_one_has_something_to_do(
    asked: Asked, is_open: bool
) -> None:
    assert asked.is_open is is_open


TEXT = st.text(max_size=20)
RECORDS = st.builds(
    Record,
    source=st.just("billing"),
    category=TEXT,
    item=st.integers(min_value=1),
    field=TEXT,
    value=st.none() | st.booleans() | st.integers() | TEXT,
    origin=st.sampled_from(Origin),
    purpose=TEXT,
    legal_basis=st.sampled_from(LegalBasis),
    others=st.booleans(),
)
USE = Use(
    purpose="Support",
    legal_basis=LegalBasis.CONTRACT,
    origin=Origin.PROVIDED,
    kept="2 years",
    recipients=("Example Bank",),
)


def kept(records: list[Record]) -> Collected:
    return Collected(
        source="billing", title="Customers", uses={"Notes": (USE,)}, records=tuple(records)
    )


@given(records=st.lists(RECORDS, max_size=5))
def test_what_is_kept_of_a_source_comes_back_whole(records: list[Record]) -> None:
    collected = kept(records)
    assert collected_from(collected.to_bytes()) == collected
    assert collected.released == collected.records


@given(records=st.lists(RECORDS, min_size=1, max_size=5), words=TEXT)
def test_what_is_taken_out_of_a_value_is_all_that_changes(
    records: list[Record], words: str
) -> None:
    collected = kept(records)
    redacted = collected_from(collected.redacted({0: words}).to_bytes())
    assert redacted.records == collected.records
    assert redacted.released[1:] == collected.records[1:]
    shown = redacted.released[0].value
    assert ("" if shown is None else str(shown)) == words
    assert 0 not in redacted.to_look_at(())


def test_a_place_without_a_value_is_refused() -> None:
    with pytest.raises(ValueError, match="no such value"):
        kept([]).redacted({0: "x"})


@given(
    due_on=st.dates(min_value=date(2024, 1, 1), max_value=date(2032, 12, 31)),
    now=st.datetimes(
        min_value=datetime(2024, 1, 1),  # noqa: DTZ001 - hypothesis adds the zone
        max_value=datetime(2032, 12, 31),  # noqa: DTZ001 - the same
        timezones=st.just(UTC),
    ),
    seconds=st.integers(min_value=0, max_value=899),
)
def test_whoever_does_it_by_hand_is_reminded_on_working_days_alone_and_never_in_the_past(
    due_on: date, now: datetime, seconds: int
) -> None:
    """P30: not before it is due, but for a weekend or holiday before which it is."""
    at = reminded_at(due_on, timedelta(seconds=seconds), BERLIN, now)
    local = at.astimezone(ZoneInfo(BERLIN.time_zone))
    assert at > now
    assert works_on(local.date(), BERLIN.country)
    assert (local.hour, local.minute) >= (9, 0)
    assert local.hour == 9
    if at < now + timedelta(days=1):
        return
    days = ((now + timedelta(days=number)).date() for number in range(1, (at - now).days))
    assert not any(works_on(day, BERLIN.country) and day >= due_on for day in days)
