"""Passing time when something is amiss: nothing moves ahead of the clock, or moves twice."""

import asyncio
from datetime import timedelta
from functools import partial
from uuid import uuid4

import pytest
from anyio.from_thread import start_blocking_portal
from temporalio import workflow
from temporalio.client import Client
from temporalio.worker import Worker

import temporal
from clock import Clock, ClockIsReal
from database.engine import Database
from tests.workflows.conftest import start_temporal
from tests.workflows.lags import LAG, lags_behind
from workflows import fast_forward
from workflows.fast_forward import LeftBehind, pass_time

pytestmark = pytest.mark.temporal


@pytest.fixture(autouse=True)
def long_days() -> None:
    """Here days pass one by one, as they do for everybody else."""


DAY = timedelta(days=1)
FAR_AWAY = 400 * DAY


def test_a_temporal_that_is_down_moves_no_time(database: Database) -> None:
    clock = Clock(database, development=True)
    with start_blocking_portal() as portal:
        client = portal.call(partial(temporal.connect, "127.0.0.1:9", lazy=True))
        with pytest.raises(LeftBehind, match="no time has passed"):
            portal.call(pass_time, client, clock, DAY)
    assert clock.offset() == timedelta(0)


def test_production_refuses_before_it_asks_anybody(database: Database) -> None:
    clock = Clock(database, development=False)
    with start_blocking_portal() as portal:
        client = portal.call(partial(temporal.connect, "127.0.0.1:9", lazy=True))
        with pytest.raises(ClockIsReal, match="only be moved in development"):
            portal.call(pass_time, client, clock, DAY)


@workflow.defn(sandboxed=False)
class Sleeper:
    """Waits for things to come, as every workflow here does."""

    @workflow.run
    async def run(self, _case: temporal.Case | None = None) -> None:
        while True:
            await workflow.sleep(timedelta(hours=10))


async def test_who_was_only_just_started_is_not_moved_twice(database: Database) -> None:
    """A workflow begins by skipping to our time; an advance waits for that."""
    clock = Clock(database, development=True)
    clock.advance(2 * DAY)
    async with await start_temporal() as environment:
        client = environment.client
        async with Worker(client, task_queue=temporal.TASK_QUEUE, workflows=[Sleeper, Watchdog]):
            for number in range(4):
                what = temporal.Start(
                    workflow="Sleeper",
                    workflow_id=str(number),
                    subject_id=uuid4(),
                    summary="asleep",
                )
                now, offset = clock.now(), clock.offset()
                await temporal.start(client, what, as_of=now, offset=offset)
                await pass_time(client, clock, DAY)
            found = await lags_behind(client, clock)
            assert len(found) == 4
            assert all(timedelta(0) <= lag < LAG for lag in found)


@workflow.defn(sandboxed=False)
class Riser:
    """Wakes once, and then sleeps on."""

    def __init__(self) -> None:
        self._slept = FAR_AWAY

    @workflow.run
    async def run(self) -> None:
        begun = workflow.now()
        await workflow.sleep(timedelta(milliseconds=1))
        self._slept = workflow.now() - begun
        await workflow.sleep(FAR_AWAY)

    @workflow.query
    def slept(self) -> timedelta:
        """How long it slept before it woke."""
        return self._slept


async def test_what_is_due_at_this_moment_is_not_put_off_by_the_days_that_pass(
    database: Database,
) -> None:
    """Temporal would skip over a timer that it has not fired yet; here it fires late."""
    clock = Clock(database, development=True)
    late = {"history.timerProcessorMaxTimeShift": '"1s"'}
    async with await start_temporal(late) as environment:
        client = environment.client
        async with Worker(client, task_queue=temporal.TASK_QUEUE, workflows=[Riser, Watchdog]):
            riser = await client.start_workflow(
                Riser.run, id="riser", task_queue=temporal.TASK_QUEUE
            )
            await shown_as_running(client)
            async for event in riser.fetch_history_events(wait_new_event=True):
                if event.HasField("timer_started_event_attributes"):
                    break
            await pass_time(client, clock, DAY)
            assert await riser.query(Riser.slept) < LAG


@workflow.defn(name="watchdog", sandboxed=False)
class Watchdog:
    """Goes round on every day that is skipped; here it has nothing to look after."""

    @workflow.run
    async def run(self) -> None:
        """Nothing is missing."""


async def test_who_is_left_behind_without_a_worker_catches_up_with_the_next_advance(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The words say how far the clock was moved."""
    monkeypatch.setattr(fast_forward, "FOLLOW_WITHIN_SECONDS", 0.5)
    clock = Clock(database, development=True)
    async with await start_temporal() as environment:
        client = environment.client
        await client.start_workflow(Sleeper.run, id="sleeper", task_queue=temporal.TASK_QUEUE)
        await shown_as_running(client)
        for days in (1, 2):  # what the first try asked for is under way when the second comes
            with pytest.raises(LeftBehind, match=r"moved by 1 of 3 days.*they catch up"):
                await pass_time(client, clock, 3 * DAY)
            assert clock.offset() == days * DAY
        monkeypatch.undo()
        async with Worker(client, task_queue=temporal.TASK_QUEUE, workflows=[Sleeper, Watchdog]):
            await pass_time(client, clock, DAY)
            assert timedelta(0) <= (await lags_behind(client, clock))[0] < LAG


async def shown_as_running(client: Client) -> None:
    """The server's list comes a moment after the start."""

    async def listed() -> bool:
        return bool([each async for each in client.list_workflows("ExecutionStatus='Running'")])

    while not await listed():  # noqa: ASYNC110 - the server tells nobody
        await asyncio.sleep(0.01)
