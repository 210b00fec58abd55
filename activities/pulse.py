"""A sign of life from every activity while it works.

So an answer that was lost, because worker or server hung or died just then, is noticed within half
a minute, however long the activity itself may take.
"""

import asyncio
from collections.abc import Callable
from datetime import timedelta
from functools import wraps
from inspect import iscoroutinefunction
from typing import Any

from temporalio import activity
from temporalio.worker import (
    ActivityInboundInterceptor,
    ActivityOutboundInterceptor,
    ExecuteActivityInput,
    Interceptor,
)

EVERY = timedelta(seconds=10)


class PulseInterceptor(Interceptor):
    """Tells Temporal again and again that the worker lives and has the activity in hand."""

    def __init__(self, every: timedelta = EVERY) -> None:
        self._every = every

    def intercept_activity(self, next: ActivityInboundInterceptor) -> ActivityInboundInterceptor:  # noqa: A002
        """Called by the worker for each activity."""
        return _Inbound(next, self._every)


class _Inbound(ActivityInboundInterceptor):
    def __init__(self, next: ActivityInboundInterceptor, every: timedelta) -> None:  # noqa: A002
        super().__init__(next)
        self._every = every

    def init(self, outbound: ActivityOutboundInterceptor) -> None:
        self._outbound = outbound
        super().init(outbound)

    async def execute_activity(self, input: ExecuteActivityInput) -> Any:  # noqa: A002, ANN401
        if not iscoroutinefunction(input.fn):
            input.fn = _to_the_end(input.fn)
        pulse = asyncio.create_task(self._beat())
        try:
            return await super().execute_activity(input)
        finally:
            pulse.cancel()

    async def _beat(self) -> None:
        while True:
            await asyncio.sleep(self._every.total_seconds())
            self._outbound.heartbeat()


def _to_the_end(function: Callable[..., Any]) -> Callable[..., Any]:
    """Not stopped in the middle when nobody waits for it any more, as the pulse may learn.

    A thread that is stopped could hold a lock, or have sent a mail and not have noted it.
    """

    @wraps(function)
    def shielded(*arguments: object) -> object:
        with activity.shield_thread_cancel_exception():
            return function(*arguments)

    return shielded
