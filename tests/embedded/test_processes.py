"""Programs start in stages, are stopped backwards, and never outlive the one who started them."""

import os
import signal
import subprocess
import sys
import textwrap
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest

from embedded.processes import ProcessFailed, Program, running

ROOT = Path(__file__).parents[2]
STUBBORN = """
    import signal, subprocess, sys, time
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
    print("ready", child.pid, flush=True)
    time.sleep(600)
"""
PATIENT = "import time; print('ready', flush=True); time.sleep(600)"


@pytest.fixture
def program(tmp_path: Path) -> Callable[..., Program]:
    def make(source: str, name: str = "example", ready_within_seconds: float = 30.0) -> Program:
        return Program(
            name=name,
            command=[sys.executable, "-c", textwrap.dedent(source)],
            environment={},
            directory=tmp_path,
            log=tmp_path / f"{name}.log",
            answers=lambda log: "ready" in log,
            ready_within_seconds=ready_within_seconds,
        )

    return make


def test_a_program_that_ends_at_once_is_reported_with_its_last_words(
    program: Callable[..., Program],
) -> None:
    broken = program("raise SystemExit('the database is on fire')", name="worker")
    with (
        pytest.raises(ProcessFailed, match=r"(?s)worker ended by itself.*database is on fire"),
        running([broken]),
    ):
        pass


def test_a_program_that_is_killed_is_reported_as_killed(program: Callable[..., Program]) -> None:
    with (
        pytest.raises(ProcessFailed, match=r"The worker was killed \(signal 9\)\. "),
        running([program("import os, signal; os.kill(os.getpid(), signal.SIGKILL)", "worker")]),
    ):
        pass


def test_a_program_that_never_answers_is_reported_and_stopped(
    program: Callable[..., Program], tmp_path: Path
) -> None:
    silent = program("import time; time.sleep(600)", ready_within_seconds=0.2)
    with (
        pytest.raises(ProcessFailed, match=r"did not answer within 0 s.*example\.log"),
        running([silent]),
    ):
        pass
    assert not _children_of_this_test(tmp_path)


def test_programs_are_stopped_in_the_opposite_order(
    program: Callable[..., Program], tmp_path: Path
) -> None:
    source = """
        import signal, sys, time
        def leave(*_):
            open("order", "a").write({name!r} + " ")
            sys.exit()
        signal.signal(signal.SIGTERM, leave)
        print("ready", flush=True)
        time.sleep(600)
    """
    names = ("temporal", "website", "worker")
    stages = [[program(source.format(name=name), name=name)] for name in names]
    with running(*stages):
        pass
    assert (tmp_path / "order").read_text().split() == ["worker", "website", "temporal"]


@pytest.mark.slow
def test_what_does_not_listen_is_killed_with_all_it_started(
    program: Callable[..., Program], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("embedded.processes.STOP_WITHIN_SECONDS", 0.2)
    stubborn = program(STUBBORN)
    with running([stubborn]):
        grandchild = psutil.Process(int(stubborn.log.read_text().split()[1]))
    psutil.wait_procs([grandchild], timeout=10)
    assert not grandchild.is_running()
    assert not _children_of_this_test(tmp_path)


def test_the_log_of_the_last_start_is_kept(program: Callable[..., Program]) -> None:
    example = program(PATIENT)
    for _start in range(2):
        with running([example]):
            pass
    assert example.log.with_suffix(".previous.log").read_text() == "ready\n"


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="only Linux can tie a child to its parent")
def test_nothing_is_left_when_the_supervisor_itself_is_killed(tmp_path: Path) -> None:
    supervisor = subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(SUPERVISOR), str(tmp_path)],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert supervisor.stdout is not None
    child = psutil.Process(int(supervisor.stdout.readline()))
    os.kill(supervisor.pid, signal.SIGKILL)
    supervisor.wait()
    supervisor.stdout.close()
    _, alive = psutil.wait_procs([child], timeout=10)
    assert not [process for process in alive if process.status() != psutil.STATUS_ZOMBIE]


SUPERVISOR = """
    import sys, time
    from pathlib import Path
    from embedded.processes import Program, running
    program = Program(
        name="example",
        command=[sys.executable, "-c", "import time; print('ready', flush=True); time.sleep(600)"],
        environment={},
        directory=Path(sys.argv[1]),
        log=Path(sys.argv[1]) / "example.log",
        answers=lambda log: "ready" in log,
    )
    with running([program]) as processes:
        print(processes[0].pid, flush=True)
        time.sleep(600)
"""


def _children_of_this_test(directory: Path) -> list[psutil.Process]:
    """Those that run in the test's own folder; other tests may have left helpers of their own."""
    return [
        child
        for child in psutil.Process().children(recursive=True)
        if child.status() != psutil.STATUS_ZOMBIE and child.cwd() == str(directory)
    ]
