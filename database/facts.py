"""The append-only record: every step writes its fact in its own transaction."""

import secrets
from datetime import datetime
from hashlib import sha256
from uuid import UUID

from sqlmodel import Session

from database.tables import Fact

SALT_BYTES = 16


def record(
    transaction: Session, kind: str, subject_id: UUID, now: datetime, **payload: object
) -> Fact:
    """Append a fact in the transaction that makes it true.

    `payload` holds ids, numbers and hashes; a personal value goes in through `commitment`.
    """
    fact = Fact(
        kind=kind,
        subject_id=subject_id,
        payload={name: _plain(value) for name, value in payload.items() if value is not None},
        salt=secrets.token_bytes(SALT_BYTES),
        recorded_at=now,
    )
    transaction.add(fact)
    return fact


def commitment(value: str, salt: bytes) -> str:
    """A salted SHA-256 that proves a value later without keeping it (P33)."""
    return sha256(salt + value.encode()).hexdigest()


def _plain(value: object) -> object:
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, UUID):
        return str(value)
    if isinstance(value, tuple | list):
        return [_plain(item) for item in value]
    return value
