"""What legal added to a version holds for later ones, until it is really taken back (P2, P6)."""

import pytest

from database.campaigns.reviews import ReviewContent, ReviewRefused
from database.policies import assessments
from database.tables import Finding, PolicyVersion
from domain.policies.reviews import BY_LEGAL, FindingStatus, VersionClass
from tests.deciding import DECLINED
from tests.people import ALICE, BOB
from tests.scene import FIRST_DAY, NOW, ONE_HOUR, Scene

APPROVAL = VersionClass.APPROVAL
CONFIRMED, DISMISSED, OPEN = (
    FindingStatus.CONFIRMED,
    FindingStatus.DISMISSED,
    FindingStatus.OPEN,
)
NEVER_LEAVES = "This data never leaves the house."
ONLY_IF_ASKED = "Nobody listens to it unless you asked for help."
AT_HOME = f"""# Lily

## Voice

Lily records what you say to her for a disadvantge of one day.

{NEVER_LEAVES}

{ONLY_IF_ASKED}

## Billing

We keep your name and your address for the bill.
"""
ON_THE_BILL = AT_HOME.replace(f"{NEVER_LEAVES}\n\n", "") + f"\n{NEVER_LEAVES}\n"
WITHOUT_ASKING = AT_HOME.replace(f"{ONLY_IF_ASKED}\n\n", "")


def by_legal(scene: Scene, base: PolicyVersion, version: PolicyVersion) -> list[Finding]:
    with scene.database.session() as session:
        found = assessments.findings_between(session, base.id, version.id)
        return [finding for finding in found if finding.rule == BY_LEGAL]


def statuses(scene: Scene, base: PolicyVersion, version: PolicyVersion) -> list[str]:
    return [finding.status for finding in by_legal(scene, base, version)]


def clean(scene: Scene, base: PolicyVersion, version: PolicyVersion) -> bool:
    with scene.database.session() as session:
        pair = [session.get_one(PolicyVersion, each.id) for each in (base, version)]
        return assessments.is_clean(session, *pair)


def dismiss_what_the_engine_found(scene: Scene, version: PolicyVersion) -> None:
    with scene.database.session() as session:
        found = assessments.findings_of(session, version.id)
        keys = tuple(each.key for each in found if each.status == OPEN and each.rule != BY_LEGAL)
    if keys:
        for by in ("noor", "omar"):
            scene.review(version, ReviewContent(dismiss=keys), by=by)


def next_version(scene: Scene, text: str, *bases: PolicyVersion) -> PolicyVersion:
    """Hand a text in, compare it, and let legal dismiss what the engine asks about."""
    version = scene.submit(text)
    scene.assess(*bases, version=version)
    dismiss_what_the_engine_found(scene, version)
    return version


def with_a_finding(scene: Scene, text: str, quote: str, first: PolicyVersion) -> PolicyVersion:
    """A version in force to which legal added words."""
    second = next_version(scene, text, first)
    scene.review(second, ReviewContent(add=(quote,), version_class=APPROVAL))
    scene.put_in_force(second, NOW)
    return second


@pytest.fixture
def first(scene: Scene) -> PolicyVersion:
    first = scene.submit(AT_HOME, now=FIRST_DAY)
    scene.put_in_force(first, FIRST_DAY)
    return first


@pytest.fixture
def second(scene: Scene, first: PolicyVersion) -> PolicyVersion:
    """What was promised of the voice is promised of the bill; only legal saw what that means."""
    return with_a_finding(scene, ON_THE_BILL, NEVER_LEAVES, first)


def test_a_typing_correction_keeps_what_legal_added_of_words_that_only_moved(
    scene: Scene, first: PolicyVersion, second: PolicyVersion
) -> None:
    """P5, P6: the words stand in the old text too; still, nobody who declined is moved."""
    third = next_version(scene, ON_THE_BILL.replace("disadvantge", "time"), second, first)
    assert statuses(scene, first, third) == [CONFIRMED]
    assert not clean(scene, first, third)
    assert clean(scene, second, third)


def test_who_declined_is_not_moved_by_a_typing_correction(
    scene: Scene, first: PolicyVersion
) -> None:
    """P5, P6: nor is who said nothing, once the correction is in force."""
    scene.import_accounts(ALICE, BOB, now=FIRST_DAY + ONE_HOUR)
    second = with_a_finding(scene, ON_THE_BILL, NEVER_LEAVES, first)
    scene.decide(ALICE, DECLINED, at=NOW + ONE_HOUR)
    third = next_version(scene, ON_THE_BILL.replace("disadvantge", "time"), second, first)
    scene.put_in_force(third, NOW + 2 * ONE_HOUR)
    assert [scene.governs(who, NOW + 3 * ONE_HOUR).number for who in (ALICE, BOB)] == [1, 1]


def test_a_typing_correction_inside_the_quoted_words_keeps_the_decision(
    scene: Scene, first: PolicyVersion
) -> None:
    """P2: what people were told of it comes along too."""
    quote = "We lend recordngs to the neighbours."
    second = with_a_finding(scene, f"{AT_HOME}\n{quote}\n", quote, first)
    mended = quote.replace("recordngs", "recordings")
    third = next_version(scene, f"{AT_HOME}\n{mended}\n", second, first)
    assert [each.after for each in by_legal(scene, first, third)] == [mended]
    assert statuses(scene, first, third) == [CONFIRMED]
    assert clean(scene, second, third)
    fourth = next_version(scene, f"{AT_HOME}\n{mended}\n\nGoodbye.\n", third, second, first)
    assert statuses(scene, first, fourth) == [CONFIRMED]
    assert clean(scene, second, fourth)
    assert clean(scene, third, fourth)


def test_what_went_back_to_what_people_had_frees_them(
    scene: Scene, first: PolicyVersion, second: PolicyVersion
) -> None:
    """P6: the words are where they were; another change does not matter."""
    third = next_version(scene, AT_HOME.replace("disadvantge", "time"), second, first)
    assert by_legal(scene, first, third) == []
    assert clean(scene, first, third)
    assert clean(scene, second, third)
    fourth = next_version(scene, ON_THE_BILL.replace("disadvantge", "time"), third, second, first)
    assert statuses(scene, third, fourth) == [CONFIRMED], "and taken away again"
    assert clean(scene, second, fourth)


def test_what_is_said_in_other_words_is_put_to_legal_again(
    scene: Scene, first: PolicyVersion, second: PolicyVersion
) -> None:
    """P2: never dropped in silence, and never confirmed without being read."""
    reworded = "This data leaves the house for no reeson at all."
    other = ON_THE_BILL.replace(NEVER_LEAVES, reworded)
    third = next_version(scene, other, second, first)
    (again,) = by_legal(scene, first, third)
    assert (again.status, again.after) == (OPEN, reworded)
    assert NEVER_LEAVES in again.explanation
    assert not clean(scene, first, third)
    for by in ("noor", "omar"):
        scene.review(third, ReviewContent(dismiss=(again.key,)), by=by)
    fourth = next_version(scene, other.replace("disadvantge", "time"), third, second, first)
    assert statuses(scene, first, fourth) == [DISMISSED], "the same words ask nothing again"
    assert by_legal(scene, third, fourth) == []
    mended = other.replace("reeson", "reason")
    fifth = next_version(scene, mended, third, second, first)
    assert by_legal(scene, third, fifth) == [], "a typing error is no new question"
    assert statuses(scene, first, fifth) == [DISMISSED]


def test_a_clause_that_gave_way_to_another_is_put_to_legal_again(
    scene: Scene, first: PolicyVersion, second: PolicyVersion
) -> None:
    """P2."""
    other = ON_THE_BILL.replace(NEVER_LEAVES, "A neighbour may look after it while we travel.")
    third = next_version(scene, other, second, first)
    assert statuses(scene, first, third) == [OPEN]


def test_legal_can_quote_words_that_were_removed(scene: Scene, first: PolicyVersion) -> None:
    """P2: the loss counts for whoever had them, until they are back."""
    second = with_a_finding(scene, WITHOUT_ASKING, ONLY_IF_ASKED, first)
    (lost,) = by_legal(scene, first, second)
    assert (lost.before, lost.after, lost.status) == (ONLY_IF_ASKED, None, CONFIRMED)
    third = next_version(scene, WITHOUT_ASKING.replace("disadvantge", "time"), second, first)
    assert statuses(scene, first, third) == [CONFIRMED]
    assert clean(scene, second, third)
    back = next_version(scene, AT_HOME.replace("disadvantge", "time"), second, first)
    assert by_legal(scene, first, back) == []
    assert clean(scene, first, back)
    almost = AT_HOME.replace(ONLY_IF_ASKED, "Nobody listens to it unless we ask for your help.")
    fourth = next_version(scene, almost, second, first)
    assert statuses(scene, first, fourth) == [OPEN], "are these the words that were lost?"


def test_a_loss_counts_for_nobody_who_never_had_the_words(
    scene: Scene, first: PolicyVersion
) -> None:
    """P6."""
    second = next_version(scene, AT_HOME + "\nWe sing for nobody else.\n", first)
    scene.put_in_force(second, NOW)
    third = next_version(scene, AT_HOME + "\nWe pay in gold.\n", second, first)
    scene.review(third, ReviewContent(add=("We sing for nobody else.",)))
    assert statuses(scene, second, third) == [CONFIRMED]
    assert by_legal(scene, first, third) == []


def test_what_legal_added_counts_for_a_text_that_comes_into_use_later(
    scene: Scene, first: PolicyVersion
) -> None:
    """P6: an import brings people of an old text, after the review."""
    second = next_version(scene, AT_HOME + "\nWe sing.\n", first)
    scene.put_in_force(second, NOW)
    third = next_version(scene, ON_THE_BILL + "\nWe sing.\n", second)
    scene.review(third, ReviewContent(add=(NEVER_LEAVES,), version_class=APPROVAL))
    scene.assess(first, version=third)
    assert statuses(scene, first, third) == [CONFIRMED]


def test_words_of_no_text_cannot_be_added(scene: Scene, first: PolicyVersion) -> None:
    """P2."""
    second = next_version(scene, ON_THE_BILL, first)
    with pytest.raises(ReviewRefused, match="nor in a text that it was compared with"):
        scene.review(second, ReviewContent(add=("We sell it to the moon.",)))
