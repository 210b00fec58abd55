"""Mails that ops decide about: in doubt, or rejected by the mail service; and sent again (P4)."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Row, and_, case, exists, or_, update
from sqlalchemy import select as select_columns
from sqlmodel import Session, col, func, select

from database.facts import record
from database.mail.mail_rows import hold_mails
from database.mail.outbox import (
    ACCOUNT,
    CAMPAIGN,
    IN_DOUBT,
    REQUEST,
    SENT_AGAIN_BY_MACHINE,
    SENT_AGAIN_BY_OPS,
    VERSION,
    is_overtaken,
    is_settled_for,
    subject_is_running,
)
from database.mail.outcomes import EVIDENCE_PERIODS, later_ones_were_heard_of
from database.mail.steps import CALLED_OFF, FINISHED, FIRST_NOTICE, PAUSED, RUNNING, WITHDRAWAL
from database.tables import (
    Campaign,
    DataSubjectRequest,
    MailAttempt,
    OutboxMail,
    Policy,
    PolicyVersion,
)
from domain.requests.data_subject_requests import State

AT_ONCE = 1000
SENDER_STOPPED = "the sender stopped in the middle of the request"
NO_REASON = "the mail service gave no reason"
NO_ANSWER = "no answer yet"
FOR_OPS = "your decision"
FOR_THE_MACHINE = "delivery events: it is settled by itself"
FOR_ITS_CAMPAIGN = "its campaign, which is paused: once resumed it is settled by itself"
FOR_NOTHING = "nothing: its campaign is over"


@dataclass(frozen=True, kw_only=True)
class Doubt:
    """Mails in doubt or rejected that have all in common that a person can judge them by.

    `campaign_id`, `slug` and `number` are null of what is no campaign's. `known`: what the last
    attempts came to. `since` and `last_at`: when the first and the last of them began. `paused`:
    nothing of it goes out until its campaign is resumed; `over`: nor ever. `state`: operator;
    sending or unknown, which the machine settles; or rejected: those went to nobody with their last
    attempt, and are taken only once the cause is mended.
    """

    state: str
    subject_kind: str
    campaign_id: UUID | None
    step: str
    template: str
    known: str
    mails: int
    attempts: int
    since: datetime
    last_at: datetime
    slug: str | None = None
    title: str | None = None
    number: int | None = None
    paused: bool = False
    over: bool = False

    @property
    def key(self) -> str:
        """What pages and commands name it by: the same as long as the same is in doubt."""
        of_mail = (self.subject_kind, self.campaign_id, self.step, self.template)
        parts = (self.state, *of_mail, self.known)
        return sha256("\n".join(map(str, parts)).encode()).hexdigest()[:12]

    @property
    def waits_for(self) -> str:
        """What they wait for, in words for ops."""
        if self.state == "operator":
            return FOR_OPS
        if self.over:
            return FOR_NOTHING
        return FOR_ITS_CAMPAIGN if self.paused else FOR_THE_MACHINE

    def settled_by(self, settle_after: timedelta) -> datetime | None:
        """By when the machine has decided about them, or left them to ops; None where it is not
        for the machine, or nothing of their campaign is looked at for now."""
        if self.waits_for != FOR_THE_MACHINE:
            return None
        return self.last_at + EVIDENCE_PERIODS * settle_after


def count_doubtful(session: Session) -> int:
    """How many mails wait for a decision by ops."""
    return session.exec(select(func.count()).select_from(OutboxMail).where(_waits_for_ops())).one()


def doubts(session: Session) -> Sequence[Doubt]:
    """What is in doubt and waits for ops, in groups; the largest first."""
    return _groups(session, _waits_for_ops())


def unsettled(session: Session) -> Sequence[Doubt]:
    """What is under way or of unknown outcome and does not wait for ops, in groups."""
    return _groups(session, col(OutboxMail.state).in_(IN_DOUBT))


def rejects(session: Session, now: datetime) -> Sequence[Doubt]:
    """What the mail service rejected and may be sent again, in groups; the largest first.

    Not what would come too late, or to people who have answered; nor test mails, which legal have
    sent anew.
    """
    return _groups(session, _is_rejected(now))


def doubt_by_key(session: Session, key: str, now: datetime) -> Doubt | None:
    """The group of that key; None when nothing of it waits any more."""
    waiting = (*doubts(session), *rejects(session, now))
    return next((doubt for doubt in waiting if doubt.key == key), None)


def mails_alike(
    session: Session, doubt: Doubt, now: datetime, *, after: int = 0, limit: int = 100
) -> Sequence[OutboxMail]:
    """The single mails of a group; those that were tried first come first."""
    return session.exec(
        select(OutboxMail)
        .join(MailAttempt, col(MailAttempt.id) == col(OutboxMail.attempt_id), isouter=True)
        .where(_is_of(doubt, now))
        .order_by(col(OutboxMail.claimed_at), col(OutboxMail.id))
        .offset(after)
        .limit(limit)
    ).all()


def is_worth_sending(now: datetime) -> ColumnElement[bool]:
    """Whether a mail that did not go out may go out yet: its subject runs, and it comes neither too
    late nor to people who have answered."""
    return and_(subject_is_running(), _comes_in_time(now))


def is_worth_queueing(now: datetime) -> ColumnElement[bool]:
    """As `is_worth_sending`, of a campaign too that stands still: the mail waits with it."""
    goes_on = exists().where(
        col(Campaign.id) == col(OutboxMail.subject_id), col(Campaign.state).in_((RUNNING, PAUSED))
    )
    return and_(or_(subject_is_running(), goes_on), _comes_in_time(now))


def _comes_in_time(now: datetime) -> ColumnElement[bool]:
    too_late = and_(col(OutboxMail.step) == FIRST_NOTICE, is_settled_for(now))
    return and_(~is_overtaken(now), ~too_late)


def resend(transaction: Session, mail_id: UUID, now: datetime) -> bool:
    """Ops decide to send a mail again of unknown outcome, or that was rejected; False when it
    cannot be sent now."""
    changed: Any = transaction.execute(
        update(OutboxMail)
        .where(
            col(OutboxMail.id) == mail_id,
            or_(col(OutboxMail.state).in_(["operator", "unknown"]), _is_rejected(now)),
            is_worth_sending(now),
        )
        .values(_again(SENT_AGAIN_BY_OPS))
        .execution_options(synchronize_session=False)
    )
    return bool(changed.rowcount)


def resend_some(
    transaction: Session, doubt: Doubt, staff_id: UUID, now: datetime
) -> Sequence[UUID]:
    """Ops decide to send a group's mails again: up to a thousand of them; none when none is left.

    None either while their campaign does not run, nor what would come too late or to people who
    have answered.
    """
    some = (
        select(OutboxMail.id)
        .join(MailAttempt, col(MailAttempt.id) == col(OutboxMail.attempt_id), isouter=True)
        .where(_is_of(doubt, now), is_worth_sending(now))
        .order_by(col(OutboxMail.id))
        .limit(AT_ONCE)
    )
    ids = transaction.exec(some).all()
    mails = _queue_again(transaction, ids, SENT_AGAIN_BY_OPS, was=doubt.state)
    if mails:
        subject = doubt.campaign_id or mails[0]
        record(
            transaction,
            "mails.resent_by_ops",
            subject,
            now,
            staff=staff_id,
            step=doubt.step,
            template=doubt.template,
            was=doubt.state,
            mails=[str(mail) for mail in mails],
        )
    return mails


def reconsider(transaction: Session, *, settle_after: timedelta, now: datetime) -> int:
    """Send again by the machine what was left to ops, once evidence came after all (P4).

    The evidence is that of `outcomes.settle`: events of at least three later attempts, and none of
    theirs. It has to have stood for `settle_after`: where events were late, those of the attempt
    itself may be among the next. What would come too late, or to people who have answered, is left
    to ops. Up to a thousand copies of one attempt; nought when there is nothing to do.
    """
    owed = and_(
        col(OutboxMail.state) == "operator",
        col(OutboxMail.claimed_at) <= now - settle_after,
        is_worth_sending(now),
    )
    attempts = transaction.exec(
        select(OutboxMail.attempt_id).where(owed).distinct().order_by(col(OutboxMail.attempt_id))
    ).all()
    for attempt in attempts:
        if attempt and later_ones_were_heard_of(transaction, attempt, before=now - settle_after):
            some = select(OutboxMail.id).where(owed, OutboxMail.attempt_id == attempt)
            ids = transaction.exec(some.order_by(col(OutboxMail.id)).limit(AT_ONCE)).all()
            mails = _queue_again(transaction, ids, SENT_AGAIN_BY_MACHINE)
            if mails:
                record(
                    transaction, "mails.resent_by_machine", attempt, now, mails=[*map(str, mails)]
                )
                return len(mails)
    return 0


def _queue_again(
    transaction: Session, ids: Sequence[UUID], reason: str, *, was: str = "operator"
) -> Sequence[UUID]:
    """Those of them that are still with ops, now that they are ours: an event may have come."""
    mails = hold_mails(transaction, col(OutboxMail.id).in_(ids), col(OutboxMail.state) == was)
    transaction.execute(
        update(OutboxMail)
        .where(col(OutboxMail.id).in_(mails))
        .values(_again(reason))
        .execution_options(synchronize_session=False)
    )
    return mails


def _again(reason: str) -> dict[str, Any]:
    """A mail waits for another try. One that was rejected nobody can have had by the last one."""
    had = case((col(OutboxMail.state) == "rejected", None), else_=col(OutboxMail.attempt_id))
    return {"state": "queued", "reason": reason, "attempt_id": had, "settled_at": None}


def _is_rejected(now: datetime) -> ColumnElement[bool]:
    """By a try before `now`: what is rejected once more, while all of a group is sent again, waits
    for another decision."""
    over = exists().where(
        col(DataSubjectRequest.id) == col(OutboxMail.subject_id),
        col(DataSubjectRequest.state).in_((State.CLOSED, State.PURGED)),
    )
    return and_(
        col(OutboxMail.state) == "rejected",
        func.coalesce(OutboxMail.settled_at, OutboxMail.queued_at) <= now,
        col(OutboxMail.subject_kind) != VERSION,
        or_(col(OutboxMail.subject_kind) != REQUEST, ~over),
        is_worth_queueing(now),
    )


def _waits_for_ops() -> ColumnElement[bool]:
    """Nobody decides any more about what a campaign that is over did not bring; it is told among
    those whom it did not reach."""
    over = exists().where(
        col(Campaign.id) == col(OutboxMail.subject_id),
        or_(
            col(Campaign.state) == FINISHED,
            and_(col(Campaign.state).in_(CALLED_OFF), col(OutboxMail.step) != WITHDRAWAL),
        ),
    )
    return and_(
        col(OutboxMail.state) == "operator",
        or_(~over, subject_is_running()),
    )


def _campaign_id() -> ColumnElement[UUID | None]:
    """Of a campaign's own mails; each request, and each link asked for again, is one of a kind."""
    return case(
        (
            and_(
                col(OutboxMail.subject_kind) == CAMPAIGN,
                col(OutboxMail.addressee_kind) == ACCOUNT,
            ),
            col(OutboxMail.subject_id),
        ),
        else_=None,
    )


def _known() -> ColumnElement[str]:
    state = col(OutboxMail.state)
    return case(
        (state == "rejected", func.coalesce(col(OutboxMail.reason), NO_REASON)),
        (state == "sending", NO_ANSWER),
        else_=func.coalesce(col(MailAttempt.reason), SENDER_STOPPED),
    )


def _is_of(doubt: Doubt, now: datetime) -> ColumnElement[bool]:
    of_campaign = _campaign_id()
    by_state = {"operator": _waits_for_ops(), "rejected": _is_rejected(now)}
    return and_(
        by_state.get(doubt.state, col(OutboxMail.state) == doubt.state),
        col(OutboxMail.subject_kind) == doubt.subject_kind,
        of_campaign == doubt.campaign_id if doubt.campaign_id else of_campaign.is_(None),
        col(OutboxMail.step) == doubt.step,
        col(OutboxMail.template) == doubt.template,
        _known() == doubt.known,
    )


def _groups(session: Session, which: ColumnElement[bool]) -> Sequence[Doubt]:
    waits = (
        select_columns(
            col(OutboxMail.state),
            col(OutboxMail.subject_kind),
            _campaign_id().label("campaign_id"),
            col(OutboxMail.step),
            col(OutboxMail.template),
            _known().label("known"),
            col(OutboxMail.attempt_id),
            col(OutboxMail.claimed_at),
        )
        .join(MailAttempt, col(MailAttempt.id) == col(OutboxMail.attempt_id), isouter=True)
        .where(which)
        .subquery()
        .c
    )
    alike = (
        *(waits.state, waits.subject_kind, waits.campaign_id),
        *(waits.step, waits.template, waits.known),
    )
    rows = session.execute(
        select_columns(
            *alike,
            func.count().label("mails"),
            func.count(waits.attempt_id.distinct()).label("attempts"),
            func.min(waits.claimed_at).label("since"),
            func.max(waits.claimed_at).label("last_at"),
        )
        .group_by(*alike)
        .order_by(func.count().desc(), func.min(waits.claimed_at))
    ).all()
    about = _campaigns(session, {row.campaign_id for row in rows if row.campaign_id})
    return [_doubt(row, about.get(row.campaign_id)) for row in rows]


def _doubt(row: Row[Any], about: tuple[Policy, PolicyVersion, Campaign] | None) -> Doubt:
    alike = row._mapping  # noqa: SLF001 - so the public name of a row's columns is spelt
    if about is None:
        return Doubt(**alike)
    policy, version, campaign = about
    return Doubt(
        **alike,
        slug=policy.slug,
        title=policy.title,
        number=version.number,
        paused=campaign.state == PAUSED,
        over=campaign.state == FINISHED
        or (campaign.state in CALLED_OFF and row.step != WITHDRAWAL),
    )


def _campaigns(
    session: Session, ids: set[UUID]
) -> dict[UUID | None, tuple[Policy, PolicyVersion, Campaign]]:
    rows = session.exec(
        select(Policy, PolicyVersion, Campaign)
        .join(PolicyVersion, col(PolicyVersion.policy_id) == col(Policy.id))
        .join(Campaign, col(Campaign.policy_version_id) == col(PolicyVersion.id))
        .where(col(Campaign.id).in_(ids))
    ).all()
    return {campaign.id: (policy, version, campaign) for policy, version, campaign in rows}
