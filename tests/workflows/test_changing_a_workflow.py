"""The recipe of CONTRIBUTING for changing a workflow that runs for a month, lived through.

A workflow told somebody and then noted it. Now it shall note first. Its four lives: before the
change, `patched`, `deprecate_patch` when none of the old runs is left, and after.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta

import pytest
from temporalio import activity, workflow
from temporalio.client import Client, WorkflowHandle, WorkflowHistory
from temporalio.testing import TimeSkipper, WorkflowEnvironment
from temporalio.worker import Replayer, Worker
from temporalio.workflow import NondeterminismError

from health import fitness
from health.fitness import Replayed
from tests.workflows.conftest import start_temporal

pytestmark = pytest.mark.temporal

CHANGE = "note-before-telling"
A_MONTH = timedelta(days=30)
ONE_TRY = timedelta(seconds=10)


@activity.defn
async def tell() -> str:
    """Stands for a mail."""
    return "told"


@activity.defn
async def note() -> str:
    """Stands for a row."""
    return "noted"


async def old_order() -> list[str]:
    return [
        await workflow.execute_activity(tell, start_to_close_timeout=ONE_TRY),
        await workflow.execute_activity(note, start_to_close_timeout=ONE_TRY),
    ]


async def new_order() -> list[str]:
    return [
        await workflow.execute_activity(note, start_to_close_timeout=ONE_TRY),
        await workflow.execute_activity(tell, start_to_close_timeout=ONE_TRY),
    ]


@workflow.defn(name="changing", sandboxed=False)
class Before:
    """As it was released."""

    @workflow.run
    async def run(self) -> list[str]:
        done = await old_order()
        await workflow.sleep(A_MONTH)
        return [*done, *await old_order()]


@workflow.defn(name="changing", sandboxed=False)
class Patched:
    """The first deployment: runs that were past this place keep the old order."""

    @workflow.run
    async def run(self) -> list[str]:
        order = new_order if workflow.patched(CHANGE) else old_order
        done = await order()
        await workflow.sleep(A_MONTH)
        return [*done, *await order()]


@workflow.defn(name="changing", sandboxed=False)
class Deprecated:
    """The second deployment, when no run from before the change is open any more."""

    @workflow.run
    async def run(self) -> list[str]:
        workflow.deprecate_patch(CHANGE)
        done = await new_order()
        await workflow.sleep(A_MONTH)
        return [*done, *await new_order()]


@workflow.defn(name="changing", sandboxed=False)
class After:
    """The third, when no run of the first deployment is open any more."""

    @workflow.run
    async def run(self) -> list[str]:
        done = await new_order()
        await workflow.sleep(A_MONTH)
        return [*done, *await new_order()]


LIVES: tuple[type, ...] = (Before, Patched, Deprecated, After)
REPLAYED_BY = {
    Before: {Before, Patched},
    Patched: {Patched, Deprecated},
    Deprecated: {Patched, Deprecated, After},
    After: {Deprecated, After},
}
"""Whose histories which code replays: each deployment those of the one before it, so none can be
left out. A step back goes as well, except from the first deployment to the code before it."""
OLD, NEW = ["told", "noted"], ["noted", "told"]


@pytest.fixture
async def temporal_server() -> AsyncIterator[WorkflowEnvironment]:
    async with await start_temporal() as environment:
        yield environment


@asynccontextmanager
async def deployed(client: Client, code: type) -> AsyncIterator[None]:
    async with Worker(client, task_queue="changing", workflows=[code], activities=[tell, note]):
        yield


async def in_the_middle(client: Client, code: type) -> WorkflowHandle[object, list[str]]:
    """A run of this code that waits in its timer."""
    async with deployed(client, code):
        handle = await client.start_workflow(
            "changing", id=f"changing/{code.__name__}", task_queue="changing", result_type=list[str]
        )
        async for event in handle.fetch_history_events(wait_new_event=True):
            if event.HasField("timer_started_event_attributes"):
                break
        return handle


async def finished(client: Client, code: type, handle: WorkflowHandle[object, list[str]]) -> None:
    async with deployed(client, code):
        await TimeSkipper(client).fast_forward(handle, A_MONTH)
        await handle.result()


async def replays(code: type, history: WorkflowHistory) -> bool:
    try:
        await Replayer(workflows=[code]).replay_workflow(history)
    except NondeterminismError:
        return False
    return True


async def test_each_deployment_replays_the_histories_of_the_one_before_it(
    temporal_server: WorkflowEnvironment,
) -> None:
    client = temporal_server.client
    replayed: dict[type, set[type]] = {}
    for code in LIVES:
        handle = await in_the_middle(client, code)
        open_history = await handle.fetch_history()
        await finished(client, code, handle)
        histories = (open_history, await handle.fetch_history())
        for history in histories:
            by = {other for other in LIVES if await replays(other, history)}
            assert by == replayed.setdefault(code, by), "open and closed runs replay alike"
    assert replayed == REPLAYED_BY


async def test_a_run_that_waits_goes_on_with_patched_code_in_its_old_order(
    temporal_server: WorkflowEnvironment,
) -> None:
    client = temporal_server.client
    waiting = await in_the_middle(client, Before)
    await finished(client, Patched, waiting)
    assert await waiting.result() == [*OLD, *OLD]
    begun_since = await in_the_middle(client, Patched)
    await finished(client, Deprecated, begun_since)
    assert await begun_since.result() == [*NEW, *NEW]


async def test_open_runs_tell_at_once_whether_new_code_fits_them(
    temporal_server: WorkflowEnvironment, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A month before they wake, and meet it."""
    monkeypatch.setattr(fitness, "KINDS", ("changing",))
    client = temporal_server.client
    handle = await in_the_middle(client, Before)
    for code, misfits in ((After, (handle.id,)), (Patched, ())):
        async with deployed(client, code):
            assert await fitness.replayed(client) == Replayed(asked=1, misfits=misfits)
