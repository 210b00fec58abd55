"""A system that hands a request in twice, because it heard no answer, makes one request (P26)."""

from uuid import UUID

from sqlmodel import Session, select

from database.ids import new_id
from database.tables import HandedIn
from database.writing import insert_new

LONGEST_KEY = 200


class KeyUsedOtherwise(Exception):
    """This key came before with another request; nothing was taken in."""


def known_as(transaction: Session, api_key_id: UUID, key: str, content_sha256: str) -> HandedIn:
    """What a key stands for; without an `answer` it is new. Whoever sends the same at this moment
    waits until we are done. Raises KeyUsedOtherwise."""
    row = {
        "id": new_id(),
        "api_key_id": api_key_id,
        "key": key,
        "content_sha256": content_sha256,
        "answer": {},
    }
    insert_new(transaction, HandedIn, [row])
    known = transaction.exec(
        select(HandedIn).where(HandedIn.api_key_id == api_key_id, HandedIn.key == key)
    ).one()
    if known.content_sha256 != content_sha256:
        raise KeyUsedOtherwise(
            "This Idempotency-Key came before, with another request. Nothing was taken in: send "
            "each request with a key of its own."
        )
    return known
