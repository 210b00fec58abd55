"""How workflows act and wait: patiently, and always with the time of this very moment."""

from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from typing import Any, TypeVar, overload

from temporalio import workflow
from temporalio.common import RetryPolicy
from temporalio.exceptions import (
    ActivityError,
    ApplicationError,
    TimeoutType,
    is_cancelled_exception,
)
from temporalio.exceptions import TimeoutError as TriedTooLong

with workflow.unsafe.imports_passed_through():
    from temporal import Case
    from workflows.story import Story, moment

Input = TypeVar("Input")
Output = TypeVar("Output")

ONE_TRY = timedelta(minutes=5)
TO_ASK = timedelta(minutes=10)
"""As long as asking data sources takes at most: none is asked more than three things in one try,
and each of them has answered within three minutes, or is asked later."""
TO_BEGIN = timedelta(minutes=10)
"""As long as thousands take that are all due at one moment: who is not begun by then tries again,
behind all others, and the more of them do, the longer it takes."""
SIGN_OF_LIFE = timedelta(seconds=30)
ONCE = RetryPolicy(maximum_attempts=1)
FIRST_PAUSE, LONGEST_PAUSE = timedelta(seconds=1), timedelta(minutes=10)
DATABASE = "the database does not answer"
NOT_TAKEN_UP = "no worker took it up within ten minutes; they are too few, or hang"
GONE = "the worker that did it went away or hangs"
OURS = "our own code fails, and the worker's log says where, by the number of the incident"


async def attempt(
    activity: Callable[[Any, Input], Output],
    what: Callable[[datetime], Input],
    *,
    summary: str,
    longest: timedelta = ONE_TRY,
) -> Output:
    """Try something once, with the time of this moment. Raises ActivityError when it goes wrong, or
    takes longer."""
    return await workflow.execute_activity_method(
        activity,
        what(workflow.now()),
        schedule_to_start_timeout=TO_BEGIN,
        start_to_close_timeout=longest,
        heartbeat_timeout=SIGN_OF_LIFE,
        retry_policy=ONCE,
        summary=summary,
    )


@overload
async def act(
    activity: Callable[[Any, Input], Awaitable[Output]],
    what: Callable[[datetime], Input],
    *,
    summary: str,
    case: Case,
    story: Story,
    longest: timedelta = ...,
) -> Output: ...
@overload
async def act(
    activity: Callable[[Any, Input], Output],
    what: Callable[[datetime], Input],
    *,
    summary: str,
    case: Case,
    story: Story,
    longest: timedelta = ...,
) -> Output: ...
async def act(
    activity: Callable[[Any, Input], Any],
    what: Callable[[datetime], Input],
    *,
    summary: str,
    case: Case,
    story: Story,
    longest: timedelta = ONE_TRY,
) -> Any:
    """Do something until it is done.

    `what` makes the input from the time of each try. So Temporal itself repeats nothing, and no try
    waits for a worker without end: after an outage its input would carry a time that is long past.
    When trying made the history long, the workflow continues as new with `case`. What goes wrong
    meanwhile is told in `story`.

    Raises ApplicationError of type Refused when what was asked for cannot be done; only that, and
    being cancelled, ends the trying. In an update it ends too when the history is long.
    """
    pause = FIRST_PAUSE
    with story.step(summary):
        while True:
            try:
                return await attempt(activity, what, summary=summary, longest=longest)
            except ActivityError as failure:
                if is_cancelled_exception(failure):
                    raise
                if isinstance(failure.cause, ApplicationError) and failure.cause.type == "Refused":
                    raise failure.cause from None
                story.goes_wrong(summary, why(failure))
            await continue_when_long(case)
            await workflow.sleep(pause, summary=f"before the next try to {summary}")
            pause = min(2 * pause, LONGEST_PAUSE)


def why(failure: ActivityError) -> str:
    """What ops should know of a failed try: whose fault it is."""
    match failure.cause:
        case ApplicationError(type="DatabaseSilent"):
            return DATABASE
        case TriedTooLong(type=TimeoutType.SCHEDULE_TO_START):
            return NOT_TAKEN_UP
        case TriedTooLong():
            return GONE
        case _:
            return OURS


async def continue_when_long(case: Case) -> None:
    """Go on in a new run with a short history, once Temporal suggests it.

    An update cannot do that: it ends with a refusal, and whoever waits there is told.
    """
    if not workflow.info().is_continue_as_new_suggested():
        return
    if workflow.current_update_info() is not None:
        raise ApplicationError(_NOT_NOW, type="Refused")
    await workflow.wait_condition(workflow.all_handlers_finished)
    workflow.continue_as_new(case)


_NOT_NOW = (
    "This goes wrong again and again, so it is not decided. What you handed in is kept. Look with: "
    "promisekeeper doctor, and repeat it once everything runs."
)


async def wait(condition: Callable[[], bool], until: datetime | None, *, summary: str) -> bool:
    """Wait for the condition, at most until an instant; whether the condition came."""
    if until is None:
        await workflow.wait_condition(condition)
        return True
    remaining = max(until - workflow.now(), timedelta(0))
    try:
        await workflow.wait_condition(
            condition, timeout=remaining, timeout_summary=_by(summary, until)
        )
    except TimeoutError:
        return False
    return True


async def reach(instant: datetime, *, summary: str) -> None:
    """Wait until an instant has come. Returns at once when it has."""
    while workflow.now() < instant:
        await workflow.sleep(instant - workflow.now(), summary=_by(summary, instant))


def _by(summary: str, instant: datetime) -> str:
    """A timer's summary is all that the first page of a workflow shows of what it waits for."""
    return f"{summary}: {moment(instant)}"
