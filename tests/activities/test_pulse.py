"""While an activity works, Temporal hears of it; and it is never stopped half-way."""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from threading import Event
from typing import Any

import pytest
from temporalio import activity
from temporalio.exceptions import CancelledError
from temporalio.testing import ActivityEnvironment
from temporalio.worker import (
    ActivityInboundInterceptor,
    ActivityOutboundInterceptor,
    ExecuteActivityInput,
)

from activities.pulse import PulseInterceptor


class Works(ActivityInboundInterceptor):
    """What stands behind the pulse: it ends when it is told to."""

    def __init__(self) -> None:
        self.heard = asyncio.Event()
        self.input: ExecuteActivityInput | None = None

    def init(self, outbound: ActivityOutboundInterceptor) -> None:
        pass

    async def execute_activity(self, input: ExecuteActivityInput) -> Any:  # noqa: A002, ANN401
        self.input = input
        await self.heard.wait()
        return "done"


class Hears(ActivityOutboundInterceptor):
    """Temporal, which hears the third sign of life."""

    def __init__(self, heard: asyncio.Event) -> None:
        self._heard = heard
        self.signs = 0

    def heartbeat(self, *_details: object) -> None:
        self.signs += 1
        if self.signs == 3:
            self._heard.set()


async def let_pulse(work: Callable[[], object]) -> Works:
    works = Works()
    hears = Hears(works.heard)
    inbound = PulseInterceptor(timedelta(milliseconds=1)).intercept_activity(works)
    inbound.init(hears)
    told = ExecuteActivityInput(fn=work, args=[], executor=None, headers={})
    assert await inbound.execute_activity(told) == "done"
    assert hears.signs == 3
    return works


async def test_an_activity_gives_signs_of_life_until_it_ends() -> None:
    """P21: an answer that got lost is noticed although the try itself may last long."""
    await let_pulse(lambda: None)


async def test_who_is_not_waited_for_any_more_ends_what_it_began() -> None:
    """P4: a mail that was sent is noted as sent."""
    begun, cancelled, noted = Event(), Event(), Event()

    def send_and_note() -> None:
        begun.set()
        cancelled.wait()
        noted.set()

    works = await let_pulse(send_and_note)
    assert works.input is not None
    environment = ActivityEnvironment()
    with ThreadPoolExecutor() as threads:
        sending = threads.submit(environment.run, activity.defn(works.input.fn))
        await asyncio.to_thread(begun.wait)
        environment.cancel()
        cancelled.set()
        with pytest.raises(CancelledError):
            sending.result()
    assert noted.is_set()
