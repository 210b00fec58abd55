"""One version takes the place of another that is announced and not in force yet (P8).

Where the new one only mends the old one, what people were told and what they decided counts for it
too (P6): nobody is told twice or asked again.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID
from zoneinfo import ZoneInfo

from sqlalchemy import exists, or_
from sqlalchemy.orm import aliased
from sqlmodel import Session, col, func, select

from database.assessments import is_clean
from database.campaigns import FIRST_NOTICE, REPLACED, WITHDRAWN, campaign_of
from database.counting import counts_for
from database.facts import record
from database.mail_rows import Batch
from database.outbox import REACHED, carry, waiting_in
from database.policies import (
    announced_versions,
    corrected_by,
    put_in_force,
    replace,
    said_on,
)
from database.tables import Approval, Campaign, CampaignAddressee, OutboxMail, PolicyVersion
from database.without_approval import promise_of
from database.writing import held
from domain.reviews import VersionClass, VersionState
from domain.without_approval import keeps


@dataclass(frozen=True, kw_only=True)
class Taken:
    """A place that was taken: the day that was said of the old version, where approvals of it count
    for the new one, and whether this one only `corrects` it."""

    said_on: date | None = None
    corrects: bool = False


NO_PLACE = Taken()


def take_place(
    transaction: Session, version: PolicyVersion, now: datetime, zone: ZoneInfo
) -> Taken:
    """Let a version that is being announced, its policy held, take the announced one's place.

    What is queued of the old one does not go out, and its campaign ends. Nobody is told of a
    version that is only posted: then whoever was mailed hears that the change is off. One whose
    date has come is put in force: it can only be followed.
    """
    for announced in announced_versions(transaction, version.policy_id):
        old = held(transaction, PolicyVersion, announced.id)
        if put_in_force(transaction, old, now):
            record(transaction, "notice.down", old.id, now)
            transaction.flush()  # it leaves before the next one comes: only one is announced
            return NO_PLACE
        said = said_on(old, zone) if is_clean(transaction, old, version) else None
        corrects = _corrects(transaction, old, version)
        replace(transaction, old, by=version, now=now)
        record(transaction, "notice.down", old.id, now)
        _end_campaign(transaction, old, told_off=version.version_class == VersionClass.EDITORIAL)
        if corrects:
            _correct(transaction, old, version)
        return Taken(said_on=said, corrects=corrects)
    return NO_PLACE


def carry_over(transaction: Session, campaign: Campaign, batch: Batch, now: datetime) -> None:
    """Of the mails queued for a step, keep back those that a corrected version's stand for."""
    if not batch.step or not corrected_by(transaction, campaign.policy_version_id):
        return
    waiting = waiting_in(transaction, batch)
    had = _carried(transaction, campaign, batch.step, set(waiting.values()))
    carry(transaction, {mail: had[who] for mail, who in waiting.items() if who in had}, now)


def _carried(
    session: Session, campaign: Campaign, step: str, account_ids: Collection[UUID]
) -> Mapping[UUID, datetime | None]:
    """Who of these needs no mail of a step, as they had it about a version that this one corrects.

    With the instant at which the mail service took it; None for those who decided without it. Only
    where both versions ask the same of the account, or it has answered, and from the same text.
    """
    earlier = aliased(CampaignAddressee)
    answered = exists().where(
        col(Approval.account_id) == col(CampaignAddressee.account_id),
        counts_for(campaign.policy_version_id),
    )
    same = (
        select(CampaignAddressee.account_id, earlier.campaign_id)
        .join(earlier, col(earlier.account_id) == col(CampaignAddressee.account_id))
        .join(Campaign, col(Campaign.id) == col(earlier.campaign_id))
        .join(PolicyVersion, col(PolicyVersion.id) == col(Campaign.policy_version_id))
        .where(
            CampaignAddressee.campaign_id == campaign.id,
            col(CampaignAddressee.account_id).in_(account_ids),
            PolicyVersion.corrected_by_id == campaign.policy_version_id,
            or_(col(earlier.asks_approval) == CampaignAddressee.asks_approval, answered),
            earlier.governing_version_id == CampaignAddressee.governing_version_id,
        )
        .subquery()
    )
    had = session.exec(
        select(OutboxMail.addressee_id, func.max(OutboxMail.accepted_at))
        .join(
            same,
            (same.c.account_id == OutboxMail.addressee_id)
            & (same.c.campaign_id == OutboxMail.subject_id),
        )
        .where(OutboxMail.step == step, col(OutboxMail.state).in_(REACHED))
        .group_by(col(OutboxMail.addressee_id))
    ).all()
    decided: Sequence[UUID] = ()
    if step == FIRST_NOTICE:
        decided = session.exec(
            select(Approval.account_id)
            .join(same, same.c.account_id == Approval.account_id)
            .where(counts_for(campaign.policy_version_id))
        ).all()
    return {**dict.fromkeys(decided), **dict(had)}


def _corrects(session: Session, old: PolicyVersion, version: PolicyVersion) -> bool:
    """Whether what was said of the old one is right for the new one, what happens without approval
    too. Of a postponed one it was said that it comes later: then everybody has to hear of the new
    day."""
    said = old.state == VersionState.ANNOUNCED and old.version_class == version.version_class
    return said and keeps(promise_of(old), promise_of(version)) and is_clean(session, old, version)


def _end_campaign(transaction: Session, version: PolicyVersion, *, told_off: bool) -> None:
    campaign = campaign_of(transaction, version.id)
    if campaign is None:
        return
    campaign = held(transaction, Campaign, campaign.id)
    campaign.state = WITHDRAWN if told_off else REPLACED


def _correct(transaction: Session, old: PolicyVersion, version: PolicyVersion) -> None:
    """What counted for the old one counts for the new one, as far as nothing worsens on the way."""
    for each in (old, *corrected_by(transaction, old.id)):
        clean = is_clean(transaction, each, version)
        each.corrected_by_id = version.id if clean else None
    transaction.flush()
