"""A campaign whose mails go wrong while it sends is paused, and its owner told, once (P8)."""

from collections.abc import Callable
from datetime import timedelta
from uuid import UUID

import pytest
from sqlmodel import select

import activities.mail.breaker
from activities.mail.outbox import Sender, SendProgress
from database.campaigns import freezing
from database.mail.mail_rows import Batch
from database.mail.senders import without_sender
from database.mail.steps import FIRST_NOTICE
from database.people.accounts import AccountRow
from database.tables import Campaign, ControlAct
from tests.activities.mail import test_outbox
from tests.sandbox_server import RunningSandbox
from tests.scene import NOW, Scene

MakeSender = Callable[..., Sender]
OWNER = "lena@staff.example"


@pytest.fixture(autouse=True)
def looks_each_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(activities.mail.breaker, "LOOK_EVERY_SECONDS", 0.0)


@pytest.fixture
def campaign(scene: Scene) -> UUID:
    """First notices for two hundred people wait."""
    scene.import_accounts(
        *(
            AccountRow(external_id=f"p{number:03}", email=f"p{number}@people.example")
            for number in range(200)
        )
    )
    campaign = scene.campaign()
    freezing.freeze_audience(scene.database, campaign, NOW)
    scene.queue_step(campaign)
    return campaign


def send(sender: Sender, campaign: UUID) -> SendProgress:
    return test_outbox.send(sender, campaign, step=FIRST_NOTICE)


def state(scene: Scene, campaign: UUID) -> str:
    with scene.database.session() as session:
        return session.get_one(Campaign, campaign).state


def reasons(scene: Scene) -> list[str]:
    with scene.database.session() as session:
        return list(session.exec(select(ControlAct.reason)).all())


def test_three_lost_requests_pause_the_campaign_and_its_owner_hears_why(
    scene: Scene, campaign: UUID, sender: MakeSender, sandbox: RunningSandbox
) -> None:
    """P8."""
    sandbox.misbehave("500", times=3)
    sending = sender(batch_size=10)
    assert [send(sending, campaign).held for _ in range(3)] == [False, False, True]
    assert state(scene, campaign) == "paused"
    assert send(sending, campaign).held
    (reason,) = reasons(scene)
    assert reason.startswith("3 of the last 3 requests")
    (mail,) = sandbox.messages()
    assert mail["to"] == OWNER
    assert reason in str(mail["text"])
    assert "/staff/policies/privacy-policy/versions/2" in str(mail["text"])


def test_word_that_does_not_go_out_at_once_is_the_watchdogs(
    scene: Scene, campaign: UUID, sender: MakeSender, sandbox: RunningSandbox
) -> None:
    """P8: the owner hears of it when mail goes again."""
    sandbox.misbehave("500", times=4)
    sending = sender(batch_size=10)
    assert [send(sending, campaign).held for _ in range(3)] == [False, False, True]
    assert sandbox.messages() == []
    with scene.database.session() as session:
        assert [mail.step for mail in without_sender(session)] == ["stopped_1"]


def test_the_owner_hears_of_a_stop_as_soon_as_mail_goes_again(
    scene: Scene, campaign: UUID, sender: MakeSender, sandbox: RunningSandbox
) -> None:
    """P8: a campaign that stands still sends nothing that would be evidence, so there is none to
    wait for; and who hears it twice is not harmed."""
    sandbox.misbehave("500", times=5)
    sending = sender(batch_size=10)
    assert [send(sending, campaign).held for _ in range(3)] == [False, False, True]
    with scene.database.session() as session:
        ((word, first),) = [(mail.id, mail.claimed_at) for mail in without_sender(session)]
    assert first
    for seconds in (9, 10, 25):
        sending.tell([word], first + timedelta(seconds=seconds))
    (mail,) = sandbox.messages()
    assert mail["to"] == OWNER
    assert scene.mail(word).attempts == 3


def test_a_key_that_is_refused_pauses_nothing_and_says_so(
    scene: Scene, campaign: UUID, sender: MakeSender
) -> None:
    """P8: nothing went out wrong; ops mend it, and the campaign goes on by itself."""
    refused = sender(batch_size=10, api_key="SG.wrong")
    for _ in range(5):
        progress = send(refused, campaign)
        assert progress.problem == "the mail service refuses our key, account or settings"
    assert state(scene, campaign) == "running"
    assert send(sender(), campaign).accepted == 200


def test_two_refused_requests_that_held_three_quarters_of_the_copies_pause_it(
    scene: Scene, campaign: UUID, sender: MakeSender, sandbox: RunningSandbox
) -> None:
    """P8: there may never be a third one."""
    sandbox.misbehave("500", times=2)
    sending = sender(batch_size=75)
    assert [send(sending, campaign).held for _ in range(2)] == [False, True]
    (reason,) = reasons(scene)
    assert "the requests of 150 of 200 copies with an error (5xx)" in reason
    assert state(scene, campaign) == "paused"


def test_a_breaker_that_looked_a_moment_ago_does_not_look_again(
    scene: Scene, campaign: UUID, sender: MakeSender, monkeypatch: pytest.MonkeyPatch
) -> None:
    """P8: looking costs a question to the database: once a second, not with each request."""
    monkeypatch.setattr(activities.mail.breaker, "LOOK_EVERY_SECONDS", 3600.0)
    looks = []
    monkeypatch.setattr(
        activities.mail.breaker, "why_stop_campaign", lambda *asked: looks.append(asked)
    )
    batch = Batch(subject_id=campaign, step=FIRST_NOTICE)
    assert sender(batch_size=10).send(batch, NOW) == SendProgress(accepted=200)
    assert len(looks) == 1
    assert state(scene, campaign) == "running"
