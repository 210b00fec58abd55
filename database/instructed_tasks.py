"""What the sources of a controller are asked because of its instruction, and how far each is (P24).

As `source_tasks.py` has it for requests; each task is held after its instruction.
"""

from collections.abc import Sequence
from datetime import date, datetime, timedelta
from uuid import UUID

from sqlmodel import Session, col, select

from database.facts import record
from database.ids import new_id
from database.source_tasks import ByHand, TaskRefused
from database.tables import ControllerInstruction, InstructedTask
from database.writing import held, insert_new
from domain.controller_instructions import InstructionState
from domain.source_tasks import OPEN_TASKS, SILENT_PERIOD, Asked, TaskState, next_try


def add_tasks(
    transaction: Session, instruction_id: UUID, sources: Sequence[str], now: datetime
) -> None:
    """Write down which sources are to be asked."""
    rows = [
        {
            "id": new_id(),
            "instruction_id": instruction_id,
            "source": source,
            "state": TaskState.WAITING.value,
            "attempts": 0,
            "next_try_at": now,
            "problem": "",
            "evidence": "",
            "created_at": now,
        }
        for source in sources
    ]
    insert_new(transaction, InstructedTask, rows)


def tasks_of(session: Session, instruction_id: UUID) -> Sequence[InstructedTask]:
    """Everything that sources are asked because of an instruction."""
    return session.exec(
        select(InstructedTask)
        .where(InstructedTask.instruction_id == instruction_id)
        .order_by(col(InstructedTask.source))
    ).all()


def due(session: Session, instruction_id: UUID, now: datetime) -> Sequence[InstructedTask]:
    """What is to be asked now."""
    return [
        task
        for task in tasks_of(session, instruction_id)
        if task.state == TaskState.WAITING and task.next_try_at and task.next_try_at <= now
    ]


def standing(session: Session, instruction_id: UUID) -> Asked:
    """How far an instruction is with the sources."""
    tasks = tasks_of(session, instruction_id)

    def names(state: TaskState) -> tuple[str, ...]:
        return tuple(task.source for task in tasks if task.state == state)

    return Asked(
        next_at=min((task.next_try_at for task in tasks if task.next_try_at), default=None),
        waiting=names(TaskState.WAITING),
        by_hand=names(TaskState.BY_HAND),
        needs_person=names(TaskState.NEEDS_PERSON),
    )


def settle(
    transaction: Session,
    task: InstructedTask,
    receipt: dict[str, object],
    now: datetime,
    *,
    file: str | None = None,
) -> bool:
    """A source did, or gave, what it was asked; False when that was settled meanwhile."""
    row = _held(transaction, task)
    if row.state != TaskState.WAITING:
        return False
    row.state, row.receipt, row.file = TaskState.DONE, receipt, file
    row.attempts += 1
    row.next_try_at, row.settled_at, row.problem = None, now, ""
    transaction.add(row)
    record(transaction, "instruction.settled", row.instruction_id, now, source=row.source)
    return True


def put_off(transaction: Session, task: InstructedTask, problem: str, now: datetime) -> bool:
    """A source did not answer: it is asked again after a pause that grows. True when it has been
    silent for so long by now that people are to hear of it, once."""
    row = _held(transaction, task)
    if row.state != TaskState.WAITING:
        return False
    known_silent = row.next_try_at is not None and row.next_try_at - row.created_at >= SILENT_PERIOD
    row.attempts += 1
    row.problem, row.next_try_at = problem, next_try(row.attempts, now)
    transaction.add(row)
    return row.next_try_at - row.created_at >= SILENT_PERIOD and not known_silent


def needs_person(transaction: Session, task: InstructedTask, problem: str, now: datetime) -> bool:
    """What a source answered cannot be right, or is not all of it: somebody must look."""
    row = _held(transaction, task)
    if row.state != TaskState.WAITING:
        return False
    row.state, row.problem, row.next_try_at = TaskState.NEEDS_PERSON, problem, None
    row.attempts += 1
    transaction.add(row)
    record(transaction, "instruction.needs_person", row.instruction_id, now, source=row.source)
    return True


def give_to_staff(transaction: Session, task: InstructedTask, due_on: date, now: datetime) -> bool:
    """No machine reaches this source: somebody of staff does it until that day."""
    row = _held(transaction, task)
    if row.state != TaskState.WAITING:
        return False
    row.state, row.due_on, row.next_try_at, row.problem = TaskState.BY_HAND, due_on, None, ""
    transaction.add(row)
    record(transaction, "instruction.given_to_staff", row.instruction_id, now, source=row.source)
    return True


def hand_in(
    transaction: Session, task: InstructedTask, done: ByHand, *, staff_id: UUID, now: datetime
) -> None:
    """Somebody did what no machine could, and says how. Raises TaskRefused."""
    row = _in_work(transaction, task)
    if row.state != TaskState.BY_HAND:
        raise TaskRefused("This waits for nobody's hands any more. Nothing was changed.")
    if not done.evidence.strip():
        raise TaskRefused("Say how you did it: where you looked, or what you destroyed.")
    row.state, row.receipt, row.file = TaskState.DONE, done.receipt, done.file
    row.evidence, row.done_by, row.settled_at = done.evidence.strip(), staff_id, now
    transaction.add(row)
    record(
        transaction, "instruction.settled", row.instruction_id, now, source=row.source, by=staff_id
    )


def ask_again(transaction: Session, task: InstructedTask, *, staff_id: UUID, now: datetime) -> None:
    """Have a source asked now that is silent, or was wrong. Raises TaskRefused."""
    row = _in_work(transaction, task)
    if row.state not in {TaskState.WAITING, TaskState.NEEDS_PERSON}:
        raise TaskRefused("This source is not waited for like that. Nothing was changed.")
    row.state, row.next_try_at = TaskState.WAITING, now
    transaction.add(row)
    record(
        transaction,
        "instruction.asked_again",
        row.instruction_id,
        now,
        source=row.source,
        by=staff_id,
    )


def give_up(
    transaction: Session, task: InstructedTask, *, reason: str, staff_id: UUID, now: datetime
) -> None:
    """Somebody says that it cannot be done there, and why. Raises TaskRefused."""
    row = _in_work(transaction, task)
    if row.state not in OPEN_TASKS:
        raise TaskRefused("Nothing is waited for here any more. Nothing was changed.")
    if not reason.strip():
        raise TaskRefused("Say why it cannot be done: the controller may ask you.")
    row.state, row.problem, row.next_try_at = TaskState.GIVEN_UP, reason.strip(), None
    row.done_by, row.settled_at = staff_id, now
    transaction.add(row)
    record(
        transaction, "instruction.given_up", row.instruction_id, now, source=row.source, by=staff_id
    )


def task_by_id(session: Session, instruction_id: UUID, task_id: UUID) -> InstructedTask:
    """Raises TaskRefused."""
    task = session.get(InstructedTask, task_id)
    if task is None or task.instruction_id != instruction_id:
        raise TaskRefused("This instruction asks no such thing of a source. Nothing was changed.")
    return task


def files_to_delete(session: Session, period: timedelta, now: datetime) -> Sequence[UUID]:
    """The tasks with a copy whose instruction was done so long ago."""
    return session.exec(
        select(InstructedTask.id)
        .join(
            ControllerInstruction,
            col(ControllerInstruction.id) == col(InstructedTask.instruction_id),
        )
        .where(
            col(InstructedTask.file).is_not(None),
            col(ControllerInstruction.settled_at) <= now - period,
        )
    ).all()


def known_files(session: Session) -> set[str]:
    """The files with copies for controllers."""
    found = select(InstructedTask.file).where(col(InstructedTask.file).is_not(None))
    return {file for file in session.exec(found) if file}


def forget_file(transaction: Session, task_id: UUID) -> str | None:
    """The row of a task knows its file no more; its name, for the caller to delete."""
    row = _held(transaction, transaction.get_one(InstructedTask, task_id))
    file, row.file = row.file, None
    transaction.add(row)
    return file


def _held(transaction: Session, task: InstructedTask) -> InstructedTask:
    """The row, ours after its instruction."""
    held(transaction, ControllerInstruction, task.instruction_id)
    return held(transaction, InstructedTask, task.id)


def _in_work(transaction: Session, task: InstructedTask) -> InstructedTask:
    """The same, of an instruction that is being carried out. Raises TaskRefused."""
    row = _held(transaction, task)
    instruction = transaction.get_one(ControllerInstruction, row.instruction_id)
    if instruction.state != InstructionState.WORK:
        raise TaskRefused("This instruction is not being carried out now. Nothing was changed.")
    return row
