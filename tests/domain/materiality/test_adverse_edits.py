"""A change for the worse is never cleared, however little of the text it takes.

`adverse_edits.jsonl` has them, in our own words: one clause of a policy before and after.
"""

import json
from pathlib import Path

import pytest

from domain.materiality import assess

EDITS = Path(__file__).with_name("adverse_edits.jsonl")
POLICY = """# Privacy policy

We run a diary for gardeners, and this says what we do with what you write.

{clause}

## Changes

We write to you thirty days before a change applies.
"""


def edits() -> list[tuple[str, str]]:
    lines = map(json.loads, EDITS.read_text(encoding="utf-8").splitlines())
    return [(line["old"], line["new"]) for line in lines]


@pytest.mark.parametrize(("old", "new"), edits(), ids=range(1, len(edits()) + 1))
def test_an_adverse_edit_goes_to_legal(old: str, new: str) -> None:
    """P2: flagged, or left to a person. The number is the line in `adverse_edits.jsonl`."""
    told = assess(POLICY.format(clause=old), POLICY.format(clause=new))
    assert told.material_adverse or told.needs_review, told.changes
