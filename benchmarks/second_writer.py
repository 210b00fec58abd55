"""How long a second writer waits while accounts are imported and an audience is frozen.

The second writer is a process of its own that writes a fact every five milliseconds. Its latency
counts from the instant at which it meant to write, so a stall is not hidden by the writes that it
holds up.
"""

import multiprocessing
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import asdict, dataclass
from functools import partial
from multiprocessing.connection import Connection
from pathlib import Path
from statistics import quantiles
from tempfile import TemporaryDirectory
from uuid import UUID, uuid4

from benchmarks.company import POSTGRESQL, SQLITE, chosen_database
from cli.demo_scene import COMMAND
from clock import Clock
from database.campaigns.freezing import freeze_audience
from database.engine import Database
from database.facts import record
from database.migrate import migrate
from embedded.stack import environment_of
from settings import Settings
from tests.people import move_in
from tests.scene import Scene

EVERY_SECONDS = 0.005
ALONE_SECONDS = 5.0
PROCESSES = multiprocessing.get_context("spawn")


@dataclass(frozen=True, kw_only=True)
class Waited:
    """What the second writer went through, in milliseconds, and how long the others worked."""

    seconds: float
    writes: int
    p50_ms: float
    p99_ms: float
    max_ms: float


def measure(accounts: int, addressees: int) -> dict[str, float]:
    """The second writer beside a freeze, an import of new accounts and one of known ones."""
    figures: dict[str, float] = {}
    for kind in (SQLITE, POSTGRESQL):
        with (
            TemporaryDirectory(prefix="promisekeeper-") as directory,
            chosen_database(kind) as own,
        ):
            url = own or f"sqlite:///{directory}/promisekeeper.db"
            for work, waited in _works(url, Path(directory), accounts, addressees):
                for name, value in asdict(waited).items():
                    figures[f"{kind}_{work}_{name}"] = value
    return figures


def _works(
    url: str, directory: Path, accounts: int, addressees: int
) -> Iterator[tuple[str, Waited]]:
    with closing(Database(url)) as database:
        migrate(database)
        scene = Scene(database=database, staff=move_in(database))
        settings = Settings(data_dir=directory, database_url=url)
        yield "alone", _beside(url, lambda: time.sleep(ALONE_SECONDS))
        _import(settings, directory, "audience", addressees, "example.com")
        campaign = scene.campaign()
        yield f"freeze_{addressees}", _beside(url, lambda: _apart(_freeze, url, campaign))
        for work, host in (("new", "example.com"), ("known", "example.org")):
            yield (
                f"import_{accounts}_{work}",
                _beside(url, partial(_import, settings, directory, "c", accounts, host)),
            )


def _beside(url: str, work: Callable[[], object]) -> Waited:
    """Do something while the second writer writes."""
    ours, theirs = PROCESSES.Pipe()
    writer = PROCESSES.Process(target=_write, args=(url, theirs), daemon=True)
    writer.start()
    ours.recv()  # it has connected
    began = time.monotonic()
    work()
    seconds = time.monotonic() - began
    ours.send("stop")
    waits: list[float] = ours.recv()
    writer.join()
    percentiles = quantiles(waits, n=100)
    return Waited(
        seconds=seconds,
        writes=len(waits),
        p50_ms=percentiles[49] * 1000,
        p99_ms=percentiles[98] * 1000,
        max_ms=max(waits) * 1000,
    )


def _write(url: str, line: Connection) -> None:
    """Write a fact every five milliseconds until told to stop; send back how long each took."""
    waits = []
    subject = uuid4()
    with closing(Database(url)) as database:
        clock = Clock(database, development=False)
        with database.transaction() as transaction:
            record(transaction, "benchmark.connected", subject, clock.now())
        line.send("ready")
        meant = time.monotonic()
        while not line.poll():
            time.sleep(max(0.0, meant - time.monotonic()))
            with database.transaction() as transaction:
                record(transaction, "benchmark.write", subject, clock.now())
            waits.append(time.monotonic() - meant)
            meant += EVERY_SECONDS
    line.send(waits)


def _apart(work: Callable[..., None], *arguments: object) -> None:
    process = PROCESSES.Process(target=work, args=arguments)
    process.start()
    process.join()
    assert process.exitcode == 0


def _freeze(url: str, campaign: UUID) -> None:
    with closing(Database(url)) as database:
        freeze_audience(database, campaign, Clock(database, development=False).now())


def _import(settings: Settings, directory: Path, name: str, count: int, host: str) -> None:
    file = directory / "accounts.csv"
    rows = (f"{name}-{n:07},person.{n}@{host},Person {n}" for n in range(count))
    file.write_text("external_id,email,name\n" + "\n".join(rows) + "\n", encoding="utf-8")
    subprocess.run(  # noqa: S603 - our own command line
        [str(COMMAND), "accounts", "import", str(file), "--as", "omar", "--yes"],
        env=environment_of(settings),
        check=True,
        stdout=subprocess.DEVNULL,
    )
