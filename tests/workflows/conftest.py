"""A town: the real worker, Temporal's own server with time skipping, the real mail sandbox."""

import sys
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from pathlib import Path
from types import MappingProxyType
from typing import Any
from uuid import UUID

import pytest
from anyio.from_thread import BlockingPortal, start_blocking_portal
from pydantic import SecretStr
from temporalio.client import Client
from temporalio.contrib.pydantic import pydantic_data_converter
from temporalio.service import RPCError
from temporalio.testing import WorkflowEnvironment
from temporalio.worker import Worker

import temporal
from activities.interceptor import IncidentInterceptor
from activities.mail.letters import TEST
from activities.patrol import Patrol, register
from activities.pulse import PulseInterceptor
from clock import Clock
from data_sources.opening import OWN_MAP
from database.campaigns.rehearsals import are_out, rehearsed
from database.campaigns.reviews import ReviewContent
from database.engine import Database
from database.people import accounts
from database.policies import policies
from database.policies.assessments import findings_of
from database.storage import Storage
from database.tables import PolicyVersion
from domain.approvals.approvals import Decision
from domain.policies.reviews import FindingStatus, Rehearsed, VersionClass
from domain.texts.policy_text import read_policy_text
from settings import Settings
from tests import deciding
from tests.eventually import eventually
from tests.own_settings import free_ports
from tests.people import LANGUAGES, POLICY, import_accounts, move_in
from tests.quiet_monday import until_a_quiet_monday
from tests.sandbox_server import API_KEY, RunningSandbox, running_sandbox
from worker import FINISH_WITHIN, THREADS, WORKFLOWS, activities
from workflows.desk import Desk, NewVersion, NoticePeriods
from workflows.messenger import Messenger
from workflows.watchdog import WatchdogWorkflow

OURS = "ExecutionStatus='Running' AND WorkflowType != 'watchdog'"
LATER = ("mail-delivery",)
"""What may be left to the watchdog, which starts it in its own time."""
TEMPORAL = Path(sys.executable).with_name("temporal")


@dataclass(frozen=True, kw_only=True)
class Town:
    """Everything that runs in a test, and the few things tests do again and again."""

    database: Database
    settings: Settings
    clock: Clock
    desk: Desk
    mail: RunningSandbox
    client: Client
    portal: BlockingPortal
    staff: dict[str, UUID]

    def import_accounts(self, *rows: accounts.AccountRow) -> None:
        import_accounts(self.database, list(rows), by=self.staff["omar"], now=self.clock.now())

    def submit(self, text: str, *, by: str = "lena", effective_on: date | None = None) -> int:
        """Submit a version and wait until it is in review; its number."""
        version = self.desk.submit(
            NewVersion(
                slug=POLICY,
                text=read_policy_text(text.encode()),
                summary="Recordings are kept longer.",
                submitted_by=self.staff[by],
                effective_on=effective_on,
            )
        )
        eventually(lambda: self.version(version.number).state == "in_review")
        return version.number

    def confirm_all(self, number: int, version_class: VersionClass, *, by: str = "noor") -> None:
        """Legal confirms every open finding and gives the class."""
        with self.database.session() as session:
            keys = tuple(
                finding.key
                for finding in findings_of(session, self.version(number).id)
                if finding.status == FindingStatus.OPEN
            )
        self.desk.review(
            POLICY,
            number,
            self.staff[by],
            ReviewContent(confirm=keys, version_class=version_class),
            "read it twice",
        )

    def rehearse(self, number: int, *, by: str = "noor") -> None:
        """Legal has the test mails of a version, unless it had them or nobody gets a mail."""
        with self.database.session() as session:
            version = self.version(number)
            if version.version_class in (None, VersionClass.EDITORIAL):
                return
            if rehearsed(session, version, languages=LANGUAGES) is Rehearsed.YES:
                return
        mails = self.desk.send_test_mails(POLICY, number, self.staff[by])
        eventually(lambda: self._are_out(mails))

    def release(self, number: int, *, by: str = "noor") -> None:
        self.rehearse(number)
        self.desk.release(POLICY, number, self.staff[by])

    def prepare(self, text: str, version_class: VersionClass) -> int:
        """Submit, review, read the test mails: only the release is missing."""
        number = self.submit(text)
        self.confirm_all(number, version_class)
        self.rehearse(number)
        return number

    def publish(self, text: str, version_class: VersionClass) -> int:
        """Submit, review, release."""
        number = self.prepare(text, version_class)
        self.release(number)
        return number

    def _are_out(self, mails: Sequence[UUID]) -> bool:
        with self.database.session() as session:
            return are_out(session, mails)

    def version(self, number: int) -> PolicyVersion:
        with self.database.session() as session:
            return policies.version_by_slug(session, POLICY, number)

    def put_in_force(self, text: str) -> int:
        """Publish a first version, which has nobody to ask."""
        number = self.publish(text, VersionClass.EDITORIAL)
        eventually(lambda: self.version(number).state == "in_force")
        return number

    def decide(self, who: accounts.AccountRow, decision: Decision, number: int) -> None:
        """Somebody decides about a version, now."""
        deciding.decide(self.database, who, decision, number, self.now())

    def governs(self, who: accounts.AccountRow) -> int:
        """The version that governs somebody now."""
        return deciding.governing(self.database, who, self.now()).number

    def advance(self, **period: float) -> None:
        self.desk.advance(timedelta(**period))

    def now(self) -> datetime:
        return self.clock.now()

    def patrol(self) -> Patrol:
        """The watchdog goes round once, as it does every ten minutes."""

        async def once() -> Patrol:
            return await self.client.execute_workflow(
                WatchdogWorkflow.run, id="watchdog", task_queue=temporal.TASK_QUEUE
            )

        return self.portal.call(once)

    def come_to_rest(self) -> None:
        """Wait until no workflow has anything to do before its next timer.

        Temporal's list lags behind: one that the database says should run counts before it is in
        there, and is asked for by its id.
        """
        eventually(lambda: self.portal.call(self._all_rest) and self.portal.call(self._all_rest))

    async def _all_rest(self) -> bool:
        with self.database.session() as session:
            ids = {what.workflow_id for what in register(session) if what.workflow not in LATER}
        ids |= {execution.id async for execution in self.client.list_workflows(OURS)}
        for workflow_id in ids:
            try:
                found = await self.client.get_workflow_handle(workflow_id).describe()
            except RPCError:
                return False
            raw = found.raw_description
            if raw.pending_activities or raw.HasField("pending_workflow_task"):
                return False
            if not raw.workflow_execution_info.memo.fields:
                return False  # it has not begun: its start was put off to our time
        return True

    def terminate(self, workflow_id: str) -> None:
        """As ops press it, at three at night."""
        handle = self.client.get_workflow_handle(workflow_id)
        self.portal.call(lambda: handle.terminate("pressed at three at night"))

    def told(self, workflow_id: str) -> dict[str, str]:
        """What the memo of a workflow says; nothing before it is started."""

        async def memo() -> dict[str, str]:
            try:
                page = await self.client.get_workflow_handle(workflow_id).describe()
            except RPCError:
                return {}
            return dict(await page.memo())

        return self.portal.call(memo)

    def mails(self, **filters: str | int) -> list[dict[str, Any]]:
        """What went out, without the test mails to legal."""
        sent = self.mail.messages(limit=10_000, **filters)
        return [mail for mail in sent if not str(mail["subject"]).startswith(TEST)]


@contextmanager
def town(
    database: Database,
    directory: Path,
    *,
    extra_activities: Sequence[Any] = (),
    server_settings: Mapping[str, object] | None = None,
    with_worker: bool = True,
    **changes: object,
) -> Iterator[Town]:
    """Run everything for one test, which begins on a quiet Monday.

    `server_settings` are values of Temporal's dynamic configuration, `changes` are our settings.
    Without a worker, a test brings its own.
    """
    with ExitStack() as stack:
        mail = stack.enter_context(running_sandbox(directory))
        portal = stack.enter_context(start_blocking_portal())
        environment = portal.call(start_temporal, server_settings or {})
        stack.callback(lambda: portal.call(environment.shutdown))
        settings = Settings.model_validate(
            {
                "database_url": database.url,
                "sendgrid_host": mail.url,
                "sendgrid_api_key": SecretStr(API_KEY),
                "data_dir": directory,
                "data_map": str(OWN_MAP),  # no other source than our own database
                **changes,
            }
        )
        threads = stack.enter_context(ThreadPoolExecutor(THREADS))
        client = environment.client
        clock = Clock(database, development=True)
        clock.advance(until_a_quiet_monday(clock.now()))
        if with_worker:
            worker = portal.call(worker_of, client, settings, database, threads, extra_activities)
            stack.enter_context(portal.wrap_async_context_manager(worker))
        yield Town(
            database=database,
            settings=settings,
            clock=clock,
            desk=desk_of(database, clock, settings, portal, client),
            mail=mail,
            client=client,
            portal=portal,
            staff=move_in(database),
        )


def desk_of(
    database: Database, clock: Clock, settings: Settings, portal: BlockingPortal, client: Client
) -> Desk:
    """The desk of a town."""
    return Desk(
        database=database,
        clock=clock,
        company=settings.company,
        suppression_key=settings.suppression_key_bytes,
        storage=Storage(settings.storage_folder, settings.data_keys),
        data_map=settings.data_map_file,
        periods=NoticePeriods(
            notice_days=settings.notice_days, sending_period=settings.sending_period
        ),
        messenger=Messenger(portal=portal, client=client, clock=clock),
    )


async def worker_of(
    client: Client,
    settings: Settings,
    database: Database,
    threads: ThreadPoolExecutor,
    extra_activities: Sequence[Any],
) -> Worker:
    """The worker of a town, not started yet."""
    worker = Worker(
        client,
        task_queue=temporal.TASK_QUEUE,
        workflows=WORKFLOWS,
        activities=[*activities(settings, database, client), *extra_activities],
        activity_executor=threads,
        max_concurrent_activities=THREADS,
        interceptors=[PulseInterceptor(), IncidentInterceptor()],
        workflow_failure_exception_types=[Exception],
        graceful_shutdown_timeout=FINISH_WITHIN,
    )
    # On a busy machine a step of a workflow takes two seconds, and the worker would take that for a
    # deadlock and break into it wherever it is. A real one, the time-out of the test ends.
    assert worker._workflow_worker is not None
    worker._workflow_worker._deadlock_timeout_seconds = None
    return worker


async def start_temporal(
    server_settings: Mapping[str, object] = MappingProxyType({}),
) -> WorkflowEnvironment:
    """Temporal's own server, in memory."""
    dynamic = [f"{name}={value}" for name, value in server_settings.items()]
    return await WorkflowEnvironment.start_local(
        port=free_ports(1)[0],
        dev_server_existing_path=str(TEMPORAL),
        dev_server_log_level="error",
        dev_server_extra_args=[
            *temporal.TIME_SKIPPING_FLAGS,
            *(word for value in dynamic for word in ("--dynamic-config-value", value)),
        ],
        search_attributes=temporal.SEARCH_ATTRIBUTES,
        data_converter=pydantic_data_converter,
    )


@pytest.fixture(autouse=True)
def long_days(monkeypatch: pytest.MonkeyPatch) -> None:
    """Time passes in one step however long it is: each day in between takes its moment."""
    monkeypatch.setattr("workflows.fast_forward.ONE_DAY", timedelta(days=365))


@pytest.fixture
def running_town(database: Database, tmp_path: Path) -> Iterator[Town]:
    """A town with nothing out of the ordinary."""
    with town(database, tmp_path) as running:
        yield running
