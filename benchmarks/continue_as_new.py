"""A campaign of tens of thousands that continues as new all along: runs, events, memory, doubles.

The real worker, Temporal's real server on its file, the real outbox on SQLite, and a mail service
that accepts whatever it gets at once. The server suggests to continue after so few events that
every run sends a single window of shards.
"""

import json
import socket
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from tempfile import TemporaryDirectory
from threading import Event, Lock, Thread
from uuid import UUID, uuid4

import psutil
from anyio.from_thread import BlockingPortal, start_blocking_portal
from sqlmodel import col, select
from temporalio.client import Client, WorkflowExecution

import temporal
from clock import Clock
from database import policies
from database.accounts import AccountRow
from database.assessments import findings_of
from database.engine import Database
from database.migrate import migrate
from database.rehearsals import are_out
from database.reviews import ReviewContent
from database.tables import CampaignStep, OutboxMail, PolicyVersion
from domain.policy_text import read_policy_text
from domain.reviews import FindingStatus, VersionClass
from embedded import temporal_server
from embedded.processes import Process, Program, running
from embedded.stack import WORKER_READY, environment_of
from settings import ROOT, Settings
from tests.people import POLICY, import_accounts, move_in
from tests.texts import FIRST, SECOND
from workflows.desk import Desk, NewVersion, NoticePeriods

EVENTS_OF_A_RUN = 40
SUGGESTION = f"limit.historyCount.suggestContinueAsNew={EVENTS_OF_A_RUN}"
STEPS = ("first_notice", "reminder_1", "reminder_2")
DAYS = 45
MEGABYTE = 1024 * 1024
QUARTERS = ("at_the_start", "after_a_quarter", "half_way", "after_three_quarters", "at_the_end")


def measure(addressees: int) -> dict[str, float]:
    """Figures of one campaign with all the steps of its timetable; time is skipped."""
    with ExitStack() as leaving:
        directory = Path(leaving.enter_context(TemporaryDirectory(prefix="promisekeeper-")))
        mail = leaving.enter_context(_accepting_mail_service())
        settings = _settings(directory, mail.port)
        database = Database(settings.database)
        leaving.callback(database.close)
        migrate(database)
        parts = leaving.enter_context(running(*_programs(settings, directory)))
        portal = leaving.enter_context(start_blocking_portal())
        company = _Company(settings, database, portal)
        company.move_in(addressees)
        memory = leaving.enter_context(_memory_of(company, parts))
        figures = company.live_through()
        return figures | memory.figures() | company.in_the_end(addressees, mail)


@dataclass(kw_only=True)
class _MailService:
    """How many copies of each mail were accepted."""

    port: int
    copies: Counter[UUID] = field(default_factory=Counter)


@contextmanager
def _accepting_mail_service() -> Iterator[_MailService]:
    lock = Lock()

    class Accepts(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            mails = [UUID(copy["custom_args"]["mail_id"]) for copy in body["personalizations"]]
            with lock:
                service.copies.update(mails)
            self.send_response(202)
            self.send_header("X-Message-Id", uuid4().hex)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Nobody reads it."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Accepts) as server:
        service = _MailService(port=server.server_port)
        thread = Thread(target=server.serve_forever)
        thread.start()
        yield service
        server.shutdown()
        thread.join()


@dataclass(kw_only=True)
class _Memory:
    """Resident megabytes of each process: before the campaign, and at the start of each run."""

    samples: list[Mapping[str, float]] = field(default_factory=list)

    def figures(self) -> dict[str, float]:
        """At rest, and at five moments from the first run to the last."""
        rest, *runs = self.samples
        chosen = [runs[(len(runs) - 1) * number // 4] for number in range(5)]
        moments = dict(zip(QUARTERS, chosen, strict=True)) | {"at_rest": rest}
        return {
            f"{name}_{moment}_mb": size
            for moment, sizes in moments.items()
            for name, size in sizes.items()
        }


@contextmanager
def _memory_of(company: "_Company", parts: Sequence[Process]) -> Iterator[_Memory]:
    stop = Event()
    memory = _Memory(samples=[_sizes(parts)])

    def watch() -> None:
        seen = 0
        while not stop.wait(0.2):
            runs = company.runs()
            if runs > seen:
                memory.samples.append(_sizes(parts))
                seen = runs

    thread = Thread(target=watch)
    thread.start()
    try:
        yield memory
    finally:
        stop.set()
        thread.join()


def _sizes(parts: Sequence[Process]) -> Mapping[str, float]:
    return {
        part.program.name.replace(" ", "_"): psutil.Process(part.pid).memory_info().rss / MEGABYTE
        for part in parts
    }


class _Company:
    """The desk from which the campaign is started, and the clock that is moved."""

    def __init__(self, settings: Settings, database: Database, portal: BlockingPortal) -> None:
        self._database = database
        self._portal = portal
        self._client: Client = portal.call(temporal.connect, settings.temporal_address)
        self._clock = Clock(database, development=True)
        self._staff: dict[str, UUID] = {}
        self._desk = Desk(
            database=database,
            clock=self._clock,
            company=settings.company,
            periods=NoticePeriods(
                notice_days=settings.notice_days, sending_period=settings.sending_period
            ),
            portal=portal,
            client=self._client,
        )

    def move_in(self, addressees: int) -> None:
        """Staff, a version in force, and the accounts that it governs."""
        self._staff = move_in(self._database)
        self._publish(FIRST, VersionClass.EDITORIAL)
        _until(lambda: self._version(1).state == "in_force")
        rows = [
            AccountRow(external_id=f"c-{number:07}", email=f"person.{number}@people.example")
            for number in range(addressees)
        ]
        import_accounts(self._database, rows, by=self._staff["omar"], now=self._clock.now())

    def live_through(self) -> dict[str, float]:
        """Seconds of each step: since the release, and of the skipped day on which it is due."""
        began = time.monotonic()
        self._publish(SECOND, VersionClass.APPROVAL)
        _until(lambda: self._version(2).effective_at is not None)
        seconds = {"submitted_to_last_first_notice_seconds": time.monotonic() - began}
        taken = self._taken()
        for _ in range(DAYS):
            began = time.monotonic()
            self._desk.advance(timedelta(days=1))
            took = time.monotonic() - began
            seconds |= {f"day_of_{step}_seconds": took for step in self._taken() - taken}
            taken = self._taken()
        return seconds

    def in_the_end(self, addressees: int, mail: _MailService) -> dict[str, float]:
        """Runs and events of the campaign, and what everybody got."""
        with self._database.session() as session:
            owed = set(
                session.exec(select(OutboxMail.id).where(col(OutboxMail.step).in_(STEPS))).all()
            )
        copies = {mail_id: count for mail_id, count in mail.copies.items() if mail_id in owed}
        lengths = self._portal.call(self._lengths)
        return {
            "addressees": addressees,
            "mails_owed": addressees * len(STEPS),
            "lost": addressees * len(STEPS) - len(copies),
            "doubles": sum(copies.values()) - len(copies),
            "runs": len(lengths),
            "events": sum(lengths),
            "events_of_the_longest_run": max(lengths),
            "events_per_addressee_and_step": sum(lengths) / (addressees * len(STEPS)),
        }

    def runs(self) -> int:
        """How many runs the campaign has had so far."""
        return len(self._portal.call(self._executions))

    async def _executions(self) -> Sequence[WorkflowExecution]:
        query = f"WorkflowId = 'campaign/{POLICY}/2'"
        return [run async for run in self._client.list_workflows(query)]

    async def _lengths(self) -> Sequence[int]:
        handles = [
            self._client.get_workflow_handle(run.id, run_id=run.run_id)
            for run in await self._executions()
        ]
        return [(await handle.describe()).history_length for handle in handles]

    def _publish(self, text: str, version_class: VersionClass) -> None:
        version = self._desk.submit(
            NewVersion(
                slug=POLICY,
                text=read_policy_text(text.encode()),
                summary="What changes.",
                submitted_by=self._staff["lena"],
            )
        )
        _until(lambda: self._version(version.number).state == "in_review")
        with self._database.session() as session:
            keys = tuple(
                finding.key
                for finding in findings_of(session, version.id)
                if finding.status == FindingStatus.OPEN
            )
        content = ReviewContent(confirm=keys, version_class=version_class)
        noor = self._staff["noor"]
        self._desk.review(POLICY, version.number, noor, content, "A benchmark.")
        if version_class is not VersionClass.EDITORIAL:
            mails = self._desk.send_test_mails(POLICY, version.number, noor)
            _until(lambda: self._are_out(mails))
        self._desk.release(POLICY, version.number, noor)

    def _are_out(self, mails: Sequence[UUID]) -> bool:
        with self._database.session() as session:
            return are_out(session, mails)

    def _version(self, number: int) -> PolicyVersion:
        with self._database.session() as session:
            policy = policies.policy_by_slug(session, POLICY)
            return policies.version_by_number(session, policy.id, number)

    def _taken(self) -> set[str]:
        with self._database.session() as session:
            return set(session.exec(select(CampaignStep.step)).all())


def _programs(settings: Settings, directory: Path) -> tuple[list[Program], list[Program]]:
    environment = environment_of(settings) | {"PYTHONUNBUFFERED": "1"}
    command = temporal_server.command(
        data_dir=directory,
        port=settings.temporal_port,
        ui_port=settings.temporal_ui_port,
        time_skipping=True,
    )
    server = Program(
        name="temporal server",
        command=[*command, "--dynamic-config-value", SUGGESTION],
        environment=environment,
        directory=ROOT,
        log=directory / "temporal.log",
        answers=lambda _log: _listens(settings.temporal_port),
    )
    worker = Program(
        name="worker",
        command=[sys.executable, "worker.py"],
        environment=environment,
        directory=ROOT,
        log=directory / "worker.log",
        answers=lambda log: WORKER_READY in log,
    )
    return [server], [worker]


def _listens(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def _until(look: Callable[[], bool]) -> None:
    while not look():
        time.sleep(0.05)


def _settings(data_dir: Path, mail_port: int) -> Settings:
    ports = {"temporal_port", "temporal_ui_port", "web_port"}
    with ExitStack() as held:
        sockets = [held.enter_context(socket.create_server(("127.0.0.1", 0))) for _ in ports]
        free = [one.getsockname()[1] for one in sockets]
    return Settings.model_validate(
        {
            "data_dir": data_dir,
            "canary": False,
            "sendgrid_host": f"http://127.0.0.1:{mail_port}",
            "mail_sandbox_port": mail_port,
            **dict(zip(sorted(ports), free, strict=True)),
        }
    )
