"""A campaign, whom it addresses, and what they decided."""

from datetime import date, datetime
from uuid import UUID

from sqlalchemy import JSON, Index, UniqueConstraint, text
from sqlmodel import Field, SQLModel

from database.ids import new_id

_OPEN = "confirmed_at IS NULL AND dropped_at IS NULL"


class Campaign(SQLModel, table=True):
    """All notices owed because of one policy version.

    `state`: running | paused | withdrawn | replaced | finished. Every claim of mails reads it,
    so a change works at once. `freezing_at`: the instant whose accounts are addressed, from the
    first try to freeze them on; `frozen_up_to`: the external id up to which they were looked at.
    `canary`: how many addressees go first, null until they are chosen and nought without a canary;
    they fill shards of their own, below nought. `canary_until`: they are mailed, and what became of
    it is looked at then; `canary_ended_at`: it was, or the owner let the campaign go on.
    `per_minute`: how many copies may go out in a minute, null for as many as all mail may.
    `generation`: 2 and on where a version asks again. `reclassified_id`: its class was wrong, and
    it is in force already, so that the campaign asks until `asks_until`.
    """

    __table_args__ = (
        UniqueConstraint("policy_version_id", "generation", name="campaign_generation"),
    )

    id: UUID = Field(default_factory=new_id, primary_key=True)
    policy_version_id: UUID = Field(foreign_key="policy_version.id")
    state: str = "running"
    generation: int = 1
    owner_id: UUID = Field(foreign_key="staff.id")
    started_at: datetime
    freezing_at: datetime | None = None
    frozen_up_to: str = Field(default="", sa_column_kwargs={"server_default": ""})
    audience_frozen_at: datetime | None = None
    canary: int | None = None
    canary_until: datetime | None = None
    canary_ended_at: datetime | None = None
    per_minute: int | None = None
    notified_at: datetime | None = None
    reclassified_id: UUID | None = Field(default=None, foreign_key="reclassification.id")
    asks_until: datetime | None = None
    finished_at: datetime | None = None


class CampaignAddressee(SQLModel, table=True):
    """An account a campaign speaks to, with what governed it when the audience was frozen; or
    since, where its holder took that back.

    `governing_version_id`: what the change is shown from. That is the version that governs it, or
    the one that it accepted last, where something else is adverse since that. `asks_approval` says
    that the version would not govern it without its approval; the others, and minors, are only
    told. `unheard_until`: what its holder answered until then counts no more, as they had not been
    shown all that the version changes for them by now; null where that is not so.
    """

    __tablename__ = "campaign_addressee"
    __table_args__ = (
        UniqueConstraint("campaign_id", "account_id"),
        Index("campaign_shard", "campaign_id", "shard"),
        Index(
            "unheard_addressee",
            "account_id",
            sqlite_where=text("unheard_until IS NOT NULL"),
            postgresql_where=text("unheard_until IS NOT NULL"),
        ),
    )

    id: UUID = Field(default_factory=new_id, primary_key=True)
    campaign_id: UUID = Field(foreign_key="campaign.id")
    account_id: UUID = Field(foreign_key="account.id", index=True)
    shard: int
    governing_version_id: UUID = Field(foreign_key="policy_version.id")
    accepted_version_id: UUID = Field(foreign_key="policy_version.id")
    asks_approval: bool
    unheard_until: datetime | None = None


class MissedNotice(SQLModel, table=True):
    """What staff decided about an account that a campaign's first notice did not reach (P4).

    `owner_id`: who is to reach it, where that is not the campaign's owner. `reached_how`: null, or
    by what other means it was told (post, phone ...), when, by whom and with what reason.
    """

    __tablename__ = "missed_notice"
    __table_args__ = (UniqueConstraint("campaign_id", "account_id"),)

    id: UUID = Field(default_factory=new_id, primary_key=True)
    campaign_id: UUID = Field(foreign_key="campaign.id")
    account_id: UUID = Field(foreign_key="account.id", index=True)
    owner_id: UUID | None = Field(default=None, foreign_key="staff.id")
    reached_how: str | None = None
    reached_reason: str | None = None
    reached_by: UUID | None = Field(default=None, foreign_key="staff.id")
    reached_at: datetime | None = None


class CampaignStep(SQLModel, table=True):
    """A step of the timetable that has been taken; what is here is not taken again. An escalation
    for a later date is a step of its own: `escalation_owner_2`. `effect_at`: the date of effect
    that it is about; null where it has none, or from before it was noted."""

    __tablename__ = "campaign_step"
    __table_args__ = (UniqueConstraint("campaign_id", "step"),)

    id: UUID = Field(default_factory=new_id, primary_key=True)
    campaign_id: UUID = Field(foreign_key="campaign.id")
    step: str
    due_at: datetime
    effect_at: datetime | None = None
    taken_at: datetime


class CampaignCorrection(SQLModel, table=True):
    """Mails of a campaign were wrong: what is right, proposed by one and confirmed by another (P8).

    `mail`: what those are told who had a wrong one. `decisions`: keep | void, which voids those
    that were taken before `confirmed_at` on `WrongWords`. `summary` and `sentences` (by the
    finding's key) are the right words, where those were wrong. These are in the default language,
    and empty where that was right; every other has a row of `CorrectionWords`. `people`: how many
    had wrong words, and `voided`: how many decisions on them were voided, both as it was confirmed.
    At most one is open, that is neither confirmed nor dropped: taken back, or for a later proposal
    or the campaign's end.
    """

    __tablename__ = "campaign_correction"
    __table_args__ = (
        Index(
            "campaign_correction_open",
            "campaign_id",
            unique=True,
            sqlite_where=text(_OPEN),
            postgresql_where=text(_OPEN),
        ),
    )

    id: UUID = Field(default_factory=new_id, primary_key=True)
    campaign_id: UUID = Field(foreign_key="campaign.id", index=True)
    reason: str
    mail: str
    decisions: str
    summary: str = ""
    sentences: dict[str, str] = Field(sa_type=JSON)
    stopped_campaign: bool
    proposed_by: UUID = Field(foreign_key="staff.id")
    proposed_at: datetime
    confirmed_by: UUID | None = Field(default=None, foreign_key="staff.id")
    confirmed_at: datetime | None = None
    dropped_at: datetime | None = None
    people: int | None = None
    voided: int | None = None


class CorrectionWords(SQLModel, table=True):
    """What a correction says to those who read another language than the default one (P8)."""

    __tablename__ = "correction_words"

    correction_id: UUID = Field(foreign_key="campaign_correction.id", primary_key=True)
    language: str = Field(primary_key=True)
    mail: str
    summary: str = ""
    sentences: dict[str, str] = Field(sa_type=JSON)


class WrongWords(SQLModel, table=True):
    """What a correction says was wrong (P8): what people were told of a version, the one that was
    mailed about or one that it corrected then, who had another version, in a language. Where both
    are null, whatever was told of it."""

    __tablename__ = "wrong_words"

    id: UUID = Field(default_factory=new_id, primary_key=True)
    correction_id: UUID = Field(foreign_key="campaign_correction.id", index=True)
    policy_version_id: UUID = Field(foreign_key="policy_version.id", index=True)
    base_version_id: UUID | None = Field(default=None, foreign_key="policy_version.id")
    language: str | None = None


class WrongPurpose(SQLModel, table=True):
    """A purpose that people were asked to consent to by words that were wrong (P5, P8). Where
    whatever was told of a version was wrong, that is each, and has no row."""

    __tablename__ = "wrong_purpose"

    wrong_words_id: UUID = Field(foreign_key="wrong_words.id", primary_key=True)
    purpose: str = Field(primary_key=True)


class ControlAct(SQLModel, table=True):
    """Somebody stopped a campaign or let it go on, and why; appended, never altered (P8).

    `act`: pause | resume | withdraw | postpone | replace | rate | propose_correction | correct |
    take_back_correction | propose_reclassification | reclassify; release, while Temporal was away;
    or canary | breaker, which are the machine's and have no member of staff, as a postpone has none
    where a correction comes later.
    `until_on`: the date it was postponed to. `per_minute`: the new rate, null when it was lifted.
    `heard_at`: when its workflows were told to look; null until then, as Temporal may be down, and
    of the machine's own, which a workflow did.
    """

    __tablename__ = "control_act"

    id: UUID = Field(default_factory=new_id, primary_key=True)
    policy_version_id: UUID = Field(foreign_key="policy_version.id", index=True)
    act: str
    reason: str
    staff_id: UUID | None = Field(default=None, foreign_key="staff.id")
    acted_at: datetime
    until_on: date | None = None
    per_minute: int | None = None
    heard_at: datetime | None = None


class Approval(SQLModel, table=True):
    """One decision of an account holder; appended, never altered (P5, P6).

    It counts from `decided_at`, when it was written down here. `said_at`: when another system says
    that it was taken; shown, and nothing acts on it.
    """

    __table_args__ = (Index("approval_account", "account_id", "decided_at"),)

    id: UUID = Field(default_factory=new_id, primary_key=True)
    account_id: UUID = Field(foreign_key="account.id")
    policy_version_id: UUID = Field(foreign_key="policy_version.id", index=True)
    decision: str
    decided_at: datetime
    shown_from_version_id: UUID = Field(foreign_key="policy_version.id")
    text_sha256: str
    change_sha256: str
    how: str
    language: str
    link_id: UUID | None = Field(default=None, foreign_key="link.id")
    said_at: datetime | None = None


class ShownWords(SQLModel, table=True):
    """The words that somebody had before them when they decided, by their hash (P6).

    Kept with the first decision on them and never altered, whatever legal writes later.
    """

    __tablename__ = "shown_words"

    id: UUID = Field(default_factory=new_id, primary_key=True)
    sha256: str = Field(unique=True)
    words: str


class ConsentDecision(SQLModel, table=True):
    """What an account holder said about a purpose: given | withheld; appended, never altered (P5).

    Without a row there is no consent. `change_sha256`: of what the page showed, its label included.
    `shown_from_version_id`: null for what was said before that was kept.
    """

    __tablename__ = "consent_decision"
    __table_args__ = (Index("consent_account", "account_id", "decided_at"),)

    id: UUID = Field(default_factory=new_id, primary_key=True)
    account_id: UUID = Field(foreign_key="account.id")
    policy_version_id: UUID = Field(foreign_key="policy_version.id", index=True)
    purpose: str
    decision: str
    decided_at: datetime
    how: str
    language: str
    shown_from_version_id: UUID | None = Field(default=None, foreign_key="policy_version.id")
    change_sha256: str
    link_id: UUID | None = Field(default=None, foreign_key="link.id")
