"""Real processes, whose neighbours are missing, go, hang, come back or have the wrong version."""

import asyncio
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import urllib3
from sqlalchemy import text
from temporalio.client import Client

from database.engine import Database
from database.migrate import migrate
from embedded import temporal_server
from embedded.processes import Process, Program
from embedded.stack import environment_of
from settings import ROOT, Settings
from temporal import WATCHDOG
from tests.eventually import eventually
from tests.postgres_server import Postgres, own_postgres

pytestmark = [pytest.mark.temporal, pytest.mark.slow, pytest.mark.timeout(180)]

FAILURES = (ROOT / "docs" / "failures.md").read_text("utf-8")
Answers = Callable[[str], bool]
MORE_THAN_THREADS = 50  # with which a website answers


@pytest.fixture
def postgres() -> Iterator[Postgres]:
    with own_postgres() as server:
        yield server


@dataclass(frozen=True, kw_only=True)
class Machine:
    """Where processes are started by hand, in any order."""

    settings: Settings
    logs: Path
    started: list[Process] = field(default_factory=list)

    def start(self, name: str, *command: str, answers: Answers = lambda _log: True) -> Process:
        """Start a program, and wait until it answers."""
        process = Process(
            Program(
                name=name,
                command=command,
                environment={"PATH": os.defpath, **environment_of(self.settings)},
                directory=ROOT,
                log=self.logs / f"{name}.log",
                answers=answers,
            )
        )
        self.started.append(process)
        process.wait_until_ready()
        return process

    def start_worker(self, says: str) -> Process:
        """Start a worker, and wait until it has said this."""
        return self.start("worker", sys.executable, "worker.py", answers=lambda log: says in log)

    def start_website(self, *options: str) -> Process:
        """Start a website, and wait until it is alive."""
        port = str(self.settings.web_port)
        command = [sys.executable, "-m", "uvicorn", "web.app:from_environment", "--factory"]
        command += ["--port", port, *(options or ("--no-access-log", "--log-level", "warning"))]
        return self.start("website", *command, answers=lambda _log: self.status("/healthz") == 200)

    def start_temporal(self) -> Process:
        """Start Temporal's server; it is there when it is there."""
        settings = self.settings
        settings.data_dir.mkdir(exist_ok=True)
        command = temporal_server.command(
            data_dir=settings.data_dir,
            port=settings.temporal_port,
            ui_port=settings.temporal_ui_port,
            time_skipping=False,
        )
        return self.start("temporal", *command)

    def stop(self) -> None:
        """Stop what was started."""
        for process in reversed(self.started):
            process.stop()

    def said(self, name: str) -> str:
        """What a program has printed so far."""
        return (self.logs / f"{name}.log").read_text()

    def status(self, path: str) -> int:
        """The status of a page; 0 when nobody answers."""
        return self._get(path)[0]

    def page(self, path: str) -> str:
        """The text of a page."""
        return self._get(path)[1]

    def ready(self) -> tuple[int, Any]:
        """What `/readyz` answers."""
        url = f"{self.settings.website}/readyz"
        answer = urllib3.request("GET", url, timeout=30.0, retries=False)
        return answer.status, answer.json()

    def type(self, *arguments: str) -> "subprocess.CompletedProcess[str]":
        """Type a command."""
        return subprocess.run(
            [sys.executable, "-m", "cli.main", *arguments],
            cwd=ROOT,
            env={"PATH": os.defpath, **environment_of(self.settings)},
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
        )

    def _get(self, path: str) -> tuple[int, str]:
        url = f"{self.settings.website}{path}"
        try:
            answer = urllib3.request("GET", url, timeout=30.0, retries=False)
        except urllib3.exceptions.HTTPError:
            return 0, ""
        return answer.status, answer.data.decode()


@pytest.fixture
def machine(
    stack_settings: Callable[..., Settings], tmp_path: Path
) -> Iterator[Callable[..., Machine]]:
    """A machine whose database has every table."""
    with ExitStack() as running:

        def made(url: str = "") -> Machine:
            settings = stack_settings(
                database_url=url or f"sqlite:///{tmp_path / 'promisekeeper.db'}"
            )
            settings.data_dir.mkdir()
            database = Database(settings.database)
            migrate(database)
            database.close()
            found = Machine(settings=settings, logs=tmp_path)
            for name in ("worker", "website", "temporal"):
                (tmp_path / f"{name}.log").touch()
            running.callback(found.stop)
            return found

        yield made


def at_revision(settings: Settings, revision: str) -> None:
    database = Database(settings.database)
    with database.engine.execution_options(writes=True).begin() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = :it"), {"it": revision})
    database.close()


def test_a_worker_started_before_temporal_waits_says_so_once_and_works_when_it_is_there(
    machine: Callable[..., Machine],
) -> None:
    house = machine()
    worker = house.start_worker("waits for the Temporal server")
    temporal = house.start_temporal()
    eventually(lambda: "worker: ready" in house.said("worker"))
    said = house.said("worker")
    assert said.count("waits for the Temporal server") == 1
    assert said.count("The Temporal server is there.") == 1
    house.start_website()
    eventually(lambda: house.ready()[1]["worker"]["state"] == "takes work")

    temporal.kill()
    eventually(lambda: "The Temporal server does not answer" in house.said("worker"))
    assert house.ready()[0] == 200
    assert house.ready()[1]["Temporal server"]["remedy"] == "temporal-server-silent"
    assert house.status("/requests/new") == 200
    temporal.start_again()
    eventually(lambda: "The Temporal server answers again" in house.said("worker"))
    assert not worker.ended()
    for name in ("worker", "website"):
        assert "Traceback" not in house.said(name)
        assert "retried" not in house.said(name)


@pytest.mark.parametrize(
    ("revision", "words"),
    [("0001", "has tables older than this code"), ("9999", "has tables newer than this code")],
)
@pytest.mark.parametrize("command", [["worker.py"], ["-m", "cli.main", "staff", "list"]])
def test_nothing_works_with_tables_of_another_version(
    machine: Callable[..., Machine], revision: str, words: str, command: list[str]
) -> None:
    """Each says so in the words under which `docs/failures.md` has what to do."""
    assert words in FAILURES
    house = machine()
    at_revision(house.settings, revision)
    ended = subprocess.run(
        [sys.executable, *command],
        cwd=ROOT,
        env={"PATH": os.defpath, **environment_of(house.settings)},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert ended.returncode == 3
    assert words in ended.stderr
    assert "Nothing was changed." in ended.stderr
    assert "Traceback" not in ended.stderr


@pytest.mark.parametrize(
    ("change", "code", "words"),
    [
        ({"PROMISEKEEPER_NOTICE_DAYS": "1"}, 2, "NOTICE_DAYS"),
        ({"PROMISEKEEPER_SENDGRID_WEBHOOK_PUBLIC_KEYS": "nonsense"}, 2, "PUBLIC_KEYS"),
        ({"PROMISEKEEPER_DATABASE_URL": "mysql://a:b@example.com/c"}, 2, "DATABASE_URL"),
    ],
)
def test_a_website_that_cannot_start_says_why_without_a_traceback(
    machine: Callable[..., Machine], change: dict[str, str], code: int, words: str
) -> None:
    house = machine()
    ended = subprocess.run(
        [sys.executable, "-m", "uvicorn", "web.app:from_environment", "--factory"],
        cwd=ROOT,
        env={"PATH": os.defpath, **environment_of(house.settings), **change},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert (ended.returncode, words in ended.stderr) == (code, True)
    assert "Traceback" not in ended.stderr
    assert "a:b@" not in ended.stderr


def test_no_log_keeps_a_token_however_the_website_was_started(
    machine: Callable[..., Machine],
) -> None:
    """P32: whoever reads the log could decide for somebody."""
    house = machine()
    house.start_website("--access-log")
    assert house.status("/approve/the-token-of-somebody") == 404
    eventually(lambda: "GET /approve/{token} 404" in house.said("website"))
    assert "the-token-of-somebody" not in house.said("website")


@pytest.mark.postgresql
def test_a_website_outlives_its_database_says_so_and_serves_when_it_is_back(
    machine: Callable[..., Machine], postgres: Postgres
) -> None:
    house = machine(postgres.url)
    house.start_website()
    assert house.status("/") == 200
    for go, come in ((postgres.stop, postgres.start_again), (postgres.hang, postgres.go_on)):
        go()
        with ThreadPoolExecutor(MORE_THAN_THREADS) as people:
            pages = people.map(house.page, ["/"] * MORE_THAN_THREADS)
        assert all("Our database does not answer" in page for page in pages)
        eventually(lambda: house.ready()[0] == 503)
        assert house.ready()[1]["database"]["remedy"] == "database-silent"
        assert house.status("/healthz") == 200
        eventually(lambda: "Our database does not answer" in house.page("/requests/new"))
        come()
        eventually(lambda: house.ready()[0] == 200)
        eventually(lambda: house.status("/requests/new") == 200)
    said = house.said("website")
    assert said.count("The database does not answer") == 2
    assert said.count("The database answers again") == 2
    assert "Traceback" not in said


def finished_rounds(house: Machine) -> int:
    """How often the watchdog has looked."""
    finished = "WorkflowType = 'watchdog' AND ExecutionStatus = 'Completed'"

    async def ask() -> int:
        client = await Client.connect(f"127.0.0.1:{house.settings.temporal_port}")
        return (await client.count_workflows(finished)).count

    return asyncio.run(ask())


def let_the_watchdog_look(house: Machine) -> None:
    async def trigger() -> None:
        client = await Client.connect(f"127.0.0.1:{house.settings.temporal_port}")
        await client.get_schedule_handle(WATCHDOG).trigger()

    asyncio.run(trigger())


def faults_of_running_activities(house: Machine) -> set[str]:
    """The types of the errors that they are tried again for."""

    async def ask() -> set[str]:
        client = await Client.connect(f"127.0.0.1:{house.settings.temporal_port}")
        return {
            pending.last_failure.application_failure_info.type
            async for found in client.list_workflows("ExecutionStatus = 'Running'")
            for pending in (
                await client.get_workflow_handle(found.id).describe()
            ).raw_description.pending_activities
        }

    return asyncio.run(ask())


@pytest.mark.postgresql
def test_a_worker_waits_for_no_database_that_hangs_says_whose_fault_it_is_and_goes_on(
    machine: Callable[..., Machine], postgres: Postgres
) -> None:
    house = machine(postgres.url)
    house.start_temporal()
    house.start_worker("worker: ready")
    eventually(lambda: finished_rounds(house) == 1)
    postgres.hang()
    let_the_watchdog_look(house)
    eventually(lambda: faults_of_running_activities(house) == {"DatabaseSilent"})
    eventually(lambda: "The database does not answer" in house.said("worker"))
    postgres.go_on()
    eventually(lambda: finished_rounds(house) == 2)
    said = house.said("worker")
    assert said.count("The database does not answer") == 1
    assert "Traceback" not in said
    assert "incident" not in said


@pytest.mark.postgresql
def test_the_doctor_and_commands_speak_of_a_database_that_is_gone_and_of_one_that_hangs(
    machine: Callable[..., Machine], postgres: Postgres
) -> None:
    house = machine(postgres.url)
    assert house.type("staff", "list").returncode == 0
    assert "PostgreSQL 18" in house.type("doctor").stdout
    postgres.hang()
    asked = house.type("doctor", "--format", "json")
    assert asked.returncode == 3
    assert '"part": "database"' in asked.stdout
    postgres.go_on()
    postgres.stop()
    for arguments in (["staff", "list"], ["database", "migrate"], ["up"]):
        ended = house.type(*arguments)
        assert ended.returncode == 3
        assert "The database does not answer" in ended.stderr
        assert "start PostgreSQL, or mend PROMISEKEEPER_DATABASE_URL" in ended.stderr
        assert "promisekeeper up" not in ended.stderr
        assert "Traceback" not in ended.stderr
    assert "start PostgreSQL" in house.type("doctor", "--format", "json").stdout
    postgres.start_again()
    assert house.type("staff", "list").returncode == 0
