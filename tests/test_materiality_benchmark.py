"""What the benchmark counts, and what it leaves out."""

import json
from pathlib import Path

import pytest

from benchmarks.materiality import Answer, Pair, answer, load, part_of, score, stands_in


def pair(label: str, *, counts: bool = True) -> Pair:
    return Pair(
        id=label,
        label=label,
        categories=("purpose",),
        quote="we sell it",
        family="gnomes",
        counts=counts,
        before="",
        after="",
    )


def said(
    label: str, *, flagged: bool = False, reviewed: bool = False, counts: bool = True
) -> Answer:
    return Answer(
        pair=pair(label, counts=counts),
        flagged=flagged,
        reviewed=reviewed,
        quoted=flagged,
        milliseconds=1.0,
    )


def test_minor_changes_and_doubtful_labels_count_neither_way() -> None:
    figures = score(
        [
            said("adverse_material", flagged=True),
            said("adverse_material", reviewed=True),
            said("neutral", flagged=True),
            said("none"),
            said("adverse_minor", flagged=True),
            said("none", flagged=True, counts=False),
        ]
    )
    assert figures["flagged"]["precision"]["value"] == 0.5
    assert figures["flagged"]["recall"]["value"] == 0.5
    assert figures["flagged_or_review"]["recall"]["value"] == 1.0
    assert figures["flagged_or_review"]["precision"] == {
        "value": 0.667,
        "right": 2,
        "of": 3,
        "low": 0.208,
        "high": 0.939,
    }
    assert figures["cleared"] == {
        "of_harmless": {"value": 0.5, "right": 1, "of": 2, "low": 0.095, "high": 0.905},
        "pairs": 1,
        "wrongly": {"value": 0.0, "right": 0, "of": 1, "low": 0.0, "high": 0.793},
        "material": [],
    }
    f1 = figures["flagged"]["f1"]
    assert f1["value"] == 0.5
    assert 0 <= f1["low"] < 0.5 < f1["high"] <= 1
    of_minor = {kind: rate["right"] for kind, rate in figures["by_label"]["adverse_minor"].items()}
    assert of_minor == {"flagged": 1, "review": 0, "cleared": 0}


def test_a_material_change_that_was_cleared_is_named() -> None:
    assert score([said("adverse_material"), said("none")])["cleared"]["material"] == [
        "adverse_material"
    ]


@pytest.mark.parametrize(
    ("quote", "there"),
    [("we  SELL it", True), ("nothing ... we sell it", True), ("we rent it", False), ("it", False)],
)
def test_a_quote_is_found_by_its_letters_and_by_any_of_its_parts(quote: str, there: bool) -> None:
    assert stands_in(quote, ["Every week we sell it to gnomes."]) is there


def test_a_folder_is_read_and_its_pairs_are_assessed(tmp_path: Path) -> None:
    (tmp_path / "pairs" / "g1").mkdir(parents=True)
    (tmp_path / "pairs" / "g1" / "before.md").write_text("We never sell your data.\n")
    (tmp_path / "pairs" / "g1" / "after.md").write_text("We may sell your data.\n")
    label = {
        "id": "g1",
        "label": "adverse_material",
        "categories": ["sharing_sale"],
        "quote": "We may sell your data",
        "family": "gnomes",
        "confidence": 3,
        "artifact": False,
    }
    (tmp_path / "labels.jsonl").write_text(json.dumps(label) + "\n")
    (only,) = load(tmp_path)
    told = answer(only)
    assert (told.flagged, told.quoted) == (True, True)


def test_a_company_group_is_on_one_side_only() -> None:
    assert part_of("gnomes") == part_of("gnomes")
    assert {part_of(f"family {number}") for number in range(40)} == {"tune", "test"}
