"""The other side of docs/data-sources.md: a small service with personal data, asked over HTTP.

It shows what a service has to do: check the signature over the body as it came, answer each verb
for each of its categories, do nothing twice, and forget what it was asked.
"""

import json
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler
from typing import Any

from standardwebhooks import Webhook, WebhookVerificationError

from tests.small_servers import Quiet, serving

SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
TICKETS, CALLS = "Support tickets", "Call recordings"
Json = dict[str, Any]


@dataclass(kw_only=True)
class Entry:
    """One entry of somebody's."""

    id: str
    category: str
    address: str
    values: Json
    kept_by: str | None = None
    restricted: bool = False
    contacted: bool = True


@dataclass(kw_only=True)
class Service:
    """What it holds, and what it heard. `answers`: what it says instead, next time."""

    url: str = ""
    entries: list[Entry] = field(default_factory=list)
    heard: list[Json] = field(default_factory=list)
    ids: list[str] = field(default_factory=list)
    answers: list[Callable[[BaseHTTPRequestHandler], None]] = field(default_factory=list)

    def answer(self, verb: str, told: Json) -> Json:
        """What a verb comes to."""
        asked = {one.strip().lower() for one in told["person"]["addresses"]}
        found = [entry for entry in self.entries if entry.address in asked]
        match verb:
            case "locate":
                return {"held": _counted(found)}
            case "export":
                return {"items": [_item(entry) for entry in found]}
            case "correct":
                return _receipt([entry for entry in found if _corrected(entry, told)])
            case "restrict":
                for entry in found:
                    entry.restricted = told["restricted"]
                return _receipt(found)
            case "suppress":
                for entry in found:
                    entry.contacted = False
                return _receipt(found)
            case _:
                return self._erase(found)

    def _erase(self, found: list[Entry]) -> Json:
        gone = [entry for entry in found if entry.kept_by is None]
        self.entries = [entry for entry in self.entries if entry not in gone]
        kept = [entry for entry in found if entry.kept_by]
        retained = [
            {"category": one.category, "rows": 1, "rule": one.kept_by, "until_on": "2029-01-01"}
            for one in kept
        ]
        return {**_receipt(gone), "retained": retained}


def _counted(entries: list[Entry]) -> list[Json]:
    return [
        {"category": category, "rows": sum(entry.category == category for entry in entries)}
        for category in (TICKETS, CALLS)
    ]


def _receipt(entries: list[Entry]) -> Json:
    return {"done": _counted(entries)}


def _item(entry: Entry) -> Json:
    return {
        "category": entry.category,
        "person": {"address": entry.address},
        "values": entry.values,
    }


def _corrected(entry: Entry, told: Mapping[str, Any]) -> bool:
    hit = False
    for one in told["corrections"]:
        if one["category"] == entry.category and entry.values.get(one["field"]) == one["before"]:
            entry.values[one["field"]] = one["after"]
        hit = hit or entry.values.get(one["field"]) == one["after"]
    return hit


@contextmanager
def running_service() -> Iterator[Service]:
    """Answer while the block lasts."""
    service = Service()

    class Handler(Quiet, BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            try:
                told = Webhook(SECRET).verify(body, dict(self.headers.items()))
            except WebhookVerificationError:
                say(self, 401, {})
                return
            service.heard.append(told)
            service.ids.append(self.headers["webhook-id"])
            if service.answers:
                service.answers.pop(0)(self)
            else:
                say(self, 200, service.answer(self.path.rpartition("/")[2], told))

    with serving(Handler) as port:
        service.url = f"http://127.0.0.1:{port}/privacy"
        yield service


def say(handler: BaseHTTPRequestHandler, status: int, content: object) -> None:
    """Answer with JSON, or with text as it is."""
    body = (content if isinstance(content, str) else json.dumps(content)).encode()
    handler.send_response(status)
    handler.send_header("Content-Type", "application/json")
    handler.send_header("Content-Length", str(len(body)))
    handler.end_headers()
    handler.wfile.write(body)


def drop_by_drop(handler: BaseHTTPRequestHandler) -> None:
    """Begin to answer, and never come to the end."""
    _drip(handler, b"HTTP/1.0 200 OK\r\n\r\n", b" ")


def headers_drop_by_drop(handler: BaseHTTPRequestHandler) -> None:
    """Never come to the end of a header."""
    _drip(handler, b"HTTP/1.0 200 OK\r\nX-Endless: ", b"x")


def chunk_drop_by_drop(handler: BaseHTTPRequestHandler) -> None:
    """Never come to the end of saying how long the first part of the body is."""
    _drip(handler, b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", b"0")


def last_chunk_drop_by_drop(handler: BaseHTTPRequestHandler) -> None:
    """The same, having said that the connection ends with it."""
    said = b"HTTP/1.1 200 OK\r\nConnection: close\r\nTransfer-Encoding: chunked\r\n\r\n"
    _drip(handler, said, b"0")


def _drip(handler: BaseHTTPRequestHandler, begun: bytes, drop: bytes) -> None:
    """Send a drop, and another, for as long as anybody listens."""
    handler.wfile.write(begun)
    try:
        while True:
            handler.wfile.write(drop)
            time.sleep(0.05)
    except OSError:
        return


def hang_up(handler: BaseHTTPRequestHandler) -> None:
    """Take the call, and break off half way through the answer."""
    handler.send_response(200)
    handler.send_header("Content-Length", "1000")
    handler.end_headers()
    handler.wfile.write(b'{"held": [')


def keep_silent(_handler: BaseHTTPRequestHandler) -> None:
    """Say nothing for longer than anybody waits."""
    time.sleep(1.5)
