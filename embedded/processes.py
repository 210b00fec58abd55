"""Child processes that start together, are watched, and never outlive the one who started them."""

import ctypes
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path

STOP_WITHIN_SECONDS = 15.0  # the worker gives what is under way ten of them
LOOK_EVERY_SECONDS = 0.05
LAST_LINES = 15
PR_SET_PDEATHSIG = 1


class ProcessFailed(Exception):
    """A process ended by itself, or did not answer in time; the message shows its last words."""


@dataclass(frozen=True, kw_only=True)
class Program:
    """What to run. `answers` says whether it does its work yet; it is given the log so far."""

    name: str
    command: Sequence[str]
    environment: Mapping[str, str]
    directory: Path
    log: Path
    answers: Callable[[str], bool]
    ready_within_seconds: float = 60.0


class Process:
    """One running program, in a session of its own, so that Ctrl-C is not sent to it."""

    def __init__(self, program: Program) -> None:
        self.program = program
        self._child = _launch(program)

    @property
    def pid(self) -> int:
        """Its process id."""
        return self._child.pid

    def ended(self) -> bool:
        """Whether it is gone."""
        return self._child.poll() is not None

    def wait_until_ready(self) -> None:
        """Raises ProcessFailed when it ends, or does not answer in time."""
        deadline = time.monotonic() + self.program.ready_within_seconds
        while not self.program.answers(self._log()):
            self.require_running()
            if time.monotonic() > deadline:
                raise ProcessFailed(
                    f"The {self.program.name} did not answer within "
                    f"{self.program.ready_within_seconds:.0f} s. {self._last_words()}"
                )
            time.sleep(LOOK_EVERY_SECONDS)

    def require_running(self) -> None:
        """Raises ProcessFailed when it has ended."""
        if self.ended():
            raise ProcessFailed(f"The {self.program.name} {self._ending()}. {self._last_words()}")

    def stop(self) -> None:
        """Ask it to end, and end it when it has not in time, with all it started."""
        if not self.ended():
            self._child.terminate()
        try:
            self._child.wait(STOP_WITHIN_SECONDS)
        except subprocess.TimeoutExpired:
            self._child.kill()
            self._child.wait()
        with suppress(ProcessLookupError):
            os.killpg(self.pid, signal.SIGKILL)  # what it left behind in its session

    def kill(self) -> None:
        """End it at once with all it started, as a crash does."""
        os.killpg(self.pid, signal.SIGKILL)
        self._child.wait()

    def start_again(self) -> None:
        """Start it after it ended. Raises ProcessFailed when it does not answer."""
        self._child = _launch(self.program)
        self.wait_until_ready()

    def _ending(self) -> str:
        code = self._child.returncode
        return f"was killed (signal {-code})" if code < 0 else f"ended by itself (exit code {code})"

    def _log(self) -> str:
        return self.program.log.read_text(errors="replace")

    def _last_words(self) -> str:
        lines = self._log().splitlines()[-LAST_LINES:]
        said = "\n".join(f"  {line}" for line in lines) if lines else "  (nothing)"
        return f"The end of its log {self.program.log}:\n{said}"


@contextmanager
def running(*stages: Sequence[Program]) -> Iterator[list[Process]]:
    """Start programs stage by stage, each stage when the last one answers; stop them on leaving.

    They are stopped in the opposite order. Raises ProcessFailed when one does not come up.
    """
    processes: list[Process] = []
    try:
        for stage in stages:
            started = [Process(program) for program in stage]
            processes.extend(started)
            for process in started:
                process.wait_until_ready()
        yield processes
    finally:
        for process in reversed(processes):
            process.stop()


def _launch(program: Program) -> "subprocess.Popen[bytes]":
    if program.log.exists():
        program.log.replace(program.log.with_suffix(".previous.log"))
    with program.log.open("wb") as log:
        return subprocess.Popen(  # noqa: S603 - our own command lines
            program.command,
            env=dict(program.environment),
            cwd=program.directory,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            preexec_fn=partial(_die_with, os.getpid()),  # noqa: PLW1509 - takes no lock
        )


def _system_library() -> ctypes.CDLL | None:
    return ctypes.CDLL(None, use_errno=True) if sys.platform == "linux" else None


_LIBRARY = _system_library()


def _die_with(parent: int) -> None:
    """Runs in the child: Linux kills it when its parent is gone, even by SIGKILL."""
    if _LIBRARY is None:
        return
    _LIBRARY.prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:  # it was gone before we could ask
        os._exit(1)
