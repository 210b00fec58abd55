"""What somebody typed for paper is read strictly: nothing is guessed, nothing is left out."""

from dataclasses import replace
from datetime import date

import pytest

from data_sources.by_hand import Typed, TypedWrong, counted, records, retained
from data_sources.data_map import ManualDescription
from tests.data_sources.fernhill import read_map

PAPER = next(one for one in read_map().sources if isinstance(one, ManualDescription))
TWO = """signed_on: 2019-05-02
signed_name: Alice Abel
signed_address: 1 Example Road
second floor

signed_on: 2021-01-07
signed_name: Alice Abel"""


def test_entries_are_parted_by_an_empty_line_and_a_value_may_go_on() -> None:
    found = records(PAPER, Typed(entries={"Contracts": TWO.replace("\n", "\r\n")}))
    assert [(one.item, one.field, one.value) for one in found] == [
        (1, "signed_on", "2019-05-02"),
        (1, "signed_name", "Alice Abel"),
        (1, "signed_address", "1 Example Road\nsecond floor"),
        (2, "signed_on", "2021-01-07"),
        (2, "signed_name", "Alice Abel"),
    ]
    assert {one.origin for one in found if one.field == "signed_on"} == {"observed"}


def test_nothing_typed_is_nothing_found() -> None:
    assert records(PAPER, Typed(entries={"Contracts": " \r\n "})) == ()
    assert counted(PAPER, Typed(rows={"Contracts": "0"})) == [{"category": "Contracts", "rows": 0}]


def test_what_stays_of_an_erasure_stays_by_a_rule_of_the_map() -> None:
    """P13: retained with reason and until when."""
    typed = Typed(
        kept={"Contracts": "2"}, rules={"Contracts": "contracts"}, until={"Contracts": "2029-01-01"}
    )
    (kept,) = retained(PAPER, typed)
    assert (kept.category, kept.rows, kept.until_on) == ("Contracts", 2, date(2029, 1, 1))
    assert "three years" in kept.reason
    assert "3 years" in kept.until
    assert list(retained(PAPER, Typed(kept={"Contracts": ""}, rules={"Contracts": ""}))) == []
    for wrong, told in (
        (replace(typed, rules={"Contracts": "mine"}), "say by which rule the 2 are kept"),
        (replace(typed, until={"Contracts": "soon"}), "give the day until which"),
        (replace(typed, kept={"Contracts": "some"}), "as a whole number"),
    ):
        with pytest.raises(TypedWrong, match=told):
            list(retained(PAPER, wrong))


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("Alice Abel, 2019", "an entry begins with one of signed_on"),
        ("iban: DE12", "an entry begins with one of signed_on"),
        ("signed_on: 2019\nsigned_on: 2020", "signed_on stands twice in one entry"),
    ],
)
def test_what_cannot_be_read_is_said_in_words_of_the_map(text: str, told: str) -> None:
    with pytest.raises(TypedWrong, match=told):
        records(PAPER, Typed(entries={"Contracts": text}))


@pytest.mark.parametrize("typed", ["-1", "", "two", "²", "1.5"])
def test_what_is_no_whole_number_is_refused(typed: str) -> None:
    with pytest.raises(TypedWrong, match="as a whole number, 0 where none"):
        counted(PAPER, Typed(rows={"Contracts": typed}))
