"""`promisekeeper doctor`: does every part answer, and what mends the one that does not?"""

import asyncio
import shutil
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

import typer

from cli.options import FormatOption, ListFormat

if TYPE_CHECKING:
    from temporalio.client import Client

    from settings import Settings

ANSWER_WITHIN_SECONDS = 3.0
BROWSERS = ("chromium", "chromium-browser", "google-chrome")
START_IT = "start the stack: promisekeeper up"
COLUMNS = ("part", "state", "finding", "remedy")


@dataclass(frozen=True, kw_only=True)
class Check:
    """One part: `state` is ok, fault, missing (a service does not answer) or advice."""

    part: str
    state: str
    finding: str
    remedy: str = ""


def doctor_command(*, output_format: FormatOption = ListFormat.TABLE) -> None:
    """Check every setting and service, and say what mends each fault."""
    from dataclasses import asdict

    from cli.printing import print_rows

    checks = list(_checks())
    print_rows([asdict(check) for check in checks], COLUMNS, output_format)
    states = {check.state for check in checks}
    if "missing" in states:
        raise typer.Exit(3)
    if "fault" in states:
        raise typer.Exit(1)


def _checks() -> Iterator[Check]:
    from settings import SettingsRefused, load_settings

    try:
        settings = load_settings()
    except SettingsRefused as fault:
        yield Check(
            part="settings",
            state="fault",
            finding=str(fault),
            remedy="change the environment or .env",
        )
        return
    yield Check(part="settings", state="ok", finding=settings.environment)
    if not settings.database_url:
        yield _data_directory(settings)
    yield _database(settings)
    yield from _temporal(settings)
    yield _mail_service(settings)
    website = f"{settings.website}/healthz"
    yield _answers("website", website, start_it=f"{START_IT}, or check PROMISEKEEPER_BASE_URL")
    if settings.development:
        yield _browser()


def _data_directory(settings: "Settings") -> Check:
    path = settings.data_dir.resolve()
    if path.is_dir():
        free = shutil.disk_usage(path).free / 2**30
        return Check(part="data directory", state="ok", finding=f"{path}, {free:.0f} GiB free")
    return Check(
        part="data directory",
        state="missing",
        finding=f"there is no {path}",
        remedy=f"{START_IT}, or set PROMISEKEEPER_DATA_DIR to where it was started",
    )


def _database(settings: "Settings") -> Check:
    from sqlalchemy.engine import make_url
    from sqlalchemy.exc import SQLAlchemyError

    from database.engine import Database
    from database.migrate import is_current

    name = make_url(settings.database).render_as_string(hide_password=True)
    database = Database(settings.database)
    try:
        current = is_current(database)
    except SQLAlchemyError:
        return Check(
            part="database",
            state="missing",
            finding=f"{name} does not answer",
            remedy="check PROMISEKEEPER_DATABASE_URL, or " + START_IT,
        )
    finally:
        database.close()
    if current:
        return Check(part="database", state="ok", finding=f"{name}, tables up to date")
    return Check(
        part="database",
        state="fault",
        finding=f"{name} has not the tables of this version",
        remedy="promisekeeper database migrate",
    )


def _temporal(settings: "Settings") -> Iterator[Check]:
    from temporalio.service import RPCError

    from cli.context import connected

    with connected(settings) as (portal, client):
        for check in (_retention, _search_attributes, _worker):
            try:
                yield portal.call(_in_time, check, client)
            except (RPCError, RuntimeError, TimeoutError):
                yield Check(
                    part="Temporal",
                    state="missing",
                    finding="does not answer",
                    remedy=f"{START_IT}; elsewhere check TEMPORAL_ADDRESS and TEMPORAL_NAMESPACE",
                )
                return
    yield _answers("Temporal UI", settings.temporal_ui, start_it=START_IT)


async def _in_time(check: "Callable[[Client], Awaitable[Check]]", client: "Client") -> Check:
    return await asyncio.wait_for(check(client), ANSWER_WITHIN_SECONDS)


async def _retention(client: "Client") -> Check:
    from embedded.temporal_server import RETENTION_PERIOD, retention

    period = await retention(client)
    finding = f"keeps closed workflows for {period.days} days"
    if period >= RETENTION_PERIOD:
        return Check(part="Temporal", state="ok", finding=finding)
    return Check(
        part="Temporal",
        state="fault",
        finding=finding,
        remedy=f"set the namespace's retention to {RETENTION_PERIOD.days} days",
    )


async def _search_attributes(client: "Client") -> Check:
    from temporalio.api.operatorservice.v1 import ListSearchAttributesRequest

    from temporal import SEARCH_ATTRIBUTES

    known = await client.operator_service.list_search_attributes(
        ListSearchAttributesRequest(namespace=client.namespace)
    )
    missing = {attribute.name for attribute in SEARCH_ATTRIBUTES} - {*known.custom_attributes}
    if not missing:
        return Check(part="search attributes", state="ok", finding="all registered")
    return Check(
        part="search attributes",
        state="fault",
        finding=f"not registered: {', '.join(sorted(missing))}",
        remedy="temporal operator search-attribute create",
    )


async def _worker(client: "Client") -> Check:
    from temporalio.api.enums.v1 import TaskQueueType
    from temporalio.api.taskqueue.v1 import TaskQueue
    from temporalio.api.workflowservice.v1 import DescribeTaskQueueRequest

    from temporal import TASK_QUEUE

    answer = await client.workflow_service.describe_task_queue(
        DescribeTaskQueueRequest(
            namespace=client.namespace,
            task_queue=TaskQueue(name=TASK_QUEUE),
            task_queue_type=TaskQueueType.TASK_QUEUE_TYPE_WORKFLOW,
        )
    )
    if answer.pollers:
        return Check(part="worker", state="ok", finding=f"{len(answer.pollers)} at work")
    return Check(
        part="worker",
        state="missing",
        finding="nobody takes work; workflows wait and lose nothing",
        remedy=f"{START_IT}; elsewhere run: python worker.py",
    )


def _mail_service(settings: "Settings") -> Check:
    if settings.development:
        address = f"{settings.mail_service}/api/messages?limit=1"
        return _answers("mail sandbox", address, start_it=START_IT)
    return _answers(
        "mail service", settings.mail_service, start_it="check PROMISEKEEPER_SENDGRID_HOST"
    )


def _answers(part: str, url: str, *, start_it: str) -> Check:
    import urllib3

    try:
        answer = urllib3.request("GET", url, timeout=ANSWER_WITHIN_SECONDS, retries=False)
    except urllib3.exceptions.HTTPError:
        return Check(part=part, state="missing", finding=f"{url} is silent", remedy=start_it)
    if answer.status >= 500:
        finding = f"{url} answers {answer.status}"
        return Check(part=part, state="fault", finding=finding, remedy="look into its log")
    return Check(part=part, state="ok", finding=url)


def _browser() -> Check:
    found = next((path for name in BROWSERS if (path := shutil.which(name))), None)
    if found:
        return Check(part="Chromium", state="ok", finding=found)
    return Check(
        part="Chromium",
        state="advice",
        finding="not found; only `make test` needs it",
        remedy="apt-get install chromium",
    )
