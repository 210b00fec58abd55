"""A decision taken on a wrong mail is voided by two people of legal, and never deleted (P8)."""

from datetime import datetime, timedelta
from uuid import UUID

import pytest
from sqlmodel import select

from database import campaigns, policies
from database.approvals import Shown, decide, governing_version, latest_decision
from database.freezing import freeze_audience
from database.tables import Approval, Campaign, CampaignCorrection, PolicyVersion
from domain.approvals import Decision
from domain.reviews import Decisions
from tests.people import ALICE, POLICY
from tests.scene import EFFECT, NOW, Scene

LATER = EFFECT + timedelta(days=3)
WHY = "the mail named a wrong period"


@pytest.fixture
def campaign(scene: Scene) -> UUID:
    """Alice has approved version 2, and it is in force."""
    scene.import_accounts(ALICE)
    campaign = scene.campaign()
    freeze_audience(scene.database, campaign, NOW)
    approve(scene, NOW)
    with scene.database.session() as session:
        row = session.get_one(Campaign, campaign)
        version = session.get_one(PolicyVersion, row.policy_version_id)
    scene.put_in_force(version, EFFECT)
    return campaign


def approve(scene: Scene, now: datetime) -> Approval:
    alice = scene.account(ALICE.external_id)
    with scene.database.transaction() as transaction:
        policy = policies.policy_by_slug(transaction, POLICY)
        base, version = policies.versions(transaction, policy.id)
        shown = Shown(version=version, base=base, how="link", language="en")
        return decide(transaction, alice, shown, Decision.APPROVED, now)


def void(scene: Scene, campaign: UUID) -> UUID:
    """As a correction leaves it that two people agreed on (tests/database/test_corrections.py)."""
    with scene.database.transaction() as transaction:
        row = CampaignCorrection(
            campaign_id=campaign,
            reason=WHY,
            mail="It is a year.",
            decisions=Decisions.VOID,
            sentences={},
            stopped_campaign=False,
            proposed_by=scene.staff["lena"],
            proposed_at=LATER,
            confirmed_by=scene.staff["noor"],
            confirmed_at=LATER,
        )
        transaction.add(row)
        return row.id


def governs(scene: Scene, at: datetime) -> tuple[int, str]:
    with scene.database.session() as session:
        policy = policies.policy_by_slug(session, POLICY)
        alice = scene.account(ALICE.external_id)
        state = governing_version(session, policy, alice, at)
    return state.number, state.steps[-1].because


def answered(scene: Scene, campaign: UUID) -> tuple[int, int]:
    with scene.database.session() as session:
        stands = campaigns.progress(session, session.get_one(Campaign, campaign))
    return stands.approved, stands.silent


def test_a_voided_approval_counts_until_then_and_is_never_deleted(
    scene: Scene, campaign: UUID
) -> None:
    """P8."""
    assert governs(scene, LATER)[0] == 2
    assert answered(scene, campaign) == (1, 0)
    voided = void(scene, campaign)
    assert governs(scene, LATER - timedelta.resolution)[0] == 2
    number, because = governs(scene, LATER)
    assert number == 1
    assert f"was voided ({WHY}, correction {voided})" in because
    assert answered(scene, campaign) == (0, 1)
    with scene.database.session() as session:
        assert len(session.exec(select(Approval)).all()) == 1


def test_who_is_asked_again_can_approve_again_and_is_reminded_until_then(
    scene: Scene, campaign: UUID
) -> None:
    """P5, P8."""
    void(scene, campaign)
    assert len(scene.queue_step(campaign, "reminder_1")) == 1
    again = approve(scene, LATER + timedelta(hours=1))
    assert governs(scene, LATER + timedelta(hours=1))[0] == 2
    assert scene.queue_step(campaign, "reminder_2") == ()
    with scene.database.session() as session:
        latest = latest_decision(session, again.account_id, again.policy_version_id)
        assert latest == again
