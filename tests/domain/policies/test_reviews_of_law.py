"""One cites the law that requires a change, another agrees, and did not submit it (P5)."""

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
    release_refusal,
    review_refusal,
)

LENA, NOOR, OLGA = uuid4(), uuid4(), uuid4()
APPROVAL, NOTICE, EDITORIAL = VersionClass.APPROVAL, VersionClass.NOTICE, VersionClass.EDITORIAL


def finding(
    key: str = "F1",
    *,
    status: FindingStatus = FindingStatus.CONFIRMED,
    adverse: bool = True,
    in_step: bool = True,
    cited_by: UUID | None = None,
    agreed: bool = False,
    consent: bool = False,
) -> FindingUnderReview:
    return FindingUnderReview(
        key=key,
        status=status,
        material_adverse=adverse,
        in_step=in_step,
        takes_consent=consent,
        law_cited_by=cited_by,
        law_agreed=agreed,
    )


LAWFUL = finding(cited_by=NOOR, agreed=True)


def test_a_law_is_cited_only_where_the_version_makes_the_change() -> None:
    """P5: else it governed whoever declined the change before, without a notice of its own."""
    older = version(finding("F2", in_step=False))
    cited = ReviewRequest(review_id=uuid4(), reviewer_id=NOOR, law_cited=("F2",))
    assert "no change of this version" in str(review_refusal(older, cited))


def version(
    *findings: FindingUnderReview, version_class: VersionClass | None = None
) -> VersionUnderReview:
    """Lena submitted it."""
    return VersionUnderReview(
        state=VersionState.IN_REVIEW,
        submitted_by=LENA,
        version_class=version_class,
        findings=findings,
    )


def review(
    by: UUID,
    *,
    confirm: tuple[str, ...] = (),
    cite: tuple[str, ...] = (),
    agree: tuple[str, ...] = (),
    drop: tuple[str, ...] = (),
    version_class: VersionClass | None = None,
) -> ReviewRequest:
    return ReviewRequest(
        review_id=uuid4(),
        reviewer_id=by,
        confirm=confirm,
        version_class=version_class,
        law_cited=cite,
        law_agreed=agree,
        law_dropped=drop,
    )


@pytest.mark.parametrize("by", [LENA, NOOR])
def test_anybody_of_legal_cites_the_law(by: UUID) -> None:
    """P5: the submitter too, as it takes another one to agree; who confirms may do it at once."""
    assert review_refusal(version(finding()), review(by, cite=("F1",))) is None
    open_ = version(finding(status=FindingStatus.OPEN))
    assert review_refusal(open_, review(NOOR, confirm=("F1",), cite=("F1",))) is None


@pytest.mark.parametrize(
    ("there", "wanted", "words"),
    [
        (finding(), review(NOOR, agree=("F1",)), "Nobody has cited a law"),
        (finding(cited_by=NOOR), review(NOOR, agree=("F1",)), "a second person"),
        (finding(cited_by=NOOR), review(LENA, agree=("F1",)), "You submitted this version"),
        (LAWFUL, review(OLGA, agree=("F1",)), "agreed already"),
        (finding(), review(NOOR, drop=("F1",)), "No law is cited for F1"),
        (finding(), review(NOOR, cite=("F9",)), "no finding F9"),
        (finding(adverse=False), review(NOOR, cite=("F1",)), "material and adverse"),
        (
            finding(status=FindingStatus.DISMISSED),
            review(NOOR, cite=("F1",)),
            "not confirmed as material and adverse",
        ),
        (
            finding(cited_by=LENA),
            review(NOOR, cite=("F1",), agree=("F1",)),
            "in one review",
        ),
    ],
)
def test_what_cannot_be_said_of_a_law_is_refused_in_words(
    there: FindingUnderReview, wanted: ReviewRequest, words: str
) -> None:
    """P5: two people, of whom the second neither cited it nor submitted the version."""
    assert words in str(review_refusal(version(there), wanted))


def test_what_a_law_requires_is_told_to_everybody_and_asks_nobody() -> None:
    """P2, P5: in the review in which the second person agrees, and never below notice."""
    cited = version(finding(cited_by=LENA))
    assert lowest_class(cited) is APPROVAL
    agrees = review(NOOR, agree=("F1",), version_class=NOTICE)
    assert review_refusal(cited, agrees) is None
    assert "cannot be notice" in str(review_refusal(cited, review(NOOR, version_class=NOTICE)))
    lawful = version(LAWFUL, version_class=NOTICE)
    assert lowest_class(lawful) is NOTICE
    assert release_refusal(lawful, NOOR) is None
    assert "told to everybody" in str(review_refusal(lawful, review(NOOR, version_class=EDITORIAL)))
    assert "has to be notice" in str(
        release_refusal(replace(lawful, version_class=EDITORIAL), NOOR)
    )
    assert "nobody is asked" in str(release_refusal(replace(lawful, version_class=APPROVAL), NOOR))


def test_citing_and_giving_the_class_in_one_review_says_who_comes_first() -> None:
    """P5: the class follows from the agreement; where more is asked, that is what is said."""
    adverse = version(finding())
    at_once = review(NOOR, cite=("F1",), version_class=NOTICE)
    said = str(review_refusal(adverse, at_once))
    assert said.startswith("A second person has to agree first that a law requires F1")
    assert review_refusal(adverse, replace(at_once, version_class=None)) is None
    more = version(finding(), finding("F2"))
    assert "needs the account holders' approval" in str(review_refusal(more, at_once))


@pytest.mark.parametrize("what", ["cite", "drop"])
def test_without_the_second_person_it_waits_for_approval_again(what: str) -> None:
    """P5: another law, or none, takes another agreement."""
    lawful = version(LAWFUL, version_class=NOTICE)
    changed = review(OLGA, cite=("F1",)) if what == "cite" else review(OLGA, drop=("F1",))
    assert "cannot be notice" in str(review_refusal(lawful, changed))
    assert review_refusal(lawful, replace(changed, version_class=APPROVAL)) is None


@pytest.mark.parametrize(
    ("there", "words"),
    [
        (version(finding(cited_by=NOOR), version_class=APPROVAL), "no second person agreed yet"),
        (
            version(LAWFUL, finding("F2"), version_class=APPROVAL),
            "A law requires F1 and not F2, and nobody is governed by half a version",
        ),
        (
            version(finding(cited_by=NOOR, agreed=True, consent=True), version_class=NOTICE),
            "own consent",
        ),
    ],
)
def test_a_release_waits_until_the_law_is_clear(there: VersionUnderReview, words: str) -> None:
    """P5: half a law, half a version, and a law that people may refuse."""
    assert words in str(release_refusal(there, NOOR))


def test_more_that_only_older_texts_show_does_not_hold_what_the_law_requires() -> None:
    """P5: who is on such a text is asked, and all others are governed by law."""
    older = version(LAWFUL, finding("F2", in_step=False), version_class=NOTICE)
    assert release_refusal(older, NOOR) is None


ACTS = st.lists(
    st.tuples(
        st.sampled_from(["confirm", "cite", "agree", "drop", "class"]),
        st.sampled_from([NOTICE, APPROVAL]),
    ),
    max_size=10,
)


@given(st.sampled_from([LENA, NOOR]), ACTS)
def test_nobody_alone_can_release_what_binds_people_by_law(
    person: UUID, acts: list[tuple[str, VersionClass]]
) -> None:
    """P5: whatever one person says in whatever order, submitter or not."""
    there = version(finding(status=FindingStatus.OPEN))
    for act, wanted in acts:
        said: dict[str, object] = {} if act == "class" else {act: ("F1",)}
        asked = review(person, version_class=wanted, **said)  # type: ignore[arg-type]
        if review_refusal(there, asked) is None:
            (one,) = there.findings
            there = replace(
                there,
                version_class=wanted,
                findings=(
                    replace(
                        one,
                        status=FindingStatus.CONFIRMED if asked.confirm else one.status,
                        law_cited_by=person
                        if asked.law_cited
                        else None
                        if asked.law_dropped
                        else one.law_cited_by,
                        law_agreed=bool(asked.law_agreed),
                    ),
                ),
            )
    assert not there.findings[0].law_agreed
    if release_refusal(there, person) is None:
        assert there.version_class is APPROVAL
