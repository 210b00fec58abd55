"""Account holders and staff."""

from datetime import date, datetime
from uuid import UUID

from sqlalchemy import JSON, Index, UniqueConstraint, func, text
from sqlmodel import Field, SQLModel

from database.ids import new_id


class Account(SQLModel, table=True):
    """One account of the company's; two accounts may share an address.

    `reopened_at`: when an import last opened it again, or said that it is no service's after all.
    `frozen_at`, `thawed_at`: from when to when its holder was said to have died, the last time (for
    those before, `earlier_stage`). `minor_from`, `minor_until`: likewise to be a minor.
    `address_changed_at`: when an import last gave it another address (`address_change`).
    `death_noted_at`: when one of us noted that its holder died, which no import takes back.
    """

    # SQLite copies a table to alter it, without this: a migration that does so makes it anew.
    __table_args__ = (Index("account_address", func.lower(text("email"))),)

    id: UUID = Field(default_factory=new_id, primary_key=True)
    external_id: str = Field(unique=True)
    email: str
    address_changed_at: datetime | None = None
    name: str = ""
    locale: str = "en"
    time_zone: str | None = None
    country: str | None = None
    status: str = "open"
    kind: str = "person"
    exempt_reason: str | None = None
    organisation_id: str | None = None
    approver: bool = False
    joined_at: datetime
    recorded_at: datetime
    closed_at: datetime | None = None
    reopened_at: datetime | None = None
    frozen_at: datetime | None = None
    thawed_at: datetime | None = None
    minor_from: datetime | None = None
    minor_until: datetime | None = None
    death_noted_at: datetime | None = None
    death_noted_by: UUID | None = Field(default=None, foreign_key="staff.id")


class EarlierStage(SQLModel, table=True):
    """A time in which the holder of an account was `said` to be deceased, or a minor, and which was
    over when they were said to be so again: what governed the account then stays what it was (P6).
    """

    __tablename__ = "earlier_stage"

    id: UUID = Field(default_factory=new_id, primary_key=True)
    account_id: UUID = Field(foreign_key="account.id", index=True)
    said: str
    begun_at: datetime
    over_at: datetime


class AddressChange(SQLModel, table=True):
    """An address that an account had until an import gave it another one. It is forgotten once no
    request has to be told of it there any more (P19)."""

    __tablename__ = "address_change"

    id: UUID = Field(default_factory=new_id, primary_key=True)
    account_id: UUID = Field(foreign_key="account.id", index=True)
    address: str
    changed_at: datetime = Field(index=True)


class AssertedVersion(SQLModel, table=True):
    """What staff said governs an account at import, without proof (P6)."""

    __tablename__ = "asserted_version"
    __table_args__ = (UniqueConstraint("account_id", "policy_id"),)

    id: UUID = Field(default_factory=new_id, primary_key=True)
    account_id: UUID = Field(foreign_key="account.id")
    policy_id: UUID = Field(foreign_key="policy.id")
    policy_version_id: UUID = Field(foreign_key="policy_version.id")
    asserted_by: UUID = Field(foreign_key="staff.id")
    asserted_at: datetime


class AccountImport(SQLModel, table=True):
    """A file of accounts on its way in.

    States: `staged` (its rows are put aside), `decided` (it stands, and its rows become accounts
    chunk by chunk), `done`, `discarded` (it never stood, and its rows are being thrown away). At
    most one is decided and not done, so that a later one wins for a row of both.
    """

    __tablename__ = "account_import"
    __table_args__ = (
        Index(
            "account_import_decided",
            "state",
            unique=True,
            sqlite_where=text("state = 'decided'"),
            postgresql_where=text("state = 'decided'"),
        ),
    )

    id: UUID = Field(default_factory=new_id, primary_key=True)
    state: str = "staged"
    asserted_by: UUID = Field(foreign_key="staff.id")
    staged_at: datetime
    decided_at: datetime | None = None
    done_at: datetime | None = None
    added: int = 0
    updated: int = 0
    unchanged: int = 0


class AccountImportRow(SQLModel, table=True):
    """A line of a file on its way in, put aside. What is null was not given.

    `governing_versions` is what staff assert of a new account, like `[terms:2][privacy-policy:3]`.
    """

    __tablename__ = "account_import_row"

    import_id: UUID = Field(foreign_key="account_import.id", primary_key=True)
    external_id: str = Field(primary_key=True)
    account_id: UUID
    email: str
    name: str | None = None
    locale: str | None = None
    time_zone: str | None = None
    country: str | None = None
    status: str | None = None
    kind: str | None = None
    exempt_reason: str | None = None
    organisation_id: str | None = None
    approver: bool | None = None
    joined_at: datetime | None = None
    governing_versions: str | None = None


class Staff(SQLModel, table=True):
    """One of us, with roles (P30). `token_hash` is the SHA-256 of a personal token."""

    id: UUID = Field(default_factory=new_id, primary_key=True)
    handle: str = Field(unique=True)
    name: str
    email: str
    roles: list[str] = Field(sa_type=JSON)
    token_hash: str | None = Field(default=None, index=True)
    left_at: datetime | None = None


class StaffAbsence(SQLModel, table=True):
    """Days on which one of us is away, the first and the last included, and who stands in (P21)."""

    __tablename__ = "staff_absence"

    id: UUID = Field(default_factory=new_id, primary_key=True)
    staff_id: UUID = Field(foreign_key="staff.id", index=True)
    from_on: date
    until_on: date
    delegate_id: UUID = Field(foreign_key="staff.id")
    set_by: UUID = Field(foreign_key="staff.id")
    set_at: datetime
    ended_by: UUID | None = Field(default=None, foreign_key="staff.id")
    ended_at: datetime | None = None


class ApiKey(SQLModel, table=True):
    """A key of one of the company's own systems. `secret_hash` is the SHA-256 of its secret.

    `made_by` answers for what is asserted with it about accounts.
    """

    __tablename__ = "api_key"

    id: UUID = Field(default_factory=new_id, primary_key=True)
    name: str = Field(unique=True)
    secret_hash: str = Field(unique=True)
    may_write: bool
    made_by: UUID = Field(foreign_key="staff.id")
    made_at: datetime
    last_used_at: datetime | None = None
    revoked_at: datetime | None = None
    revoked_by: UUID | None = Field(default=None, foreign_key="staff.id")
