"""Kills a process in the middle of its work, as a power cut would."""

import multiprocessing
import signal
from collections.abc import Callable

GIVE_UP_SECONDS = 30


def kill_in_the_middle(work: Callable[..., object], *arguments: object) -> None:
    """Run `work(line, *arguments)` in a process of its own, and kill it once it sends a word."""
    processes = multiprocessing.get_context("spawn")
    ours, theirs = processes.Pipe()
    process = processes.Process(target=work, args=(theirs, *arguments), daemon=True)
    process.start()
    theirs.close()
    assert ours.poll(GIVE_UP_SECONDS)
    ours.recv()
    process.kill()
    process.join(GIVE_UP_SECONDS)
    assert process.exitcode == -signal.SIGKILL
    ours.close()
    process.close()
