"""Mails of a campaign go out only while it runs and they are owed (P5, P8)."""

from uuid import UUID, uuid4

import pytest

from database.campaigns import campaigns, freezing
from database.campaigns.progress import count_missed
from database.mail import doubts, outbox, senders
from database.mail.mail_rows import Batch
from database.mail.steps import WITHOUT_MAIL
from database.tables import Campaign, PolicyVersion
from domain.approvals.approvals import Decision
from tests.database.mail.test_outbox import (
    LATER,
    SECOND,
    claim,
    doubtful,
    heard_of_later,
    must_claim,
    queue,
    settle,
)
from tests.deciding import APPROVED, DECLINED
from tests.people import ALICE, BOB
from tests.scene import NOW, ONE_HOUR, Scene, mails_of


@pytest.fixture
def campaign(scene: Scene) -> UUID:
    """A frozen campaign that owes Alice and Bob their notices."""
    scene.import_accounts(ALICE, BOB)
    campaign_id = scene.campaign()
    freezing.freeze_audience(scene.database, campaign_id, NOW)
    return campaign_id


def stop(scene: Scene, campaign_id: UUID, state: str) -> None:
    with scene.database.transaction() as transaction:
        transaction.get_one(Campaign, campaign_id).state = state


@pytest.mark.parametrize("decision", list(Decision))
def test_an_answer_a_moment_before_the_claim_stops_the_reminder(
    scene: Scene, campaign: UUID, decision: Decision
) -> None:
    """P5: a decision stops the reminders, those too that are queued already."""
    assert len(scene.queue_step(campaign, "reminder_1")) == 2
    scene.decide(ALICE, decision)
    claimed = claim(scene.database, Batch(subject_id=campaign, step="reminder_1"))
    assert claimed
    (mail,) = mails_of(scene.database, claimed.attempt_id)
    assert mail.addressee_id == scene.account(BOB.external_id).id
    with scene.database.session() as session:
        assert outbox.states(session, Batch(subject_id=campaign)) == {"cancelled": 1, "sending": 1}


def test_a_first_notice_is_owed_even_to_who_has_answered(scene: Scene, campaign: UUID) -> None:
    """P4: the notice is the legal act; only reminders are courtesy."""
    scene.queue_step(campaign)
    scene.decide(ALICE, DECLINED)
    claimed = claim(scene.database, Batch(subject_id=campaign))
    assert claimed
    assert claimed.copies == 2


@pytest.mark.parametrize("state", ["paused", "withdrawn", "finished"])
def test_a_campaign_that_does_not_run_sends_nothing(
    scene: Scene, campaign: UUID, state: str
) -> None:
    """P8: read in the claim itself, so it works at once; and what is queued is kept."""
    scene.queue_step(campaign)
    stop(scene, campaign, state)
    assert claim(scene.database, Batch(subject_id=campaign)) is None
    stop(scene, campaign, "running")
    assert claim(scene.database, Batch(subject_id=campaign))


def test_what_turns_out_lost_once_its_campaign_is_over_waits_in_no_queue(
    scene: Scene, campaign: UUID
) -> None:
    """P4: it may not go out any more, so no sender tries for ever, and somebody tells them."""
    one, other = scene.queue_step(campaign)
    for mail in (one, other):
        doubtful(scene, mail)
    heard_of_later(scene, 3)
    with scene.database.transaction() as transaction:
        over = transaction.get_one(Campaign, campaign)
        over.state, over.finished_at = "finished", NOW
    assert settle(scene, one, NOW + ONE_HOUR) == "queued"
    assert claim(scene.database, Batch(mail_id=one), now=NOW + ONE_HOUR) is None
    assert scene.mail(one).state == "cancelled"
    assert scene.mail(other).state == "unknown"
    with scene.database.session() as session:
        over = session.get_one(Campaign, campaign)
        assert count_missed(session, over, WITHOUT_MAIL) == 1


def test_a_link_asked_for_again_goes_out_after_the_campaign(scene: Scene, campaign: UUID) -> None:
    """P5: who asks for their link gets it, however late."""
    again = outbox.Queued(
        subject_kind=outbox.CAMPAIGN,
        subject_id=campaign,
        addressee_kind=outbox.ACCOUNT,
        addressee_id=scene.account(ALICE.external_id).id,
        step=f"{outbox.LINK_AGAIN}_2026-05-01",
        template="approval_link_again",
        variant=uuid4(),
    )
    (mail,) = queue(scene, [again])
    with scene.database.transaction() as transaction:
        over = transaction.get_one(Campaign, campaign)
        over.state, over.finished_at = "finished", NOW
    assert must_claim(scene, mail).copies == 1


def test_a_reminder_that_waited_until_the_effect_goes_to_nobody(
    scene: Scene, campaign: UUID
) -> None:
    """P5: there is nothing to remind of any more; what was owed, the first notice, still goes."""
    owed = scene.queue_step(campaign)
    reminders = scene.queue_step(campaign, "reminder_1")
    with scene.database.transaction() as transaction:
        version_id = transaction.get_one(Campaign, campaign).policy_version_id
        transaction.get_one(PolicyVersion, version_id).effective_at = LATER
    early = claim(scene.database, Batch(mail_id=reminders[0]), now=LATER - SECOND)
    assert early
    assert claim(scene.database, Batch(mail_id=reminders[1]), now=LATER) is None
    assert scene.mail(reminders[1]).state == "cancelled"
    assert must_claim(scene, owed[0], LATER)


def test_escalations_to_staff_go_out_whatever_the_campaign_does(
    scene: Scene, campaign: UUID
) -> None:
    mail = outbox.Queued(
        subject_kind=outbox.CAMPAIGN,
        subject_id=campaign,
        addressee_kind=outbox.STAFF,
        addressee_id=scene.staff["lena"],
        step="escalation_owner",
        template="campaign_escalation",
        variant=campaign,
    )
    (queued,) = queue(scene, [mail])
    stop(scene, campaign, "paused")
    assert must_claim(scene, queued)


def test_a_notice_sent_again_by_ops_gets_a_delivery_of_its_own_once_its_step_is_taken(
    scene: Scene, campaign: UUID
) -> None:
    """P4: while the step is being sent, the campaign itself looks after it."""
    (alice, _) = scene.queue_step(campaign)
    doubtful(scene, alice)
    settle(scene, alice, NOW + ONE_HOUR)
    with scene.database.transaction() as transaction:
        assert doubts.resend(transaction, alice, NOW)
        assert senders.steps_without_sender(transaction) == []
        campaigns.take_step(transaction, campaign, "first_notice", due_at=NOW, now=NOW)
        transaction.flush()
        assert senders.steps_without_sender(transaction) == [(campaign, "first_notice")]
        assert senders.without_sender(transaction) == []


def test_ops_cannot_send_for_a_campaign_that_stopped(scene: Scene, campaign: UUID) -> None:
    """P8: it would wait for ever, or go out against the withdrawal."""
    (alice, _) = scene.queue_step(campaign)
    doubtful(scene, alice)
    stop(scene, campaign, "withdrawn")
    with scene.database.transaction() as transaction:
        assert not doubts.resend(transaction, alice, NOW)
    assert scene.mail(alice).state == "unknown"


@pytest.mark.parametrize("why", ["answered", "in effect"])
def test_ops_cannot_send_a_first_notice_that_comes_too_late(
    scene: Scene, campaign: UUID, why: str
) -> None:
    """P4: it would announce what is past, or ask who has answered; they stay on the list."""
    mails = scene.queue_step(campaign)
    for mail in mails:
        doubtful(scene, mail)
        assert settle(scene, mail, NOW + ONE_HOUR) == "operator"
    if why == "answered":
        scene.decide(ALICE, APPROVED)
        scene.decide(BOB, APPROVED)
    with scene.database.transaction() as transaction:
        version_id = transaction.get_one(Campaign, campaign).policy_version_id
        in_effect = LATER if why == "in effect" else LATER + ONE_HOUR
        transaction.get_one(PolicyVersion, version_id).effective_at = in_effect
        (group,) = doubts.doubts(transaction)
        assert not doubts.resend(transaction, mails[0], LATER)
        assert not doubts.resend_some(transaction, group, scene.staff["omar"], LATER)
    assert {scene.mail(mail).state for mail in mails} == {"operator"}
