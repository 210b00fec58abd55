"""What the mail service rejected is shown by reason, and sent again once that is mended (P4)."""

from datetime import datetime, timedelta
from uuid import UUID

import pytest
from sqlalchemy import update
from sqlmodel import col, select

from database.campaigns import freezing
from database.mail import doubts, outbox, outcomes
from database.mail.doubts import Doubt
from database.mail.mail_rows import Batch
from database.mail.told import maybe_told
from database.tables import Campaign, Fact, OutboxMail, PolicyVersion
from domain.approvals.approvals import Decision
from tests.people import ALICE, BOB, CAROL
from tests.scene import NOW, ONE_HOUR, Scene

SECOND = timedelta(seconds=1)
LATER = NOW + ONE_HOUR
SENDER = "SendGrid answered 400: from.email is not a verified sender"


@pytest.fixture
def campaign(scene: Scene) -> UUID:
    """Three first notices, each rejected because of the sender that they name."""
    scene.import_accounts(ALICE, BOB, CAROL)
    campaign = scene.campaign()
    freezing.freeze_audience(scene.database, campaign, NOW)
    scene.queue_step(campaign)
    for _ in range(3):
        reject_next(scene, campaign)
    assert states(scene, campaign) == {"rejected": 3}
    return campaign


def reject_next(scene: Scene, campaign: UUID, now: datetime = NOW) -> None:
    with scene.database.transaction() as transaction:
        claimed = outbox.claim(transaction, Batch(subject_id=campaign), limit=1, now=now)
        assert claimed
        copies = transaction.exec(
            select(OutboxMail.id).where(OutboxMail.attempt_id == claimed.attempt_id)
        ).all()
        outcomes.reject(transaction, claimed.attempt_id, copies, SENDER, now)


def states(scene: Scene, campaign: UUID) -> dict[str, int]:
    with scene.database.session() as session:
        return outbox.states(session, Batch(subject_id=campaign))


def groups(scene: Scene, now: datetime = LATER) -> list[Doubt]:
    with scene.database.session() as session:
        return list(doubts.rejects(session, now))


def resent(scene: Scene, group: Doubt, now: datetime = LATER) -> int:
    with scene.database.transaction() as transaction:
        return len(doubts.resend_some(transaction, group, scene.staff["omar"], now))


def test_ops_see_them_by_reason_and_send_them_again_with_one_decision_on_record(
    scene: Scene, campaign: UUID
) -> None:
    """P4, P30: nobody had them by the try that was rejected."""
    (group,) = groups(scene)
    assert (group.mails, group.attempts, group.known) == (3, 3, SENDER)
    assert (group.state, group.step, group.number) == ("rejected", "first_notice", 2)
    with scene.database.session() as session:
        assert doubts.count_doubtful(session) == 0
        assert doubts.doubt_by_key(session, group.key, LATER) == group
        assert len(doubts.mails_alike(session, group, LATER, after=1)) == 2
    assert resent(scene, group) == 3
    assert groups(scene) == []
    assert states(scene, campaign) == {"queued": 3}
    with scene.database.transaction() as transaction:
        assert not transaction.exec(select(OutboxMail.id).where(maybe_told())).all()
        (fact,) = transaction.exec(select(Fact).where(Fact.kind == "mails.resent_by_ops")).all()
        assert (fact.payload["staff"], fact.payload["was"]) == (
            str(scene.staff["omar"]),
            "rejected",
        )
        claimed = outbox.claim(transaction, Batch(subject_id=campaign), limit=9, now=LATER)
        assert claimed
        assert claimed.copies == 3


def test_one_alone_is_sent_again_too(scene: Scene, campaign: UUID) -> None:
    """P4."""
    with scene.database.transaction() as transaction:
        first, *_ = transaction.exec(select(OutboxMail.id).order_by(col(OutboxMail.id))).all()
        assert doubts.resend(transaction, first, LATER)
        assert not doubts.resend(transaction, first, LATER)
    assert states(scene, campaign) == {"queued": 1, "rejected": 2}


def test_who_has_answered_and_what_would_come_too_late_is_left_out(
    scene: Scene, campaign: UUID
) -> None:
    """P4, P5."""
    (before,) = groups(scene)
    scene.decide(ALICE, Decision.APPROVED, at=NOW + SECOND)
    (group,) = groups(scene)
    assert group.mails == 2
    with scene.database.transaction() as transaction:
        of_alice = select(OutboxMail.id).where(
            OutboxMail.addressee_id == scene.account(ALICE.external_id).id
        )
        assert not doubts.resend(transaction, transaction.exec(of_alice).one(), LATER)
        version = transaction.exec(select(PolicyVersion).where(PolicyVersion.number == 2)).one()
        version.effective_at = LATER
    assert groups(scene) == []
    assert resent(scene, before) == 0
    assert states(scene, campaign) == {"rejected": 3}


@pytest.mark.parametrize(("state", "shown"), [("paused", [True]), ("withdrawn", [])])
def test_of_a_campaign_that_does_not_run_nothing_is_sent_again(
    scene: Scene, campaign: UUID, state: str, shown: list[bool]
) -> None:
    """P8."""
    (group,) = groups(scene)
    with scene.database.transaction() as transaction:
        transaction.get_one(Campaign, campaign).state = state
    assert [each.paused for each in groups(scene)] == shown
    assert resent(scene, group) == 0


def test_what_is_rejected_once_more_meanwhile_waits_for_another_decision(
    scene: Scene, campaign: UUID, monkeypatch: pytest.MonkeyPatch
) -> None:
    """P4: else a cause that is not mended would keep ops and mail service busy without end."""
    monkeypatch.setattr(doubts, "AT_ONCE", 2)
    (group,) = groups(scene)
    assert resent(scene, group) == 2
    reject_next(scene, campaign, LATER + SECOND)
    assert [resent(scene, group), resent(scene, group)] == [1, 0]
    (again,) = groups(scene, LATER + 2 * SECOND)
    assert (again.mails, again.key) == (1, group.key)


def test_test_mails_of_a_version_are_sent_anew_by_legal(scene: Scene, campaign: UUID) -> None:
    with scene.database.transaction() as transaction:
        transaction.execute(update(OutboxMail).values(subject_kind=outbox.VERSION))
    assert groups(scene) == []
    with scene.database.transaction() as transaction:
        mails = transaction.exec(select(OutboxMail.id)).all()
        assert not any(doubts.resend(transaction, mail, LATER) for mail in mails)
