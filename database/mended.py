"""A mended address: the first notice that nobody got goes out again with a new link (P4, P32)."""

from collections.abc import Collection, Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy import exists
from sqlmodel import Session, col, func, or_, select

from database.campaigns import FIRST_NOTICE, PAUSED, RUNNING
from database.counting import counts_for
from database.facts import record
from database.links import APPROVE
from database.outbox import ACCOUNT
from database.tables import (
    Approval,
    Campaign,
    CampaignAddressee,
    Link,
    OutboxMail,
    PolicyVersion,
)

GOT_BY_NOBODY = ("bounced", "dropped", "complained", "rejected", "suppressed", "no_address")
"""Of a mail of unknown outcome ops decide: somebody may have it."""


def reopen_first_notices(transaction: Session, accounts: Collection[UUID], now: datetime) -> int:
    """Queue again the first notices that did not reach these accounts at their old address.

    Of campaigns on their way, before the effect, and not for who has answered. Their links are
    replaced already (`links.replace_links`). Returns how many.
    """
    if not accounts:
        return 0
    missed = _missed(transaction, accounts, now)
    for mail, link_id in missed:
        record(transaction, "mail.reopened", mail.id, now, was=mail.state, link=link_id)
        mail.state, mail.reason = "queued", "the address was mended: sent again"
        mail.attempt_id = mail.claimed_at = mail.accepted_at = mail.settled_at = None
        mail.queued_at, mail.link_id = now, link_id
        transaction.add(mail)
    return len(missed)


def _missed(
    transaction: Session, accounts: Collection[UUID], now: datetime
) -> Sequence[tuple[OutboxMail, UUID]]:
    """The mails, ours until the transaction ends, each with the link that its reader has now."""
    answered = exists().where(
        col(Approval.account_id) == col(OutboxMail.addressee_id),
        counts_for(col(Campaign.policy_version_id)),
    )
    ends_at = func.coalesce(Campaign.asks_until, PolicyVersion.effective_at)
    return transaction.exec(
        select(OutboxMail, Link.id)
        .join(Campaign, col(Campaign.id) == col(OutboxMail.subject_id))
        .join(PolicyVersion, col(PolicyVersion.id) == col(Campaign.policy_version_id))
        .join(
            CampaignAddressee,
            (col(CampaignAddressee.campaign_id) == col(Campaign.id))
            & (col(CampaignAddressee.account_id) == col(OutboxMail.addressee_id)),
        )
        .join(
            Link,
            (col(Link.subject_id) == col(CampaignAddressee.id))
            & (Link.purpose == APPROVE)
            & col(Link.successor_id).is_(None),
        )
        .where(
            col(Campaign.state).in_([RUNNING, PAUSED]),
            or_(ends_at.is_(None), ends_at > now),
            col(OutboxMail.addressee_id).in_(accounts),
            OutboxMail.addressee_kind == ACCOUNT,
            OutboxMail.step == FIRST_NOTICE,
            col(OutboxMail.state).in_(GOT_BY_NOBODY),
            ~answered,
        )
        .order_by(col(OutboxMail.id))
        .with_for_update(of=OutboxMail, key_share=True)
    ).all()
