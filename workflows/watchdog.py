"""Every ten minutes: is everything running that should be?"""

from datetime import timedelta

from temporalio import workflow

with workflow.unsafe.imports_passed_through():
    from activities.patrol import Patrol, PatrolActivities
    from workflows.acting import SIGN_OF_LIFE

EVERY = timedelta(minutes=10)
"""With its round, long where ten thousand requests are open, that keeps to fifteen minutes."""


@workflow.defn(name="watchdog")
class WatchdogWorkflow:
    """Started by a schedule; says what it repaired, and what it could not."""

    @workflow.run
    async def run(self) -> Patrol:
        """Compare the register with the running workflows once, and start what is missing."""
        patrol = await workflow.execute_activity_method(
            PatrolActivities.patrol,
            schedule_to_close_timeout=EVERY,
            heartbeat_timeout=SIGN_OF_LIFE,
            summary="compare the register with the running workflows",
        )
        named = [*patrol.repaired, *patrol.stuck]
        workflow.set_current_details("\n- ".join((patrol.in_words, *named)))
        workflow.upsert_memo({"found": patrol.in_words, "named": named})
        return patrol
