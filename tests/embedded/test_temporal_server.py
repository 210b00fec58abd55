"""Temporal's development server comes up as we want it, and again on the same data."""

import asyncio
from collections.abc import Callable
from datetime import timedelta

import pytest
from temporalio.api.operatorservice.v1 import ListSearchAttributesRequest
from temporalio.client import Client

from embedded import stack
from embedded.processes import running
from health import fitness
from settings import Settings
from temporal import SEARCH_ATTRIBUTES


@pytest.mark.temporal
def test_it_keeps_closed_workflows_for_90_days_and_knows_our_search_attributes(
    stack_settings: Callable[..., Settings],
) -> None:
    settings = stack_settings()
    settings.data_dir.mkdir()
    server = stack._programs(settings)[0][0]
    for _first_start_and_resumption in range(2):
        with running([server]):
            period, names = asyncio.run(_look_at(f"127.0.0.1:{settings.temporal_port}"))
            assert period == timedelta(days=90)
            assert {attribute.name for attribute in SEARCH_ATTRIBUTES} <= names


async def _look_at(address: str) -> tuple[timedelta, set[str]]:
    client = await Client.connect(address)
    known = await client.operator_service.list_search_attributes(
        ListSearchAttributesRequest(namespace=client.namespace)
    )
    return await fitness.retention(client), {*known.custom_attributes}
