"""What the sender does when the mail service says that we are too fast (P8)."""

from collections.abc import Callable
from datetime import datetime, timedelta
from uuid import uuid4

import pytest
from sqlmodel import select
from temporalio.testing import ActivityEnvironment

from activities.mail.outbox import PROBLEM_WORDS, Sender, SendProgress
from database.campaigns import freezing
from database.mail import outbox
from database.mail.mail_rows import Batch
from database.mail.mail_status import mail_status, mails_by_state
from database.tables import MailSlowdown
from domain.mail.pace import LONGEST_HOLD, SLOWEST
from mail.sendgrid import NotSent
from tests.people import ALICE, BOB, CAROL
from tests.sandbox_server import RunningSandbox
from tests.scene import NOW, Scene, loose_mails

MakeSender = Callable[..., Sender]
MINUTE = timedelta(minutes=1)


@pytest.fixture
def campaign(scene: Scene) -> Batch:
    """Three first notices that wait to be sent."""
    scene.import_accounts(ALICE, BOB, CAROL)
    campaign_id = scene.campaign()
    freezing.freeze_audience(scene.database, campaign_id, NOW)
    scene.queue_step(campaign_id)
    return Batch(subject_id=campaign_id)


def send(sender: Sender, batch: Batch, now: datetime = NOW) -> SendProgress:
    return ActivityEnvironment().run(sender.send, batch, now)


def test_after_one_429_no_sender_asks_again_before_the_service_wants_it(
    scene: Scene, campaign: Batch, sender: MakeSender, sandbox: RunningSandbox
) -> None:
    """P8: not this one, and not another one with other mails."""
    sandbox.misbehave("429-without-headers")
    progress = send(sender(), campaign)
    until = progress.not_before
    assert until
    assert until >= NOW + timedelta(seconds=30)
    assert (progress.waiting, progress.problem, progress.held) == (3, None, False)
    other = uuid4()
    with scene.database.transaction() as transaction:
        outbox.queue(transaction, loose_mails(1, subject_id=other), NOW)
    early = until - timedelta(seconds=1)
    assert send(sender(), campaign, early).not_before == until
    assert send(sender(), Batch(subject_id=other), early).not_before == until
    assert sandbox.messages() == []
    assert send(sender(), campaign, until) == SendProgress(accepted=3, per_minute=SLOWEST)
    assert len(sandbox.messages()) == 3


def test_what_the_service_says_about_its_limit_is_believed(
    campaign: Batch, sender: MakeSender, sandbox: RunningSandbox
) -> None:
    """P8: Retry-After; the sandbox says one second."""
    sandbox.misbehave("429")
    until = send(sender(), campaign).not_before
    assert until
    assert NOW + timedelta(seconds=1) <= until < NOW + timedelta(seconds=30)


def test_a_429_for_an_hour_to_everything_is_a_problem_that_ops_hear_of(
    scene: Scene, campaign: Batch, sender: MakeSender, sandbox: RunningSandbox
) -> None:
    """P8: until then it is none, and nobody is woken."""
    sandbox.misbehave("429-without-headers")
    assert send(sender(), campaign).problem is None
    sandbox.misbehave("429-without-headers")
    assert send(sender(), campaign, NOW + MINUTE).problem is None
    with scene.database.transaction() as transaction:
        row = transaction.exec(select(MailSlowdown)).one()
        row.began_at = NOW - LONGEST_HOLD
        transaction.add(row)
    sandbox.misbehave("429-without-headers")
    assert send(sender(), campaign, NOW + 3 * MINUTE).problem == PROBLEM_WORDS[NotSent]


def test_a_rate_lets_out_what_it_allows_and_says_when_more_may_go(
    scene: Scene, campaign: Batch, sender: MakeSender, sandbox: RunningSandbox
) -> None:
    """P8: nothing is wrong, so nobody reads of a problem."""
    slow = sender(per_minute=4)
    progress = send(slow, campaign)
    assert (progress.accepted, progress.waiting) == (2, 1)
    assert (progress.problem, progress.held, progress.per_minute) == (None, False, 4)
    assert progress.patience == "rate: 4 a minute"
    assert progress.not_before
    assert send(slow, campaign, progress.not_before).accepted == 3
    assert len(sandbox.messages()) == 3
    with scene.database.session() as session:
        status = mail_status(session, mails_by_state(session), NOW + MINUTE, per_minute=4)
    assert status.copies_last_minute == 3
