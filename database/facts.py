"""The append-only record: every step writes its fact in its own transaction."""

import secrets
from collections.abc import Collection, Mapping
from datetime import datetime
from hashlib import sha256
from uuid import UUID

from sqlmodel import Session, col, func, select

from database.ids import new_id
from database.tables import Fact
from database.writing import insert_row

SALT_BYTES = 16


def record(
    transaction: Session, kind: str, subject_id: UUID, now: datetime, **payload: object
) -> None:
    """Append a fact in the transaction that makes it true.

    `payload` holds ids, numbers and hashes; a personal value goes in through `commitment`.
    """
    fact = {
        "id": new_id(),
        "kind": kind,
        "subject_id": subject_id,
        "payload": {name: _plain(value) for name, value in payload.items() if value is not None},
        "salt": secrets.token_bytes(SALT_BYTES),
        "recorded_at": now,
    }
    insert_row(transaction, Fact, fact)


def latest(
    session: Session, subject_ids: Collection[UUID], kinds: Collection[str]
) -> Mapping[UUID, datetime]:
    """When the last fact of these kinds was recorded, of each subject that has one."""
    rows = session.exec(
        select(Fact.subject_id, func.max(Fact.recorded_at))
        .where(col(Fact.subject_id).in_(subject_ids), col(Fact.kind).in_(kinds))
        .group_by(col(Fact.subject_id))
    ).all()
    return dict(rows)


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
