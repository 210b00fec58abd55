"""Who of staff is away, from when until when, and who acts for them meanwhile (P21)."""

from collections.abc import Sequence
from datetime import date, datetime
from uuid import UUID

from sqlmodel import Session, col, select

from database.facts import record
from database.people.staff import StaffRefused
from database.tables import Staff, StaffAbsence
from database.writing import held

LONGEST_DAYS = 366


class AbsenceRefused(Exception):
    """An absence cannot be noted like this; nothing changed."""


def set_absent(
    transaction: Session,
    member: Staff,
    *,
    from_on: date,
    until_on: date,
    delegate: Staff,
    by: Staff,
    now: datetime,
) -> StaffAbsence:
    """Note that a member of staff is away on these days, the last one included.

    They say so themselves, or an admin does. What was noted before for some of these days gives
    way. Raises StaffRefused, AbsenceRefused.
    """
    _require_right(member, by)
    if until_on < from_on:
        raise AbsenceRefused("The last day of an absence lies before its first. Nothing changed.")
    if (until_on - from_on).days > LONGEST_DAYS:
        raise AbsenceRefused("An absence lasts a year at most. Nothing changed.")
    if delegate.id == member.id:
        raise AbsenceRefused("Nobody stands in for themselves: name a colleague. Nothing changed.")
    if not {*delegate.roles} & {*member.roles}:
        raise AbsenceRefused(
            f"{delegate.handle} has none of the roles of {member.handle}, and could not see what "
            "there is to do. Nothing changed."
        )
    held(transaction, Staff, member.id)
    for known in _overlapping(transaction, member.id, from_on, until_on):
        _end(transaction, known, by, now)
    absence = StaffAbsence(
        staff_id=member.id,
        from_on=from_on,
        until_on=until_on,
        delegate_id=delegate.id,
        set_by=by.id,
        set_at=now,
    )
    transaction.add(absence)
    transaction.flush()
    record(
        transaction,
        "staff.absent",
        member.id,
        now,
        absence=absence.id,
        delegate=delegate.id,
        set_by=by.id,
    )
    return absence


def set_back(transaction: Session, member: Staff, *, by: Staff, on: date, now: datetime) -> int:
    """Note that a member of staff is back: every absence that is not over ends; how many those
    were. Raises StaffRefused."""
    _require_right(member, by)
    held(transaction, Staff, member.id)
    standing = _overlapping(transaction, member.id, on, date.max)
    for known in standing:
        _end(transaction, known, by, now)
    return len(standing)


def absences(session: Session, on: date) -> Sequence[StaffAbsence]:
    """Every absence that is not over on a day, the nearest first."""
    return session.exec(
        select(StaffAbsence)
        .where(col(StaffAbsence.ended_at).is_(None), StaffAbsence.until_on >= on)
        .order_by(col(StaffAbsence.from_on), col(StaffAbsence.set_at))
    ).all()


def absent(session: Session, staff_id: UUID, on: date) -> StaffAbsence | None:
    """The absence of a member of staff on a day; None when they are there."""
    return next(iter(_overlapping(session, staff_id, on, on)), None)


def acting_for(session: Session, member: Staff, on: date) -> Staff | None:
    """Who acts for a member of staff on a day: they themselves, or their delegate, or that one's.

    None when the way ends at somebody who left, or leads in a circle.
    """
    passed = set()
    while member.left_at is None and member.id not in passed:
        absence = absent(session, member.id, on)
        if absence is None:
            return member
        passed.add(member.id)
        member = session.get_one(Staff, absence.delegate_id)
    return None


def _overlapping(
    session: Session, staff_id: UUID, from_on: date, until_on: date
) -> Sequence[StaffAbsence]:
    return session.exec(
        select(StaffAbsence)
        .where(
            StaffAbsence.staff_id == staff_id,
            col(StaffAbsence.ended_at).is_(None),
            StaffAbsence.from_on <= until_on,
            StaffAbsence.until_on >= from_on,
        )
        .order_by(col(StaffAbsence.set_at).desc())
    ).all()


def _end(transaction: Session, absence: StaffAbsence, by: Staff, now: datetime) -> None:
    absence.ended_by, absence.ended_at = by.id, now
    transaction.add(absence)
    record(transaction, "staff.back", absence.staff_id, now, absence=absence.id, ended_by=by.id)


def _require_right(member: Staff, by: Staff) -> None:
    if by.id != member.id and "admin" not in by.roles:
        raise StaffRefused(
            f"Only {member.handle} or an admin says when {member.handle} is away. Nothing changed."
        )
