"""Tell the website what became of each copy: signed batches, repeated until they are taken."""

import json
import logging
import threading
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from hashlib import sha256

import urllib3
from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePrivateKey
from urllib3.exceptions import HTTPError

from embedded.sandbox.faults import Fate, Switch, events_for
from embedded.sandbox.signing import sign
from embedded.sandbox.store import LAST_OF_ALL, Store, StoredCopy

COPIES_PER_BATCH = 500
FIRST_PAUSE = 0.25  # seconds until a batch that was not taken is tried again; doubles
LONGEST_PAUSE = 15.0
NEXT_LOOK = 0.2  # seconds until it is looked again whether a delayed event is due
GIVEN_UP_AFTER = timedelta(days=1)
"""As SendGrid does: what nobody took in a day is lost, and nobody is told."""

_DETAILS = {
    "delivered": {"response": "250 OK"},
    "deferred": {"response": "450 try again later", "attempt": "1"},
    "bounce": {"type": "bounce", "status": "5.1.1", "reason": "550 no such mailbox"},
    "blocked": {"type": "blocked", "status": "4.7.1", "reason": "450 try another day"},
    "returned": {"type": "bounce", "status": "5.1.1", "reason": "550 no such mailbox"},
    "dropped": {"reason": "Bounced Address", "status": "5.0.0"},
    "invalid": {"reason": "Invalid", "status": "5.0.0"},
}
_KIND = {"blocked": "bounce", "returned": "bounce", "invalid": "dropped"}
_log = logging.getLogger(__name__)


class EventSender:
    """A thread that delivers the events the store still owes, oldest first."""

    def __init__(
        self, store: Store, webhook_url: str, key: EllipticCurvePrivateKey, switch: Switch
    ) -> None:
        self._store = store
        self._url = webhook_url
        self._key = key
        self._switch = switch
        self._told = 0
        self._connections = urllib3.PoolManager(timeout=urllib3.Timeout(connect=2, read=10))
        self._awake = threading.Event()
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._run, name="delivery-events", daemon=True)

    def start(self) -> None:
        """Begin with whatever was owed when the sandbox last stopped."""
        self._thread.start()

    def wake(self) -> None:
        """Say that there is something new to tell, or that it is told in another way."""
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
            silent = self._switch.silent_seconds()
            delay = self._switch.standing().events.delay_seconds
            copies = [] if silent else self._due(delay)
            if not copies:
                self._awake.wait(silent or (NEXT_LOOK if delay else None))
            elif self._are_told(copies):
                self._store.settle([copy.id for copy in copies])
                pause = FIRST_PAUSE
            else:
                self._give_up(copies)
                self._stopped.wait(pause)
                pause = min(pause * 2, LONGEST_PAUSE)

    def _due(self, delay: float) -> list[StoredCopy]:
        until = _ago(delay) if delay else LAST_OF_ALL
        return self._store.owed(COPIES_PER_BATCH, until)

    def _are_told(self, copies: list[StoredCopy]) -> bool:
        times = 2 if self._switch.standing().events.duplicate else 1
        return all(self._is_taken(copies) for _ in range(times))

    def _give_up(self, copies: list[StoredCopy]) -> None:
        too_old = _ago(GIVEN_UP_AFTER.total_seconds())
        self._store.settle([copy.id for copy in copies if copy.accepted_at < too_old])

    def _is_taken(self, copies: list[StoredCopy]) -> bool:
        body = json.dumps(self._batch(copies)).encode()
        signed_at = str(int(time.time()))
        headers = {
            "Content-Type": "application/json",
            "X-Twilio-Email-Event-Webhook-Signature": sign(self._key, signed_at, body),
            "X-Twilio-Email-Event-Webhook-Timestamp": signed_at,
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

    def _batch(self, copies: list[StoredCopy]) -> list[dict[str, object]]:
        fault = self._switch.standing()
        self._told += 1
        salt = str(self._told) if fault.events.new_ids else ""
        now = int(time.time())
        events = [event for copy in copies for event in _events(copy, fault.fate, now, salt)]
        return events[::-1] if fault.events.reorder else events


def _events(
    copy: StoredCopy, fate: Fate | None, now: int, salt: str
) -> Iterator[dict[str, object]]:
    """What is told of a copy. A mail that comes back late has lost our own ids on its way."""
    for event in events_for(copy.address, fate):
        yield {
            **(copy.custom_args if event != "returned" else {}),
            **_DETAILS.get(event, {}),
            "email": copy.address,
            "event": _KIND.get(event, event),
            "timestamp": now,
            "sg_event_id": sha256(
                f"{copy.request_id}/{copy.number}/{event}{salt}".encode()
            ).hexdigest()[:32],
            "sg_message_id": f"{copy.request_id}.sandbox-{copy.number}-0",
        }


def _ago(seconds: float) -> str:
    """So long ago, as the store writes instants."""
    then = datetime.now(UTC) - timedelta(seconds=seconds)  # noqa: TID251 - outside the product
    return then.isoformat(timespec="milliseconds")
