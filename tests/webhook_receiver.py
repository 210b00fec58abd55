"""A program of the company that takes webhooks: what it was sent, checked by the standard's own
library, and what it answers."""

import json
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler
from typing import Any

from standardwebhooks import Webhook

from tests.small_servers import Quiet, serving

SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"


@dataclass(frozen=True, kw_only=True)
class Taken:
    """A request as it came, whatever was answered."""

    method: str
    path: str
    headers: dict[str, str]
    body: bytes

    @property
    def id(self) -> str:
        """What a receiver knows a message by."""
        return self.headers["webhook-id"]

    def verified(self, secret: str = SECRET) -> dict[str, Any]:
        """The message. Raises WebhookVerificationError when it is not signed with the secret."""
        Webhook(secret).verify(self.body, self.headers)
        found: dict[str, Any] = json.loads(self.body)
        return found


@dataclass(kw_only=True)
class Receiver:
    """Answers each request with the next of `answers`, and then with 204, or 503 while `down`;
    with 422 to the types that it does not know."""

    url: str = ""
    taken: list[Taken] = field(default_factory=list)
    answers: list[int] = field(default_factory=list)
    down: bool = False
    unknown: Collection[str] = ()

    def messages(self) -> list[dict[str, Any]]:
        """Every message, in the order in which it came."""
        return [one.verified() for one in self.taken]


@contextmanager
def receiving(port: int = 0) -> Iterator[Receiver]:
    """Listen while the block lasts."""
    receiver = Receiver()

    class Handler(Quiet, BaseHTTPRequestHandler):
        def _take(self) -> None:
            length = int(self.headers.get("Content-Length", 0))
            headers = {name.lower(): value for name, value in self.headers.items()}
            body = self.rfile.read(length)
            taken = Taken(method=self.command, path=self.path, headers=headers, body=body)
            receiver.taken.append(taken)
            unknown = bool(receiver.unknown) and json.loads(body)["type"] in receiver.unknown
            usually = 503 if receiver.down else 422 if unknown else 204
            self.send_response(receiver.answers.pop(0) if receiver.answers else usually)
            self.send_header("Location", receiver.url)
            self.end_headers()

        do_GET = do_POST = _take  # noqa: N815 - the names that http.server looks for

    with serving(Handler, port) as taken_port:
        receiver.url = f"http://127.0.0.1:{taken_port}/alarms"
        yield receiver
