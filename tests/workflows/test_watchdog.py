"""The watchdog starts what should be running and is not, and says what it did."""

import logging
import re
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import pytest
from sqlmodel import func, select
from temporalio.client import (
    Client,
    ScheduleDescription,
    ScheduleIntervalSpec,
    ScheduleUpdate,
    ScheduleUpdateInput,
)

import temporal
from activities import chores, patrol
from database.engine import Database
from database.imports import account_imports, unfinished_imports
from database.people import accounts
from database.people.accounts import AccountRow
from database.requests.restrictions import Lift
from database.requests.rungs import acknowledge_step, fire, fired_rungs
from database.storage import Storage
from database.tables import AccountImportRow, Alarm, DataSubjectRequest, Event, Fact, Restriction
from domain.people.restrictions import Reason
from domain.policies.reviews import VersionClass
from domain.requests.data_subject_requests import Intake
from domain.rungs import Role, Rung, RungKind
from tests.answers import IN_FULL
from tests.eventually import eventually
from tests.people import ALICE, DORA
from tests.texts import FIRST, SECOND
from tests.workflows.conftest import Town, town
from tests.workflows.living import in_a_while, send_again_what_is_in_doubt
from worker import watch
from workflows.messenger import Messenger
from workflows.watchdog import EVERY

pytestmark = pytest.mark.temporal


def names(told: tuple[str, ...]) -> set[str]:
    return {line.partition(":")[0] for line in told}


def test_terminated_workflows_come_back_and_nothing_is_sent_twice(
    running_town: Town, caplog: pytest.LogCaptureFixture
) -> None:
    """P4, P21: ops may terminate anything; the database knows what was done."""
    town = running_town
    town.put_in_force(FIRST)
    town.import_accounts(ALICE, DORA)
    number = town.publish(SECOND, VersionClass.APPROVAL)
    eventually(lambda: town.version(number).effective_at)
    request = town.desk.receive(
        Intake(name="Dora", contact_address=DORA.email, kinds=("access",)), channel="web"
    )
    eventually(lambda: len(town.mails()) == 4)
    lost = {
        f"publication/privacy-policy/{number}",
        f"campaign/privacy-policy/{number}",
        f"data-subject-request/{request.id}",
    }
    for workflow_id in lost:
        town.terminate(workflow_id)
    with caplog.at_level(logging.WARNING, "promisekeeper.watchdog"):
        found = town.patrol()
    assert names(found.repaired) == lost
    assert all("it was terminated" in line for line in found.repaired)
    (warning,) = caplog.messages
    assert all(line in warning for line in found.repaired)
    with town.database.session() as session:
        facts = session.exec(select(Fact).where(Fact.kind == "watchdog.started")).all()
    assert {fact.payload["workflow_id"] for fact in facts} == lost
    assert {fact.payload["why"] for fact in facts} == {"it was terminated"}
    assert town.patrol().repaired == ()
    town.advance(days=33)
    eventually(lambda: town.version(number).state == "in_force")
    assert len(town.mails(to=ALICE.email)) == 3


def test_a_request_taken_in_without_temporal_is_started_later(running_town: Town) -> None:
    """P21: the thirty days run although nobody could start the workflow at receipt."""
    town = running_town
    town.put_in_force(FIRST)
    request = lost_request(town)
    assert names(town.patrol().repaired) == {f"data-subject-request/{request.id}"}
    eventually(lambda: town.mails(to=DORA.email))


def test_it_lifts_a_restriction_whose_holder_has_been_told(running_town: Town) -> None:
    """P14: the mail goes out first, and not the other way round."""
    town = running_town
    town.import_accounts(ALICE)
    town.desk.restrict(ALICE.external_id, Reason.REQUESTED, town.staff["petra"], note="")
    with town.database.session() as session:
        restricted = session.exec(select(Restriction)).one().id

    def lifted_at() -> datetime | None:
        with town.database.session() as session:
            return session.get_one(Restriction, restricted).lifted_at

    town.patrol()
    assert lifted_at() is None
    town.desk.lift_restriction(restricted, town.staff["petra"], Lift(explanation="Mended."))
    eventually(lambda: town.mails(to=ALICE.email))
    assert lifted_at() is None
    eventually(lambda: town.patrol() and lifted_at())


def test_it_deletes_what_was_posted_long_ago(
    running_town: Town, monkeypatch: pytest.MonkeyPatch
) -> None:
    """P33: events after thirty days, alarms, which name nobody, after a year; never what waits."""
    monkeypatch.setattr(chores, "PURGED_AT_ONCE", 1)
    now = running_town.now()
    with running_town.database.transaction() as transaction:
        for days in (400, 31, 31, 29):
            settled = now - timedelta(days=days)
            posted: dict[str, Any] = {
                "raised_at": settled,
                "state": "delivered",
                "settled_at": settled,
            }
            transaction.add(Event(kind="restriction.changed", account_id=uuid4(), **posted))
            occasion = f"{days}/{uuid4()}"
            transaction.add(Alarm(kind="a.b", occasion=occasion, content={}, page="/", **posted))
        transaction.add(
            Alarm(kind="a.b", occasion="waits", content={}, page="/", raised_at=settled)
        )
    running_town.patrol()
    with running_town.database.session() as session:
        kept = [now - event.raised_at for event in session.exec(select(Event)).all()]
        alarms = {alarm.occasion.split("/")[0] for alarm in session.exec(select(Alarm)).all()}
    assert kept == [timedelta(days=29)]
    assert {"31", "29", "waits"} <= alarms
    assert "400" not in alarms


def test_its_page_says_what_it_did(running_town: Town) -> None:
    """P21: who opens it in the Temporal UI reads it, also while no worker answers."""
    town = running_town
    town.put_in_force(FIRST)
    lost_request(town)
    found = town.patrol()
    assert found.in_words == (
        "Watched 1 workflow, started 1 that did not run, found 0 that stand still."
    )
    memo = town.portal.call(town.client.get_workflow_handle("watchdog").describe)
    told = town.portal.call(memo.memo)
    assert told["found"] == found.in_words
    assert told["named"] == list(found.repaired)


def test_it_names_what_runs_and_stands_still(running_town: Town) -> None:
    """P7, P21: their own clocks stand, so what is due by ours does not come."""
    town = running_town
    town.put_in_force(FIRST)
    town.import_accounts(ALICE, DORA)
    number = town.publish(SECOND, VersionClass.APPROVAL)
    eventually(lambda: town.version(number).effective_at)
    request = town.desk.receive(
        Intake(name="Dora", contact_address=DORA.email, kinds=("access",)), channel="web"
    )
    assert town.patrol().stuck == ()
    town.clock.advance(timedelta(days=3))
    assert names(town.patrol().stuck) == {f"data-subject-request/{request.id}"}
    town.clock.advance(timedelta(days=37))
    all_three = {
        f"data-subject-request/{request.id}",
        f"publication/privacy-policy/{number}",
        f"campaign/privacy-policy/{number}",
    }
    # The date is in the database a moment before the publication has read it and says so.
    eventually(lambda: names(town.patrol().stuck) == all_three)
    town.advance(minutes=1)
    assert eventually(lambda: town.patrol().stuck == ())


def test_a_campaign_is_told_that_none_of_its_mails_is_in_doubt_any_more(
    running_town: Town,
) -> None:
    """P4: it looks by itself after six hours; till then ops would be sent to an empty list."""
    town = running_town
    town.put_in_force(FIRST)
    town.import_accounts(ALICE)
    number = town.prepare(SECOND, VersionClass.APPROVAL)
    town.mail.misbehave("500", times=1)
    town.release(number)
    in_a_while(town, lambda: town.version(number).effective_at)
    campaign = f"campaign/privacy-policy/{number}"
    eventually(lambda: town.told(campaign)["whose_turn"] == "ops")
    eventually(lambda: names(town.patrol().stuck) == {campaign})
    send_again_what_is_in_doubt(town)
    eventually(lambda: town.mails(to=ALICE.email))
    eventually(lambda: town.patrol().stuck == ())
    assert town.told(campaign)["whose_turn"] == "account holders"


@pytest.fixture
def impatient_town(database: Database, tmp_path: Path) -> Iterator[Town]:
    """A town whose server reports the first failure of a workflow's code."""
    at_once = {"system.numConsecutiveWorkflowTaskProblemsToTriggerSearchAttribute": 1}
    with town(database, tmp_path, server_settings=at_once) as running:
        yield running


def test_it_names_what_fails_at_its_own_code(impatient_town: Town) -> None:
    """P21: that it cannot mend; ops have to bring back the code that fits."""
    town = impatient_town

    async def unknown() -> None:
        await town.client.start_workflow(
            "of-another-release", id="of-another-release/1", task_queue=temporal.TASK_QUEUE
        )

    town.portal.call(unknown)
    (line,) = eventually(lambda: town.patrol().stuck)
    assert line.startswith("of-another-release/1: stands still, because its code fails")


def lost_request(town: Town) -> DataSubjectRequest:
    """Dora's request, whose workflow is terminated."""
    request = town.desk.receive(
        Intake(name="Dora", contact_address=DORA.email, kinds=("access",)), channel="web"
    )
    town.terminate(f"data-subject-request/{request.id}")
    return request


def put_aside(town: Town, *rows: AccountRow, now: datetime) -> UUID:
    import_id, omar = uuid4(), town.staff["omar"]
    staging = account_imports.stage(town.database, import_id, rows, asserted_by=omar, now=now)
    assert sum(staging) == len(rows)
    return import_id


def decided_import(town: Town) -> None:
    """Somebody imported Alice, and was stopped just after the decision."""
    import_id = put_aside(town, ALICE, now=town.now())
    assert account_imports.decide(town.database, import_id, town.now())


@pytest.mark.parametrize(
    ("of", "step", "told"),
    [
        (patrol, "carry_on_imports", "imports of accounts: stands still, because carrying one"),
        (
            Storage,
            "older_than",
            "copies of people's data: stands still, because seeing to them",
        ),
    ],
)
def test_what_goes_wrong_beside_holds_up_nothing_and_is_named(
    running_town: Town, monkeypatch: pytest.MonkeyPatch, of: object, step: str, told: str
) -> None:
    """P21: whatever becomes of an import or a file, the thirty days of a request run."""

    def broken(*_: object) -> None:
        raise ValueError("alice@example.com")

    town = running_town
    town.put_in_force(FIRST)
    request = lost_request(town)
    monkeypatch.setattr(of, step, broken)
    found = town.patrol()
    assert names(found.repaired) == {f"data-subject-request/{request.id}"}
    (line,) = found.stuck
    assert re.fullmatch(rf"{told} goes wrong: incident [-0-9a-f]+", line)


def test_a_large_import_is_left_to_the_next_round(
    running_town: Town, monkeypatch: pytest.MonkeyPatch
) -> None:
    """P21: a round comes to its end in time, and an import at last to its own."""
    town = running_town
    town.put_in_force(FIRST)
    decided_import(town)
    monkeypatch.setattr(unfinished_imports, "STANDSTILL_SECONDS", 0)
    with monkeypatch.context() as in_haste:
        in_haste.setattr(patrol, "IMPORTS_WITHIN", timedelta(0))
        found = town.patrol()
    assert found.stuck == ()
    (line,) = found.repaired
    assert line == (
        "imports of accounts: carried on, because a large one had been left in the middle; "
        "the next round goes on with what is left"
    )
    assert town.patrol().stuck == ()
    with town.database.session() as session:
        assert accounts.count_accounts(session) == 1


def test_a_large_dead_import_is_thrown_away_over_several_rounds(
    running_town: Town, monkeypatch: pytest.MonkeyPatch
) -> None:
    """P21: a round comes to its end in time, and nothing was carried on, so none is named."""
    town = running_town
    chunk = account_imports.CHUNK
    rows = [AccountRow(external_id=f"c{n:03}", email=f"c{n}@example.com") for n in range(2 * chunk)]
    put_aside(town, *rows, now=town.now() - account_imports.LONGEST_STAGING)
    monkeypatch.setattr(patrol, "IMPORTS_WITHIN", timedelta(0))
    left = []
    for _ in range(2):
        found = town.patrol()
        assert (found.repaired, found.stuck) == ((), ())
        with town.database.session() as session:
            left.append(session.exec(select(func.count()).select_from(AccountImportRow)).one())
    assert left == [chunk, 0]


def test_an_import_that_somebody_is_at_is_as_it_should_be(
    running_town: Town, monkeypatch: pytest.MonkeyPatch
) -> None:
    """P21: however long it takes, a round neither waits for it nor warns of it."""
    town = running_town
    decided_import(town)
    monkeypatch.setattr(unfinished_imports, "_standstill", lambda *_: None)
    monkeypatch.setattr(patrol, "IMPORTS_WITHIN", timedelta(0))
    found = town.patrol()
    assert (found.repaired, found.stuck) == ((), ())
    assert "import" not in found.in_words


def test_an_import_that_was_left_in_the_middle_is_carried_on_and_that_is_said(
    running_town: Town, monkeypatch: pytest.MonkeyPatch
) -> None:
    """P21, P31: in the round's result and its page, in the log and in the facts; of nobody."""
    town = running_town
    monkeypatch.setattr(unfinished_imports, "STANDSTILL_SECONDS", 0)
    decided_import(town)
    found = town.patrol()
    assert found.repaired == (
        "imports of accounts: carried on to the end, because one had been left in the middle",
    )
    assert found.in_words == (
        "Watched 0 workflows, started 0 that did not run, found 0 that stand still. "
        "Carried on an import of accounts that had been left in the middle."
    )
    with town.database.session() as session:
        fact = session.exec(select(Fact).where(Fact.kind == unfinished_imports.CARRIED_ON)).one()
        assert fact.payload["rows_left"] == accounts.count_accounts(session) == 1
    assert town.patrol().repaired == ()


def test_what_was_started_is_a_fact_although_another_could_not_be(
    running_town: Town, monkeypatch: pytest.MonkeyPatch
) -> None:
    town = running_town
    town.put_in_force(FIRST)
    ids = [f"data-subject-request/{lost_request(town).id}" for _ in range(2)]
    failures = [RuntimeError("Temporal is away for a moment")]
    start = temporal.start

    async def moody(
        client: Client, what: temporal.Start, *, as_of: datetime, offset: timedelta
    ) -> object:
        if what.workflow_id == ids[0] and failures:
            raise failures.pop()
        return await start(client, what, as_of=as_of, offset=offset)

    monkeypatch.setattr(temporal, "start", moody)
    assert town.patrol().stuck == ()
    with town.database.session() as session:
        facts = session.exec(select(Fact).where(Fact.kind == "watchdog.started")).all()
    assert sorted(str(fact.payload["workflow_id"]) for fact in facts) == sorted(ids)


def test_a_ladder_that_moved_with_the_companys_zone_is_not_late(running_town: Town) -> None:
    """P21: what fired has fired, by whichever clock."""
    town = running_town
    town.put_in_force(FIRST)
    request = town.desk.receive(
        Intake(name="Dora", contact_address=DORA.email, kinds=("access",)), channel="web"
    )
    town.advance(days=20)
    assert eventually(lambda: town.patrol().stuck == ())
    with town.database.transaction() as transaction:
        fired = fired_rungs(transaction, request.id)
        assert fired
        for rung in fired:
            rung.stood_at -= timedelta(hours=11)
            transaction.add(rung)
    assert town.patrol().stuck == ()


def test_an_answer_whose_workflow_is_sending_it_gets_no_second_sender(running_town: Town) -> None:
    """P22: it waits for the mail service; only when its workflow is gone, another sends it."""
    town = running_town
    town.put_in_force(FIRST)
    request = town.desk.receive(
        Intake(name="Dora", contact_address=DORA.email, kinds=("access",)), channel="web"
    )
    town.desk.verify(request.id, how="link to the address on file")
    eventually(lambda: town.mails(to=DORA.email))
    town.mail.misbehave("401", times=None)
    town.desk.decide(request.reference, town.staff["petra"], IN_FULL)
    assert town.patrol().repaired == ()
    town.terminate(f"data-subject-request/{request.id}")
    assert eventually(lambda: town.patrol().repaired)[0].startswith("mail-delivery/")


async def schedule(client: Client) -> ScheduleDescription:
    return await client.get_schedule_handle(temporal.WATCHDOG).describe()


def ops_pause_it(town: Town) -> None:
    """Ops pause the watchdog. Temporal says yes before it does it."""
    handle = town.client.get_schedule_handle(temporal.WATCHDOG)
    town.portal.call(handle.pause)
    eventually(lambda: town.portal.call(schedule, town.client).schedule.state.paused)


def test_a_schedule_of_an_older_release_goes_as_often_as_this_one_and_stays_paused(
    running_town: Town,
) -> None:
    town = running_town

    def older(found: ScheduleUpdateInput) -> ScheduleUpdate:
        schedule = found.description.schedule
        schedule.spec.intervals = [ScheduleIntervalSpec(every=timedelta(hours=1))]
        return ScheduleUpdate(schedule=schedule)

    def goes_every(period: timedelta) -> bool:
        found = town.portal.call(schedule, town.client)
        return [interval.every for interval in found.schedule.spec.intervals] == [period]

    town.portal.call(watch, town.client)
    town.portal.call(town.client.get_schedule_handle(temporal.WATCHDOG).update, older)
    eventually(lambda: goes_every(timedelta(hours=1)))
    ops_pause_it(town)
    town.portal.call(watch, town.client)
    eventually(lambda: goes_every(EVERY))
    assert town.portal.call(schedule, town.client).schedule.state.paused


def test_a_start_of_the_same_release_leaves_the_schedule_alone(running_town: Town) -> None:
    """An update would take back what ops press at the same moment."""
    town = running_town
    town.portal.call(watch, town.client)
    town.portal.call(watch, town.client)
    ops_pause_it(town)  # what was written before shows by then
    assert town.portal.call(schedule, town.client).info.last_updated_at is None


@pytest.mark.parametrize("lost", ["never started", "terminated", "cancelled"])
def test_a_request_without_a_workflow_is_repaired_whatever_became_of_it(
    running_town: Town, monkeypatch: pytest.MonkeyPatch, lost: str
) -> None:
    """P21: its thirty days run on, and its ladder speaks once."""
    town = running_town
    town.put_in_force(FIRST)
    town.import_accounts(DORA)
    dora = Intake(name="Dora", contact_address=DORA.email, kinds=("access",))
    if lost == "never started":
        with monkeypatch.context() as away:
            away.setattr(Messenger, "start_or_leave", lambda *_: None)
            request = town.desk.receive(dora, channel="web")
    else:
        request = town.desk.receive(dora, channel="web")
        eventually(lambda: len(town.mails(to=DORA.email)) == 2)
    workflow_id = f"data-subject-request/{request.id}"
    if lost == "terminated":
        town.terminate(workflow_id)
    if lost == "cancelled":
        handle = town.client.get_workflow_handle(workflow_id)
        town.portal.call(handle.cancel)
        eventually(lambda: names(town.patrol().repaired) == {workflow_id})
    else:
        assert names(town.patrol().repaired) == {workflow_id}
    eventually(lambda: len(town.mails(to=DORA.email)) == 2)
    assert eventually(lambda: town.patrol().stuck == ())
    town.advance(days=5)
    with town.database.session() as session:
        fired = [rung.rung for rung in fired_rungs(session, request.id)]
    assert fired.count("unassigned") == 1
    assert len(set(fired)) == len(fired)


def test_a_turn_that_is_an_hour_late_is_shouted_about(running_town: Town) -> None:
    """P21: also of a step that nobody acknowledged, as its workflow does not move on."""
    town = running_town
    town.put_in_force(FIRST)
    request = town.desk.receive(
        Intake(name="Dora", contact_address=DORA.email, kinds=("access",)), channel="web"
    )
    rung = Rung(
        key="unassigned",
        at=town.now(),
        kind=RungKind.ESCALATION,
        audience=(Role.BACKUP,),
        summary="nobody's yet",
    )
    with town.database.transaction() as transaction:
        row = transaction.get_one(DataSubjectRequest, request.id)
        fire(transaction, row, rung, now=town.now())
    assert eventually(lambda: town.patrol().stuck == ())
    town.clock.advance(timedelta(days=6))
    assert names(town.patrol().stuck) == {f"data-subject-request/{request.id}"}
    with town.database.transaction() as transaction:
        row = transaction.get_one(DataSubjectRequest, request.id)
        acknowledge_step(transaction, row, town.staff["petra"], town.now())
    assert town.patrol().stuck == ()
