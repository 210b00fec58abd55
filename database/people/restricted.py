"""Which accounts are restricted (P14); `requests/restrictions.py` says how that comes and ends."""

from collections.abc import Collection
from uuid import UUID

from sqlalchemy import ColumnElement, exists
from sqlalchemy.orm import Mapped
from sqlmodel import Session, col, select

from database.tables import Restriction


def restricted_among(session: Session, account_ids: Collection[UUID]) -> frozenset[UUID]:
    """Which of these accounts are restricted."""
    if not account_ids:
        return frozenset()
    rows = session.exec(
        select(Restriction.account_id).where(
            col(Restriction.account_id).in_(account_ids), col(Restriction.lifted_at).is_(None)
        )
    ).all()
    return frozenset(rows)


def is_restricted(account_id: Mapped[UUID]) -> ColumnElement[bool]:
    """Whether an account is restricted, for a question about many."""
    return exists().where(
        col(Restriction.account_id) == account_id, col(Restriction.lifted_at).is_(None)
    )
