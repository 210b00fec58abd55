"""Erasures that were answered under a legal hold, and are done after its release (P13)."""

from collections.abc import Sequence
from datetime import date, datetime
from uuid import UUID

from sqlmodel import Session, col, select

from database.facts import record
from database.tables import Account, DataSubjectRequest, DeferredErasure, RequestedRight
from database.writing import held, hold


class NotToErase(Exception):
    """No erasure of this request waits to be done; nothing changed."""


def defer(transaction: Session, right: RequestedRight, now: datetime) -> None:
    """Remember an erasure that is answered, and held back. Its request is held."""
    transaction.add(
        DeferredErasure(request_id=right.request_id, right_id=right.id, deferred_at=now)
    )
    record(transaction, "erasure.deferred", right.request_id, now, right=right.kind)


def wake(transaction: Session, account_id: UUID, *, due_on: date, now: datetime) -> None:
    """No hold stands on an account any more: what waited is to be done by `due_on`.

    The account is held.
    """
    for erasure in _undone(transaction, account_id):
        erasure.released_at, erasure.due_on = now, due_on
        transaction.add(erasure)
        record(transaction, "erasure.woken", erasure.request_id, now, due_on=due_on.isoformat())


def put_back_to_sleep(transaction: Session, account_id: UUID, now: datetime) -> None:
    """A hold stands on an account again: what was to be done waits on. The account is held."""
    for erasure in _undone(transaction, account_id):
        if erasure.released_at is not None:
            erasure.released_at = erasure.due_on = None
            transaction.add(erasure)
            record(transaction, "erasure.deferred", erasure.request_id, now)


def note_erased(
    transaction: Session, request: DataSubjectRequest, *, staff_id: UUID, now: datetime
) -> None:
    """What waited for the release of a hold is erased. Raises NotToErase."""
    hold(transaction, request)
    if request.account_id is not None:
        held(transaction, Account, request.account_id)  # no hold comes meanwhile
    erasure = erasure_of(transaction, request.id)
    if erasure is None or erasure.released_at is None or erasure.erased_at is not None:
        raise NotToErase(
            f"No erasure of {request.reference} waits to be done: none was held back, a legal hold "
            "stands, or it is noted already. Nothing was changed."
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
        select(DeferredErasure, DataSubjectRequest)
        .join(DataSubjectRequest, col(DataSubjectRequest.id) == col(DeferredErasure.request_id))
        .where(
            col(DeferredErasure.released_at).is_not(None),
            col(DeferredErasure.erased_at).is_(None),
        )
        .order_by(col(DeferredErasure.due_on), col(DeferredErasure.id))
    ).all()


def _undone(transaction: Session, account_id: UUID) -> Sequence[DeferredErasure]:
    return transaction.exec(
        select(DeferredErasure)
        .join(DataSubjectRequest, col(DataSubjectRequest.id) == col(DeferredErasure.request_id))
        .where(
            DataSubjectRequest.account_id == account_id,
            col(DeferredErasure.erased_at).is_(None),
        )
        .order_by(col(DeferredErasure.id))
    ).all()
