"""The shards of a campaign: which go first, which are done with a step, and what each is mailed."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, and_, case, exists, literal, true
from sqlalchemy import select as select_columns
from sqlmodel import Session, col, func, select
from sqlmodel.sql.sqltypes import UTCDateTime

from database.approvals.reach import had_wrong_words
from database.campaigns.owed import corrections, postponements
from database.campaigns.progress import owes_answer
from database.ids import id_of_each
from database.mail.outbox import (
    ACCOUNT,
    CAMPAIGN,
    CARRIED,
    IN_DOUBT,
)
from database.mail.steps import CORRECTION, FIRST_NOTICE, POSTPONEMENT, WITHDRAWAL, notice_template
from database.mail.told import maybe_told, maybe_told_before
from database.people.accounts import is_mailed, language_of_account
from database.people.links import add_first_links
from database.policies.law import bases_by_law
from database.policies.lineage import campaigns_replaced
from database.tables import Account, Campaign, CampaignAddressee, Link, OutboxMail, PolicyVersion
from database.writing import insert_selected
from domain.people.account_holders import AccountKind

AT_THE_SAME_TIME = timedelta(seconds=5)
"""A mail that is begun so soon after a decision may still have been written before it."""


@dataclass(frozen=True, kw_only=True)
class CanaryStanding:
    """How many are mailed first, until when the others wait, and when that was over (P8)."""

    addressees: int
    until: datetime | None
    ended_at: datetime | None


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


def not_begun(session: Session, campaign_id: UUID, steps: Sequence[str]) -> tuple[str, ...]:
    """Those of the steps of which no mail is queued yet: every shard is open for them."""
    begun = (
        exists().where(
            col(OutboxMail.subject_id) == campaign_id,
            col(OutboxMail.addressee_kind) == ACCOUNT,
            col(OutboxMail.step) == step,
        )
        for step in steps
    )
    found = session.execute(select_columns(true(), *begun)).one()[1:]
    return tuple(step for step, is_there in zip(steps, found, strict=True) if not is_there)


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
    Everyone has the first notice, who has not answered what follows. Whoever has to approve before
    the version governs them is asked; the others are told, also of a law that requires it, and
    minors, who cannot approve. That a version was withdrawn is told to those who were told, or may
    have been, of it or of one whose place it took; that it comes later, to those of them who were
    before that was decided, or, where only a correction comes later, whose mail was carried: its
    own say from when on it takes effect at the earliest; that mails were wrong to those who had
    wrong words before they were put right, be it about a version that this one corrects (P8).
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
    # By the plain column SQLite would walk the whole campaign in its order for the sake of a shard.
    in_no_index = func.coalesce(col(CampaignAddressee.account_id), col(CampaignAddressee.id))
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
        .order_by(in_no_index)
    )
    insert_selected(transaction, OutboxMail, list(given), owed)


def _is_owed(session: Session, campaign: Campaign, step: str) -> ColumnElement[bool]:
    if step == FIRST_NOTICE:
        return true()
    if step.startswith(CORRECTION):
        return had_wrong_words(session, corrections(session, campaign.id)[step])
    if step.startswith(POSTPONEMENT):
        act = postponements(session, campaign.policy_version_id)[step]
        before = _was_mailed_before(_waiting(session, campaign), act.acted_at + AT_THE_SAME_TIME)
        return before if act.staff_id else and_(before, _was_carried(campaign))
    if step == WITHDRAWAL:
        return _was_mailed(_waiting(session, campaign))
    return owes_answer(campaign)


def _waiting(session: Session, campaign: Campaign) -> Sequence[UUID]:
    """The campaigns whose mails make people wait for what becomes of this one's version."""
    return [campaign.id, *campaigns_replaced(session, campaign.policy_version_id)]


def _was_carried(campaign: Campaign) -> ColumnElement[bool]:
    """Whether a mail about a version that this one corrects stands for its first notice."""
    return exists().where(
        col(OutboxMail.subject_id) == campaign.id,
        col(OutboxMail.addressee_id) == col(CampaignAddressee.account_id),
        col(OutboxMail.step) == FIRST_NOTICE,
        col(OutboxMail.state) == CARRIED,
    )


def _was_mailed(campaigns: Sequence[UUID]) -> ColumnElement[bool]:
    """Whether any mail of the campaigns went out, or may have: a link sent again too."""
    return exists().where(
        col(OutboxMail.subject_id).in_(campaigns),
        col(OutboxMail.addressee_id) == col(CampaignAddressee.account_id),
        maybe_told(),
    )


def _was_mailed_before(campaigns: Sequence[UUID], instant: datetime) -> ColumnElement[bool]:
    """Whether a mail of the campaigns went out, or may have, that was written before an instant."""
    return exists().where(
        col(OutboxMail.subject_id).in_(campaigns),
        col(OutboxMail.addressee_id) == col(CampaignAddressee.account_id),
        maybe_told_before(instant),
    )
