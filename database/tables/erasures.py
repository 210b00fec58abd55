"""Erasures on their way, who hears of them, and whom a backup must not bring back."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import JSON, UniqueConstraint
from sqlmodel import Field, SQLModel

from database.ids import new_id


class Tombstone(SQLModel, table=True):
    """Somebody who was erased was known by this, as a pseudonym; one row for each identifier (P13).

    It says nothing to whoever lacks the key, and refers to nothing, so it outlives every erasure.
    Those of one person have the same `erasure_id`. `source`: the only one that its controller's
    instruction was about; empty for everything that is ours (P24).
    """

    __tablename__ = "tombstone"
    __table_args__ = (UniqueConstraint("erasure_id", "known_as"),)

    id: UUID = Field(default_factory=new_id, primary_key=True)
    erasure_id: UUID
    known_as: str
    source: str = ""
    erased_at: datetime = Field(index=True)


class Erasure(SQLModel, table=True):
    """An erasure that was granted, on its way through the sources (P13, P18).

    What its instants mean: `erasures.Life`. `held_back`: sources that a hold kept when it
    began, or since. `claimed_until`: by then a source that is asked at this moment has answered.
    `kept_by_us`: what our own database says that an erasure leaves, in counts and words of its map.
    `problem`: why what the sources did does not fit what was decided, for staff.
    """

    __tablename__ = "erasure"

    id: UUID = Field(default_factory=new_id, primary_key=True)
    request_id: UUID = Field(foreign_key="data_subject_request.id", index=True)
    right_id: UUID = Field(foreign_key="requested_right.id", unique=True)
    ground: str
    granted_at: datetime
    begins_at: datetime | None = None
    skipped_at: datetime | None = None
    dropped_at: datetime | None = None
    begun_at: datetime | None = None
    ended_at: datetime | None = None
    claimed_until: datetime | None = None
    held_back: list[str] = Field(default_factory=list, sa_type=JSON)
    kept_by_us: dict[str, object] | None = Field(default=None, sa_type=JSON)
    problem: str = ""


class RecipientNotice(SQLModel, table=True):
    """Somebody who was given data hears what became of it (GDPR Article 19; P12-P14).

    `recipient` is named as in the data map. `told_at`: when somebody of staff told them, and how.
    """

    __tablename__ = "recipient_notice"
    __table_args__ = (UniqueConstraint("right_id", "recipient"),)

    id: UUID = Field(default_factory=new_id, primary_key=True)
    request_id: UUID = Field(foreign_key="data_subject_request.id", index=True)
    right_id: UUID = Field(foreign_key="requested_right.id")
    recipient: str
    source: str
    noted_at: datetime
    told_at: datetime | None = None
    told_by: UUID | None = Field(default=None, foreign_key="staff.id")
    how: str = ""
