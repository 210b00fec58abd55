"""Legal is told whether a version only mends the announced one, with what and whom (P6, P8)."""

import pytest

from database.campaigns.freezing import freeze_audience
from database.campaigns.mended_versions import Mending, mending
from database.campaigns.reviews import ReviewContent
from database.tables import OutboxMail, PolicyVersion
from domain.approvals.without_approval import WithoutApproval
from domain.policies.reviews import VersionClass, VersionState
from tests.deciding import APPROVED, DECLINED
from tests.people import ALICE, BOB, CAROL
from tests.scene import NOW, ONE_HOUR, Scene
from tests.texts import SECOND, THIRD

WORSE = SECOND.replace("one year", "three years")


@pytest.fixture
def announced(scene: Scene) -> PolicyVersion:
    """Of Alice, Bob and Carol, who had the mail of version 2, Bob declined and Carol approved."""
    scene.import_accounts(ALICE, BOB, CAROL)
    campaign = scene.campaign()
    freeze_audience(scene.database, campaign, NOW)
    mails = scene.queue_step(campaign)
    with scene.database.transaction() as transaction:
        for mail in mails:
            transaction.get_one(OutboxMail, mail).state = "accepted"
    scene.decide(BOB, DECLINED, at=NOW + ONE_HOUR)
    scene.decide(CAROL, APPROVED, at=NOW + ONE_HOUR)
    return scene.version(2)


def said(scene: Scene, version: PolicyVersion) -> Mending | None:
    with scene.database.session() as session:
        return mending(session, session.get_one(PolicyVersion, version.id))


def handed_in(scene: Scene, text: str, announced: PolicyVersion) -> PolicyVersion:
    version = scene.submit(text)
    scene.assess(scene.version(1), announced, version=version)
    return version


def change(scene: Scene, version: PolicyVersion, **fields: object) -> None:
    with scene.database.transaction() as transaction:
        row = transaction.get_one(PolicyVersion, version.id)
        for name, value in fields.items():
            setattr(row, name, value)


def test_a_correction_is_called_one_and_costs_nobody_anything(
    scene: Scene, announced: PolicyVersion
) -> None:
    version = handed_in(scene, THIRD, announced)
    before = said(scene, version)
    assert before
    assert not before.corrects
    assert "only if: Its class becomes approval." in str(before)
    scene.confirm_all(version, VersionClass.APPROVAL)
    told = said(scene, version)
    assert told == Mending(number=2, differences=(), undecided=(), told=3, approved=1, declined=1)
    assert str(told).startswith("It counts as a correction of version 2. 3 accounts had the mail")


def test_another_promise_is_named_as_what_differs(scene: Scene, announced: PolicyVersion) -> None:
    """P5: who was told that they stay until a day is told anew."""
    version = handed_in(scene, THIRD, announced)
    scene.confirm_all(version, VersionClass.APPROVAL)
    change(scene, version, without_approval=WithoutApproval.OFFER_CLOSING)
    told = said(scene, version)
    assert told
    assert told.differences == ("Without approval it promises offer_closing, not stay.",)
    assert "1 approved and 1 declined" in str(told)


def test_what_is_worse_is_named_with_its_finding(scene: Scene, announced: PolicyVersion) -> None:
    version = handed_in(scene, WORSE, announced)
    told = said(scene, version)
    assert told
    assert told.differences == ()
    assert told.undecided[0].endswith("is dismissed by two people.")
    scene.confirm_all(version, VersionClass.APPROVAL)
    told = said(scene, version)
    assert told
    assert told.differences[0].endswith("says that it is worse for people.")


def test_another_class_and_an_open_day_are_named(scene: Scene, announced: PolicyVersion) -> None:
    version = handed_in(scene, THIRD, announced)
    change(scene, version, version_class=VersionClass.NOTICE)
    change(scene, announced, state=VersionState.POSTPONED)
    told = said(scene, version)
    assert told
    assert told.differences == (
        "Version 2 is postponed: everybody has to hear of the new day.",
        "Its class is notice, not approval.",
    )


def test_what_was_not_compared_yet_is_no_correction_yet(
    scene: Scene, announced: PolicyVersion
) -> None:
    version = scene.submit(THIRD)
    scene.assess(scene.version(1), version=version)
    scene.review(version, ReviewContent(version_class=VersionClass.APPROVAL))
    told = said(scene, version)
    assert told
    assert told.undecided == ("It is not compared with version 2 yet.",)


def test_nothing_is_said_where_nothing_is_announced(scene: Scene) -> None:
    scene.campaign()
    version = scene.submit(THIRD)
    scene.put_in_force(scene.version(2), NOW)
    assert said(scene, version) is None
