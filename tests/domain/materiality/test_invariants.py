"""What holds for any two texts, whichever comes first and wherever they are read."""

import json
import subprocess
import sys

from hypothesis import given, settings
from hypothesis import strategies as st

from domain.materiality import Direction, Verdict, assess
from settings import ROOT

SAMPLE = ROOT / "policy_versions" / "privacy-policy"
DAYS = st.integers(min_value=2, max_value=400)
VOCABULARY = (
    "we you never may share sell your data location with partners for advertising only "
    "consent 30 days delete keep opt out . : ; - # | > children under 13"
)
WORDS = st.lists(st.sampled_from(VOCABULARY.split(" ")), max_size=40).map(" ".join)


@settings(deadline=None, max_examples=40)
@given(old=DAYS, new=DAYS)
def test_a_period_that_is_longer_one_way_is_shorter_the_other_way(old: int, new: int) -> None:
    """P33: what is adverse in one direction is favourable in the other."""

    def rules(before: int, after: int) -> set[str]:
        texts = (f"We keep your call recordings for {days} days." for days in (before, after))
        return {finding.rule for finding in assess(*texts).findings}

    assert ("retention.longer" in rules(old, new)) == (old < new)
    assert ("retention.longer" in rules(old, new)) == ("retention.shorter" in rules(new, old))


@settings(deadline=None, max_examples=60)
@given(text=WORDS)
def test_the_same_text_is_identical_whatever_it_says(text: str) -> None:
    assessment = assess(text, text)
    assert assessment.verdict is Verdict.IDENTICAL
    assert (assessment.findings, assessment.changes) == ((), ())


@settings(deadline=None, max_examples=60)
@given(old=WORDS, new=WORDS)
def test_every_finding_quotes_and_every_change_is_found_or_shown_harmless(
    old: str, new: str
) -> None:
    assessment = assess(old, new)
    assert all(finding.before or finding.after for finding in assessment.findings)
    assert all(change.findings or change.cleared_as for change in assessment.changes)
    flagged = [one for one in assessment.findings if one.direction is Direction.ADVERSE]
    assert all(one.basis and not one.rule.startswith("change.") for one in flagged)


def test_every_process_gives_the_same_answer() -> None:
    """Sets and dictionaries come in another order in each process; the answer does not."""
    told = {_assessed_under(seed) for seed in ("0", "1", "77")}
    assert len(told) == 1
    assert json.loads(told.pop())["material_adverse"] is True


def _assessed_under(hash_seed: str) -> bytes:
    program = (
        "import json, pathlib, sys; from domain.materiality import assess; "
        "old, new = (pathlib.Path(path).read_text() for path in sys.argv[1:]); "
        "print(json.dumps(assess(old, new).to_json_dict()))"
    )
    return subprocess.run(
        [sys.executable, "-c", program, SAMPLE / "1.md", SAMPLE / "2.md"],
        cwd=ROOT,
        env={"PYTHONHASHSEED": hash_seed},
        capture_output=True,
        check=True,
    ).stdout
