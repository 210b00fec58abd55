"""Which of two requests for the same is answered, and whom that keeps waiting (P19, P21)."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TypedDict, Unpack
from uuid import UUID, uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.requests.data_subject_requests import Kind
from domain.requests.ends import Twin, duplicate_refusal

DORAS, NOW = uuid4(), datetime(2026, 3, 2, 9, tzinfo=UTC)
DUE, AN_HOUR = NOW + timedelta(days=30), timedelta(hours=1)


class Changes(TypedDict, total=False):
    reference: str
    due: dict[Kind, datetime]
    account_id: UUID | None
    contact_key: str
    about: str
    needs_identity: bool
    proved_at: datetime | None
    received_at: datetime


def twin(**changes: Unpack[Changes]) -> Twin:
    """A request for a copy, from Dora's address and of her account, and verified."""
    usual = Twin(
        reference="R-OTHER",
        due={Kind.ACCESS: DUE},
        account_id=DORAS,
        contact_key="dora@people.example",
        about="dora@people.example",
        needs_identity=True,
        proved_at=NOW,
        received_at=NOW,
    )
    return replace(usual, **changes)


@pytest.mark.parametrize(
    ("one", "other", "words"),
    [
        ({}, {}, None),
        ({"proved_at": None}, {}, None),
        ({"proved_at": NOW + AN_HOUR}, {}, None),
        ({}, {"reference": "R-ONE"}, "itself"),
        ({}, {"account_id": None, "contact_key": "eve@example.com"}, "another account"),
        ({"contact_key": "eve@example.com"}, {}, None),
        ({"account_id": uuid4()}, {}, "about another account"),
        ({"account_id": None, "about": "emil@people.example"}, {}, "about another account"),
        ({"account_id": None}, {}, None),
        ({"about": "dora@before.example"}, {}, None),
        ({"due": {Kind.ACCESS: DUE, Kind.ERASURE: DUE}}, {}, "does not ask for erasure"),
        ({"due": {Kind.ACCESS: DUE - AN_HOUR}}, {}, None),
        ({"due": {Kind.ACCESS: NOW - AN_HOUR}}, {}, "overdue"),
        ({"due": {Kind.ACCESS: NOW - AN_HOUR}}, {"due": {Kind.ACCESS: NOW - AN_HOUR}}, None),
        ({"proved_at": None}, {"proved_at": None}, "Leave both open"),
        ({}, {"proved_at": NOW + AN_HOUR}, "verified first"),
        ({"proved_at": None, "contact_key": "eve@example.com"}, {}, "tell them of the other"),
        ({"needs_identity": False}, {"received_at": NOW + AN_HOUR}, "came later"),
        ({"needs_identity": False, "proved_at": None}, {"proved_at": None}, None),
    ],
)
def test_a_request_ends_as_a_duplicate_only_where_nobody_is_worse_off(
    one: Changes, other: Changes, words: str | None
) -> None:
    one = {"reference": "R-ONE", **one}
    refusal = duplicate_refusal(twin(**one), twin(**other), NOW)
    assert (words is None) == (refusal is None)
    assert (words or "") in (refusal or "")


@given(
    moments=st.tuples(*(st.none() | st.integers(0, 3) for _ in range(2))),
    same_contact=st.booleans(),
)
def test_two_requests_never_end_as_duplicates_of_each_other_by_one_look_each(
    moments: tuple[int | None, int | None], *, same_contact: bool
) -> None:
    """P19: of two that were verified at different times the second may end, and never the first."""
    first, second = (
        twin(
            reference=f"R-{place}",
            contact_key="dora@people.example" if same_contact or place == 0 else "d@people.example",
            proved_at=None if at is None else NOW + at * AN_HOUR,
        )
        for place, at in enumerate(moments)
    )
    both = (
        duplicate_refusal(first, second, NOW) is None
        and duplicate_refusal(second, first, NOW) is None
    )
    assert not both or (moments[0] is not None and moments[0] == moments[1])
