"""The thirty days of one request: acknowledged, reminded, escalated, answered or late (P21)."""

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from typing import TypeVar
from uuid import UUID

from temporalio import workflow
from temporalio.exceptions import ApplicationError

with workflow.unsafe.imports_passed_through():
    from activities.mail.outbox import OutboxActivities, SendInput
    from activities.requests.requests import (
        Confirmation,
        ConfirmationInput,
        DecisionInput,
        RequestActivities,
        RequestCase,
        RequestInput,
        Told,
    )
    from activities.requests.sources import SourceActivities
    from domain.requests.data_subject_requests import State
    from domain.requests.erasures import Stage
    from domain.requests.source_tasks import Asked
    from temporal import Case
    from workflows.acting import LONGEST_PAUSE, TO_ASK, act, continue_when_long, reach, wait
    from workflows.story import YOURS_AFTER_AN_HOUR, Chapter, Story, moment

Input = TypeVar("Input", bound=RequestInput)
PAUSE = timedelta(seconds=30)
NO_NEWS = "a mail is of unknown outcome until the mail service reports on it"
IDENTITY = "the person to confirm who they are, by the link sent to the address on file"
PARTLY_UNPROVED = (
    "privacy to answer, in the staff console, what needs no proof of identity; and the person to "
    "confirm who they are, by the link sent to the address on file, for the rest"
)
UNPROVED = (
    "privacy to decide now, in the staff console: the person has not confirmed who they are, so "
    "the request can be answered as unverified"
)
FIND_OUT = (
    "two of privacy to find out who asks, or whether they may: no mail asks that of anybody, and "
    "the page of the request in the staff console says why"
)
SECOND_PERSON = "a second person of privacy to confirm the answer, in the staff console"
THINKING = (
    "the person to think the erasure over. It begins by itself{at}; they can have it at once, or "
    "keep their data, by the link sent to the address on file"
)
ERASING = "the data sources to erase. Then the answer goes out"
PRIVACY = "privacy to answer, in the staff console"
NOBODY_MAY = (
    "somebody new in the privacy team: everybody in it had a part in the answer that this appeal "
    "is against, so nobody of them may answer it. An admin adds one: promisekeeper staff add "
    "HANDLE --role privacy; a refusal takes two"
)
ONE_MAY = (
    ". Only one of privacy had no part in the answer that this appeal is against, and a refusal "
    "takes two: an admin adds another, promisekeeper staff add HANDLE --role privacy"
)
IN_TIME = "nobody. The ladder tells privacy by itself, ever more of them as the time runs out"
OVERDUE = (
    "nobody at night: the privacy officer and the executive were told when the time was over, and "
    "are told each day. In office hours make sure that privacy knows"
)
RequestStep = Callable[[RequestActivities, Input], RequestCase]


@workflow.defn(name="data-subject-request")
class DataSubjectRequestWorkflow:
    """Waits for an answer, and climbs the ladder until there is one."""

    @workflow.init
    def __init__(self, case: Case) -> None:
        self._subject = case
        self._request_id = case.subject_id
        self._case: RequestCase | None = None
        self._news = False
        self._problem: str | None = None
        self._patience: str | None = None
        self._pause = PAUSE
        self._story = Story()

    @workflow.run
    async def run(self, case: Case) -> str:
        """Send what is to be sent, and wait: for news, or for the next rung."""
        self._story.begin()
        await reach(case.as_of, summary="until it was received")
        now = await self._load()
        if not now.answered:
            self._story.tell(_chapter(now, problem=None))
        while not _is_over(now):
            await continue_when_long(case)
            if now.mails_waiting:
                now = await self._send()
            if now.state is State.RECEIVED and not _acknowledgement_waits(now):
                now = await self._note(RequestActivities.acknowledge_request, "acknowledge")
            if _is_to_ask(now.asked):
                now = await self._ask()
            elif not _is_over(now):
                now = await self._wait(now)
        await workflow.wait_condition(workflow.all_handlers_finished)
        self._story.end(now.state, now.since)
        return now.state

    @workflow.update
    async def decide(self, decision_id: UUID) -> None:
        """Privacy staff answer a right, or put a refusal before a second person (P20, P22)."""
        await self._do(
            RequestActivities.record_decision,
            lambda at: DecisionInput(request_id=self._request_id, now=at, decision_id=decision_id),
            "record the answer",
        )
        self._news = True

    @decide.validator
    def refuse_decision(self, decision_id: UUID) -> None:  # noqa: ARG002 - the update's signature
        """A request is answered once."""
        self._refuse_when_answered()

    @workflow.update
    async def confirm(self, confirmation: Confirmation) -> None:
        """A second person agrees to the refusal or partial answer that they read (P20)."""
        await self._do(
            RequestActivities.record_confirmation,
            lambda at: ConfirmationInput(
                request_id=self._request_id, now=at, confirmation=confirmation
            ),
            "record the consent",
        )
        self._news = True

    @confirm.validator
    def refuse_confirmation(self, confirmation: Confirmation) -> None:  # noqa: ARG002 - the same
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
        """Send, and count what still waits. Of an answered request more may follow from that, as
        its erasure by ourselves does: that is loaded, and whatever else may have changed; and
        whether the acknowledgement is among what waits."""
        known = self._case
        progress = await act(
            OutboxActivities.send_mail,
            lambda at: SendInput(subject_id=self._request_id, now=at),
            summary="send the mails of the request",
            case=self._subject,
            story=self._story,
        )
        self._problem, self._patience = progress.problem, progress.patience
        waiting = progress.waiting + progress.unknown
        news = self._news or self._case is not known
        unsure = known and known.acknowledgement_waits and waiting
        if (
            known
            and not (known.answered or news or unsure)
            and workflow.patched("counts-what-it-sent")
        ):
            self._case = replace(known, mails_waiting=waiting)
            return self._case
        return await self._load()

    async def _ask(self) -> RequestCase:
        """Ask the data sources that are due; whatever comes of it stands in the database."""
        await act(
            SourceActivities.ask_sources,
            lambda at: RequestInput(request_id=self._request_id, now=at),
            summary="ask the data sources",
            case=self._subject,
            story=self._story,
            longest=TO_ASK,
        )
        return await self._load()

    async def _wait(self, now: RequestCase) -> RequestCase:
        """Wait for news or the next rung; with mails waiting, only until they are tried again, and
        with data sources, until they are asked again."""
        rung = now.next_rung
        next_at = rung.at if rung and not now.answered else None
        self._story.tell(_chapter(now, self._problem, self._patience))
        if now.mails_waiting:
            again_at = workflow.now() + self._pause
            next_at = min(next_at, again_at) if next_at else again_at
            self._pause = min(2 * self._pause, LONGEST_PAUSE)
        else:
            self._pause = PAUSE
        summary = rung.summary if rung and next_at == rung.at else "before trying the mails again"
        if now.asked and now.asked.next_at and (next_at is None or now.asked.next_at < next_at):
            next_at, summary = now.asked.next_at, "before asking the data sources again"
        came = await wait(lambda: self._news, next_at, summary=summary)
        self._news = False
        if not came and rung and workflow.now() >= rung.at:
            return await self._note(RequestActivities.climb, rung.summary)
        return await self._load()

    async def _load(self) -> RequestCase:
        return await self._note(RequestActivities.load_request, "load the request")

    async def _note(self, activity: RequestStep[RequestInput], summary: str) -> RequestCase:
        return await self._do(
            activity, lambda at: RequestInput(request_id=self._request_id, now=at), summary
        )

    async def _do(
        self, activity: RequestStep[Input], what: Callable[[datetime], Input], summary: str
    ) -> RequestCase:
        self._case = await act(
            activity, what, summary=summary, case=self._subject, story=self._story
        )
        return self._case


def _acknowledgement_waits(now: RequestCase) -> bool:
    """Whether it has still to go out. The mail to the address on file is not waited for: the page
    of the request would show by it that there is one (P19)."""
    return now.mails_waiting > 0 and now.acknowledgement_waits is not False


def _is_over(now: RequestCase) -> bool:
    return now.answered and now.mails_waiting == 0 and now.asked is None


def _is_to_ask(asked: Asked | None) -> bool:
    return asked is not None and asked.next_at is not None and asked.next_at <= workflow.now()


def _chapter(now: RequestCase, problem: str | None, patience: str | None = None) -> Chapter:
    overdue = not now.answered and workflow.now() >= now.due_at
    if now.mails_waiting and now.answered and patience and not problem:
        return Chapter(
            stage=now.state,
            waits_for=f"the turn of its mails: {patience}",
            until=now.due_at,
            by_itself="tries again, at least every ten minutes",
        )
    if now.mails_waiting and (problem or now.answered):
        return Chapter(
            stage=now.state,
            waits_for=f"the mail service to take its mails. Problem: {problem or NO_NEWS}",
            awaiting="mail service",
            until=now.due_at,
            by_itself="tries again, at least every ten minutes",
            wake=YOURS_AFTER_AN_HOUR,
            overdue=overdue,
        )
    if now.answered and now.asked:
        return Chapter(
            stage=now.state,
            waits_for=f"what is still to be done where data is: {_in_words(now.asked)}",
            awaiting="privacy" if now.asked.by_hand or now.asked.needs_person else "nobody",
            since=now.since,
            until=now.asked.next_at,
            by_itself=_of_sources(now.asked),
        )
    is_ours = overdue or now.answer_drafted or now.for_us_to_find_out
    unproved = now.state is State.IDENTITY and not is_ours
    thinks = now.erasing is Stage.COOLING_OFF and _goes_on_by_itself(now)
    person = thinks or (unproved and not now.ungated_open)
    return Chapter(
        stage=now.state,
        waits_for=f"{_whose_answer(now, unproved=unproved)}{_sources(now.asked)}{_told(now.told)}",
        awaiting="person" if person else "privacy",
        since=now.since,
        until=now.due_at,
        by_itself=_next(now, overdue=overdue),
        wake=OVERDUE if overdue else IN_TIME,
        overdue=overdue,
    )


_DONE_BY_ITSELF = {Stage.COOLING_OFF: THINKING, Stage.ERASING: ERASING}


def _whose_answer(now: RequestCase, *, unproved: bool) -> str:
    if unproved:
        return PARTLY_UNPROVED if now.ungated_open else IDENTITY
    if now.for_us_to_find_out and now.state is not State.REVIEW:
        return FIND_OUT
    if now.erasing in _DONE_BY_ITSELF and _goes_on_by_itself(now):
        at = now.erasure_begins_at
        return _DONE_BY_ITSELF[now.erasing].format(at=f", {moment(at)}" if at else "")
    if now.deciders_left == 0:
        return NOBODY_MAY
    whose = {State.IDENTITY: UNPROVED, State.REVIEW: SECOND_PERSON}.get(now.state, PRIVACY)
    return whose + ONE_MAY if now.deciders_left == 1 else whose


def _of_sources(asked: Asked) -> str:
    """What happens by itself where data is, once the answer is out."""
    if asked.next_at is None:
        return "nothing"
    reminds = asked.by_hand and not asked.waiting
    return "reminds whoever does it by hand" if reminds else "asks again, at least every six hours"


def _goes_on_by_itself(now: RequestCase) -> bool:
    """Whether what was granted is done, or begins, unless somebody stops it."""
    return now.state is State.WORK and not now.for_us_to_find_out


def _sources(asked: Asked | None) -> str:
    return f". Data sources: {_in_words(asked)}" if asked else ""


def _in_words(asked: Asked) -> str:
    """Which data sources are waited for, by their names in the data map."""
    at = f" {moment(asked.next_at)}" if asked.next_at else ""
    again = f" (asked again{at})" if at else ""
    parts = (
        (asked.waiting, f"no answer yet{again}"),
        (asked.by_hand, "somebody of staff to do it by hand: the console has the task"),
        (asked.needs_person, "it answers what cannot be right, so somebody of privacy has to look"),
    )
    told = [f"{', '.join(names)}: {what}" for names, what in parts if names]
    return "; ".join(told) or f"to be asked{at}"


def _told(told: Told | None) -> str:
    """Who of staff was told last, by role, and whether anybody has said that they act."""
    if told is None:
        return ""
    roles = ", ".join(role.replace("_", " ") for role in told.roles)
    acts = f"acknowledged {moment(told.acknowledged_at)}" if told.acknowledged_at else _NOBODY
    return f". Told {moment(told.at)}: {roles}; {acts}"


_NOBODY = "nobody has acknowledged it yet"


def _next(now: RequestCase, *, overdue: bool) -> str:
    if now.next_rung is None:
        return "nothing"
    what = "tells the privacy officer and the executive again"
    return f"{what if overdue else now.next_rung.summary}: {moment(now.next_rung.at)}"
