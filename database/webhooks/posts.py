"""What is posted to a webhook, alarms and events alike: claimed, posted by the courier, settled.

A receiver knows a message by its id, so one may be posted twice: when its sender died before it
could say how it went, the next one posts it again.
"""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar

from sqlalchemy import delete, or_, update
from sqlmodel import Session, col, func, select

from database.tables import Alarm, Event

Post = TypeVar("Post", Alarm, Event)
URGENT, WAITING, DELIVERED = "urgent", "waiting", "delivered"
UNDELIVERED = (URGENT, WAITING)
"""In the order of their turns: what is urgent waits behind nothing that is not."""
UNSENT = {Alarm: "mail_only", Event: "unsent"}
"""What becomes of those that wait where no webhook is set: of alarms staff hear by mail."""
CLAIMED_FOR = timedelta(minutes=1)
FIRST_PAUSE = timedelta(minutes=1)
LONGEST_PAUSE = timedelta(hours=1)
DOUBLED_AT_MOST = 6  # by then it is longer than the longest
KEPT: dict[type[Alarm] | type[Event], timedelta] = {
    Alarm: timedelta(days=365),
    Event: timedelta(days=30),
}
"""How long they stay once they are settled (P33). An event says which account something happened
to; an alarm names nobody, and as long as it is there its occasion raises no other."""


@dataclass(frozen=True, kw_only=True)
class Undelivered:
    """How many posts wait for their webhook, since when, and what the last try met."""

    count: int
    since: datetime | None = None
    problem: str | None = None


def in_json(instant: datetime) -> str:
    """As the API writes it: in UTC, with a Z."""
    return instant.astimezone(UTC).isoformat().replace("+00:00", "Z")


def claim(transaction: Session, table: type[Post], now: datetime) -> Post | None:
    """Take the post whose turn it is; None when there is none that may be posted now.

    Of those that are urgent, and then of the others, the least often tried comes first.
    """
    for state in UNDELIVERED:
        post = _first(transaction, table, state, now)
        if post is not None:
            post.attempts += 1
            post.claimed_until = now + CLAIMED_FOR
            transaction.add(post)
            return post
    return None


def _first(transaction: Session, table: type[Post], state: str, now: datetime) -> Post | None:
    free = or_(col(table.claimed_until).is_(None), col(table.claimed_until) <= now)
    return transaction.exec(
        select(table)
        .where(table.state == state, free)
        .order_by(col(table.attempts), col(table.raised_at), col(table.id))
        .limit(1)
        .with_for_update(skip_locked=True)
    ).first()


def deliver(transaction: Session, post: Alarm | Event, now: datetime) -> None:
    """Note that it was taken."""
    _settle(transaction, post, state=DELIVERED, settled_at=now, claimed_until=None, problem=None)


def put_back(transaction: Session, post: Alarm | Event, problem: str) -> None:
    """None is taken at the moment: it may be posted again with the next round."""
    _settle(transaction, post, claimed_until=None, problem=problem)


def put_aside(transaction: Session, post: Alarm | Event, problem: str, now: datetime) -> None:
    """It alone was refused: it waits for itself, twice as long after each try."""
    doublings = min(post.attempts - 1, DOUBLED_AT_MOST)
    pause = min(FIRST_PAUSE * 2**doublings, LONGEST_PAUSE)
    _settle(transaction, post, claimed_until=now + pause, problem=problem)


def _settle(transaction: Session, post: Alarm | Event, **values: object) -> None:
    table = type(post)
    transaction.execute(
        update(table)
        .where(col(table.id) == post.id, col(table.state).in_(UNDELIVERED))
        .values(**values)
    )


def leave(transaction: Session, table: type[Post], now: datetime) -> None:
    """No webhook is set: what waits for one is posted no more, and says so."""
    transaction.execute(
        update(table)
        .where(col(table.state).in_(UNDELIVERED))
        .values(state=UNSENT[table], settled_at=now, claimed_until=None)
    )


def purge(
    transaction: Session, table: type[Alarm] | type[Event], before: datetime, *, limit: int
) -> int:
    """Delete posts that were settled before an instant, some at a time; returns how many (P33).

    What still waits stays, however long that takes.
    """
    oldest = (
        select(col(table.id))
        .where(col(table.state).not_in(UNDELIVERED), col(table.settled_at) < before)
        .order_by(col(table.settled_at))
        .limit(limit)
    )
    done: Any = transaction.execute(delete(table).where(col(table.id).in_(oldest)))
    return int(done.rowcount)


def undelivered(session: Session, table: type[Post]) -> Undelivered:
    """What waits for the webhook."""
    waits = col(table.state).in_(UNDELIVERED)
    count, since = session.exec(select(func.count(), func.min(table.raised_at)).where(waits)).one()
    last = select(table.problem).where(waits, col(table.problem).is_not(None))
    problem = session.exec(last.order_by(col(table.attempts).desc()).limit(1)).first()
    return Undelivered(count=count, since=since, problem=problem)
