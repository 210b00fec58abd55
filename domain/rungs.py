"""What a rung is: a moment at which an open matter speaks up, and to whom. Pure.

A campaign's are in `campaigns/timetable.py`, those of a data-subject request in
`requests/ladder.py`.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

ONE_DAY = timedelta(days=1)


class Role(StrEnum):
    """Whom a rung speaks to. Who that is, is looked up when it fires."""

    ACCOUNT_HOLDER = "account_holder"
    OWNER = "owner"
    LEGAL = "legal"
    PERSON = "person"
    ASSIGNEE = "assignee"
    BACKUP = "backup"
    LEAD = "lead"
    PRIVACY_OFFICER = "privacy_officer"
    DEPUTY = "deputy"
    EXECUTIVE = "executive"


class RungKind(StrEnum):
    """What a rung does."""

    REMINDER = "reminder"
    ESCALATION = "escalation"
    LATE_REPLY = "late_reply"
    BREACH = "breach"
    OVERDUE = "overdue"


@dataclass(frozen=True, kw_only=True)
class Rung:
    """A moment (UTC) at which an open matter speaks up.

    `key` is stable: a rung fires once for each key and due time. `summary` is for ops and names
    nobody. `effect_at`: of a campaign's, the date of effect that it is about.
    """

    key: str
    at: datetime
    kind: RungKind
    audience: tuple[Role, ...]
    summary: str
    effect_at: datetime | None = None


def from_then_on(start: datetime, *rungs: Rung) -> tuple[Rung, ...]:
    """The rungs that do not lie before `start`, earliest first.

    The sort is stable, so the higher of two at one instant comes last.
    """
    return tuple(sorted((rung for rung in rungs if rung.at >= start), key=lambda rung: rung.at))
