"""Programs that answer HTTP, for tests of what asks them."""

from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

LOOK_EVERY_SECONDS = 0.01  # whether to end


class Quiet:
    """A handler that says nothing of what it is asked."""

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002
        """Say nothing."""


@contextmanager
def serving(handler: type[BaseHTTPRequestHandler], port: int = 0) -> Iterator[int]:
    """Answer with a handler while the block lasts; at which port."""
    with ThreadingHTTPServer(("127.0.0.1", port), handler) as server:
        thread = Thread(target=server.serve_forever, args=(LOOK_EVERY_SECONDS,))
        thread.start()
        try:
            yield server.server_port
        finally:
            server.shutdown()
            thread.join()
