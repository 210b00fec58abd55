"""Whether the holder of an account is a minor: found out by one of staff, agreed to by two."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import Index, text
from sqlmodel import Field, SQLModel

from database.ids import new_id


class MinorCheck(SQLModel, table=True):
    """Somebody of privacy finds out whether the holder of an account is a minor (P18).

    `account_id` is null while nobody knows which account it is about. It outlives the report, so
    `request_id` is no foreign key; null where staff saw it themselves, which `note` says. `said` is
    what the holder says about it, on the page behind their link, or to staff, who note how
    (`heard_how`). `means`: how it was found out. A minor's takes a second person (`confirmed_by`),
    and brings about the request to erase.
    """

    __tablename__ = "minor_check"
    __table_args__ = (
        Index(
            "minor_check_open",
            "account_id",
            unique=True,
            sqlite_where=text("ended_at IS NULL"),
            postgresql_where=text("ended_at IS NULL"),
        ),
    )

    id: UUID = Field(default_factory=new_id, primary_key=True)
    account_id: UUID | None = Field(default=None, foreign_key="account.id")
    request_id: UUID | None = None
    note: str = ""
    opened_by: UUID | None = Field(default=None, foreign_key="staff.id")
    opened_at: datetime
    owner_id: UUID | None = Field(default=None, foreign_key="staff.id")
    informed_at: datetime | None = None
    said: str = ""
    heard_at: datetime | None = None
    heard_how: str = ""
    outcome: str | None = None
    means: str = ""
    proposed_by: UUID | None = Field(default=None, foreign_key="staff.id")
    proposed_at: datetime | None = None
    confirmed_by: UUID | None = Field(default=None, foreign_key="staff.id")
    ended_at: datetime | None = None
    erasure_id: UUID | None = None
