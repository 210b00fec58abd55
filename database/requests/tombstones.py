"""Tombstones: who was erased, by pseudonyms alone, so that a restored backup keeps nobody (P13)."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import update
from sqlmodel import Session, col, select

from database.facts import record
from database.ids import new_id
from database.tables import Tombstone
from database.writing import insert_new


@dataclass(frozen=True, kw_only=True)
class Mark:
    """What a tombstone says, as it is kept apart from the database too. `source` is the only one
    that an instruction is about; empty for all that is ours."""

    erasure_id: UUID
    known_as: str
    erased_at: datetime
    source: str = ""


def lay(
    transaction: Session,
    erasure_id: UUID,
    names: Iterable[str],
    now: datetime,
    *,
    source: str = "",
) -> None:
    """Remember whom an erasure erases, from before the first source is asked; what is erased later
    is later in no backup."""
    transaction.execute(
        update(Tombstone)
        .where(col(Tombstone.erasure_id) == erasure_id, col(Tombstone.erased_at) < now)
        .values(erased_at=now)
    )
    marks = [
        Mark(erasure_id=erasure_id, known_as=name, erased_at=now, source=source) for name in names
    ]
    if take_in(transaction, marks):
        record(transaction, "erasure.tombstone_laid", erasure_id, now)


def take_in(transaction: Session, marks: Iterable[Mark]) -> int:
    """Keep marks; those that are known stay as they are. How many are new."""
    rows = [{"id": new_id(), **vars(mark)} for mark in marks]
    return len(insert_new(transaction, Tombstone, rows)) if rows else 0


def every_mark(session: Session) -> Sequence[Mark]:
    """All tombstones, the oldest first."""
    rows = session.exec(
        select(Tombstone).order_by(col(Tombstone.erased_at), col(Tombstone.id))
    ).all()
    return [
        Mark(
            erasure_id=row.erasure_id,
            known_as=row.known_as,
            erased_at=row.erased_at,
            source=row.source,
        )
        for row in rows
    ]


def erased_since(session: Session, taken_at: datetime) -> Sequence[Mark]:
    """Who was erased after a backup was taken, and so is in it."""
    return [mark for mark in every_mark(session) if mark.erased_at >= taken_at]
