"""How all mail stands now: whether it goes, how fast, and what waits (P8)."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import and_
from sqlmodel import Session, col, func, select, true

from database.mail.doubts import count_doubtful
from database.mail.outbox import IN_DOUBT, all_is_stopped
from database.mail.pace import copies_last_minute, learnt
from database.tables import MailAttempt, OutboxMail

LATELY = timedelta(hours=1)
UNSETTLED = ("queued", *IN_DOUBT)
LOOKED_AT, IN_VAIN_FOR, IN_VAIN = timedelta(minutes=30), timedelta(minutes=15), 3


@dataclass(frozen=True, kw_only=True)
class MailStatus:
    """Rates are copies in a minute, null where there is none.

    `rate_learnt`: what a 429 of the mail service taught, since `learnt_since`, and forgotten once
    it is back at `rate_before`. `held_until`: the service asked us to send nothing until then.
    `failing_since`, `failed_requests`, `failed_with`: as `Failing`, null and 0 when it takes mail.
    """

    stopped: bool
    rate_configured: int | None
    rate_learnt: int | None
    rate_before: int | None
    learnt_since: datetime | None
    held_until: datetime | None
    failing_since: datetime | None
    failed_requests: int
    failed_with: int | None
    copies_last_minute: int
    waiting: int
    in_doubt: int
    for_ops: int


@dataclass(frozen=True, kw_only=True)
class Failing:
    """The mail service took nothing of late: `requests` since the last one that it took were
    answered with an error, the first at `since` and the last with status `answered`."""

    since: datetime
    requests: int
    answered: int


def failing(session: Session, now: datetime) -> Failing | None:
    """Whether the mail service answers what we send with errors (5xx), in the last hour; None as
    soon as it took something again."""
    an_hour_ago = now - LATELY
    started_at = col(MailAttempt.started_at)
    last_taken_at = session.exec(
        select(func.max(MailAttempt.started_at)).where(
            started_at > an_hour_ago, MailAttempt.outcome == "accepted"
        )
    ).one()
    failed = and_(
        started_at > (last_taken_at or an_hour_ago), col(MailAttempt.answered).is_not(None)
    )
    requests, since = session.exec(
        select(func.count(), func.min(MailAttempt.started_at)).where(failed)
    ).one()
    if since is None:
        return None
    last = select(MailAttempt.answered).where(failed).order_by(started_at.desc()).limit(1)
    return Failing(since=since, requests=requests, answered=session.exec(last).one() or 0)


def mails_by_state(session: Session, *states: str) -> dict[str, int]:
    """How many mails there are in each of these states; in every one, if none is named, which reads
    the whole outbox."""
    rows = session.exec(
        select(OutboxMail.state, func.count())
        .where(col(OutboxMail.state).in_(states) if states else true())
        .group_by(OutboxMail.state)
        .order_by(col(OutboxMail.state))
    ).all()
    return dict(rows)


def requests_in_vain(session: Session, now: datetime) -> int:
    """How many requests the mail service has not taken lately, when it took none; else 0.

    Of the last half hour, three at least, the first of them a quarter of an hour ago: what is away
    for a moment is tried again, and nobody need hear of it.
    """
    rows = session.exec(
        select(MailAttempt.outcome, func.count(), func.min(MailAttempt.started_at))
        .where(
            col(MailAttempt.started_at) > now - LOOKED_AT,
            col(MailAttempt.outcome).in_(["accepted", "rejected", "not_sent", "unknown"]),
        )
        .group_by(col(MailAttempt.outcome))
    ).all()
    if any(outcome in ("accepted", "rejected") for outcome, _, _ in rows):
        return 0
    many = sum(count for _, count, _ in rows)
    long_ago = any(first <= now - IN_VAIN_FOR for _, _, first in rows)
    return many if many >= IN_VAIN and long_ago else 0


def mail_status(
    session: Session, states: Mapping[str, int], now: datetime, *, per_minute: int
) -> MailStatus:
    """How all mail stands. `states`: how many mails are in each, UNSETTLED among them; `per_minute`
    is the rate that is set, 0 for none."""
    known = learnt(session)
    rate = known.rate_at(now) if known else None
    fails = failing(session, now)
    return MailStatus(
        stopped=all_is_stopped(session),
        rate_configured=per_minute or None,
        rate_learnt=rate,
        rate_before=known.peak if known and rate else None,
        learnt_since=known.began_at if known and rate else None,
        held_until=known.held_until if known and now < known.held_until else None,
        failing_since=fails.since if fails else None,
        failed_requests=fails.requests if fails else 0,
        failed_with=fails.answered if fails else None,
        copies_last_minute=copies_last_minute(session, now),
        waiting=states.get("queued", 0),
        in_doubt=sum(states.get(state, 0) for state in IN_DOUBT),
        for_ops=count_doubtful(session),
    )
