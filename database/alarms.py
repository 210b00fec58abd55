"""Alarms beside mail: raised in the transaction of what happened, claimed, posted, settled.

A receiver knows an alarm by its id, so one may be posted twice: when its sender died before it
could say how it went, the next one posts it again.
"""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum

from sqlalchemy import or_, update
from sqlmodel import Session, col, func, select

from database.ids import new_id
from database.tables import Alarm, Campaign, Policy, PolicyVersion
from database.writing import insert_new

WAITING, DELIVERED, MAIL_ONLY = "waiting", "delivered", "mail_only"
CLAIMED_FOR = timedelta(minutes=1)


class AlarmKind(StrEnum):
    """What staff hear of; the `type` of a message."""

    CAMPAIGN_STOPPED = "campaign.stopped"
    CAMPAIGN_ESCALATED = "campaign.escalated"
    REQUEST_ESCALATED = "request.escalated"
    REQUEST_BREACHED = "request.breached"
    REQUEST_OVERDUE = "request.overdue"
    WATCHDOG_STUCK = "watchdog.stuck"
    MAIL_NOT_TAKEN = "mail.not_taken"
    MAILS_UNSETTLED = "mails.unsettled"


@dataclass(frozen=True, kw_only=True)
class Undelivered:
    """How many alarms wait for the webhook, since when, and what the last try met."""

    count: int
    since: datetime | None = None
    problem: str | None = None


def sound(
    transaction: Session,
    kind: AlarmKind,
    occasion: object,
    now: datetime,
    *,
    page: str,
    **content: object,
) -> None:
    """Raise an alarm in the transaction of what causes it; once for each occasion of its kind.

    `content` holds instants and what JSON holds, and names nobody (P31).
    """
    told = {
        name: in_json(value) if isinstance(value, datetime) else value
        for name, value in content.items()
    }
    row = {
        "id": new_id(),
        "kind": kind.value,
        "occasion": f"{kind}/{occasion}",
        "content": told,
        "page": page,
        "raised_at": now,
        "state": WAITING,
        "attempts": 0,
    }
    insert_new(transaction, Alarm, [row])


def in_json(instant: datetime) -> str:
    """As the API writes it: in UTC, with a Z."""
    return instant.astimezone(UTC).isoformat().replace("+00:00", "Z")


def sound_of_campaign(
    transaction: Session,
    kind: AlarmKind,
    campaign: Campaign,
    step: str,
    now: datetime,
    **content: object,
) -> None:
    """As `sound`, about a step of a campaign; its page is that of the version."""
    version = transaction.get_one(PolicyVersion, campaign.policy_version_id)
    slug = transaction.get_one(Policy, version.policy_id).slug
    sound(
        transaction,
        kind,
        f"{campaign.id}/{step}",
        now,
        page=f"/staff/policies/{slug}/versions/{version.number}",
        policy=slug,
        version=version.number,
        step=step,
        **content,
    )


def claim(transaction: Session, now: datetime) -> Alarm | None:
    """Take the alarm whose turn it is; None when there is none that nobody is at.

    The least often tried comes first, so that one which is refused holds up no other.
    """
    free = or_(col(Alarm.claimed_until).is_(None), col(Alarm.claimed_until) <= now)
    alarm = transaction.exec(
        select(Alarm)
        .where(Alarm.state == WAITING, free)
        .order_by(col(Alarm.attempts), col(Alarm.raised_at), col(Alarm.id))
        .limit(1)
        .with_for_update(skip_locked=True)
    ).first()
    if alarm is not None:
        alarm.attempts += 1
        alarm.claimed_until = now + CLAIMED_FOR
        transaction.add(alarm)
    return alarm


def settle(transaction: Session, alarm: Alarm, problem: str | None, now: datetime) -> None:
    """Note how posting it went: it is delivered, or waits again because of a `problem`."""
    delivered = {"state": DELIVERED, "settled_at": now} if problem is None else {}
    transaction.execute(
        update(Alarm)
        .where(col(Alarm.id) == alarm.id, col(Alarm.state) == WAITING)
        .values(claimed_until=None, problem=problem, **delivered)
    )


def leave_to_mail(transaction: Session, now: datetime) -> None:
    """No webhook is set: what waits for one stays with the mails, and says so."""
    transaction.execute(
        update(Alarm)
        .where(col(Alarm.state) == WAITING)
        .values(state=MAIL_ONLY, settled_at=now, claimed_until=None)
    )


def undelivered(session: Session) -> Undelivered:
    """What waits for the webhook."""
    count, since = session.exec(
        select(func.count(), func.min(Alarm.raised_at)).where(Alarm.state == WAITING)
    ).one()
    last = select(Alarm.problem).where(Alarm.state == WAITING, col(Alarm.problem).is_not(None))
    problem = session.exec(last.order_by(col(Alarm.attempts).desc()).limit(1)).first()
    return Undelivered(count=count, since=since, problem=problem)
