"""Temporal's own development server, from its wheel, as Promisekeeper wants it."""

import sys
from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path

from anyio.from_thread import start_blocking_portal
from google.protobuf.duration_pb2 import Duration
from temporalio.api.namespace.v1 import NamespaceConfig
from temporalio.api.workflowservice.v1 import UpdateNamespaceRequest
from temporalio.client import Client
from temporalio.service import RPCError

from embedded.processes import Program
from health import fitness
from settings import ROOT
from temporal import SEARCH_ATTRIBUTES, TIME_SKIPPING_FLAGS

NAMESPACE = "default"
DATABASE_FILE = "temporal.db"
RETENTION_PERIOD = timedelta(days=90)  # the server's own day makes closed campaigns vanish


def program(
    *,
    data_dir: Path,
    port: int,
    ui_port: int,
    time_skipping: bool,
    environment: Mapping[str, str],
    log: Path,
) -> Program:
    """The server, to be run; it answers when it is prepared as well."""
    return Program(
        name="Temporal server",
        command=command(data_dir=data_dir, port=port, ui_port=ui_port, time_skipping=time_skipping),
        environment=environment,
        directory=ROOT,
        log=log,
        answers=lambda _log: _is_prepared(f"127.0.0.1:{port}"),
    )


def _is_prepared(address: str) -> bool:
    async def look() -> None:
        await prepare(await Client.connect(address, namespace=NAMESPACE))

    try:
        with start_blocking_portal() as portal:  # callers may run an event loop of their own
            portal.call(look)
    except (RPCError, RuntimeError):
        return False
    return True


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
                f"{attribute.name}={fitness.type_name(attribute)}",
            )
        ),
        *(TIME_SKIPPING_FLAGS if time_skipping else ()),
    ]


async def prepare(client: Client) -> None:
    """Keep closed workflows for 90 days; harmless when that is so already."""
    if await fitness.retention(client) == RETENTION_PERIOD:
        return
    duration = Duration()
    duration.FromTimedelta(RETENTION_PERIOD)
    await client.workflow_service.update_namespace(
        UpdateNamespaceRequest(
            namespace=client.namespace,
            config=NamespaceConfig(workflow_execution_retention_ttl=duration),
        )
    )
