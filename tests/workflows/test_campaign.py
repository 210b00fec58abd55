"""How a campaign gets through when a part of it goes wrong."""

from collections import Counter
from datetime import timedelta
from pathlib import Path

import pytest
from sqlmodel import col, select

import activities.campaigns.campaigns
from database.campaigns import freezing
from database.campaigns.freezing import SHARD_SIZE
from database.engine import Database
from database.people.accounts import AccountRow
from database.tables import Account, CampaignAddressee, OutboxMail
from domain.policies.reviews import VersionClass
from tests.databases import SQLITE, migrated_database
from tests.eventually import eventually
from tests.people import POLICY
from tests.texts import FIRST, SECOND
from tests.workflows.conftest import Town, town
from tests.workflows.living import in_a_while, tell_database
from workflows import acting
from workflows.campaign import SHARDS_IN_A_TRY, TRIES_AT_ONCE

pytestmark = pytest.mark.temporal

PLANTED = """
CREATE TRIGGER planted BEFORE INSERT ON outbox_mail WHEN NEW.shard = 0
BEGIN SELECT RAISE(ABORT, 'planted'); END
"""
FIVE = [
    AccountRow(external_id=f"c-{number}", email=f"person.{number}@people.example")
    for number in range(5)
]


def test_what_goes_wrong_with_one_shard_does_not_hold_up_the_others(tmp_path: Path) -> None:
    """P4: and as soon as it is mended, it gets its mails too."""
    with (
        migrated_database(SQLITE, tmp_path) as database,
        town(database, tmp_path, canary=False) as running,
    ):
        running.put_in_force(FIRST)
        running.import_accounts(
            *(
                AccountRow(external_id=f"c-{number:05}", email=f"person.{number}@people.example")
                for number in range(SHARD_SIZE + 1)
            )
        )
        number = running.prepare(SECOND, VersionClass.APPROVAL)
        tell_database(running, PLANTED)
        running.release(number)
        last = f"person.{SHARD_SIZE}@people.example"
        eventually(lambda: [mail["to"] for mail in running.mails()] == [last])
        assert running.version(number).effective_at is None
        campaign = f"campaign/{POLICY}/{number}"
        eventually(lambda: acting.OURS in running.told(campaign)["waits_for"])
        assert running.told(campaign)["whose_turn"] == "nobody"
        tell_database(running, "DROP TRIGGER planted")
        in_a_while(running, lambda: running.version(number).effective_at)
        copies = Counter(str(mail["to"]) for mail in running.mails())
        assert set(copies.values()) == {1}
        assert len(copies) == SHARD_SIZE + 1


def test_what_goes_wrong_with_a_shard_holds_up_no_other_though_a_try_serves_several(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """P4: those behind it have a try of their own the next time."""
    monkeypatch.setattr(freezing, "SHARD_SIZE", 1)
    many = 2 * SHARDS_IN_A_TRY + 1
    with (
        migrated_database(SQLITE, tmp_path) as database,
        town(database, tmp_path, canary=False) as running,
    ):
        running.put_in_force(FIRST)
        running.import_accounts(
            *(
                AccountRow(external_id=f"c-{number:05}", email=f"person.{number}@people.example")
                for number in range(many)
            )
        )
        number = running.prepare(SECOND, VersionClass.APPROVAL)
        tell_database(running, PLANTED.replace("NEW.shard = 0", "NEW.shard % 3 = 0"))
        running.release(number)
        in_a_while(running, lambda: len(running.mails()) == many - len(range(0, many, 3)))
        tell_database(running, "DROP TRIGGER planted")
        in_a_while(running, lambda: running.version(number).effective_at)
        copies = Counter(str(mail["to"]) for mail in running.mails())
        assert (len(copies), set(copies.values())) == (many, {1})


def test_mails_in_doubt_hold_up_no_other_shard(
    database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """P4: of one nobody knows whether it went out, as its sender died; the campaign does not pause
    before the others have theirs."""
    monkeypatch.setattr(freezing, "SHARD_SIZE", 1)
    many = TRIES_AT_ONCE * SHARDS_IN_A_TRY + 10
    with town(database, tmp_path, canary=False, mail_settle_after_seconds=6 * 60 * 60) as running:
        running.put_in_force(FIRST)
        running.import_accounts(
            *(
                AccountRow(external_id=f"c-{number:05}", email=f"person.{number}@people.example")
                for number in range(many)
            )
        )
        number = running.prepare(SECOND, VersionClass.APPROVAL)
        running.mail.misbehave("401", times=None)
        running.release(number)
        campaign = f"campaign/{POLICY}/{number}"
        eventually(lambda: running.told(campaign).get("stage") == "sending first notice")
        running.come_to_rest()
        running.terminate(campaign)
        with running.database.transaction() as transaction:
            waiting = select(OutboxMail).where(OutboxMail.state == "queued")
            mail = transaction.exec(waiting.order_by(col(OutboxMail.shard))).first()
            assert mail
            mail.state, mail.claimed_at = "unknown", running.now()
        running.mail.misbehave("off")
        running.patrol()
        eventually(lambda: len(running.mails()) == many - 1)
        tries = running.portal.call(steps_before_a_pause, running, campaign)
        assert tries.count("send_shards") > TRIES_AT_ONCE


async def steps_before_a_pause(town: Town, workflow_id: str) -> list[str]:
    """The activities that the last run of a workflow has begun before it first waited."""
    steps = []
    async for event in town.client.get_workflow_handle(workflow_id).fetch_history_events():
        if event.HasField("timer_started_event_attributes"):
            break
        if event.HasField("activity_task_scheduled_event_attributes"):
            steps.append(event.activity_task_scheduled_event_attributes.activity_type.name)
    return steps


async def steps_of(town: Town, workflow_id: str) -> list[str]:
    """The activities that a workflow has begun so far."""
    history = town.client.get_workflow_handle(workflow_id).fetch_history_events()
    return [
        event.activity_task_scheduled_event_attributes.activity_type.name
        async for event in history
        if event.HasField("activity_task_scheduled_event_attributes")
    ]


def test_twenty_shards_are_sent_in_two_tries_and_no_look_who_is_owed_comes_before(
    running_town: Town, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What Temporal keeps of a campaign grows with its tries."""
    town = running_town
    monkeypatch.setattr(freezing, "SHARD_SIZE", 1)
    town.put_in_force(FIRST)
    town.import_accounts(
        *(
            AccountRow(external_id=f"c-{number}", email=f"person.{number}@people.example")
            for number in range(2 * SHARDS_IN_A_TRY)
        )
    )
    number = town.publish(SECOND, VersionClass.APPROVAL)
    eventually(lambda: town.version(number).effective_at)
    assert len(town.mails()) == 2 * SHARDS_IN_A_TRY
    steps = town.portal.call(steps_of, town, f"campaign/{POLICY}/{number}")
    assert steps[:4] == ["freeze_audience", *2 * ["send_shards"], "fix_effective_date"]


def test_a_freeze_that_takes_long_goes_on_in_another_step_until_everybody_is_written_down(
    running_town: Town, monkeypatch: pytest.MonkeyPatch
) -> None:
    """P4: everybody exactly once, and nobody is told that something goes wrong."""
    town = running_town
    monkeypatch.setattr(freezing, "FREEZE_CHUNK", 2)
    monkeypatch.setattr(activities.campaigns.campaigns, "FREEZE_WITHIN", timedelta(0))
    town.put_in_force(FIRST)
    town.import_accounts(*FIVE)
    number = town.publish(SECOND, VersionClass.APPROVAL)
    eventually(lambda: len(town.mails()) == len(FIVE))
    with town.database.session() as session:
        addressed = session.exec(select(CampaignAddressee.account_id)).all()
        assert sorted(addressed) == sorted(session.exec(select(Account.id)).all())
    steps = town.portal.call(steps_of, town, f"campaign/{POLICY}/{number}")
    assert steps.count("freeze_audience") == 4


def test_a_campaign_that_goes_slowly_says_why_and_wakes_nobody(tmp_path: Path) -> None:
    """P8: a rate, and a mail service that asks for patience, are no problem."""
    with (
        migrated_database(SQLITE, tmp_path) as database,
        town(database, tmp_path, canary=False, mail_rate_limit=4) as running,
    ):
        running.put_in_force(FIRST)
        running.import_accounts(*FIVE)
        number = running.prepare(SECOND, VersionClass.APPROVAL)
        running.mail.misbehave("429-without-headers", times=1)
        running.release(number)
        campaign = f"campaign/{POLICY}/{number}"
        patience = "asked us to go slower"
        eventually(lambda: patience in running.told(campaign).get("waits_for", ""))
        assert (
            Counter(str(mail["to"]) for mail in running.mails())
            .keys()
            .isdisjoint({row.email for row in FIVE})
        )
        running.advance(minutes=1)
        slowly = "rate: 4 a minute, about 2 minutes for the rest"
        eventually(lambda: slowly in running.told(campaign)["waits_for"])
        told = running.told(campaign)
        assert "Problem" not in told["waits_for"]
        assert (told["whose_turn"], told["wake"]) == ("nobody", "nobody")
        in_a_while(running, lambda: running.version(number).effective_at)
        copies = Counter(str(mail["to"]) for mail in running.mails())
        assert [copies[row.email] for row in FIVE] == [1] * 5
