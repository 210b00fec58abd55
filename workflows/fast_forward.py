"""Lets time pass in development: the clock first, then every running workflow."""

import asyncio
from datetime import UTC, datetime, timedelta
from math import ceil
from typing import Any

from temporalio.client import (
    Client,
    WorkflowExecutionDescription,
    WorkflowExecutionStatus,
    WorkflowHandle,
)
from temporalio.common import WorkflowIDConflictPolicy
from temporalio.service import RPCError, RPCStatusCode
from temporalio.testing import TimeSkipper

import temporal
from clock import Clock

ONE_DAY = timedelta(days=1)
ANSWERS_WITHIN_SECONDS = 20
GET_ON_WITHIN_SECONDS = 120
"""Work may take longer, as a reminder to a million does, but not stand still."""
LOOK_EVERY_SECONDS = 0.05
NOT_WORTH_IT = timedelta(seconds=1)
"""A period that is over before the server looks at it, it takes for the way to the next timer."""
START = "start"
AT_ONCE = timedelta(seconds=1)
"""The server overlooks a timer that is due and has not fired yet, and skips the whole period: what
was due now would come a day late. So whatever comes within a second comes first."""


class LeftBehind(Exception):
    """Workflows did not follow the clock; the message says how far it was moved."""


async def pass_time(client: Client, clock: Clock, period: timedelta) -> int:
    """Move the clock and every running workflow forward, at most a day at a time.

    Days are passed one by one so that what a workflow starts on the way has its own days too.
    Returns how many workflows were moved. Raises ClockIsReal and ClockNotMoved before anything
    moved; LeftBehind when Temporal or the worker stops answering on the way.
    """
    clock.require_movable(period)
    steps = ceil(period / ONE_DAY)
    passed = 0
    moved: set[str] = set()
    try:
        async with asyncio.timeout(ANSWERS_WITHIN_SECONDS):
            await _running(client)  # a Temporal that is down moves no time
        while passed < steps:
            clock.advance(period / steps)
            passed += 1
            moved |= await _follow(client, clock)
            await _watch(client)
        moved |= await _follow(client, clock)  # the last step took its time too
    except (RPCError, RuntimeError, TimeoutError):
        raise LeftBehind(_how_far(passed, steps, period)) from None
    return len(moved)


class _Patience:
    """Puts a time-out off for as long as workflows get on."""

    def __init__(self, limit: asyncio.Timeout) -> None:
        self._limit = limit
        self._seen: set[tuple[str | None, int]] = set()

    def saw(self, found: WorkflowExecutionDescription) -> None:
        """A workflow stands at this event of this run."""
        place = found.run_id, found.history_length
        if place not in self._seen:
            self._seen.add(place)
            self._limit.reschedule(asyncio.get_running_loop().time() + GET_ON_WITHIN_SECONDS)


async def _follow(client: Client, clock: Clock) -> set[str]:
    """Bring every workflow to our clock; the ids of those that were behind."""
    skipper = TimeSkipper(client, config=temporal.ONE_SKIP)
    async with asyncio.timeout(GET_ON_WITHIN_SECONDS) as limit:
        patience = _Patience(limit)
        running = await _running(client)
        behind = await asyncio.gather(
            *(_catch_up(skipper, clock, handle, patience) for handle in running)
        )
    return {handle.id for handle, was in zip(running, behind, strict=True) if was}


async def _watch(client: Client) -> None:
    """Let the watchdog go round, as it would have on the day that was skipped."""
    async with asyncio.timeout(GET_ON_WITHIN_SECONDS):
        await client.execute_workflow(
            temporal.WATCHDOG,
            id=f"{temporal.WATCHDOG}/skipped-day",
            task_queue=temporal.TASK_QUEUE,
            static_summary="The watchdog, for the rounds of the days that were skipped",
            static_details=temporal.ABOUT_THE_WATCHDOG,
            id_conflict_policy=WorkflowIDConflictPolicy.USE_EXISTING,
        )


async def _running(client: Client) -> list[WorkflowHandle[Any, Any]]:
    return [
        client.get_workflow_handle(execution.id)
        async for execution in client.list_workflows(
            f"ExecutionStatus='Running' AND TaskQueue='{temporal.TASK_QUEUE}' "
            "AND WorkflowType != 'watchdog'"
        )
    ]


async def _catch_up(
    skipper: TimeSkipper, clock: Clock, handle: WorkflowHandle[Any, Any], patience: _Patience
) -> bool:
    """Bring a workflow to our clock, however far behind it is; whether it was."""
    was_behind = False
    try:
        while await _behind(skipper, clock, handle) > NOT_WORTH_IT:
            was_behind = True
            if not await _stands_still(skipper, handle, patience):
                await asyncio.sleep(LOOK_EVERY_SECONDS)
            elif (behind := await _behind(skipper, clock, handle)) > NOT_WORTH_IT:
                await _skip(skipper, handle, behind)
    except RPCError as failure:
        if failure.status is not RPCStatusCode.NOT_FOUND:
            raise
        # It ended while we looked.
    return was_behind


async def _stands_still(
    skipper: TimeSkipper, handle: WorkflowHandle[Any, Any], patience: _Patience
) -> bool:
    """Whether it has nothing to do for a second; asked in this order, as what is due is begun."""
    return not await _wakes_at_once(skipper, handle) and await _rests(handle, patience)


async def _rests(handle: WorkflowHandle[Any, Any], patience: _Patience) -> bool:
    """Whether it has nothing in hand, and is not on its way to our time already."""
    description = await handle.describe()
    patience.saw(description)
    found = description.raw_description
    skips = found.workflow_extended_info.time_skipping_info.effective_config.enabled
    return not (skips or found.pending_activities or found.HasField("pending_workflow_task"))


async def _behind(
    skipper: TimeSkipper, clock: Clock, handle: WorkflowHandle[Any, Any]
) -> timedelta:
    """How far a workflow is behind our clock; nothing when it has ended."""
    if not await _runs(handle):
        return timedelta(0)
    # Our clock is read first: a workflow may lag by a moment and is never ahead.
    return clock.now() - await skipper.get_current_time(handle)


async def _runs(handle: WorkflowHandle[Any, Any]) -> bool:
    return (await handle.describe()).status is WorkflowExecutionStatus.RUNNING


async def _skip(skipper: TimeSkipper, handle: WorkflowHandle[Any, Any], period: timedelta) -> None:
    try:
        await skipper.fast_forward(handle, period)
    except RuntimeError:  # it continued as new on the way, and the new run has skipped less
        await asyncio.sleep(LOOK_EVERY_SECONDS)


async def _wakes_at_once(skipper: TimeSkipper, handle: WorkflowHandle[Any, Any]) -> bool:
    """Whether its start or one of its timers is due, or as good as due."""
    due: dict[str, datetime] = {}
    async for event in handle.fetch_history_events():
        if event.HasField("workflow_execution_started_event_attributes"):
            delay = event.workflow_execution_started_event_attributes.first_workflow_task_backoff
            due[START] = event.event_time.ToDatetime(UTC) + delay.ToTimedelta()
        if event.HasField("workflow_task_scheduled_event_attributes"):
            due.pop(START, None)
        if event.HasField("timer_started_event_attributes"):
            timer = event.timer_started_event_attributes
            begun = event.event_time.ToDatetime(UTC)
            due[timer.timer_id] = begun + timer.start_to_fire_timeout.ToTimedelta()
        due.pop(event.timer_fired_event_attributes.timer_id, None)
        due.pop(event.timer_canceled_event_attributes.timer_id, None)
    now = await skipper.get_current_time(handle)
    return any(at <= now + AT_ONCE for at in due.values())


def _how_far(passed: int, steps: int, period: timedelta) -> str:
    if not passed:
        return "Temporal does not answer, so no time has passed. Look with: promisekeeper doctor"
    return (
        f"The clock was moved by {period * passed / steps / ONE_DAY:g} of {period / ONE_DAY:g} "
        "days, but Temporal or the worker does not answer, and workflows were left behind. "
        "Nothing is lost. Look with: promisekeeper doctor. Once both run, move time again: they "
        "catch up."
    )
