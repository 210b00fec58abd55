"""Tell the website what became of each copy: signed batches, repeated until they are taken."""

import json
import logging
import threading
import time
from collections.abc import Iterator
from hashlib import sha256

import urllib3
from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePrivateKey
from urllib3.exceptions import HTTPError

from embedded.sandbox.faults import events_for
from embedded.sandbox.signing import sign
from embedded.sandbox.store import Store, StoredCopy

COPIES_PER_BATCH = 500
FIRST_PAUSE = 0.25  # seconds until a batch that was not taken is tried again; doubles
LONGEST_PAUSE = 15.0

_DETAILS = {
    "delivered": {"response": "250 OK"},
    "deferred": {"response": "450 try again later", "attempt": "1"},
    "bounce": {"type": "bounce", "status": "5.1.1", "reason": "550 no such mailbox"},
    "dropped": {"reason": "Bounced Address", "status": "5.0.0"},
}
_log = logging.getLogger(__name__)


class EventSender:
    """A thread that delivers the events the store still owes, oldest first."""

    def __init__(self, store: Store, webhook_url: str, key: EllipticCurvePrivateKey) -> None:
        self._store = store
        self._url = webhook_url
        self._key = key
        self._connections = urllib3.PoolManager(timeout=urllib3.Timeout(connect=2, read=10))
        self._awake = threading.Event()
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._run, name="delivery-events", daemon=True)

    def start(self) -> None:
        """Begin with whatever was owed when the sandbox last stopped."""
        self._thread.start()

    def wake(self) -> None:
        """Say that there is something new to tell."""
        self._awake.set()

    def stop(self) -> None:
        """Stop after the batch that is on its way; what is still owed stays in the store."""
        self._stopped.set()
        self._awake.set()
        self._thread.join()
        self._connections.clear()

    def _run(self) -> None:
        pause = FIRST_PAUSE
        while not self._stopped.is_set():
            self._awake.clear()
            copies = self._store.owed(COPIES_PER_BATCH)
            if not copies:
                self._awake.wait()
            elif self._is_taken(copies):
                self._store.settle([copy.id for copy in copies])
                pause = FIRST_PAUSE
            else:
                self._stopped.wait(pause)
                pause = min(pause * 2, LONGEST_PAUSE)

    def _is_taken(self, copies: list[StoredCopy]) -> bool:
        now = int(time.time())
        body = json.dumps([event for copy in copies for event in _events(copy, now)]).encode()
        headers = {
            "Content-Type": "application/json",
            "X-Twilio-Email-Event-Webhook-Signature": sign(self._key, str(now), body),
            "X-Twilio-Email-Event-Webhook-Timestamp": str(now),
        }
        try:
            answer = self._connections.request(
                "POST", self._url, body=body, headers=headers, retries=False, redirect=False
            )
        except HTTPError as fault:
            _log.info("delivery events were not taken: %s", type(fault).__name__)
            return False
        if not 200 <= answer.status < 300:
            _log.info("delivery events were not taken: %s", answer.status)
        return 200 <= answer.status < 300


def _events(copy: StoredCopy, now: int) -> Iterator[dict[str, object]]:
    for event in events_for(copy.address):
        yield {
            **copy.custom_args,
            **_DETAILS.get(event, {}),
            "email": copy.address,
            "event": event,
            "timestamp": now,
            "sg_event_id": sha256(f"{copy.request_id}/{copy.number}/{event}".encode()).hexdigest()[
                :32
            ],
            "sg_message_id": f"{copy.request_id}.sandbox-{copy.number}-0",
        }
