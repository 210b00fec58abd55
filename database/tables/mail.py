"""The outbox, what became of each mail, and the personal links in them."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import Index, UniqueConstraint, text
from sqlmodel import Field, SQLModel

from database.ids import new_id


class OutboxMail(SQLModel, table=True):
    """One mail to one person for one step: the truth about whether it went out (P4).

    Mails with the same `template`, `variant` and `language` share everything but their personal
    fields; the variant of a campaign's mail is the version it shows the change from, and an empty
    language is the company's first one.

    `subject_id` is a campaign, a version (of its test mails), a restriction or a data-subject
    request, `addressee_id` an account, a member of staff, who asks for somebody else, or the
    request itself (its typed contact address); the address is looked up when the mail is sent.
    States: queued, sending, accepted, delivered, unknown, operator and the final bounced, dropped,
    complained, rejected, suppressed, no_address, cancelled (a first notice only while its account
    is closed), carried (the same step about a version that this campaign's version corrects stands
    for it); by_post and then posted, of whoever has no mailbox.
    """

    __tablename__ = "outbox_mail"
    __table_args__ = (
        UniqueConstraint("subject_id", "addressee_id", "step"),
        Index("outbox_claim", "subject_id", "step", "state", "shard"),
        Index("outbox_state", "state", "claimed_at"),
    )

    id: UUID = Field(default_factory=new_id, primary_key=True)
    subject_kind: str
    subject_id: UUID
    addressee_kind: str
    addressee_id: UUID
    step: str
    shard: int = 0
    template: str
    variant: UUID
    language: str = ""
    link_id: UUID | None = Field(default=None, foreign_key="link.id")
    state: str = "queued"
    attempt_id: UUID | None = Field(default=None, index=True)
    attempts: int = 0
    queued_at: datetime
    claimed_at: datetime | None = None
    accepted_at: datetime | None = None
    settled_at: datetime | None = None
    reason: str | None = None


class MailAttempt(SQLModel, table=True):
    """One request to the mail service, carrying up to 1,000 personal copies of one subject.

    `answered`: of one in doubt the status that was answered (5xx); null when no answer came.
    """

    __tablename__ = "mail_attempt"
    __table_args__ = (
        Index("mail_attempt_subject", "subject_id", "started_at"),
        Index("mail_attempt_started", "started_at"),
    )

    id: UUID = Field(default_factory=new_id, primary_key=True)
    subject_id: UUID | None = None
    copies: int
    started_at: datetime
    ended_at: datetime | None = None
    outcome: str | None = None
    provider_id: str | None = Field(default=None, index=True)
    reason: str | None = None
    answered: int | None = None


class MailStop(SQLModel, table=True):
    """All mail was stopped, and later let go on (P8). `in_effect`: true, or null once over.

    `heard_at`: when the campaigns that waited for its end were told to look; null until then, as
    Temporal may be down.
    """

    __tablename__ = "mail_stop"

    id: UUID = Field(default_factory=new_id, primary_key=True)
    in_effect: bool | None = Field(default=True, unique=True)
    stopped_by: UUID = Field(foreign_key="staff.id")
    stopped_at: datetime
    reason: str
    started_by: UUID | None = Field(default=None, foreign_key="staff.id")
    started_at: datetime | None = None
    start_reason: str | None = None
    heard_at: datetime | None = None


class MailBucket(SQLModel, table=True):
    """How far mails under a rate limit are paid for (`pace.py`); there once it is needed.

    `subject_id`: a campaign, or `ALL_MAIL` of `database/mail/pace.py`.
    """

    __tablename__ = "mail_bucket"

    id: UUID = Field(default_factory=new_id, primary_key=True)
    subject_id: UUID = Field(unique=True)
    paid_until: datetime | None = None


class MailSlowdown(SQLModel, table=True):
    """The mail service said that we are too fast (429), and what we hold to since (P8).

    `in_effect`: true, or null once over. The rest: `Slowdown` of `domain/mail/pace.py`.
    """

    __tablename__ = "mail_slowdown"

    id: UUID = Field(default_factory=new_id, primary_key=True)
    in_effect: bool | None = Field(default=True, unique=True)
    began_at: datetime
    slowed_at: datetime
    held_until: datetime
    rate: int
    peak: int
    ended_at: datetime | None = None


class MailSuppression(SQLModel, table=True):
    """Mail to an address stopped because of what became of one copy, and was perhaps let go on.

    The address stands here as its keyed hash, so the row may outlive its mail and account (P17).
    `cause`: bounced | complained | not_theirs.
    """

    __tablename__ = "mail_suppression"
    __table_args__ = (UniqueConstraint("mail_id", "attempt_id", "cause"),)

    id: UUID = Field(default_factory=new_id, primary_key=True)
    address_key: bytes = Field(index=True)
    cause: str
    mail_id: UUID
    attempt_id: UUID
    suppressed_at: datetime
    lifted_by: UUID | None = Field(default=None, foreign_key="staff.id")
    lifted_at: datetime | None = None
    lift_reason: str | None = None


class ReminderOptOut(SQLModel, table=True):
    """An account holder asked for no more reminders; appended, never altered (P17).

    `how`: page | one_click (their mail program did it, RFC 8058).
    """

    __tablename__ = "reminder_opt_out"

    id: UUID = Field(default_factory=new_id, primary_key=True)
    account_id: UUID = Field(foreign_key="account.id", unique=True)
    link_id: UUID = Field(foreign_key="link.id")
    how: str
    opted_out_at: datetime


class DeliveryEvent(SQLModel, table=True):
    """What the mail service later said of a copy. `occurred_at` is its claim, not our clock."""

    __tablename__ = "delivery_event"
    __table_args__ = (UniqueConstraint("mail_id", "attempt_id", "event", "occurred_at"),)

    id: UUID = Field(default_factory=new_id, primary_key=True)
    mail_id: UUID = Field(foreign_key="outbox_mail.id")
    attempt_id: UUID = Field(index=True)
    event: str
    occurred_at: datetime
    recorded_at: datetime


class Link(SQLModel, table=True):
    """A personal link: 16 random bytes for one person, one subject and one purpose (P32).

    That of a campaign has an addressee as its subject: by that the links of an account are found.
    """

    __table_args__ = (
        # The links to approve that were given back are few, and asked for all the time.
        Index(
            "link_expires",
            "purpose",
            "expires_at",
            sqlite_where=text("expires_at IS NOT NULL"),
            postgresql_where=text("expires_at IS NOT NULL"),
        ),
    )

    id: UUID = Field(default_factory=new_id, primary_key=True)
    nonce: bytes = Field(unique=True)
    purpose: str
    subject_id: UUID = Field(index=True)
    account_id: UUID | None = Field(default=None, foreign_key="account.id")
    created_at: datetime
    expires_at: datetime | None = None
    used_at: datetime | None = None
    successor_id: UUID | None = Field(default=None, foreign_key="link.id")
