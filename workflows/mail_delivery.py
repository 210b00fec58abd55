"""One mail that somebody asked for on a page, such as their link again."""

from datetime import timedelta

from temporalio import workflow

with workflow.unsafe.imports_passed_through():
    from activities.outbox import OutboxActivities, SendInput
    from temporal import Case
    from workflows.acting import LONGEST_PAUSE, act, continue_when_long, reach
    from workflows.story import YOURS_AFTER_AN_HOUR, Chapter, Story

FIRST_PAUSE = timedelta(seconds=30)
NO_NEWS = "it is of unknown outcome until the mail service reports on it"


@workflow.defn(name="mail-delivery")
class MailDeliveryWorkflow:
    """Sends it, and goes on trying while the mail service is down."""

    @workflow.run
    async def run(self, case: Case) -> None:
        """Send until the mail service has it."""
        story, pause = Story(), FIRST_PAUSE
        story.begin()
        await reach(case.as_of, summary="until it was asked for")
        story.tell(_sends(None))
        while True:
            progress = await act(
                OutboxActivities.send_mail,
                lambda at: SendInput(mail_id=case.subject_id, now=at),
                summary="send the mail",
                case=case,
                story=story,
            )
            if not (progress.waiting or progress.unknown):
                story.end("sent")
                return
            if progress.patience and not progress.problem:
                story.tell(_waits_its_turn(progress.patience))
            else:
                story.tell(_sends(progress.problem or NO_NEWS))
            await continue_when_long(case)
            await workflow.sleep(pause, summary="before trying again")
            pause = min(2 * pause, LONGEST_PAUSE)


def _sends(problem: str | None) -> Chapter:
    if problem is None:
        return Chapter(
            stage="sending", waits_for="the mail service to take one mail", by_itself="sends it"
        )
    return Chapter(
        stage="sending",
        waits_for=f"the mail service to take one mail. Problem: {problem}",
        awaiting="mail service",
        by_itself="tries again, after half a minute at first and ten minutes at most",
        wake=YOURS_AFTER_AN_HOUR,
    )


def _waits_its_turn(patience: str) -> Chapter:
    return Chapter(
        stage="sending",
        waits_for=f"its turn: {patience}",
        by_itself="tries again, after half a minute at first and ten minutes at most",
    )
