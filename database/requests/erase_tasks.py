"""What sources were asked to erase because of an erasure, and what they said (P13)."""

from collections.abc import Mapping, Sequence
from typing import Any

from sqlmodel import Session, col, select

from database.requests import source_tasks
from database.tables import Erasure, RequestedRight, SourceTask
from domain.requests.erasures import SourceEnd, source_end
from domain.requests.personal_data import Verb
from domain.requests.source_tasks import OPEN_TASKS, TaskState


def kept_elsewhere(session: Session, right: RequestedRight) -> tuple[str, ...]:
    """The sources, but our own, of which we know that they keep something: what they did says it,
    else what they said that they would do."""
    asked = {
        (task.source, task.verb): task
        for task in source_tasks.tasks_of(session, right.request_id)
        if task.right_id == right.id and task.receipt is not None
    }
    found = {source: asked[source, verb] for source, verb in asked if verb == Verb.LOCATE}
    found |= {source: asked[source, verb] for source, verb in asked if verb == Verb.ERASE}
    return tuple(
        source
        for source, task in sorted(found.items())
        if source_end(source, task.receipt or {}) is SourceEnd.KEPT
    )


def erase_tasks(session: Session, erasure: Erasure) -> Sequence[SourceTask]:
    """What sources were asked to erase, every round."""
    return session.exec(
        select(SourceTask)
        .where(SourceTask.right_id == erasure.right_id, SourceTask.verb == Verb.ERASE)
        .order_by(col(SourceTask.created_at), col(SourceTask.id))
    ).all()


def last_erase_tasks(session: Session, erasure: Erasure) -> Sequence[SourceTask]:
    """The same, of each source the last round."""
    return source_tasks.last_rounds(erase_tasks(session, erasure))


def looked_into(session: Session, task: SourceTask) -> Sequence[Mapping[str, Any]]:
    """What a source said before it was asked to erase this time: what it had, and what it did in
    earlier rounds."""
    return [
        one.receipt
        for one in source_tasks.tasks_of(session, task.request_id)
        if (one.right_id, one.source) == (task.right_id, task.source)
        and one.id != task.id
        and one.verb in {Verb.LOCATE, Verb.ERASE}
        and one.receipt is not None
    ]


def receipts_of(session: Session, erasure: Erasure) -> Mapping[str, SourceTask]:
    """By source, the last thing that it was asked to erase, where it was not held back since."""
    return {
        task.source: task
        for task in last_erase_tasks(session, erasure)
        if task.state != TaskState.DROPPED
    }


def is_open(task: SourceTask) -> bool:
    """Whether it has still to be done."""
    return task.state in OPEN_TASKS
