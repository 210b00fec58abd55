"""How requests came in beside the form, and what goes out on paper."""

from datetime import date, datetime
from uuid import UUID

from sqlalchemy import JSON, Index, UniqueConstraint
from sqlmodel import Field, SQLModel

from database.ids import new_id


class RequestAgent(SQLModel, table=True):
    """Who asks for somebody else, and whether they may (P19).

    `authority`: accepted | refused, null while nobody decided. `evidence`: what showed it, apart
    from the request; null once it was deleted. `decided_by` is null where the person themselves
    said that the request is theirs. `contact_key`: the address in small letters.
    """

    __tablename__ = "request_agent"

    id: UUID = Field(default_factory=new_id, primary_key=True)
    request_id: UUID = Field(foreign_key="data_subject_request.id", unique=True)
    name: str
    email: str
    contact_key: str = Field(index=True)
    authority: str | None = None
    evidence: str | None = None
    decided_by: UUID | None = Field(default=None, foreign_key="staff.id")
    decided_at: datetime | None = None


class RequestAttachment(SQLModel, table=True):
    """A file that came with a request. What is in it is kept encrypted, as `file` in the storage.

    `added_by` is null where the person sent it themselves.
    """

    __tablename__ = "request_attachment"

    id: UUID = Field(default_factory=new_id, primary_key=True)
    request_id: UUID = Field(foreign_key="data_subject_request.id", index=True)
    file: str
    name: str
    media_type: str
    size: int
    added_by: UUID | None = Field(default=None, foreign_key="staff.id")
    added_at: datetime


class RequestAddition(SQLModel, table=True):
    """What a person told us later, on the page of their request."""

    __tablename__ = "request_addition"

    id: UUID = Field(default_factory=new_id, primary_key=True)
    request_id: UUID = Field(foreign_key="data_subject_request.id", index=True)
    words: str
    added_at: datetime


class JoinedRequest(SQLModel, table=True):
    """One request too many from an address within an hour: kept whole beside a request for the
    same, and answered with that. `account_address`: as in `DataSubjectRequest`."""

    __tablename__ = "joined_request"
    __table_args__ = (Index("joined_request_newest", "request_id", "received_at"),)

    id: UUID = Field(default_factory=new_id, primary_key=True)
    reference: str = Field(unique=True)
    request_id: UUID = Field(foreign_key="data_subject_request.id")
    name: str
    account_address: str | None = None
    kinds: list[str] = Field(sa_type=JSON)
    message: str
    country: str | None = None
    time_zone: str | None = None
    language: str = ""
    channel: str
    agent_name: str = ""
    agent_email: str = ""
    received_at: datetime


class HandedIn(SQLModel, table=True):
    """A request that one of the company's systems handed in with a key of its own choice.

    `answer` is what it was told, and is told again when it sends the same once more.
    """

    __tablename__ = "handed_in"
    __table_args__ = (UniqueConstraint("api_key_id", "key"),)

    id: UUID = Field(default_factory=new_id, primary_key=True)
    api_key_id: UUID = Field(foreign_key="api_key.id")
    key: str
    content_sha256: str
    answer: dict[str, str] = Field(sa_type=JSON)


class PostedLetter(SQLModel, table=True):
    """A mail of the outbox that went out on paper, and what proves that it was sent (P26)."""

    __tablename__ = "posted_letter"

    id: UUID = Field(default_factory=new_id, primary_key=True)
    mail_id: UUID = Field(foreign_key="outbox_mail.id", unique=True)
    posted_on: date
    proof: str
    recorded_by: UUID = Field(foreign_key="staff.id")
    recorded_at: datetime
