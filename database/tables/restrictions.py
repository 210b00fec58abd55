"""Accounts whose data is used for as little as possible for a while."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import Index, text
from sqlmodel import Field, SQLModel

from database.ids import new_id


class Restriction(SQLModel, table=True):
    """An account is restricted for a reason, and perhaps no more (P14, P18).

    `restricted_by` is null where a report did it. `lift_asked_at`: a member of staff wants it to
    end, and its holder is told why (`explanation`); it ends when that mail is out, or at once where
    they were `told_otherwise`, which says how. It outlives the request that brought it about, so
    `request_id` is no foreign key.
    """

    __tablename__ = "restriction"
    __table_args__ = (
        Index(
            "restriction_standing",
            "account_id",
            "reason",
            unique=True,
            sqlite_where=text("lifted_at IS NULL"),
            postgresql_where=text("lifted_at IS NULL"),
        ),
    )

    id: UUID = Field(default_factory=new_id, primary_key=True)
    account_id: UUID = Field(foreign_key="account.id")
    reason: str
    request_id: UUID | None = None
    note: str = ""
    restricted_by: UUID | None = Field(default=None, foreign_key="staff.id")
    restricted_at: datetime
    lift_asked_by: UUID | None = Field(default=None, foreign_key="staff.id")
    lift_asked_at: datetime | None = None
    explanation: str = ""
    told_otherwise: str = ""
    lifted_at: datetime | None = None
