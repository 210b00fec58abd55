"""What an earlier version brought unasked is mended in the one in force, though that one asked
(decision 93)."""

from datetime import timedelta

import pytest
from sqlmodel import col, select

from database.approvals.approvals import brought_in_error
from database.campaigns import freezing, reclassifying
from database.campaigns.controls import ControlRefused
from database.campaigns.progress import progress_of
from database.campaigns.reclassifying import Mistake
from database.policies import policies
from database.policies.assessments import findings_between
from database.tables import Campaign, CampaignAddressee, PolicyVersion
from tests.people import ALICE, BOB, LANGUAGES
from tests.reclassifying import (
    A_DAY,
    FOUND,
    JUST_BEFORE,
    followed_by_one_that_asks,
    mend_third,
    second,
    what_two_brought,
    wrongly_editorial,
)
from tests.scene import Scene


@pytest.fixture
def wrong(scene: Scene) -> PolicyVersion:
    return wrongly_editorial(scene)


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
        first, earlier, third = policies.versions(session, wrong.policy_id)
        assert brought_in_error(session, first, third) == earlier
        assert brought_in_error(session, earlier, third) is None
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
