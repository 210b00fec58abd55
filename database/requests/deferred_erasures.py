"""Erasures that were answered under a legal hold, and are done after its release (P13)."""

from collections.abc import Sequence
from datetime import date, datetime
from uuid import UUID

from sqlmodel import Session, col, select
from sqlmodel.sql.expression import Select

from database.facts import record
from database.requests import erasures
from database.requests.same_person import is_about, person_asked_about
from database.requests.standing_holds import bars_erasure, sources_on_hold
from database.tables import DataSubjectRequest, DeferredErasure, RequestedRight
from database.writing import hold
from domain.requests.personal_data import Person, Verb


class NotToErase(Exception):
    """No erasure of this request waits to be done; nothing changed."""


def defer(transaction: Session, right: RequestedRight, now: datetime) -> None:
    """Remember an erasure that is answered, and held back. Its request is held."""
    transaction.add(
        DeferredErasure(request_id=right.request_id, right_id=right.id, deferred_at=now)
    )
    record(transaction, "erasure.deferred", right.request_id, now, right=right.kind)


def wake(transaction: Session, *, due_on: date, now: datetime) -> None:
    """A hold is released: what waited, and none stands against any more, is to be done by
    `due_on`."""
    asleep = transaction.exec(_undone().where(col(DeferredErasure.released_at).is_(None))).all()
    for erasure, request in asleep:
        person = person_asked_about(transaction, request, Verb.ERASE)
        if not sources_on_hold(transaction, person):
            erasure.released_at, erasure.due_on = now, due_on
            transaction.add(erasure)
            record(transaction, "erasure.woken", request.id, now, due_on=due_on.isoformat())


def put_back_to_sleep(transaction: Session, person: Person, now: datetime) -> None:
    """A hold stands on somebody again: what was to be done waits on. Their accounts are held."""
    awake = transaction.exec(
        _undone().where(
            is_about(transaction, person), col(DeferredErasure.released_at).is_not(None)
        )
    ).all()
    for erasure, request in awake:
        erasure.released_at = erasure.due_on = None
        transaction.add(erasure)
        record(transaction, "erasure.deferred", request.id, now)


def note_erased(
    transaction: Session, request: DataSubjectRequest, *, staff_id: UUID, now: datetime
) -> None:
    """What waited for the release of a hold is erased. Raises NotToErase."""
    hold(transaction, request)
    bars_erasure(transaction, request)  # no hold comes meanwhile
    erasure = erasure_of(transaction, request.id)
    if erasure is None or erasure.released_at is None or erasure.erased_at is not None:
        raise NotToErase(
            f"No erasure of {request.reference} waits to be done: none was held back, a legal hold "
            "stands, or it is noted already. Nothing was changed."
        )
    if waiting := erasures.still_to_erase(transaction, request):
        raise NotToErase(
            f"It is not erased yet: {', '.join(waiting)} has still to be done, by itself or by one "
            f"of you. The page of {request.reference} says how far each source is. Nothing was "
            "changed."
        )
    erasure.erased_by, erasure.erased_at = staff_id, now
    transaction.add(erasure)
    record(transaction, "erasure.done", request.id, now, staff=staff_id)


def erasure_of(session: Session, request_id: UUID) -> DeferredErasure | None:
    """The erasure of a request that was held back, if one was."""
    return session.exec(
        select(DeferredErasure)
        .where(DeferredErasure.request_id == request_id)
        .execution_options(populate_existing=True)
    ).first()


def to_be_done(session: Session) -> Sequence[tuple[DeferredErasure, DataSubjectRequest]]:
    """The erasures that no hold stands against any more, the most urgent first."""
    return session.exec(
        _undone()
        .where(col(DeferredErasure.released_at).is_not(None))
        .order_by(col(DeferredErasure.due_on), col(DeferredErasure.id))
    ).all()


def _undone() -> Select[DeferredErasure, DataSubjectRequest]:
    return (
        select(DeferredErasure, DataSubjectRequest)
        .join(DataSubjectRequest, col(DataSubjectRequest.id) == col(DeferredErasure.request_id))
        .where(col(DeferredErasure.erased_at).is_(None))
    )
