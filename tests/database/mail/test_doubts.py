"""What was left to ops: sent again on late evidence, shown in groups, decided in one go (P4)."""

from datetime import datetime, timedelta
from uuid import UUID

import pytest
from sqlmodel import select

from database.campaigns import freezing
from database.engine import Database
from database.mail import doubts, outbox, outcomes
from database.mail.doubts import Doubt
from database.mail.mail_rows import Batch
from database.mail.steps import WITHDRAWAL
from database.tables import Campaign, Fact, OutboxMail, PolicyVersion
from domain.approvals.approvals import Decision
from tests.database.mail.test_outbox import doubtful, event, must_claim, queue, settle, tell
from tests.people import ALICE, BOB, CAROL
from tests.scene import NOW, ONE_HOUR, Scene, loose_mails

SECOND = timedelta(seconds=1)
TEN_SECONDS = 10 * SECOND
LATER = NOW + ONE_HOUR
ERROR = "SendGrid answered 500"


@pytest.fixture
def campaign(scene: Scene) -> UUID:
    """Three first notices went with one request, and the mail service answered 500: with ops."""
    scene.import_accounts(ALICE, BOB, CAROL)
    campaign = scene.campaign()
    freezing.freeze_audience(scene.database, campaign, NOW)
    scene.queue_step(campaign)
    with scene.database.transaction() as transaction:
        claimed = outbox.claim(transaction, Batch(subject_id=campaign), limit=1000, now=NOW)
        assert claimed
        outcomes.doubt(transaction, claimed.attempt_id, ERROR, NOW)
        batch = Batch(subject_id=campaign)
        outcomes.settle(transaction, batch, settle_after=TEN_SECONDS, now=NOW + 3 * TEN_SECONDS)
    assert states(scene, campaign) == {"operator": 3}
    return campaign


def states(scene: Scene, campaign: UUID) -> dict[str, int]:
    with scene.database.session() as session:
        return outbox.states(session, Batch(subject_id=campaign))


def heard_of(scene: Scene, attempts: int, *, at: datetime) -> None:
    """So many later attempts are made, and their events come."""
    for other in queue(scene, loose_mails(attempts)):
        later = must_claim(scene, other, at)
        tell(scene, event(other, later.attempt_id, "processed"), now=at)


def reconsidered(scene: Scene, now: datetime) -> int:
    with scene.database.transaction() as transaction:
        return doubts.reconsider(transaction, settle_after=TEN_SECONDS, now=now)


def groups(scene: Scene) -> list[Doubt]:
    with scene.database.session() as session:
        return list(doubts.doubts(session))


def state_of_campaign(scene: Scene, campaign: UUID, state: str) -> None:
    with scene.database.transaction() as transaction:
        transaction.get_one(Campaign, campaign).state = state


@pytest.mark.parametrize(("attempts", "moved"), [(2, 0), (3, 3)])
def test_what_ops_were_asked_about_is_sent_again_once_later_attempts_are_heard_of(
    scene: Scene, campaign: UUID, attempts: int, moved: int
) -> None:
    """P4: the same evidence as before they were asked, however late it comes."""
    assert reconsidered(scene, LATER) == 0
    heard_of(scene, attempts, at=LATER)
    assert reconsidered(scene, LATER + TEN_SECONDS) == moved
    assert reconsidered(scene, LATER + TEN_SECONDS) == 0
    assert states(scene, campaign) == {"queued" if moved else "operator": 3}
    with scene.database.session() as session:
        facts = session.exec(select(Fact).where(Fact.kind == "mails.resent_by_machine")).all()
    assert [len(str(fact.payload["mails"]).split(",")) for fact in facts] == [3] * bool(moved)


def test_where_events_were_late_those_of_the_attempt_have_time_to_come_too(
    scene: Scene, campaign: UUID
) -> None:
    """P4: a channel that comes back tells in any order; its first word is no evidence yet."""
    heard_of(scene, 3, at=LATER)
    assert reconsidered(scene, LATER + TEN_SECONDS - SECOND) == 0
    with scene.database.session() as session:
        (group,) = doubts.doubts(session)
        (first, *_) = doubts.mails_alike(session, group, LATER)
    assert first.attempt_id
    tell(scene, event(first.id, first.attempt_id, "delivered"), now=LATER + SECOND)
    assert reconsidered(scene, LATER + TEN_SECONDS) == 0
    assert states(scene, campaign) == {"delivered": 1, "accepted": 2}


def test_a_first_notice_is_not_sent_again_to_who_has_answered_nor_after_the_effect(
    scene: Scene, campaign: UUID
) -> None:
    """P4, P5: Alice has answered, so she had it; after the effect it would ask too late."""
    scene.decide(ALICE, Decision.APPROVED, at=NOW + SECOND)
    heard_of(scene, 3, at=LATER)
    with scene.database.transaction() as transaction:
        version = transaction.exec(select(PolicyVersion).where(PolicyVersion.number == 2)).one()
        version.effective_at = LATER + TEN_SECONDS
    assert reconsidered(scene, LATER + TEN_SECONDS) == 0
    with scene.database.transaction() as transaction:
        transaction.get_one(PolicyVersion, version.id).effective_at = LATER + ONE_HOUR
    assert reconsidered(scene, LATER + TEN_SECONDS) == 2
    assert states(scene, campaign) == {"operator": 1, "queued": 2}


@pytest.mark.parametrize("state", ["paused", "withdrawn", "finished"])
def test_nothing_is_sent_again_for_a_campaign_that_does_not_run(
    scene: Scene, campaign: UUID, state: str
) -> None:
    """P8."""
    heard_of(scene, 3, at=LATER)
    state_of_campaign(scene, campaign, state)
    assert reconsidered(scene, LATER + TEN_SECONDS) == 0
    assert [doubt.paused for doubt in groups(scene)] == [True] * (state == "paused")


def test_ops_see_what_is_alike_as_one_with_what_is_known_of_it(
    scene: Scene, campaign: UUID
) -> None:
    """P4: eighty mails in doubt are one thing to look at, and not eighty."""
    for answers in queue(scene, loose_mails(2, step="answer")):
        doubtful(scene, answers)
        settle(scene, answers, NOW + 3 * TEN_SECONDS)
    notices, requests = groups(scene)
    assert (notices.mails, notices.attempts, notices.since) == (3, 1, NOW)
    assert (notices.campaign_id, notices.number, notices.known) == (campaign, 2, ERROR)
    assert (notices.step, notices.template) == ("first_notice", "approval_first_notice")
    assert (requests.mails, requests.campaign_id, requests.known) == (2, None, "the line broke")
    with scene.database.session() as session:
        assert doubts.count_doubtful(session) == 5
        assert doubts.doubt_by_key(session, notices.key, LATER) == notices
        assert len(doubts.mails_alike(session, requests, LATER)) == 2
        assert len(doubts.mails_alike(session, notices, LATER, after=2)) == 1


def test_ops_send_a_group_again_in_small_transactions_each_with_who_decided(
    scene: Scene, campaign: UUID, monkeypatch: pytest.MonkeyPatch
) -> None:
    """P4, P30."""
    monkeypatch.setattr(doubts, "AT_ONCE", 2)
    (group,) = groups(scene)

    def some(database: Database = scene.database) -> int:
        with database.transaction() as transaction:
            return len(doubts.resend_some(transaction, group, scene.staff["omar"], LATER))

    state_of_campaign(scene, campaign, "paused")
    assert some() == 0
    state_of_campaign(scene, campaign, "running")
    assert [some(), some(), some()] == [2, 1, 0]
    assert states(scene, campaign) == {"queued": 3}
    assert groups(scene) == []
    with scene.database.session() as session:
        facts = session.exec(select(Fact).where(Fact.kind == "mails.resent_by_ops")).all()
    assert {fact.payload["staff"] for fact in facts} == {str(scene.staff["omar"])}
    assert {fact.subject_id for fact in facts} == {campaign}


def test_what_a_campaign_that_is_over_left_in_doubt_waits_for_nobody(
    scene: Scene, campaign: UUID
) -> None:
    """P4: it is told among those whom the campaign did not reach."""
    state_of_campaign(scene, campaign, "finished")
    with scene.database.session() as session:
        assert doubts.count_doubtful(session) == 0
    assert groups(scene) == []


@pytest.mark.parametrize(
    ("state", "waits_for", "settled_by"),
    [
        ("running", doubts.FOR_THE_MACHINE, NOW + 3 * TEN_SECONDS),
        ("paused", doubts.FOR_ITS_CAMPAIGN, None),
        ("withdrawn", doubts.FOR_NOTHING, None),
    ],
)
def test_what_the_machine_settles_is_listed_with_what_it_waits_for(
    scene: Scene, campaign: UUID, state: str, waits_for: str, settled_by: datetime | None
) -> None:
    """P4: also while its campaign stands still, and nobody settles it."""
    with scene.database.transaction() as transaction:
        for mail in transaction.exec(select(OutboxMail)).all():
            mail.state = "unknown"
    state_of_campaign(scene, campaign, state)
    assert groups(scene) == []
    with scene.database.session() as session:
        (group,) = doubts.unsettled(session)
        assert (group.mails, group.known) == (3, ERROR)
        assert (group.waits_for, group.settled_by(TEN_SECONDS)) == (waits_for, settled_by)
        assert len(doubts.mails_alike(session, group, LATER)) == 3


@pytest.mark.parametrize("cancelled", [False, True])
def test_who_may_have_had_a_notice_that_was_to_be_sent_again_hears_of_the_withdrawal(
    scene: Scene, campaign: UUID, cancelled: bool
) -> None:
    """P8: the first try may have arrived."""
    with scene.database.transaction() as transaction:
        for doubt in doubts.doubts(transaction):
            assert len(doubts.resend_some(transaction, doubt, scene.staff["omar"], LATER)) == 3
        row = transaction.get_one(Campaign, campaign)
        row.state = "withdrawn"
        version = transaction.get_one(PolicyVersion, row.policy_version_id)
        version.state, version.effective_at = "withdrawn", None
    if cancelled:
        with scene.database.transaction() as transaction:
            assert outbox.cancel(transaction, Batch(subject_id=campaign)) == 3
    assert len(scene.queue_step(campaign, WITHDRAWAL)) == 3
