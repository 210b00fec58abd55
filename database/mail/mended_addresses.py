"""First notices that reach people after all: once an address is mended, or an account open again
(P4, P32)."""

from collections.abc import Collection, Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy import ColumnElement, and_, case, exists
from sqlmodel import Session, col, func, or_, select

from database.facts import record
from database.mail.mail_rows import of_campaigns_to
from database.mail.outbox import ACCOUNT, MAYBE_TOLD, MENDED, RETURNED
from database.mail.steps import FIRST_NOTICE, GOT_BY_NOBODY, PAUSED, RUNNING, notice_template
from database.people.accounts import is_mailed
from database.people.links import to_approve
from database.policies.counting import has_answered
from database.tables import (
    Account,
    Campaign,
    CampaignAddressee,
    Link,
    MailAttempt,
    OutboxMail,
    PolicyVersion,
)
from domain.people.account_holders import AccountKind


def reopen_re_addressed(transaction: Session, accounts: Collection[UUID], now: datetime) -> int:
    """Queue again the first notices that did not reach these accounts at their old address.

    Of campaigns on their way, before the effect, and not for who has answered. Their links are
    replaced already (`links.replace_links`). Returns how many.
    """
    if not accounts:
        return 0
    missed = col(OutboxMail.state).in_(GOT_BY_NOBODY)
    return _reopen(transaction, accounts, missed, MENDED, now)


def reopen_returned(transaction: Session, accounts: Collection[UUID], now: datetime) -> int:
    """Queue the first notices that these accounts did not get while they were closed, or of a kind
    that gets none, and those that failed and whose address was mended meanwhile; else as
    `reopen_re_addressed`."""
    if not accounts:
        return 0
    failed_at = func.coalesce(OutboxMail.settled_at, OutboxMail.queued_at)
    mended = and_(
        col(OutboxMail.state).in_(GOT_BY_NOBODY),
        or_(col(OutboxMail.link_id) != col(Link.id), failed_at < col(Link.created_at)),
    )
    kept_back = or_(col(OutboxMail.state) == "cancelled", mended)
    return _reopen(transaction, accounts, kept_back, RETURNED, now)


def reopen_fallen_back(transaction: Session, mails: Collection[UUID], now: datetime) -> int:
    """Queue again what came back after its address was mended, as if it had come back before
    (`reopen_re_addressed`): of these mails, and of what was carried because of one of them."""
    if not mails:
        return 0
    addressees = transaction.exec(
        select(OutboxMail.addressee_id).where(
            col(OutboxMail.id).in_(mails),
            OutboxMail.addressee_kind == ACCOUNT,
            OutboxMail.step == FIRST_NOTICE,
            col(OutboxMail.state).in_(GOT_BY_NOBODY),
        )
    ).all()
    if not addressees:
        return 0
    sent_before = exists().where(
        col(MailAttempt.id) == col(OutboxMail.attempt_id),
        col(MailAttempt.started_at) < col(Link.created_at),
    )
    came_back = and_(
        col(OutboxMail.state).in_(GOT_BY_NOBODY),
        or_(col(OutboxMail.link_id) != col(Link.id), sent_before),
    )
    return _reopen(transaction, addressees, came_back, MENDED, now)


def _reopen(
    transaction: Session,
    accounts: Collection[UUID],
    which: ColumnElement[bool],
    reason: str,
    now: datetime,
) -> int:
    missed = _missed(transaction, accounts, which, now)
    for mail, link_id, template in missed:
        record(transaction, "mail.reopened", mail.id, now, was=mail.state, link=link_id)
        mail.template = template
        if mail.state not in MAYBE_TOLD:
            mail.accepted_at = None
        mail.attempt_id = mail.claimed_at = mail.settled_at = None
        mail.state, mail.reason = "queued", reason
        mail.queued_at, mail.link_id = now, link_id
        transaction.add(mail)
    return len(missed)


def _missed(
    transaction: Session, accounts: Collection[UUID], which: ColumnElement[bool], now: datetime
) -> Sequence[tuple[OutboxMail, UUID, str]]:
    """The mails, ours until the transaction ends, each with the link that its reader has now, and
    with its template, as the account may have become a minor's, or be one's no more."""
    answered = has_answered(col(OutboxMail.addressee_id), col(Campaign.policy_version_id))
    ends_at = func.coalesce(Campaign.asks_until, PolicyVersion.effective_at)
    asks, of_a_minor = col(CampaignAddressee.asks_approval), col(Account.kind) == AccountKind.MINOR
    template: ColumnElement[str] = case(
        (and_(asks, of_a_minor), notice_template(FIRST_NOTICE, minor=True)),
        (asks, notice_template(FIRST_NOTICE, asks_approval=True)),
        else_=col(OutboxMail.template),
    )
    return transaction.exec(
        select(OutboxMail, Link.id, template)
        .join(Campaign, col(Campaign.id) == col(OutboxMail.subject_id))
        .join(PolicyVersion, col(PolicyVersion.id) == col(Campaign.policy_version_id))
        .join(
            CampaignAddressee,
            (col(CampaignAddressee.campaign_id) == col(Campaign.id))
            & (col(CampaignAddressee.account_id) == col(OutboxMail.addressee_id)),
        )
        .join(Account, col(Account.id) == col(CampaignAddressee.account_id))
        .join(Link, to_approve(accounts))
        .where(
            col(Campaign.state).in_([RUNNING, PAUSED]),
            or_(ends_at.is_(None), ends_at > now),
            of_campaigns_to(accounts),
            OutboxMail.addressee_kind == ACCOUNT,
            OutboxMail.step == FIRST_NOTICE,
            which,
            is_mailed(),
            ~answered,
        )
        .order_by(col(OutboxMail.id))
        .with_for_update(of=OutboxMail, key_share=True)
    ).all()
