"""A decision taken on a wrong mail is voided by two people of legal, and never deleted (P8)."""

from datetime import timedelta
from uuid import UUID

import pytest
from sqlmodel import Session, select

from database.approvals.acceptances import Acceptance, accept
from database.approvals.approvals import latest_decision
from database.approvals.reach import reach
from database.approvals.wrong_words import keep_wrong, whatever_was_told, wrong_of
from database.campaigns.freezing import freeze_audience
from database.campaigns.progress import progress_of
from database.policies.counting import counts_for
from database.tables import Approval, Campaign, CampaignCorrection, PolicyVersion
from domain.policies.reviews import Decisions
from tests.deciding import APPROVED
from tests.people import ALICE, BOB, POLICY
from tests.scene import EFFECT, NOW, ONE_HOUR, Scene

LATER = EFFECT + timedelta(days=3)
WHY = "the mail named a wrong period"


@pytest.fixture
def campaign(scene: Scene) -> UUID:
    """Alice has approved version 2, and it is in force."""
    scene.import_accounts(ALICE)
    campaign = scene.campaign()
    freeze_audience(scene.database, campaign, NOW)
    scene.decide(ALICE, APPROVED)
    with scene.database.session() as session:
        version = _of(session, campaign)
    scene.put_in_force(version, EFFECT)
    return campaign


def _of(session: Session, campaign: UUID) -> PolicyVersion:
    return session.get_one(PolicyVersion, session.get_one(Campaign, campaign).policy_version_id)


def void(scene: Scene, campaign: UUID) -> UUID:
    """As a correction leaves it that two people agreed on (`campaigns/test_corrections.py`)."""
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
        transaction.flush()
        keep_wrong(transaction, row, whatever_was_told(transaction, _of(transaction, campaign)))
        return row.id


def answered(scene: Scene, campaign: UUID) -> tuple[int, int]:
    with scene.database.session() as session:
        stands = progress_of(session, session.get_one(Campaign, campaign))
    return stands.approved, stands.silent


def test_a_voided_approval_counts_until_then_and_is_never_deleted(
    scene: Scene, campaign: UUID
) -> None:
    """P8."""
    scene.queue_step(campaign)
    scene.take_mails()
    assert scene.governs(ALICE, LATER).number == 2
    assert answered(scene, campaign) == (1, 0)
    voided = void(scene, campaign)
    assert scene.governs(ALICE, LATER - timedelta.resolution).number == 2
    state = scene.governs(ALICE, LATER)
    assert state.number == 1
    assert f"was voided ({WHY}, correction {voided})" in state.steps[-1].because
    assert answered(scene, campaign) == (0, 1)
    with scene.database.session() as session:
        assert len(session.exec(select(Approval)).all()) == 1


def test_who_is_asked_again_can_approve_again_and_is_reminded_until_then(
    scene: Scene, campaign: UUID
) -> None:
    """P5, P8."""
    void(scene, campaign)
    assert len(scene.queue_step(campaign, "reminder_1")) == 1
    again = scene.decide(ALICE, APPROVED, at=LATER + timedelta(hours=1))
    assert scene.governs(ALICE, LATER + timedelta(hours=1)).number == 2
    assert scene.queue_step(campaign, "reminder_2") == ()
    with scene.database.session() as session:
        latest = latest_decision(session, again.account_id, again.policy_version_id)
        assert latest == again


def test_what_was_accepted_in_the_companys_own_application_was_not_taken_on_our_words(
    scene: Scene, campaign: UUID
) -> None:
    """P6, P8: Bob came later and is mailed nothing. He had the text as a whole before him, by its
    hash; what two of legal void are the answers to wrong mails."""
    scene.import_accounts(BOB, now=EFFECT + ONE_HOUR)
    with scene.database.transaction() as transaction:
        version, account = _of(transaction, campaign), scene.account(BOB.external_id)
        given = Acceptance(
            policy=POLICY, version=2, text_sha256=version.sha256, accepted_at=EFFECT + ONE_HOUR
        )
        accept(transaction, account, given, EFFECT + 2 * ONE_HOUR)
    voided = void(scene, campaign)
    assert [scene.governs(each, LATER).number for each in (ALICE, BOB)] == [1, 2]
    with scene.database.session() as session:
        row = session.get_one(CampaignCorrection, voided)
        found = reach(session, wrong_of(session, row))
        counting = select(Approval.account_id).where(
            counts_for(session.get_one(Campaign, campaign).policy_version_id)
        )
        assert session.exec(counting).all() == [account.id]
    assert (found.people, found.not_addressed) == (1, 0)
