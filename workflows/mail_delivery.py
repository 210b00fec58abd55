"""One mail that somebody asked for on a page, such as their link again."""

from datetime import timedelta

from temporalio import workflow

with workflow.unsafe.imports_passed_through():
    from activities.outbox import OutboxActivities, SendInput
    from temporal import Case
    from workflows.acting import SIGN_OF_LIFE, act, reach
    from workflows.story import Chapter, Story

PAUSE = timedelta(seconds=30)


@workflow.defn(name="mail-delivery")
class MailDeliveryWorkflow:
    """Sends it, and goes on trying while the mail service is down."""

    @workflow.run
    async def run(self, case: Case) -> None:
        """Send until the mail service has it."""
        await reach(case.as_of, summary="until it was asked for")
        story = Story()
        while True:
            progress = await act(
                OutboxActivities.send_mail,
                lambda at: SendInput(mail_id=case.subject_id, now=at),
                summary="send the mail",
                sign_of_life=SIGN_OF_LIFE,
            )
            if not (progress.waiting or progress.unknown):
                return
            story.tell(
                Chapter(
                    stage="sending",
                    waits_for=f"the mail service: {progress.problem or 'delivery events'}",
                    awaiting="mail service",
                    wake="ops, if this stays for more than an hour",
                )
            )
            if workflow.info().is_continue_as_new_suggested():
                workflow.continue_as_new(case)
            await workflow.sleep(PAUSE, summary="before trying again")
