"""What people refused of marketing, and which choices were offered to them."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import Index, UniqueConstraint, text
from sqlmodel import Field, SQLModel

from database.ids import new_id


class MarketingRefusal(SQLModel, table=True):
    """Somebody refused a purpose, and perhaps allowed it again later (P15, P17).

    They stand here as a keyed hash, of an address or of an account, so the row may outlive both.
    `purpose`: a declared one, or one of `RESERVED` of `domain/people/marketing.py`. `how`: page |
    one_click (their mail program did it, RFC 8058) | request.
    """

    __tablename__ = "marketing_refusal"
    __table_args__ = (
        Index(
            "marketing_refusal_standing",
            "subject_key",
            "purpose",
            unique=True,
            sqlite_where=text("taken_back_at IS NULL"),
            postgresql_where=text("taken_back_at IS NULL"),
        ),
    )

    id: UUID = Field(default_factory=new_id, primary_key=True)
    subject_key: bytes
    purpose: str
    how: str
    refused_at: datetime
    taken_back_at: datetime | None = None


class PurposeOffer(SQLModel, table=True):
    """An account holder had the choice about a purpose that came later; appended (P17).

    `how`: page (they chose on it) | company (its own system told us, with `api_key_id`).
    """

    __tablename__ = "purpose_offer"
    __table_args__ = (UniqueConstraint("account_id", "purpose"),)

    id: UUID = Field(default_factory=new_id, primary_key=True)
    account_id: UUID = Field(foreign_key="account.id")
    purpose: str
    how: str
    api_key_id: UUID | None = Field(default=None, foreign_key="api_key.id")
    offered_at: datetime
