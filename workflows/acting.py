"""How workflows act and wait: patiently, and always with the time of this very moment."""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any, TypeVar

from temporalio import workflow
from temporalio.common import RetryPolicy
from temporalio.exceptions import ActivityError, ApplicationError

Input = TypeVar("Input")
Output = TypeVar("Output")

ONE_TRY = timedelta(minutes=5)
SIGN_OF_LIFE = timedelta(seconds=30)
TRIES = RetryPolicy(
    initial_interval=timedelta(seconds=1),
    maximum_interval=timedelta(seconds=20),
    maximum_attempts=5,
    non_retryable_error_types=["Refused"],
)
PAUSE = timedelta(minutes=1)


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

    `what` makes the input from the time of each round: an input that waits out an outage of the
    database or the mail service would carry a stale one. Raises ApplicationError of type Refused
    when what was asked for cannot be done; that alone ends the trying.
    """
    while True:
        try:
            return await workflow.execute_activity_method(
                activity,
                what(workflow.now()),
                start_to_close_timeout=ONE_TRY,
                heartbeat_timeout=sign_of_life,
                retry_policy=TRIES,
                summary=summary,
            )
        except ActivityError as failure:
            if isinstance(failure.cause, ApplicationError) and failure.cause.type == "Refused":
                raise failure.cause from None
        await workflow.sleep(PAUSE)


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
