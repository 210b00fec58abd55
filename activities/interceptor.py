"""What leaves an activity: our own refusals in words, and of every other error only its name (P31).

An IntegrityError or a validation error carries the row with it, and Temporal stores failures in
clear; the details stay in this process's log, under the incident's number.
"""

import asyncio
import logging
import traceback
from typing import Any
from uuid import uuid4

from temporalio import activity
from temporalio.exceptions import ApplicationError
from temporalio.worker import (
    ActivityInboundInterceptor,
    ExecuteActivityInput,
    Interceptor,
)

log = logging.getLogger("promisekeeper.activities")


class IncidentInterceptor(Interceptor):
    """Replaces the message of every unforeseen error by the number of an incident."""

    def intercept_activity(self, next: ActivityInboundInterceptor) -> ActivityInboundInterceptor:  # noqa: A002
        """Called by the worker for each activity."""
        return _Inbound(next)


class _Inbound(ActivityInboundInterceptor):
    async def execute_activity(self, input: ExecuteActivityInput) -> Any:  # noqa: A002, ANN401
        try:
            return await super().execute_activity(input)
        except (ApplicationError, asyncio.CancelledError):
            raise
        except Exception as fault:  # noqa: BLE001 - whatever it is, its words stay here
            incident = uuid4()
            log.error(  # noqa: TRY400 - an exception's own text is what must not be logged
                "incident %s: %s in activity %s\n%s",
                incident,
                type(fault).__name__,
                activity.info().activity_type,
                _where(fault),
            )
            raise ApplicationError(f"incident {incident}", type=type(fault).__name__) from None


def _where(fault: BaseException) -> str:
    """File, line and function of every frame: no source, no values, no message."""
    frames = traceback.extract_tb(fault.__traceback__)
    return "\n".join(f"  {frame.filename}:{frame.lineno} in {frame.name}" for frame in frames)
