"""Waiting at the start for a neighbour that is not there yet."""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import TypeVar

from sqlalchemy.exc import SQLAlchemyError
from temporalio.service import RPCError, RPCStatusCode

import temporal
from database.silence import is_silence, reason

T = TypeVar("T")
TRY_EVERY_SECONDS = 2.0
WAITS = (
    "The worker waits for the %s, which does not answer (%s). Nothing is lost: it begins as soon "
    "as it is there. Look with: promisekeeper doctor"
)

log = logging.getLogger("promisekeeper.neighbours")


async def until_there(
    neighbour: str, look: Callable[[], Awaitable[T]], stop: asyncio.Event
) -> T | None:
    """What `look` returns as soon as the neighbour is there; None when we are to stop before.

    Says once that it is waited for, and once that it came.
    """
    waited = False
    while not stop.is_set():
        try:
            found = await look()
        except (SQLAlchemyError, RPCError, RuntimeError, TimeoutError) as fault:
            if not _is_silence(fault):
                raise
            if not waited:
                log.warning(WAITS, neighbour, _said(fault))
            waited = True
            with suppress(TimeoutError):
                await asyncio.wait_for(stop.wait(), TRY_EVERY_SECONDS)
        else:
            if waited:
                log.warning("The %s is there.", neighbour)
            return found
    return None


def _is_silence(fault: Exception) -> bool:
    """Whether to try again: nobody answers, or only says that it cannot just now."""
    match fault:
        case SQLAlchemyError():
            return is_silence(fault)
        case RPCError():
            return fault.status in (
                RPCStatusCode.UNAVAILABLE,
                RPCStatusCode.DEADLINE_EXCEEDED,
                RPCStatusCode.CANCELLED,
                RPCStatusCode.RESOURCE_EXHAUSTED,
            )
        case RuntimeError():
            return str(fault).startswith("Failed client connect")
    return True


def _said(fault: Exception) -> str:
    if isinstance(fault, SQLAlchemyError):
        return reason(fault)
    return temporal.reason(fault) or type(fault).__name__
