"""What is left of erasures: whom a backup must not bring back."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import UniqueConstraint
from sqlmodel import Field, SQLModel

from database.ids import new_id


class Tombstone(SQLModel, table=True):
    """Somebody who was erased was known by this, as a pseudonym; one row for each identifier (P13).

    It says nothing to whoever lacks the key, and refers to nothing, so it outlives every erasure.
    Those of one person have the same `erasure_id`.
    """

    __tablename__ = "tombstone"
    __table_args__ = (UniqueConstraint("erasure_id", "known_as"),)

    id: UUID = Field(default_factory=new_id, primary_key=True)
    erasure_id: UUID
    known_as: str
    erased_at: datetime = Field(index=True)
