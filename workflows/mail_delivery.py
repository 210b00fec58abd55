"""Mails whose own workflow sends no more: one, such as a link asked for again, or a step's."""

from datetime import datetime, timedelta

from temporalio import workflow

with workflow.unsafe.imports_passed_through():
    from activities.mail.outbox import OutboxActivities, SendInput, SendProgress
    from temporal import Case
    from workflows.acting import LONGEST_PAUSE, act, continue_when_long, reach
    from workflows.story import YOURS_AFTER_AN_HOUR, Chapter, Story

FIRST_PAUSE = timedelta(seconds=30)
NO_NEWS = "it is of unknown outcome until the mail service reports on it"


@workflow.defn(name="mail-delivery")
class MailDeliveryWorkflow:
    """Sends what it is about, and goes on trying while the mail service is down."""

    @workflow.run
    async def run(self, case: Case) -> None:
        """Send until the mail service has it."""
        story, pause = Story(), FIRST_PAUSE
        story.begin()
        await reach(case.as_of, summary="until it was asked for")
        story.tell(_sends(case, None))
        while True:
            progress = await act(
                OutboxActivities.send_mail,
                lambda at: _mails(case, at),
                summary="send the mail",
                case=case,
                story=story,
            )
            if not (progress.waiting or progress.unknown):
                story.end("sent")
                return
            if progress.patience and not progress.problem:
                story.tell(_waits_its_turn(progress.patience))
            elif _only_held(progress) and workflow.patched("says-that-it-is-held"):
                story.tell(_is_held(case))
            else:
                story.tell(_sends(case, progress.problem or NO_NEWS))
            await continue_when_long(case)
            await workflow.sleep(pause, summary="before trying again")
            pause = min(2 * pause, LONGEST_PAUSE)


def _mails(case: Case, at: datetime) -> SendInput:
    if case.step:
        return SendInput(subject_id=case.subject_id, step=case.step, now=at)
    return SendInput(mail_id=case.subject_id, now=at)


def _only_held(progress: SendProgress) -> bool:
    """Whether nothing is wrong: somebody holds back what its mails belong to."""
    return progress.held and not (progress.problem or progress.unknown)


def _named(case: Case) -> str:
    return f"what is left of the {case.step.replace('_', ' ')}" if case.step else "one mail"


def _sends(case: Case, problem: str | None) -> Chapter:
    mails = _named(case)
    if problem is None:
        return Chapter(
            stage="sending", waits_for=f"the mail service to take {mails}", by_itself="sends it"
        )
    return Chapter(
        stage="sending",
        waits_for=f"the mail service to take {mails}. Problem: {problem}",
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


def _is_held(case: Case) -> Chapter:
    return Chapter(
        stage="held back",
        waits_for=f"somebody to let {_named(case)} go: its campaign is paused, or its version has "
        "no day. Which, and why: /staff/ops",
        awaiting="campaign owner",
        by_itself="looks again every ten minutes, and sends it once it may go",
    )
