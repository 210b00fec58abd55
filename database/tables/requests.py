"""Data-subject requests, the rights they ask for, what is decided, the rungs of their ladders."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import JSON, Index, UniqueConstraint
from sqlmodel import Field, SQLModel

from database.ids import new_id


class DataSubjectRequest(SQLModel, table=True):
    """One person's request; its clock runs from `received_at` and nothing stops it (P21).

    What it asks for is in `requested_right`; `due_at` and `rule` are those of the right whose
    answer is due first, and `outcome` follows from those of all. `language`: the one they made it
    in, empty when that is not known. `contact_email`: the address that was typed, empty for whoever
    has no mailbox and is written to at `postal_address`; `contact_key` is the same in small
    letters, to find what else came from there. `account_address`: the address on file that was
    named, null when it is the contact address. `needs_identity`: whether it asks for a right that
    waits until we know who asks. `contact_confirmed_at`: when somebody who reads mail there said
    that the contact address is theirs. `disputed_at`: when somebody who reads mail at an address on
    file, or at one that was, said that the request is not theirs. `follows_id`: the request that
    this one takes up again; as an appeal (`is_appeal`) when its person does not agree with the
    answer, so that somebody else decides. `duplicate_of_id`: the one that answers this one too.
    """

    __tablename__ = "data_subject_request"
    __table_args__ = (
        Index("request_contact", "contact_key", "received_at"),
        UniqueConstraint("follows_id", "is_appeal", name="data_subject_request_follows_once"),
    )

    id: UUID = Field(default_factory=new_id, primary_key=True)
    reference: str = Field(unique=True)
    channel: str
    name: str
    contact_email: str
    contact_key: str = ""
    postal_address: str = ""
    account_address: str | None = None
    message: str
    country: str | None = None
    time_zone: str | None = None
    language: str = ""
    policy_version_id: UUID | None = Field(default=None, foreign_key="policy_version.id")
    account_id: UUID | None = Field(default=None, foreign_key="account.id", index=True)
    received_at: datetime
    due_at: datetime = Field(index=True)
    rule: str
    regime: str | None = None
    candidates: list[dict[str, object]] = Field(sa_type=JSON)
    warnings: list[str] = Field(sa_type=JSON)
    state: str = Field(default="received", index=True)
    acknowledged_at: datetime | None = None
    verified_at: datetime | None = None
    verified_by: str | None = None
    needs_identity: bool
    contact_confirmed_at: datetime | None = None
    disclosure_held_until: datetime | None = None
    disputed_at: datetime | None = None
    follows_id: UUID | None = Field(
        default=None, foreign_key="data_subject_request.id", ondelete="SET NULL"
    )
    is_appeal: bool = False
    duplicate_of_id: UUID | None = Field(
        default=None, foreign_key="data_subject_request.id", ondelete="SET NULL", index=True
    )
    assignee_id: UUID | None = Field(default=None, foreign_key="staff.id")
    outcome: str | None = None
    answered_at: datetime | None = None
    late_reply_at: datetime | None = None
    policy_breach_at: datetime | None = None
    statutory_breach_at: datetime | None = None


class RequestedRight(SQLModel, table=True):
    """One of the rights that a request asks for, with an outcome of its own.

    `due_at`: by when the law or the policy wants it answered. `decision_id`: the decision in
    effect, or in `review` the one that waits for its second person.
    """

    __tablename__ = "requested_right"
    __table_args__ = (UniqueConstraint("request_id", "kind"),)

    id: UUID = Field(default_factory=new_id, primary_key=True)
    request_id: UUID = Field(foreign_key="data_subject_request.id", index=True)
    kind: str
    due_at: datetime
    rule: str
    state: str = "open"
    decision_id: UUID | None = None
    outcome: str | None = None
    decided_at: datetime | None = None


class RequestDecision(SQLModel, table=True):
    """What privacy staff want to answer to one right, with the explanation (P22).

    Written first; it takes effect when the request's workflow accepts it (`recorded_at`), and a
    second person confirmed it where one is needed (P20). The answer goes out when all rights of
    the request have a decision in effect. `decided_by` is null where the machine did what was
    asked, and nothing stands against it (P15, P17). `erasure_ground`: why data is to be erased, of
    an erasure that is granted (P13).
    """

    __tablename__ = "request_decision"

    id: UUID = Field(default_factory=new_id, primary_key=True)
    right_id: UUID = Field(foreign_key="requested_right.id", index=True)
    outcome: str
    ground: str | None = None
    erasure_ground: str | None = None
    explanation: str
    evidence: str | None = None
    decided_by: UUID | None = Field(default=None, foreign_key="staff.id")
    decided_at: datetime
    confirmed_by: UUID | None = Field(default=None, foreign_key="staff.id")
    recorded_at: datetime | None = None


class ProposedEnd(SQLModel, table=True):
    """Staff want a request to end without being judged, as spam for instance. It ends once a second
    person agreed, where that takes one."""

    __tablename__ = "proposed_end"

    id: UUID = Field(default_factory=new_id, primary_key=True)
    request_id: UUID = Field(foreign_key="data_subject_request.id", index=True)
    outcome: str
    reason: str
    proposed_by: UUID = Field(foreign_key="staff.id")
    proposed_at: datetime
    confirmed_by: UUID | None = Field(default=None, foreign_key="staff.id")


class FiredRung(SQLModel, table=True):
    """A rung of the ladder that has fired (or was passed over); keyed so none fires twice.

    `due_at` is the due time of the request that the ladder was worked out from: when that moves,
    every rung may fire again. `stood_at` is the rung's own moment. Somebody of staff acknowledged
    it who said "I have seen this and act".
    """

    __tablename__ = "fired_rung"
    __table_args__ = (UniqueConstraint("request_id", "rung", "due_at"),)

    id: UUID = Field(default_factory=new_id, primary_key=True)
    request_id: UUID = Field(foreign_key="data_subject_request.id", index=True)
    rung: str
    due_at: datetime
    stood_at: datetime
    fired_at: datetime
    passed_over: bool = False
    acknowledged_by: UUID | None = Field(default=None, foreign_key="staff.id")
    acknowledged_at: datetime | None = None


class ReceiptCorrection(SQLModel, table=True):
    """What somebody found out of a request's receipt: when it came, or from where (P21, P26).

    It holds from `applied_at` on. What would move the due time later waits for a second person.
    """

    __tablename__ = "receipt_correction"

    id: UUID = Field(default_factory=new_id, primary_key=True)
    request_id: UUID = Field(foreign_key="data_subject_request.id", index=True)
    received_at: datetime
    country: str | None = None
    proof: str
    proposed_by: UUID = Field(foreign_key="staff.id")
    proposed_at: datetime
    confirmed_by: UUID | None = Field(default=None, foreign_key="staff.id")
    applied_at: datetime | None = None


class LateReplyApproval(SQLModel, table=True):
    """Somebody of privacy read the late reply in a language, at every stage, and approves it (P21).

    `sha256` is that of its words: other words need new approvals.
    """

    __tablename__ = "late_reply_approval"
    __table_args__ = (UniqueConstraint("sha256", "approved_by"),)

    id: UUID = Field(default_factory=new_id, primary_key=True)
    language: str
    sha256: str
    approved_by: UUID = Field(foreign_key="staff.id")
    approved_at: datetime
