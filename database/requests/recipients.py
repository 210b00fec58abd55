"""Who was given data and hears what became of it (GDPR Article 19; P12, P13, P14)."""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlmodel import Session, col, select

from database.facts import record
from database.ids import new_id
from database.tables import DataSubjectRequest, RecipientNotice, RequestedRight
from database.writing import held, insert_new
from domain.requests.personal_data import Use


class NoticeRefused(Exception):
    """This recipient cannot be noted as told; nothing changed."""


@dataclass(frozen=True, kw_only=True)
class Recipient:
    """Somebody who was given data, as the data map names them, and the source they have it from."""

    name: str
    source: str


def of_categories(
    source: str, uses: Mapping[str, Sequence[Use]], receipt: Mapping[str, Any]
) -> Iterator[Recipient]:
    """Who was given the data of the categories of which a source's receipt has anything."""
    parts = (receipt.get("held", ()), receipt.get("done", ()))
    changed = {one["category"] for part in parts for one in part if one["rows"]}
    for category, of_category in uses.items():
        if category in changed:
            for use in of_category:
                for name in use.recipients:
                    yield Recipient(name=name, source=source)


def note(
    transaction: Session, right: RequestedRight, who: Iterable[Recipient], now: datetime
) -> None:
    """Somebody of staff has to tell them; each once for a right."""
    first = {one.name: one for one in reversed(list(who))}
    rows = [
        {
            "id": new_id(),
            "request_id": right.request_id,
            "right_id": right.id,
            "recipient": one.name,
            "source": one.source,
            "noted_at": now,
            "how": "",
        }
        for one in first.values()
    ]
    if rows and insert_new(transaction, RecipientNotice, rows):
        record(transaction, "recipients.noted", right.request_id, now, right=right.kind)


def of_request(session: Session, request_id: UUID) -> Sequence[RecipientNotice]:
    """Who hears of a request, by name."""
    return session.exec(
        select(RecipientNotice)
        .where(RecipientNotice.request_id == request_id)
        .order_by(RecipientNotice.recipient, col(RecipientNotice.id))
    ).all()


def told(
    transaction: Session,
    request: DataSubjectRequest,
    notice_id: UUID,
    *,
    how: str,
    staff_id: UUID,
    now: datetime,
) -> None:
    """Somebody told a recipient, and says how. Raises NoticeRefused."""
    known = transaction.get(RecipientNotice, notice_id)
    if known is None or known.request_id != request.id:
        raise NoticeRefused("This request has no such recipient. Nothing was changed.")
    notice = held(transaction, RecipientNotice, notice_id)
    if notice.told_at is not None:
        raise NoticeRefused("Somebody of you has told them already. Nothing was changed.")
    if not how.strip():
        raise NoticeRefused("Write how you told them: a letter, a mail, a call. Nothing changed.")
    notice.told_at, notice.told_by, notice.how = now, staff_id, how.strip()
    transaction.add(notice)
    record(transaction, "recipient.told", request.id, now, notice=notice.id, staff=staff_id)


def told_together(
    transaction: Session,
    notice_ids: Collection[UUID],
    *,
    how: str,
    staff_id: UUID,
    now: datetime,
) -> None:
    """Somebody told a recipient of several requests at once. Raises NoticeRefused, and then nothing
    is noted of any."""
    rows = {one.id: request for one, request, _ in still_to_tell(transaction)}
    if not notice_ids:
        raise NoticeRefused("Tick what you told them of. Nothing was changed.")
    if not rows.keys() >= {*notice_ids}:
        raise NoticeRefused(
            "Of something ticked they were told meanwhile. Nothing was changed: look at the list "
            "again."
        )
    for notice_id in sorted(notice_ids):
        told(transaction, rows[notice_id], notice_id, how=how, staff_id=staff_id, now=now)


def still_to_tell(
    session: Session,
) -> Sequence[tuple[RecipientNotice, DataSubjectRequest, RequestedRight]]:
    """Everybody whom nobody has told yet, the longest first; of which right of which request."""
    return session.exec(
        select(RecipientNotice, DataSubjectRequest, RequestedRight)
        .join(DataSubjectRequest, col(DataSubjectRequest.id) == col(RecipientNotice.request_id))
        .join(RequestedRight, col(RequestedRight.id) == col(RecipientNotice.right_id))
        .where(col(RecipientNotice.told_at).is_(None))
        .order_by(col(RecipientNotice.noted_at), col(RecipientNotice.id))
    ).all()
