"""Alarms, and events, that a webhook did not take at once: they are posted until it does."""

from datetime import timedelta

from temporalio import workflow

with workflow.unsafe.imports_passed_through():
    from activities.mail.courier import Courier, RoundInput
    from temporal import Case
    from workflows.acting import LONGEST_PAUSE, act, continue_when_long, reach
    from workflows.story import Chapter, Story

FIRST_PAUSE = timedelta(seconds=30)
WAKE = (
    "nobody, as long as mail works: staff have the same alarms by mail. Look at /staff/ops, "
    "and at the program behind PROMISEKEEPER_ALARM_WEBHOOK_URL, or behind "
    "PROMISEKEEPER_EVENTS_WEBHOOK_URL where the problem names events"
)


@workflow.defn(name="alarm-delivery")
class AlarmDeliveryWorkflow:
    """Sends the courier, and goes on while the webhook is down."""

    @workflow.run
    async def run(self, case: Case) -> None:
        """Post until none waits."""
        story, pause = Story(), FIRST_PAUSE
        story.begin()
        await reach(case.as_of, summary="until it was asked for")
        story.tell(_posts(None))
        while True:
            done = await act(
                Courier.deliver_alarms,
                lambda at: RoundInput(now=at),
                summary="post the alarms",
                case=case,
                story=story,
            )
            if not done.waiting:
                story.end("delivered")
                return
            if done.problem:
                story.tell(_posts(done.problem))
            await continue_when_long(case)
            await workflow.sleep(pause, summary="before trying again")
            pause = min(2 * pause, LONGEST_PAUSE) if done.alarms_stuck else FIRST_PAUSE


def _posts(problem: str | None) -> Chapter:
    if problem is None:
        return Chapter(
            stage="sending",
            waits_for="the webhooks to take alarms and events",
            by_itself="posts them",
        )
    return Chapter(
        stage="sending",
        waits_for=f"the webhooks to take alarms and events. Problem: {problem}",
        awaiting="alarm webhook",
        by_itself=(
            "tries again, every half minute and, while the webhook of alarms takes none, after ten "
            "minutes at most; a message that is refused, after a minute at first and an hour at "
            "most, and the others meanwhile"
        ),
        wake=WAKE,
    )
