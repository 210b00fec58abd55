"""One instruction of a controller: decided where it must be, carried out, reported back (P24)."""

from datetime import timedelta

from temporalio import workflow

with workflow.unsafe.imports_passed_through():
    from activities.mail.outbox import OutboxActivities, SendInput
    from activities.requests.instructions import (
        InstructionActivities,
        InstructionCase,
        InstructionInput,
    )
    from domain.requests.controller_instructions import InstructionState
    from temporal import Case
    from workflows.acting import LONGEST_PAUSE, TO_ASK, act, continue_when_long, reach, wait
    from workflows.story import YOURS_AFTER_AN_HOUR, Chapter, Story, moment

PAUSE = timedelta(seconds=30)
SECOND_PERSON = (
    "a second person of privacy to decide whether it is carried out, in the staff console"
)
NO_NEWS = "a mail is of unknown outcome until the mail service reports on it"
IN_OFFICE_HOURS = "nobody: privacy was told by mail. Nothing is lost while it waits"


@workflow.defn(name="controller-instruction")
class ControllerInstructionWorkflow:
    """Waits for a second person where it must, and for every source of the controller."""

    @workflow.init
    def __init__(self, case: Case) -> None:
        self._subject = case
        self._news = False
        self._problem: str | None = None
        self._pause = PAUSE
        self._story = Story()

    @workflow.run
    async def run(self, case: Case) -> str:
        """Send what is to be sent, ask who is to be asked, and wait for news."""
        self._story.begin()
        await reach(case.as_of, summary="until it was entered")
        now = await self._load()
        while not _is_over(now):
            await continue_when_long(case)
            if now.mails_waiting:
                now = await self._send()
            if _is_to_ask(now):
                now = await self._carry_out()
            elif not _is_over(now):
                now = await self._wait(now)
        self._story.end(now.state, now.since)
        return now.state

    @workflow.signal
    def look_again(self) -> None:
        """Something changed in the database: decided, questioned, handed in."""
        self._news = True

    async def _load(self) -> InstructionCase:
        return await act(
            InstructionActivities.load_instruction,
            lambda at: InstructionInput(instruction_id=self._subject.subject_id, now=at),
            summary="load the instruction",
            case=self._subject,
            story=self._story,
        )

    async def _carry_out(self) -> InstructionCase:
        return await act(
            InstructionActivities.carry_out,
            lambda at: InstructionInput(instruction_id=self._subject.subject_id, now=at),
            summary="ask the controller's data sources",
            case=self._subject,
            story=self._story,
            longest=TO_ASK,
        )

    async def _send(self) -> InstructionCase:
        progress = await act(
            OutboxActivities.send_mail,
            lambda at: SendInput(subject_id=self._subject.subject_id, now=at),
            summary="send the mails of the instruction",
            case=self._subject,
            story=self._story,
        )
        self._problem = progress.problem
        return await self._load()

    async def _wait(self, now: InstructionCase) -> InstructionCase:
        """Wait for news; with mails waiting only until they are tried again, and with sources until
        they are asked again."""
        self._story.tell(_chapter(now, self._problem))
        instants = []
        if now.mails_waiting:
            instants.append(workflow.now() + self._pause)
            self._pause = min(2 * self._pause, LONGEST_PAUSE)
        else:
            self._pause = PAUSE
        if now.state is InstructionState.WORK and now.asked.next_at:
            instants.append(now.asked.next_at)
        await wait(lambda: self._news, min(instants, default=None), summary="before the next try")
        self._news = False
        return await self._load()


def _is_over(now: InstructionCase) -> bool:
    ended = now.state in {InstructionState.DONE, InstructionState.REFUSED}
    return ended and now.mails_waiting == 0


def _is_to_ask(now: InstructionCase) -> bool:
    """Whether a source is due, or none is left and that is to be reported."""
    if now.state is not InstructionState.WORK:
        return False
    if not now.asked.is_open:
        return True
    return now.asked.next_at is not None and now.asked.next_at <= workflow.now()


def _chapter(now: InstructionCase, problem: str | None) -> Chapter:
    if now.mails_waiting:
        return Chapter(
            stage=now.state,
            waits_for=f"the mail service to take its mails. Problem: {problem or NO_NEWS}",
            awaiting="mail service",
            since=now.since,
            by_itself="tries again, at least every ten minutes",
            wake=YOURS_AFTER_AN_HOUR,
        )
    if now.state is InstructionState.REVIEW:
        return Chapter(
            stage=now.state,
            waits_for=SECOND_PERSON,
            awaiting="privacy",
            since=now.since,
            wake=IN_OFFICE_HOURS,
        )
    asked = now.asked
    parts = (
        (asked.waiting, "no answer yet"),
        (asked.by_hand, "somebody of staff to do it by hand: the console has the task"),
        (asked.needs_person, "somebody of privacy has to look: it is not as it should be"),
    )
    told = [f"{', '.join(names)}: {what}" for names, what in parts if names]
    return Chapter(
        stage=now.state,
        waits_for=f"the controller's data sources. {'; '.join(told)}",
        awaiting="privacy" if asked.by_hand or asked.needs_person else "nobody",
        since=now.since,
        until=asked.next_at,
        by_itself=f"asks again: {moment(asked.next_at)}" if asked.next_at else "nothing",
        wake=IN_OFFICE_HOURS,
    )
