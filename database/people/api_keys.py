"""Keys with which the company's own systems speak to the API: made, used, revoked."""

import secrets
from collections.abc import Sequence
from datetime import datetime, timedelta
from hashlib import sha256
from hmac import compare_digest
from uuid import UUID

from sqlmodel import Session, col, select

from database.facts import record
from database.people.staff import require_role
from database.tables import ApiKey
from database.writing import held, insert_new

KEY_PREFIX = "pk_api_"
USED_NOTED_EVERY = timedelta(minutes=1)
"""It is known to the minute: noting each use would cost each a transaction."""


class KeyRefused(Exception):
    """No key, a wrong or revoked one, or one that may not do this."""


def add_key(
    transaction: Session, name: str, *, may_write: bool, by: UUID, now: datetime
) -> tuple[ApiKey, str]:
    """Make a key, and return it with its secret, which is shown only once and kept nowhere.

    Whoever makes it answers for what is said with it about accounts. Raises KeyRefused when the
    name is taken, and StaffRefused.
    """
    require_role(transaction, by, "admin")
    secret = KEY_PREFIX + secrets.token_urlsafe(32)
    key = ApiKey(name=name, secret_hash=_hash(secret), may_write=may_write, made_by=by, made_at=now)
    if not insert_new(transaction, ApiKey, [key.model_dump()]):
        raise KeyRefused(f"There is a key called {name} already, or was. Take another name.")
    record(transaction, "api_key.made", key.id, now, by=by, may_write=may_write)
    return key, secret


def key_of(session: Session, secret: str) -> ApiKey:
    """The key with this secret. Raises KeyRefused."""
    hashed = _hash(secret)
    key = session.exec(select(ApiKey).where(ApiKey.secret_hash == hashed)).first()
    if key is None or not compare_digest(key.secret_hash, hashed) or key.revoked_at is not None:
        raise KeyRefused("This API key is not known, or was revoked.")
    return key


def keys(session: Session) -> Sequence[ApiKey]:
    """Every key, the revoked ones too, by name."""
    return session.exec(select(ApiKey).order_by(col(ApiKey.name))).all()


def is_use_to_be_noted(key: ApiKey, now: datetime) -> bool:
    """Whether it is long enough ago that this was done."""
    return key.last_used_at is None or now - key.last_used_at >= USED_NOTED_EVERY


def note_use(transaction: Session, key_id: UUID, now: datetime) -> None:
    """Note when a key was last used."""
    held(transaction, ApiKey, key_id).last_used_at = now


def revoke(transaction: Session, name: str, *, by: UUID, now: datetime) -> None:
    """From now on a key opens nothing. Raises KeyRefused when there is none; StaffRefused."""
    require_role(transaction, by, "admin", "ops")
    found = transaction.exec(select(ApiKey.id).where(ApiKey.name == name)).first()
    if found is None:
        raise KeyRefused(f"There is no key called {name}. See: promisekeeper api-key list")
    key = held(transaction, ApiKey, found)
    if key.revoked_at is None:
        key.revoked_at, key.revoked_by = now, by
        record(transaction, "api_key.revoked", key.id, now, by=by)


def _hash(secret: str) -> str:
    return sha256(secret.encode()).hexdigest()
