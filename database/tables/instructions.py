"""What companies for which we keep data told us to do with it, and how far each source is."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import JSON, Index, UniqueConstraint
from sqlmodel import Field, SQLModel

from database.ids import new_id
from database.tables.sources import AskedOfSource


class ControllerInstruction(SQLModel, table=True):
    """An instruction of a controller about one person (P24).

    `state`: `controller_instructions.InstructionState`. The person is known by `address` or
    `external_id`, the id that the controller has for them, never ours; `account_id`: their account
    with us, if they have one; `request_id`: the request that it answers, if one does.
    `corrections`: category, field, wrong and right value of each. `contact_address`: where its
    report goes, as the data map said; empty for nowhere. `doubt`: why it looks unlawful.
    `evidence`: how the instruction came, and how we know that it is theirs. `claimed_until`: by
    then a source that is asked at this moment to change something has answered.
    """

    __tablename__ = "controller_instruction"
    __table_args__ = (Index("controller_instruction_state", "state"),)

    id: UUID = Field(default_factory=new_id, primary_key=True)
    reference: str = Field(unique=True)
    controller: str
    contact_address: str
    verb: str
    request_id: UUID | None = None
    address: str
    external_id: str
    account_id: UUID | None = Field(default=None, foreign_key="account.id", index=True)
    corrections: list[dict[str, str]] | None = Field(default=None, sa_type=JSON)
    evidence: str
    doubt: str = ""
    state: str
    received_at: datetime
    entered_by: UUID = Field(foreign_key="staff.id")
    entered_at: datetime
    doubted_by: UUID | None = Field(default=None, foreign_key="staff.id")
    decided_by: UUID | None = Field(default=None, foreign_key="staff.id")
    decided_at: datetime | None = None
    reason: str = ""
    settled_at: datetime | None = None
    claimed_until: datetime | None = None


class InstructedTask(AskedOfSource, table=True):
    """What one source of a controller is asked because of an instruction (P24).

    `found`: what the source had, in counts, before it was first asked to erase it.
    """

    __tablename__ = "instructed_task"
    __table_args__ = (UniqueConstraint("instruction_id", "source"),)

    instruction_id: UUID = Field(foreign_key="controller_instruction.id")
    found: dict[str, object] | None = Field(default=None, sa_type=JSON)
