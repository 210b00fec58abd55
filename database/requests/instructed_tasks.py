"""What the sources of a controller are asked because of its instruction, and how far each is (P24).

As `source_tasks.py` has it for requests; each task is held after its instruction.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import ColumnElement, or_
from sqlmodel import Session, col, func, select

from database.ids import new_id
from database.requests import asked_tasks
from database.requests.asked_tasks import AskedTask, ByHand, TaskRefused
from database.tables import Account, ControllerInstruction, InstructedTask
from database.writing import held, insert_new
from domain.requests.controller_instructions import InstructionState
from domain.requests.erasures import told_whole
from domain.requests.legal_holds import keeps
from domain.requests.source_tasks import Asked, TaskState

WHO_READS_WHY = "the controller may ask you."


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
            "answers": 0,
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


def due(session: Session, instruction_id: UUID, now: datetime) -> InstructedTask | None:
    """What is to be asked now: one source, as no hold can come while it is asked."""
    tasks = (
        task
        for task in tasks_of(session, instruction_id)
        if task.state == TaskState.WAITING and task.next_try_at and task.next_try_at <= now
    )
    return next(tasks, None)


def to_remind(session: Session, instruction_id: UUID, now: datetime) -> Sequence[InstructedTask]:
    """What somebody does by hand, and is to hear of again now."""
    return [
        task for task in tasks_of(session, instruction_id) if asked_tasks.is_to_remind(task, now)
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


def note_found(transaction: Session, task: InstructedTask, found: dict[str, object]) -> None:
    """What a source has, before it is first asked to erase: the answer to a try may be lost that
    erased it. What was noted first stays."""
    row = held(transaction, InstructedTask, task.id)
    if row.found is None:
        row.found = found
        transaction.add(row)


def settle_erasure(
    transaction: Session, task: InstructedTask, receipt: dict[str, object], now: datetime
) -> None:
    """A source erased: its receipt tells what is gone since it was looked into, also by tries whose
    answers were lost."""
    row = held(transaction, InstructedTask, task.id)
    asked_tasks.settle(transaction, row, told_whole(receipt, [row.found] if row.found else []), now)


def hand_in(
    transaction: Session, task: InstructedTask, done: ByHand, *, staff_id: UUID, now: datetime
) -> None:
    """Somebody did what no machine could, and says how. Raises TaskRefused."""
    asked_tasks.hand_in(transaction, _in_work(transaction, task), done, staff_id=staff_id, now=now)


def ask_again(transaction: Session, task: InstructedTask, *, staff_id: UUID, now: datetime) -> None:
    """Have a source asked now that is silent, or was wrong. Raises TaskRefused."""
    row = _in_work(transaction, task)
    if row.state not in {TaskState.WAITING, TaskState.NEEDS_PERSON}:
        raise TaskRefused("This source is not waited for like that. Nothing was changed.")
    row.state, row.next_try_at = TaskState.WAITING, now
    transaction.add(row)
    asked_tasks.note(transaction, row, "asked_again", now, by=staff_id)


def give_up(
    transaction: Session, task: InstructedTask, *, reason: str, staff_id: UUID, now: datetime
) -> None:
    """Somebody says that it cannot be done there, and why. Raises TaskRefused."""
    asked_tasks.give_up(
        transaction,
        _in_work(transaction, task),
        reason=reason,
        who_reads=WHO_READS_WHY,
        staff_id=staff_id,
        now=now,
    )


def task_by_id(session: Session, instruction_id: UUID, task_id: UUID) -> InstructedTask:
    """Raises TaskRefused."""
    task = session.get(InstructedTask, task_id)
    if task is None or task.instruction_id != instruction_id:
        raise TaskRefused("This instruction asks no such thing of a source. Nothing was changed.")
    return task


def of_account(account: Account) -> ColumnElement[bool]:
    """Whether an instruction is about whoever holds an account."""
    return or_(
        func.lower(ControllerInstruction.address) == (account.email.lower() or None),
        col(ControllerInstruction.account_id) == account.id,
    )


def is_being_done(session: Session, account: Account, source: str, now: datetime) -> bool:
    """Whether a source is asked at this moment to erase or correct, because of an instruction, what
    a hold on `source` would keep."""
    asked = session.exec(
        select(InstructedTask.source)
        .join(
            ControllerInstruction,
            col(ControllerInstruction.id) == col(InstructedTask.instruction_id),
        )
        .where(of_account(account), col(ControllerInstruction.claimed_until) > now)
    )
    return any(keeps(one, {source}) for one in asked)


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
    row = asked_tasks.hold_task(transaction, transaction.get_one(InstructedTask, task_id))
    file, row.file = row.file, None
    transaction.add(row)
    return file


def _in_work(transaction: Session, task: InstructedTask) -> AskedTask:
    """The row, held, of an instruction that is being carried out. Raises TaskRefused."""
    row = asked_tasks.hold_task(transaction, task)
    instruction = transaction.get_one(ControllerInstruction, task.instruction_id)
    if instruction.state != InstructionState.WORK:
        raise TaskRefused("This instruction is not being carried out now. Nothing was changed.")
    return row
