"""The outbox: one row per (subject, person, step), and the truth about what went out (P4)."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, and_, case, exists, literal, or_, update
from sqlalchemy import select as select_columns
from sqlmodel import Session, col, func, select

from database.ids import new_id
from database.mail import pace
from database.mail.mail_rows import Batch, change, in_batch, of_nobody_else
from database.mail.steps import (
    CORRECTION,
    POSTPONEMENT,
    STOPPED,
    WITHDRAWAL,
)
from database.people.accounts import is_mailed
from database.people.links import latest_nonces
from database.policies.counting import has_answered
from database.tables import (
    Account,
    AddressWarning,
    Campaign,
    ControllerInstruction,
    DataSubjectRequest,
    Link,
    MailAttempt,
    MailStop,
    OutboxMail,
    PolicyVersion,
    RequestAgent,
    SourceAddress,
    Staff,
)
from database.writing import insert_new
from domain.policies.reviews import VersionState
from domain.rungs import RungKind

CAMPAIGN = "campaign"
REQUEST = "request"
RESTRICTION = "restriction"
"""Of an account: the mail that says that it ends."""
VERSION = "version"
"""Of a version itself: a test mail, before there is a campaign."""
MINOR_CHECK = "minor_check"
"""Of finding out whether a holder is a minor: word to them, and to whoever looks into it."""
INSTRUCTION = "instruction"
"""Of a controller's instruction: what became of it, and word to staff."""
ACCOUNT = "account"
STAFF = "staff"
REQUESTER = "requester"
AGENT = "agent"
"""Who asks for somebody else."""
CONTROLLER = "controller"
"""The contact of a company for which we keep data."""
BY_POST = "by_post"
"""The state of a mail to whoever has no mailbox: staff print it, and post it."""
AT_SOURCE = "at_source"
"""The address that a request names and a data source has (`SourceAddress`)."""
FORMER = "former"
"""The address that an account had before (`AddressWarning`)."""
NO_ADDRESS = "no_address"
"""The state of a mail that is only noted, and goes to nobody."""

WENT_OUT = ("accepted", "delivered", "bounced", "dropped", "complained")
IN_DOUBT = ("sending", "unknown")
CARRIED = "carried"
GOT_IT = ("accepted", "delivered")
MAYBE_TOLD = (*GOT_IT, "complained", CARRIED, *IN_DOUBT, "operator")
_ADDRESSES: Mapping[str, tuple[Any, Any, Any]] = {
    ACCOUNT: (Account, col(Account.name), col(Account.email)),
    STAFF: (Staff, col(Staff.name), col(Staff.email)),
    REQUESTER: (
        DataSubjectRequest,
        case(
            (col(DataSubjectRequest.contact_confirmed_at).is_not(None), DataSubjectRequest.name),
            else_="",
        ),
        col(DataSubjectRequest.contact_email),
    ),
    AGENT: (RequestAgent, literal(""), col(RequestAgent.email)),
    CONTROLLER: (
        ControllerInstruction,
        col(ControllerInstruction.controller),
        col(ControllerInstruction.contact_address),
    ),
    AT_SOURCE: (SourceAddress, literal(""), col(SourceAddress.address)),
    FORMER: (AddressWarning, literal(""), col(AddressWarning.address)),
}
"""Whom a mail goes to by its addressee: the table, their name, their address. What a stranger typed
for a name is written to nobody who has not said that the request is theirs."""
COPY_CODE, OF_SOURCE, AFTER_HOLD = "copy_code_", "source_", "erased_after_hold"
AFTERWARDS = (COPY_CODE, OF_SOURCE, AFTER_HOLD)
"""What steps of a request begin with that go out when it is answered already."""
MENDED = "the address was mended: sent again"
RETURNED = "the account is open again: sent now"
TOLD_ANEW = "another version governs them: told from that one"
OWED_AGAIN = (MENDED, RETURNED, TOLD_ANEW)
"""Why a first notice that was done with is queued again."""
LINK_AGAIN = "link_again"
SENT_AGAIN_BY_OPS = "sent again by ops"
SENT_AGAIN_BY_MACHINE = "no event came, while those of later mails did: sent again, not by ops"
SENT_AGAIN = (SENT_AGAIN_BY_OPS, SENT_AGAIN_BY_MACHINE)
"""Why a mail is queued that was left to ops, or was rejected."""


@dataclass(frozen=True, kw_only=True)
class Queued:
    """A mail to be queued. Its key is subject, addressee and step.

    `language` is one that we speak; empty stands for the first of them. `state`: queued, BY_POST,
    or NO_ADDRESS.
    """

    subject_kind: str
    subject_id: UUID
    addressee_kind: str
    addressee_id: UUID
    step: str
    template: str
    variant: UUID
    language: str = ""
    link_id: UUID | None = None
    shard: int = 0
    state: str = "queued"


@dataclass(frozen=True, kw_only=True)
class Claim:
    """How many mails are ours to send in one attempt; `like` is one of them, and has in common with
    the others all but its key, its addressee and its link. `per_minute`: the rate that holds."""

    attempt_id: UUID
    like: OutboxMail
    copies: int
    per_minute: int | None = None


class NotYet(Exception):
    """There are mails, and none may go before `until`: because of a rate, or of a 429."""

    def __init__(self, until: datetime, per_minute: int | None) -> None:
        super().__init__("a rate or the mail service lets no mail out now")
        self.until = until
        self.per_minute = per_minute


@dataclass(frozen=True, kw_only=True)
class Addressed:
    """A copy of a claim: whose it is, and what makes their link (null without one)."""

    mail_id: UUID
    addressee_id: UUID
    name: str
    address: str
    purpose: str | None
    nonce: bytes | None


def queue(transaction: Session, mails: Iterable[Queued], now: datetime) -> tuple[UUID, ...]:
    """Queue mails in the transaction of what causes them; one already there is left alone.

    Returns the ids of the new ones.
    """
    rows = [
        {
            "id": new_id(),
            "subject_kind": mail.subject_kind,
            "subject_id": mail.subject_id,
            "addressee_kind": mail.addressee_kind,
            "addressee_id": mail.addressee_id,
            "step": mail.step,
            "shard": mail.shard,
            "template": mail.template,
            "variant": mail.variant,
            "language": mail.language,
            "link_id": mail.link_id,
            "state": mail.state,
            "attempts": 0,
            "queued_at": now,
        }
        for mail in sorted(mails, key=_key)
    ]
    return insert_new(transaction, OutboxMail, rows)


def claim(
    transaction: Session, batch: Batch, *, limit: int, now: datetime, per_minute: int = 0
) -> Claim | None:
    """Take up to `limit` queued mails that can share a request, or None when there are none.

    Reads in the same transaction what would make a mail wrong: a stop of all mail, a campaign that
    is not running, an account holder who has answered already, a reminder whose time is over; and
    what limits how many go out: `per_minute` (0: nothing), the campaign's own rate, a 429. Raises
    NotYet when that is none.
    """
    if transaction.exec(select(OutboxMail.id).where(_queued(batch)).limit(1)).first() is None:
        return None
    cancel_overtaken(transaction, batch, now)
    waiting = and_(_queued(batch), ~_all_is_stopped(), subject_is_running())
    oldest_first = (col(OutboxMail.queued_at), col(OutboxMail.id))
    one = select(OutboxMail, pace.is_limited()).where(waiting).limit(1)
    if batch.shard is None:  # the mails of a shard were queued together: any of them is the oldest
        one = one.order_by(*oldest_first)
    found = transaction.exec(of_nobody_else(one)).first()
    if found is None:
        return None
    first, limited = found
    allowance = None
    if per_minute or limited:
        own = first.subject_id if _is_of_campaign(first) else None
        allowance = pace.allow(transaction, own, wanted=limit, per_minute=per_minute, now=now)
        if allowance.not_before:
            raise NotYet(allowance.not_before, allowance.per_minute)
        limit = allowance.copies
    together = of_nobody_else(
        select(OutboxMail.id)
        .where(
            waiting,
            ~is_overtaken(now),  # what another writer held a moment ago was not cancelled
            OutboxMail.subject_id == first.subject_id,
            OutboxMail.step == first.step,
            OutboxMail.template == first.template,
            OutboxMail.variant == first.variant,
            OutboxMail.language == first.language,
        )
        .order_by(*oldest_first)
        .limit(limit)
    )
    attempt_id = new_id()
    claimed = change(
        transaction,
        together,
        state="sending",
        attempt_id=attempt_id,
        attempts=col(OutboxMail.attempts) + 1,
        claimed_at=now,
        reason=None,
    )
    if not claimed:
        return None
    transaction.add(
        MailAttempt(id=attempt_id, subject_id=first.subject_id, copies=claimed, started_at=now)
    )
    if allowance:
        pace.spend(transaction, allowance, claimed, now)
    return Claim(
        attempt_id=attempt_id,
        like=first,
        copies=claimed,
        per_minute=allowance.per_minute if allowance else None,
    )


def waiting_in(transaction: Session, batch: Batch) -> Mapping[UUID, UUID]:
    """The queued mails of a batch, ours until the transaction ends, and the addressee of each."""
    mails = transaction.exec(of_nobody_else(select(OutboxMail).where(_queued(batch)))).all()
    return {mail.id: mail.addressee_id for mail in mails}


def carry(transaction: Session, accepted_at: Mapping[UUID, datetime | None], now: datetime) -> None:
    """These mails need not go out: their addressees had the same about a corrected version.

    `accepted_at` says of each when that one was taken; None where there was none.
    """
    if accepted_at:
        rows = [
            {"id": mail, "state": CARRIED, "settled_at": now, "accepted_at": at}
            for mail, at in accepted_at.items()
        ]
        transaction.execute(update(OutboxMail), rows)


def cancel(transaction: Session, batch: Batch, *, limit: int | None = None) -> int:
    """What is still queued of a batch does not go out any more; how many, `limit` at most."""
    return _cancel(transaction, _queued(batch), limit)


def cancel_overtaken(
    transaction: Session, batch: Batch, now: datetime, *, limit: int | None = None
) -> int:
    """What became wrong while it was queued does not go out (see `is_overtaken`)."""
    return _cancel(transaction, and_(_queued(batch), is_overtaken(now)), limit)


def addressed(session: Session, claim: Claim) -> list[Addressed]:
    """The copies of a claim, with the address that each person has now, and the link.

    Whoever mends an address while a mail is being queued does not see it: it holds the old link
    then, and the one in its place is looked for here (`links.replace_links`).
    """
    person, name, address = _ADDRESSES[claim.like.addressee_kind]
    rows = session.execute(
        select_columns(
            col(OutboxMail.id),
            col(OutboxMail.addressee_id),
            name,
            address,
            col(Link.purpose),
            col(Link.nonce),
            case((col(Link.successor_id).is_not(None), Link.subject_id)),
        )
        .join(person, col(person.id) == col(OutboxMail.addressee_id))
        .join(Link, col(Link.id) == col(OutboxMail.link_id), isouter=True)
        .where(col(OutboxMail.attempt_id) == claim.attempt_id)
    ).all()
    latest = latest_nonces(session, {subject for *_, subject in rows if subject})
    return [
        Addressed(
            mail_id=mail_id,
            addressee_id=addressee_id,
            name=name,
            address=to,
            purpose=purpose,
            nonce=latest.get(subject, nonce),
        )
        for mail_id, addressee_id, name, to, purpose, nonce, subject in rows
    ]


def states(session: Session, batch: Batch) -> dict[str, int]:
    """How many mails of a batch are in which state."""
    return _states(session, in_batch(batch))


def states_of_sending(session: Session, batch: Batch) -> dict[str, int]:
    """As `states`, of those in which a sender is interested: of a shard they are found by the index
    of claims, without a walk over all others of its step."""
    states = col(OutboxMail.state).in_(["queued", *IN_DOUBT, *WENT_OUT])
    return _states(session, and_(in_batch(batch), states))


def _states(session: Session, which: ColumnElement[bool]) -> dict[str, int]:
    counted = select(OutboxMail.state, func.count()).where(which).group_by(OutboxMail.state)
    return dict(session.exec(counted).all())


def last_accepted_at(
    session: Session, batch: Batch, *which: ColumnElement[bool]
) -> datetime | None:
    """When the mail service took the last of these mails."""
    accepted = select(func.max(OutboxMail.accepted_at)).where(in_batch(batch), *which)
    return session.exec(accepted).one()


def all_is_stopped(session: Session) -> bool:
    """Whether all mail is stopped (`database/campaigns/controls.py`)."""
    return (
        session.exec(select(MailStop.id).where(col(MailStop.in_effect).is_(True))).first()
        is not None
    )


def _is_of_campaign(mail: OutboxMail) -> bool:
    return mail.subject_kind == CAMPAIGN and mail.addressee_kind == ACCOUNT


def _all_is_stopped() -> ColumnElement[bool]:
    return exists().where(col(MailStop.in_effect).is_(True))


def subject_is_running() -> ColumnElement[bool]:
    """Of a campaign, whether it runs; of one that was withdrawn, only the mail that says so, and
    while its version is postponed, only the mails that somebody's decision caused."""
    told_off = col(OutboxMail.step) == WITHDRAWAL
    caused = or_(*(col(OutboxMail.step).startswith(step) for step in (POSTPONEMENT, CORRECTION)))
    has_a_day = ~exists().where(
        col(PolicyVersion.id) == col(Campaign.policy_version_id),
        col(PolicyVersion.state) == VersionState.POSTPONED,
    )
    running = exists().where(
        col(Campaign.id) == col(OutboxMail.subject_id),
        or_(
            and_(col(Campaign.state) == "running", ~told_off, or_(caused, has_a_day)),
            and_(col(Campaign.state) == "withdrawn", told_off),
        ),
    )
    return or_(
        col(OutboxMail.subject_kind) != CAMPAIGN,
        col(OutboxMail.addressee_kind) != ACCOUNT,
        col(OutboxMail.step).startswith(LINK_AGAIN),
        running,
    )


def is_settled_for(now: datetime) -> ColumnElement[bool]:
    """Whether a mail of a campaign comes too late to its addressee: they have answered, or the date
    of effect is past."""
    decided = exists().where(
        col(Campaign.id) == col(OutboxMail.subject_id),
        has_answered(col(OutboxMail.addressee_id), col(Campaign.policy_version_id)),
    )
    in_effect = exists().where(
        col(Campaign.id) == col(OutboxMail.subject_id),
        col(PolicyVersion.id) == col(Campaign.policy_version_id),
        func.coalesce(Campaign.asks_until, PolicyVersion.effective_at) <= now,
    )
    return or_(decided, in_effect)


def is_overtaken(now: datetime) -> ColumnElement[bool]:
    """What became wrong while it waited: a reminder to someone who has answered, or after the
    effect; a late reply or a rung beside the answer; asking for an identity that is proved; a
    campaign's mail to a closed account, or of one that is over; word that a campaign is paused,
    which goes on."""
    goes_on = exists().where(
        col(Campaign.id) == col(OutboxMail.subject_id), col(Campaign.state) != "paused"
    )
    closed = exists().where(col(Account.id) == col(OutboxMail.addressee_id), ~is_mailed())
    over = exists().where(
        col(Campaign.id) == col(OutboxMail.subject_id), col(Campaign.finished_at).is_not(None)
    )
    outlives = or_(col(OutboxMail.step).startswith(LINK_AGAIN), col(OutboxMail.step) == WITHDRAWAL)
    answered = exists().where(
        col(DataSubjectRequest.id) == col(OutboxMail.subject_id),
        col(DataSubjectRequest.answered_at).is_not(None),
    )
    proved = exists().where(
        col(DataSubjectRequest.id) == col(OutboxMail.subject_id),
        or_(
            col(DataSubjectRequest.verified_at).is_not(None),
            col(DataSubjectRequest.disputed_at).is_not(None),
        ),
    )
    of_campaign = col(OutboxMail.subject_kind) == CAMPAIGN
    return or_(
        and_(of_campaign, col(OutboxMail.step).startswith(RungKind.REMINDER), is_settled_for(now)),
        and_(of_campaign, closed),
        and_(of_campaign, col(OutboxMail.addressee_kind) == ACCOUNT, ~outlives, over),
        and_(of_campaign, col(OutboxMail.step).startswith(STOPPED, autoescape=True), goes_on),
        and_(
            col(OutboxMail.subject_kind) == REQUEST,
            col(OutboxMail.step).not_in(
                ("acknowledgement", "verification", "answer", "address_warning")
            ),
            ~or_(*(col(OutboxMail.step).startswith(step, autoescape=True) for step in AFTERWARDS)),
            answered,
        ),
        and_(
            col(OutboxMail.subject_kind) == REQUEST,
            col(OutboxMail.step).startswith("identity-"),
            proved,
        ),
    )


def _queued(batch: Batch) -> ColumnElement[bool]:
    return and_(in_batch(batch), col(OutboxMail.state) == "queued")


def _cancel(transaction: Session, queued: ColumnElement[bool], limit: int | None) -> int:
    """What another writer holds right now is left to the next one who comes by."""
    found = of_nobody_else(select(OutboxMail.id).where(queued).limit(limit))
    return change(transaction, found, state="cancelled", reason="overtaken before it was sent")


def _key(mail: Queued) -> tuple[UUID, UUID, str]:
    return mail.subject_id, mail.addressee_id, mail.step
