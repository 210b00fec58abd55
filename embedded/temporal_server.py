"""Temporal's own development server, from its wheel, as Promisekeeper wants it."""

import sys
from datetime import timedelta
from pathlib import Path

from google.protobuf.duration_pb2 import Duration
from temporalio.api.namespace.v1 import NamespaceConfig
from temporalio.api.workflowservice.v1 import DescribeNamespaceRequest, UpdateNamespaceRequest
from temporalio.client import Client
from temporalio.common import SearchAttributeIndexedValueType

from temporal import SEARCH_ATTRIBUTES, TIME_SKIPPING_FLAGS

NAMESPACE = "default"
DATABASE_FILE = "temporal.db"
RETENTION_PERIOD = timedelta(days=90)  # the server's own day makes closed campaigns vanish
TYPE_NAMES = {
    SearchAttributeIndexedValueType.KEYWORD: "Keyword",
    SearchAttributeIndexedValueType.INT: "Int",
    SearchAttributeIndexedValueType.DATETIME: "Datetime",
}


def command(*, data_dir: Path, port: int, ui_port: int, time_skipping: bool) -> list[str]:
    """The command line of a server that keeps its data in `data_dir`, for this machine only."""
    return [
        str(Path(sys.executable).with_name("temporal")),
        *("server", "start-dev", "--ip", "127.0.0.1"),
        *("--port", str(port), "--ui-port", str(ui_port), "--ui-disable-news-fetch"),
        *("--db-filename", str(data_dir / DATABASE_FILE)),
        *("--sqlite-pragma", "journal_mode=wal", "--sqlite-pragma", "synchronous=1"),
        *("--log-level", "error"),
        *(
            word
            for attribute in SEARCH_ATTRIBUTES
            for word in (
                "--search-attribute",
                f"{attribute.name}={TYPE_NAMES[attribute.indexed_value_type]}",
            )
        ),
        *(TIME_SKIPPING_FLAGS if time_skipping else ()),
    ]


async def prepare(client: Client) -> None:
    """Keep closed workflows for 90 days; harmless when that is so already."""
    if await retention(client) == RETENTION_PERIOD:
        return
    duration = Duration()
    duration.FromTimedelta(RETENTION_PERIOD)
    await client.workflow_service.update_namespace(
        UpdateNamespaceRequest(
            namespace=client.namespace,
            config=NamespaceConfig(workflow_execution_retention_ttl=duration),
        )
    )


async def retention(client: Client) -> timedelta:
    """How long the server keeps closed workflows."""
    answer = await client.workflow_service.describe_namespace(
        DescribeNamespaceRequest(namespace=client.namespace)
    )
    return answer.config.workflow_execution_retention_ttl.ToTimedelta()
