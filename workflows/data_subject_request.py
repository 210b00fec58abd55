"""The thirty days of one request: acknowledged, reminded, escalated, answered or late (P21)."""

from collections.abc import Callable
from datetime import datetime, timedelta
from uuid import UUID

from temporalio import workflow
from temporalio.exceptions import ApplicationError

with workflow.unsafe.imports_passed_through():
    from activities.outbox import OutboxActivities, SendInput
    from activities.requests import RequestActivities, RequestCase, RequestInput
    from domain.data_subject_requests import State
    from temporal import Case
    from workflows.acting import SIGN_OF_LIFE, act, reach, wait
    from workflows.story import Chapter, Story

PAUSE = timedelta(seconds=30)
RequestStep = Callable[[RequestActivities, RequestInput], RequestCase]


@workflow.defn(name="data-subject-request")
class DataSubjectRequestWorkflow:
    """Waits for an answer, and climbs the ladder until there is one."""

    @workflow.init
    def __init__(self, case: Case) -> None:
        self._request_id = case.subject_id
        self._case: RequestCase | None = None
        self._news = False
        self._problem: str | None = None
        self._story = Story()

    @workflow.run
    async def run(self, case: Case) -> str:
        """Send what is to be sent, and wait: for news, or for the next rung."""
        await reach(case.as_of, summary="until it was received")
        now = await self._do(RequestActivities.load_request, "load the request")
        while not (now.answered and now.mails_waiting == 0):
            if workflow.info().is_continue_as_new_suggested():
                await workflow.wait_condition(workflow.all_handlers_finished)
                workflow.continue_as_new(case)
            if now.mails_waiting:
                now = await self._send()
            if now.state is State.RECEIVED and now.mails_waiting == 0:
                now = await self._do(RequestActivities.acknowledge_request, "note as acknowledged")
            if not (now.answered and now.mails_waiting == 0):
                now = await self._wait(now)
        await workflow.wait_condition(workflow.all_handlers_finished)
        return now.state

    @workflow.update
    async def decide(self, decision_id: UUID) -> None:
        """Privacy staff answer, or put a refusal before a second person (P20, P22)."""
        await self._do(RequestActivities.record_decision, "record the answer", decision_id)
        self._news = True

    @decide.validator
    def refuse_decision(self, decision_id: UUID) -> None:  # noqa: ARG002 - the update's signature
        """A request is answered once."""
        self._refuse_when_answered()

    @workflow.update
    async def confirm(self, staff_id: UUID) -> None:
        """A second person lets a refusal or partial answer go out (P20)."""
        await self._do(RequestActivities.record_confirmation, "record the consent", staff_id)
        self._news = True

    @confirm.validator
    def refuse_confirmation(self, staff_id: UUID) -> None:  # noqa: ARG002 - the update's signature
        """Only an answer that was not sent can be confirmed."""
        self._refuse_when_answered()

    @workflow.signal
    def look_again(self) -> None:
        """Something changed in the database: verified, assigned, more information."""
        self._news = True

    def _refuse_when_answered(self) -> None:
        if self._case is not None and self._case.answered:
            raise ApplicationError("This request is answered already.", type="Refused")

    async def _send(self) -> RequestCase:
        progress = await act(
            OutboxActivities.send_mail,
            lambda at: SendInput(subject_id=self._request_id, now=at),
            summary="send the mails of the request",
            sign_of_life=SIGN_OF_LIFE,
        )
        self._problem = progress.problem
        return await self._do(RequestActivities.load_request, "load the request")

    async def _wait(self, now: RequestCase) -> RequestCase:
        """Wait for news or the next rung; with mails waiting, only until they are tried again."""
        rung = now.next_rung
        next_at = rung.at if rung and not now.answered else None
        self._story.tell(_chapter(now, self._problem))
        if now.mails_waiting:
            again_at = workflow.now() + PAUSE
            next_at = min(next_at, again_at) if next_at else again_at
        summary = rung.summary if rung else "the answer to go out"
        came = await wait(lambda: self._news, next_at, summary=summary)
        self._news = False
        if not came and rung and workflow.now() >= rung.at:
            return await self._do(RequestActivities.climb, rung.summary)
        return await self._do(RequestActivities.load_request, "load the request")

    async def _do(
        self, activity: RequestStep, summary: str, act_id: UUID | None = None
    ) -> RequestCase:
        self._case = await act(
            activity,
            lambda at: RequestInput(request_id=self._request_id, now=at, act_id=act_id),
            summary=summary,
        )
        return self._case


def _chapter(now: RequestCase, problem: str | None) -> Chapter:
    if now.mails_waiting and problem:
        return Chapter(
            stage=now.state,
            waits_for=f"its mails to go out: {problem}. It tries again by itself.",
            awaiting="mail service",
            until=now.due_at,
            wake="ops, if this stays for more than an hour",
        )
    overdue = workflow.now() >= now.due_at
    person = now.state is State.IDENTITY and not overdue
    waits_for = (
        "the person to confirm who they are, by the link sent to the address on file"
        if person
        else f"privacy to answer{', OVERDUE' if overdue else ''}"
    )
    rung = f"; next: {now.next_rung.summary} ({_day(now.next_rung.at)})" if now.next_rung else ""
    return Chapter(
        stage=now.state,
        waits_for=waits_for + rung,
        awaiting="person" if person else "privacy",
        until=now.due_at,
        wake="the privacy team; the ladder tells them by itself",
    )


def _day(instant: datetime) -> str:
    return f"{instant:%Y-%m-%d %H:%M} UTC"
