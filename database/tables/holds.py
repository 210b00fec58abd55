"""Legal holds, and the erasures that wait for their release."""

from datetime import date, datetime
from uuid import UUID

from sqlmodel import Field, SQLModel

from database.ids import new_id


class LegalHold(SQLModel, table=True):
    """Nothing of an account, or of what one data source has of it, is erased before its release.

    `source` is empty where it stands on all of them. `reason` may be privileged: it stays in this
    row. `keeps_our_records`: it stands, and on the engine's own database too, whose data map reads
    this column.
    """

    __tablename__ = "legal_hold"

    id: UUID = Field(default_factory=new_id, primary_key=True)
    account_id: UUID = Field(foreign_key="account.id", index=True)
    source: str = ""
    reason: str
    keeps_our_records: bool
    placed_by: UUID = Field(foreign_key="staff.id")
    placed_at: datetime
    released_by: UUID | None = Field(default=None, foreign_key="staff.id")
    released_at: datetime | None = None
    release_reason: str = ""


class DeferredErasure(SQLModel, table=True):
    """An erasure that was asked for and answered under a hold, to be done after its release.

    `released_at` and `due_on` (the company's day) are null while a hold stands.
    """

    __tablename__ = "deferred_erasure"

    id: UUID = Field(default_factory=new_id, primary_key=True)
    request_id: UUID = Field(foreign_key="data_subject_request.id", index=True)
    right_id: UUID = Field(foreign_key="requested_right.id", unique=True)
    deferred_at: datetime
    released_at: datetime | None = None
    due_on: date | None = None
    erased_by: UUID | None = Field(default=None, foreign_key="staff.id")
    erased_at: datetime | None = None
