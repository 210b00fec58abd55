"""How every process reaches Temporal: connection, names, search attributes, starting."""

import logging
import re
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import cache
from typing import Any, Protocol, TypeVar
from uuid import UUID

from temporalio.client import Client, WorkflowHandle
from temporalio.common import (
    SearchAttributeKey,
    SearchAttributePair,
    TypedSearchAttributes,
    WorkflowIDConflictPolicy,
    WorkflowIDReusePolicy,
)
from temporalio.contrib.pydantic import pydantic_data_converter
from temporalio.envconfig import ClientConfig, ClientConnectConfig
from temporalio.runtime import LogForwardingConfig, LoggingConfig, Runtime, TelemetryConfig
from temporalio.service import RPCError, RPCStatusCode
from temporalio.testing import TimeSkipper, TimeSkippingConfig
from temporalio.testing._timeskipping import FastForwardConfig

T = TypeVar("T")
TASK_QUEUE = "promisekeeper"
WATCHDOG = "watchdog"  # the schedule
LOOK_AGAIN = "look_again"
"""The signal by which a workflow is told that something was decided; the database says what."""
ALARMS = UUID(int=0)
"""The subject of what is about no single thing: every alarm that waits."""

# The client's own warnings are one for each call that is tried again: hundreds in an outage. What
# goes and comes back is told once, by `lookout`.
CORE_LOGS = "error,temporalio_sdk_core=warn"
UNUSABLE = (
    "Temporal's own settings (TEMPORAL_ADDRESS, TEMPORAL_PROFILE and so on) cannot be used: {}. "
    "Nothing was changed. Mend them in the environment."
)

TURNED_AWAY = (
    RPCStatusCode.INVALID_ARGUMENT,
    RPCStatusCode.NOT_FOUND,
    RPCStatusCode.PERMISSION_DENIED,
    RPCStatusCode.UNAUTHENTICATED,
    RPCStatusCode.FAILED_PRECONDITION,
    RPCStatusCode.UNIMPLEMENTED,
)

POLICY = SearchAttributeKey.for_keyword("Policy")
POLICY_VERSION = SearchAttributeKey.for_int("PolicyVersion")
STAGE = SearchAttributeKey.for_keyword("Stage")
REQUEST_RIGHTS = SearchAttributeKey.for_keyword_list("RequestRights")
AWAITING_WHOM = SearchAttributeKey.for_keyword("AwaitingWhom")
DUE_AT = SearchAttributeKey.for_datetime("DueAt")
SEARCH_ATTRIBUTES: tuple[SearchAttributeKey[Any], ...] = (
    POLICY,
    POLICY_VERSION,
    STAGE,
    REQUEST_RIGHTS,
    AWAITING_WHOM,
    DUE_AT,
)

RUNNING = 'ExecutionStatus = "Running"'


@dataclass(frozen=True, kw_only=True)
class View:
    """A question ops ask of the list of workflows; the Temporal UI keeps it under its name."""

    name: str
    query: str

    def at(self, now: datetime) -> str:
        """The query as it is asked at an instant: what is overdue depends on it."""
        return self.query.replace("{now}", f"{now:%Y-%m-%dT%H:%M:%SZ}")


VIEWS: Mapping[str, View] = {
    "overdue": View(name="overdue", query=f'DueAt < "{{now}}" AND {RUNNING}'),
    "legal": View(name="waits for legal", query=f'AwaitingWhom = "legal" AND {RUNNING}'),
    "privacy": View(name="waits for privacy", query=f'AwaitingWhom = "privacy" AND {RUNNING}'),
    "mail-service": View(
        name="waits for the mail service", query=f'AwaitingWhom = "mail service" AND {RUNNING}'
    ),
    "ops": View(name="waits for ops", query=f'AwaitingWhom = "ops" AND {RUNNING}'),
}
"""What ops look for. Workflows that fail at their own code the UI finds itself, as "Failures"."""

# Readable without a worker, unlike what a workflow says of itself.
HOW_TO_READ = (
    "**How it stands** is under *Current Details*. A worker tells that: when it is blank or an "
    "error, no worker answers, or its code does not fit this run: `promisekeeper doctor` says "
    "which, and what to do. Read the tab *Memo* meanwhile; nothing is lost. "
    "Times in our words are UTC.\n\n"
    "**What the buttons do**\n\n"
    "- *Request Cancellation*, *Terminate*, *Reset*: harmless, and rarely of use. The watchdog "
    "starts it again within 15 minutes, and it goes on from what the database says is done: "
    "nothing is sent twice, no step is lost. So nothing here stops it for good.\n"
    "- *Send a Signal*, *Send an Update*: leave them. People decide in the staff console, which "
    "checks who may.\n"
    "- *Start Workflow Like This One*: leave it, the watchdog does that. Sooner: *Schedules*, "
    "`watchdog`, *Trigger*.\n"
)

ABOUT_THE_WATCHDOG = (
    "A round of the watchdog, one every ten minutes, over in a moment: it starts again whatever "
    "should run and does not, and names what stands still. What it did is under *Current Details*, "
    "in its result and in the tab *Memo*.\n\n"
    "**What the buttons do**\n\n"
    "- All of them are harmless, and none is needed: the next round looks at everything again. "
    "Sooner: *Schedules*, `watchdog`, *Trigger*.\n"
)

# Time skipping on the real server is experimental: its flags stand here and nowhere else.
TIME_SKIPPING_FLAGS = (
    "--dynamic-config-value",
    "frontend.WorkflowTimeSkippingEnabled=true",
    "--dynamic-config-value",
    'history.timerProcessorMaxTimeShift="20ms"',
    # A run that continues as new within a second would be held back so long, and the skipping of a
    # day goes on meanwhile, past everything that is due in the new run.
    "--dynamic-config-value",
    'history.workflowIdReuseMinimalInterval="0s"',
)

# When a period is over while a workflow is at work, the server skips on to the next timer, however
# far away that is. So it skips once for each time it is asked, at once or not at all.
ONE_SKIP = TimeSkippingConfig(max_session_skip_count=1)


class Portal(Protocol):
    """Runs an async function from a thread and waits for it: anyio's BlockingPortal."""

    def call(self, func: Callable[[], Awaitable[T]]) -> T:
        """Run it and return what it returns."""


class TemporalSettingsRefused(Exception):
    """What Temporal's own settings say cannot be used; the process must not start."""


@dataclass(frozen=True, kw_only=True)
class Case:
    """What a workflow is about. It loads everything else, so that it can always be rebuilt.

    `as_of` is the instant at which it was asked for: it does nothing before. `step`: which of the
    subject's mails it is about, where it is about those of one step.
    """

    subject_id: UUID
    as_of: datetime
    step: str = ""


@dataclass(frozen=True, kw_only=True)
class Start:
    """One workflow to be started: its registered name, its id (what may exist only once)."""

    workflow: str
    workflow_id: str
    subject_id: UUID
    summary: str
    step: str = ""
    search_attributes: TypedSearchAttributes = TypedSearchAttributes.empty


async def connect(default_address: str, *, lazy: bool = False) -> Client:
    """Connect as Temporal's standard settings say (TEMPORAL_ADDRESS and so on).

    `default_address` is where to look when they say nothing: the embedded server.
    `lazy` puts the connection off until it is needed, for processes that live without Temporal.
    Raises TemporalSettingsRefused.
    """
    config = _standard_settings()
    config.setdefault("target_host", default_address)
    try:
        return await Client.connect(
            **config, data_converter=pydantic_data_converter, lazy=lazy, runtime=_runtime()
        )
    except ValueError as fault:
        raise TemporalSettingsRefused(UNUSABLE.format(fault)) from None


def address(default_address: str) -> str:
    """Where `connect` looks, for people. Raises TemporalSettingsRefused."""
    return _standard_settings().get("target_host", default_address)


def namespace() -> str:
    """The namespace that `connect` takes, for links. Raises TemporalSettingsRefused."""
    return _standard_settings().get("namespace", "default")


def _standard_settings() -> ClientConnectConfig:
    try:
        return ClientConfig.load_client_connect_config()
    except Exception as fault:  # noqa: BLE001 - its own error has no name that could be imported
        raise TemporalSettingsRefused(UNUSABLE.format(fault)) from None


def turns_us_away(fault: BaseException) -> bool:
    """Whether a server answered that it will not serve us so, which waiting does not mend."""
    if isinstance(fault, RPCError):
        return fault.status in TURNED_AWAY
    code = re.search(r"Status { code: (\w+)", str(fault))  # all that connecting tells
    return code is not None and code[1] in {
        status.name.title().replace("_", "") for status in TURNED_AWAY
    }


def reason(fault: BaseException) -> str:
    """What the client said about a failed call, in a few words."""
    said = re.findall(r'message: "([^"]*)"', str(fault))
    return said[-1] if said else ""


@cache
def _runtime() -> Runtime:
    """Temporal's Rust core, one for the process, that logs where we log."""
    forwarding = LogForwardingConfig(logger=logging.getLogger("temporalio.core"))
    logs = LoggingConfig(filter=CORE_LOGS, forwarding=forwarding)
    return Runtime(telemetry=TelemetryConfig(logging=logs))


async def start(
    client: Client, what: Start, *, as_of: datetime, offset: timedelta = timedelta(0)
) -> WorkflowHandle[Any, Any]:
    """Start a workflow, or find it running.

    `offset` is the development clock's: the start is put off by it, and the server skips that.
    """
    starting = client
    if offset:
        skipped = FastForwardConfig(id=f"offset/{what.workflow_id}", duration=offset)
        starting = TimeSkipper(client, config=replace(ONE_SKIP, fast_forward_config=skipped)).client
    return await starting.start_workflow(
        what.workflow,
        Case(subject_id=what.subject_id, as_of=as_of, step=what.step),
        id=what.workflow_id,
        task_queue=TASK_QUEUE,
        start_delay=offset or None,
        id_conflict_policy=WorkflowIDConflictPolicy.USE_EXISTING,
        id_reuse_policy=WorkflowIDReusePolicy.ALLOW_DUPLICATE,
        search_attributes=what.search_attributes,
        static_summary=what.summary,
        static_details=HOW_TO_READ,
    )


async def wake(client: Client, workflow_id: str) -> None:
    """Have a workflow look at the database; one that does not run looks when it is started."""
    try:
        await client.get_workflow_handle(workflow_id).signal(LOOK_AGAIN)
    except RPCError as failure:
        if failure.status is not RPCStatusCode.NOT_FOUND:
            raise


def publication(policy_version_id: UUID, slug: str, number: int) -> Start:
    """The life of a policy version, from submission until it is in force."""
    return Start(
        workflow="publication",
        workflow_id=f"publication/{slug}/{number}",
        subject_id=policy_version_id,
        summary=f"{slug}, version {number}, on its way: compared with earlier texts, reviewed by "
        "legal, announced, put in force. Ends when it is in force, or rejected.",
        search_attributes=TypedSearchAttributes(
            [SearchAttributePair(POLICY, slug), SearchAttributePair(POLICY_VERSION, number)]
        ),
    )


def campaign(campaign_id: UUID, slug: str, number: int) -> Start:
    """All notices owed because of one policy version."""
    return Start(
        workflow="campaign",
        workflow_id=f"campaign/{slug}/{number}",
        subject_id=campaign_id,
        summary=f"Everybody whom {slug}, version {number}, concerns is told of it: first notice, "
        "reminders, escalations. Ends when the last of them is out and it is in force.",
        search_attributes=TypedSearchAttributes(
            [SearchAttributePair(POLICY, slug), SearchAttributePair(POLICY_VERSION, number)]
        ),
    )


def data_subject_request(request_id: UUID, kinds: Sequence[str]) -> Start:
    """The thirty days of one request, and of every right it asks for."""
    return Start(
        workflow="data-subject-request",
        workflow_id=f"data-subject-request/{request_id}",
        subject_id=request_id,
        summary=f"One person's request ({', '.join(kinds)}) and the days it may take: "
        "acknowledged, reminded, escalated. Ends when the answer is out. Which one it is, its due "
        "time tells: the staff console lists requests by it.",
        search_attributes=TypedSearchAttributes([SearchAttributePair(REQUEST_RIGHTS, kinds)]),
    )


def alarm_delivery() -> Start:
    """All alarms that the webhook did not take at once."""
    return Start(
        workflow="alarm-delivery",
        workflow_id="alarm-delivery",
        subject_id=ALARMS,
        summary="Alarms for staff, and events for the company's systems, that their webhooks did "
        "not take. Ends when they have them.",
    )


def mail_delivery(mail_id: UUID) -> Start:
    """One mail that somebody asked for on a page."""
    return Start(
        workflow="mail-delivery",
        workflow_id=f"mail-delivery/{mail_id}",
        subject_id=mail_id,
        summary="One mail that somebody asked for, or that ops send again. Ends when the mail "
        "service has it.",
    )


def step_delivery(subject_id: UUID, step: str) -> Start:
    """The mails of a campaign's step that wait although the step is taken, all of them."""
    return Start(
        workflow="mail-delivery",
        workflow_id=f"mail-delivery/{subject_id}/{step}",
        subject_id=subject_id,
        step=step,
        summary=f"What is left of a campaign's {step.replace('_', ' ')}: sent again, or late. "
        "Ends when the mail service has them.",
    )


def controller_instruction(instruction_id: UUID) -> Start:
    """What a company for which we keep data told us to do with it."""
    return Start(
        workflow="controller-instruction",
        workflow_id=f"controller-instruction/{instruction_id}",
        subject_id=instruction_id,
        summary="An instruction of a company for which we keep data: decided by a second person "
        "where it must be, carried out at its data sources alone, reported back. Ends when the "
        "report is out.",
    )
