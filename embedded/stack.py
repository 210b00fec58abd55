"""The whole product on one machine: Temporal, the mail sandbox, the website and the worker."""

import errno
import fcntl
import os
import socket
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import urllib3
from pydantic import SecretStr
from sqlmodel import Session, select

from database.engine import Database
from database.migrate import migrate
from database.people.staff import add_staff
from database.tables import Staff
from embedded import temporal_server
from embedded.processes import Process, Program, running
from embedded.sample_company import database as sample_company
from embedded.sandbox import server as sandbox_server
from embedded.sandbox.signing import public_key
from settings import ROOT, Settings

WORKER_READY = "worker: ready"
LOCK_FILE = "stack.lock"
SAMPLE_STAFF = (
    ("lena", "Lena Legal", ("legal",)),
    ("noor", "Noor Legal", ("legal",)),
    ("petra", "Petra Privacy", ("privacy",)),
    ("paul", "Paul Privacy", ("privacy",)),
    ("theo", "Theo Tasks", ("task",)),
    ("omar", "Omar Operations", ("ops", "admin")),
)


class StackRefused(Exception):
    """The stack cannot be started like this; nothing was started or changed."""


@dataclass(frozen=True, kw_only=True)
class Stack:
    """A running stack: where its parts answer, and the settings they were started with."""

    settings: Settings
    processes: Sequence[Process]

    @property
    def website(self) -> str:
        """Address of the website, without a slash at the end."""
        return self.settings.website

    @property
    def staff_console(self) -> str:
        """Address of the staff console."""
        return f"{self.settings.website}/staff"

    @property
    def inbox(self) -> str:
        """Address of the mail sandbox and its inbox, without a slash at the end."""
        return self.settings.mail_service

    @property
    def temporal_ui(self) -> str:
        """Address of the Temporal UI, without a slash at the end."""
        return self.settings.temporal_ui

    @property
    def temporal_address(self) -> str:
        """Host and port of the Temporal server."""
        return self.settings.temporal_address

    def part(self, name: str) -> Process:
        """The process of a part: Temporal server, mail sandbox, website or worker."""
        return next(process for process in self.processes if process.program.name == name)

    def require_running(self) -> None:
        """Raises ProcessFailed when a part has ended."""
        for process in self.processes:
            process.require_running()


@contextmanager
def stack(settings: Settings) -> Iterator[Stack]:
    """Start everything, yield when each part answers, and stop everything on leaving.

    Raises StackRefused when a port or the data directory is taken, ProcessFailed when a part does
    not come up.
    """
    if not settings.development:
        raise StackRefused(
            "The embedded stack is for development: it sends mail to a sandbox and shows it to "
            "everybody on this machine. In production run the worker and the website against "
            "your own Temporal, database and mail service. Nothing was started."
        )
    settings.data_dir.mkdir(parents=True, exist_ok=True, mode=0o700)
    with _only_stack_in(settings.data_dir):
        _require_free_ports(settings)
        settings = _embedded(settings)
        _prepare_database(settings)
        sample_company.make(settings.sample_company)
        first, second = _programs(settings)
        with running(first, second) as processes:
            yield Stack(settings=settings, processes=processes)


def environment_of(settings: Settings) -> dict[str, str]:
    """The variables that make another process read exactly these settings."""
    values = {
        f"PROMISEKEEPER_{name.upper()}": _as_text(getattr(settings, name))
        for name in Settings.model_fields
    }
    return values | {
        "TEMPORAL_ADDRESS": settings.temporal_address,
        "TEMPORAL_NAMESPACE": temporal_server.NAMESPACE,
    }


def _as_text(value: object) -> str:
    if isinstance(value, SecretStr):
        return value.get_secret_value()
    if isinstance(value, tuple):
        return ",".join(str(item) for item in value)
    return str(value)


def _embedded(settings: Settings) -> Settings:
    """The settings with what the stack itself decides: addresses of its parts, and their key."""
    data_dir = settings.data_dir.resolve()
    fixed: dict[str, object] = {
        "data_dir": data_dir,
        "database_url": settings.database,
        "sendgrid_host": f"http://127.0.0.1:{settings.mail_sandbox_port}",
        "sendgrid_webhook_public_keys": (public_key(data_dir / sandbox_server.KEY_FILE),),
        "temporal_ui_url": f"http://127.0.0.1:{settings.temporal_ui_port}",
    }
    return settings.model_copy(update=fixed)


def _prepare_database(settings: Settings) -> None:
    """Bring the tables up to date, and add sample staff where nobody works yet."""
    database = Database(settings.database)
    try:
        migrate(database)
        with database.transaction() as transaction:
            add_sample_staff(transaction)
    finally:
        database.close()


def add_sample_staff(transaction: Session) -> None:
    """Let somebody work where nobody does yet."""
    if transaction.exec(select(Staff)).first() is None:
        for handle, name, roles in SAMPLE_STAFF:
            email = f"{handle}@fernhill.example"
            add_staff(transaction, handle=handle, name=name, email=email, roles=roles)


def _programs(settings: Settings) -> tuple[list[Program], list[Program]]:
    """What runs, in the order of starting: the second stage needs the first."""
    logs = settings.data_dir / "logs"
    logs.mkdir(exist_ok=True)
    environment = _child_environment(settings)
    program = partial(Program, environment=environment, directory=ROOT)
    first = [
        temporal_server.program(
            data_dir=settings.data_dir,
            port=settings.temporal_port,
            ui_port=settings.temporal_ui_port,
            time_skipping=settings.development,
            environment=environment,
            log=logs / "temporal.log",
        ),
        program(
            name="mail sandbox",
            log=logs / "mail-sandbox.log",
            command=[
                *(sys.executable, "-m", "embedded.sandbox"),
                *(
                    "--webhook-url",
                    f"http://127.0.0.1:{settings.web_port}/webhooks/sendgrid/events",
                ),
            ],
            answers=_responds(f"{settings.mail_service}/api/messages?limit=1"),
        ),
    ]
    second = [
        program(
            name="website",
            log=logs / "website.log",
            command=[
                *(sys.executable, "-m", "uvicorn", "web.app:from_environment", "--factory"),
                *("--host", "127.0.0.1", "--port", str(settings.web_port)),
                *("--workers", str(settings.web_processes)),
                *("--no-access-log", "--log-level", "warning", "--timeout-graceful-shutdown", "10"),
            ],
            answers=_responds(f"http://127.0.0.1:{settings.web_port}/healthz"),
        ),
        program(
            name="worker",
            log=logs / "worker.log",
            command=[sys.executable, "worker.py"],
            answers=lambda log: WORKER_READY in log,
        ),
    ]
    return first, second


def _child_environment(settings: Settings) -> dict[str, str]:
    inherited = {
        name: value
        for name, value in os.environ.items()  # noqa: TID251 - handed on, not read
        if not name.startswith(("PROMISEKEEPER_", "TEMPORAL_"))
    }
    return inherited | environment_of(settings) | {"PYTHONUNBUFFERED": "1"}


def _responds(url: str) -> Callable[[str], bool]:
    def answers(_log: str) -> bool:
        try:
            return urllib3.request("GET", url, timeout=5.0, retries=False).status == 200
        except urllib3.exceptions.HTTPError:
            return False

    return answers


@contextmanager
def _only_stack_in(data_dir: Path) -> Iterator[None]:
    """The lock falls with the process that holds it, however that ends."""
    with (data_dir / LOCK_FILE).open("a+") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            lock.seek(0)
            raise StackRefused(
                f"A stack runs on {data_dir} already (process {lock.read().strip()}). Stop it "
                "there with Ctrl-C, or start this one with another --data-dir and other ports. "
                "Nothing was started."
            ) from None
        lock.truncate(0)
        lock.write(str(os.getpid()))
        lock.flush()
        yield


def _require_free_ports(settings: Settings) -> None:
    wanted = (
        ("the website", "WEB_PORT", settings.web_port),
        ("the mail sandbox", "MAIL_SANDBOX_PORT", settings.mail_sandbox_port),
        ("the Temporal server", "TEMPORAL_PORT", settings.temporal_port),
        ("the Temporal UI", "TEMPORAL_UI_PORT", settings.temporal_ui_port),
    )
    faults = []
    for position, (part, name, port) in enumerate(wanted):
        if port in {earlier for _, _, earlier in wanted[:position]}:
            faults.append(
                f"{part} wants port {port}, like another part; move it with PROMISEKEEPER_{name}"
            )
        elif _taken(port):
            faults.append(
                f"{part} wants port {port}, which another program has; end that, or "
                f"move it: PROMISEKEEPER_{name}={port + 1}"
            )
    if faults:
        raise StackRefused("Nothing was started:\n" + "\n".join(f"  {line}" for line in faults))


def _taken(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError as fault:
            if fault.errno in (errno.EADDRINUSE, errno.EACCES):
                return True
            raise
    return False
