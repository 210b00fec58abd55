"""Does the same in two processes at the same moment, as a worker and a website would."""

import multiprocessing
from collections.abc import Callable
from multiprocessing.connection import Connection
from multiprocessing.synchronize import Barrier
from typing import TypeVar

T = TypeVar("T")
GIVE_UP_SECONDS = 30


def in_two_processes(work: Callable[..., T], *arguments: object) -> list[T]:
    """What `work` returned in each of them. Fails when one of them broke."""
    processes = multiprocessing.get_context("spawn")
    together = processes.Barrier(2)
    lines = []
    for _ in range(2):
        ours, theirs = processes.Pipe(duplex=False)
        process = processes.Process(target=_work, args=(theirs, together, work, arguments))
        process.start()
        theirs.close()
        lines.append((process, ours))
    results = []
    for process, line in lines:
        results.append(line.recv())
        line.close()
        process.join(GIVE_UP_SECONDS)
        assert process.exitcode == 0
        process.close()
    return results


def _work(
    line: Connection, together: Barrier, work: Callable[..., object], arguments: tuple[object, ...]
) -> None:
    together.wait(GIVE_UP_SECONDS)
    line.send(work(*arguments))
    line.close()
