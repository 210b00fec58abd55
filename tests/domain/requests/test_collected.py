"""What a source gave, as staff look through it: what shows that a value tells of others (P11)."""

import pytest

from domain.requests.collected import Collected
from domain.requests.personal_data import LegalBasis, Origin, Record, Value

OWN = ("alice@people.example", "Alice@Old.example")


def noted(*values: Value) -> Collected:
    """Notes of support about Alice."""
    records = tuple(
        Record(
            source="support",
            category="Notes",
            item=item,
            field="words",
            value=value,
            origin=Origin.OBSERVED,
            purpose="Support",
            legal_basis=LegalBasis.CONTRACT,
        )
        for item, value in enumerate(values, 1)
    )
    return Collected(source="support", title="Support", uses={}, records=records)


@pytest.mark.parametrize(
    ("value", "names"),
    [
        ("Called twice.", ()),
        ("ALICE@people.example wrote from alice@old.example.", ()),
        ("Ask bob@people.example, or <carol@home.example>; bob@people.example again.", None),
        ("write to a..b@people.example", ()),
        ("the price @ 5.00", ()),
        (4711, ()),
        (None, ()),
    ],
)
def test_an_address_that_is_not_the_persons_shows_it(
    value: Value, names: tuple[str, ...] | None
) -> None:
    """P11: and which it is stands beside the value."""
    both = ("bob@people.example", "carol@home.example")
    found = noted("Nothing.", value).names_others(OWN)
    assert found == ({1: both} if names is None else {})


def test_what_names_somebody_else_waits_until_somebody_has_looked() -> None:
    """P11: whatever the data map says of its column."""
    found = noted("Nothing.", f"{OWN[0]} wrote.", "Ask bob@people.example.")
    assert found.to_look_at(OWN) == (2,)
    assert found.redacted({2: "Ask bob@people.example."}).to_look_at(OWN) == ()
