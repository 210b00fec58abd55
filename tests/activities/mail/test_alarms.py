"""Alarms reach staff by a second way, whatever becomes of mail (P8, P21)."""

import json
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from uuid import UUID

import pytest
from sqlmodel import col, select
from temporalio.testing import ActivityEnvironment

import activities.mail.breaker
from activities.campaigns.campaigns import CampaignActivities
from activities.campaigns.case import StepInput
from activities.mail import courier as couriers
from activities.mail.courier import Courier, Round, RoundInput
from activities.mail.outbox import Sender
from activities.requests.requests import RequestActivities, RequestInput
from database.campaigns import freezing
from database.mail.mail_rows import Batch
from database.tables import Alarm, Campaign
from database.webhooks import alarms, posts
from database.webhooks.alarms import AlarmKind
from domain.company import Officers
from domain.requests.identity import IdentityNumbers
from domain.requests.ladder import request_ladder
from mail.webhooks import Webhook
from settings import Settings
from tests.people import ALICE, BOB
from tests.sandbox_server import RunningSandbox
from tests.scene import NOW, Scene
from tests.webhook_receiver import SECRET, Receiver, receiving

MakeSender = Callable[..., Sender]
SITE = "https://privacy.example"
A_DAY = timedelta(days=1)


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    """A program of the company that takes alarms."""
    with receiving() as receiver:
        yield receiver


@pytest.fixture
def courier(scene: Scene, receiver: Receiver, monkeypatch: pytest.MonkeyPatch) -> Courier:
    monkeypatch.setattr(couriers, "LEFT_ALONE_SECONDS", 0.0)
    webhook = Webhook(receiver.url, SECRET)
    return Courier(database=scene.database, webhook=webhook, base_url=SITE)


@pytest.fixture
def campaign(scene: Scene) -> UUID:
    """First notices to Alice and Bob wait."""
    scene.import_accounts(ALICE, BOB)
    campaign = scene.campaign()
    freezing.freeze_audience(scene.database, campaign, NOW)
    scene.queue_step(campaign)
    return campaign


@pytest.fixture
def escalate(steps: CampaignActivities, campaign: UUID) -> Callable[[], None]:
    """The campaign's owner is to hear who stays silent."""

    def take() -> None:
        what = StepInput(campaign_id=campaign, step="escalation_owner", due_at=NOW, now=NOW)
        ActivityEnvironment().run(steps.escalate, what)

    return take


@pytest.fixture
def post(courier: Courier) -> Callable[..., Round]:
    """The courier goes a round, as the workflow sends it."""
    return lambda later=timedelta(): ActivityEnvironment().run(
        courier.deliver_alarms, RoundInput(now=NOW + later)
    )


def rows(scene: Scene) -> list[Alarm]:
    with scene.database.session() as session:
        return list(session.exec(select(Alarm).order_by(col(Alarm.raised_at), col(Alarm.id))).all())


def sound(scene: Scene, occasion: str) -> None:
    with scene.database.transaction() as transaction:
        alarms.sound(
            transaction, AlarmKind.MAILS_UNSETTLED, occasion, NOW, page="/staff/ops", mails=3
        )


def test_silence_reaches_the_owner_by_webhook_while_mail_is_down(
    scene: Scene, escalate: Callable[[], None], receiver: Receiver, sandbox: RunningSandbox
) -> None:
    """P5: with the counts and the page, and of nobody."""
    scene.take_mails()
    sandbox.misbehave("401", times=None)
    escalate()
    assert sandbox.messages() == []
    (message,) = receiver.messages()
    assert message == {
        "type": "campaign.escalated",
        "timestamp": "2026-03-02T09:00:00Z",
        "data": {
            "policy": "privacy-policy",
            "version": 2,
            "step": "escalation_owner",
            "addressees": 2,
            "declined": 0,
            "silent": 2,
            "not_reached": message["data"]["not_reached"],
            "url": f"{SITE}/staff/policies/privacy-policy/versions/2",
        },
    }


def test_mail_goes_out_while_the_webhook_is_down_and_the_alarm_waits(
    scene: Scene,
    escalate: Callable[[], None],
    receiver: Receiver,
    sandbox: RunningSandbox,
    post: Callable[..., Round],
) -> None:
    """P5: neither way holds up the other, and the same alarm is posted once, with the same id."""
    receiver.answers = [500, 500]
    escalate()
    escalate()  # as its workflow does, until all is out
    (mail,) = sandbox.messages()
    assert mail["to"] == "lena@staff.example"
    (alarm,) = rows(scene)
    assert (alarm.state, alarm.attempts, alarm.problem) == ("waiting", 2, "it answers 500")
    assert post() == Round(waiting=0)
    assert len({taken.id for taken in receiver.taken}) == 1
    assert len(receiver.taken) == 3
    (alarm,) = rows(scene)
    assert (alarm.state, alarm.settled_at is not None) == ("delivered", True)
    escalate()
    assert len(receiver.taken) == 3


def test_a_campaign_that_the_breaker_pauses_says_so_and_why(
    scene: Scene,
    campaign: UUID,
    sender: MakeSender,
    receiver: Receiver,
    sandbox: RunningSandbox,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """P8: also when the mail about it cannot go out either."""
    monkeypatch.setattr(activities.mail.breaker, "LOOK_EVERY_SECONDS", 0.0)
    monkeypatch.setattr(activities.mail.breaker, "why_stop_campaign", lambda *_: "too many bounce")
    sandbox.misbehave("500", times=None)
    sender().send(Batch(subject_id=campaign, step="first_notice"), NOW)
    with scene.database.session() as session:
        assert session.get_one(Campaign, campaign).state == "paused"
    (message,) = receiver.messages()
    assert message["type"] == "campaign.stopped"
    data = message["data"]
    assert (data["stopped_by"], data["reason"]) == ("breaker", "too many bounce")


def test_of_a_request_escalations_the_breach_and_each_day_overdue_are_alarms(
    scene: Scene, courier: Courier, receiver: Receiver
) -> None:
    """P21, P31: what comes earlier than the rung of three days is mailed alone; nobody is named."""
    request = scene.request("dora@people.example")
    climbing = RequestActivities(
        database=scene.database,
        company=Settings(_env_file=None).company,
        officers=Officers(),
        courier=courier,
        identity=IdentityNumbers(),
        sources={},
    )
    ladder = request_ladder(
        request_id=request.id,
        received_at=request.received_at,
        due_at=request.due_at,
        office=Settings(_env_file=None).company.office,
    )
    for at in (*(rung.at for rung in ladder), request.due_at + A_DAY, request.due_at + 2 * A_DAY):
        climbing.climb(RequestInput(request_id=request.id, now=at))
    told = [(message["type"], message["data"]["rung"]) for message in receiver.messages()]
    assert told == [
        ("request.escalated", "d-3"),
        ("request.escalated", "d-2"),
        ("request.breached", "breach"),
        ("request.overdue", "overdue-1"),
        ("request.overdue", "overdue-2"),
    ]
    data = receiver.messages()[0]["data"]
    assert data["url"] == f"{SITE}/staff/requests/{request.reference}"
    assert data["due_at"] == "2026-04-01T09:00:00Z"
    said = json.dumps(receiver.messages()).lower()
    assert not any(word in said for word in ("dora", "dahl", "people.example"))


def test_one_that_is_refused_holds_up_no_other(
    scene: Scene, receiver: Receiver, post: Callable[..., Round]
) -> None:
    for occasion in ("first", "second", "third"):
        sound(scene, occasion)
    receiver.answers = [400]
    assert post() == Round(waiting=1, problem="it answers 400")
    first, *others = rows(scene)
    assert (first.state, first.problem) == ("waiting", "it answers 400")
    assert [alarm.state for alarm in others] == ["delivered"] * 2


def test_a_step_posts_its_alarm_though_another_was_just_refused(
    scene: Scene, courier: Courier, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    """P21: the webhook is there, so nobody leaves it alone."""
    monkeypatch.setattr(couriers, "LEFT_ALONE_SECONDS", 3600.0)
    sound(scene, "first")
    receiver.answers = [400]
    courier.tell(NOW)
    sound(scene, "second")
    courier.tell(NOW)
    assert [alarm.state for alarm in rows(scene)] == ["waiting", "delivered"]


def test_one_whose_sender_died_is_posted_again_after_a_minute(
    scene: Scene, receiver: Receiver, post: Callable[..., Round]
) -> None:
    """A receiver knows it by its id."""
    sound(scene, "today")
    with scene.database.transaction() as transaction:
        assert posts.claim(transaction, Alarm, NOW)
    assert post() == Round(waiting=1)
    assert receiver.taken == []
    assert post(posts.CLAIMED_FOR) == Round(waiting=0)
    (alarm,) = rows(scene)
    assert [taken.id for taken in receiver.taken] == [f"alarm_{alarm.id}"]


def test_couriers_of_several_workers_post_each_alarm_once(
    scene: Scene, courier: Courier, receiver: Receiver
) -> None:
    for number in range(40):
        sound(scene, f"day {number}")
    with ThreadPoolExecutor(4) as workers:
        list(workers.map(courier.tell, [NOW] * 4))
    assert len(receiver.taken) == len({taken.id for taken in receiver.taken}) == 40
    assert {alarm.state for alarm in rows(scene)} == {"delivered"}


def test_one_occasion_raises_one_alarm(scene: Scene, post: Callable[..., Round]) -> None:
    sound(scene, "2026-03-02")
    assert post() == Round(waiting=0)
    sound(scene, "2026-03-02")
    assert [alarm.state for alarm in rows(scene)] == ["delivered"]


def test_a_webhook_that_just_failed_is_not_waited_for_by_every_step(
    scene: Scene,
    courier: Courier,
    receiver: Receiver,
    post: Callable[..., Round],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """P21: one that hangs does not hold up ten thousand requests at nine o'clock."""
    monkeypatch.setattr(couriers, "LEFT_ALONE_SECONDS", 3600.0)
    sound(scene, "first")
    receiver.answers = [503]
    courier.tell(NOW)
    courier.tell(NOW)
    assert len(receiver.taken) == 1
    assert post() == Round(waiting=0)


def test_without_a_webhook_alarms_stay_with_the_mails_and_none_is_posted_later(
    scene: Scene, courier: Courier, receiver: Receiver
) -> None:
    """Who sets one next month is not told of last month."""
    sound(scene, "today")
    by_mail = Courier(database=scene.database, webhook=None, base_url=SITE)
    by_mail.tell(NOW)
    assert not by_mail.owes(NOW)
    assert [alarm.state for alarm in rows(scene)] == ["mail_only"]
    courier.tell(NOW)
    assert receiver.taken == []
