"""Policies, their versions, what the engine found in them and what legal said of it."""

from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import JSON, Index, UniqueConstraint, text
from sqlmodel import Field, SQLModel

from database.ids import new_id


def _at_most_one(name: str, *states: str) -> Index:
    """Of the versions of a policy, one at most is in one of these states."""
    of_states = text(" OR ".join(f"state = '{state}'" for state in states))
    return Index(
        f"one_{name}", "policy_id", unique=True, sqlite_where=of_states, postgresql_where=of_states
    )


class Policy(SQLModel, table=True):
    """A kind of document, such as the privacy policy. `titles`: its title by language, where legal
    wrote one; elsewhere `title` is read, which is the default language's."""

    id: UUID = Field(default_factory=new_id, primary_key=True)
    slug: str = Field(unique=True)
    title: str
    titles: dict[str, str] = Field(default_factory=dict, sa_type=JSON)
    owner_id: UUID = Field(foreign_key="staff.id")


class PolicyVersion(SQLModel, table=True):
    """One text of a policy. `text` and `sha256` never change (P1).

    `replaced_by_id`: the version that took its place before it was in force (P8).
    `stay_until_on`: with `without_approval` stay_until the day until which who does not approve it
    stays on their version at least (P5).
    `corrected_by_id`: the version that only mends it: whoever was told of this one, or answered
    it, was told of that one and has answered it.
    """

    __tablename__ = "policy_version"
    __table_args__ = (
        UniqueConstraint("policy_id", "number"),
        _at_most_one("to_come", "announced", "postponed"),
        _at_most_one("in_force", "in_force"),
    )

    id: UUID = Field(default_factory=new_id, primary_key=True)
    policy_id: UUID = Field(foreign_key="policy.id")
    number: int
    text: str
    sha256: str
    summary: str
    state: str = Field(default="submitted", index=True)
    version_class: str | None = None
    submitted_by: UUID = Field(foreign_key="staff.id")
    submitted_at: datetime
    planned_effective_on: date | None = None
    notice_days: int
    without_approval: str = "stay"
    stay_until_on: date | None = None
    released_by: UUID | None = Field(default=None, foreign_key="staff.id")
    announced_at: datetime | None = None
    effective_at: datetime | None = None
    in_force_at: datetime | None = None
    superseded_at: datetime | None = None
    replaced_by_id: UUID | None = Field(default=None, foreign_key="policy_version.id")
    corrected_by_id: UUID | None = Field(default=None, foreign_key="policy_version.id", index=True)


class Assessment(SQLModel, table=True):
    """What the engine says of one pair of texts."""

    __table_args__ = (UniqueConstraint("base_version_id", "policy_version_id"),)

    id: UUID = Field(default_factory=new_id, primary_key=True)
    base_version_id: UUID = Field(foreign_key="policy_version.id")
    policy_version_id: UUID = Field(foreign_key="policy_version.id", index=True)
    verdict: str
    engine: str
    content: dict[str, object] = Field(sa_type=JSON)
    assessed_at: datetime


class Finding(SQLModel, table=True):
    """One finding about a version, by the engine or added by legal, and how it stands.

    The same rule, quotes and explanation are one finding, however many pairs of texts show it.
    `sentence`: what people are told of it; the engine's draft until legal writes another, and
    empty for what legal added. `status`: open | confirmed | dismissal_proposed | dismissed | noted
    (asks nothing of legal). `consent_key`: the purpose that takes each person's own consent (P5),
    and `consent_label` what people are asked about it. `reclassified_id`: it was confirmed after
    the release only, and counts from then on.
    """

    __table_args__ = (UniqueConstraint("policy_version_id", "key"),)

    id: UUID = Field(default_factory=new_id, primary_key=True)
    policy_version_id: UUID = Field(foreign_key="policy_version.id", index=True)
    key: str
    rule: str
    direction: str
    severity: str
    practice: str
    explanation: str
    sentence: str
    before: str | None = None
    after: str | None = None
    status: str = "open"
    consent_key: str | None = None
    consent_label: str | None = None
    added_by: UUID | None = Field(default=None, foreign_key="staff.id")
    reclassified_id: UUID | None = Field(default=None, foreign_key="reclassification.id")


class Reclassification(SQLModel, table=True):
    """A version was released without asking for approval, which was wrong: proposed by one of legal
    and confirmed by another (P2).

    `content`: keys to confirm, quotes to add, and by language what people read of them. `was`: the
    class it had. At most one of a version is open, that is neither confirmed nor dropped for a
    later proposal.
    """

    __table_args__ = (
        Index(
            "reclassification_open",
            "policy_version_id",
            unique=True,
            sqlite_where=text("confirmed_at IS NULL AND dropped_at IS NULL"),
            postgresql_where=text("confirmed_at IS NULL AND dropped_at IS NULL"),
        ),
    )

    id: UUID = Field(default_factory=new_id, primary_key=True)
    policy_version_id: UUID = Field(foreign_key="policy_version.id", index=True)
    was: str
    reason: str
    content: dict[str, Any] = Field(sa_type=JSON)
    proposed_by: UUID = Field(foreign_key="staff.id")
    proposed_at: datetime
    confirmed_by: UUID | None = Field(default=None, foreign_key="staff.id")
    confirmed_at: datetime | None = None
    dropped_at: datetime | None = None


class FindingSentence(SQLModel, table=True):
    """What people who read a language are told of a finding, as legal wrote it (P4).

    In the default language it stands in the finding too, which all other languages fall back on.
    """

    __tablename__ = "finding_sentence"

    finding_id: UUID = Field(foreign_key="finding.id", primary_key=True)
    language: str = Field(primary_key=True)
    sentence: str
    edited_by: UUID = Field(foreign_key="staff.id")
    edited_at: datetime


class LegalRequirement(SQLModel, table=True):
    """A law requires the change that a finding shows: cited by one of legal, and agreed to by
    another; until then it means nothing (P5). Appended; at most one of a finding stands.

    `sentence`: what people are told of it in the default language, which all others fall back on.
    `inherited_from`: the same requirement of an earlier version, whose two people these are.
    """

    __tablename__ = "legal_requirement"
    __table_args__ = (
        Index(
            "legal_requirement_standing",
            "finding_id",
            unique=True,
            sqlite_where=text("dropped_at IS NULL"),
            postgresql_where=text("dropped_at IS NULL"),
        ),
    )

    id: UUID = Field(default_factory=new_id, primary_key=True)
    finding_id: UUID = Field(foreign_key="finding.id", index=True)
    citation: str
    sentence: str = ""
    cited_by: UUID = Field(foreign_key="staff.id")
    cited_at: datetime
    agreed_by: UUID | None = Field(default=None, foreign_key="staff.id")
    agreed_at: datetime | None = None
    dropped_by: UUID | None = Field(default=None, foreign_key="staff.id")
    dropped_at: datetime | None = None
    inherited_from: UUID | None = Field(default=None, foreign_key="legal_requirement.id")


class LegalSentence(SQLModel, table=True):
    """What people who read a language are told of a law that requires a change (P5)."""

    __tablename__ = "legal_sentence"

    requirement_id: UUID = Field(foreign_key="legal_requirement.id", primary_key=True)
    language: str = Field(primary_key=True)
    sentence: str
    edited_by: UUID = Field(foreign_key="staff.id")
    edited_at: datetime


class VersionSummary(SQLModel, table=True):
    """The summary of a version in a language, as legal wrote it (P4).

    In the default language it stands in the version too, which all other languages fall back on.
    """

    __tablename__ = "version_summary"

    policy_version_id: UUID = Field(foreign_key="policy_version.id", primary_key=True)
    language: str = Field(primary_key=True)
    summary: str
    edited_by: UUID = Field(foreign_key="staff.id")
    edited_at: datetime


class ConsentLabel(SQLModel, table=True):
    """What people who read a language are asked about a purpose, as legal wrote it (P5).

    In the default language it stands in the findings too, which all other languages fall back on.
    """

    __tablename__ = "consent_label"

    policy_version_id: UUID = Field(foreign_key="policy_version.id", primary_key=True)
    purpose: str = Field(primary_key=True)
    language: str = Field(primary_key=True)
    label: str
    edited_by: UUID = Field(foreign_key="staff.id")
    edited_at: datetime


class AssessmentFinding(SQLModel, table=True):
    """Which pairs of texts show a finding."""

    __tablename__ = "assessment_finding"

    assessment_id: UUID = Field(foreign_key="assessment.id", primary_key=True)
    finding_id: UUID = Field(foreign_key="finding.id", primary_key=True)


class Review(SQLModel, table=True):
    """One act of legal on a version, with its reason; appended, never altered (P2).

    `content` is what the reviewer asked for: keys to confirm and dismiss, quotes to add. It is
    written first and takes effect when the publication workflow accepts it (`recorded_at`).
    """

    id: UUID = Field(default_factory=new_id, primary_key=True)
    policy_version_id: UUID = Field(foreign_key="policy_version.id", index=True)
    reviewer_id: UUID = Field(foreign_key="staff.id")
    version_class: str | None = None
    reason: str
    content: dict[str, object] = Field(sa_type=JSON)
    reviewed_at: datetime
    recorded_at: datetime | None = None


class FindingDecision(SQLModel, table=True):
    """What was said of one finding, by whom; appended, never altered (P2).

    By a review, or inherited from an earlier version's finding with the same rule, quotes and
    explanation (`inherited_from`: the one whose review decided it).
    """

    __tablename__ = "finding_decision"

    id: UUID = Field(default_factory=new_id, primary_key=True)
    finding_id: UUID = Field(foreign_key="finding.id", index=True)
    review_id: UUID | None = Field(default=None, foreign_key="review.id")
    inherited_from: UUID | None = Field(default=None, foreign_key="finding.id")
    decision: str
    decided_by: UUID = Field(foreign_key="staff.id")
    decided_at: datetime


class VersionTestMail(SQLModel, table=True):
    """A mail of a version that somebody of legal sent to themselves before its release (P4).

    `fingerprint`: of all that a mail says, when it was asked for; a change of class, findings or
    words asks for another one.
    """

    __tablename__ = "version_test_mail"

    mail_id: UUID = Field(foreign_key="outbox_mail.id", primary_key=True)
    policy_version_id: UUID = Field(foreign_key="policy_version.id", index=True)
    template: str
    language: str
    fingerprint: str
    sent_to: UUID = Field(foreign_key="staff.id")
