"""Mails under way that no workflow is at any more: each needs a sender of its own (P4)."""

from collections.abc import Collection, Sequence
from uuid import UUID

from sqlalchemy import and_, exists, or_, true
from sqlmodel import Session, col, select

from database.mail.outbox import (
    IN_DOUBT,
    LINK_AGAIN,
    MINOR_CHECK,
    OWED_AGAIN,
    REQUEST,
    RESTRICTION,
    SENT_AGAIN,
    VERSION,
    subject_is_running,
)
from database.mail.steps import FIRST_NOTICE, OWNERS_REPORT, STOPPED
from database.tables import Campaign, CampaignStep, DataSubjectRequest, OutboxMail


def steps_without_sender(
    session: Session, *, account_id: UUID | None = None, mail_ids: Collection[UUID] = ()
) -> Sequence[tuple[UUID, str]]:
    """A campaign's steps that are taken, with mails under way: they need a delivery together, as
    they may be a million. So does a first notice that is still being sent, once some of it is owed
    again: the shards of those may be done. Each with the campaign's id; only where a mail to an
    account, or one of these mails, is under way, where those are given."""
    of_account = col(OutboxMail.addressee_id) == account_id if account_id else true()
    of_mails = col(OutboxMail.id).in_(mail_ids) if mail_ids else true()
    taken = session.exec(
        select(CampaignStep.campaign_id, CampaignStep.step).where(
            exists().where(
                col(OutboxMail.subject_id) == col(CampaignStep.campaign_id),
                col(OutboxMail.step) == col(CampaignStep.step),
                col(OutboxMail.state).in_(["queued", *IN_DOUBT]),
                subject_is_running(),
                of_account,
                of_mails,
            )
        )
    ).all()
    being_sent = session.exec(
        select(Campaign.id).where(
            col(Campaign.finished_at).is_(None),
            ~exists().where(
                col(CampaignStep.campaign_id) == col(Campaign.id),
                col(CampaignStep.step) == FIRST_NOTICE,
            ),
            exists().where(
                col(OutboxMail.subject_id) == col(Campaign.id),
                col(OutboxMail.step) == FIRST_NOTICE,
                col(OutboxMail.state) == "queued",
                col(OutboxMail.reason).in_(OWED_AGAIN),
                subject_is_running(),
                of_account,
                of_mails,
            ),
        )
    ).all()
    return [*taken, *((campaign_id, FIRST_NOTICE) for campaign_id in being_sent)]


def without_sender(session: Session) -> Sequence[OutboxMail]:
    """Single mails under way whose own workflow sends no more: each needs a delivery of its own,
    unless the workflow of an answered request is just at it.

    Links asked for again, test mails, word to a campaign's owner that did not go out at once, word
    that a restriction ends or that somebody is said to be a minor, the mails of answered requests,
    and what is sent again to requesters although it was left to ops.
    """
    again = and_(
        col(OutboxMail.subject_kind) == REQUEST,
        col(OutboxMail.state) == "queued",
        col(OutboxMail.reason).in_(SENT_AGAIN),
    )
    answered = exists().where(
        col(DataSubjectRequest.id) == col(OutboxMail.subject_id),
        col(DataSubjectRequest.answered_at).is_not(None),
    )
    return session.exec(
        select(OutboxMail).where(
            col(OutboxMail.state).in_(["queued", *IN_DOUBT]),
            or_(
                col(OutboxMail.step).startswith(LINK_AGAIN),
                col(OutboxMail.step).startswith(STOPPED, autoescape=True),
                col(OutboxMail.step) == OWNERS_REPORT,
                col(OutboxMail.subject_kind).in_([VERSION, RESTRICTION, MINOR_CHECK]),
                answered,
                again,
            ),
            subject_is_running(),
        )
    ).all()
