"""What the product asks of a Temporal server, and whether this one gives it."""

import asyncio
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from google.protobuf.timestamp_pb2 import Timestamp
from temporalio.api.enums.v1 import TaskQueueType
from temporalio.api.operatorservice.v1 import ListSearchAttributesRequest
from temporalio.api.taskqueue.v1 import PollerInfo, TaskQueue
from temporalio.api.workflowservice.v1 import (
    DescribeNamespaceRequest,
    DescribeTaskQueueRequest,
    DescribeTaskQueueResponse,
    GetSystemInfoRequest,
)
from temporalio.client import (
    Client,
    WorkflowExecutionStatus,
    WorkflowHandle,
    WorkflowQueryFailedError,
)
from temporalio.common import SearchAttributeKey
from temporalio.service import RPCError, RPCStatusCode

from temporal import SEARCH_ATTRIBUTES, TASK_QUEUE, WATCHDOG

OLDEST = (1, 25)
"""The first server that takes updates of workflows without being told to."""
A_POLL = timedelta(seconds=75)
"""A worker asks for work at least once a minute, and then some."""
KINDS = (
    "publication",
    "campaign",
    "data-subject-request",
    "controller-instruction",
    "mail-delivery",
    "alarm-delivery",
)
OF_EACH_KIND = 5
HOW_IT_STANDS = "__temporal_workflow_metadata"
"""What the Temporal UI asks for *Current Details*: every workflow knows it."""
NOT_ANSWERED_BY_ALL = (
    RPCStatusCode.UNIMPLEMENTED,
    RPCStatusCode.PERMISSION_DENIED,
    RPCStatusCode.UNAUTHENTICATED,
)


class TemporalUnfit(Exception):
    """The server answers, but it is not one we can work with; waiting does not mend it."""


@dataclass(frozen=True, kw_only=True)
class Worker:
    """A worker that asked for work lately: who it is, and the code it runs."""

    identity: str
    build: str
    asked_at: datetime


@dataclass(frozen=True, kw_only=True)
class Replayed:
    """How many open workflows were asked, and the ids of those that the worker's code misfits."""

    asked: int
    misfits: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class Queue:
    """Who takes work, how many tasks wait for it, and for how long the oldest has."""

    workers: tuple[Worker, ...]
    waiting: int
    oldest: timedelta

    def at_work(self, now: datetime) -> tuple[Worker, ...]:
        """Those that asked lately. A server remembers a worker for minutes after its end."""
        return tuple(worker for worker in self.workers if now - worker.asked_at < A_POLL)


@dataclass(frozen=True, kw_only=True)
class Rounds:
    """The watchdog's schedule: whether it goes, when it last went, and what the round found."""

    paused: bool
    last_at: datetime | None
    last: "Round | None" = None


@dataclass(frozen=True, kw_only=True)
class Round:
    """The watchdog's round that ended last: `found` is what it said, empty when it failed."""

    ended_at: datetime
    completed: bool
    found: str


async def require_fit(client: Client) -> None:
    """Raises TemporalUnfit when the version, the namespace or the search attributes are wrong."""
    version = await server_version(client)
    if is_too_old(version):
        raise TemporalUnfit(
            f"The Temporal server is {version}, and Promisekeeper needs "
            f"{'.'.join(map(str, OLDEST))} or newer. Nothing was changed. Upgrade the server."
        )
    try:
        await retention(client)
    except RPCError as fault:
        if fault.status is not RPCStatusCode.NOT_FOUND:
            raise
        raise TemporalUnfit(
            f"The Temporal server has no namespace {client.namespace!r}. Nothing was changed. Set "
            "TEMPORAL_NAMESPACE to the right one, or create it: temporal operator namespace create"
        ) from None
    missing = await missing_search_attributes(client)
    if missing:
        raise TemporalUnfit(
            f"The namespace {client.namespace!r} lacks the search attributes "
            f"{', '.join(missing)}. Nothing was changed. Register them: "
            f"{how_to_register(missing)}"
        )


async def server_version(client: Client) -> str:
    """The server's version, like 1.32.0."""
    answer = await client.workflow_service.get_system_info(GetSystemInfoRequest())
    return answer.server_version


def is_too_old(version: str) -> bool:
    """Whether a server is older than what we need. A version that is no number is not."""
    parts = version.split(".")[:2]
    return all(part.isdigit() for part in parts) and tuple(map(int, parts)) < OLDEST


async def retention(client: Client) -> timedelta:
    """How long the server keeps closed workflows. Raises RPCError NOT_FOUND: no namespace."""
    answer = await client.workflow_service.describe_namespace(
        DescribeNamespaceRequest(namespace=client.namespace)
    )
    return answer.config.workflow_execution_retention_ttl.ToTimedelta()


async def missing_search_attributes(client: Client) -> tuple[str, ...]:
    """Ours that are not registered; none where the server does not let us ask."""
    try:
        known = await client.operator_service.list_search_attributes(
            ListSearchAttributesRequest(namespace=client.namespace)
        )
    except RPCError as fault:
        if fault.status in NOT_ANSWERED_BY_ALL:
            return ()
        raise
    wanted = {attribute.name for attribute in SEARCH_ATTRIBUTES}
    return tuple(sorted(wanted - {*known.custom_attributes}))


def how_to_register(names: tuple[str, ...]) -> str:
    """The command that registers search attributes."""
    pairs = " ".join(
        f"--name {attribute.name} --type {type_name(attribute)}"
        for attribute in SEARCH_ATTRIBUTES
        if attribute.name in names
    )
    return f"temporal operator search-attribute create {pairs}"


def type_name(attribute: SearchAttributeKey[Any]) -> str:
    """The type of a search attribute as Temporal's command lines have it, like KeywordList."""
    return attribute.indexed_value_type.name.title().replace("_", "")


async def queue(client: Client) -> Queue:
    """Both halves of our task queue: workflow tasks and activities."""
    halves = [
        await _half(client, kind)
        for kind in (
            TaskQueueType.TASK_QUEUE_TYPE_WORKFLOW,
            TaskQueueType.TASK_QUEUE_TYPE_ACTIVITY,
        )
    ]
    return Queue(
        workers=tuple(_worker(poller) for poller in halves[0].pollers),
        waiting=sum(half.stats.approximate_backlog_count for half in halves),
        oldest=max(half.stats.approximate_backlog_age.ToTimedelta() for half in halves),
    )


async def _half(client: Client, kind: "TaskQueueType.ValueType") -> DescribeTaskQueueResponse:
    return await client.workflow_service.describe_task_queue(
        DescribeTaskQueueRequest(
            namespace=client.namespace,
            task_queue=TaskQueue(name=TASK_QUEUE),
            task_queue_type=kind,
            report_stats=True,
        )
    )


async def replayed(client: Client) -> Replayed:
    """Ask a few open workflows of each kind how they stand, and so make a worker replay them.

    Else one that sleeps would meet new code only when it wakes, perhaps in weeks. No answer comes
    while no worker is there to give it.
    """
    handles = [
        client.get_workflow_handle(execution.id, run_id=execution.run_id)
        for kind in KINDS
        async for execution in client.list_workflows(
            f"ExecutionStatus = 'Running' AND WorkflowType = '{kind}'", limit=OF_EACH_KIND
        )
    ]
    fits = await asyncio.gather(*map(_is_replayed, handles))
    return Replayed(
        asked=len(handles),
        misfits=tuple(handle.id for handle, fit in zip(handles, fits, strict=True) if not fit),
    )


async def _is_replayed(handle: WorkflowHandle[Any, Any]) -> bool:
    try:
        await handle.query(HOW_IT_STANDS)
    except WorkflowQueryFailedError:
        return False
    except RPCError as fault:
        if fault.status is not RPCStatusCode.NOT_FOUND:  # it ended meanwhile
            raise
    return True


async def rounds(client: Client) -> Rounds | None:
    """The watchdog's schedule; None when there is none."""
    try:
        found = await client.get_schedule_handle(WATCHDOG).describe()
    except RPCError as fault:
        if fault.status is RPCStatusCode.NOT_FOUND:
            return None
        raise
    recent = found.info.recent_actions
    return Rounds(
        paused=found.schedule.state.paused,
        last_at=recent[-1].started_at if recent else None,
        last=await _last_round(client),
    )


async def _last_round(client: Client) -> Round | None:
    """The server lists what ended last first."""
    ended = f'WorkflowType = "{WATCHDOG}" AND ExecutionStatus != "Running"'
    async for execution in client.list_workflows(ended, limit=1):
        memo = await execution.memo()
        return Round(
            ended_at=execution.close_time or execution.start_time,
            completed=execution.status is WorkflowExecutionStatus.COMPLETED,
            found=str(memo.get("found", "")),
        )
    return None


def _worker(poller: PollerInfo) -> Worker:
    return Worker(
        identity=poller.identity,
        build=poller.worker_version_capabilities.build_id,
        asked_at=_instant(poller.last_access_time),
    )


def _instant(stamp: Timestamp) -> datetime:
    return stamp.ToDatetime(tzinfo=UTC)
