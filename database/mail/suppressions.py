"""Whom mail does not go to any more: addresses where it came back, was reported as spam, or reached
somebody else, and reminders to people who asked for no more, or are restricted (P4, P14, P17)."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import update
from sqlmodel import Session, col, select

from database.facts import record
from database.ids import new_id
from database.mail.doubts import is_worth_queueing
from database.mail.mail_rows import hold_mails, in_order, of_campaigns_to, stands_at
from database.mail.outbox import ACCOUNT, CAMPAIGN, LINK_AGAIN, MAYBE_TOLD, Claim
from database.mail.steps import FIRST_NOTICE, is_reminder
from database.people.accounts import accounts_at_address
from database.people.links import APPROVE, Holder, replace_links, to_approve
from database.people.restricted import is_restricted
from database.tables import (
    Approval,
    Campaign,
    CampaignAddressee,
    Link,
    MailSuppression,
    OutboxMail,
    ReminderOptOut,
)
from database.webhooks.events import EventKind, tell
from database.writing import insert_new
from domain.mail.suppressions import NO_MORE_REMINDERS, RESTRICTED, WORDS, Cause, address_key


@dataclass(frozen=True, kw_only=True)
class Failed:
    """What became of one copy stops mail to its address."""

    mail_id: UUID
    attempt_id: UUID
    address_key: bytes
    cause: Cause


@dataclass(frozen=True, kw_only=True)
class Allowed:
    """Mail may go to an address again; `mails` are those that wait again because of it."""

    lifted: int
    mails: tuple[UUID, ...]


def suppress(transaction: Session, failed: Iterable[Failed], now: datetime) -> int:
    """Stop mail to addresses. A failure that is known already stops nothing anew, so that one told
    twice does not undo what ops decided meanwhile; those of mails we do not know are dropped.

    Returns how many were new.
    """
    told = {(each.mail_id, each.attempt_id, each.cause): each for each in failed}
    if not told:
        return 0
    mails = {mail_id for mail_id, _, _ in told}
    known = set(transaction.exec(select(OutboxMail.id).where(col(OutboxMail.id).in_(mails))).all())
    rows = {
        (id_ := new_id()): {**vars(told[key]), "id": id_, "suppressed_at": now}
        for key in sorted(told)
        if key[0] in known
    }
    new = insert_new(transaction, MailSuppression, list(rows.values()))
    for id_ in new:
        mail_id, cause = rows[id_]["mail_id"], rows[id_]["cause"]
        record(transaction, "mail.address_suppressed", id_, now, mail=mail_id, cause=cause)
    return len(new)


def stopped(session: Session, claim: Claim, address_keys: Mapping[UUID, bytes]) -> dict[UUID, str]:
    """Of the mails of a claim, those that must not go out, with the reason in words.

    `address_keys` are the hashes of the addresses they would go to, by mail.
    """
    if not _is_of_our_own_accord(claim.like):
        return {}
    causes = _causes(session, set(address_keys.values()))
    reasons = {
        mail_id: WORDS[Cause(causes[key])] for mail_id, key in address_keys.items() if key in causes
    }
    if not is_reminder(claim.like.step):
        return reasons
    restricted = dict.fromkeys(_to_restricted(session, claim), RESTRICTED)
    return reasons | restricted | dict.fromkeys(_unwanted(session, claim), NO_MORE_REMINDERS)


def failures(
    session: Session, addresses: Iterable[str], suppression_key: bytes
) -> Mapping[str, str]:
    """Of these addresses, those that mail stopped to, each with the cause."""
    keys = {address: address_key(address, suppression_key) for address in addresses}
    causes = _causes(session, set(keys.values()))
    return {address: causes[key] for address, key in keys.items() if key in causes}


def allow(
    transaction: Session,
    address: str,
    address_key: bytes,
    *,
    staff_id: UUID,
    reason: str,
    now: datetime,
) -> Allowed:
    """Let mail go to an address again, and what did not go out because of it wait anew."""
    lifted = transaction.scalars(
        update(MailSuppression)
        .where(
            col(MailSuppression.address_key) == address_key,
            col(MailSuppression.lifted_at).is_(None),
        )
        .values(lifted_by=staff_id, lifted_at=now, lift_reason=reason)
        .returning(col(MailSuppression.id))
    ).all()
    for id_ in lifted:
        record(transaction, "mail.address_allowed", id_, now, staff=staff_id)
    if not lifted:
        return Allowed(lifted=0, mails=())
    accounts = [account.id for account in accounts_at_address(transaction, address)]
    hold_mails(transaction, of_campaigns_to(accounts))
    replace_links(transaction, _closed_out(transaction, accounts), now)
    return Allowed(lifted=len(lifted), mails=_release(transaction, accounts, now))


def not_theirs(
    transaction: Session, address: str, link: Link, address_key: bytes, now: datetime
) -> None:
    """Who got a mail says that it was meant for somebody else: nothing more goes to that address,
    and the notices that went there have reached nobody (P4, P5).

    Of that account, no link that went there is of any use, and what was decided with one counts no
    more. Another account with the same address may be theirs all the same: it keeps its links, and
    what was decided. Of other campaigns, those on their way: the address may have been somebody
    else's before.
    """
    accounts = [account.id for account in accounts_at_address(transaction, address)]
    under_way = transaction.exec(
        select(Link.id).where(
            to_approve(accounts),
            col(Campaign.id) == col(CampaignAddressee.campaign_id),
            col(Campaign.finished_at).is_(None),
        )
    ).all()
    mails_to = {*accounts, *([link.account_id] if link.account_id else [])}
    held = transaction.exec(in_order(select(OutboxMail).where(of_campaigns_to(mails_to)))).all()
    links = transaction.exec(
        select(Link)
        .where(
            col(Link.id).in_({link.id, *under_way}),
            Link.purpose == APPROVE,
            col(Link.successor_id).is_(None),
            col(Link.expires_at).is_(None),
        )
        .order_by(col(Link.id))
        .with_for_update(key_share=True)
    ).all()
    concerned = {each.id for each in links}
    mails = [mail for mail in held if mail.link_id in concerned]
    stop = MailSuppression(
        address_key=address_key,
        cause=Cause.NOT_THEIRS,
        mail_id=next((mail.id for mail in mails if mail.link_id == link.id), link.id),
        attempt_id=link.id,  # it need not be the mail's: who reads a page may be led to the next
        suppressed_at=now,
    )
    insert_new(transaction, MailSuppression, [stop.model_dump()])
    for mail in mails:
        if mail.step == FIRST_NOTICE and mail.state in (*MAYBE_TOLD, "queued"):
            mail.state, mail.reason = "suppressed", WORDS[Cause.NOT_THEIRS]
            mail.settled_at = now
            transaction.add(mail)
    for each in links:
        if each.account_id == link.account_id:
            each.expires_at = now
            transaction.add(each)
            record(transaction, "link.not_theirs", each.id, now, account=each.account_id)
            _tell_of_void(transaction, each, now)


def _tell_of_void(transaction: Session, link: Link, now: datetime) -> None:
    """What was decided with a link counts no more: the company is told as when it was decided."""
    decided = transaction.exec(
        select(Approval.account_id, Approval.policy_version_id)
        .where(Approval.account_id == link.account_id, Approval.link_id == link.id)
        .distinct()
    ).all()
    for account_id, version_id in decided:
        kind = EventKind.APPROVAL_RECORDED
        tell(transaction, kind, [account_id], now, version_id=version_id)


def remind_no_more(transaction: Session, holder: Holder, *, how: str, now: datetime) -> None:
    """An account holder gets no more reminders, of any campaign; asking twice is harmless."""
    account_id, link_id = holder.account_id, holder.link_id
    row = ReminderOptOut(account_id=account_id, link_id=link_id, how=how, opted_out_at=now)
    if insert_new(transaction, ReminderOptOut, [row.model_dump()]):
        record(transaction, "reminders.stopped", account_id, now, link=link_id, how=how)


def reminded_no_more_since(session: Session, account_id: UUID) -> datetime | None:
    """When an account holder asked for no more reminders; None when they did not."""
    return session.exec(
        select(ReminderOptOut.opted_out_at).where(ReminderOptOut.account_id == account_id)
    ).first()


def _closed_out(session: Session, accounts: Sequence[UUID]) -> Sequence[UUID]:
    """The accounts among these whose link somebody gave back who said that it was not theirs."""
    return session.exec(
        select(CampaignAddressee.account_id)
        .where(to_approve(accounts), col(Link.expires_at).is_not(None))
        .distinct()
    ).all()


def _release(transaction: Session, accounts: Sequence[UUID], now: datetime) -> tuple[UUID, ...]:
    """What was not sent to these accounts waits again, where it does not come too late. Of a
    campaign that is paused, or has no day yet, it waits until that goes on."""
    held = hold_mails(
        transaction,
        of_campaigns_to(accounts),
        stands_at("suppressed"),
        is_worth_queueing(now),
    )
    transaction.execute(
        update(OutboxMail)
        .where(col(OutboxMail.id).in_(held))
        .values(
            state="queued",
            attempt_id=None,
            accepted_at=None,
            settled_at=None,
            queued_at=now,
            reason="mail is allowed again",
        )
    )
    return tuple(held)


def _is_of_our_own_accord(mail: OutboxMail) -> bool:
    """Nobody asked for it: notices and reminders, and neither a link sent again, nor what a request
    of theirs brings, nor what staff are told."""
    return (
        mail.subject_kind == CAMPAIGN
        and mail.addressee_kind == ACCOUNT
        and not mail.step.startswith(LINK_AGAIN)
    )


def _causes(session: Session, address_keys: set[bytes]) -> Mapping[bytes, str]:
    """Why mail to these addresses stopped. Most companies have no such address on most days, and a
    question with a thousand values takes its time: so that is asked first."""
    in_effect = col(MailSuppression.lifted_at).is_(None)
    if session.exec(select(MailSuppression.id).where(in_effect).limit(1)).first() is None:
        return {}
    found = session.exec(
        select(MailSuppression.address_key, MailSuppression.cause).where(
            col(MailSuppression.address_key).in_(address_keys), in_effect
        )
    ).all()
    return dict(found)


def _unwanted(session: Session, claim: Claim) -> Sequence[UUID]:
    return session.exec(
        select(OutboxMail.id)
        .join(ReminderOptOut, col(ReminderOptOut.account_id) == col(OutboxMail.addressee_id))
        .where(OutboxMail.attempt_id == claim.attempt_id)
    ).all()


def _to_restricted(session: Session, claim: Claim) -> Sequence[UUID]:
    """A courtesy does not go to a restricted account, unlike what is owed by law (P14)."""
    return session.exec(
        select(OutboxMail.id).where(
            OutboxMail.attempt_id == claim.attempt_id,
            is_restricted(col(OutboxMail.addressee_id)),
        )
    ).all()
