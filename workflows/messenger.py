"""How the desk reaches the workflows: it starts them, wakes them, and has them decide.

Temporal may be down at any time. What people handed in is in the database by then, so nothing is
lost: either that is said in words, or nobody has to wait and the watchdog starts what is missing.
"""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from typing import Any, TypeVar

from temporalio.client import Client, RPCTimeoutOrCancelledError, WorkflowUpdateFailedError
from temporalio.exceptions import ApplicationError
from temporalio.service import RPCError, RPCStatusCode
from temporalio.workflow import UpdateMethodMultiParam

import temporal
from clock import Clock
from workflows.fast_forward import pass_time

T = TypeVar("T")
A = TypeVar("A")
ANSWER_WITHIN_SECONDS = 20
PEOPLE_WAIT_SECONDS = 2

SILENT = (
    RPCStatusCode.UNAVAILABLE,
    RPCStatusCode.DEADLINE_EXCEEDED,
    RPCStatusCode.CANCELLED,
    RPCStatusCode.ABORTED,
    RPCStatusCode.RESOURCE_EXHAUSTED,
)
"""Temporal, or the way to it, is down or busy; anything else it says is about what we asked."""
_KEPT = (
    "Temporal does not answer. What you handed in is kept, and the watchdog takes it up when "
    "Temporal is back. Look with: promisekeeper doctor"
)
LEFT_TO_THE_WATCHDOG = (
    "Temporal does not answer. What you decided or handed in is kept and holds; what follows from "
    "it, such as mails that tell people, begins by itself within a quarter of an hour of Temporal "
    "being back. Nothing need be done twice. Look with: promisekeeper doctor"
)
_TURNED_AWAY = (
    "Temporal turns us away ({}): ops have to look at its settings. What you handed in is kept; "
    "it is taken up, or can be repeated, when that is mended. Look with: promisekeeper doctor"
)
_NOT_DECIDED = (
    "Temporal, or the worker behind it, does not answer, so this is not decided yet. Nothing is "
    "lost. Look with: promisekeeper doctor. Once it is back, see whether the decision has arrived "
    "in the meantime, and repeat it if not."
)


class Refused(Exception):
    """What was asked for cannot be done; the message says why. Nothing changed."""


class TemporalUnreachable(Exception):
    """Temporal, or the worker behind it, does not answer. The message says what is kept."""


class Messenger:
    """Reaches the workflows from any thread; `portal` runs what the client awaits.

    `left_to_the_watchdog` is called when Temporal does not answer and nobody need wait for it.
    """

    def __init__(
        self,
        *,
        portal: temporal.Portal,
        client: Client,
        clock: Clock,
        left_to_the_watchdog: Callable[[], None] = lambda: None,
    ) -> None:
        self._portal = portal
        self._client = client
        self._clock = clock
        self._left_to_the_watchdog = left_to_the_watchdog

    def start(self, what: temporal.Start, now: datetime) -> None:
        """Start a workflow, unless it runs. Raises TemporalUnreachable."""
        self._start(what, now, ANSWER_WITHIN_SECONDS)

    def start_or_leave(self, what: temporal.Start, now: datetime) -> None:
        """Start a workflow if Temporal answers soon; else the watchdog does, from the database."""
        try:
            self._start(what, now, PEOPLE_WAIT_SECONDS)
        except TemporalUnreachable:
            self._left_to_the_watchdog()

    def wake(self, workflow_id: str) -> bool:
        """Have a workflow look at the database now; it does so anyway whenever it wakes.

        False when Temporal does not answer.
        """
        try:
            self._call(lambda: temporal.wake(self._client, workflow_id), PEOPLE_WAIT_SECONDS)
        except TemporalUnreachable:
            self._left_to_the_watchdog()
            return False
        return True

    def have_decided(
        self, workflow_id: str, update: UpdateMethodMultiParam[[Any, A], None], subject: A
    ) -> None:
        """Wait for a workflow to decide something. Raises Refused, TemporalUnreachable."""
        handle = self._client.get_workflow_handle(workflow_id)
        try:
            self._call(lambda: handle.execute_update(update, subject), silence=_NOT_DECIDED)
        except WorkflowUpdateFailedError as failure:
            cause = failure.cause
            if isinstance(cause, ApplicationError) and cause.type == "Refused":
                raise Refused(cause.message) from None
            raise TemporalUnreachable(_NOT_DECIDED) from None  # its workflow ended just then

    def advance(self, period: timedelta) -> int:
        """Move the development clock and every running workflow forward, a day at a time.

        Returns how many workflows were moved. Raises as `pass_time` does.
        """
        return self._portal.call(lambda: pass_time(self._client, self._clock, period))

    def _start(self, what: temporal.Start, now: datetime, within: float) -> None:
        offset = self._clock.offset()
        self._call(lambda: temporal.start(self._client, what, as_of=now, offset=offset), within)

    def _call(
        self,
        func: Callable[[], Awaitable[T]],
        within: float | None = None,
        *,
        silence: str = _KEPT,
    ) -> T:
        async def in_time() -> T:
            return await asyncio.wait_for(func(), within or ANSWER_WITHIN_SECONDS)

        try:
            return self._portal.call(in_time)
        except RPCError as failure:
            if failure.status is RPCStatusCode.NOT_FOUND:
                raise Refused(
                    "Its workflow is not running: this is decided already, or the watchdog has "
                    "still to start it (within 15 minutes). Look at its status."
                ) from None
            if failure.status not in SILENT:
                silence = _TURNED_AWAY.format(failure.status.name.lower().replace("_", " "))
            raise TemporalUnreachable(silence) from None
        except (RPCTimeoutOrCancelledError, RuntimeError, TimeoutError):
            raise TemporalUnreachable(silence) from None
