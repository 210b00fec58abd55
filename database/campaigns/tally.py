"""What became of the mails a campaign just sent, and whether that is reason to stop it (P8)."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy import ColumnElement, and_, exists, or_
from sqlmodel import Session, col, func, select

from database.campaigns.canaries import FAILED, UNKNOWN
from database.campaigns.controls import last_resumed_at
from database.mail.outbox import ACCOUNT
from database.mail.steps import RUNNING
from database.tables import Campaign, DeliveryEvent, MailAttempt, OutboxMail
from domain.campaigns.sending import Limits, Tally, why_stop, why_stop_refused, why_stop_requests


def why_stop_campaign(
    session: Session, campaign_id: UUID, step: str, limits: Limits, now: datetime
) -> str | None:
    """What goes wrong with a step of a running campaign, in words that name nobody; None when
    nothing does.

    Only what began since it was last resumed counts: whoever resumes knows what was before. Nor
    does what became of the mails of other steps: addresses that failed then get none now.
    """
    campaign = session.get(Campaign, campaign_id)
    if campaign is None or campaign.state != RUNNING:
        return None
    resumed_at = last_resumed_at(session, campaign.policy_version_id)
    counts = _begun_since(campaign_id, resumed_at)
    return (
        why_stop(_last_heard_of(session, and_(counts, _of_step(step)), limits), limits)
        or why_stop_requests(*_last_requests(session, counts, now - limits.attempts_period), limits)
        or _why_stop_refused(session, campaign_id, step, counts, limits)
    )


def _why_stop_refused(
    session: Session, campaign_id: UUID, step: str, counts: ColumnElement[bool], limits: Limits
) -> str | None:
    of_step = and_(
        col(OutboxMail.subject_id) == campaign_id,
        col(OutboxMail.addressee_kind) == ACCOUNT,
        col(OutboxMail.step) == step,
    )
    refused = session.exec(
        select(func.count())
        .select_from(OutboxMail)
        .join(MailAttempt, col(MailAttempt.id) == col(OutboxMail.attempt_id))
        .where(
            of_step,
            col(OutboxMail.state).in_(UNKNOWN),
            col(MailAttempt.answered).is_not(None),
            counts,
        )
    ).one()
    if refused < limits.copies_at_least:
        return None
    queued = select(func.count()).select_from(OutboxMail).where(of_step)
    return why_stop_refused(session.exec(queued).one(), refused, limits)


def _last_heard_of(session: Session, counts: ColumnElement[bool], limits: Limits) -> Tally:
    """The last copies that the mail service said anything about; of those on their way, nobody
    can say yet."""
    heard_of = or_(
        exists().where(col(DeliveryEvent.attempt_id) == col(MailAttempt.id)),
        col(MailAttempt.outcome) == "rejected",
    )
    attempts = session.exec(
        select(MailAttempt.id, MailAttempt.copies)
        .where(counts, heard_of)
        .order_by(col(MailAttempt.started_at).desc())
        .limit(limits.copies)
    ).all()
    last, copies = _enough(attempts, limits.copies)
    if copies < limits.copies_at_least:
        return Tally(copies=0)
    states = dict(
        session.exec(
            select(OutboxMail.state, func.count())
            .where(col(OutboxMail.attempt_id).in_(last))
            .group_by(OutboxMail.state)
        ).all()
    )
    return Tally(
        copies=copies,
        failed=sum(states.get(state, 0) for state in FAILED),
        complained=states.get("complained", 0),
    )


def _last_requests(
    session: Session, counts: ColumnElement[bool], since: datetime
) -> tuple[int, int]:
    """How many requests ended since then, and of how many nobody knows what became of them."""
    ended = dict(
        session.exec(
            select(MailAttempt.outcome, func.count())
            .where(
                counts, col(MailAttempt.started_at) > since, col(MailAttempt.outcome).is_not(None)
            )
            .group_by(col(MailAttempt.outcome))
        ).all()
    )
    return sum(ended.values()), ended.get("unknown", 0)


def _of_step(step: str) -> ColumnElement[bool]:
    return exists().where(
        col(OutboxMail.attempt_id) == col(MailAttempt.id), col(OutboxMail.step) == step
    )


def _begun_since(campaign_id: UUID, since: datetime | None) -> ColumnElement[bool]:
    of_campaign = col(MailAttempt.subject_id) == campaign_id
    return of_campaign if since is None else and_(of_campaign, col(MailAttempt.started_at) > since)


def _enough(attempts: Iterable[tuple[UUID, int]], wanted: int) -> tuple[Sequence[UUID], int]:
    """The first of these attempts that together have so many copies, and how many they have."""
    taken: list[UUID] = []
    copies = 0
    for attempt_id, of_attempt in attempts:
        if copies >= wanted:
            break
        taken.append(attempt_id)
        copies += of_attempt
    return taken, copies
