"""What an earlier version brought unasked is mended in the one in force, though that one asked
(decision 93)."""

from datetime import timedelta
from uuid import UUID

import pytest
from sqlmodel import Session, col, select

from database.approvals.approvals import Shown, decide
from database.campaigns import (
    controls,
    freezing,
    reclassifying,
)
from database.campaigns.controls import ControlRefused
from database.campaigns.progress import progress_of
from database.campaigns.reclassifying import Mistake
from database.policies import policies
from database.policies.assessments import findings_between, findings_of
from database.tables import (
    Campaign,
    CampaignAddressee,
    Finding,
    PolicyVersion,
)
from domain.policies.reviews import VersionClass
from tests.deciding import APPROVED
from tests.people import ALICE, BOB, LANGUAGES
from tests.reclassifying import A_DAY, FOUND, JUST_BEFORE, second, wrongly_editorial
from tests.scene import EFFECT, Scene
from tests.texts import SECOND

SLOWER = SECOND.replace("within thirty (30) days", "within ninety (90) days")


@pytest.fixture
def wrong(scene: Scene) -> PolicyVersion:
    return wrongly_editorial(scene)


def followed_by_one_that_asks(scene: Scene) -> UUID:
    """Version 3 came into force with an adverse change of its own, and asked for approval of it:
    Alice approved what it changes from version 2, Bob is silent. Its campaign."""
    third = scene.submit(SLOWER, now=EFFECT + 2 * A_DAY)
    with scene.database.session() as session:
        first = policies.versions(session, third.policy_id)[0]
    scene.assess(second(scene), first, version=third)
    with scene.database.transaction() as transaction:
        own = {each.key for each in findings_between(transaction, second(scene).id, third.id)}
        for finding in findings_of(transaction, third.id):
            if finding.key not in own:
                finding.status = "dismissed"  # as before, in version 2
    scene.confirm_all(third, VersionClass.APPROVAL)
    campaign = scene.announce(third, FOUND.date())
    freezing.freeze_audience(scene.database, campaign, EFFECT + 3 * A_DAY)
    with scene.database.transaction() as transaction:
        account = scene.account(ALICE.external_id)
        shown = Shown(version=third, base=second(scene), how="link", language="en")
        decide(transaction, account, shown, APPROVED, EFFECT + 4 * A_DAY)
    scene.put_in_force(third, EFFECT + 5 * A_DAY)
    return campaign


def what_two_brought(session: Session, version: PolicyVersion) -> Finding:
    first, earlier = policies.versions(session, version.policy_id)[:2]
    step = {each.key for each in findings_between(session, earlier.id, version.id)}
    return next(
        each
        for each in findings_between(session, first.id, version.id)
        if each.direction == "adverse" and each.key not in step
    )


def mend_third(scene: Scene, mistake: Mistake) -> UUID:
    with scene.database.transaction() as transaction:
        version = transaction.get_one(PolicyVersion, scene.version(3).id)
        act = controls.acting(
            transaction, scene.staff["lena"], "legal", reason="we took it for a typo", now=FOUND
        )
        reclassifying.propose(transaction, version, act, mistake, languages=LANGUAGES)
    with scene.database.transaction() as transaction:
        return reclassifying.confirm(
            transaction,
            transaction.get_one(PolicyVersion, version.id),
            scene.staff["noor"],
            FOUND,
            asks_until_on=(FOUND + 30 * A_DAY).date(),
            languages=LANGUAGES,
        ).id


def test_what_an_earlier_version_brought_unasked_is_mended_in_the_one_that_asked_since(
    scene: Scene, wrong: PolicyVersion
) -> None:
    """P2, P5: neither who is silent nor who approved what came later ever said yes to it: both fall
    back, the past stays told as an error, and both are asked from the text that is theirs."""
    asked_before = followed_by_one_that_asks(scene)
    before = [scene.governs(one, JUST_BEFORE) for one in (ALICE, BOB)]
    assert [state.number for state in before] == [3, 2]
    with scene.database.session() as session:
        missed = reclassifying.missed(session, scene.version(3), LANGUAGES)
        key = what_two_brought(session, scene.version(3)).key
        step = findings_between(session, second(scene).id, scene.version(3).id)
        own = {each.key for each in step}
    assert missed
    assert key in missed.keys
    assert not own & set(missed.keys), "of what it asked for itself nobody need be asked again"
    campaign = mend_third(scene, Mistake(confirm=[key]))
    assert [scene.governs(one, JUST_BEFORE) for one in (ALICE, BOB)] == before
    after = [scene.governs(one, FOUND + A_DAY) for one in (ALICE, BOB)]
    assert [state.number for state in after] == [1, 1]
    assert all(any(step.in_error for step in state.steps) for state in after)
    freezing.freeze_audience(scene.database, campaign, FOUND + timedelta(hours=1))
    with scene.database.session() as session:
        assert session.get_one(Campaign, asked_before).state == "replaced"
        asked = session.exec(
            select(PolicyVersion.number, CampaignAddressee.asks_approval)
            .join(PolicyVersion, col(PolicyVersion.id) == CampaignAddressee.governing_version_id)
            .where(CampaignAddressee.campaign_id == campaign)
        ).all()
        counted = progress_of(session, session.get_one(Campaign, campaign))
    assert sorted(map(tuple, asked)) == [(1, True), (1, True), (2, True)], "Carol came under 2"
    assert counted.approved == 0, "what Alice said yes to was less"


def test_what_a_version_that_asks_changes_itself_is_no_reason_to_ask_again(
    scene: Scene, wrong: PolicyVersion
) -> None:
    """P2, P8: it governs nobody unapproved; what its mails left out, a correction says."""
    followed_by_one_that_asks(scene)
    with pytest.raises(ControlRefused, match="it changes itself"):
        mend_third(scene, Mistake(add=["within ninety (90) days"]))
    assert scene.governs(ALICE, FOUND + A_DAY).number == 3
