"""Of an unforeseen error only its name leaves the house; our refusals keep their words (P31)."""

import asyncio
import logging
from typing import Any

import psycopg
import pytest
from sqlalchemy.exc import IntegrityError, OperationalError
from temporalio import activity
from temporalio.exceptions import ApplicationError, ApplicationErrorCategory, CancelledError
from temporalio.testing import ActivityEnvironment
from temporalio.worker import ActivityInboundInterceptor, ExecuteActivityInput

from activities.interceptor import IncidentInterceptor

SECRET = "dora@people.example"


class Breaks(ActivityInboundInterceptor):
    """An activity that ends with an error."""

    def __init__(self, fault: BaseException) -> None:
        self._fault = fault

    async def execute_activity(self, input: ExecuteActivityInput) -> Any:  # noqa: A002, ANN401
        try:
            int(SECRET)  # so that the error has a context, which must not leak either
        finally:
            raise self._fault


async def run(fault: BaseException) -> None:
    inbound = IncidentInterceptor().intercept_activity(Breaks(fault))

    @activity.defn
    async def breaks() -> None:
        await inbound.execute_activity(
            ExecuteActivityInput(fn=breaks, args=[], executor=None, headers={})
        )

    await ActivityEnvironment().run(breaks)


async def test_an_unforeseen_error_leaves_its_name_and_an_incident(
    caplog: pytest.LogCaptureFixture,
) -> None:
    """P31: an IntegrityError carries the row with it."""
    row = IntegrityError("INSERT INTO account", {"email": SECRET}, ValueError(SECRET))
    with caplog.at_level(logging.DEBUG), pytest.raises(ApplicationError) as failure:
        await run(row)
    assert failure.value.type == "IntegrityError"
    assert failure.value.message.startswith("incident ")
    assert (failure.value.__cause__, failure.value.details) == (None, ())
    assert failure.value.__suppress_context__
    assert failure.value.message in caplog.text
    assert "test_interceptor.py" in caplog.text
    assert SECRET not in caplog.text


async def test_a_silent_database_is_tried_again_and_no_try_is_logged(
    caplog: pytest.LogCaptureFixture,
) -> None:
    """The worker says once that it is away, however many activities try."""
    refused = psycopg.OperationalError("connection refused for dora@people.example")
    with caplog.at_level(logging.DEBUG), pytest.raises(ApplicationError) as failure:
        await run(OperationalError("SELECT 1", {}, refused))
    assert (failure.value.type, failure.value.non_retryable) == ("DatabaseSilent", False)
    assert failure.value.category is ApplicationErrorCategory.BENIGN
    assert SECRET not in failure.value.message
    assert caplog.text == ""


async def test_a_refusal_keeps_its_words() -> None:
    refusal = ApplicationError("Not decided yet: F1.", type="Refused", non_retryable=True)
    with pytest.raises(ApplicationError, match="Not decided yet: F1") as failure:
        await run(refusal)
    assert failure.value is refusal


async def test_a_cancellation_stays_one() -> None:
    for cancelled in (asyncio.CancelledError(), CancelledError("the workflow was terminated")):
        with pytest.raises(type(cancelled)):
            await run(cancelled)
