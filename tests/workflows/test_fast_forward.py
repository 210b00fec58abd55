"""Passing time when something is amiss: nothing moves ahead of the clock, or moves twice."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial
from typing import Any
from uuid import uuid4

import pytest
from anyio.from_thread import start_blocking_portal
from temporalio import activity, workflow
from temporalio.client import Client, WorkflowHandle
from temporalio.testing import TimeSkipper
from temporalio.worker import Worker

import temporal
from clock import Clock, ClockIsReal
from database.engine import Database
from tests.workflows.conftest import start_temporal
from tests.workflows.lags import LAG, lags_behind
from workflows import fast_forward
from workflows.acting import reach
from workflows.fast_forward import LeftBehind, pass_time

pytestmark = pytest.mark.temporal


@pytest.fixture(autouse=True)
def long_days() -> None:
    """Here days pass one by one, as they do for everybody else."""


DAY = timedelta(days=1)
FAR_AWAY = 400 * DAY
NIGHT = timedelta(hours=10)
A_MOMENT = timedelta(seconds=1.5)
LATE = {"history.timerProcessorMaxTimeShift": '"1s"'}
VERY_LATE = {"history.timerProcessorMaxTimeShift": '"5s"'}
"""What is due within so long, the server notices only after so long; else within 20 ms."""


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
            await workflow.sleep(NIGHT)


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
    async with await start_temporal(LATE) as environment:
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
    monkeypatch.setattr(fast_forward, "GET_ON_WITHIN_SECONDS", 0.5)
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


@activity.defn
async def take_a_step() -> None:
    """Take half a second for it."""
    await asyncio.sleep(0.5)


@workflow.defn(sandboxed=False)
class Walker:
    """Has a long way to go once the night is over, and then sleeps."""

    @workflow.run
    async def run(self, steps: int) -> None:
        await workflow.sleep(NIGHT)
        for _ in range(steps):
            await workflow.execute_activity(take_a_step, start_to_close_timeout=DAY)
        await workflow.sleep(FAR_AWAY)


async def test_who_gets_on_may_take_longer_than_anybody_waits_for_one_who_does_not(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A reminder to a million takes minutes."""
    monkeypatch.setattr(fast_forward, "GET_ON_WITHIN_SECONDS", 2)
    clock = Clock(database, development=True)
    async with await start_temporal() as environment:
        client = environment.client
        async with Worker(
            client,
            task_queue=temporal.TASK_QUEUE,
            workflows=[Walker, Watchdog],
            activities=[take_a_step],
        ):
            await client.start_workflow(Walker.run, 8, id="walker", task_queue=temporal.TASK_QUEUE)
            await shown_as_running(client)
            await pass_time(client, clock, DAY)
            assert timedelta(0) <= (await lags_behind(client, clock))[0] < LAG


async def shown_as_running(client: Client) -> None:
    """The server's list comes a moment after the start."""

    async def listed() -> bool:
        return bool([each async for each in client.list_workflows("ExecutionStatus='Running'")])

    while not await listed():  # noqa: ASYNC110 - the server tells nobody
        await asyncio.sleep(0.01)


@dataclass(frozen=True, kw_only=True)
class Work:
    """What is done until it may end."""

    begun: asyncio.Event = field(default_factory=asyncio.Event)
    may_end: asyncio.Event = field(default_factory=asyncio.Event)

    @activity.defn
    async def do(self) -> None:
        """Work, and hear nothing of the time."""
        self.begun.set()
        await self.may_end.wait()


@workflow.defn(sandboxed=False)
class Craftsman:
    """Works from when he is asked to, and then sleeps."""

    @workflow.run
    async def run(self, case: temporal.Case) -> None:
        await reach(case.as_of, summary="until work begins")
        await workflow.execute_activity_method(Work.do, start_to_close_timeout=DAY)
        await workflow.sleep(NIGHT)


@dataclass(frozen=True, kw_only=True)
class Workshop:
    """Where a craftsman works, by a clock that can be moved."""

    client: Client
    clock: Clock
    work: Work

    async def ask(self, as_of: datetime) -> WorkflowHandle[Any, Any]:
        what = temporal.Start(
            workflow="Craftsman", workflow_id="craftsman", subject_id=uuid4(), summary="works"
        )
        craftsman = await temporal.start(self.client, what, as_of=as_of, offset=self.clock.offset())
        await shown_as_running(self.client)
        return craftsman

    async def works_until(self, craftsman: WorkflowHandle[Any, Any], instant: datetime) -> None:
        """By his own time; then he goes to sleep."""
        await self.work.begun.wait()
        skipper = TimeSkipper(self.client)
        while await skipper.get_current_time(craftsman) < instant:  # noqa: ASYNC110 - it tells nobody
            await asyncio.sleep(0.01)
        self.work.may_end.set()
        async for event in craftsman.fetch_history_events(wait_new_event=True):
            timer = event.timer_started_event_attributes
            if timer.start_to_fire_timeout.ToTimedelta() == NIGHT:
                return

    async def is_not_ahead(self, craftsman: WorkflowHandle[Any, Any]) -> None:
        time = await TimeSkipper(self.client).get_current_time(craftsman)
        assert timedelta(0) <= self.clock.now() - time < LAG


@asynccontextmanager
async def workshop(
    database: Database, server_settings: Mapping[str, object]
) -> AsyncIterator[Workshop]:
    work = Work()
    async with await start_temporal(server_settings) as environment:
        client = environment.client
        async with Worker(
            client,
            task_queue=temporal.TASK_QUEUE,
            workflows=[Craftsman, Watchdog],
            activities=[work.do],
        ):
            yield Workshop(client=client, clock=Clock(database, development=True), work=work)


async def test_who_works_from_the_start_on_does_not_sleep_through_the_night(
    database: Database,
) -> None:
    """P21: a request would tell staff that nobody has taken it, before anybody could have."""
    async with workshop(database, VERY_LATE) as shop:
        asked_at = shop.clock.now()
        shop.clock.advance(A_MOMENT)
        now = shop.clock.now()
        craftsman = await shop.ask(asked_at)
        await shop.works_until(craftsman, now + A_MOMENT)
        await shop.is_not_ahead(craftsman)


async def test_who_works_while_time_passes_does_not_sleep_through_the_night(
    database: Database,
) -> None:
    async with workshop(database, VERY_LATE) as shop:
        craftsman = await shop.ask(shop.clock.now())
        await shop.work.begun.wait()
        until = shop.clock.now() + 2 * A_MOMENT
        passing = asyncio.create_task(pass_time(shop.client, shop.clock, A_MOMENT))
        await shop.works_until(craftsman, until)
        await passing
        await shop.is_not_ahead(craftsman)


async def test_who_is_woken_on_the_way_is_not_skipped_on_before_the_work_is_done(
    database: Database,
) -> None:
    """When the rest of the way is over before the work is, he would sleep through the night."""
    async with workshop(database, {}) as shop:
        craftsman = await shop.ask(shop.clock.now() + NIGHT / 2)
        passing = asyncio.create_task(pass_time(shop.client, shop.clock, NIGHT))
        await shop.work.begun.wait()
        on_the_way = await TimeSkipper(shop.client).get_time_skipping_info(craftsman)
        assert on_the_way is not None
        assert not on_the_way.effective_config.enabled
        shop.work.may_end.set()
        await passing
        await shop.is_not_ahead(craftsman)
