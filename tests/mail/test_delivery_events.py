"""Only signed delivery events are believed, byte for byte; odd ones do not spoil a batch."""

import json
from base64 import b64encode
from datetime import UTC, datetime
from pathlib import Path
from uuid import UUID

import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from hypothesis import given
from hypothesis import strategies as st

from embedded.sandbox.signing import load_key, public_key, sign
from mail.delivery_events import (
    EventsRefused,
    PublicKeysRefused,
    SignatureRefused,
    load_public_keys,
    parse,
    verify,
)

RAW = '[ {"event":"delivered", "reason":"é" } ]\r\n'.encode()
TIMESTAMP = "1772366400"


def test_either_of_two_keys_may_sign(tmp_path: Path) -> None:
    paths = (tmp_path / "old.pem", tmp_path / "new.pem")
    keys = [public_key(path) for path in paths]
    for path in paths:
        verify(RAW, sign(load_key(path), TIMESTAMP, RAW), TIMESTAMP, keys)


def test_a_foreign_key_a_changed_byte_and_another_time_are_refused(tmp_path: Path) -> None:
    key, foreign = tmp_path / "ours.pem", tmp_path / "foreign.pem"
    signature = sign(load_key(key), TIMESTAMP, RAW)
    for raw, timestamp, public in (
        (RAW, TIMESTAMP, public_key(foreign)),
        (RAW.replace(b" ", b""), TIMESTAMP, public_key(key)),
        (RAW, "1772366401", public_key(key)),
    ):
        with pytest.raises(SignatureRefused):
            verify(raw, signature, timestamp, [public])


@pytest.mark.parametrize("signature", [None, "", "%%%", "é", "QUJD", "A" * 5000])
def test_an_unreadable_signature_is_refused(tmp_path: Path, signature: str | None) -> None:
    with pytest.raises(SignatureRefused):
        verify(RAW, signature, TIMESTAMP, [public_key(tmp_path / "key.pem")])


@pytest.mark.parametrize("timestamp", [None, "", "\ud800"])
def test_an_unreadable_timestamp_is_refused(tmp_path: Path, timestamp: str | None) -> None:
    key = tmp_path / "key.pem"
    with pytest.raises(SignatureRefused):
        verify(RAW, sign(load_key(key), TIMESTAMP, RAW), timestamp, [public_key(key)])


def test_without_a_key_nothing_is_believed_and_the_start_fails() -> None:
    with pytest.raises(PublicKeysRefused, match="no public key"):
        load_public_keys(())
    with pytest.raises(PublicKeysRefused, match="no public key"):
        verify(RAW, "QUJD", TIMESTAMP, [])


def test_keys_of_another_kind_are_refused_at_the_start() -> None:
    rsa_key = rsa.generate_private_key(public_exponent=65537, key_size=2048).public_key()
    der = rsa_key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    for key in (b64encode(der).decode(), "QUJD", "%%%", "é"):
        with pytest.raises(PublicKeysRefused):
            load_public_keys((key,))


def test_an_event_says_which_copy_which_attempt_and_when() -> None:
    (event,) = parse(
        json.dumps(
            [
                {
                    "event": "bounce",
                    "type": "blocked",
                    "timestamp": 1772366400,
                    "email": "alice@example.com",
                    "mail_id": str(UUID(int=1)),
                    "attempt_id": str(UUID(int=2)),
                    "sg_event_id": "event-1",
                    "sg_message_id": "request-1.recvd-0-0",
                    "reason": "550 alice@example.com is blocked",
                }
            ]
        ).encode()
    ).events
    assert event.mail_id == UUID(int=1)
    assert event.attempt_id == UUID(int=2)
    assert event.occurred_at == datetime(2026, 3, 1, 12, tzinfo=UTC)
    assert event.provider_id == "request-1"
    assert event.reason_kind == "blocked"
    assert "alice" not in repr(event)


@pytest.mark.parametrize(
    ("entry", "reason_kind"),
    [
        ({"event": "bounce", "type": "bounce"}, "bounced"),
        ({"event": "dropped", "reason": "Bounced Address"}, "bounced"),
        ({"event": "dropped", "reason": "Unsubscribed Address"}, "unsubscribed"),
        ({"event": "dropped", "reason": "Invalid"}, "invalid"),
        ({"event": "dropped", "reason": "who knows"}, "other"),
        ({"event": "dropped"}, "other"),
        ({"event": "delivered"}, ""),
    ],
)
def test_reasons_become_words_of_ours(entry: dict[str, str], reason_kind: str) -> None:
    (event,) = parse(json.dumps([{**entry, "timestamp": 1}]).encode()).events
    assert event.reason_kind == reason_kind


def test_unknown_kinds_are_kept_and_junk_is_counted() -> None:
    batch = parse(
        b'[{"event":"teleported","timestamp":1,"mail_id":"not-ours"}, 5, null, {}, {"event":7},'
        b' {"event":"open","timestamp":"soon"}, {"event":"open","timestamp":1e300}]'
    )
    assert [(event.event, event.mail_id) for event in batch.events] == [("teleported", None)]
    assert batch.skipped == 6


@pytest.mark.parametrize("raw", [b"", b"{}", b"\xff\xfe", b"[" * 100_000, b'"x"'])
def test_a_body_that_is_no_list_is_refused(raw: bytes) -> None:
    with pytest.raises(EventsRefused):
        parse(raw)


ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=8,
)
KEYS = st.sampled_from(["event", "timestamp", "mail_id", "attempt_id", "sg_message_id", "reason"])


@given(st.lists(st.dictionaries(KEYS, ANYTHING) | ANYTHING, max_size=5))
def test_no_entry_is_lost_without_being_counted(entries: list[object]) -> None:
    batch = parse(json.dumps(entries).encode())
    assert len(batch.events) + batch.skipped == len(entries)
