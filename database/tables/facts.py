"""The append-only record of what happened, and the development clock."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import JSON
from sqlmodel import Field, SQLModel

from database.ids import new_id


class Fact(SQLModel, table=True):
    """Something that happened. Appended in the transaction that made it so; never altered.

    `payload` holds ids and numbers; what is personal goes in as a commitment salted with `salt`.
    """

    id: UUID = Field(default_factory=new_id, primary_key=True)
    kind: str = Field(index=True)
    subject_id: UUID = Field(index=True)
    payload: dict[str, object] = Field(sa_type=JSON)
    salt: bytes
    recorded_at: datetime
    seal_id: UUID | None = Field(default=None, index=True)


class ClockOffset(SQLModel, table=True):
    """How far a development clock stands ahead of real time; one row."""

    __tablename__ = "clock_offset"

    id: int = Field(default=1, primary_key=True)
    seconds: float = 0.0
