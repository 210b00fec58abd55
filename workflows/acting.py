"""How workflows act and wait: patiently, and always with the time of this very moment."""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any, TypeVar

from temporalio import workflow
from temporalio.common import RetryPolicy
from temporalio.exceptions import ActivityError, ApplicationError, is_cancelled_exception

Input = TypeVar("Input")
Output = TypeVar("Output")

ONE_TRY = timedelta(minutes=5)
TO_BEGIN = timedelta(minutes=1)
SIGN_OF_LIFE = timedelta(seconds=30)
ONCE = RetryPolicy(maximum_attempts=1)
FIRST_PAUSE, LONGEST_PAUSE = timedelta(seconds=1), timedelta(minutes=10)


async def act(
    activity: Callable[[Any, Input], Output],
    what: Callable[[datetime], Input],
    *,
    summary: str,
    sign_of_life: timedelta | None = None,
) -> Output:
    """Do something until it is done.

    Those that send mail give a `sign_of_life` before each request, so that a dead worker is noticed
    before its try would be over.

    `what` makes the input from the time of each try. So Temporal itself repeats nothing, and no try
    waits long for a worker: after an outage an old input would carry a time that is long past.
    Raises ApplicationError of type Refused when what was asked for cannot be done; only that, and
    being cancelled, ends the trying.
    """
    pause = FIRST_PAUSE
    while True:
        try:
            return await workflow.execute_activity_method(
                activity,
                what(workflow.now()),
                schedule_to_start_timeout=TO_BEGIN,
                start_to_close_timeout=ONE_TRY,
                heartbeat_timeout=sign_of_life,
                retry_policy=ONCE,
                summary=summary,
            )
        except ActivityError as failure:
            if is_cancelled_exception(failure):
                raise
            if isinstance(failure.cause, ApplicationError) and failure.cause.type == "Refused":
                raise failure.cause from None
        await workflow.sleep(pause, summary=f"before the next try to {summary}")
        pause = min(2 * pause, LONGEST_PAUSE)


async def wait(condition: Callable[[], bool], until: datetime | None, *, summary: str) -> bool:
    """Wait for the condition, at most until an instant; whether the condition came."""
    if until is None:
        await workflow.wait_condition(condition)
        return True
    remaining = max(until - workflow.now(), timedelta(0))
    try:
        await workflow.wait_condition(condition, timeout=remaining, timeout_summary=summary)
    except TimeoutError:
        return False
    return True


async def reach(instant: datetime, *, summary: str) -> None:
    """Wait until an instant has come. Returns at once when it has."""
    while workflow.now() < instant:
        await workflow.sleep(instant - workflow.now(), summary=summary)
