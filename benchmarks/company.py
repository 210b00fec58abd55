"""A company with as many account holders as wanted, and the processes that serve it."""

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, closing, contextmanager, suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from threading import Event, Thread
from uuid import UUID

import psutil
from anyio.from_thread import BlockingPortal, start_blocking_portal
from sqlalchemy import insert
from sqlmodel import select
from temporalio.client import Client, WorkflowExecution

import temporal
from clock import Clock
from database.campaigns.rehearsals import are_out
from database.campaigns.reviews import ReviewContent
from database.engine import Database
from database.ids import new_id
from database.policies import policies
from database.policies.assessments import findings_of
from database.storage import Storage
from database.tables import Account, AssertedVersion, CampaignStep, PolicyVersion, Staff
from database.writing import count_anew
from domain.policies.reviews import FindingStatus, VersionClass
from domain.texts.policy_text import read_policy_text
from embedded.processes import Process
from embedded.stack import Stack, stack
from settings import Settings
from tests.own_settings import own_settings
from tests.people import POLICY
from tests.postgres_server import own_postgres
from tests.texts import FIRST, SECOND
from workflows.desk import Desk, NewVersion, NoticePeriods
from workflows.messenger import Messenger

SQLITE, POSTGRESQL = "sqlite", "postgresql"
MEGABYTE = 1024 * 1024
ROWS_AT_ONCE = 1000
LOOK_EVERY_SECONDS = 0.2
OF_SKIPPED_TIME = (
    "workflow_execution_options_updated_event_attributes",
    "workflow_execution_time_skipping_transitioned_event_attributes",
)
"""Events that no history has where days take a day."""


class Company:
    """The desk from which campaigns are started, and the clock that is moved."""

    def __init__(self, settings: Settings, database: Database, portal: BlockingPortal) -> None:
        self.settings = settings
        self.database = database
        self.portal = portal
        self.client: Client = portal.call(temporal.connect, settings.temporal_address)
        self.clock = Clock(database, development=True)
        self.staff: dict[str, UUID] = {}
        self.desk = Desk(
            database=database,
            clock=self.clock,
            company=settings.company,
            suppression_key=settings.suppression_key_bytes,
            storage=Storage(settings.storage_folder, settings.data_keys),
            periods=NoticePeriods(
                notice_days=settings.notice_days, sending_period=settings.sending_period
            ),
            messenger=Messenger(portal=portal, client=self.client, clock=self.clock),
        )

    def move_in(self, account_holders: int) -> None:
        """Staff, a version in force, and the accounts that it governs."""
        with self.database.transaction() as transaction:
            handles = transaction.exec(select(Staff.handle, Staff.id)).all()
            self.staff = dict(handles)
            owner = self.staff["lena"]
            policies.add_policy(transaction, slug=POLICY, title="privacy policy", owner_id=owner)
        self.hand_in(FIRST, VersionClass.EDITORIAL)
        self.release(1)
        until(lambda: self.version(1).state == "in_force")
        now = self.clock.now()
        for first in range(0, account_holders, ROWS_AT_ONCE):
            numbers = range(first, min(first + ROWS_AT_ONCE, account_holders))
            self._add_accounts(numbers, now)
        with self.database.transaction() as transaction:
            count_anew(transaction, Account, AssertedVersion)  # as an import does

    def hand_in(
        self, text: str = SECOND, version_class: VersionClass = VersionClass.APPROVAL
    ) -> int:
        """A version that only has to be released; its number."""
        version = self.desk.submit(
            NewVersion(
                slug=POLICY,
                text=read_policy_text(text.encode()),
                summary="What changes.",
                submitted_by=self.staff["lena"],
            )
        )
        until(lambda: self.version(version.number).state == "in_review")
        with self.database.session() as session:
            keys = tuple(
                finding.key
                for finding in findings_of(session, version.id)
                if finding.status == FindingStatus.OPEN
            )
        content = ReviewContent(confirm=keys, version_class=version_class)
        noor = self.staff["noor"]
        self.desk.review(POLICY, version.number, noor, content, "A benchmark.")
        if version_class is not VersionClass.EDITORIAL:
            mails = self.desk.send_test_mails(POLICY, version.number, noor)
            until(lambda: self._are_out(mails))
        return version.number

    def _are_out(self, mails: Sequence[UUID]) -> bool:
        with self.database.session() as session:
            return are_out(session, mails)

    def release(self, number: int) -> None:
        """Let it go out."""
        self.desk.release(POLICY, number, self.staff["noor"])

    def version(self, number: int) -> PolicyVersion:
        """A version as it stands."""
        with self.database.session() as session:
            return policies.version_by_slug(session, POLICY, number)

    def live_through(self, days: int) -> dict[str, float]:
        """Skip days one by one: the seconds of each on which a step was taken."""
        seconds: dict[str, float] = {}
        taken = self._taken()
        for _ in range(days):
            began = time.monotonic()
            self.desk.advance(timedelta(days=1))
            took = time.monotonic() - began
            seconds |= {f"day_of_{step}_seconds": took for step in self._taken() - taken}
            taken = self._taken()
        return seconds

    def lengths(self, workflow_id: str) -> Sequence[int]:
        """How many events each run of a workflow has."""
        return self.portal.call(self._lengths, workflow_id)

    def events_of_a_life(self, workflow_id: str) -> int:
        """How many events all runs of a workflow have, but those that note a skip of time."""
        return self.portal.call(self._events_of_a_life, workflow_id)

    def runs(self, workflow_id: str) -> int:
        """How many runs a workflow has had so far."""
        return len(self.portal.call(self._executions, workflow_id))

    async def _executions(self, workflow_id: str) -> Sequence[WorkflowExecution]:
        query = f"WorkflowId = '{workflow_id}'"
        return [run async for run in self.client.list_workflows(query)]

    async def _lengths(self, workflow_id: str) -> Sequence[int]:
        handles = [
            self.client.get_workflow_handle(run.id, run_id=run.run_id)
            for run in await self._executions(workflow_id)
        ]
        return [(await handle.describe()).history_length for handle in handles]

    async def _events_of_a_life(self, workflow_id: str) -> int:
        handles = [
            self.client.get_workflow_handle(run.id, run_id=run.run_id)
            for run in await self._executions(workflow_id)
        ]
        histories = [await handle.fetch_history() for handle in handles]
        return sum(
            event.WhichOneof("attributes") not in OF_SKIPPED_TIME
            for history in histories
            for event in history.events
        )

    def _taken(self) -> set[str]:
        with self.database.session() as session:
            return set(session.exec(select(CampaignStep.step)).all())

    def _add_accounts(self, numbers: range, now: datetime) -> None:
        governing = self.version(1)
        ids = [new_id() for _ in numbers]
        accounts = [
            {
                "id": account_id,
                "external_id": f"c-{number:07}",
                "email": f"person.{number}@people.example",
                "name": f"Person {number}",
                "locale": "en",
                "status": "open",
                "kind": "person",
                "approver": False,
                "joined_at": now,
                "recorded_at": now,
            }
            for number, account_id in zip(numbers, ids, strict=True)
        ]
        asserted = [
            {
                "id": new_id(),
                "account_id": account_id,
                "policy_id": governing.policy_id,
                "policy_version_id": governing.id,
                "asserted_by": self.staff["omar"],
                "asserted_at": now,
            }
            for account_id in ids
        ]
        with self.database.transaction() as transaction:
            transaction.execute(insert(Account), accounts)
            transaction.execute(insert(AssertedVersion), asserted)


@dataclass(frozen=True, kw_only=True)
class Parts:
    """A company, the stack that runs for it, and the most memory that each part took."""

    company: Company
    stack: Stack
    memory: Callable[[], Mapping[str, float]]


@contextmanager
def a_company(database_url: str | None = None, **changes: object) -> Iterator[Parts]:
    """The embedded stack on fresh data, on SQLite unless an empty PostgreSQL database is given.

    Without a canary: half an hour of waiting is nothing to measure.
    """
    with ExitStack() as leaving:
        directory = Path(leaving.enter_context(TemporaryDirectory(prefix="promisekeeper-")))
        given = {"database_url": database_url} if database_url else {}
        settings = own_settings(directory, canary=False, **given, **changes)
        running = leaving.enter_context(stack(settings))
        database = leaving.enter_context(closing(Database(running.settings.database)))
        portal = leaving.enter_context(start_blocking_portal())
        company = Company(running.settings, database, portal)
        memory = leaving.enter_context(_watched(running.processes))
        yield Parts(company=company, stack=running, memory=memory)


@contextmanager
def chosen_database(given: str | None) -> Iterator[str | None]:
    """The address of the database that was asked for: `postgresql` means a server of its own,
    `sqlite` or nothing means SQLite, which needs none."""
    if given == POSTGRESQL:
        with own_postgres() as server:
            yield server.url
    else:
        yield None if given == SQLITE else given


def until(look: Callable[[], bool]) -> None:
    """Wait until something is so."""
    while not look():
        time.sleep(0.02)


def sizes(processes: Sequence[Process]) -> Mapping[str, float]:
    """Resident megabytes of each process now; of one that was killed, nothing."""
    found = {}
    for one in processes:
        with suppress(psutil.NoSuchProcess):
            size = psutil.Process(one.pid).memory_info().rss / MEGABYTE
            found[one.program.name.lower().replace(" ", "_")] = size
    return found


@contextmanager
def _watched(processes: Sequence[Process]) -> Iterator[Callable[[], Mapping[str, float]]]:
    stop = Event()
    most: dict[str, float] = {}

    def look() -> Mapping[str, float]:
        for name, size in sizes(processes).items():
            most[name] = max(size, most.get(name, 0.0))
        return dict(most)

    def watch() -> None:
        while not stop.wait(LOOK_EVERY_SECONDS):
            look()

    thread = Thread(target=watch)
    thread.start()
    try:
        yield look
    finally:
        stop.set()
        thread.join()
