"""What the company's own systems are told of an account when it changes, by a signed webhook.

An event says which account it is about and no more: how it stands now they ask. So events may come
late, twice, or in another order.
"""

from collections.abc import Iterable
from datetime import datetime
from enum import StrEnum
from uuid import UUID

from sqlmodel import Session

from database.ids import new_id
from database.posts import WAITING
from database.tables import Event
from database.writing import insert_new


class EventKind(StrEnum):
    """What changed; the `type` of a message."""

    SUPPRESSION_CHANGED = "suppression.changed"
    RESTRICTION_CHANGED = "restriction.changed"


def tell(transaction: Session, kind: EventKind, account_ids: Iterable[UUID], now: datetime) -> None:
    """Have the company told of these accounts, in the transaction of what changed."""
    rows = [
        {
            "id": new_id(),
            "kind": kind.value,
            "account_id": account_id,
            "raised_at": now,
            "state": WAITING,
            "attempts": 0,
        }
        for account_id in sorted(account_ids)
    ]
    insert_new(transaction, Event, rows)
