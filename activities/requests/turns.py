"""Whose turn it is: the people behind the roles of a rung, looked up when it fires (P21)."""

from collections.abc import Iterable, Sequence
from datetime import date
from uuid import UUID

from sqlmodel import Session

from database.people.absences import absent, acting_for
from database.people.staff import StaffRefused, by_handle, in_charge, in_role
from database.requests.asked_tasks import AskedTask
from database.tables import DataSubjectRequest, Staff
from domain.company import Officers
from domain.rungs import Role

PRIVACY = "privacy"


def whose_turn(
    session: Session,
    request: DataSubjectRequest,
    audience: Iterable[Role],
    officers: Officers,
    on: date,
) -> list[Staff]:
    """Everybody of staff whom a rung speaks to on a day, each once.

    Whoever is away has a delegate; where that leads to nobody, or they left, the lead is told.
    """
    found: dict[UUID, Staff] = {}
    for role in audience:
        for member in _holders(session, request, role, officers, on):
            found[member.id] = member
    return list(found.values())


def does_by_hand(session: Session, task: AskedTask, on: date) -> Sequence[Staff]:
    """Everybody at work on a day who may do what no machine can: whoever holds the role that the
    data map gives it to, and where nobody does, the privacy team (P30)."""
    holders = in_role(session, task.assigned_role or PRIVACY) or in_charge(session, PRIVACY)
    return _at_work(session, holders, on)


def works_on_it(session: Session, request: DataSubjectRequest) -> bool:
    """Whether somebody who is still with us was given the request."""
    assignee = session.get(Staff, request.assignee_id) if request.assignee_id else None
    return assignee is not None and assignee.left_at is None


def _holders(
    session: Session, request: DataSubjectRequest, role: Role, officers: Officers, on: date
) -> Sequence[Staff]:
    match role:
        case Role.ASSIGNEE:
            assignee = session.get(Staff, request.assignee_id) if request.assignee_id else None
            acting = acting_for(session, assignee, on) if assignee else None
            return [acting] if acting else _named(session, officers.lead, "privacy", on)
        case Role.LEAD | Role.BACKUP:
            return _named(session, officers.lead, "privacy", on)
        case Role.PRIVACY_OFFICER:
            return _named(session, officers.privacy_officer, "privacy", on)
        case Role.DEPUTY:
            return _named(session, officers.deputy, "privacy", on)
        case Role.EXECUTIVE:
            return _named(session, officers.executive, "admin", on)
        case _:
            return ()


def _named(session: Session, handle: str, role: str, on: date) -> Sequence[Staff]:
    """Who is named in the settings, or acts for them; nobody found means the whole role."""
    try:
        acting = acting_for(session, by_handle(session, handle), on) if handle else None
    except StaffRefused:
        acting = None
    return [acting] if acting else _at_work(session, in_charge(session, role), on)


def _at_work(session: Session, members: Sequence[Staff], on: date) -> Sequence[Staff]:
    """Those of a team who are not away; all of them when everybody is."""
    return [one for one in members if absent(session, one.id, on) is None] or members
