"""How far workflows are behind the clock, and how far they may be."""

from datetime import timedelta

from temporalio.client import Client
from temporalio.testing import TimeSkipper

from clock import Clock

LAG = timedelta(minutes=10)
"""A workflow may lag by as long as skipping its time took; another clock is off by months."""


async def lags_behind(client: Client, clock: Clock) -> list[timedelta]:
    """How far each running workflow is behind the clock."""
    skipper = TimeSkipper(client)
    running = [each async for each in client.list_workflows("ExecutionStatus='Running'")]
    times = [
        await skipper.get_current_time(client.get_workflow_handle(each.id)) for each in running
    ]
    now = clock.now()
    return [now - time for time in times]
