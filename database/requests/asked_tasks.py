"""The life of what a data source is asked, for a request or because of an instruction: it waits,
is settled, or needs a person (P10-P17, P24)."""

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import TypeAlias
from uuid import UUID

from sqlmodel import Session

from database.facts import record
from database.tables import ControllerInstruction, DataSubjectRequest, InstructedTask, SourceTask
from database.writing import held
from domain.company import OfficeHours
from domain.places import local_date, zone_named
from domain.requests.ladder import SPREAD_SECONDS
from domain.requests.source_tasks import (
    BY_HAND_DUE,
    BY_HAND_OVERDUE,
    OPEN_TASKS,
    SILENT_PERIOD,
    TaskState,
    next_try,
    reminded_at,
)
from domain.working_days import working_day_by

AskedTask: TypeAlias = SourceTask | InstructedTask


class TaskRefused(Exception):
    """This cannot be said of what a source is asked; nothing changed."""


@dataclass(frozen=True, kw_only=True)
class ByHand:
    """What came of something that somebody of staff did: in counts, how they did it, and where the
    values are kept that they found."""

    receipt: dict[str, object]
    evidence: str
    file: str | None = None


def settle(
    transaction: Session,
    task: AskedTask,
    receipt: dict[str, object],
    now: datetime,
    *,
    file: str | None = None,
) -> bool:
    """A source did, or gave, what it was asked; False when that was settled meanwhile."""
    row = hold_task(transaction, task)
    if row.state != TaskState.WAITING:
        return False
    row.state, row.receipt, row.file = TaskState.DONE, receipt, file
    row.attempts += 1
    row.next_try_at, row.settled_at, row.problem = None, now, ""
    transaction.add(row)
    note(transaction, row, "settled", now)
    return True


def put_off(transaction: Session, task: AskedTask, problem: str, now: datetime) -> bool:
    """A source did not answer: it is asked again after a pause that grows. True when it has been
    silent for so long by now that people are to hear of it, once."""
    row = hold_task(transaction, task)
    if row.state != TaskState.WAITING:
        return False
    tried = row.next_try_at if row.attempts else None
    known_silent = tried is not None and tried - row.created_at >= SILENT_PERIOD
    row.attempts += 1
    row.problem, row.next_try_at = problem, next_try(row.attempts, now)
    transaction.add(row)
    return row.next_try_at - row.created_at >= SILENT_PERIOD and not known_silent


def wait(transaction: Session, task: AskedTask, why: str, until: datetime) -> None:
    """A source may not be asked yet, and why. Its silence before counts no more, as it is asked
    anew. The row is held."""
    task.problem, task.next_try_at, task.attempts = why, until, 0
    transaction.add(task)


def needs_person(transaction: Session, task: AskedTask, problem: str, now: datetime) -> bool:
    """What a source answered cannot be right, or is not all of it: somebody must look. False when
    nobody need any more."""
    row = hold_task(transaction, task)
    if row.state != TaskState.WAITING:
        return False
    row.state, row.problem, row.next_try_at = TaskState.NEEDS_PERSON, problem, None
    row.attempts += 1
    row.answers += 1
    transaction.add(row)
    note(transaction, row, "needs_person", now)
    return True


def give_to_staff(
    transaction: Session,
    task: AskedTask,
    due_on: date,
    *,
    role: str,
    office: OfficeHours,
    now: datetime,
) -> bool:
    """No machine reaches this source: somebody who holds a role does it until that day. False when
    it does not wait any more."""
    row = hold_task(transaction, task)
    if row.state != TaskState.WAITING:
        return False
    row.state, row.problem = TaskState.BY_HAND, ""
    row.due_on, row.assigned_role = due_on, role
    row.next_try_at = reminded_at(due_on, _moment(row), office, now)
    transaction.add(row)
    note(transaction, row, "given_to_staff", now)
    return True


def remind(transaction: Session, task: AskedTask, office: OfficeHours, now: datetime) -> str | None:
    """The step by which whoever does it by hand is to hear of it now: that it is due, or overdue;
    None where it is neither. When they hear of it next is written down."""
    row = hold_task(transaction, task)
    if not is_to_remind(row, now) or row.due_on is None:
        return None
    today = local_date(now, zone_named(office.time_zone))
    row.next_try_at = reminded_at(row.due_on, _moment(row), office, now)
    row.attempts += 1
    transaction.add(row)
    if today > row.due_on:
        return BY_HAND_OVERDUE
    return BY_HAND_DUE if today >= working_day_by(row.due_on, office.country) else None


def is_to_remind(task: AskedTask, now: datetime) -> bool:
    """Whether it is time that whoever does it by hand hears of it again."""
    at = task.next_try_at
    return task.state == TaskState.BY_HAND and at is not None and at <= now


def hand_in(
    transaction: Session, row: AskedTask, done: ByHand, *, staff_id: UUID, now: datetime
) -> None:
    """Somebody did what no machine could, and says how. The row is held. Raises TaskRefused."""
    if row.state != TaskState.BY_HAND:
        raise TaskRefused("This waits for nobody's hands any more. Nothing was changed.")
    if not done.evidence.strip():
        raise TaskRefused("Say how you did it: where you looked, or what you destroyed.")
    row.state, row.receipt, row.file = TaskState.DONE, done.receipt, done.file
    row.next_try_at = None
    row.evidence, row.done_by, row.settled_at = done.evidence.strip(), staff_id, now
    transaction.add(row)
    note(transaction, row, "settled", now, by=staff_id)


def give_up(
    transaction: Session,
    row: AskedTask,
    *,
    reason: str,
    who_reads: str,
    staff_id: UUID,
    now: datetime,
) -> None:
    """Somebody says that this cannot be had from the source, and why. `who_reads` says, to whoever
    gives no reason, who reads it. The row is held. Raises TaskRefused."""
    if row.state not in OPEN_TASKS:
        raise TaskRefused("Nothing is waited for here any more. Nothing was changed.")
    if not reason.strip():
        raise TaskRefused(f"Say why this cannot be had: {who_reads}")
    row.state, row.problem, row.next_try_at = TaskState.GIVEN_UP, reason.strip(), None
    row.done_by, row.settled_at = staff_id, now
    transaction.add(row)
    note(transaction, row, "given_up", now, by=staff_id)


def _moment(task: AskedTask) -> timedelta:
    """Not all that is due on a day is told at one instant."""
    return timedelta(seconds=task.id.int % SPREAD_SECONDS)


def hold_task(transaction: Session, task: AskedTask) -> AskedTask:
    """The row as it stands, ours until the transaction ends, after what it is asked for."""
    if isinstance(task, SourceTask):
        held(transaction, DataSubjectRequest, task.request_id)
        return held(transaction, SourceTask, task.id)
    held(transaction, ControllerInstruction, task.instruction_id)
    return held(transaction, InstructedTask, task.id)


def note(
    transaction: Session, row: AskedTask, step: str, now: datetime, *, by: UUID | None = None
) -> None:
    """Record a step of its life, and who of staff took it, if somebody did."""
    who = {} if by is None else {"by": by}
    if isinstance(row, SourceTask):
        said = {"source": row.source, "verb": row.verb, "round": row.round, **who}
        record(transaction, f"source.{step}", row.request_id, now, **said)
    else:
        said = {"source": row.source, **who}
        record(transaction, f"instruction.{step}", row.instruction_id, now, **said)
