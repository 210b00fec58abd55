"""The watchdog raises alarms, sees to those that the webhook did not take, and says it lives."""

import logging
from collections.abc import Iterator
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from sqlmodel import select

from activities import patrol
from activities.mail.courier import Courier
from activities.patrol import PatrolActivities
from activities.requests.retention import Retention
from database.engine import Database
from database.mail import outbox
from database.mail.mail_status import requests_in_vain
from database.storage import Storage
from database.tables import Alarm, Fact, MailAttempt, OutboxMail
from database.webhooks.alarms import AlarmKind, sound
from domain.requests.data_subject_requests import Intake
from tests.eventually import eventually
from tests.people import DORA
from tests.scene import loose_mails
from tests.texts import FIRST
from tests.webhook_receiver import SECRET, Receiver, Taken, receiving
from tests.workflows.conftest import Town, town

pytestmark = pytest.mark.temporal
NOT_NOW = "it answers 503"


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    """A program of the company that takes alarms."""
    with receiving() as receiver:
        yield receiver


@pytest.fixture
def alarmed_town(database: Database, tmp_path: Path, receiver: Receiver) -> Iterator[Town]:
    """A town with an alarm webhook and a dead-man switch, which are one program."""
    with town(
        database,
        tmp_path,
        alarm_webhook_url=receiver.url,
        alarm_webhook_secret=SECRET,
        dead_man_url=receiver.url.replace("/alarms", "/dead-man"),
    ) as running:
        yield running


def posted(receiver: Receiver) -> list[dict[str, Any]]:
    return [one.verified() for one in receiver.taken if one.path == "/alarms"]


def pings(receiver: Receiver) -> list[Taken]:
    return [one for one in receiver.taken if one.path == "/dead-man"]


def more_than(tries: int, receiver: Receiver) -> bool:
    return len(receiver.taken) > tries


def alarm_waits(town: Town) -> None:
    with town.database.transaction() as transaction:
        kind = AlarmKind.MAILS_UNSETTLED
        sound(transaction, kind, "a day", town.now(), page="/staff/ops", mails=1)


def test_an_alarm_that_was_not_taken_is_posted_until_it_is(
    alarmed_town: Town, receiver: Receiver
) -> None:
    """P21: by a workflow that says whose turn it is, and ends when the webhook has it."""
    town = alarmed_town
    alarm_waits(town)
    receiver.down = True
    assert "alarm-delivery: started" in " ".join(town.patrol().repaired)
    eventually(lambda: NOT_NOW in town.told("alarm-delivery").get("waits_for", ""))
    assert town.told("alarm-delivery")["whose_turn"] == "alarm webhook"
    assert town.patrol().repaired == ()
    receiver.down = False
    town.advance(minutes=11)
    eventually(lambda: town.told("alarm-delivery")["waits_for"].startswith("nothing"))
    with town.database.session() as session:
        assert session.exec(select(Alarm.state)).one() == "delivered"
    assert len({one.id for one in receiver.taken if one.path == "/alarms"}) == 1


def test_alarms_wait_no_longer_because_events_are_not_taken(
    database: Database, tmp_path: Path, receiver: Receiver
) -> None:
    """P21: a round comes each half minute, however long the webhook of events is down."""
    receiver.down = True
    with town(
        database, tmp_path, events_webhook_url=receiver.url, events_webhook_secret=SECRET
    ) as running:
        running.put_in_force(FIRST)
        running.patrol()
        eventually(lambda: NOT_NOW in running.told("alarm-delivery").get("waits_for", ""))
        for _minute in range(5):
            before = len(receiver.taken)
            running.advance(minutes=1)
            eventually(partial(more_than, before, receiver))


def test_what_stands_still_is_an_alarm_once_a_day(alarmed_town: Town, receiver: Receiver) -> None:
    """P21, P31: by its workflow's id, which is of nobody."""
    town = alarmed_town
    town.put_in_force(FIRST)
    intake = Intake(name="Dora", contact_address=DORA.email, kinds=("access",))
    request = town.desk.receive(intake, channel="web")
    eventually(lambda: town.mails(to=DORA.email))
    town.clock.advance(timedelta(days=3))
    town.patrol()
    town.patrol()
    (message,) = posted(receiver)
    assert message["type"] == "watchdog.stuck"
    assert message["data"] == {
        "workflow_id": f"data-subject-request/{request.id}",
        "why": patrol.LATE,
        "in_all": 1,
        "url": "http://127.0.0.1:8000/staff/ops",
    }
    town.clock.advance(timedelta(days=1))
    town.patrol()
    assert [one["type"] for one in posted(receiver)] == ["watchdog.stuck"] * 2


def test_mails_that_wait_for_a_person_are_an_alarm_once_a_day(
    alarmed_town: Town, receiver: Receiver
) -> None:
    """P4: nobody but ops can settle them."""
    town = alarmed_town
    with town.database.transaction() as transaction:
        outbox.queue(transaction, loose_mails(2), town.now())
        for mail in transaction.exec(select(OutboxMail)).all():
            mail.state = "operator"
    town.patrol()
    town.patrol()
    (message,) = posted(receiver)
    assert (message["type"], message["data"]["mails"]) == ("mails.unsettled", 2)


def test_a_mail_service_that_takes_nothing_is_an_alarm_that_mail_could_not_bring(
    alarmed_town: Town, receiver: Receiver
) -> None:
    """P21: not for what is away for a moment; for a quarter of an hour, once a day."""
    town = alarmed_town
    town.put_in_force(FIRST)
    town.mail.misbehave("401", times=None)
    intake = Intake(name="Dora", contact_address=DORA.email, kinds=("access",))
    town.desk.receive(intake, channel="web")
    eventually(lambda: tries(town) == 1)
    town.patrol()
    assert posted(receiver) == []
    town.advance(minutes=20)
    eventually(lambda: tries(town) >= 3)
    town.patrol()
    town.patrol()
    (message,) = posted(receiver)
    assert message["type"] == "mail.not_taken"
    assert message["data"]["requests"] >= 3
    town.mail.misbehave("off")
    town.advance(minutes=11)
    eventually(lambda: town.mails(to=DORA.email))
    with town.database.session() as session:
        assert requests_in_vain(session, town.now()) == 0


def tries(town: Town) -> int:
    with town.database.session() as session:
        return len(session.exec(select(MailAttempt.id)).all())


def test_the_dead_man_switch_hears_of_each_complete_round(
    alarmed_town: Town, receiver: Receiver
) -> None:
    """P21: whoever waits for it outside hears when the watchdog stays away."""
    alarmed_town.patrol()
    alarmed_town.patrol()
    assert [one.method for one in pings(receiver)] == ["GET"] * 2


def going_round(town: Town) -> PatrolActivities:
    url = town.settings.dead_man_url.get_secret_value()
    courier = Courier(database=town.database, webhook=None, base_url="")
    return PatrolActivities(
        database=town.database,
        clock=town.clock,
        client=town.client,
        company=town.settings.company,
        courier=courier,
        settle_after=timedelta(seconds=town.settings.mail_settle_after_seconds),
        retention=Retention(
            database=town.database,
            storage=Storage(town.settings.storage_folder, town.settings.data_keys),
            periods=town.settings.request_periods,
            pseudonym_key=town.settings.suppression_key_bytes,
        ),
        storage=Storage(town.settings.storage_folder, town.settings.data_keys),
        dead_man_url=url,
    )


def test_a_round_that_failed_is_not_told_to_the_dead_man_switch(
    alarmed_town: Town, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    """P21: that is what it is for."""

    def broken(*_: object) -> None:
        raise RuntimeError("the register cannot be read")

    monkeypatch.setattr(patrol, "register", broken)
    with pytest.raises(RuntimeError):
        alarmed_town.portal.call(going_round(alarmed_town).patrol)
    assert pings(receiver) == []


def test_a_dead_man_switch_that_is_away_fails_no_round(
    alarmed_town: Town, receiver: Receiver, caplog: pytest.LogCaptureFixture
) -> None:
    receiver.down = True
    with caplog.at_level(logging.WARNING, "promisekeeper.watchdog"):
        assert alarmed_town.portal.call(going_round(alarmed_town).patrol).stuck == ()
    assert caplog.messages == [
        f"The dead-man switch was not reached: {NOT_NOW}. The next round tries."
    ]


def test_without_a_webhook_no_workflow_is_started_for_alarms(running_town: Town) -> None:
    town = running_town
    alarm_waits(town)
    assert town.patrol().repaired == ()
    with town.database.session() as session:
        assert session.exec(select(Alarm.state)).one() == "mail_only"
        assert session.exec(select(Fact).where(Fact.kind == "watchdog.started")).all() == []
