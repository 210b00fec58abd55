"""Dates, links, names and pointers change all the time, and harm nobody."""

import pytest

from domain.materiality import Verdict, assess


def cleared(old: str, new: str) -> tuple[Verdict, set[str | None]]:
    before, after = (f"We tend roses.\n\n{text}\n" for text in (old, new))
    assessment = assess(before, after)
    assert not assessment.findings
    return assessment.verdict, {change.cleared_as for change in assessment.changes}


@pytest.mark.parametrize(
    ("old", "new", "reason"),
    [
        ("This is of 3 May 2025.", "This is of 14 June 2026.", "date of the document"),
        ("This is of 2025-05-03.", "This is updated of 2026-06-14.", "date of the document"),
        ("Write to rose@example.com.", "Write to garden@example.com.", "link or address"),
        ("It is on https://a.example/x.", "It is on https://a.example/y.", "link or address"),
        ("Office: Rosa Thorn, Kent.", "Office: Iris Bloom, Kent.", "contact details"),
        ("Our office is at 12 Mill Lane.", "Our office is at 7 Mill Lane.", "contact details"),
    ],
)
def test_what_only_a_date_a_link_or_a_name_changed_is_cleared(
    old: str, new: str, reason: str
) -> None:
    """Another address is something else than before, though nobody's loss: no editorial change."""
    dated = reason == "date of the document"
    assert cleared(old, new) == (Verdict.EDITORIAL if dated else Verdict.NEUTRAL, {reason})


def test_a_sentence_that_only_points_elsewhere_may_come_and_go() -> None:
    assert cleared("", "For more information please see our roses.") == (
        Verdict.EDITORIAL,
        {"pointer"},
    )


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("Rosa Ltd is the controller of your data.", "Iris Ltd is the controller of your data."),
        ("We keep your data for 3 days.", "We keep your data for 9 days."),
        ("Children under 16 need a parent.", "Children under 13 need a parent."),
        ("We share your data with Rosa.", "We share your data with Advertisers."),
        ("Your data lies on servers in Germany.", "Your data lies on servers in China."),
        ("We share your orders with Rosa Couriers.", "We share your orders with Mixpanel."),
        ("Iris Ltd keeps your information.", "Zyx Ltd keeps your information."),
        ("Please see our gallery.", "We sell your data; please see our gallery."),
    ],
)
def test_what_only_looks_like_a_name_or_a_figure_is_not_cleared(old: str, new: str) -> None:
    assessment = assess(f"We tend roses.\n\n{old}\n", f"We tend roses.\n\n{new}\n")
    assert assessment.material_adverse or assessment.needs_review
