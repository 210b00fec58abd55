"""What became of the mails a campaign just sent, and whether that is reason to stop it (P8)."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy import ColumnElement, and_, exists, or_
from sqlmodel import Session, col, func, select

from database.campaigns import RUNNING
from database.canaries import FAILED
from database.controls import last_resumed_at
from database.tables import Campaign, DeliveryEvent, MailAttempt, OutboxMail
from domain.sending import Limits, Tally, why_stop, why_stop_requests


def why_stop_campaign(
    session: Session, campaign_id: UUID, limits: Limits, now: datetime
) -> str | None:
    """What goes wrong with a running campaign, in words that name nobody; None when nothing does.

    Only what began since it was last resumed counts: whoever resumes knows what was before.
    """
    campaign = session.get(Campaign, campaign_id)
    if campaign is None or campaign.state != RUNNING:
        return None
    resumed_at = last_resumed_at(session, campaign.policy_version_id)
    counts = _begun_since(campaign_id, resumed_at)
    return why_stop(_last_heard_of(session, counts, limits), limits) or why_stop_requests(
        *_last_requests(session, counts, now - limits.attempts_period), limits
    )


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
