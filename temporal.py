"""How every process reaches Temporal: connection, names, search attributes, starting."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
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
from temporalio.envconfig import ClientConfig
from temporalio.testing import TimeSkipper, TimeSkippingConfig
from temporalio.testing._timeskipping import FastForwardConfig

TASK_QUEUE = "promisekeeper"

POLICY = SearchAttributeKey.for_keyword("Policy")
POLICY_VERSION = SearchAttributeKey.for_int("PolicyVersion")
STAGE = SearchAttributeKey.for_keyword("Stage")
REQUEST_KIND = SearchAttributeKey.for_keyword("RequestKind")
AWAITING_WHOM = SearchAttributeKey.for_keyword("AwaitingWhom")
DUE_AT = SearchAttributeKey.for_datetime("DueAt")
SEARCH_ATTRIBUTES: tuple[SearchAttributeKey[Any], ...] = (
    POLICY,
    POLICY_VERSION,
    STAGE,
    REQUEST_KIND,
    AWAITING_WHOM,
    DUE_AT,
)

# Time skipping on the real server is experimental: its flags stand here and nowhere else.
TIME_SKIPPING_FLAGS = (
    "--dynamic-config-value",
    "frontend.WorkflowTimeSkippingEnabled=true",
    "--dynamic-config-value",
    'history.timerProcessorMaxTimeShift="20ms"',
)


@dataclass(frozen=True, kw_only=True)
class Case:
    """What a workflow is about. It loads everything else, so that it can always be rebuilt.

    `as_of` is the instant at which it was asked for: it does nothing before. `cursor` is how far a
    run that continued as new had come.
    """

    subject_id: UUID
    as_of: datetime
    cursor: int = 0


@dataclass(frozen=True, kw_only=True)
class Start:
    """One workflow to be started: its registered name, its id (what may exist only once)."""

    workflow: str
    workflow_id: str
    subject_id: UUID
    summary: str
    search_attributes: TypedSearchAttributes = TypedSearchAttributes.empty


async def connect(default_address: str, *, lazy: bool = False) -> Client:
    """Connect as Temporal's standard settings say (TEMPORAL_ADDRESS and so on).

    `default_address` is where to look when they say nothing: the embedded server.
    `lazy` puts the connection off until it is needed, for processes that live without Temporal.
    """
    config = ClientConfig.load_client_connect_config()
    config.setdefault("target_host", default_address)
    return await Client.connect(**config, data_converter=pydantic_data_converter, lazy=lazy)


async def start(
    client: Client, what: Start, *, as_of: datetime, offset: timedelta = timedelta(0)
) -> WorkflowHandle[Any, Any]:
    """Start a workflow, or find it running. `offset` is the development clock's."""
    starting = client
    if offset:
        config = TimeSkippingConfig(
            fast_forward_config=FastForwardConfig(id=f"offset/{what.workflow_id}", duration=offset)
        )
        starting = TimeSkipper(client, config=config).client
    return await starting.start_workflow(
        what.workflow,
        Case(subject_id=what.subject_id, as_of=as_of),
        id=what.workflow_id,
        task_queue=TASK_QUEUE,
        id_conflict_policy=WorkflowIDConflictPolicy.USE_EXISTING,
        id_reuse_policy=WorkflowIDReusePolicy.ALLOW_DUPLICATE,
        search_attributes=what.search_attributes,
        static_summary=what.summary,
    )


def publication(policy_version_id: UUID, slug: str, number: int) -> Start:
    """The life of a policy version, from submission until it is in force."""
    return Start(
        workflow="publication",
        workflow_id=f"publication/{slug}/{number}",
        subject_id=policy_version_id,
        summary=f"Publication of {slug}, version {number}",
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
        summary=f"Campaign for {slug}, version {number}",
        search_attributes=TypedSearchAttributes(
            [SearchAttributePair(POLICY, slug), SearchAttributePair(POLICY_VERSION, number)]
        ),
    )


def data_subject_request(request_id: UUID, kind: str) -> Start:
    """The thirty days of one request."""
    return Start(
        workflow="data-subject-request",
        workflow_id=f"data-subject-request/{request_id}",
        subject_id=request_id,
        summary=f"Data-subject request: {kind}",
        search_attributes=TypedSearchAttributes([SearchAttributePair(REQUEST_KIND, kind)]),
    )


def mail_delivery(mail_id: UUID) -> Start:
    """One mail that somebody asked for on a page."""
    return Start(
        workflow="mail-delivery",
        workflow_id=f"mail-delivery/{mail_id}",
        subject_id=mail_id,
        summary="Delivery of one requested mail",
    )
