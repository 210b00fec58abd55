"""What is posted to webhooks: alarms for staff, and events for the company's own systems."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Index
from sqlmodel import JSON, Column, Field, SQLModel

from database.ids import new_id


class Alarm(SQLModel, table=True):
    """Something that staff must hear of, to be posted to the alarm webhook.

    `occasion` names what happened, so that it raises one alarm. `content` holds ids, counts and
    words that name nobody; `page` is the path of the staff page about it. States: waiting,
    delivered, mail_only (no webhook was set). `problem`: what became of the last try, if it failed.
    `claimed_until`: nobody posts it sooner, as somebody is at it, or as it was refused.
    """

    __tablename__ = "alarm"
    __table_args__ = (
        Index("alarm_state", "state", "attempts", "raised_at"),
        Index("alarm_settled", "settled_at"),
    )

    id: UUID = Field(default_factory=new_id, primary_key=True)
    kind: str
    occasion: str = Field(unique=True)
    content: dict[str, Any] = Field(sa_column=Column(JSON, nullable=False))
    page: str
    raised_at: datetime
    state: str = "waiting"
    attempts: int = 0
    claimed_until: datetime | None = None
    settled_at: datetime | None = None
    problem: str | None = None


class Event(SQLModel, table=True):
    """Something changed of an account, a policy or a request, to be posted to the company's own
    systems.

    `account_id`, `policy_version_id` and `request_id`: what it is about; one of them at least.
    States: urgent (waits, and goes before what is not), waiting, delivered, unsent (no webhook was
    set). The rest is as in `Alarm`.
    """

    __tablename__ = "event"
    __table_args__ = (
        Index("event_state", "state", "attempts", "raised_at"),
        Index("event_settled", "settled_at"),
    )

    id: UUID = Field(default_factory=new_id, primary_key=True)
    kind: str
    account_id: UUID | None = None
    policy_version_id: UUID | None = None
    request_id: UUID | None = None
    raised_at: datetime
    state: str = "waiting"
    attempts: int = 0
    claimed_until: datetime | None = None
    settled_at: datetime | None = None
    problem: str | None = None
