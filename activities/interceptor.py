"""What leaves an activity: our own refusals in words, and of every other error only its name (P31).

An IntegrityError or a validation error carries the row with it, and Temporal stores failures in
clear; the details stay in this process's log, under the incident's number.
"""

import asyncio
import logging
import traceback
from typing import Any
from uuid import uuid4

from sqlalchemy.exc import SQLAlchemyError
from temporalio import activity
from temporalio.exceptions import ApplicationError, ApplicationErrorCategory, CancelledError
from temporalio.worker import ActivityInboundInterceptor, ExecuteActivityInput, Interceptor

from database.silence import is_silence

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
        except (ApplicationError, CancelledError, asyncio.CancelledError):
            raise
        except SQLAlchemyError as fault:
            raise (_silence() if is_silence(fault) else incident(fault)) from None
        except Exception as fault:  # noqa: BLE001 - whatever it is, its words stay here
            raise incident(fault) from None


def _silence() -> ApplicationError:
    """The worker's lookout tells once that the database is away; no try of no activity does."""
    return ApplicationError(
        "the database does not answer; this is tried again",
        type="DatabaseSilent",
        category=ApplicationErrorCategory.BENIGN,
    )


def incident(fault: Exception) -> ApplicationError:
    """An unforeseen error as it may be told: by a number, under which the log says where it was."""
    number = uuid4()
    log.error(
        "incident %s: %s in activity %s\n%s",
        number,
        type(fault).__name__,
        activity.info().activity_type,
        _where(fault),
    )
    return ApplicationError(f"incident {number}", type=type(fault).__name__)


def _where(fault: BaseException) -> str:
    """File, line and function of every frame: no source, no values, no message."""
    frames = traceback.extract_tb(fault.__traceback__)
    return "\n".join(f"  {frame.filename}:{frame.lineno} in {frame.name}" for frame in frames)
