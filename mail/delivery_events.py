"""SendGrid's delivery events: is the batch genuine, and what does it say."""

import json
import re
from base64 import b64decode
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from uuid import UUID

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ec import ECDSA, SECP256R1, EllipticCurvePublicKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import load_der_public_key

from domain.mail.suppressions import Cause

SIGNATURE_HEADER = "X-Twilio-Email-Event-Webhook-Signature"
TIMESTAMP_HEADER = "X-Twilio-Email-Event-Webhook-Timestamp"
STILL_FRESH = timedelta(hours=25)
"""SendGrid repeats what was not taken for a day, perhaps under its first signature."""

_REASON_KINDS = {
    "bounced address": "bounced",
    "unsubscribed address": "unsubscribed",
    "reported as spam": "complained",
    "spam reporting address": "complained",
    "spam content (if spam checker app enabled)": "spam",
    "invalid": "invalid",
    "recipient list over package quota": "blocked",
}
IN_WORDS = {
    "bounced": "came back: there is no such mailbox, or it takes nothing for good",
    "blocked": "turned away by the receiving server; a later mail may well arrive",
    "complained": "reported as spam",
    "spam": "not sent: the mail service took it for spam",
    "unsubscribed": "not sent: the mail service has the address as unsubscribed",
    "other": "not sent, and the mail service gave no reason that we know",
}
_CAUSES = {
    "bounced": Cause.BOUNCED,
    "invalid": Cause.BOUNCED,
    "complained": Cause.COMPLAINED,
}
NOT_TRIED = {
    Cause.BOUNCED: "not sent: the mail service knows that mail to this address comes back",
    Cause.COMPLAINED: "not sent: earlier mail was reported as spam at this address",
}
"""Of what the mail service dropped without trying."""


class PublicKeysRefused(ValueError):
    """The keys that delivery events are checked with are missing or unreadable."""


class SignatureRefused(Exception):
    """A batch of delivery events that was not signed by one of the known keys."""


class TooOld(Exception):
    """A genuine batch that was signed long ago, or will be: or our clock is wrong."""


class EventsRefused(Exception):
    """A genuine body that is no list of events."""


@dataclass(frozen=True, kw_only=True)
class DeliveryEvent:
    """One thing that happened to one copy.

    `event` is SendGrid's word, known to us or not; `reason_kind` is bounced, blocked, invalid,
    complained, spam, unsubscribed, other, or empty; `provider_id` is the X-Message-Id of the
    request.
    An event without `mail_id` (a late bounce) can be placed by `provider_id` and the address.
    """

    mail_id: UUID | None
    attempt_id: UUID | None
    event: str
    occurred_at: datetime
    provider_id: str
    reason_kind: str
    address: str = field(repr=False)

    @property
    def reason(self) -> str:
        """Why the copy reached nobody, in words; empty for what is good."""
        if self.event == "dropped" and self.reason_kind in _CAUSES:
            return NOT_TRIED[_CAUSES[self.reason_kind]]
        kind = "complained" if self.event == "spamreport" else self.reason_kind
        return IN_WORDS.get(kind, "")

    @property
    def stops(self) -> Cause | None:
        """Why no more mail should go to this address; None for what is good or passes (P4)."""
        if self.event == "spamreport":
            return Cause.COMPLAINED
        return _CAUSES.get(self.reason_kind)


@dataclass(frozen=True, kw_only=True)
class EventBatch:
    """The events of one delivery, and how many entries were no events at all."""

    events: tuple[DeliveryEvent, ...]
    skipped: int


@lru_cache(maxsize=8)
def load_public_keys(public_keys: tuple[str, ...]) -> tuple[EllipticCurvePublicKey, ...]:
    """Read the keys (base64 of DER, as SendGrid shows them); call it when the process starts.

    Raises PublicKeysRefused for no keys at all, or one that is no P-256 public key.
    """
    if not public_keys:
        raise PublicKeysRefused("no public key is set, so no delivery event could be believed")
    return tuple(_load_public_key(key) for key in public_keys)


def verify(
    raw: bytes, signature: str | None, timestamp: str | None, public_keys: Sequence[str]
) -> None:
    """Check that one of the keys signed `timestamp` and the raw body, byte for byte.

    Raises SignatureRefused when none did, PublicKeysRefused when there is none.
    """
    keys = load_public_keys(tuple(public_keys))
    if not signature or not timestamp:
        raise SignatureRefused("the delivery events carry no signature")
    try:
        signed_by = b64decode(signature, validate=True)
        content = timestamp.encode() + raw
    except ValueError:
        raise SignatureRefused("the signature of the delivery events is unreadable") from None
    if not any(_is_signed(key, signed_by, content) for key in keys):
        raise SignatureRefused("the delivery events were not signed by a known key")


def require_fresh(timestamp: str, now: datetime) -> None:
    """Raises TooOld when a verified timestamp is more than STILL_FRESH from `now`, in real time."""
    try:
        signed_at = datetime.fromtimestamp(int(timestamp), UTC)
    except (ValueError, OverflowError, OSError):
        raise TooOld("nobody can tell when the delivery events were signed") from None
    if abs(now - signed_at) > STILL_FRESH:
        raise TooOld(f"the delivery events were signed at {signed_at}, and here it is {now}")


def parse(raw: bytes) -> EventBatch:
    """Read a verified body. Raises EventsRefused when it is not a JSON list.

    Unknown kinds of event are kept; entries without a kind and a time are skipped and counted.
    """
    try:
        entries = json.loads(raw)
    except (ValueError, RecursionError):
        raise EventsRefused("the delivery events are not JSON") from None
    if not isinstance(entries, list):
        raise EventsRefused("the delivery events are not a list")
    read = [_event(entry) for entry in entries]
    events = tuple(event for event in read if event is not None)
    return EventBatch(events=events, skipped=len(read) - len(events))


def _load_public_key(text: str) -> EllipticCurvePublicKey:
    try:
        key = load_der_public_key(b64decode(text, validate=True))
    except ValueError:
        raise PublicKeysRefused("a public key for delivery events is unreadable") from None
    if not isinstance(key, EllipticCurvePublicKey) or not isinstance(key.curve, SECP256R1):
        raise PublicKeysRefused("a public key for delivery events is not for P-256")
    return key


def _is_signed(key: EllipticCurvePublicKey, signature: bytes, content: bytes) -> bool:
    try:
        key.verify(signature, content, ECDSA(SHA256()))
    except InvalidSignature:
        return False
    return True


def _event(entry: object) -> DeliveryEvent | None:
    if not isinstance(entry, dict) or not isinstance(entry.get("event"), str):
        return None
    try:
        occurred_at = _instant(entry["timestamp"])
    except (KeyError, TypeError, ValueError, OverflowError, OSError):
        return None
    return DeliveryEvent(
        mail_id=_uuid(_text(entry, "mail_id")),
        attempt_id=_kept_uuid(_text(entry, "attempt_id")),
        event=entry["event"][:50],
        occurred_at=occurred_at,
        provider_id=_text(entry, "sg_message_id").partition(".")[0],
        reason_kind=_reason_kind(entry),
        address=_text(entry, "email"),
    )


@lru_cache(maxsize=64)
def _instant(timestamp: float) -> datetime:
    """Kept, as many events of a batch have the same."""
    return datetime.fromtimestamp(timestamp, UTC)


def _uuid(text: str) -> UUID | None:
    try:
        return UUID(text)
    except ValueError:
        return None


_kept_uuid = lru_cache(maxsize=64)(_uuid)
"""Kept, as an attempt's stands in up to a thousand events."""


def _text(entry: Mapping[str, object], key: str) -> str:
    value = entry.get(key)
    return value[:200] if isinstance(value, str) else ""


def _reason_kind(entry: Mapping[str, object]) -> str:
    """Our own word for the reason; SendGrid's text quotes addresses and is left behind."""
    if entry["event"] == "bounce":
        return "blocked" if entry.get("type") == "blocked" else "bounced"
    if entry["event"] != "dropped":
        return ""
    reason = re.sub(r"\s+", " ", _text(entry, "reason")).strip().lower()
    return _REASON_KINDS.get(reason, "other")
