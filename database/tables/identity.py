"""How a person proves who they are: codes, checks by staff, warnings to an old address (P19)."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import UniqueConstraint
from sqlmodel import Field, SQLModel

from database.ids import new_id


class IdentityCode(SQLModel, table=True):
    """A code that was asked for: 16 random bytes, which make a code only with a link key.

    There is one for every request that asks for identity, whether anybody has an address on file or
    not. `purpose`: `identity`, or `copy` for who fetches a copy of their data. `used_at`: when it
    was typed, or gave way to the next one.
    """

    __tablename__ = "identity_code"

    id: UUID = Field(default_factory=new_id, primary_key=True)
    request_id: UUID = Field(foreign_key="data_subject_request.id", index=True)
    purpose: str = "identity"
    nonce: bytes = Field(unique=True)
    asked_at: datetime
    tries: int = 0
    used_at: datetime | None = None


class IdentityCheck(SQLModel, table=True):
    """Staff found out who somebody is whose mailbox is gone; a second person confirms it."""

    __tablename__ = "identity_check"

    id: UUID = Field(default_factory=new_id, primary_key=True)
    request_id: UUID = Field(foreign_key="data_subject_request.id", index=True)
    method: str
    passed: bool
    recorded_by: UUID = Field(foreign_key="staff.id")
    recorded_at: datetime
    confirmed_by: UUID | None = Field(default=None, foreign_key="staff.id")
    confirmed_at: datetime | None = None


class IdentityEvidence(SQLModel, table=True):
    """What a check rests on. Kept apart, and deleted once the request is answered."""

    __tablename__ = "identity_evidence"

    check_id: UUID = Field(foreign_key="identity_check.id", primary_key=True)
    words: str


class EstateAuthority(SQLModel, table=True):
    """Who asks after the death of an account's holder, and what shows that they may; it counts once
    a second person agreed."""

    __tablename__ = "estate_authority"

    id: UUID = Field(default_factory=new_id, primary_key=True)
    request_id: UUID = Field(foreign_key="data_subject_request.id", index=True)
    who: str
    proof: str
    recorded_by: UUID = Field(foreign_key="staff.id")
    recorded_at: datetime
    confirmed_by: UUID | None = Field(default=None, foreign_key="staff.id")
    confirmed_at: datetime | None = None


class SourceAddress(SQLModel, table=True):
    """The address that a request names, which no account has, but a data source has of somebody."""

    __tablename__ = "source_address"

    id: UUID = Field(default_factory=new_id, primary_key=True)
    request_id: UUID = Field(foreign_key="data_subject_request.id", unique=True)
    address: str
    found_at: datetime


class AddressWarning(SQLModel, table=True):
    """A warning to the address that an account had before, because of a request."""

    __tablename__ = "address_warning"
    __table_args__ = (UniqueConstraint("request_id", "changed_at"),)

    id: UUID = Field(default_factory=new_id, primary_key=True)
    request_id: UUID = Field(foreign_key="data_subject_request.id", index=True)
    account_id: UUID = Field(foreign_key="account.id")
    address: str
    changed_at: datetime
    warned_at: datetime
