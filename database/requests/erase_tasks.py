"""What sources were asked to erase because of an erasure, and what they said (P13)."""

from collections.abc import Mapping, Sequence
from typing import Any

from sqlmodel import Session, col, select

from database.requests import source_tasks
from database.tables import Erasure, RequestedRight, SourceTask
from domain.requests.data_subject_requests import Outcome
from domain.requests.erasures import SourceEnd, end_of, source_end
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


def ends_of(session: Session, erasure: Erasure) -> dict[str, SourceEnd]:
    """What became of it in each source that was asked or held back; only once all are done."""
    ends = dict.fromkeys(erasure.held_back, SourceEnd.HELD)
    for source, task in receipts_of(session, erasure).items():
        given_up = task.state == TaskState.GIVEN_UP
        ends[source] = SourceEnd.NOT_DONE if given_up else source_end(source, task.receipt or {})
    return ends


def all_gone(session: Session, erasure: Erasure) -> bool:
    """Whether every source has said that it erased everything."""
    ends = ends_of(session, erasure).values()
    return end_of(ends) == (Outcome.FULFILLED, None) and not any(
        is_open(task) for task in last_erase_tasks(session, erasure)
    )


def is_open(task: SourceTask) -> bool:
    """Whether it has still to be done."""
    return task.state in OPEN_TASKS
