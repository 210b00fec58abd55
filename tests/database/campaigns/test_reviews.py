"""What legal decided is kept, inherited by the same finding, and decides what is clean (P2, P6)."""

from datetime import UTC

import pytest
from sqlmodel import select

from database.campaigns import reviews
from database.campaigns.reviews import ReviewContent, ReviewRefused
from database.policies import assessments
from database.policies.decisions import decided_before
from database.tables import Assessment, Finding, FindingDecision, PolicyVersion, Review
from domain.policies.reviews import DecidedBefore, FindingStatus, VersionClass
from tests.people import LANGUAGES
from tests.rehearsed import rehearse
from tests.scene import FIRST_DAY, NOW, Scene
from tests.texts import FIRST, SECOND, THIRD

APPROVAL = VersionClass.APPROVAL
UNSEEN = "We greet every visitor with a song."
WITH_A_SONG = FIRST + f"\n{UNSEEN}\n"
WITH_A_SONG_CORRECTED = WITH_A_SONG.replace("disadvantge", "disadvantage")


def findings(scene: Scene, version: PolicyVersion) -> list[Finding]:
    with scene.database.session() as session:
        return list(assessments.findings_of(session, version.id))


def keys(scene: Scene, version: PolicyVersion) -> tuple[str, ...]:
    return tuple(f.key for f in findings(scene, version) if f.status == FindingStatus.OPEN)


def status(scene: Scene, version: PolicyVersion, key: str) -> str:
    return next(f.status for f in findings(scene, version) if f.key == key)


def before(scene: Scene, version: PolicyVersion) -> dict[str, DecidedBefore]:
    with scene.database.session() as session:
        said = {f.key: decided_before(session, f) for f in findings(scene, version)}
        return {key: decision for key, decision in said.items() if decision}


def clean(scene: Scene, base: PolicyVersion, version: PolicyVersion) -> bool:
    with scene.database.session() as session:
        return assessments.is_clean(
            session,
            session.get_one(PolicyVersion, base.id),
            session.get_one(PolicyVersion, version.id),
        )


def dismiss_all(scene: Scene, version: PolicyVersion) -> None:
    """Noor and Omar agree that nothing of what the engine asks about is to anybody's harm."""
    content = ReviewContent(dismiss=keys(scene, version))
    for by in ("noor", "omar"):
        scene.review(version, content, by=by)


@pytest.fixture
def first(scene: Scene) -> PolicyVersion:
    version = scene.submit(FIRST, now=FIRST_DAY)
    scene.put_in_force(version, FIRST_DAY)
    return version


@pytest.fixture
def second(scene: Scene, first: PolicyVersion) -> PolicyVersion:
    version = scene.submit(SECOND)
    scene.assess(first, version=version)
    return version


def test_a_pair_is_clean_only_once_it_is_assessed_and_decided(
    scene: Scene, first: PolicyVersion, second: PolicyVersion
) -> None:
    """P5: what nobody looked at, or has still to decide, takes nobody's approval away."""
    assert clean(scene, second, second)
    assert not clean(scene, second, first)
    assert not clean(scene, first, second)
    dismiss_all(scene, second)
    assert clean(scene, first, second)


def test_a_confirmed_adverse_change_is_not_clean(
    scene: Scene, first: PolicyVersion, second: PolicyVersion
) -> None:
    """P5."""
    scene.confirm_all(second, APPROVAL)
    assert not clean(scene, first, second)


def test_assessing_again_changes_nothing(
    scene: Scene, first: PolicyVersion, second: PolicyVersion
) -> None:
    before = [finding.id for finding in findings(scene, second)]
    scene.assess(first, version=second)
    assert [finding.id for finding in findings(scene, second)] == before
    with scene.database.session() as session:
        assert len(session.exec(select(Assessment)).all()) == 1


def test_the_same_rule_and_quotes_inherit_the_decision(
    scene: Scene, first: PolicyVersion, second: PolicyVersion
) -> None:
    """P6: version 3 corrects version 2; nothing is put to legal twice."""
    scene.confirm_all(second, APPROVAL)
    scene.put_in_force(second, NOW)
    third = scene.submit(THIRD)
    scene.assess(second, first, version=third)
    assert keys(scene, third) == ()
    inherited = [f for f in findings(scene, third) if f.status == FindingStatus.CONFIRMED]
    assert inherited
    with scene.database.session() as session:
        for finding in inherited:
            decision = session.exec(
                select(FindingDecision).where(FindingDecision.finding_id == finding.id)
            ).one()
            assert decision.review_id is None
            assert decision.decided_by == scene.staff["noor"]
            origin = session.get_one(Finding, decision.inherited_from)
            assert (origin.rule, origin.before, origin.after) == (
                finding.rule,
                finding.before,
                finding.after,
            )
    assert clean(scene, second, third)
    assert not clean(scene, first, third)


def test_who_decided_before_and_why_comes_along(scene: Scene, first: PolicyVersion) -> None:
    """P2, P6: from draft to draft, and always from whoever read it, not from whoever inherited."""
    rejected = scene.submit(SECOND)
    scene.assess(first, version=rejected)
    wrong, *right = keys(scene, rejected)
    scene.review(rejected, ReviewContent(dismiss=(wrong,)), reason="covered elsewhere")
    scene.review(rejected, ReviewContent(dismiss=(wrong,)), by="omar", reason="agreed")
    scene.review(rejected, ReviewContent(confirm=tuple(right)), by="omar", reason="worse")
    again = rejected
    for song in ("We greet you.", "We greet you again."):
        with scene.database.transaction() as transaction:
            transaction.get_one(PolicyVersion, again.id).state = "rejected"
        again = scene.submit(f"{SECOND}\n{song}\n")
        scene.assess(first, version=again)
    told = before(scene, again)
    assert [told[key].words(UTC) for key in (wrong, right[0])] == [
        (
            "Dismissed before, in version 2, by Noor Nasser and Omar Okafor on 2 March 2026: "
            "covered elsewhere; agreed"
        ),
        "Confirmed before, in version 2, by Omar Okafor on 2 March 2026: worse",
    ]


def test_what_is_inherited_may_be_decided_anew(
    scene: Scene, first: PolicyVersion, second: PolicyVersion
) -> None:
    """P2: a dismissal is undone by one, a confirmation by two; the next version inherits that."""
    wrong, right, *_ = keys(scene, second)
    dismiss_all(scene, second)
    scene.review(second, ReviewContent(confirm=(right,)))
    with scene.database.transaction() as transaction:
        transaction.get_one(PolicyVersion, second.id).state = "rejected"
    third = scene.submit(f"{SECOND}\nWe greet you.\n")
    scene.assess(first, version=third)
    scene.review(third, ReviewContent(confirm=(wrong,), dismiss=(right,)))
    assert status(scene, third, right) == FindingStatus.DISMISSAL_PROPOSED
    with pytest.raises(ReviewRefused, match="second person"):
        scene.review(third, ReviewContent(dismiss=(right,)))
    scene.review(third, ReviewContent(dismiss=(right,)), by="omar")
    with pytest.raises(ReviewRefused, match=f"{right} is dismissed already"):
        scene.review(third, ReviewContent(dismiss=(right,)))
    with scene.database.transaction() as transaction:
        transaction.get_one(PolicyVersion, third.id).state = "rejected"
    fourth = scene.submit(f"{SECOND}\nWe greet you again.\n")
    scene.assess(first, version=fourth)
    assert status(scene, fourth, wrong) == FindingStatus.CONFIRMED
    assert status(scene, fourth, right) == FindingStatus.DISMISSED
    assert {said.number for said in before(scene, fourth).values() if said.number != 2} == {3}


def test_another_explanation_of_the_same_words_is_put_to_legal(scene: Scene) -> None:
    """P2: a link that was followed and found harmless says nothing of another one."""
    link = FIRST + "\nOur partners are listed [here](https://one.example/partners).\n"
    first = scene.submit(link, now=FIRST_DAY)
    scene.put_in_force(first, FIRST_DAY)
    elsewhere = scene.submit(link.replace("one.example", "two.example"))
    scene.assess(first, version=elsewhere)
    dismiss_all(scene, elsewhere)
    with scene.database.transaction() as transaction:
        transaction.get_one(PolicyVersion, elsewhere.id).state = "rejected"
    third = scene.submit(link.replace("one.example", "three.example"))
    scene.assess(first, version=third)
    (asked,) = keys(scene, third)
    (seen,) = findings(scene, elsewhere)
    (now,) = [finding for finding in findings(scene, third) if finding.key == asked]
    assert (now.rule, now.before, now.after) == (seen.rule, seen.before, seen.after)


def test_other_words_are_put_to_legal_anew(
    scene: Scene, first: PolicyVersion, second: PolicyVersion
) -> None:
    """P6: only the same quotes inherit."""
    scene.confirm_all(second, APPROVAL)
    scene.put_in_force(second, NOW)
    third = scene.submit(SECOND.replace("one year", "ten years"))
    scene.assess(second, first, version=third)
    longer = [f for f in findings(scene, third) if "ten years" in (f.after or "")]
    assert {f.status for f in longer} == {FindingStatus.OPEN}
    assert not clean(scene, second, third)


def test_what_legal_added_is_not_forgotten_by_the_next_version(
    scene: Scene, first: PolicyVersion
) -> None:
    """P5, P6: the engine missed it; a typing correction must not bring it to the silent."""
    second = scene.submit(WITH_A_SONG)
    scene.assess(first, version=second)
    dismiss_all(scene, second)
    assert clean(scene, first, second)
    scene.review(second, ReviewContent(add=(UNSEEN,), version_class=APPROVAL))
    assert not clean(scene, first, second)
    scene.put_in_force(second, NOW)
    third = scene.submit(WITH_A_SONG_CORRECTED)
    scene.assess(second, first, version=third)
    dismiss_all(scene, third)
    assert clean(scene, second, third)
    assert not clean(scene, first, third)


def test_what_legal_added_ends_with_the_words_it_quotes(scene: Scene, first: PolicyVersion) -> None:
    """P6: a version that takes it back frees everybody."""
    second = scene.submit(WITH_A_SONG)
    scene.assess(first, version=second)
    scene.review(second, ReviewContent(add=(UNSEEN,), version_class=APPROVAL))
    scene.put_in_force(second, NOW)
    third = scene.submit(FIRST.replace("disadvantge", "disadvantage"))
    scene.assess(second, first, version=third)
    dismiss_all(scene, third)
    assert clean(scene, first, third)
    assert clean(scene, second, third)


def test_a_dismissal_needs_two_and_keeps_both_reasons(scene: Scene, second: PolicyVersion) -> None:
    """P2: kept for good."""
    key = keys(scene, second)[0]
    scene.review(second, ReviewContent(dismiss=(key,)))
    with pytest.raises(ReviewRefused, match="second person"):
        scene.review(second, ReviewContent(dismiss=(key,)))
    scene.review(second, ReviewContent(dismiss=(key,)), by="omar")
    assert findings(scene, second)[int(key[1:]) - 1].status == FindingStatus.DISMISSED
    with scene.database.session() as session:
        assert [row.reason for row in session.exec(select(Review)).all()] == ["read it twice"] * 2


def test_a_refused_review_changes_nothing(scene: Scene, second: PolicyVersion) -> None:
    """P2."""
    before = [(f.key, f.status) for f in findings(scene, second)]
    wrong = ReviewContent(confirm=keys(scene, second), version_class=VersionClass.EDITORIAL)
    with pytest.raises(ReviewRefused, match="cannot be editorial"):
        scene.review(second, wrong)
    assert [(f.key, f.status) for f in findings(scene, second)] == before


@pytest.mark.parametrize("quote", ["", "  \n ", "We sell your data to the moon."])
def test_words_that_are_not_in_the_text_cannot_be_added(
    scene: Scene, second: PolicyVersion, quote: str
) -> None:
    """P2."""
    with pytest.raises(ReviewRefused, match="not in version 2"):
        scene.review(second, ReviewContent(add=(quote,)))


def test_confirming_after_the_class_was_given_raises_it(
    scene: Scene, second: PolicyVersion
) -> None:
    """P2: the machine only raises the class; here it is asked to lower and does not."""
    scene.confirm_all(second, APPROVAL)
    with pytest.raises(ReviewRefused, match="cannot be notice"):
        scene.review(second, ReviewContent(version_class=VersionClass.NOTICE))
    with scene.database.session() as session:
        assert session.get_one(PolicyVersion, second.id).version_class == APPROVAL


def test_a_release_is_refused_to_the_submitter_and_recorded_once(
    scene: Scene, second: PolicyVersion
) -> None:
    """P2."""
    scene.confirm_all(second, APPROVAL)
    with scene.database.transaction() as transaction:
        version = transaction.get_one(PolicyVersion, second.id)
        with pytest.raises(ReviewRefused, match="One person alone"):
            reviews.release(transaction, version, scene.staff["lena"], NOW, languages=LANGUAGES)
        rehearse(transaction, version, scene.staff["lena"], NOW)
        reviews.release(transaction, version, scene.staff["noor"], NOW, languages=LANGUAGES)
        reviews.release(transaction, version, scene.staff["omar"], NOW, languages=LANGUAGES)
        assert version.released_by == scene.staff["noor"]
