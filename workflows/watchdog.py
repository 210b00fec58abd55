"""Every quarter of an hour: is everything running that should be?"""

from datetime import timedelta

from temporalio import workflow

with workflow.unsafe.imports_passed_through():
    from activities.starting import Patrol, StartingActivities

EVERY = timedelta(minutes=15)


@workflow.defn(name="watchdog")
class WatchdogWorkflow:
    """Started by a schedule; says what it repaired."""

    @workflow.run
    async def run(self) -> Patrol:
        """Compare the register with the running workflows once, and start what is missing."""
        return await workflow.execute_activity_method(
            StartingActivities.patrol,
            start_to_close_timeout=timedelta(minutes=5),
            schedule_to_close_timeout=EVERY,
            summary="compare the register with the running workflows",
        )
