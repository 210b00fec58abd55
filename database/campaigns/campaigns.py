"""Campaigns: opened with the announcement, the steps taken, whom they reach, how they stand."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, and_, case, exists, false, literal, true
from sqlalchemy import select as select_columns
from sqlalchemy.orm import Mapped, aliased
from sqlmodel import Session, col, func, select
from sqlmodel.sql.sqltypes import UTCDateTime

from database.approvals.reach import had_wrong_words
from database.campaigns.owed import corrections, postponements
from database.facts import record
from database.ids import id_of_each
from database.mail.mail_rows import Batch
from database.mail.outbox import (
    ACCOUNT,
    CAMPAIGN,
    CORRECTION,
    IN_DOUBT,
    POSTPONEMENT,
    WITHDRAWAL,
    maybe_told,
    maybe_told_before,
    states,
)
from database.people.accounts import is_mailed, language_of_account, open_since
from database.people.links import add_first_links
from database.policies.counting import counts_for
from database.policies.law import bases_by_law
from database.policies.lineage import campaigns_replaced
from database.policies.policies import PolicyUnknown, in_force_from, version_by_slug
from database.tables import (
    Account,
    Approval,
    Campaign,
    CampaignAddressee,
    CampaignStep,
    Link,
    MissedNotice,
    OutboxMail,
    Policy,
    PolicyVersion,
)
from database.writing import insert_selected
from domain.account_holders import AccountKind
from domain.approvals import Decision
from domain.timetable import RungKind

RUNNING, PAUSED, FINISHED = "running", "paused", "finished"
WITHDRAWN, REPLACED = "withdrawn", "replaced"
CALLED_OFF = (WITHDRAWN, REPLACED)
FIRST_NOTICE = "first_notice"
AT_THE_SAME_TIME = timedelta(seconds=5)
"""A mail that is begun so soon after a decision may still have been written before it."""
GOT_BY_NOBODY = ("bounced", "dropped", "complained", "rejected", "suppressed", "no_address")
WITHOUT_MAIL = (*GOT_BY_NOBODY, "cancelled")
DOUBTFUL = ("operator", "unknown")
"""Of these ops decide: somebody may have the mail."""
UNDELIVERABLE = (*WITHOUT_MAIL, *DOUBTFUL)


@dataclass(frozen=True, kw_only=True)
class Progress:
    """How a campaign stands, in numbers of account holders.

    `told_only` are those whom the version governs without asking, and who said nothing; the
    `silent` were asked and reached. `not_reached` are those whom the first notice did not reach,
    without those `reached_otherwise`.
    """

    addressees: int
    approved: int
    declined: int
    silent: int
    told_only: int
    not_reached: int
    reached_otherwise: int
    mails: dict[str, int]


@dataclass(frozen=True, kw_only=True)
class CanaryStanding:
    """How many are mailed first, until when the others wait, and when that was over (P8)."""

    addressees: int
    until: datetime | None
    ended_at: datetime | None


def open_campaign(
    transaction: Session, version: PolicyVersion, policy: Policy, now: datetime
) -> Campaign:
    """The campaign of a version, opened with its announcement; the one there already, if any."""
    campaign = campaign_of(transaction, version.id)
    if campaign is None:
        campaign = Campaign(policy_version_id=version.id, owner_id=policy.owner_id, started_at=now)
        transaction.add(campaign)
        record(transaction, "campaign.opened", campaign.id, now, version=version.id)
    return campaign


def campaign_of(session: Session, version_id: UUID) -> Campaign | None:
    """The campaign of a version; the latest one where it asks again."""
    return session.exec(
        select(Campaign)
        .where(Campaign.policy_version_id == version_id)
        .order_by(col(Campaign.generation).desc())
    ).first()


def ends_at(campaign: Campaign, version: PolicyVersion) -> datetime | None:
    """Until when a campaign asks: the date of effect, or its own where that is past (P2, P7)."""
    return campaign.asks_until or version.effective_at


def campaign_by_number(session: Session, slug: str, number: int) -> Campaign:
    """The campaign of a version of a policy. Raises PolicyUnknown."""
    version = version_by_slug(session, slug, number)
    campaign = campaign_of(session, version.id)
    if campaign is None:
        raise PolicyUnknown(
            f"Version {number} of {slug} has no campaign (it is {version.state}): one is opened "
            "when a version of class notice or approval is announced."
        )
    return campaign


def count_addressees(session: Session, campaign_id: UUID) -> int:
    """How many accounts a campaign addresses."""
    return session.exec(
        select(func.count())
        .select_from(CampaignAddressee)
        .where(CampaignAddressee.campaign_id == campaign_id)
    ).one()


def shards(session: Session, campaign_id: UUID) -> int:
    """How many shards the audience fills."""
    last = session.exec(
        select(func.max(CampaignAddressee.shard)).where(
            CampaignAddressee.campaign_id == campaign_id
        )
    ).one()
    return 0 if last is None else int(last) + 1


def canary_shards(session: Session, campaign_id: UUID) -> int:
    """How many shards those fill who go first: they count down from -1."""
    first = session.exec(
        select(func.min(CampaignAddressee.shard)).where(
            CampaignAddressee.campaign_id == campaign_id
        )
    ).one()
    return max(-int(first or 0), 0)


def canary(campaign: Campaign) -> CanaryStanding:
    """How a campaign's canary stands; nobody is in it when all are mailed at once."""
    return CanaryStanding(
        addressees=campaign.canary or 0,
        until=campaign.canary_until,
        ended_at=campaign.canary_ended_at,
    )


def canary_to_come(campaign: Campaign) -> int:
    """How many of a campaign go first while the others wait; nought once they need not."""
    return 0 if campaign.canary_ended_at else campaign.canary or 0


def open_shards(session: Session, campaign_id: UUID, step: str) -> list[int]:
    """The shards that are not done with a step: nothing is queued yet, or something still waits.

    Until the canary was looked at, of the first notice only its own (P8).
    """
    first = -canary_shards(session, campaign_id)
    waits_for_canary = step == FIRST_NOTICE and canary_to_come(
        session.get_one(Campaign, campaign_id)
    )
    there = range(first, 0 if waits_for_canary else shards(session, campaign_id))
    waits = case((col(OutboxMail.state).in_(["queued", *IN_DOUBT]), 1), else_=0)
    done = session.exec(
        select(OutboxMail.shard)
        .where(
            OutboxMail.subject_id == campaign_id,
            OutboxMail.addressee_kind == ACCOUNT,
            OutboxMail.step == step,
        )
        .group_by(col(OutboxMail.shard))
        .having(func.max(waits) == 0)
    ).all()
    return sorted(set(there) - set(done))


def queue_step(
    transaction: Session,
    campaign: Campaign,
    step: str,
    shard: int,
    *,
    languages: Sequence[str],
    now: datetime,
) -> None:
    """Queue the mails a shard owes for a step; one already there is left alone.

    Each in that of the `languages` which is nearest to the account's locale. A first notice is
    there of everybody: of an account that gets no mail now it is cancelled, and owed once the
    account is open again (`mended.reopen_returned`).
    Everyone has the first notice, the silent what follows. Whoever has to approve before the
    version governs them is asked; the others are told, also of a law that requires it, and minors,
    who cannot approve. That a version was withdrawn is told to those who were told, or may have
    been, of it or of one whose place it took; that it comes later, to those of them who were before
    that was decided; that mails were wrong to those who had wrong words before they were put right,
    be it about a version that this one corrects (P8).
    """
    of_shard = and_(
        col(CampaignAddressee.campaign_id) == campaign.id, col(CampaignAddressee.shard) == shard
    )
    add_first_links(transaction, of_shard, now)
    without_address = col(Account.email) == ""
    asks, of_a_minor = col(CampaignAddressee.asks_approval), col(Account.kind) == AccountKind.MINOR
    version = transaction.get_one(PolicyVersion, campaign.policy_version_id)
    by_law = col(CampaignAddressee.governing_version_id).in_(bases_by_law(transaction, version))
    kept_back = ~is_mailed()
    given: dict[str, Any] = {
        "id": id_of_each(),
        "subject_kind": literal(CAMPAIGN),
        "subject_id": col(CampaignAddressee.campaign_id),
        "addressee_kind": literal(ACCOUNT),
        "addressee_id": col(CampaignAddressee.account_id),
        "step": literal(step),
        "shard": col(CampaignAddressee.shard),
        "template": case(
            (and_(asks, of_a_minor), notice_template(step, minor=True)),
            (asks, notice_template(step, asks_approval=True)),
            (by_law, notice_template(step, by_law=True)),
            else_=notice_template(step),
        ),
        "variant": col(CampaignAddressee.governing_version_id),
        "language": language_of_account(languages),
        "link_id": col(Link.id),
        "state": case((kept_back, "cancelled"), (without_address, "no_address"), else_="queued"),
        "reason": case(
            (kept_back, "the account got no mail then: it was closed, or of another kind"),
            (without_address, "the account has no address"),
        ),
        "attempts": literal(0),
        "queued_at": literal(now, UTCDateTime()),
    }
    owed = (
        select_columns(*given.values())
        .join_from(CampaignAddressee, Account, col(Account.id) == CampaignAddressee.account_id)
        .join(Link, col(Link.subject_id) == col(CampaignAddressee.id))
        .where(
            of_shard,
            true() if step == FIRST_NOTICE else is_mailed(),
            col(Link.successor_id).is_(None),
            _is_owed(transaction, campaign, step),
        )
        .order_by(col(CampaignAddressee.account_id))
    )
    insert_selected(transaction, OutboxMail, list(given), owed)


def notice_template(
    step: str, *, asks_approval: bool = False, by_law: bool = False, minor: bool = False
) -> str:
    """Which mail a step of a campaign sends to an account holder. `minor`: to one whom it does not
    govern, and who cannot approve."""
    if step == WITHDRAWAL:
        return "change_withdrawn"
    if step.startswith(POSTPONEMENT):
        return "change_postponed"
    if step.startswith(CORRECTION):
        return "change_corrected"
    if minor:
        return "minor_first_notice"
    if not asks_approval:
        return "law_first_notice" if by_law else "notice_first_notice"
    return "approval_first_notice" if step == FIRST_NOTICE else "approval_reminder"


def is_reminder(step: str) -> bool:
    """Whether a step is a courtesy: without it nobody misses anything they were owed."""
    return step.startswith(RungKind.REMINDER)


def asks_anybody(session: Session, campaign_id: UUID) -> bool:
    """Whether anybody addressed has to approve; if not, there is nobody to remind."""
    query = select(CampaignAddressee.id).where(
        CampaignAddressee.campaign_id == campaign_id, is_asked()
    )
    return session.exec(query.limit(1)).first() is not None


def step_taken(session: Session, campaign_id: UUID, step: str) -> bool:
    """Whether a step was taken already."""
    return (
        session.exec(
            select(CampaignStep).where(
                CampaignStep.campaign_id == campaign_id, CampaignStep.step == step
            )
        ).first()
        is not None
    )


def steps_taken(session: Session, campaign_id: UUID) -> Sequence[CampaignStep]:
    """The steps that were taken."""
    return session.exec(select(CampaignStep).where(CampaignStep.campaign_id == campaign_id)).all()


def take_step(
    transaction: Session,
    campaign_id: UUID,
    step: str,
    *,
    due_at: datetime,
    now: datetime,
    effect_at: datetime | None = None,
) -> bool:
    """Note a step as taken, with its fact; False when it was taken before. `effect_at`: the date
    of effect that it is about."""
    if step_taken(transaction, campaign_id, step):
        return False
    transaction.add(
        CampaignStep(
            campaign_id=campaign_id, step=step, due_at=due_at, effect_at=effect_at, taken_at=now
        )
    )
    mails = states(transaction, Batch(subject_id=campaign_id, step=step))
    record(
        transaction, "campaign.step_taken", campaign_id, now, step=step, due_at=due_at, mails=mails
    )
    return True


def progress(session: Session, campaign: Campaign) -> Progress:
    """How a campaign stands now."""
    latest = (
        select(Approval.account_id, func.max(Approval.decided_at).label("at"))
        .where(counts_for(campaign.policy_version_id))
        .group_by(col(Approval.account_id))
        .subquery()
    )
    decisions = dict(
        session.exec(
            select(Approval.decision, func.count())
            .join(
                latest,
                (latest.c.account_id == Approval.account_id) & (latest.c.at == Approval.decided_at),
            )
            .join(
                CampaignAddressee,
                (col(CampaignAddressee.account_id) == col(Approval.account_id))
                & (col(CampaignAddressee.campaign_id) == campaign.id),
            )
            .where(counts_for(campaign.policy_version_id))
            .group_by(Approval.decision)
        ).all()
    )
    addressees = count_addressees(session, campaign.id)
    mails = states(session, Batch(subject_id=campaign.id, step=FIRST_NOTICE))
    approved = decisions.get(Decision.APPROVED, 0)
    declined = decisions.get(Decision.DECLINED, 0)
    told_only = _count_told_only(session, campaign)
    return Progress(
        addressees=addressees,
        approved=approved,
        declined=declined,
        silent=addressees
        - approved
        - declined
        - told_only
        - _count_asked_in_vain(session, campaign),
        told_only=told_only,
        not_reached=count_not_reached(session, campaign),
        reached_otherwise=session.exec(
            select(func.count())
            .select_from(MissedNotice)
            .where(
                MissedNotice.campaign_id == campaign.id, col(MissedNotice.reached_at).is_not(None)
            )
        ).one(),
        mails=mails,
    )


def _count_asked_in_vain(session: Session, campaign: Campaign) -> int:
    """How many were asked, have not answered, and were never reached."""
    return session.exec(
        select(func.count(col(OutboxMail.id))).where(
            reached_nobody(campaign),
            ~_reached_otherwise(campaign.id, col(OutboxMail.addressee_id)),
            is_silent(campaign),
        )
    ).one()


def _count_told_only(session: Session, campaign: Campaign) -> int:
    return session.exec(
        select(func.count())
        .select_from(CampaignAddressee)
        .where(
            CampaignAddressee.campaign_id == campaign.id,
            ~is_asked(),
            ~_has_answered(campaign),
        )
    ).one()


def addressee_by_id(session: Session, addressee_id: UUID) -> CampaignAddressee:
    """The addressee a link was made for."""
    return session.get_one(CampaignAddressee, addressee_id)


def addressee_of(session: Session, version_id: UUID, account_id: UUID) -> CampaignAddressee | None:
    """An account as the campaign of a version addresses it; None when it does not."""
    return session.exec(
        select(CampaignAddressee)
        .join(Campaign, col(Campaign.id) == col(CampaignAddressee.campaign_id))
        .where(Campaign.policy_version_id == version_id, CampaignAddressee.account_id == account_id)
        .order_by(col(Campaign.generation).desc())
    ).first()


def link_of(session: Session, version_id: UUID, account_id: UUID) -> Link | None:
    """The link of an account to its page about a version; None when it has none."""
    addressee = addressee_of(session, version_id, account_id)
    if addressee is None:
        return None
    return session.exec(
        select(Link).where(Link.subject_id == addressee.id, col(Link.successor_id).is_(None))
    ).first()


def count_not_reached(session: Session, campaign: Campaign) -> int:
    """How many the first notice did not reach and nobody told otherwise, those who came late too
    (P4)."""
    late = session.exec(
        select(func.count())
        .select_from(Account)
        .where(joined_later(session, campaign), ~_reached_otherwise(campaign.id, col(Account.id)))
    ).one()
    return count_missed(session, campaign, UNDELIVERABLE) + late


def count_missed(session: Session, campaign: Campaign, mail_states: Sequence[str]) -> int:
    """How many first notices are in these states and reached nobody, without those whose holder was
    told otherwise."""
    return session.exec(
        select(func.count(col(OutboxMail.id))).where(
            reached_nobody(campaign, mail_states),
            ~_reached_otherwise(campaign.id, col(OutboxMail.addressee_id)),
        )
    ).one()


def reached_nobody(
    campaign: Campaign, mail_states: Sequence[str] = UNDELIVERABLE
) -> ColumnElement[bool]:
    """Of an addressee, its account and its first notice: whether that reached nobody, although it
    is owed. What is queued may reach them yet, what a campaign that was called off kept back is
    owed no more, and who has answered knows."""
    return and_(
        col(CampaignAddressee.campaign_id) == campaign.id,
        col(Account.id) == col(CampaignAddressee.account_id),
        _is_missed(campaign, mail_states),
        is_mailed(),
        ~_has_answered(campaign),
    )


def _is_missed(campaign: Campaign, mail_states: Sequence[str]) -> ColumnElement[bool]:
    """Of an addressee and its first notice, whether that reached nobody."""
    no_more = ["cancelled"] if campaign.state in CALLED_OFF else []
    return and_(
        col(OutboxMail.subject_id) == campaign.id,
        col(OutboxMail.addressee_id) == col(CampaignAddressee.account_id),
        col(OutboxMail.step) == FIRST_NOTICE,
        col(OutboxMail.state).in_([state for state in mail_states if state not in no_more]),
    )


def joined_later(session: Session, campaign: Campaign) -> ColumnElement[bool]:
    """Whether an account joined or came back after the audience was frozen, or turned out only then
    to be a person's, before the version was in force: it is not mailed, and does not hold the date
    (P7). Of a version that never comes nobody is owed word."""
    if campaign.audience_frozen_at is None or campaign.state in CALLED_OFF:
        return false()
    version = session.get_one(PolicyVersion, campaign.policy_version_id)
    until = in_force_from(version)
    return and_(
        is_mailed(),
        open_since() > campaign.audience_frozen_at,
        ~_addressed(campaign.id),
        true() if until is None else open_since() < until,
    )


def _is_owed(session: Session, campaign: Campaign, step: str) -> ColumnElement[bool]:
    if step == FIRST_NOTICE:
        return true()
    if step.startswith(CORRECTION):
        return had_wrong_words(session, corrections(session, campaign.id)[step])
    if step.startswith(POSTPONEMENT):
        decided_at = postponements(session, campaign.policy_version_id)[step]
        return _was_mailed_before(_waiting(session, campaign), decided_at + AT_THE_SAME_TIME)
    if step == WITHDRAWAL:
        return _was_mailed(_waiting(session, campaign))
    return is_silent(campaign)


def _waiting(session: Session, campaign: Campaign) -> Sequence[UUID]:
    """The campaigns whose mails make people wait for what becomes of this one's version."""
    return [campaign.id, *campaigns_replaced(session, campaign.policy_version_id)]


_OWN = aliased(Account)
"""An addressee's own account, beside those of the question."""


def is_asked() -> ColumnElement[bool]:
    """Of an addressee, whether its approval is asked for: a minor cannot give it (P5)."""
    of_a_minor = exists().where(
        col(_OWN.id) == col(CampaignAddressee.account_id), col(_OWN.kind) == AccountKind.MINOR
    )
    return and_(col(CampaignAddressee.asks_approval), ~of_a_minor)


def is_silent(campaign: Campaign) -> ColumnElement[bool]:
    """Of an addressee, whether it was asked for its approval and has not answered."""
    return and_(~_has_answered(campaign), is_asked())


def stays_silent(campaign: Campaign) -> ColumnElement[bool]:
    """Of an addressee and its account, whether it was asked, was reached and has not answered; who
    was not reached is counted as that."""
    never_reached = and_(
        exists().where(_is_missed(campaign, UNDELIVERABLE)),
        is_mailed(),
        ~_reached_otherwise(campaign.id, col(CampaignAddressee.account_id)),
    )
    return and_(is_silent(campaign), ~never_reached)


def _has_answered(campaign: Campaign) -> ColumnElement[bool]:
    return exists().where(
        col(Approval.account_id) == col(CampaignAddressee.account_id),
        counts_for(campaign.policy_version_id),
    )


def _reached_otherwise(campaign_id: UUID, account_id: Mapped[UUID]) -> ColumnElement[bool]:
    return exists().where(
        col(MissedNotice.campaign_id) == campaign_id,
        col(MissedNotice.account_id) == account_id,
        col(MissedNotice.reached_at).is_not(None),
    )


def _was_mailed(campaigns: Sequence[UUID]) -> ColumnElement[bool]:
    return exists().where(
        col(OutboxMail.subject_id).in_(campaigns),
        col(OutboxMail.addressee_id) == col(CampaignAddressee.account_id),
        col(OutboxMail.step) == FIRST_NOTICE,
        maybe_told(),
    )


def _was_mailed_before(campaigns: Sequence[UUID], instant: datetime) -> ColumnElement[bool]:
    """Whether a mail of the campaigns went out, or may have, that was written before an instant."""
    return exists().where(
        col(OutboxMail.subject_id).in_(campaigns),
        col(OutboxMail.addressee_id) == col(CampaignAddressee.account_id),
        maybe_told_before(instant),
    )


def _addressed(campaign_id: UUID) -> ColumnElement[bool]:
    return exists().where(
        col(CampaignAddressee.campaign_id) == campaign_id,
        col(CampaignAddressee.account_id) == col(Account.id),
    )
