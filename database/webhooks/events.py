"""What the company's own systems are told by a signed webhook: an account changed, a version is in
force, or a request came or was answered.

An event says which account, version or request it is about and no more: how it stands now they ask.
So events may come late, twice, or in another order. Where no webhook is set none is written down.
"""

from collections.abc import Iterable
from datetime import datetime
from enum import StrEnum
from uuid import UUID

from sqlmodel import Session

from database.engine import TOLD_EVENTS
from database.ids import new_id
from database.tables import Event
from database.webhooks.posts import URGENT, WAITING
from database.writing import insert_new


class EventKind(StrEnum):
    """What changed; the `type` of a message."""

    SUPPRESSION_CHANGED = "suppression.changed"
    RESTRICTION_CHANGED = "restriction.changed"
    APPROVAL_RECORDED = "approval.recorded"
    VERSION_IN_FORCE = "version.in_force"
    REQUEST_RECEIVED = "request.received"
    REQUEST_ANSWERED = "request.answered"


AT_ONCE = (EventKind.SUPPRESSION_CHANGED, EventKind.RESTRICTION_CHANGED)
"""What somebody may no longer do with an account waits behind nothing else (P14, P17)."""


def tell(
    transaction: Session,
    kind: EventKind,
    account_ids: Iterable[UUID],
    now: datetime,
    *,
    version_id: UUID | None = None,
) -> None:
    """Have the company told of these accounts, in the transaction of what changed; `version_id`:
    of the policy version that it was about, if it was."""
    _write(transaction, kind, sorted(account_ids), version_id, now)


def tell_in_force(transaction: Session, version_id: UUID, now: datetime) -> None:
    """Have the company told that a version of a policy is in force, or governs others than before:
    of them all it asks anew (P6)."""
    _write(transaction, EventKind.VERSION_IN_FORCE, [None], version_id, now)


def tell_of_request(transaction: Session, kind: EventKind, request_id: UUID, now: datetime) -> None:
    """Have the company told that a request came, or was answered (P10-P22)."""
    _write(transaction, kind, [None], None, now, request_id)


def _write(
    transaction: Session,
    kind: EventKind,
    account_ids: Iterable[UUID | None],
    version_id: UUID | None,
    now: datetime,
    request_id: UUID | None = None,
) -> None:
    """One statement, also where somebody decides: a million may do so about one version."""
    if not transaction.info[TOLD_EVENTS]:
        return
    rows = [
        {
            "id": new_id(),
            "kind": kind.value,
            "account_id": account_id,
            "policy_version_id": version_id,
            "request_id": request_id,
            "raised_at": now,
            "state": URGENT if kind in AT_ONCE else WAITING,
            "attempts": 0,
        }
        for account_id in account_ids
    ]
    insert_new(transaction, Event, rows)
