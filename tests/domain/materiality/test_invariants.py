"""What holds for any two texts, whichever comes first and wherever they are read."""

import json
import subprocess
import sys
from collections import Counter

import pytest
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


PERIODS = {
    "We keep your call recordings for {} days.": ("retention.longer", "retention.shorter"),
    "Chat logs are deleted after {} days.": ("retention.longer", "retention.shorter"),
    "We answer every request within {} days.": ("deadlines.longer", "deadlines.shorter"),
    "We tell you of changes to this policy {} days in advance.": (
        "notice.shorter",
        "notice.longer",
    ),
    "We inform you of a data breach within {} days.": ("breach.longer", "breach.shorter"),
}
"""Each with the rule for the worse direction and the one for the better."""
LOST_AND_GIVEN = {
    "You have the right to portability of your data.": ("right.removed", "right.added"),
    "You can object to the use of your data.": ("right.removed", "right.added"),
    "We encrypt your personal data.": ("safeguard.removed", "safeguard.added"),
    "We never sell your personal data.": ("promise.dropped.gone", "promise.added.new"),
}
ELSEWHERE = "We are a shop for gnomes.\n\n{}\n\nOur gnomes are made of clay."


def rules(before: str, after: str) -> set[str]:
    return {finding.rule for finding in assess(before, after).findings}


@settings(deadline=None, max_examples=100)
@given(sentence=st.sampled_from(sorted(PERIODS)), shorter=DAYS, more=DAYS)
def test_a_period_that_is_worse_one_way_is_better_the_other_way(
    sentence: str, shorter: int, more: int
) -> None:
    """P2: what is adverse in one direction is favourable in the other."""
    first, second = (sentence.format(days) for days in (shorter, shorter + more))
    worse, better = PERIODS[sentence]
    if worse.endswith("shorter"):
        first, second = second, first
    assert (worse in rules(first, second), better in rules(first, second)) == (True, False)
    assert (worse in rules(second, first), better in rules(second, first)) == (False, True)


@pytest.mark.parametrize("sentence", LOST_AND_GIVEN)
def test_what_is_lost_one_way_is_given_the_other_way(sentence: str) -> None:
    """P2: a right, a safeguard, a promise."""
    without, with_it = ELSEWHERE.format(""), ELSEWHERE.format(sentence)
    removed, added = LOST_AND_GIVEN[sentence]
    assert removed in rules(with_it, without)
    assert added not in rules(with_it, without)
    assert added in rules(without, with_it)
    assert removed not in rules(without, with_it)


@settings(deadline=None, max_examples=60)
@given(old=WORDS, new=WORDS)
def test_what_came_one_way_went_the_other_way(old: str, new: str) -> None:
    """The changes of swapped texts are the same changes, seen from the other side."""
    there, back = assess(old, new), assess(new, old)
    assert there.verdict is not Verdict.IDENTICAL or back.verdict is Verdict.IDENTICAL
    assert Counter((c.before, c.after) for c in there.changes if not (c.before and c.after)) == (
        Counter((c.after, c.before) for c in back.changes if not (c.before and c.after))
    )


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
