"""A website that takes delivery events, for tests of who tells them."""

import json
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler
from queue import Queue

from mail.delivery_events import DeliveryEvent, parse, verify
from tests.small_servers import Quiet, serving

Taken = Queue[tuple[bytes, str, str]]
"""Each batch that was taken: body, signature, timestamp."""


def taken_events(taken: Taken, key: str, *, count: int) -> list[DeliveryEvent]:
    """The next so many events, each batch checked against the key."""
    bodies = taken_bodies(taken, key, count=count)
    return [event for body in bodies for event in parse(body).events]


def taken_bodies(taken: Taken, key: str, *, count: int) -> list[bytes]:
    """The next batches, so many that they have `count` events, each checked against the key."""
    bodies: list[bytes] = []
    while sum(len(parse(body).events) for body in bodies) < count:
        body, signature, timestamp = taken.get(timeout=20)
        verify(body, signature, timestamp, [key])
        bodies.append(body)
    return bodies


def ids_of(bodies: Iterable[bytes]) -> set[str]:
    """The mail service's own ids of the events in some batches, which we do not rely on."""
    return {entry["sg_event_id"] for body in bodies for entry in json.loads(body)}


@contextmanager
def website(refusals: int = 0) -> Iterator[tuple[str, Taken]]:
    """A website that refuses the first batches with a 503, then takes them into the queue."""
    taken: Taken = Queue()
    answers = iter([503] * refusals)

    class Webhook(Quiet, BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            status = next(answers, 204)
            prefix = "X-Twilio-Email-Event-Webhook"
            if status == 204:
                taken.put(
                    (body, self.headers[f"{prefix}-Signature"], self.headers[f"{prefix}-Timestamp"])
                )
            self.send_response(status)
            self.end_headers()

    with serving(Webhook) as port:
        yield f"http://127.0.0.1:{port}/webhooks/sendgrid/events", taken
