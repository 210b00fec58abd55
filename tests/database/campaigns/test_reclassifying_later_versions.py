"""A version that is mended after a later one was handed in or released: what that takes over, and
whom its correction reaches (P2, P5, P8)."""

from datetime import datetime
from uuid import UUID
from zoneinfo import ZoneInfo

import pytest
from sqlmodel import select

from database.campaigns import controls, freezing, not_reached, reclassifying
from database.campaigns.controls import ControlRefused
from database.campaigns.corrections import Right, RightWords
from database.campaigns.progress import progress_of
from database.campaigns.reclassifying import Mistake
from database.mail.mail_rows import Batch
from database.mail.outbox import claim
from database.mail.outcomes import accept
from database.mail.steps import FIRST_NOTICE
from database.people.accounts import AccountRow
from database.policies import decisions
from database.policies.assessments import findings_between, findings_of
from database.policies.decisions import identity
from database.policies.wording import Words
from database.tables import Campaign, CampaignAddressee, OutboxMail, PolicyVersion, Review
from domain.policies.reviews import Decisions, FindingStatus, VersionClass
from tests import correcting
from tests.deciding import APPROVED
from tests.people import ALICE, BOB, LANGUAGES
from tests.reclassifying import (
    A_DAY,
    FOUND,
    JUST_BEFORE,
    QUOTE,
    adverse,
    confirm,
    propose,
    second,
    wrongly_editorial,
)
from tests.scene import EFFECT, FIRST_DAY, NOW, Scene
from tests.texts import FIRST, SECOND, THIRD

HANNA = AccountRow(external_id="hanna", email="hanna@people.example", locale="de-AT")


ZONE = ZoneInfo("Europe/Berlin")


@pytest.fixture
def wrong(scene: Scene) -> PolicyVersion:
    return wrongly_editorial(scene)


def dismissed_later(scene: Scene, state: str, text: str = THIRD) -> PolicyVersion:
    """A typing correction of version 2 has taken over that its adverse findings were dismissed."""
    with scene.database.transaction() as transaction:
        review = Review(
            policy_version_id=second(scene).id,
            reviewer_id=scene.staff["noor"],
            version_class=VersionClass.EDITORIAL,
            reason="a typo",
            content={},
            reviewed_at=NOW,
            recorded_at=NOW,
        )
        transaction.add(review)
        transaction.flush()
        for finding in findings_of(transaction, second(scene).id):
            decisions.decide(transaction, finding, FindingStatus.DISMISSED, review, NOW)
    third = scene.submit(text, now=FOUND - 5 * A_DAY)
    with scene.database.session() as session:
        bases = session.exec(select(PolicyVersion).where(PolicyVersion.number < 3)).all()
    scene.assess(*bases, version=third)
    with scene.database.transaction() as transaction:
        row = transaction.get_one(PolicyVersion, third.id)
        row.state, row.version_class = state, VersionClass.NOTICE
    return third


@pytest.mark.parametrize(
    ("state", "remedy"),
    [("announced", "Withdraw"), ("in_review", "Reject"), ("submitted", "Reject")],
)
def test_a_later_version_that_would_bring_the_change_back_has_to_go_first(
    scene: Scene, wrong: PolicyVersion, state: str, remedy: str
) -> None:
    """P2, P5: on its day it would govern people who never approved the change."""
    dismissed_later(scene, state)
    with pytest.raises(ControlRefused, match=f"Version 3 .* {remedy} it first"):
        propose(scene)
    with pytest.raises(ControlRefused, match=f"Version 3 .* {remedy} it first"):
        propose(scene, "lena", Words(language="en", sentences={"F9": "x"}), add=QUOTE)


def test_a_later_version_that_asks_for_approval_brings_nothing_back(
    scene: Scene, wrong: PolicyVersion
) -> None:
    """P2: whoever falls back is asked by it too, whatever else is found in the one before."""
    third = dismissed_later(scene, "in_review")
    with scene.database.transaction() as transaction:
        for finding in findings_of(transaction, third.id):
            finding.status = "confirmed"
        key = f"F{len(findings_of(transaction, second(scene).id)) + 1}"
    told = Words(language="en", summary="Kept longer.", sentences={key: "Kept for one year."})
    propose(scene, "lena", told, add=QUOTE)


def test_what_is_handed_in_anew_takes_over_what_was_decided_last(
    scene: Scene, wrong: PolicyVersion
) -> None:
    """P2: and not the older dismissal from the version that had to go."""
    third = dismissed_later(scene, "announced")
    key = adverse(scene)
    with scene.database.transaction() as transaction:
        transaction.get_one(PolicyVersion, third.id).state = "withdrawn"
    propose(scene)
    confirm(scene)
    fourth = scene.submit(THIRD, now=FOUND + A_DAY)
    with scene.database.session() as session:
        bases = session.exec(select(PolicyVersion).where(PolicyVersion.number < 3)).all()
    scene.assess(*bases, version=fourth)
    with scene.database.session() as session:
        of_second = {each.key: each for each in findings_of(session, second(scene).id)}
        stands = {identity(each): each.status for each in findings_of(session, fourth.id)}
    assert stands[identity(of_second[key])] == "confirmed"


def first_notices(scene: Scene, campaign: UUID, at: datetime) -> None:
    freezing.freeze_audience(scene.database, campaign, at)
    scene.queue_step(campaign, FIRST_NOTICE)
    with scene.database.transaction() as transaction:
        found = claim(transaction, Batch(subject_id=campaign), limit=9, now=at)
        assert found
        accept(transaction, found.attempt_id, "x", at)


def test_a_later_correction_counts_those_whom_the_campaign_that_asks_mails(scene: Scene) -> None:
    """P8: Alice had the wrong summary with the first campaign, approved, and is not asked again;
    legal reads that she gets no mail."""
    first = scene.submit(FIRST, now=FIRST_DAY)
    scene.put_in_force(first, FIRST_DAY)
    scene.import_accounts(ALICE, BOB)
    version = scene.submit(SECOND)
    scene.assess(first, version=version)
    with scene.database.transaction() as transaction:
        for finding in findings_of(transaction, version.id):
            finding.status = "dismissed"
        transaction.get_one(PolicyVersion, version.id).version_class = VersionClass.NOTICE
    first_notices(scene, scene.announce(version), NOW)
    scene.put_in_force(second(scene), EFFECT)
    scene.decide(ALICE, APPROVED, at=EFFECT + 2 * A_DAY)
    propose(scene)
    asking = confirm(scene)
    first_notices(scene, asking, FOUND + A_DAY)
    words = RightWords(language="en", mail="It was wrong.", summary="A year.")
    right = Right(decisions=Decisions.KEEP, words=[words])
    with scene.database.transaction() as transaction:
        lena, noor = scene.staff["lena"], scene.staff["noor"]
        act = controls.acting(transaction, lena, "legal", reason="wrong", now=FOUND + 2 * A_DAY)
        row = second(scene)
        found = correcting.propose(transaction, row, act, right)
        later = FOUND + 3 * A_DAY
        correcting.confirm(transaction, row, noor, later)
    assert str(found) == (
        "It is mailed to 1 person who was mailed in English from version 1. 1 person had the wrong "
        "words and gets no mail, as this campaign does not address them: they are put on the list "
        "of those not reached."
    )
    scene.queue_step(asking, "correction_1")
    with scene.database.session() as session:
        queued = session.exec(
            select(OutboxMail.addressee_id).where(OutboxMail.step == "correction_1")
        ).all()
    assert queued == [scene.account(BOB.external_id).id]
    assert found.people == len(queued)
    assert_alice_is_told_otherwise(scene, asking)


def assert_alice_is_told_otherwise(scene: Scene, asking: UUID) -> None:
    """P4, P8: she is on the list of those not reached, with an owner, until somebody told her."""
    with scene.database.session() as session:
        campaign = session.get_one(Campaign, asking)
        (alice,) = not_reached.not_reached(session, campaign, ZONE)
        assert progress_of(session, campaign).not_reached == 1
    assert (alice.account, alice.state, alice.owner) == (
        ALICE.external_id,
        "not_addressed",
        "lena",
    )
    with scene.database.transaction() as transaction:
        not_reached.mark_reached(
            transaction,
            transaction.get_one(Campaign, asking),
            scene.account(ALICE.external_id),
            how="phone",
            reason="called her",
            by=scene.staff["lena"],
            now=FOUND + 4 * A_DAY,
        )
    with scene.database.session() as session:
        assert progress_of(session, session.get_one(Campaign, asking)).not_reached == 0


def mended_typo(scene: Scene, text: str = THIRD) -> PolicyVersion:
    """Version 3, in force, only mends a slip in version 2, whose findings were all dismissed."""
    third = dismissed_later(scene, "in_review", text)
    with scene.database.transaction() as transaction:
        for finding in findings_of(transaction, third.id):
            finding.status = "noted" if finding.direction == "favourable" else "dismissed"
        row = transaction.get_one(PolicyVersion, third.id)
        row.version_class = VersionClass.EDITORIAL
        row.state, row.announced_at = "announced", FOUND - 5 * A_DAY
    scene.put_in_force(scene.version(3), FOUND - 4 * A_DAY)
    return scene.version(3)


@pytest.mark.parametrize(
    ("text", "quoted"),
    [(THIRD, False), (THIRD, True), (SECOND.replace("afterwards", "afterward"), False)],
)
def test_a_typing_correction_of_what_was_wrong_is_mended_with_what_it_corrected(
    scene: Scene, wrong: PolicyVersion, text: str, *, quoted: bool
) -> None:
    """P2, P5: version 3 says again what 2 said, so nobody stays on 2 who did not approve it."""
    third = mended_typo(scene, text)
    with scene.database.session() as session:
        found = findings_of(session, third.id)
    key = next(each.key for each in found if each.rule == "retention.longer")
    added = f"F{len(found) + 1}"
    told = Words(language="en", summary="Kept longer.", sentences={added: "Kept for one year."})
    mistake = Mistake(add=[QUOTE], words=[told]) if quoted else Mistake(confirm=[key])
    with scene.database.transaction() as transaction:
        act = controls.acting(
            transaction, scene.staff["lena"], "legal", reason="no typo", now=FOUND
        )
        reclassifying.propose(transaction, third, act, mistake, languages=LANGUAGES)
    with scene.database.transaction() as transaction:
        campaign = reclassifying.confirm(
            transaction,
            scene.version(3),
            scene.staff["noor"],
            FOUND,
            asks_until_on=(FOUND + 30 * A_DAY).date(),
            languages=LANGUAGES,
        ).id
    assert scene.governs(BOB, JUST_BEFORE).number == 3
    state = scene.governs(BOB, FOUND)
    assert state.number == 1
    assert [(step.number, bool(step.in_error)) for step in state.steps] == [
        (1, False),
        (2, True),
        (3, True),
        (1, False),
    ]
    assert state.steps[1].in_error.startswith("version 2 had been released")
    freezing.freeze_audience(scene.database, campaign, FOUND + A_DAY)
    with scene.database.session() as session:
        bob = session.exec(
            select(CampaignAddressee).where(
                CampaignAddressee.account_id == scene.account(BOB.external_id).id
            )
        ).one()
        shown = findings_between(session, bob.governing_version_id, third.id)
    assert any(each.status == "confirmed" for each in shown), "the mail says what it asks about"
