"""From *terminate* to repaired: the watchdog's schedule, and its round with many open requests.

Temporal's real server on its file, and our register on SQLite. The requests' own workflows stand
open and do nothing: what is measured is the watchdog.
"""

import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from datetime import timedelta
from pathlib import Path
from tempfile import TemporaryDirectory

from anyio.from_thread import BlockingPortal, start_blocking_portal
from temporalio.client import Client
from temporalio.worker import Worker

import temporal
from activities.interceptor import IncidentInterceptor
from activities.mail.courier import Courier
from activities.patrol import Patrol, PatrolActivities
from activities.pulse import PulseInterceptor
from activities.requests.retention import Retention
from clock import Clock
from database.engine import Database
from database.migrate import migrate
from database.requests.requests import Received, receive
from database.storage import Storage
from domain.company import Company
from domain.requests.data_subject_requests import Intake
from domain.requests.deadlines import deadline
from embedded import temporal_server
from embedded.processes import running
from settings import Settings
from tests.own_settings import free_ports
from worker import watch
from workflows.watchdog import WatchdogWorkflow

OWN_QUEUE = "watchdog-measured"
AT_ONCE = 500


def measure(sizes: Sequence[int] = (1_000, 10_000)) -> dict[str, float]:
    """Seconds of a round with so many open requests: none runs, all run, one was terminated.

    `longest_repair_seconds` is the schedule's interval, as the server has it, and such a round.
    """
    with ExitStack() as leaving:
        directory = Path(leaving.enter_context(TemporaryDirectory(prefix="promisekeeper-")))
        settings = Settings.model_validate({"data_dir": directory})
        database = Database(settings.database)
        leaving.callback(database.close)
        migrate(database)
        address = leaving.enter_context(_server(directory))
        portal = leaving.enter_context(start_blocking_portal())
        client = portal.call(lambda: temporal.connect(address))
        patrol = PatrolActivities(
            database=database,
            clock=Clock(database, development=False),
            client=client,
            company=settings.company,
            courier=Courier(database=database, webhook=None, base_url=settings.website),
            settle_after=timedelta(seconds=settings.mail_settle_after_seconds),
            retention=Retention(
                database=database,
                storage=Storage(settings.storage_folder, settings.data_keys),
                periods=settings.request_periods,
                pseudonym_key=settings.suppression_key_bytes,
            ),
            storage=Storage(settings.storage_folder, settings.data_keys),
        )
        worker = portal.call(_worker, client, patrol)
        leaving.enter_context(portal.wrap_async_context_manager(worker))
        every = portal.call(_interval, client)
        figures = {"schedule_interval_seconds": every.total_seconds()}
        took, taken_in = 0.0, 0
        for size in sizes:
            _take_in(database, settings.company, size - taken_in)
            taken_in = size
            for name in ("start_all", "nothing_to_do", "repair_one"):
                if name == "repair_one":
                    portal.call(_terminate_one, client)
                took, found = _round(portal, client)
                figures[f"round_to_{name}_of_{size}_seconds"] = took
            assert len(found.repaired) == 1, found.in_words
        return figures | {"longest_repair_seconds": every.total_seconds() + took}


@contextmanager
def _server(directory: Path) -> Iterator[str]:
    port, ui_port = free_ports(2)
    server = temporal_server.program(
        data_dir=directory,
        port=port,
        ui_port=ui_port,
        time_skipping=False,
        environment={"HOME": str(directory)},
        log=directory / "temporal.log",
    )
    with running([server]):
        yield f"127.0.0.1:{port}"


async def _worker(client: Client, patrol: PatrolActivities) -> Worker:
    return Worker(
        client,
        task_queue=OWN_QUEUE,
        workflows=[WatchdogWorkflow],
        activities=[patrol.patrol],
        interceptors=[PulseInterceptor(), IncidentInterceptor()],
    )


async def _interval(client: Client) -> timedelta:
    await watch(client)
    description = await client.get_schedule_handle(temporal.WATCHDOG).describe()
    return description.schedule.spec.intervals[0].every


def _take_in(database: Database, company: Company, number: int) -> None:
    now = Clock(database, development=False).now()
    due = deadline(
        received_at=now,
        time_zone=None,
        country="DE",
        company_time_zone=company.time_zone,
        right="access",
        default_regime=company.default_regime,
    )
    received = Received(
        channel="web", deadline=due, policy_version_id=None, languages=company.languages
    )
    intake = Intake(name="A person", contact_address="person@people.example", kinds=("access",))
    for first in range(0, number, AT_ONCE):
        with database.transaction() as transaction:
            for _ in range(min(AT_ONCE, number - first)):
                receive(transaction, intake, received, now)


def _round(portal: BlockingPortal, client: Client) -> tuple[float, Patrol]:
    began = time.monotonic()
    found: Patrol = portal.call(
        lambda: client.execute_workflow(WatchdogWorkflow.run, id="measured", task_queue=OWN_QUEUE)
    )
    return time.monotonic() - began, found


async def _terminate_one(client: Client) -> None:
    query = "ExecutionStatus='Running' AND WorkflowType='data-subject-request'"
    async for execution in client.list_workflows(query, limit=1):
        await client.get_workflow_handle(execution.id).terminate("a benchmark")
        status = f"WorkflowId='{execution.id}' AND {query}"
        while (await client.count_workflows(status)).count:
            pass
