"""The addresses that accounts had until lately: they are warned before anything is disclosed to the
new one (P19)."""

from collections.abc import Sequence
from datetime import datetime

from sqlmodel import Session, col, delete, select

from database.tables import Account, AddressChange
from domain.requests.identity import CHANGED_LATELY_PERIOD

AT_ONCE = 10_000


def replaced_lately(session: Session, account: Account, now: datetime) -> Sequence[AddressChange]:
    """The addresses that an account had and has no more, each with when it was last replaced, the
    earliest first."""
    changes = session.exec(
        select(AddressChange)
        .where(
            AddressChange.account_id == account.id,
            col(AddressChange.changed_at) > now - CHANGED_LATELY_PERIOD,
        )
        .order_by(col(AddressChange.changed_at), col(AddressChange.id))
    ).all()
    stood = {one.changed_at: one for one in reversed(changes)}.values()  # some for no time at all
    last = {one.address.lower(): one for one in reversed(stood)}
    last.pop(account.email.lower(), None)
    return sorted(last.values(), key=lambda one: one.changed_at)


def forget_replaced(transaction: Session, now: datetime) -> int:
    """Delete so many of the addresses that nobody is to be warned at any more (P33). Returns how
    many."""
    old = (
        select(AddressChange.id)
        .where(col(AddressChange.changed_at) <= now - CHANGED_LATELY_PERIOD)
        .limit(AT_ONCE)
    )
    return transaction.exec(delete(AddressChange).where(col(AddressChange.id).in_(old))).rowcount
