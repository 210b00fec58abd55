"""`promisekeeper up` starts every part, says where they are, and leaves nothing behind."""

import os
import re
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest
import urllib3

from database.engine import Database
from database.people.staff import everybody
from embedded.stack import SAMPLE_STAFF, environment_of, stack
from settings import ROOT, Settings

pytestmark = [pytest.mark.temporal, pytest.mark.journey]
NOT_SET_BY_ANYBODY = ("PROMISEKEEPER_BASE_URL", "PROMISEKEEPER_SENDGRID_HOST")


@pytest.fixture
def up(stack_settings: Callable[..., Settings]) -> Iterator[Callable[[], subprocess.Popen[str]]]:
    """Runs `promisekeeper up` on ports of its own until its panel is printed."""
    settings = stack_settings()
    environment = {
        name: value
        for name, value in environment_of(settings).items()
        if name.startswith("PROMISEKEEPER_") and name not in NOT_SET_BY_ANYBODY
    }
    started: list[subprocess.Popen[str]] = []

    def start() -> subprocess.Popen[str]:
        process = subprocess.Popen(
            [sys.executable, "-m", "cli.main", "up"],
            cwd=ROOT,
            env={"PATH": os.defpath, **environment},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        started.append(process)
        return process

    yield start
    for process in started:
        process.kill()
        process.wait()
        assert process.stdout is not None
        process.stdout.close()


def read_panel(process: subprocess.Popen[str]) -> str:
    assert process.stdout is not None
    lines = []
    for line in process.stdout:
        lines.append(line)
        if "Ctrl-C stops it" in line:
            break
    return "".join(lines)


def parts_of(process: subprocess.Popen[str]) -> list[psutil.Process]:
    return psutil.Process(process.pid).children(recursive=True)


def still_running(parts: list[psutil.Process]) -> list[psutil.Process]:
    _, alive = psutil.wait_procs(parts, timeout=10)
    return [part for part in alive if part.status() != psutil.STATUS_ZOMBIE]


def test_every_printed_address_answers_and_ctrl_c_stops_all_of_it(
    up: Callable[[], subprocess.Popen[str]],
) -> None:
    process = up()
    addresses = re.findall(r"http://\S+", read_panel(process))
    assert len(addresses) == 4
    for address in addresses:
        assert urllib3.request("GET", address, timeout=10.0).status == 200
    parts = parts_of(process)
    assert len(parts) == 4
    process.send_signal(signal.SIGINT)
    output, _ = process.communicate()
    assert process.returncode == 0
    assert "Everything is stopped" in output
    assert still_running(parts) == []


def test_a_part_that_ends_ends_everything(up: Callable[[], subprocess.Popen[str]]) -> None:
    process = up()
    read_panel(process)
    parts = parts_of(process)
    worker = next(part for part in parts if "worker.py" in part.cmdline())
    worker.kill()
    output, _ = process.communicate()
    assert process.returncode == 1
    assert "The worker was killed (signal 9)" in output
    assert "worker.log" in output
    assert "Look at that log, then: promisekeeper up" in " ".join(output.split())
    assert still_running(parts) == []


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux can tie a child to its parent")
def test_nothing_outlives_a_stack_that_is_killed_and_it_starts_again_on_its_data(
    up: Callable[[], subprocess.Popen[str]],
) -> None:
    process = up()
    read_panel(process)
    parts = parts_of(process)
    process.kill()
    assert still_running(parts) == []
    assert "Promisekeeper is up" in read_panel(up())


def test_a_stack_keeps_its_data_between_two_starts(
    stack_settings: Callable[..., Settings], tmp_path: Path
) -> None:
    settings = stack_settings()
    with stack(settings) as parts:
        parts.require_running()
        database = Database(parts.settings.database)
        with database.session() as session:
            before = [member.id for member in everybody(session)]
        database.close()
    with stack(settings) as parts:
        database = Database(parts.settings.database)
        with database.session() as session:
            assert [member.id for member in everybody(session)] == before
        database.close()
    assert len(before) == len(SAMPLE_STAFF)
    assert (tmp_path / "data" / "logs" / "worker.previous.log").exists()
