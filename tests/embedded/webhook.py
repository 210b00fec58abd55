"""A website that takes delivery events, for tests of who tells them."""

from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler
from queue import Queue

from mail.delivery_events import DeliveryEvent, parse, verify
from tests.small_servers import Quiet, serving

Taken = Queue[tuple[bytes, str, str]]
"""Each batch that was taken: body, signature, timestamp."""


def taken_events(taken: Taken, key: str, *, count: int) -> list[DeliveryEvent]:
    """The next so many events, each batch checked against the key."""
    events: list[DeliveryEvent] = []
    while len(events) < count:
        body, signature, timestamp = taken.get(timeout=20)
        verify(body, signature, timestamp, [key])
        events += parse(body).events
    return events


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
