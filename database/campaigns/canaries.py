"""Canaries: a fair sample of a campaign's addressees is mailed first, and looked at (P8)."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy import ColumnElement, true, update
from sqlmodel import Session, col, func, select

from database.campaigns.controls import CANARY, last_resumed_at, stop_by_machine
from database.campaigns.freezing import SHARD_SIZE
from database.campaigns.progress import count_addressees
from database.campaigns.shards import canary_to_come
from database.chunks import Advance
from database.engine import Database
from database.facts import record
from database.mail.outbox import ACCOUNT, CARRIED
from database.mail.steps import FIRST_NOTICE, RUNNING
from database.tables import Campaign, CampaignAddressee, MailAttempt, OutboxMail
from database.writing import held
from domain.campaigns.sending import Canary, Limits, Tally, why_stop, why_stop_canary

FAILED = ("bounced", "dropped", "rejected")
NOT_SENT = ("cancelled", "suppressed", "no_address", CARRIED)
UNKNOWN = ("sending", "unknown", "operator")


def choose_canary(
    database: Database,
    campaign_id: UUID,
    canary: Canary,
    now: datetime,
    progress: Advance = lambda _rows: None,
) -> None:
    """Give those who are to be mailed first shards of their own, below nought; once.

    The audience is frozen. Chunk by chunk: an interrupted choice goes on where it stopped, two at
    once do no harm, and `progress` may end it.
    """
    with database.session() as session:
        size = canary.size(count_addressees(session, campaign_id))
    while not _choose_chunk(database, campaign_id, size, _draw(database, campaign_id, size), now):
        progress(SHARD_SIZE)


def look_at_canary(
    transaction: Session, campaign_id: UUID, canary: Canary, limits: Limits, now: datetime
) -> tuple[UUID, ...]:
    """Note that the canary is mailed, or, once its time is over, let the others have theirs.

    Where the mail service answered with errors the campaign is paused as soon as the canary is
    mailed, as half an hour more would tell nothing; where too much went wrong, once its time is
    over. Where nobody of it had to be mailed, as with a correction of what they had been told,
    nobody waits. Returns the mails that tell its owner then. Looking too early, or at a campaign
    that is paused, changes nothing.
    """
    campaign = held(transaction, Campaign, campaign_id)
    if campaign.state != RUNNING or not canary_to_come(campaign):
        return ()
    tally = _tally(transaction, campaign)
    if campaign.canary_until is None and tally.copies:
        campaign.canary_until = now + canary.wait_period
        record(transaction, "campaign.canary_mailed", campaign_id, now, addressees=tally.copies)
        refused = _refused(transaction, campaign)
        return _stop(transaction, campaign, why_stop_canary(tally.copies, refused, limits), now)
    campaign.canary_until = campaign.canary_until or now
    if now < campaign.canary_until:
        return ()
    campaign.canary_ended_at = now
    record(transaction, "campaign.canary_ended", campaign_id, now, **vars(tally))
    return _stop(transaction, campaign, why_stop(tally, limits), now)


def _stop(
    transaction: Session, campaign: Campaign, wrong: str | None, now: datetime
) -> tuple[UUID, ...]:
    if wrong is None:
        return ()
    return stop_by_machine(transaction, campaign.id, CANARY, f"The canary: {wrong}", now)


def _draw(database: Database, campaign_id: UUID, size: int) -> Sequence[UUID]:
    """A shard of those who are not chosen yet, by lot; drawn without holding anybody up."""
    with database.session() as session:
        return session.exec(
            select(CampaignAddressee.id)
            .where(_of(campaign_id), col(CampaignAddressee.shard) >= 0)
            .order_by(func.random())
            .limit(min(size, SHARD_SIZE))
        ).all()


def _choose_chunk(
    database: Database, campaign_id: UUID, size: int, drawn: Sequence[UUID], now: datetime
) -> bool:
    """Add those drawn to the canary, as far as it has room; whether it is full."""
    with database.transaction() as transaction:
        campaign = held(transaction, Campaign, campaign_id)
        if campaign.canary is not None:
            return True
        chosen = transaction.exec(
            select(func.count())
            .select_from(CampaignAddressee)
            .where(_of(campaign_id), col(CampaignAddressee.shard) < 0)
        ).one()
        if chosen >= size:
            campaign.canary = size
            record(transaction, "campaign.canary_chosen", campaign_id, now, addressees=size)
            return True
        transaction.execute(
            update(CampaignAddressee)
            .where(
                col(CampaignAddressee.id).in_(drawn[: size - chosen]),
                col(CampaignAddressee.shard) >= 0,
            )
            .values(shard=-1 - chosen // SHARD_SIZE)
        )
        return False


def _refused(session: Session, campaign: Campaign) -> int:
    """Copies of the canary in doubt whose requests were answered with an error, since somebody last
    let the campaign go on."""
    resumed_at = last_resumed_at(session, campaign.policy_version_id)
    return session.exec(
        select(func.count())
        .select_from(OutboxMail)
        .join(MailAttempt, col(MailAttempt.id) == col(OutboxMail.attempt_id))
        .where(
            OutboxMail.subject_id == campaign.id,
            OutboxMail.step == FIRST_NOTICE,
            col(OutboxMail.shard) < 0,
            col(OutboxMail.state).in_(UNKNOWN),
            col(MailAttempt.answered).is_not(None),
            col(MailAttempt.started_at) > resumed_at if resumed_at else true(),
        )
    ).one()


def _tally(session: Session, campaign: Campaign) -> Tally:
    states = dict(
        session.exec(
            select(OutboxMail.state, func.count())
            .where(
                OutboxMail.subject_id == campaign.id,
                OutboxMail.addressee_kind == ACCOUNT,
                OutboxMail.step == FIRST_NOTICE,
                col(OutboxMail.shard) < 0,
                col(OutboxMail.state).not_in(NOT_SENT),
            )
            .group_by(OutboxMail.state)
        ).all()
    )
    return Tally(
        copies=sum(states.values()),
        failed=sum(states.get(state, 0) for state in FAILED),
        complained=states.get("complained", 0),
        unknown=sum(states.get(state, 0) for state in UNKNOWN),
    )


def _of(campaign_id: UUID) -> ColumnElement[bool]:
    return col(CampaignAddressee.campaign_id) == campaign_id
