"""One version takes the place of another that is announced and not in force yet (P8).

Where the new one only mends the old one, what people were told and what they decided counts for it
too (P6): nobody is told twice or asked again.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID
from zoneinfo import ZoneInfo

from sqlalchemy import and_, or_
from sqlalchemy.orm import aliased
from sqlmodel import Session, col, select

from database.campaigns.campaigns import campaign_of
from database.campaigns.mended_versions import corrects
from database.campaigns.owed import drop_correction
from database.facts import record
from database.mail.mail_rows import Batch
from database.mail.outbox import (
    ACCOUNT,
    GOT_IT,
    carry,
    last_accepted_at,
    waiting_in,
)
from database.mail.steps import FIRST_NOTICE, REPLACED, WITHDRAWN
from database.mail.told import maybe_told
from database.policies.assessments import is_clean
from database.policies.counting import counts_for, has_answered
from database.policies.lineage import campaigns_of_lineage, campaigns_replaced
from database.policies.policies import (
    announced_versions,
    corrected_by,
    put_in_force,
    replace,
    said_on,
)
from database.tables import (
    Approval,
    Campaign,
    CampaignAddressee,
    ControlAct,
    OutboxMail,
    PolicyVersion,
)
from database.writing import held
from domain.policies.reviews import VersionClass


@dataclass(frozen=True, kw_only=True)
class Taken:
    """A place that was taken: the day that was said of the old version, where approvals of it count
    for the new one, and whether this one only `corrects` it."""

    said_on: date | None = None
    corrects: bool = False


NO_PLACE = Taken()


def take_place(
    transaction: Session,
    version: PolicyVersion,
    now: datetime,
    zone: ZoneInfo,
    *,
    heard_at: datetime | None,
) -> Taken:
    """Let a version that is being announced, its policy held, take the announced one's place.

    What is queued of the old one does not go out, and its campaign ends. Nobody is told of a
    version that is only posted: then whoever was mailed hears that the change is off. One whose
    date has come is put in force: it can only be followed. `heard_at`: when its workflows are told.
    """
    for announced in announced_versions(transaction, version.policy_id):
        old = held(transaction, PolicyVersion, announced.id)
        if put_in_force(transaction, old, now):
            record(transaction, "notice.down", old.id, now)
            transaction.flush()  # it leaves before the next one comes: only one is announced
            return NO_PLACE
        said = said_on(old, zone) if is_clean(transaction, old, version) else None
        is_correction = corrects(transaction, old, version)
        replace(transaction, old, by=version, now=now)
        _note(transaction, old, version, now, heard_at)
        record(transaction, "notice.down", old.id, now)
        told_off = version.version_class == VersionClass.EDITORIAL
        _end_campaign(transaction, old, now, told_off=told_off)
        if is_correction:
            _correct(transaction, old, version)
        return Taken(said_on=said, corrects=is_correction)
    return NO_PLACE


def told_before(
    session: Session, version_id: UUID, account_ids: Collection[UUID]
) -> frozenset[UUID]:
    """Who of these was told, or may have been, of a version whose place this one took."""
    earlier = campaigns_replaced(session, version_id)
    if not earlier:
        return frozenset()
    return frozenset(
        session.exec(
            select(OutboxMail.addressee_id).where(
                col(OutboxMail.subject_id).in_(earlier),
                col(OutboxMail.addressee_id).in_(account_ids),
                OutboxMail.step == FIRST_NOTICE,
                maybe_told(),
            )
        ).all()
    )


def last_told_at(session: Session, campaign: Campaign) -> datetime | None:
    """When the mail service took the last first notice that holds the date of effect (P7).

    Of a version that corrects another, those to whom that one's campaign spoke: whoever joined
    since is late for both. Of what was carried it is when the corrected version's was taken.
    """
    notices = Batch(subject_id=campaign.id, addressee_kind=ACCOUNT, step=FIRST_NOTICE)
    earlier = campaigns_of_lineage(session, campaign)[1:]
    if not earlier:
        return last_accepted_at(session, notices)
    addressed = select(CampaignAddressee.account_id).where(
        col(CampaignAddressee.campaign_id).in_(earlier)
    )
    return last_accepted_at(session, notices, col(OutboxMail.addressee_id).in_(addressed))


def tell_of_later_day(
    transaction: Session, version: PolicyVersion, effect_on: date, now: datetime
) -> None:
    """Where a correction comes later than was said of what it corrects: whose mail was carried
    hears it like any postponement (P8). Whoever just had one of its own mails read there from when
    on it takes effect at the earliest, as in any campaign, and hears nothing twice."""
    said = version.planned_effective_on
    if said and effect_on > said and corrected_by(transaction, version.id):
        act = ControlAct(
            policy_version_id=version.id,
            act="postpone",
            reason="some were told of it later than the others",
            acted_at=now,
            until_on=effect_on,
        )
        transaction.add(act)
        record(transaction, "campaign.postpone", version.id, now, until_on=effect_on.isoformat())


def carry_over(transaction: Session, campaign: Campaign, batch: Batch, now: datetime) -> None:
    """Of the mails queued for a step, keep back those that a corrected version's stand for.

    Those are held first: one that comes back a moment later finds what rests on it.
    """
    if not batch.step or not corrected_by(transaction, campaign.policy_version_id):
        return
    had = _carried(transaction, campaign, batch.step, batch.shard)
    waiting = waiting_in(transaction, batch)
    carry(transaction, {mail: had[who] for mail, who in waiting.items() if who in had}, now)


def _carried(
    transaction: Session, campaign: Campaign, step: str, shard: int | None
) -> Mapping[UUID, datetime | None]:
    """Who of a shard needs no mail of a step, as they had it about a version that this one
    corrects: those mails are ours until the transaction ends.

    With the instant at which the mail service took it; None for those who decided without it. Only
    where that mail said the same to the account, or it has answered, and from the same text:
    whoever was told as a minor and is grown up by now is asked.
    """
    earlier, waiting = aliased(CampaignAddressee), aliased(OutboxMail)
    answered = has_answered(col(CampaignAddressee.account_id), campaign.policy_version_id)
    same = (
        select(CampaignAddressee.account_id, earlier.campaign_id, answered.label("answered"))
        .join(earlier, col(earlier.account_id) == col(CampaignAddressee.account_id))
        .join(Campaign, col(Campaign.id) == col(earlier.campaign_id))
        .join(PolicyVersion, col(PolicyVersion.id) == col(Campaign.policy_version_id))
        .where(
            CampaignAddressee.campaign_id == campaign.id,
            CampaignAddressee.shard == shard,
            PolicyVersion.corrected_by_id == campaign.policy_version_id,
            earlier.governing_version_id == CampaignAddressee.governing_version_id,
        )
        .subquery()
    )
    had = transaction.exec(
        select(OutboxMail.addressee_id, OutboxMail.accepted_at)
        .join(
            same,
            (same.c.account_id == OutboxMail.addressee_id)
            & (same.c.campaign_id == OutboxMail.subject_id),
        )
        .join(
            waiting,
            and_(
                col(waiting.subject_id) == campaign.id,
                col(waiting.addressee_id) == OutboxMail.addressee_id,
                col(waiting.step) == step,
            ),
        )
        .where(
            OutboxMail.step == step,
            col(OutboxMail.state).in_(GOT_IT),
            or_(col(waiting.template) == OutboxMail.template, same.c.answered),
        )
        .order_by(col(OutboxMail.id))
        .with_for_update(of=OutboxMail, key_share=True)
    ).all()
    decided: Sequence[UUID] = ()
    if step == FIRST_NOTICE:
        decided = transaction.exec(
            select(Approval.account_id)
            .join(same, same.c.account_id == Approval.account_id)
            .where(counts_for(campaign.policy_version_id))
        ).all()
    return {**dict.fromkeys(decided), **dict(had)}


def _note(
    transaction: Session,
    old: PolicyVersion,
    by: PolicyVersion,
    now: datetime,
    heard_at: datetime | None,
) -> None:
    """Keep who had it give way, for whoever reads how its campaign came out."""
    act = ControlAct(
        policy_version_id=old.id,
        act="replace",
        reason=f"version {by.number} took its place",
        staff_id=by.released_by,
        acted_at=now,
        heard_at=heard_at,
    )
    transaction.add(act)


def _end_campaign(
    transaction: Session, version: PolicyVersion, now: datetime, *, told_off: bool
) -> None:
    campaign = campaign_of(transaction, version.id)
    if campaign is None:
        return
    campaign = held(transaction, Campaign, campaign.id)
    campaign.state = WITHDRAWN if told_off else REPLACED
    drop_correction(transaction, campaign, now)


def _correct(transaction: Session, old: PolicyVersion, version: PolicyVersion) -> None:
    """What counted for the old one counts for the new one, as far as nothing worsens on the way."""
    for each in (old, *corrected_by(transaction, old.id)):
        clean = is_clean(transaction, each, version)
        each.corrected_by_id = version.id if clean else None
    transaction.flush()
