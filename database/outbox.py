"""The outbox: one row per (subject, person, step), and the truth about what went out (P4)."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, TypeVar
from uuid import UUID

from sqlalchemy import ColumnElement, Select, String, Uuid, and_, exists, literal, or_, update
from sqlalchemy import select as select_columns
from sqlalchemy.sql.selectable import GenerativeSelect
from sqlmodel import Session, col, func, select
from sqlmodel.sql.expression import SelectOfScalar
from sqlmodel.sql.sqltypes import UTCDateTime

from database import pace
from database.accounts import is_mailed
from database.counting import counts_for
from database.ids import id_of_each, new_id
from database.tables import (
    Account,
    Approval,
    Campaign,
    CampaignStep,
    DataSubjectRequest,
    DeliveryEvent,
    Link,
    MailAttempt,
    MailStop,
    OutboxMail,
    PolicyVersion,
    Staff,
)
from database.writing import as_table, insert_new, insert_selected
from domain.reviews import VersionState
from domain.timetable import RungKind

Query = TypeVar("Query", bound=GenerativeSelect)
Found = TypeVar("Found")
CAMPAIGN = "campaign"
REQUEST = "request"
VERSION = "version"
"""Of a version itself: a test mail, before there is a campaign."""
ACCOUNT = "account"
STAFF = "staff"
REQUESTER = "requester"

WENT_OUT = ("accepted", "delivered", "bounced", "dropped", "complained")
IN_DOUBT = ("sending", "unknown")
CARRIED = "carried"
REACHED = ("accepted", "delivered", "complained", CARRIED)
LATER_ATTEMPTS_THAT_PROVE_SILENCE = 3
EVIDENCE_PERIODS = 3
STATE_AFTER_EVENT = {
    "processed": "accepted",
    "delivered": "delivered",
    "bounce": "bounced",
    "dropped": "dropped",
    "spamreport": "complained",
}
NOT_PROVEN = ("queued", "sending", "unknown", "operator")
PROVEN = ("accepted", "dropped", "delivered", "bounced", "complained")
"""What events prove, from the least to the most telling: so their order does not matter."""
_ADDRESSES: Mapping[str, tuple[type[Account | Staff | DataSubjectRequest], Any]] = {
    ACCOUNT: (Account, col(Account.email)),
    STAFF: (Staff, col(Staff.email)),
    REQUESTER: (DataSubjectRequest, col(DataSubjectRequest.contact_email)),
}
LINK_AGAIN = "link_again"
WITHDRAWAL = "withdrawal"
STOPPED = "stopped_"
"""Steps that tell a campaign's owner of a stop by the machine: the first, the second ..."""
FINISHED = "finished"
"""The step that tells a campaign's owner what it came to."""
POSTPONEMENT = "postponement_"
CORRECTION = "correction_"


@dataclass(frozen=True, kw_only=True)
class Queued:
    """A mail to be queued. Its key is subject, addressee and step.

    `language` is one that we speak; empty stands for the first of them.
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


@dataclass(frozen=True, kw_only=True)
class Batch:
    """Which mails a sender looks after: a subject's, of one step and shard, or a single one."""

    subject_id: UUID | None = None
    addressee_kind: str | None = None
    step: str | None = None
    shard: int | None = None
    mail_id: UUID | None = None


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
    name: str
    address: str
    purpose: str | None
    nonce: bytes | None


@dataclass(frozen=True, kw_only=True)
class Event:
    """A delivery event of one copy."""

    mail_id: UUID
    attempt_id: UUID
    event: str
    occurred_at: datetime


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
            "state": "queued",
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
    cancel_overtaken(transaction, batch, now)
    waiting = and_(_queued(batch), ~_all_is_stopped(), _subject_is_running(), ~_is_overtaken(now))
    oldest_first = (col(OutboxMail.queued_at), col(OutboxMail.id))
    one = select(OutboxMail, pace.is_limited()).where(waiting).order_by(*oldest_first).limit(1)
    found = transaction.exec(_of_nobody_else(one)).first()
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
    together = _of_nobody_else(
        select(OutboxMail.id)
        .where(
            waiting,
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
    claimed = _change(
        transaction,
        together,
        state="sending",
        attempt_id=attempt_id,
        attempts=col(OutboxMail.attempts) + 1,
        claimed_at=now,
        reason=None,
    )
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


def accept(transaction: Session, attempt_id: UUID, provider_id: str, now: datetime) -> None:
    """The mail service took the whole attempt."""
    _finish(transaction, attempt_id, now, "accepted", provider_id=provider_id)
    _settle_attempt(transaction, attempt_id, state="accepted", accepted_at=now, settled_at=now)


def give_back(transaction: Session, attempt_id: UUID, reason: str, now: datetime) -> None:
    """The attempt surely did not go out; its mails wait for the next one."""
    _finish(transaction, attempt_id, now, "not_sent", reason=reason)
    _settle_attempt(transaction, attempt_id, state="queued", attempt_id=None, reason=reason)


def doubt(transaction: Session, attempt_id: UUID, reason: str, now: datetime) -> None:
    """Nobody can tell whether the attempt went out; events or an operator will."""
    _finish(transaction, attempt_id, now, "unknown", reason=reason)
    _settle_attempt(transaction, attempt_id, state="unknown", reason=reason)


def reject(
    transaction: Session, attempt_id: UUID, mail_ids: Sequence[UUID], reason: str, now: datetime
) -> None:
    """The mail service will never take these copies; the rest of the attempt did not go out."""
    _finish(transaction, attempt_id, now, "rejected", reason=reason)
    named = select(OutboxMail.id).where(
        OutboxMail.attempt_id == attempt_id, col(OutboxMail.id).in_(mail_ids)
    )
    _change(transaction, _in_order(named), state="rejected", reason=reason, settled_at=now)
    _settle_attempt(transaction, attempt_id, state="queued", attempt_id=None)


def suppress(
    transaction: Session, attempt_id: UUID, reasons: Mapping[UUID, str], now: datetime
) -> None:
    """These copies of an attempt are not sent to anybody (`database/suppressions.py`); the rest
    of the attempt goes out."""
    attempt = transaction.get_one(MailAttempt, attempt_id)
    for reason in sorted(set(reasons.values())):
        named = select(OutboxMail.id).where(
            OutboxMail.attempt_id == attempt_id,
            OutboxMail.state == "sending",
            col(OutboxMail.id).in_([mail for mail, why in reasons.items() if why == reason]),
        )
        attempt.copies -= _change(
            transaction, _in_order(named), state="suppressed", reason=reason, settled_at=now
        )
    transaction.add(attempt)
    if not attempt.copies:
        _finish(transaction, attempt_id, now, "suppressed")


def release(transaction: Session, accounts: Sequence[UUID]) -> tuple[UUID, ...]:
    """What was not sent to these accounts waits again, where its subject still runs."""
    waiting = select(OutboxMail.id).where(
        col(OutboxMail.addressee_id).in_(accounts),
        OutboxMail.addressee_kind == ACCOUNT,
        OutboxMail.state == "suppressed",
        _subject_is_running(),
    )
    held = transaction.exec(_in_order(waiting)).all()
    transaction.execute(
        update(OutboxMail)
        .where(col(OutboxMail.id).in_(held))
        .values(state="queued", attempt_id=None, settled_at=None, reason="mail is allowed again")
    )
    return tuple(held)


def doubt_abandoned(transaction: Session, batch: Batch, now: datetime) -> int:
    """Mails a dead sender left in `sending` become `unknown`: never straight back to queued."""
    abandoned = select(OutboxMail.id).where(_in_batch(batch), OutboxMail.state == "sending")
    return _change(
        transaction,
        _in_order(abandoned),
        state="unknown",
        reason="the sender stopped in the middle",
        claimed_at=now,
    )


def waiting_in(transaction: Session, batch: Batch) -> Mapping[UUID, UUID]:
    """The queued mails of a batch, ours until the transaction ends, and the addressee of each."""
    mails = transaction.exec(_of_nobody_else(select(OutboxMail).where(_queued(batch)))).all()
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


def settle(transaction: Session, batch: Batch, *, settle_after: timedelta, now: datetime) -> None:
    """Decide about unknown mails whose events had time enough to come.

    They are repeated only on evidence: events of at least three later attempts did arrive, and
    none of theirs. Without that, when three times `settle_after` has passed, they are shown to
    ops, who resend with one click: so later attempts had time to be made and heard of.
    """
    unknown = col(OutboxMail.state) == "unknown"
    long_ago = col(OutboxMail.claimed_at) <= now - settle_after
    overdue = _hold(transaction, _in_batch(batch), unknown, long_ago)
    of_overdue = select(OutboxMail.attempt_id).where(col(OutboxMail.id).in_(overdue)).distinct()
    unheard = [
        attempt
        for attempt in transaction.exec(of_overdue).all()
        if attempt and _later_ones_were_heard_of(transaction, attempt)
    ]
    transaction.execute(
        update(OutboxMail)
        .where(col(OutboxMail.id).in_(overdue), col(OutboxMail.attempt_id).in_(unheard))
        .values(state="queued", reason="no event came, while those of later mails did: sent again")
    )
    transaction.execute(
        update(OutboxMail)
        .where(
            col(OutboxMail.id).in_(overdue),
            unknown,
            col(OutboxMail.claimed_at) <= now - EVIDENCE_PERIODS * settle_after,
        )
        .values(
            state="operator",
            reason="it is not known whether this mail went out: look, then resend or leave it",
        )
    )


def cancel(transaction: Session, batch: Batch) -> None:
    """What is still queued of a batch does not go out any more."""
    _cancel(transaction, _queued(batch))


def cancel_overtaken(transaction: Session, batch: Batch, now: datetime) -> None:
    """What became wrong while it was queued does not go out (see `_is_overtaken`)."""
    _cancel(transaction, and_(_queued(batch), _is_overtaken(now)))


def resend(transaction: Session, mail_id: UUID) -> bool:
    """Ops decide to send a mail of unknown outcome again; False when it cannot be sent now."""
    changed: Any = transaction.execute(
        update(OutboxMail)
        .where(
            col(OutboxMail.id) == mail_id,
            col(OutboxMail.state).in_(["operator", "unknown"]),
            _subject_is_running(),
        )
        .values(state="queued", reason="sent again by ops")
    )
    return bool(changed.rowcount)


def record_events(transaction: Session, events: Sequence[Event], now: datetime) -> int:
    """Keep delivery events, each once and in any order, and move the mails forward.

    One event of an attempt proves that the mail service took all its copies, those too that wait
    to be sent again. Returns how many events were new; those about mails we do not know are
    dropped.
    """
    said = as_table(
        transaction,
        [vars(event) for event in events],
        mail_id=Uuid(),
        attempt_id=Uuid(),
        event=String(),
        occurred_at=UTCDateTime(),
    )
    attempts = {event.attempt_id for event in events}
    of_attempts = and_(
        col(OutboxMail.attempt_id).in_(attempts), col(OutboxMail.state).in_(NOT_PROVEN)
    )
    named = select_columns(said.c.mail_id).union_all(
        select_columns(col(OutboxMail.id)).where(of_attempts)
    )
    _hold_many(transaction, col(OutboxMail.id).in_(named))
    row = {
        "id": id_of_each(),
        "mail_id": said.c.mail_id,
        "attempt_id": said.c.attempt_id,
        "event": said.c.event,
        "occurred_at": said.c.occurred_at,
        "recorded_at": literal(now, UTCDateTime()),
    }
    of_mails = col(OutboxMail.id) == said.c.mail_id
    known = select_columns(*row.values()).select_from(said).join(OutboxMail, of_mails)
    fresh = insert_selected(transaction, DeliveryEvent, list(row), known)
    for kind in STATE_AFTER_EVENT.keys() & {event.event for event in events}:
        mails = select_columns(said.c.mail_id).where(said.c.event == kind)
        _move_forward(transaction, mails, STATE_AFTER_EVENT[kind], now)
    # Not by their ids: many attempts have more copies than a statement may have values.
    transaction.execute(
        update(OutboxMail)
        .where(of_attempts)
        .values(state="accepted", accepted_at=now, settled_at=now, reason=None)
    )
    return fresh


def addressed(session: Session, claim: Claim) -> list[Addressed]:
    """The copies of a claim, with the address that each person has now."""
    person, address = _ADDRESSES[claim.like.addressee_kind]
    rows = session.execute(
        select_columns(
            col(OutboxMail.id), col(person.name), address, col(Link.purpose), col(Link.nonce)
        )
        .join(person, col(person.id) == col(OutboxMail.addressee_id))
        .join(Link, col(Link.id) == col(OutboxMail.link_id), isouter=True)
        .where(col(OutboxMail.attempt_id) == claim.attempt_id)
    )
    return [
        Addressed(mail_id=mail_id, name=name, address=to, purpose=purpose, nonce=nonce)
        for mail_id, name, to, purpose, nonce in rows
    ]


def states(session: Session, batch: Batch) -> dict[str, int]:
    """How many mails of a batch are in which state."""
    rows = session.exec(
        select(OutboxMail.state, func.count()).where(_in_batch(batch)).group_by(OutboxMail.state)
    ).all()
    return dict(rows)


def last_accepted_at(session: Session, batch: Batch) -> datetime | None:
    """When the mail service took the last of these mails."""
    return session.exec(select(func.max(OutboxMail.accepted_at)).where(_in_batch(batch))).one()


def without_sender(session: Session) -> Sequence[OutboxMail]:
    """Mails under way whose own workflow sends no more: each needs a delivery of its own, unless
    the workflow of an answered request is just at it.

    Links asked for again, test mails, a campaign's steps that are taken, word to its owner that did
    not go out at once, the mails of answered requests.
    """
    taken = exists().where(
        col(CampaignStep.campaign_id) == col(OutboxMail.subject_id),
        col(CampaignStep.step) == col(OutboxMail.step),
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
                col(OutboxMail.step) == FINISHED,
                col(OutboxMail.subject_kind) == VERSION,
                taken,
                answered,
            ),
            _subject_is_running(),
        )
    ).all()


def all_is_stopped(session: Session) -> bool:
    """Whether all mail is stopped (`database/controls.py`)."""
    return (
        session.exec(select(MailStop.id).where(col(MailStop.in_effect).is_(True))).first()
        is not None
    )


def waiting_for_ops(session: Session, limit: int = 100) -> Sequence[OutboxMail]:
    """Mails whose outcome only a person can decide."""
    return session.exec(
        select(OutboxMail)
        .where(OutboxMail.state == "operator")
        .order_by(col(OutboxMail.claimed_at))
        .limit(limit)
    ).all()


def _in_batch(batch: Batch) -> ColumnElement[bool]:
    wanted = (
        (col(OutboxMail.subject_id), batch.subject_id),
        (col(OutboxMail.addressee_kind), batch.addressee_kind),
        (col(OutboxMail.step), batch.step),
        (col(OutboxMail.shard), batch.shard),
        (col(OutboxMail.id), batch.mail_id),
    )
    return and_(*(column == value for column, value in wanted if value is not None))


def _is_of_campaign(mail: OutboxMail) -> bool:
    return mail.subject_kind == CAMPAIGN and mail.addressee_kind == ACCOUNT


def _all_is_stopped() -> ColumnElement[bool]:
    return exists().where(col(MailStop.in_effect).is_(True))


def _subject_is_running() -> ColumnElement[bool]:
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


def _is_overtaken(now: datetime) -> ColumnElement[bool]:
    """What became wrong while it waited: a reminder to someone who has answered, or after the
    effect; a late reply or a rung beside the answer; a campaign's mail to a closed account."""
    decided = exists().where(
        col(Campaign.id) == col(OutboxMail.subject_id),
        col(Approval.account_id) == col(OutboxMail.addressee_id),
        counts_for(col(Campaign.policy_version_id)),
    )
    in_effect = exists().where(
        col(Campaign.id) == col(OutboxMail.subject_id),
        col(PolicyVersion.id) == col(Campaign.policy_version_id),
        func.coalesce(Campaign.asks_until, PolicyVersion.effective_at) <= now,
    )
    closed = exists().where(col(Account.id) == col(OutboxMail.addressee_id), ~is_mailed())
    answered = exists().where(
        col(DataSubjectRequest.id) == col(OutboxMail.subject_id),
        col(DataSubjectRequest.answered_at).is_not(None),
    )
    of_campaign = col(OutboxMail.subject_kind) == CAMPAIGN
    return or_(
        and_(
            of_campaign, col(OutboxMail.step).startswith(RungKind.REMINDER), or_(decided, in_effect)
        ),
        and_(of_campaign, closed),
        and_(
            col(OutboxMail.subject_kind) == REQUEST,
            col(OutboxMail.step).not_in(("acknowledgement", "verification", "answer")),
            answered,
        ),
    )


def _queued(batch: Batch) -> ColumnElement[bool]:
    return and_(_in_batch(batch), col(OutboxMail.state) == "queued")


def _cancel(transaction: Session, queued: ColumnElement[bool]) -> None:
    """What another writer holds right now is left to the next one who comes by."""
    found = _of_nobody_else(select(OutboxMail.id).where(queued))
    _change(transaction, found, state="cancelled", reason="overtaken before it was sent")


def _key(mail: Queued) -> tuple[UUID, UUID, str]:
    return mail.subject_id, mail.addressee_id, mail.step


def _of_nobody_else(query: Query) -> Query:
    """Ours until the transaction ends, without those that are another writer's at this moment."""
    return query.with_for_update(skip_locked=True, key_share=True)


def _in_order(query: SelectOfScalar[Found]) -> SelectOfScalar[Found]:
    """Ours until the transaction ends, one after the other in the order of their ids."""
    return query.order_by(col(OutboxMail.id)).with_for_update(key_share=True)


def _hold(transaction: Session, *which: ColumnElement[bool]) -> Sequence[UUID]:
    return transaction.exec(_in_order(select(OutboxMail.id).where(*which))).all()


def _hold_many(transaction: Session, which: ColumnElement[bool]) -> None:
    held = _in_order(select(OutboxMail.id).where(which)).subquery()
    transaction.exec(select(func.count()).select_from(held)).one()


def _finish(
    transaction: Session,
    attempt_id: UUID,
    now: datetime,
    outcome: str,
    *,
    provider_id: str | None = None,
    reason: str | None = None,
) -> None:
    attempt = transaction.get_one(MailAttempt, attempt_id)
    attempt.ended_at = now
    attempt.outcome = outcome
    attempt.provider_id = provider_id
    attempt.reason = reason
    transaction.add(attempt)


def _settle_attempt(transaction: Session, attempt: UUID, **values: object) -> None:
    """Fenced: only mails that still belong to this attempt and are still in doubt move."""
    in_doubt = select(OutboxMail.id).where(
        OutboxMail.attempt_id == attempt, col(OutboxMail.state).in_(IN_DOUBT)
    )
    _change(transaction, _in_order(in_doubt), **values)


def _change(transaction: Session, which: SelectOfScalar[UUID], **values: object) -> int:
    """Change the mails that a query holds, without bringing their ids here; how many.

    Named in front of the statement, the query runs once: within it PostgreSQL may ask it again and
    again, and hold more than its limit.
    """
    once = which.cte()
    changed = transaction.execute(
        update(OutboxMail)
        .where(col(OutboxMail.id).in_(select(once.c.id)))
        .values(**values)
        .returning(col(OutboxMail.shard))
        .execution_options(synchronize_session=False)
    )
    return len(changed.all())


def _move_forward(
    transaction: Session, mails: Select[tuple[UUID]], state: str, now: datetime
) -> None:
    transaction.execute(
        update(OutboxMail)
        .where(
            col(OutboxMail.id).in_(mails),
            col(OutboxMail.state).in_([*NOT_PROVEN, *PROVEN[: PROVEN.index(state)]]),
            # Queued without an attempt, it waits for another address: this is about the old one.
            or_(col(OutboxMail.state) != "queued", col(OutboxMail.attempt_id).is_not(None)),
        )
        .values(
            state=state,
            settled_at=now,
            accepted_at=func.coalesce(col(OutboxMail.accepted_at), now),
            reason=None,
        )
        .execution_options(synchronize_session=False)
    )


def _later_ones_were_heard_of(session: Session, attempt: UUID) -> bool:
    """Whether events of so many later attempts came that its own, had it gone out, would have."""
    started_at = select(MailAttempt.started_at).where(MailAttempt.id == attempt).scalar_subquery()
    heard_of = exists().where(col(DeliveryEvent.attempt_id) == col(MailAttempt.id))
    later = (
        select(MailAttempt.id)
        .where(col(MailAttempt.started_at) > started_at, heard_of)
        .limit(LATER_ATTEMPTS_THAT_PROVE_SILENCE)
    )
    return len(session.exec(later).all()) == LATER_ATTEMPTS_THAT_PROVE_SILENCE
