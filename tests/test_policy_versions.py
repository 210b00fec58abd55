"""The sample policy tells a story: first promises, an adverse change, a correction."""

from pathlib import Path

import pytest

from domain.materiality import Assessment, Direction, Verdict, assess
from domain.texts.policy_text import PolicyText, read_policy_text

FOLDER = Path(__file__).parents[1] / "policy_versions" / "privacy-policy"


def version(number: int) -> PolicyText:
    return read_policy_text((FOLDER / f"{number}.md").read_bytes())


def between(old: int, new: int) -> Assessment:
    return assess(version(old).text, version(new).text)


def adverse(assessment: Assessment) -> set[tuple[str, str | None, str | None]]:
    return {
        (finding.rule, finding.before, finding.after)
        for finding in assessment.findings
        if finding.direction is Direction.ADVERSE
    }


@pytest.mark.parametrize("number", [1, 2, 3])
def test_the_front_matter_agrees_with_the_file(number: int) -> None:
    front_matter = version(number).front_matter
    assert front_matter["number"] == number
    assert set(front_matter) == {"title", "number", "summary"}


def test_the_second_version_has_material_adverse_changes() -> None:
    """P2: each is found, with the words of the policy."""
    assessment = between(1, 2)
    assert assessment.verdict is Verdict.MATERIAL_ADVERSE
    explanations = " ".join(finding.explanation for finding in assessment.findings)
    assert "Call recordings would be kept for one year instead of 30 days." in explanations
    assert "share data with advertisers" in explanations
    assert "deadlines.shorter" in {finding.rule for finding in assessment.findings}


def test_the_third_version_only_corrects_typing_errors() -> None:
    assessment = between(2, 3)
    assert (assessment.verdict, assessment.findings) == (Verdict.EDITORIAL, ())
    assert len(assessment.changes) >= 3


def test_who_skipped_the_second_version_meets_the_same_findings() -> None:
    """P6: decisions taken on 1 to 2 can be inherited by 1 to 3."""
    assert adverse(between(1, 3)) == adverse(between(1, 2))


@pytest.mark.parametrize(
    ("old", "new", "rule"),
    [
        ("thirty (30) days", "sixty (60) days", "deadlines.longer"),
        ("## Children", "We may sell your data to others.\n\n## Children", "sharing.sale.new"),
        ("guarded by locks, by technical measures and by", "guarded by", "safeguard.removed"),
        ("need to know", "nice to know", "safeguard.removed"),
        ("opt out", "hear", "opt_out.removed"),
        (", and ask for your approval before", " before", None),
        ("to restrict the processing", "to think again", "right.removed"),
        ("30 days in advance", "on the same day", "notice.period_removed"),
        ("we will delete it", "we may keep it", None),
    ],
)
def test_breaking_a_promise_of_the_first_version_is_seen(
    old: str, new: str, rule: str | None
) -> None:
    text = version(1).text
    assert text.count(old) == 1
    assessment = assess(text, text.replace(old, new))
    assert assessment.material_adverse or assessment.needs_review
    if rule:
        assert rule in {finding.rule for finding in assessment.findings}
