"""What people say is wrong in data about them."""

from datetime import datetime
from uuid import UUID

from sqlmodel import Field, SQLModel

from database.ids import new_id


class DataCorrection(SQLModel, table=True):
    """A value that a person wants corrected, what shows it, and whether staff find that credible.

    Appended until the right is decided; `data_corrections.Claim` says what each means.
    """

    __tablename__ = "data_correction"

    id: UUID = Field(default_factory=new_id, primary_key=True)
    right_id: UUID = Field(foreign_key="requested_right.id", index=True)
    source: str
    category: str
    field: str
    before: str
    after: str
    ground: str
    evidence: str
    credible: bool
    why: str = ""
    noted_by: UUID = Field(foreign_key="staff.id")
    noted_at: datetime
    dropped_at: datetime | None = None
