"""Lena submits, Noor and Olga review: who may confirm, dismiss, classify and release (P2)."""

from dataclasses import replace
from uuid import UUID, uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.policies.reviews import (
    FindingStatus,
    FindingUnderReview,
    ReviewRequest,
    VersionClass,
    VersionState,
    VersionUnderReview,
    lowest_class,
    needs_legal,
    release_refusal,
    review_refusal,
)

LENA, NOOR, OLGA = uuid4(), uuid4(), uuid4()
OPEN, CONFIRMED = FindingStatus.OPEN, FindingStatus.CONFIRMED
PROPOSED, DISMISSED = FindingStatus.DISMISSAL_PROPOSED, FindingStatus.DISMISSED
APPROVAL, EDITORIAL = VersionClass.APPROVAL, VersionClass.EDITORIAL


def finding(
    key: str = "F1",
    status: FindingStatus = OPEN,
    *,
    adverse: bool = True,
    in_step: bool = True,
    proposed_by: UUID | None = None,
) -> FindingUnderReview:
    return FindingUnderReview(
        key=key,
        status=status,
        material_adverse=adverse,
        in_step=in_step,
        dismissal_proposed_by=proposed_by,
    )


def version(
    *findings: FindingUnderReview,
    version_class: VersionClass | None = None,
    state: VersionState = VersionState.IN_REVIEW,
) -> VersionUnderReview:
    return VersionUnderReview(
        state=state, submitted_by=LENA, version_class=version_class, findings=findings
    )


def review(
    by: UUID,
    *,
    confirm: tuple[str, ...] = (),
    dismiss: tuple[str, ...] = (),
    additions: int = 0,
    version_class: VersionClass | None = None,
) -> ReviewRequest:
    return ReviewRequest(
        review_id=uuid4(),
        reviewer_id=by,
        confirm=confirm,
        dismiss=dismiss,
        additions=additions,
        version_class=version_class,
    )


@pytest.mark.parametrize(
    "wanted",
    [
        review(LENA, confirm=("F1",)),
        review(LENA, additions=1),
        review(LENA, version_class=APPROVAL),
    ],
    ids=["confirms", "adds", "gives the class"],
)
def test_who_submitted_neither_judges_nor_classifies(wanted: ReviewRequest) -> None:
    """P2."""
    assert "other than the person who submitted" in str(review_refusal(version(finding()), wanted))
    assert review_refusal(version(finding()), replace(wanted, reviewer_id=NOOR)) is None


def test_a_dismissal_takes_two() -> None:
    """P2: who proposed it cannot agree to it."""
    assert review_refusal(version(finding()), review(NOOR, dismiss=("F1",))) is None
    waiting = version(finding(status=PROPOSED, proposed_by=NOOR))
    assert "second person" in str(review_refusal(waiting, review(NOOR, dismiss=("F1",))))
    assert review_refusal(waiting, review(OLGA, dismiss=("F1",))) is None
    assert "Not decided yet: F1" in str(release_refusal(waiting, OLGA))


@pytest.mark.parametrize(
    ("wanted", "words"),
    [
        (review(NOOR, confirm=("F9",)), "no finding F9; there are F1"),
        (review(NOOR, confirm=("F1",), dismiss=("F1",)), "confirmed and dismissed"),
        (review(NOOR, confirm=("F1",), version_class=EDITORIAL), "cannot be editorial"),
        (review(NOOR, additions=1, version_class=VersionClass.NOTICE), "cannot be notice"),
    ],
)
def test_what_cannot_stand_is_refused_in_words(wanted: ReviewRequest, words: str) -> None:
    """P2."""
    assert words in str(review_refusal(version(finding()), wanted))


@pytest.mark.parametrize("state", [s for s in VersionState if s is not VersionState.IN_REVIEW])
def test_only_a_version_in_review_is_reviewed_and_released(state: VersionState) -> None:
    """P2."""
    there = version(finding(), state=state)
    assert "only one in review" in str(review_refusal(there, review(NOOR, confirm=("F1",))))
    assert "only one in review" in str(release_refusal(there, NOOR))


def test_a_confirmed_adverse_change_asks_for_approval() -> None:
    """P2: the class cannot be lowered below it, by anybody."""
    confirmed = version(finding(status=CONFIRMED), version_class=EDITORIAL)
    assert lowest_class(confirmed) is APPROVAL
    lower = review(OLGA, version_class=VersionClass.NOTICE)
    assert "needs the account holders' approval" in str(review_refusal(confirmed, lower))
    assert "has to be approval" in str(release_refusal(confirmed, NOOR))


def test_a_change_that_only_older_texts_show_does_not_raise_the_class() -> None:
    """P6: version 3 is clean from version 2, and adverse only for those still on version 1."""
    older = version(finding(status=CONFIRMED, in_step=False), version_class=EDITORIAL)
    assert lowest_class(older) is EDITORIAL
    assert release_refusal(older, NOOR) is None


@pytest.mark.parametrize(
    ("there", "by", "words"),
    [
        (version(version_class=EDITORIAL), LENA, "One person alone"),
        (version(finding(), version_class=APPROVAL), NOOR, "Not decided yet: F1"),
        (version(finding(status=DISMISSED)), NOOR, "Nobody has given this version its class"),
        (version(version_class=APPROVAL), NOOR, "what to approve"),
    ],
)
def test_a_release_waits_for_what_is_missing(
    there: VersionUnderReview, by: UUID, words: str
) -> None:
    """P2."""
    assert words in str(release_refusal(there, by))


def test_every_adverse_or_unclear_finding_goes_to_legal() -> None:
    assert [needs_legal(d) for d in ("adverse", "unclear", "favourable", "neutral")] == [
        True,
        True,
        False,
        False,
    ]


REVIEWS_OF_ONE = st.lists(
    st.builds(
        lambda confirm, dismiss, additions, version_class: {
            "confirm": confirm,
            "dismiss": dismiss,
            "additions": additions,
            "version_class": version_class,
        },
        st.sampled_from([(), ("F1",), ("F2",), ("F1", "F2")]),
        st.sampled_from([(), ("F1",), ("F2",), ("F1", "F2")]),
        st.integers(0, 1),
        st.sampled_from([None, *VersionClass]),
    ),
    max_size=8,
)


def after(there: VersionUnderReview, act: ReviewRequest) -> VersionUnderReview:
    """The version once a review took effect, as the rules of the house have it."""

    def judged(one: FindingUnderReview) -> FindingUnderReview:
        if one.key in act.confirm:
            return replace(one, status=CONFIRMED, dismissal_proposed_by=None)
        if one.key in act.dismiss and one.status is PROPOSED:
            return replace(one, status=DISMISSED)
        if one.key in act.dismiss:
            return replace(one, status=PROPOSED, dismissal_proposed_by=act.reviewer_id)
        return one

    judged_ones = tuple(judged(one) for one in there.findings)
    added = tuple(
        finding(f"F{len(judged_ones) + number}", CONFIRMED)
        for number in range(1, act.additions + 1)
    )
    return replace(
        there,
        findings=(*judged_ones, *added),
        version_class=act.version_class or there.version_class,
    )


@given(st.sampled_from([LENA, NOOR]), REVIEWS_OF_ONE)
def test_nobody_alone_can_release_an_adverse_change_below_approval(
    person: UUID, acts: list[dict[str, object]]
) -> None:
    """P2: whoever acts alone, submitter or not, the change is approved or it stays in the house."""
    there = version(finding("F1"), finding("F2", adverse=False))
    for act in acts:
        wanted = review(person, **act)  # type: ignore[arg-type]  # drawn as review() takes them
        if review_refusal(there, wanted) is None:
            there = after(there, wanted)
    assert there.findings[0].status is not DISMISSED
    if release_refusal(there, person) is None:
        assert person != LENA
        assert there.version_class is APPROVAL


@given(st.lists(st.tuples(st.sampled_from([LENA, NOOR, OLGA]), REVIEWS_OF_ONE), max_size=4))
def test_what_is_released_has_the_class_its_confirmed_changes_ask_for(
    turns: list[tuple[UUID, list[dict[str, object]]]],
) -> None:
    """P2: confirmed and adverse means approval, whoever reviewed in whatever order."""
    there = version(finding("F1"), finding("F2"))
    for person, acts in turns:
        for act in acts:
            wanted = review(person, **act)  # type: ignore[arg-type]  # drawn as review() takes them
            if review_refusal(there, wanted) is None:
                there = after(there, wanted)
    if release_refusal(there, OLGA) is None and lowest_class(there) is APPROVAL:
        assert there.version_class is APPROVAL
