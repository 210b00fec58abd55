"""The real mail sandbox on a free port, for tests that send real mail over real HTTP."""

import json
import socket
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import urllib3
import uvicorn

from embedded.sandbox import create_app, public_key
from tests.eventually import eventually

API_KEY = "SG.a-key-for-tests"


@dataclass(frozen=True, kw_only=True)
class RunningSandbox:
    """A sandbox that answers at `url`."""

    url: str
    public_key: str

    def messages(self, **filters: str | int) -> list[dict[str, object]]:
        """Return the messages it holds, newest first; filters as in its API."""
        return list(json.loads(self._ask("GET", "/api/messages", fields=filters).data))

    def message_to(self, address: str) -> dict[str, object]:
        """Return the only message to an address."""
        (message,) = self.messages(to=address)
        return message

    def empty(self) -> None:
        """Throw all messages away."""
        self._ask("DELETE", "/api/messages")

    def misbehave(
        self, mode: str, times: int | None = 1, latency_ms: int = 0, **more: object
    ) -> None:
        """Switch a fault on; `more` is a field of it, or its `events`."""
        fault = {"mode": mode, "times": times, "latency_ms": latency_ms, **more}
        self._ask("POST", "/api/faults", json=fault)

    def page(self, path: str) -> str:
        """Return a page of the inbox."""
        return self._ask("GET", path).data.decode()

    def _ask(
        self,
        method: str,
        path: str,
        *,
        fields: Mapping[str, str | int] | None = None,
        json: object = None,
    ) -> urllib3.BaseHTTPResponse:
        texts = {name: str(value) for name, value in (fields or {}).items()}
        with urllib3.PoolManager() as connections:
            answer = connections.request(
                method, self.url + path, fields=texts or None, json=json, retries=False
            )
        assert answer.status < 300, answer.data.decode()
        return answer


@contextmanager
def running_sandbox(
    directory: Path, webhook_url: str | None = None, api_key: str = API_KEY
) -> Iterator[RunningSandbox]:
    """Run a sandbox that keeps its mail in `directory` while the block lasts."""
    key = directory / "key.pem"
    app = create_app(
        directory / "mail.db", webhook_url=webhook_url, signing_key=key, api_key=api_key
    )
    with _listening() as listener, _serving(app, listener):
        port = listener.getsockname()[1]
        yield RunningSandbox(url=f"http://127.0.0.1:{port}", public_key=public_key(key))


@contextmanager
def _listening() -> Iterator[socket.socket]:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        yield listener


@contextmanager
def _serving(app: object, listener: socket.socket) -> Iterator[None]:
    server = uvicorn.Server(
        uvicorn.Config(app, access_log=False, log_level="warning")  # type: ignore[arg-type]
    )
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
    thread.start()
    try:
        eventually(lambda: server.started or not thread.is_alive())
        assert server.started, "the sandbox stopped while it was starting"
        yield
    finally:
        server.should_exit = True
        thread.join()
