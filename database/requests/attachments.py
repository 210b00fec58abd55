"""Files that people, or staff for them, send with a request. What is in them is kept encrypted."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from sqlmodel import Session, col, select

from database.facts import record
from database.requests.requests import OPEN_STATES
from database.storage import Storage
from database.tables import DataSubjectRequest, RequestAttachment
from database.writing import hold
from domain.company import AttachmentLimits
from domain.requests.attachments import Attachment, problems

TOO_LATE = "This request is answered already. Nothing was stored."


class AttachmentRefused(Exception):
    """A file is not taken; nothing was stored."""


def attach(
    transaction: Session,
    request: DataSubjectRequest,
    attachments: Sequence[Attachment],
    storage: Storage,
    *,
    limits: AttachmentLimits,
    staff_id: UUID | None,
    now: datetime,
) -> None:
    """Keep files with an open request, all of them or none. Raises AttachmentRefused.

    They are written before their rows are known, so what is lost in between is nobody's.
    """
    hold(transaction, request)
    if request.state not in OPEN_STATES:
        raise AttachmentRefused(TOO_LATE)
    wrong = problems(attachments, limits, already=len(attachments_of(transaction, request.id)))
    if wrong:
        raise AttachmentRefused(wrong[0])
    for one in attachments:
        row = RequestAttachment(
            request_id=request.id,
            file=storage.keep(one.content),
            name=one.safe_name,
            media_type=one.media_type or "",
            size=len(one.content),
            added_by=staff_id,
            added_at=now,
        )
        transaction.add(row)
        record(transaction, "request.attached", request.id, now, attachment=row.id, staff=staff_id)


def attachments_of(session: Session, request_id: UUID) -> Sequence[RequestAttachment]:
    """The files of a request, the first one first."""
    return session.exec(
        select(RequestAttachment)
        .where(RequestAttachment.request_id == request_id)
        .order_by(col(RequestAttachment.added_at), col(RequestAttachment.id))
    ).all()


def known_attachments(session: Session, names: Sequence[str]) -> set[str]:
    """Of these stored files, those that came with a request."""
    known = session.exec(select(RequestAttachment.file)).all()
    return set(names).intersection(known)


def delete_attachments(
    transaction: Session, request: DataSubjectRequest, storage: Storage, now: datetime
) -> None:
    """Take the files of a request away: first they are gone, then their rows."""
    found = attachments_of(transaction, request.id)
    storage.delete(*(one.file for one in found))
    for one in found:
        transaction.delete(one)
    if found:
        record(transaction, "request.attachments_deleted", request.id, now, files=len(found))
