"""What somebody of staff does by hand where no machine reaches, for a request or because of an
instruction: whose it is, what of the person they have to know, and nothing else (P30)."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID

from sqlmodel import Session, col, select

from database.mail.outbox import INSTRUCTION, REQUEST, STAFF, Queued, queue
from database.people.restricted import restricted_among
from database.requests import data_corrections
from database.requests.asked_tasks import AskedTask, TaskRefused
from database.requests.identity import account_of
from database.requests.instructions import person_named
from database.requests.same_person import person_asked_about
from database.requests.source_tasks import why_not_by_hand
from database.tables import (
    ControllerInstruction,
    DataSubjectRequest,
    InstructedTask,
    SourceTask,
    Staff,
)
from domain.requests.controller_instructions import InstructionState
from domain.requests.personal_data import Correction, Person, Verb
from domain.requests.source_tasks import TaskState

FOR_YOU = "task_for_you"
"""The template of the mail to whoever may do it."""
PRIVACY = "privacy"
NOT_YOURS = (
    "There is no such task for you: it is done, not needed any more, or somebody else's. Nothing "
    "was changed."
)


@dataclass(frozen=True, kw_only=True)
class ManualTask:
    """Something to be done by hand, for what; it names nobody.

    `reference` is that of the request or instruction. `not_yet`: why it must not be done yet.
    """

    row: AskedTask
    verb: Verb
    reference: str
    not_yet: str | None


@dataclass(frozen=True, kw_only=True)
class WhatToDo:
    """Whom it is about, as they are found where no machine looks; what is to be put right there,
    and whether a restriction is put on or lifted."""

    subject_id: UUID
    name: str
    person: Person
    corrections: Sequence[Correction]
    restricted: bool


def open_tasks(session: Session, roles: Collection[str]) -> Sequence[ManualTask]:
    """What waits for the hands of whoever holds these roles, due first, what must not be done yet
    last; privacy sees all of it."""
    found = [*_open_of_requests(session), *_open_of_instructions(session)]
    mine = [task for task in found if may_do(task.row, roles)]

    def due(task: ManualTask) -> tuple[bool, date, str]:
        return task.not_yet is not None, task.row.due_on or date.max, task.reference

    return sorted(mine, key=due)


def task_of(session: Session, task_id: UUID, roles: Collection[str]) -> ManualTask:
    """One of these. Raises TaskRefused where it is not open, or not theirs."""
    mine = next((task for task in open_tasks(session, roles) if task.row.id == task_id), None)
    if mine is None:
        raise TaskRefused(NOT_YOURS)
    return mine


def may_do(task: AskedTask, roles: Collection[str]) -> bool:
    """Whether it is for somebody who holds these roles."""
    return PRIVACY in roles or task.assigned_role in roles


def doers(task: AskedTask) -> tuple[str, ...]:
    """The roles that may hand it in."""
    return tuple({PRIVACY, task.assigned_role or PRIVACY})


def what_to_do(session: Session, task: ManualTask) -> WhatToDo:
    """What whoever does it has to know of the person, and no more."""
    if isinstance(task.row, SourceTask):
        request = session.get_one(DataSubjectRequest, task.row.request_id)
        account = account_of(session, request)
        return WhatToDo(
            subject_id=request.id,
            name=account.name if account and account.name else request.name,
            person=person_asked_about(session, request, task.verb),
            corrections=data_corrections.of_source(session, task.row.right_id, task.row.source)
            if task.verb is Verb.CORRECT
            else (),
            restricted=request.account_id is None
            or bool(restricted_among(session, [request.account_id])),
        )
    instruction = session.get_one(ControllerInstruction, task.row.instruction_id)
    return WhatToDo(
        subject_id=instruction.id,
        name="",
        person=person_named(instruction),
        corrections=[Correction(**one) for one in instruction.corrections or ()],
        restricted=True,
    )


def overdue(session: Session, today: date) -> int:
    """How many things that somebody is to do by hand are not done in time."""
    return sum(
        task.row.due_on is not None and task.row.due_on < today and task.not_yet is None
        for task in open_tasks(session, {PRIVACY})
    )


def tell(
    transaction: Session, task: AskedTask, members: Sequence[Staff], step: str, now: datetime
) -> None:
    """Have members of staff hear that a task waits for one of them."""
    if isinstance(task, SourceTask):
        kind, subject_id = REQUEST, task.request_id
    else:
        kind, subject_id = INSTRUCTION, task.instruction_id
    mails = [
        Queued(
            subject_kind=kind,
            subject_id=subject_id,
            addressee_kind=STAFF,
            addressee_id=member.id,
            step=f"{step}#{task.id}.{task.attempts}",
            template=FOR_YOU,
            variant=task.id,
        )
        for member in members
    ]
    queue(transaction, mails, now)


def asked_task(session: Session, task_id: UUID) -> AskedTask:
    """A task of either kind, open or not."""
    task = session.get(SourceTask, task_id)
    return task if task is not None else session.get_one(InstructedTask, task_id)


def _open_of_requests(session: Session) -> Sequence[ManualTask]:
    rows = session.exec(
        select(SourceTask, DataSubjectRequest)
        .join(DataSubjectRequest, col(DataSubjectRequest.id) == col(SourceTask.request_id))
        .where(SourceTask.state == TaskState.BY_HAND)
    ).all()
    return [
        ManualTask(
            row=row,
            verb=Verb(row.verb),
            reference=request.reference,
            not_yet=why_not_by_hand(session, request, row),
        )
        for row, request in rows
    ]


def _open_of_instructions(session: Session) -> Sequence[ManualTask]:
    rows = session.exec(
        select(InstructedTask, ControllerInstruction)
        .join(
            ControllerInstruction,
            col(ControllerInstruction.id) == col(InstructedTask.instruction_id),
        )
        .where(
            InstructedTask.state == TaskState.BY_HAND,
            ControllerInstruction.state == InstructionState.WORK,
        )
    ).all()
    return [
        ManualTask(
            row=row, verb=Verb(instruction.verb), reference=instruction.reference, not_yet=None
        )
        for row, instruction in rows
    ]
