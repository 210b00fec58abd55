"""A copy has all that is held, in its place, to read and for machines."""

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.requests.packages import copy_of
from domain.requests.personal_data import Held, LegalBasis, Located, Origin, Record, Use, Value
from tests.domain.requests.records import record, records

NOW = datetime(2026, 3, 2, 9, tzinfo=UTC)
TITLES = {"billing": "Customers and invoices"}
CONTRACT = Use(
    purpose="Keeping the account",
    legal_basis=LegalBasis.CONTRACT,
    origin=Origin.PROVIDED,
    recipients=("Ledger & Partners",),
    kept="As long as the account is open",
)
LOCATED = (
    Located(
        source="billing",
        held=(
            Held(category="Contact details", rows=1, uses=(CONTRACT,)),
            Held(category="Invoices", rows=0, uses=(CONTRACT,)),
        ),
    ),
    Located(source="marketing", held=(Held(category="Contacts", rows=0, uses=()),)),
)


def test_every_category_has_its_place_filled_or_not() -> None:
    """P10, P11: nothing found is an answer."""
    name, street = record("name", "Alice Abel"), record("street", "1 Example Street")
    copy = copy_of("R-1", NOW, located=LOCATED, records=[name, street], titles=TITLES)
    billing, marketing = copy.chapters
    assert (billing.title, marketing.title) == ("Customers and invoices", "marketing")
    assert [section.entries for section in billing.sections] == [((name, street),), ()]
    assert billing.sections[0].uses == (CONTRACT,)
    assert not copy.is_empty
    assert copy_of("R-1", NOW, located=LOCATED, records=[], titles=TITLES).is_empty


def test_machines_read_the_same() -> None:
    """P11."""
    berlin = NOW.astimezone(timezone(timedelta(hours=1)))
    copy = copy_of("R-1", berlin, located=LOCATED, records=[record("näme", "Zoë")], titles=TITLES)
    read = json.loads(copy.to_json())
    assert "Zoë" in copy.to_json()
    assert (read["format"], read["reference"], read["made_at"]) == (
        1,
        "R-1",
        "2026-03-02T09:00:00Z",
    )
    contact, invoices = read["sources"][0]["categories"]
    assert contact == {
        "category": "Contact details",
        "uses": [
            {
                "purpose": "Keeping the account",
                "legal_basis": "contract",
                "origin": "provided",
                "recipients": ["Ledger & Partners"],
                "kept": "As long as the account is open",
            }
        ],
        "entries": [{"näme": "Zoë"}],
    }
    assert invoices["entries"] == []


def test_what_tells_of_others_is_named_for_whoever_reviews() -> None:
    """P11."""
    notes = replace(record("notes", "Bob joined"), others=True)
    copy = copy_of("R-1", NOW, located=LOCATED, records=[record("name", "A"), notes], titles={})
    assert copy.to_redact == (notes,)


def test_what_nobody_said_they_hold_is_no_copy() -> None:
    strange = replace(record("name", "Alice"), category="Shoes")
    with pytest.raises(ValueError, match="billing gave entries of Shoes"):
        copy_of("R-1", NOW, located=LOCATED, records=[strange], titles=TITLES)


@given(records())
def test_no_value_is_lost_or_changed(some: list[Record]) -> None:
    """P11."""
    sources = {(one.source, one.category) for one in some}
    located = [
        Located(source=source, held=(Held(category=category, rows=1, uses=()),))
        for source, category in sorted(sources)
    ]
    read = json.loads(copy_of("R-1", NOW, located=located, records=some, titles={}).to_json())
    found: list[tuple[str, str, str, Value]] = [
        (source["source"], category["category"], field, value)
        for source in read["sources"]
        for category in source["categories"]
        for entry in category["entries"]
        for field, value in entry.items()
    ]
    expected = [(one.source, one.category, one.field, one.value) for one in some]
    assert sorted(found, key=repr) == sorted(expected, key=repr)


@given(st.text())
def test_any_text_is_a_value(text: str) -> None:
    try:
        text.encode()
    except UnicodeEncodeError:
        return
    copy = copy_of("R-1", NOW, located=LOCATED, records=[record("name", text)], titles={})
    read = json.loads(copy.to_json())
    assert read["sources"][0]["categories"][0]["entries"] == [{"name": text}]
