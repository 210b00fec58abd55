"""A town whose server, worker and workflows can be hit, and what happened there in the end."""

import re
from collections import Counter
from collections.abc import Awaitable, Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import chain
from pathlib import Path
from typing import Any

from anyio.from_thread import start_blocking_portal
from pydantic import SecretStr
from sqlmodel import select
from temporalio.api.common.v1 import WorkflowExecution
from temporalio.api.enums.v1 import EventType
from temporalio.api.workflowservice.v1 import (
    DeleteWorkflowExecutionRequest,
    ResetWorkflowExecutionRequest,
)
from temporalio.client import Client, WorkflowFailureError, WorkflowHandle
from temporalio.service import RPCError, RPCStatusCode

import temporal
from activities.patrol import register
from clock import Clock
from data_sources.opening import OWN_MAP
from database.engine import Database
from database.tables import (
    Account,
    Approval,
    Campaign,
    CampaignStep,
    DataSubjectRequest,
    Fact,
    FiredRung,
    OutboxMail,
    PolicyVersion,
    RequestedRight,
    Staff,
)
from embedded import temporal_server
from embedded.processes import Process, running
from settings import Settings
from tests.eventually import eventually
from tests.own_settings import free_ports
from tests.people import move_in
from tests.quiet_monday import until_a_quiet_monday
from tests.sandbox_server import API_KEY, running_sandbox
from tests.workflows.conftest import OURS, Town, desk_of, worker_of
from worker import THREADS

NOT_COMPARED = ("watchdog.started",)
ONE_HOUR = timedelta(hours=1)
REFERENCE = re.compile(r"R-\w{8}")


@dataclass(frozen=True, kw_only=True)
class FragileTown(Town):
    """A town on a server that keeps a file, with a worker that can be taken away."""

    server: Process
    server_file: Path
    hire: Callable[[], AbstractContextManager[object]]
    at_work: ExitStack = field(default_factory=ExitStack)

    def start_worker(self) -> None:
        self.at_work.enter_context(self.hire())

    def stop_worker(self) -> None:
        self.at_work.pop_all().close()

    def each_workflow(self, hit: Callable[[WorkflowHandle[Any, Any]], Awaitable[object]]) -> None:
        """Do something to every workflow that runs, except the watchdog."""

        async def all_of_them() -> None:
            async for execution in self.client.list_workflows(OURS):
                try:
                    await hit(self.client.get_workflow_handle(execution.id))
                except RPCError as failure:  # the list lags behind a little
                    if failure.status is not RPCStatusCode.NOT_FOUND:
                        raise

        self.portal.call(all_of_them)

    def go_on(self) -> None:
        """The watchdog goes round, and what it started catches up."""
        eventually(self.patrol)
        self.come_to_rest()
        self.advance(minutes=1)
        self.come_to_rest()


@contextmanager
def fragile_town(database: Database, directory: Path) -> Iterator[FragileTown]:
    """Run everything for one test, which begins on a quiet Monday."""
    (port, ui_port) = free_ports(2)
    with ExitStack() as stack:
        mail = stack.enter_context(running_sandbox(directory))
        portal = stack.enter_context(start_blocking_portal())
        address = f"127.0.0.1:{port}"
        program = temporal_server.program(
            data_dir=directory,
            port=port,
            ui_port=ui_port,
            time_skipping=True,
            environment={"HOME": str(directory)},
            log=directory / "temporal.log",
        )
        (server,) = stack.enter_context(running([program]))
        stack.callback(server.kill)  # sooner than it ends by itself
        client = portal.call(lambda: temporal.connect(address))
        settings = Settings.model_validate(
            {
                "database_url": database.url,
                "sendgrid_host": mail.url,
                "sendgrid_api_key": SecretStr(API_KEY),
                "data_map": str(OWN_MAP),  # others are silent here, and asked again for weeks
            }
        )
        threads = stack.enter_context(ThreadPoolExecutor(THREADS))
        clock = Clock(database, development=True)
        clock.advance(until_a_quiet_monday(clock.now()))

        def hire() -> AbstractContextManager[object]:
            worker = portal.call(worker_of, client, settings, database, threads, ())
            return portal.wrap_async_context_manager(worker)

        town = FragileTown(
            database=database,
            settings=settings,
            clock=clock,
            desk=desk_of(database, clock, settings, portal, client),
            mail=mail,
            client=client,
            portal=portal,
            staff=move_in(database),
            server=server,
            server_file=directory / temporal_server.DATABASE_FILE,
            hire=hire,
        )
        town.start_worker()
        stack.callback(town.stop_worker)
        yield town


def nothing(_town: FragileTown) -> None:
    """An undisturbed day."""


def terminate(town: FragileTown) -> None:
    town.each_workflow(lambda handle: handle.terminate("pressed at three at night"))


def cancel(town: FragileTown) -> None:
    async def to_the_end(handle: WorkflowHandle[Any, Any]) -> None:
        await handle.cancel()
        with suppress(WorkflowFailureError):
            await handle.result()

    town.each_workflow(to_the_end)


def reset_to_the_first(town: FragileTown) -> None:
    town.each_workflow(lambda handle: _reset(town.client, handle, 0))


def reset_to_the_last(town: FragileTown) -> None:
    town.each_workflow(lambda handle: _reset(town.client, handle, -1))


async def _reset(client: Client, handle: WorkflowHandle[Any, Any], which: int) -> None:
    """A run that has not begun yet cannot be reset."""
    finished = [
        event.event_id
        async for event in handle.fetch_history_events()
        if event.event_type == EventType.EVENT_TYPE_WORKFLOW_TASK_COMPLETED
    ]
    if not finished:
        return
    await client.workflow_service.reset_workflow_execution(
        ResetWorkflowExecutionRequest(
            namespace=client.namespace,
            workflow_execution=WorkflowExecution(workflow_id=handle.id),
            reason="pressed at three at night",
            workflow_task_finish_event_id=finished[which],
            request_id=f"{handle.id} {finished[which]}",
        )
    )


def start_again(town: FragileTown) -> None:
    """Everything is started a second time while it runs."""
    with town.database.session() as session:
        starts = list(register(session))

    async def start() -> None:
        for what in starts:
            await temporal.start(town.client, what, as_of=town.now(), offset=town.clock.offset())

    town.portal.call(start)


def delete_histories(town: FragileTown) -> None:
    async def delete(handle: WorkflowHandle[Any, Any]) -> None:
        await town.client.workflow_service.delete_workflow_execution(
            DeleteWorkflowExecutionRequest(
                namespace=town.client.namespace,
                workflow_execution=WorkflowExecution(workflow_id=handle.id),
            )
        )

    town.each_workflow(delete)
    eventually(lambda: town.portal.call(lambda: _count(town.client)) == 0)


async def _count(client: Client) -> int:
    return (await client.count_workflows(OURS)).count


def lose_all_of_temporal(town: FragileTown) -> None:
    town.server.kill()
    for name in ("", "-wal", "-shm"):
        town.server_file.with_name(town.server_file.name + name).unlink(missing_ok=True)
    town.server.start_again()


def restart_the_server(town: FragileTown) -> None:
    town.server.kill()
    town.server.start_again()


def restart_the_worker(town: FragileTown) -> None:
    town.stop_worker()
    town.start_worker()


DISTURBANCES: Mapping[str, Callable[[FragileTown], None]] = {
    disturbance.__name__: disturbance
    for disturbance in (
        terminate,
        cancel,
        reset_to_the_first,
        reset_to_the_last,
        start_again,
        delete_histories,
        lose_all_of_temporal,
        restart_the_server,
        restart_the_worker,
    )
}


def what_happened(town: FragileTown, since: datetime) -> Counter[tuple[object, ...]]:
    """Everything in the database and in people's inboxes, without ids, in hours since then."""

    def hours(instant: datetime | None) -> int | None:
        return None if instant is None else round((instant - since) / ONE_HOUR)

    with town.database.session() as session:
        names: dict[object, str] = {
            row.id: row.external_id for row in session.exec(select(Account))
        }
        names |= {row.id: row.handle for row in session.exec(select(Staff))}
        rows: Iterator[tuple[object, ...]] = chain(
            (
                ("version", row.number, row.state, hours(row.announced_at), hours(row.effective_at))
                for row in session.exec(select(PolicyVersion))
            ),
            (
                ("campaign", row.state, hours(row.notified_at))
                for row in session.exec(select(Campaign))
            ),
            (
                ("step", row.step, hours(row.due_at), hours(row.taken_at))
                for row in session.exec(select(CampaignStep))
            ),
            (
                ("decision", names[row.account_id], row.decision)
                for row in session.exec(select(Approval))
            ),
            (
                (
                    *("request", row.state, row.outcome, hours(row.answered_at)),
                    *(hours(row.late_reply_at), hours(row.policy_breach_at)),
                )
                for row in session.exec(select(DataSubjectRequest))
            ),
            (
                ("right", row.kind, row.state, row.outcome, hours(row.decided_at))
                for row in session.exec(select(RequestedRight))
            ),
            (
                ("rung", row.rung, row.passed_over, hours(row.stood_at), hours(row.fired_at))
                for row in session.exec(select(FiredRung))
            ),
            (
                (
                    "mail",
                    row.step,
                    row.template,
                    names.get(row.addressee_id, "requester"),
                    row.state,
                )
                for row in session.exec(select(OutboxMail))
            ),
            (
                ("fact", row.kind, hours(row.recorded_at))
                for row in session.exec(select(Fact))
                if row.kind not in NOT_COMPARED
            ),
            (
                ("inbox", mail["to"], REFERENCE.sub("R-", str(mail["subject"])))
                for mail in town.mails()
            ),
        )
        return Counter(rows)
