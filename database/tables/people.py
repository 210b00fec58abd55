"""Account holders and staff."""

from datetime import datetime
from uuid import UUID, uuid4

from sqlalchemy import JSON, UniqueConstraint
from sqlmodel import Field, SQLModel


class Account(SQLModel, table=True):
    """One account of the company's; two accounts may share an address."""

    id: UUID = Field(default_factory=uuid4, primary_key=True)
    external_id: str = Field(unique=True)
    email: str = Field(index=True)
    name: str = ""
    locale: str = "en"
    time_zone: str | None = None
    country: str | None = None
    status: str = Field(default="open", index=True)
    kind: str = "person"
    organisation_id: str | None = None
    approver: bool = False
    joined_at: datetime
    recorded_at: datetime
    closed_at: datetime | None = None


class AssertedVersion(SQLModel, table=True):
    """What staff said governs an account at import, without proof (P6)."""

    __tablename__ = "asserted_version"
    __table_args__ = (UniqueConstraint("account_id", "policy_id"),)

    id: UUID = Field(default_factory=uuid4, primary_key=True)
    account_id: UUID = Field(foreign_key="account.id")
    policy_id: UUID = Field(foreign_key="policy.id")
    policy_version_id: UUID = Field(foreign_key="policy_version.id")
    asserted_by: UUID = Field(foreign_key="staff.id")
    asserted_at: datetime


class StagedAccount(SQLModel, table=True):
    """A line of a file on its way in; flipped into accounts all at once."""

    __tablename__ = "staged_account"

    id: int | None = Field(default=None, primary_key=True)
    import_id: UUID = Field(index=True)
    account_id: UUID
    external_id: str
    row: dict[str, object] = Field(sa_type=JSON)
    staged_at: datetime = Field(index=True)


class Staff(SQLModel, table=True):
    """One of us, with roles (P30). `token_hash` is the SHA-256 of a personal token."""

    id: UUID = Field(default_factory=uuid4, primary_key=True)
    handle: str = Field(unique=True)
    name: str
    email: str
    roles: list[str] = Field(sa_type=JSON)
    token_hash: str | None = Field(default=None, index=True)
    left_at: datetime | None = None
