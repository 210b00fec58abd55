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
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from tempfile import TemporaryDirectory
from threading import Event, Lock, Thread
from uuid import UUID, uuid4

from anyio.from_thread import start_blocking_portal
from sqlmodel import col, select

from benchmarks.company import Company, sizes, until
from database.engine import Database
from database.migrate import migrate
from database.tables import OutboxMail
from embedded import temporal_server
from embedded.processes import Process, Program, running
from embedded.stack import WORKER_READY, add_sample_staff, environment_of
from settings import ROOT, Settings
from tests.own_settings import own_settings
from tests.people import POLICY

EVENTS_OF_A_RUN = 40
SUGGESTION = f"limit.historyCount.suggestContinueAsNew={EVENTS_OF_A_RUN}"
STEPS = ("first_notice", "reminder_1", "reminder_2")
DAYS = 45
CAMPAIGN = f"campaign/{POLICY}/2"
QUARTERS = ("at_the_start", "after_a_quarter", "half_way", "after_three_quarters", "at_the_end")


def measure(addressees: int) -> dict[str, float]:
    """Figures of one campaign with all the steps of its timetable; time is skipped."""
    with ExitStack() as leaving:
        directory = Path(leaving.enter_context(TemporaryDirectory(prefix="promisekeeper-")))
        mail = leaving.enter_context(_accepting_mail_service())
        settings = own_settings(
            directory,
            canary=False,
            sendgrid_host=f"http://127.0.0.1:{mail.port}",
            mail_sandbox_port=mail.port,
        )
        settings.data_dir.mkdir()
        database = Database(settings.database)
        leaving.callback(database.close)
        migrate(database)
        with database.transaction() as transaction:
            add_sample_staff(transaction)
        parts = leaving.enter_context(running(*_programs(settings)))
        portal = leaving.enter_context(start_blocking_portal())
        company = Company(settings, database, portal)
        company.move_in(addressees)
        memory = leaving.enter_context(_memory_of(company, parts))
        figures = {"submitted_to_last_first_notice_seconds": _first_notices(company)}
        figures |= company.live_through(DAYS)
        return figures | memory.figures() | _in_the_end(company, addressees, mail)


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
        try:
            yield service
        finally:
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
def _memory_of(company: Company, parts: Sequence[Process]) -> Iterator[_Memory]:
    stop = Event()
    memory = _Memory(samples=[sizes(parts)])

    def watch() -> None:
        seen = 0
        while not stop.wait(0.2):
            runs = company.runs(CAMPAIGN)
            if runs > seen:
                memory.samples.append(sizes(parts))
                seen = runs

    thread = Thread(target=watch)
    thread.start()
    try:
        yield memory
    finally:
        stop.set()
        thread.join()


def _first_notices(company: Company) -> float:
    """Seconds from handing a version in until its last first notice is out."""
    began = time.monotonic()
    number = company.hand_in()
    company.release(number)
    until(lambda: company.version(number).effective_at is not None)
    return time.monotonic() - began


def _in_the_end(company: Company, addressees: int, mail: _MailService) -> dict[str, float]:
    """Runs and events of the campaign, and what everybody got."""
    with company.database.session() as session:
        owed = set(session.exec(select(OutboxMail.id).where(col(OutboxMail.step).in_(STEPS))).all())
    copies = {mail_id: count for mail_id, count in mail.copies.items() if mail_id in owed}
    lengths = company.lengths(CAMPAIGN)
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


def _programs(settings: Settings) -> tuple[list[Program], list[Program]]:
    environment = environment_of(settings) | {"PYTHONUNBUFFERED": "1"}
    command = temporal_server.command(
        data_dir=settings.data_dir,
        port=settings.temporal_port,
        ui_port=settings.temporal_ui_port,
        time_skipping=True,
    )
    server = Program(
        name="temporal server",
        command=[*command, "--dynamic-config-value", SUGGESTION],
        environment=environment,
        directory=ROOT,
        log=settings.data_dir / "temporal.log",
        answers=lambda _log: _listens(settings.temporal_port),
    )
    worker = Program(
        name="worker",
        command=[sys.executable, "worker.py"],
        environment=environment,
        directory=ROOT,
        log=settings.data_dir / "worker.log",
        answers=lambda log: WORKER_READY in log,
    )
    return [server], [worker]


def _listens(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0
