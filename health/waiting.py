"""Waiting at the start for a neighbour that is not there yet."""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import TypeVar

from sqlalchemy.exc import SQLAlchemyError
from temporalio.service import RPCError

import temporal
from database.silence import is_silence, reason, turns_us_away
from health.neighbours import DATABASE, TEMPORAL

T = TypeVar("T")
TRY_EVERY_SECONDS = 2.0
WAITS = (
    "The worker waits for the %s, which does not answer (%s). Nothing is lost: it begins as soon "
    "as it is there. Look with: promisekeeper doctor"
)
TURNED_AWAY = (
    "The {} turns us away: {}. Nothing was changed, and waiting does not mend it. Look at {}, and "
    "with: promisekeeper doctor"
)
LOOK_AT = {
    DATABASE: "PROMISEKEEPER_DATABASE_URL",
    TEMPORAL: "TEMPORAL_NAMESPACE and TEMPORAL_API_KEY",
}
NO_CONNECTION = "Failed client connect"  # so begins the only error that the client has for it

log = logging.getLogger("promisekeeper.neighbours")


class TurnedAway(Exception):
    """A neighbour answers that it will not serve us; the message says what to look at."""


async def until_there(
    neighbour: str, look: Callable[[], Awaitable[T]], stop: asyncio.Event
) -> T | None:
    """What `look` returns as soon as the neighbour is there; None when we are to stop before.

    Says once that it is waited for, and once that it came. Raises TurnedAway for what waiting does
    not mend, and hands on what `look` raises itself.
    """
    waited = False
    while not stop.is_set():
        try:
            found = await look()
        except (SQLAlchemyError, RPCError, RuntimeError, TimeoutError) as fault:
            if isinstance(fault, RuntimeError) and not str(fault).startswith(NO_CONNECTION):
                raise
            if not _may_pass(fault):
                message = TURNED_AWAY.format(neighbour, _said(fault), LOOK_AT[neighbour])
                raise TurnedAway(message) from None
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


def _may_pass(fault: Exception) -> bool:
    """Whether to try again: nobody answers, or only says that it cannot just now."""
    if isinstance(fault, SQLAlchemyError):
        return is_silence(fault) and not turns_us_away(fault)
    return not temporal.turns_us_away(fault)


def _said(fault: Exception) -> str:
    if isinstance(fault, SQLAlchemyError):
        return reason(fault)
    return temporal.reason(fault) or str(fault) or type(fault).__name__
