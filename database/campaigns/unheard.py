"""What was decided about campaigns and versions, and their workflows may not have been told (P8).

A decision holds from when it is written down, whether or not Temporal answers just then. What
follows from it is the workflows': so what they have not heard of is looked for by the watchdog.
"""

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy import update
from sqlmodel import Session, col, select

from database.tables import ControlAct, MailStop, Policy, PolicyVersion

About = tuple[str, int]
"""The policy's slug and the version's number."""


def unheard(session: Session, about: About | None = None) -> Mapping[About, Sequence[UUID]]:
    """The acts of which workflows have not heard, of one version or of each."""
    of_version = (Policy.slug == about[0], PolicyVersion.number == about[1]) if about else ()
    rows = session.exec(
        select(Policy.slug, PolicyVersion.number, ControlAct.id)
        .join(PolicyVersion, col(PolicyVersion.policy_id) == col(Policy.id))
        .join(ControlAct, col(ControlAct.policy_version_id) == col(PolicyVersion.id))
        .where(
            *of_version,
            col(ControlAct.heard_at).is_(None),
            col(ControlAct.staff_id).is_not(None),
        )
        .order_by(col(ControlAct.id))
    ).all()
    found = defaultdict(list)
    for slug, number, act in rows:
        found[slug, number].append(act)
    return found


def note_heard(transaction: Session, acts: Collection[UUID], now: datetime) -> None:
    """Their workflows were told to look, or do not run and will look when they are started."""
    transaction.execute(update(ControlAct).where(col(ControlAct.id).in_(acts)).values(heard_at=now))


def unheard_starts(session: Session) -> Sequence[UUID]:
    """The stops of all mail that are over, and campaigns which waited may not know it."""
    over = col(MailStop.started_at).is_not(None), col(MailStop.heard_at).is_(None)
    return session.exec(select(MailStop.id).where(*over)).all()


def note_start_heard(transaction: Session, stops: Collection[UUID], now: datetime) -> None:
    """Every campaign on its way was told to look."""
    transaction.execute(update(MailStop).where(col(MailStop.id).in_(stops)).values(heard_at=now))
