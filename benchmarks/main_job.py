"""The main job on the embedded stack: start, import, publish, mail; with the memory it takes."""

import subprocess
import time
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from tempfile import TemporaryDirectory

import psutil

from cli.demo_scene import COMMAND
from database.engine import Database
from database.policies import policies
from database.tables import PolicyVersion
from embedded.stack import Stack, environment_of, stack
from settings import ROOT
from tests.own_settings import own_settings

SLUG = "privacy-policy"
TEXTS = ROOT / "policy_versions" / SLUG
MEGABYTE = 1024 * 1024


def measure(addressees: int) -> dict[str, float]:
    """Seconds, rates and resident megabytes of one run on fresh data and free ports."""
    with ExitStack() as leaving:
        directory = Path(leaving.enter_context(TemporaryDirectory()))
        began = time.monotonic()
        parts = leaving.enter_context(stack(own_settings(directory, canary=False)))
        figures = {"up_seconds": time.monotonic() - began}
        database = Database(parts.settings.database)
        leaving.callback(database.close)
        figures |= {f"{name}_at_rest_mb": size for name, size in _memory(parts).items()}
        _publish(parts, 1, "editorial")
        _until(lambda: _version(database, 1).state == "in_force")
        people = directory / "accounts.csv"
        people.write_text(_csv(addressees), encoding="utf-8")
        began = time.monotonic()
        _type(parts, "accounts", "import", str(people), "--as", "omar")
        figures["import_seconds"] = time.monotonic() - began
        began = time.monotonic()
        _publish(parts, 2, "approval")
        _until(lambda: _version(database, 2).state == "announced")
        announced = time.monotonic()
        _until(lambda: _version(database, 2).effective_at is not None)
        seconds = time.monotonic() - announced
        figures["submitted_to_announced_seconds"] = announced - began
        figures["announced_to_last_mail_accepted_seconds"] = seconds
        figures["mails_per_second"] = addressees / seconds
        figures |= {f"{name}_after_campaign_mb": size for name, size in _memory(parts).items()}
        return figures


def _publish(parts: Stack, number: int, version_class: str) -> None:
    if number == 1:
        _type(parts, "policy", "add", SLUG, "--title", "privacy policy", "--owner", "lena")
    file = str(TEXTS / f"{number}.md")
    _type(parts, "policy", "submit", SLUG, file, "--summary", "What changes.", "--as", "lena")
    confirm = ("--confirm", "F1,F2,F3") if number == 2 else ()
    _type(
        parts,
        *("policy", "review", SLUG, str(number), "--class", version_class, *confirm),
        *("--reason", "A benchmark.", "--as", "noor"),
    )
    if version_class != "editorial":
        _type(parts, "policy", "test-mail", SLUG, str(number), "--as", "noor")
    _type(parts, "policy", "release", SLUG, str(number), "--as", "noor")


def _type(parts: Stack, *arguments: str) -> None:
    subprocess.run(  # noqa: S603 - our own command line
        [str(COMMAND), *arguments],
        env=environment_of(parts.settings),
        check=True,
        stdout=subprocess.DEVNULL,
    )


def _version(database: Database, number: int) -> PolicyVersion:
    with database.session() as session:
        return policies.version_by_slug(session, SLUG, number)


def _until(look: Callable[[], bool]) -> None:
    while not look():
        time.sleep(0.01)


def _memory(parts: Stack) -> dict[str, float]:
    """Resident megabytes of each process of the stack, and of the one that watches them."""
    sizes = {
        process.program.name.lower().replace(" ", "_"): psutil.Process(process.pid)
        for process in parts.processes
    }
    sizes["supervisor"] = psutil.Process()
    return {name: process.memory_info().rss / MEGABYTE for name, process in sizes.items()}


def _csv(addressees: int) -> str:
    rows = (f"c-{n:07},person.{n}@people.example,Person {n}" for n in range(addressees))
    return "external_id,email,name\n" + "\n".join(rows) + "\n"
