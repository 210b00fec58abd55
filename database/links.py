"""Personal links: random bytes bound to one person, one subject and one purpose (P32)."""

import secrets
from collections.abc import Iterable
from datetime import datetime
from uuid import UUID

from sqlalchemy import insert
from sqlmodel import Session, select

from database.ids import new_id
from database.tables import Link

NONCE_BYTES = 16
APPROVE = "approve"
REQUEST_STATUS = "request-status"
REQUEST_VERIFY = "request-verify"


class LinkUnusable(Exception):
    """The link is unknown, expired or replaced. `kind`: unknown | expired | replaced."""

    def __init__(self, kind: str) -> None:
        super().__init__(kind)
        self.kind = kind


def add_link(
    transaction: Session,
    *,
    purpose: str,
    subject_id: UUID,
    now: datetime,
    account_id: UUID | None = None,
    expires_at: datetime | None = None,
) -> Link:
    """Keep a new link: 16 random bytes, which the token in the mail carries and signs."""
    link = Link(
        nonce=secrets.token_bytes(NONCE_BYTES),
        purpose=purpose,
        subject_id=subject_id,
        account_id=account_id,
        created_at=now,
        expires_at=expires_at,
    )
    transaction.add(link)
    return link


def add_links(
    transaction: Session,
    *,
    purpose: str,
    subjects: Iterable[tuple[UUID, UUID]],
    now: datetime,
) -> None:
    """Keep a new link for each subject and the account it is for."""
    rows = [
        {
            "id": new_id(),
            "nonce": secrets.token_bytes(NONCE_BYTES),
            "purpose": purpose,
            "subject_id": subject_id,
            "account_id": account_id,
            "created_at": now,
        }
        for subject_id, account_id in subjects
    ]
    transaction.connection().execute(insert(Link), rows)


def usable_link(session: Session, purpose: str, nonce: bytes, now: datetime) -> Link:
    """The link behind a verified token. Raises LinkUnusable, whose kind the page puts in words."""
    link = session.exec(select(Link).where(Link.nonce == nonce, Link.purpose == purpose)).first()
    if link is None:
        raise LinkUnusable("unknown")
    if link.successor_id is not None:
        raise LinkUnusable("replaced")
    if link.expires_at is not None and link.expires_at <= now:
        raise LinkUnusable("expired")
    return link
