"""The rivals of open requests: workflows that do nothing but wait, on the same server.

How many of them a second the server starts, and how long it takes until all whose timer is due at
one moment have woken and called one activity.
"""

import asyncio
import time
from datetime import datetime, timedelta
from typing import ClassVar

from temporalio import activity, workflow
from temporalio.client import Client
from temporalio.worker import Worker

from benchmarks.company import Company

AT_ONCE = 100
BEFORE_THE_MOMENT = timedelta(seconds=10)
TIMES_THE_STARTS = 3
"""For so long as the starts took a worker may take to bring all to wait; if that is too short, for
twice as long, and so on."""


@workflow.defn(name="bare", sandboxed=False)
class BareWorkflow:
    """Waits for a moment, and calls one activity."""

    waiting: ClassVar[int] = 0
    """How many of this process have come to wait."""

    @workflow.run
    async def run(self, at: datetime) -> None:
        """Wait."""
        if not workflow.unsafe.is_replaying():
            BareWorkflow.waiting += 1
        await workflow.sleep(at - workflow.now())
        await workflow.execute_activity("bare", start_to_close_timeout=timedelta(minutes=1))


async def starts_per_second(company: Company, count: int) -> float:
    """Bare workflows started a second, with nobody who works on them."""
    tomorrow = await asyncio.to_thread(company.clock.now) + timedelta(days=1)
    await _start(company.client, AT_ONCE, "warming-up", tomorrow)
    began = time.monotonic()
    await _start(company.client, count, "bare-starts", tomorrow)
    return count / (time.monotonic() - began)


async def seconds_of_timers(company: Company, count: int, starts_per_second: float) -> float:
    """Seconds from the moment at which all timers are due until all have called their activity."""
    patience = timedelta(seconds=TIMES_THE_STARTS * count / starts_per_second)
    while (seconds := await _seconds_of_timers(company, count, patience)) is None:
        patience *= 2
    return seconds


async def _seconds_of_timers(company: Company, count: int, patience: timedelta) -> float | None:
    """None when the moment came before all of them waited."""
    done, all_done = 0, asyncio.Event()

    @activity.defn(name="bare")
    async def note() -> None:
        nonlocal done
        done += 1
        if done == count:
            all_done.set()

    async with Worker(
        company.client, task_queue="bare-timers", workflows=[BareWorkflow], activities=[note]
    ):
        BareWorkflow.waiting = 0
        at = await asyncio.to_thread(company.clock.now) + BEFORE_THE_MOMENT + patience
        await _start(company.client, count, "bare-timers", at)
        now = await asyncio.to_thread(company.clock.now)
        await asyncio.sleep(max((at - now).total_seconds(), 0))
        all_waited = BareWorkflow.waiting == count
        began = time.monotonic()
        await all_done.wait()
        return time.monotonic() - began if all_waited else None


async def _start(client: Client, count: int, queue: str, at: datetime) -> None:
    for first in range(0, count, AT_ONCE):
        await asyncio.gather(
            *(
                client.start_workflow(
                    BareWorkflow.run, at, id=f"{queue}/{number}", task_queue=queue
                )
                for number in range(first, min(first + AT_ONCE, count))
            )
        )
