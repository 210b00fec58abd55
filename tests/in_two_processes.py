"""Does things in two processes at the same moment, as a worker and a website would.

The two live as long as the tests: starting them takes longer than most of what they do.
"""

import multiprocessing
import signal
import traceback
from collections.abc import Callable
from functools import cache, partial
from multiprocessing.connection import Connection
from multiprocessing.synchronize import Barrier
from typing import TypeVar

T = TypeVar("T")
GIVE_UP_SECONDS = 60
_together: Barrier | None = None


def in_two_processes(work: Callable[..., T], *arguments: object) -> list[T]:
    """What `work` returned in each of them. Fails when one of them broke, with its traceback."""
    both = partial(work, *arguments)
    return side_by_side(both, both)


def side_by_side(first: Callable[[], T], second: Callable[[], T]) -> list[T]:
    """What each returned, in a process of its own. Fails when one of them broke."""
    together, lines = _processes()
    for line, work in zip(lines, (first, second), strict=True):
        line.send(work)
    results, faults = zip(*(line.recv() for line in lines), strict=True)
    together.reset()
    assert not any(faults), "\n".join(fault for fault in faults if fault)
    return list(results)


def meet() -> None:
    """In such a process: wait until the other comes here too, so that what follows collides."""
    assert _together is not None
    _together.wait(GIVE_UP_SECONDS)


@cache
def _processes() -> tuple[Barrier, list[Connection]]:
    processes = multiprocessing.get_context("spawn")
    together = processes.Barrier(2)
    lines = []
    for _ in range(2):
        ours, theirs = processes.Pipe()
        processes.Process(target=_live, args=(theirs, together), daemon=True).start()
        theirs.close()
        lines.append(ours)
    return together, lines


def _live(line: Connection, together: Barrier) -> None:
    global _together  # noqa: PLW0603 - one for each of these processes
    _together = together
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # whoever started the tests is asked to stop
    while True:
        try:
            work = line.recv()
            meet()
            line.send((work(), None))
        except EOFError:
            return
        except BaseException:  # noqa: BLE001 - whatever it is, the test is to show it
            together.abort()
            line.send((None, traceback.format_exc()))
