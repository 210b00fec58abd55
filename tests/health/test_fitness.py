"""A Temporal server that waiting does not mend is refused in words, with what mends it."""

import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from temporalio import workflow
from temporalio.api.operatorservice.v1 import AddSearchAttributesRequest
from temporalio.client import Client
from temporalio.contrib.pydantic import pydantic_data_converter
from temporalio.testing import WorkflowEnvironment
from temporalio.worker import Worker

import temporal
from clock import real_now
from health import fitness
from health.build import build
from health.fitness import TemporalUnfit
from tests.own_settings import free_ports
from worker import WORKFLOWS, watch
from workflows.watchdog import WatchdogWorkflow

SERVER = Path(sys.executable).with_name("temporal")


@pytest.fixture
async def client() -> AsyncIterator[Client]:
    """A server of somebody else's: nothing of ours is registered there."""
    async with await WorkflowEnvironment.start_local(
        port=free_ports(1)[0],
        dev_server_existing_path=str(SERVER),
        data_converter=pydantic_data_converter,
        dev_server_log_level="error",
    ) as environment:
        yield environment.client


async def register(client: Client, names: tuple[str, ...]) -> None:
    types = {one.name: one.indexed_value_type for one in temporal.SEARCH_ATTRIBUTES}
    await client.operator_service.add_search_attributes(
        AddSearchAttributesRequest(
            namespace=client.namespace,
            search_attributes={name: int(types[name]) for name in names},  # type: ignore[misc]
        )
    )


@pytest.mark.temporal
async def test_a_server_is_fit_once_our_search_attributes_are_registered(client: Client) -> None:
    lacking = await fitness.missing_search_attributes(client)
    assert len(lacking) == len(temporal.SEARCH_ATTRIBUTES)
    with pytest.raises(TemporalUnfit, match="--name Policy --type Keyword --name PolicyVersion"):
        await fitness.require_fit(client)
    await register(client, lacking)
    await fitness.require_fit(client)


@pytest.mark.temporal
async def test_a_namespace_that_is_not_there_is_named_with_its_setting(client: Client) -> None:
    address = client.service_client.config.target_host
    lost = await Client.connect(address, namespace="elsewhere")
    with pytest.raises(TemporalUnfit, match=r"no namespace 'elsewhere'.*TEMPORAL_NAMESPACE"):
        await fitness.require_fit(lost)


@pytest.mark.temporal
async def test_who_takes_work_what_waits_and_the_watchdogs_rounds_are_told(
    client: Client,
) -> None:
    assert (await fitness.queue(client)).at_work(real_now()) == ()
    assert await fitness.rounds(client) is None
    await watch(client)
    while not (listed := [each async for each in client.list_workflows()]):
        pass
    page = await client.get_workflow_handle(listed[0].id).describe()
    assert await page.static_details() == temporal.ABOUT_THE_WATCHDOG
    rounds = await fitness.rounds(client)
    assert rounds is not None
    assert not rounds.paused
    while not (await fitness.queue(client)).waiting:
        pass
    async with Worker(
        client,
        task_queue=temporal.TASK_QUEUE,
        workflows=[WatchdogWorkflow],
        build_id=build(),
    ):
        while not (at_work := (await fitness.queue(client)).at_work(real_now())):
            pass
    assert {worker.build for worker in at_work} == {build()}


def test_workflows_of_each_kind_but_the_watchdog_are_replayed() -> None:
    names = {workflow._Definition.must_from_class(each).name for each in WORKFLOWS}
    assert names == {*fitness.KINDS, temporal.WATCHDOG}


@pytest.mark.parametrize(
    ("version", "too_old"),
    [("1.32.0", False), ("1.25.1", False), ("1.24.9", True), ("0.9", True), ("cloud", False)],
)
def test_versions_are_told_apart(version: str, too_old: bool) -> None:
    assert fitness.is_too_old(version) == too_old
