"""The watchdog's round: what should run and does not is started, what stands still is named."""

import asyncio
import logging
from collections import defaultdict
from collections.abc import AsyncIterator, Collection, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlmodel import Session, col, select
from temporalio import activity
from temporalio.client import Client, WorkflowExecutionStatus
from temporalio.service import RPCError, RPCStatusCode

import temporal
from activities.chores import Chores
from activities.interceptor import incident
from activities.mail.courier import Courier
from activities.requests.retention import Retention
from activities.telling import Telling
from clock import Clock
from database.chunks import LongEnough, at_most
from database.engine import Database
from database.facts import record
from database.imports.account_imports import discard_dead
from database.imports.unfinished_imports import carry_on_imports
from database.mail.doubts import count_doubtful
from database.mail.mail_status import requests_in_vain
from database.mail.outbox import SENT_AGAIN
from database.mail.senders import steps_without_sender, without_sender
from database.requests import instructions, manual_tasks, minors
from database.requests.own_erasure import due_in_our_own
from database.requests.reached import answers_in_vain
from database.requests.requested_rights import kinds_of, rights_by_request
from database.requests.requests import OPEN_STATES
from database.requests.rungs import as_fired
from database.requests.source_tasks import answered_with_open_tasks, overdue_since
from database.storage import Storage
from database.tables import Campaign, DataSubjectRequest, FiredRung, Policy, PolicyVersion
from database.webhooks.alarms import AlarmKind, sound
from domain.company import Company
from domain.policies.reviews import TO_COME, VersionState
from domain.requests.ladder import armed
from mail.webhooks import ping

LIVES = (VersionState.SUBMITTED, VersionState.IN_REVIEW, *TO_COME)
RUNNING = "ExecutionStatus = 'Running'"
FOR_OPS = f"{RUNNING} AND AwaitingWhom = 'ops'"
FAILING = "TemporalReportedProblems IN ('category=WorkflowTaskFailed')"
LATE_AFTER = timedelta(hours=1)
IMPORTS_WITHIN = timedelta(minutes=3)
AT_ONCE = 20
LINES = 20
"""So many are named in the result and the log; all that were started stand in the facts."""
ENDS = {
    WorkflowExecutionStatus.TERMINATED: "it was terminated",
    WorkflowExecutionStatus.CANCELED: "it was cancelled",
    WorkflowExecutionStatus.FAILED: "it failed",
    WorkflowExecutionStatus.TIMED_OUT: "it timed out",
    WorkflowExecutionStatus.COMPLETED: "it had ended, and there is more to do",
}
NEVER_THERE = "Temporal does not know it"
FAILS = "its code fails again and again: the worker's log says why"
TRIES = (
    "a step goes wrong for a quarter of an hour or longer, or mails are in doubt: its page says why"
)
LATE = "a step that was due more than an hour ago has not been taken"
IMPORTS = "imports of accounts"
TO_THE_END = f"{IMPORTS}: carried on to the end, because one had been left in the middle"
FOR_NOW = (
    f"{IMPORTS}: carried on, because a large one had been left in the middle; the next round "
    "goes on with what is left"
)
GOES_WRONG = "carrying one goes wrong: {}"

log = logging.getLogger("promisekeeper.watchdog")


@dataclass(frozen=True, kw_only=True)
class Found:
    """A workflow (or the imports) that was not as it should be, and why."""

    workflow_id: str
    why: str


@dataclass(frozen=True, kw_only=True)
class Patrol:
    """What one round found. `repaired` and `stuck` name the first twenty, and imports besides."""

    watched: int
    repaired: tuple[str, ...]
    stuck: tuple[str, ...]
    in_words: str


@dataclass(frozen=True, kw_only=True)
class _Imports:
    """What became of imports that were left in the middle."""

    carried_on: tuple[str, ...] = ()
    stuck: tuple[Found, ...] = ()


class PatrolActivities:
    """Compares the register with what runs; built once, in worker.py."""

    def __init__(  # noqa: PLR0913, all that it looks after is handed down, and by name
        self,
        *,
        database: Database,
        clock: Clock,
        client: Client,
        company: Company,
        courier: Courier,
        settle_after: timedelta,
        storage: Storage,
        retention: Retention,
        dead_man_url: str = "",
    ) -> None:
        self._database = database
        self._clock = clock
        self._client = client
        self._company = company
        self._courier = courier
        self._telling = Telling(database=database, client=client)
        self._chores = Chores(
            database=database,
            company=company,
            storage=storage,
            retention=retention,
            settle_after=settle_after,
        )
        self._dead_man_url = dead_man_url

    @activity.defn
    async def patrol(self) -> Patrol:
        """Start every workflow that the register says should run and that does not.

        Before that, what was left to ops is sent again where evidence came after all, the
        restrictions are lifted whose holders have been told by now (P14), copies of people's data
        are deleted whose time is over (P11), what was posted long ago is deleted, and requests are
        closed and purged whose time has come (P33). What was decided while Temporal did not answer
        workflows hear of now (P8), and campaigns that none of their mails is in doubt any more. One
        that runs and stands still it cannot mend, but it says so. An import of accounts that was
        stopped after its decision is finished last. Whatever becomes of one of these, the rest is
        done. A dead-man switch outside hears of a round that came to its end, and of no other.
        """
        now = await asyncio.to_thread(self._clock.now)
        undone = [
            Found(workflow_id=name, why=why)
            for name, why in (await asyncio.to_thread(self._chores.do, now)).items()
        ]
        running = {workflow_id async for workflow_id in self._list(RUNNING)}
        wanted = await asyncio.to_thread(self._wanted, running, now)
        missing = [what for what in wanted if what.workflow_id not in running]
        repaired, failures = await self._repair(missing, now)
        undone += [
            Found(workflow_id=name, why=why)
            for name, why in (await self._telling.unheard(now)).items()
        ]
        await self._telling.settled({found async for found in self._list(FOR_OPS)})
        fresh = {found.workflow_id for found in repaired}
        stuck = [one for one in await self._stuck(now) if one.workflow_id not in fresh]
        stuck += undone
        imports = await asyncio.to_thread(self._carry_on_imports, now)
        stuck += imports.stuck
        await asyncio.to_thread(self._sound, stuck, now)
        if failures:
            raise failures[0]
        await asyncio.to_thread(self._ping)
        return _report(len(wanted), repaired, stuck, imports.carried_on)

    async def _repair(
        self, missing: Sequence[temporal.Start], now: datetime
    ) -> tuple[list[Found], list[BaseException]]:
        """What was started; and why something could not be, which holds up nothing else."""
        offset = await asyncio.to_thread(self._clock.offset)
        repaired: list[Found] = []
        failures: list[BaseException] = []
        for first in range(0, len(missing), AT_ONCE):
            some = missing[first : first + AT_ONCE]
            reasons = await asyncio.gather(*(self._why(what.workflow_id) for what in some))
            gone = [(what, why) for what, why in zip(some, reasons, strict=True) if why]
            answers = await asyncio.gather(
                *(temporal.start(self._client, what, as_of=now, offset=offset) for what, _ in gone),
                return_exceptions=True,
            )
            failures += (answer for answer in answers if isinstance(answer, BaseException))
            started = [
                one
                for one, answer in zip(gone, answers, strict=True)
                if not isinstance(answer, BaseException)
            ]
            await asyncio.to_thread(self._record, started, now)
            repaired += (Found(workflow_id=what.workflow_id, why=why) for what, why in started)
        return repaired, failures

    async def _why(self, workflow_id: str) -> str | None:
        """Why it does not run; None when it does: the list lags behind a little."""
        try:
            description = await self._client.get_workflow_handle(workflow_id).describe()
        except RPCError as failure:
            if failure.status is RPCStatusCode.NOT_FOUND:
                return NEVER_THERE
            raise
        return ENDS.get(description.status) if description.status else None

    async def _stuck(self, now: datetime) -> list[Found]:
        failing = await self._failing()
        late_at = f"{now - LATE_AFTER:%Y-%m-%dT%H:%M:%SZ}"
        late = {
            workflow_id
            async for workflow_id in self._list(
                f"{RUNNING} AND DueAt < '{late_at}' AND WorkflowType IN ('publication', 'campaign')"
            )
        }
        late |= await asyncio.to_thread(self._late_requests, now - LATE_AFTER)
        late |= await asyncio.to_thread(self._late_sources, now - LATE_AFTER)
        trying = {found async for found in self._list(FOR_OPS)}
        found = dict.fromkeys(sorted(late), LATE)
        found |= dict.fromkeys(sorted(trying), TRIES) | dict.fromkeys(sorted(failing), FAILS)
        return [Found(workflow_id=workflow_id, why=why) for workflow_id, why in found.items()]

    async def _failing(self) -> set[str]:
        """Those whose code fails; a server too old to say so names none."""
        try:
            return {found async for found in self._list(f"{RUNNING} AND {FAILING}")}
        except RPCError as failure:
            if failure.status is RPCStatusCode.INVALID_ARGUMENT:
                return set()
            raise

    async def _list(self, query: str) -> AsyncIterator[str]:
        async for execution in self._client.list_workflows(query):
            yield execution.id

    def _wanted(self, running: Collection[str], now: datetime) -> Sequence[temporal.Start]:
        alarms = [temporal.alarm_delivery()] if self._courier.owes(now) else []
        with self._database.session() as session:
            return [*register(session, running), *alarms]

    def _sound(self, stuck: Sequence[Found], now: datetime) -> None:
        """What a person has to see to; the same once a day as long as it lasts."""
        today, page = f"{now:%Y-%m-%d}", "/staff/ops"
        with self._database.transaction() as transaction:
            for found in stuck[:LINES]:
                occasion = f"{found.workflow_id}/{today}"
                what = {"workflow_id": found.workflow_id, "why": found.why, "in_all": len(stuck)}
                sound(transaction, AlarmKind.WATCHDOG_STUCK, occasion, now, page=page, **what)
            if tries := requests_in_vain(transaction, now):
                sound(transaction, AlarmKind.MAIL_NOT_TAKEN, today, now, page=page, requests=tries)
            late = minors.overdue(transaction, self._company.office, self._company.today(now))
            if late:
                kind = AlarmKind.MINORS_OVERDUE
                sound(transaction, kind, today, now, page="/staff/minors", checks=len(late))
            if late_tasks := manual_tasks.overdue(transaction, self._company.today(now)):
                kind = AlarmKind.TASKS_OVERDUE
                sound(transaction, kind, today, now, page="/staff/tasks", tasks=late_tasks)
            if mails := answers_in_vain(transaction):
                kind, page = AlarmKind.ANSWERS_UNDELIVERED, "/staff/requests/letters"
                sound(transaction, kind, today, now, page=page, mails=mails)
            if mails := count_doubtful(transaction):
                kind, page = AlarmKind.MAILS_UNSETTLED, "/staff/ops"
                sound(transaction, kind, today, now, page=page, mails=mails)
        self._courier.tell(now)

    def _ping(self) -> None:
        problem = ping(self._dead_man_url) if self._dead_man_url else None
        if problem:
            log.warning("The dead-man switch was not reached: %s. The next round tries.", problem)

    def _carry_on_imports(self, now: datetime) -> _Imports:
        """Carry on what was left in the middle, then throw away what is dead.

        A large one ends between two of its chunks. What somebody else gets on with is as it should
        be, however long it takes; so is what is thrown away.
        """
        long_enough = at_most(IMPORTS_WITHIN)
        try:
            found = carry_on_imports(self._database, now, long_enough)
            with suppress(LongEnough):
                discard_dead(self._database, now, long_enough)
            return _Imports(carried_on=(TO_THE_END,) if found else ())
        except LongEnough:
            return _Imports(carried_on=(FOR_NOW,))
        except Exception as fault:  # noqa: BLE001 - whatever it is, its words stay here
            why = GOES_WRONG.format(incident(fault).message)
            return _Imports(stuck=(Found(workflow_id=IMPORTS, why=why),))

    def _late_requests(self, late_at: datetime) -> set[str]:
        """Requests with a rung due by `late_at` that neither fired nor was passed over.

        By its key, as the ladder's instants move with the company's zone and holidays.
        """
        is_open = col(DataSubjectRequest.state).in_(OPEN_STATES)
        with self._database.session() as session:
            requests = session.exec(
                select(
                    DataSubjectRequest.id, DataSubjectRequest.received_at, DataSubjectRequest.due_at
                ).where(is_open)
            ).all()
            rows = session.exec(
                select(FiredRung)
                .join(DataSubjectRequest, col(DataSubjectRequest.id) == col(FiredRung.request_id))
                .where(is_open, FiredRung.due_at == DataSubjectRequest.due_at)
            ).all()
        rungs_by_request = defaultdict(list)
        for row in rows:
            rungs_by_request[row.request_id].append(row)
        late = set()
        for request_id, received_at, due_at in requests:
            fired = as_fired(rungs_by_request[request_id])
            ladder = armed(
                request_id=request_id,
                received_at=received_at,
                due_at=due_at,
                office=self._company.office,
                fired=fired,
                now=late_at,
            )
            if any(rung.at <= late_at and rung.key not in fired for rung in ladder):
                late.add(f"data-subject-request/{request_id}")
        return late

    def _late_sources(self, late_at: datetime) -> set[str]:
        """Requests for which a data source should have been asked by `late_at`."""
        with self._database.session() as session:
            found = overdue_since(session, late_at)
        return {f"data-subject-request/{request_id}" for request_id in found}

    def _record(self, gone: Sequence[tuple[temporal.Start, str]], now: datetime) -> None:
        with self._database.transaction() as transaction:
            for what, why in gone:
                record(
                    transaction,
                    "watchdog.started",
                    what.subject_id,
                    now,
                    workflow_id=what.workflow_id,
                    why=why,
                )


def register(session: Session, running: Collection[str] = ()) -> Iterator[temporal.Start]:
    """Every workflow that should run, as the database says.

    The mails of an answered request are its own workflow's as long as that is `running`.
    """
    yield from _publications(session)
    yield from _campaigns(session)
    yield from _requests(session)
    yield from map(temporal.controller_instruction, instructions.unfinished(session))
    yield from (temporal.step_delivery(*step) for step in steps_without_sender(session))
    yield from (
        temporal.mail_delivery(mail.id)
        for mail in without_sender(session)
        if mail.reason in SENT_AGAIN or f"data-subject-request/{mail.subject_id}" not in running
    )


def _publications(session: Session) -> Iterator[temporal.Start]:
    rows = session.exec(
        select(PolicyVersion.id, Policy.slug, PolicyVersion.number)
        .join(Policy, col(Policy.id) == col(PolicyVersion.policy_id))
        .where(col(PolicyVersion.state).in_(LIVES))
    )
    return (temporal.publication(*row) for row in rows)


def _campaigns(session: Session) -> Iterator[temporal.Start]:
    rows = session.exec(
        select(Campaign.id, Policy.slug, PolicyVersion.number)
        .join(PolicyVersion, col(PolicyVersion.id) == col(Campaign.policy_version_id))
        .join(Policy, col(Policy.id) == col(PolicyVersion.policy_id))
        .where(col(Campaign.finished_at).is_(None))
    )
    return (temporal.campaign(*row) for row in rows)


def _requests(session: Session) -> Iterator[temporal.Start]:
    """Those without an answer; and answered ones for which data sources have something to do, our
    own database last."""
    for request_id, rights in rights_by_request(session, OPEN_STATES).items():
        yield temporal.data_subject_request(request_id, list(rights))
    for request_id in dict.fromkeys([*answered_with_open_tasks(session), *due_in_our_own(session)]):
        yield temporal.data_subject_request(request_id, kinds_of(session, request_id))


def _report(
    watched: int, repaired: Sequence[Found], stuck: Sequence[Found], imports: Sequence[str]
) -> Patrol:
    done = tuple(f"{found.workflow_id}: started, because {found.why}" for found in repaired[:LINES])
    done += tuple(imports)
    named = tuple(
        f"{found.workflow_id}: stands still, because {found.why}" for found in stuck[:LINES]
    )
    in_words = (
        f"Watched {watched} {'workflow' if watched == 1 else 'workflows'}, "
        f"started {len(repaired)} that did not run, "
        f"found {len(stuck)} that {'stands' if len(stuck) == 1 else 'stand'} still."
    )
    if imports:
        in_words += " Carried on an import of accounts that had been left in the middle."
    if done or named:
        log.warning("%s %s", in_words, "; ".join((*done, *named)))
    return Patrol(watched=watched, repaired=done, stuck=named, in_words=in_words)
