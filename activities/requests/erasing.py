"""Erasing at the sources: begun in time, under no hold, believed only when looked at (P13)."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlmodel import Session

from data_sources.manual import ManualSource
from data_sources.source import Call, DataSource, SourceWrong
from data_sources.sql import SqlSource
from data_sources.tombstones import known_as
from database.engine import Database
from database.requests import (
    erase_tasks,
    erasure_ends,
    erasures,
    own_erasure,
    recipients,
    source_tasks,
)
from database.requests.same_person import person_asked_about
from database.tables import DataSubjectRequest, Erasure, RequestedRight, SourceTask
from database.writing import held
from domain.requests.data_subject_requests import Kind
from domain.requests.erasures import SourceEnd, still_there, told_whole
from domain.requests.personal_data import (
    OWN_SOURCE,
    DataRole,
    Located,
    Person,
    Receipt,
    Verb,
    Waits,
)
from domain.requests.source_tasks import done_receipt

NOT_BELIEVED = (
    "The data source {source} says that it has erased, and still has what it did not say it keeps: "
    "{categories}. Nothing of its answer was used."
)


def go_on(
    transaction: Session,
    request: DataSubjectRequest,
    sources: Mapping[str, DataSource],
    now: datetime,
) -> None:
    """Begin an erasure whose time has come, and have our own database erased last. The request is
    held."""
    roles = {name: source.about.role for name, source in sources.items()}
    erasures.begin_if_due(transaction, request, roles, now)
    erasure = erasures.of_request(transaction, request.id)
    if erasure is None or OWN_SOURCE not in sources:
        return
    if erasure_ends.is_to_be_told(transaction, request):
        return  # before we forget where to write
    if own_erasure.our_own_is_due(transaction, request, erasure):
        own_erasure.erase_our_own(transaction, request, erasure, now)


@contextmanager
def claimed(
    database: Database, task: SourceTask, person: Person, key: bytes, now: datetime
) -> Iterator[bool]:
    """Whether a source may be asked to erase at this moment; inside the block nobody can place a
    hold."""
    with database.transaction() as transaction:
        request = held(transaction, DataSubjectRequest, task.request_id)
        may_erase = erasures.claim(transaction, request, task, known_as(person, key), now)
    try:
        yield may_erase
    finally:
        if may_erase:
            with database.transaction() as transaction:
                held(transaction, DataSubjectRequest, task.request_id)
                erasures.give_back(transaction, task.right_id, now)


def erase(source: DataSource, person: Person, call: Call) -> Receipt | Waits:
    """Have a source erase, and look whether it has. Raises as a source does, and SourceWrong for
    one that did not do what it says."""
    answer = source.erase(person, call)
    if isinstance(answer, Waits) or isinstance(source, ManualSource):
        return answer
    look = replace(call, id=f"{call.id}/{call.now:%Y%m%dT%H%M%S}")  # another call each time
    located = source.locate(person, look)
    if isinstance(located, Located) and (lies := still_there(answer, located)):
        name, there = source.about.name, ", ".join(lies)
        raise SourceWrong(NOT_BELIEVED.format(source=name, categories=there))
    return answer


def with_what_went_before(
    session: Session, task: SourceTask, receipt: Mapping[str, Any]
) -> dict[str, object]:
    """A receipt for an erasure that tells what is gone since its right was looked into: an earlier
    try may have erased it whose answer was lost, and an earlier round did."""
    if task.verb != Verb.ERASE:
        return dict(receipt)
    return told_whole(receipt, erase_tasks.looked_into(session, task))


def preview(
    database: Database, source: DataSource, task: SourceTask, person: Person, call: Call
) -> Mapping[str, object]:
    """Beside what a source holds: what an erasure would take away and leave, where it is asked for
    one, and a machine can tell; else nothing."""
    if task.verb != Verb.LOCATE or not isinstance(source, SqlSource):
        return {}
    with database.session() as session:
        if session.get_one(RequestedRight, task.right_id).kind != Kind.ERASURE:
            return {}
    would = done_receipt(source.would_erase(person, call))
    return {"done": would["done"], "retained": would["retained"]}


def settle(
    database: Database, sources: Mapping[str, DataSource], request_id: UUID, now: datetime
) -> None:
    """When every source is done: say what our own database will keep, and let the answer go out; or
    tell, and note, that what a hold had kept back is erased too."""
    with database.session() as session:
        request = session.get_one(DataSubjectRequest, request_id)
        erasure = erasures.of_request(session, request.id)
        if erasure is None or not erasures.may_end(session, erasure):
            return
        person = person_asked_about(session, request, Verb.ERASE)
        is_over = erasure.ended_at is not None
        is_told = not erasure_ends.is_to_be_told(session, request)
    if is_over and is_told:
        _note_resumed(database, request.id, now)
        return
    own = sources.get(OWN_SOURCE)
    kept = _would_keep(own, person, Call(id=str(erasure.id), now=now))
    with database.transaction() as transaction:
        request = held(transaction, DataSubjectRequest, request_id)
        right = transaction.get_one(RequestedRight, erasure.right_id)
        recipients.note(transaction, right, _recipients(transaction, sources, erasure), now)
        if is_over:
            erasure_ends.tell_before_our_own(transaction, request, kept, now)
        else:
            erasure_ends.end(transaction, request, kept, now)


def _note_resumed(database: Database, request_id: UUID, now: datetime) -> None:
    with database.transaction() as transaction:
        request = held(transaction, DataSubjectRequest, request_id)
        erasure = erasures.of_request(transaction, request.id)
        if erasure is not None and not erasure.held_back:
            erasure_ends.note_resumed(transaction, request, now)


def _would_keep(own: DataSource | None, person: Person, call: Call) -> Mapping[str, object]:
    return done_receipt(own.would_erase(person, call)) if isinstance(own, SqlSource) else {}


def _recipients(
    session: Session, sources: Mapping[str, DataSource], erasure: Erasure
) -> Sequence[recipients.Recipient]:
    """Who was given what was erased, as the data map has it; nobody of a source that a hold keeps,
    or that people gave up."""
    ends = erase_tasks.ends_of(session, erasure)
    erased = {name for name, end in ends.items() if end in {SourceEnd.ERASED, SourceEnd.KEPT}}
    ours = {
        name: source.about.categories
        for name, source in sources.items()
        if source.about.role is DataRole.CONTROLLER and name != OWN_SOURCE and name in erased
    }
    return [
        one
        for task in source_tasks.tasks_of(session, erasure.request_id)
        if task.right_id == erasure.right_id and task.source in ours
        for one in recipients.of_categories(task.source, ours[task.source], task.receipt or {})
    ]
