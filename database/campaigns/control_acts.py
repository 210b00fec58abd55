"""What was done to a campaign, by whom and why, as it is told afterwards (P8)."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID

from sqlalchemy import exists, or_
from sqlalchemy.orm import aliased
from sqlmodel import Session, col, func, select

from database.tables import Campaign, ControlAct, MailStop, Staff

THE_MACHINE = "the machine"


@dataclass(frozen=True, kw_only=True)
class Done:
    """An act as it is told afterwards. `heard_of`: whether the workflows were told to look; until
    then it holds, and what follows from it has not begun."""

    act: str
    by: str
    reason: str
    at: datetime
    until_on: date | None = None
    per_minute: int | None = None
    heard_of: bool = True


def control_acts(session: Session, version_id: UUID) -> tuple[Done, ...]:
    """What was done to a version's campaign, and to all mail while it was on its way, by whom and
    why, the first first."""
    done = [*_done_to(session, version_id), *_done_to_all_mail(session, version_id)]
    return tuple(sorted(done, key=lambda each: each.at))


def _done_to(session: Session, version_id: UUID) -> Iterator[Done]:
    rows = session.exec(
        select(ControlAct, func.coalesce(Staff.handle, THE_MACHINE))
        .join(Staff, col(Staff.id) == col(ControlAct.staff_id), isouter=True)
        .where(ControlAct.policy_version_id == version_id)
        .order_by(col(ControlAct.acted_at), col(ControlAct.id))
    ).all()
    for act, by in rows:
        yield Done(
            act=act.act,
            by=by,
            reason=act.reason,
            at=act.acted_at,
            until_on=act.until_on,
            per_minute=act.per_minute,
            heard_of=act.staff_id is None or act.heard_at is not None,
        )


def _done_to_all_mail(session: Session, version_id: UUID) -> Iterator[Done]:
    """Of each stop that a campaign of the version met: that it came, and that it ended."""
    starter = aliased(Staff)
    ended_at, begun_again_at = col(Campaign.finished_at), col(MailStop.started_at)
    met = exists().where(
        col(Campaign.policy_version_id) == version_id,
        or_(ended_at.is_(None), ended_at > col(MailStop.stopped_at)),
        or_(begun_again_at.is_(None), begun_again_at > col(Campaign.started_at)),
    )
    rows = session.exec(
        select(MailStop, Staff.handle, starter.handle)
        .join(Staff, col(Staff.id) == col(MailStop.stopped_by))
        .join(starter, col(starter.id) == col(MailStop.started_by), isouter=True)
        .where(met)
    ).all()
    for stop, stopped_by, started_by in rows:
        yield Done(act="stop_all_mail", by=stopped_by, reason=stop.reason, at=stop.stopped_at)
        if stop.started_at:
            reason = stop.start_reason or ""
            yield Done(
                act="start_all_mail",
                by=started_by,
                reason=reason,
                at=stop.started_at,
                heard_of=stop.heard_at is not None,
            )
