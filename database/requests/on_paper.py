"""Answers on paper: what staff print and post for whoever has no mailbox, and the proof (P26)."""

from collections.abc import Sequence
from datetime import date, datetime
from uuid import UUID
from zoneinfo import ZoneInfo

from sqlalchemy import or_
from sqlmodel import Session, col, select

from database.facts import record
from database.mail.outbox import BY_POST, REQUEST
from database.requests.requests import ACKNOWLEDGEMENT, record_breach
from database.tables import DataSubjectRequest, OutboxMail, PostedLetter
from database.writing import held_if_there, hold
from domain.places import local_date, start_of_day

POSTED = "posted"
ANSWER = "answer"


class PostRefused(Exception):
    """This letter cannot be noted as posted like this; nothing changed."""


def letters_to_post(session: Session) -> Sequence[tuple[OutboxMail, DataSubjectRequest]]:
    """What waits to be printed and posted, the oldest first; not what an answer has overtaken."""
    return session.exec(
        select(OutboxMail, DataSubjectRequest)
        .join(DataSubjectRequest, col(DataSubjectRequest.id) == col(OutboxMail.subject_id))
        .where(
            OutboxMail.state == BY_POST,
            or_(
                col(DataSubjectRequest.answered_at).is_(None),
                col(OutboxMail.step).in_((ACKNOWLEDGEMENT, ANSWER)),
            ),
        )
        .order_by(col(OutboxMail.queued_at), col(OutboxMail.id))
    ).all()


def letter_of(session: Session, request: DataSubjectRequest, mail_id: UUID) -> OutboxMail:
    """A letter of a request, posted or to be posted. Raises PostRefused."""
    mail = session.get(OutboxMail, mail_id)
    return _require_letter(mail, request)


def posted_letters(session: Session, request_id: UUID) -> dict[UUID, PostedLetter]:
    """What was posted for a request, by mail."""
    rows = session.exec(
        select(PostedLetter)
        .join(OutboxMail, col(OutboxMail.id) == col(PostedLetter.mail_id))
        .where(OutboxMail.subject_kind == REQUEST, OutboxMail.subject_id == request_id)
    ).all()
    return {row.mail_id: row for row in rows}


def note_posted(  # noqa: PLR0913, each part of what staff say stands by its name
    transaction: Session,
    request: DataSubjectRequest,
    mail_id: UUID,
    *,
    posted_on: date,
    proof: str,
    staff_id: UUID,
    zone: ZoneInfo,
    now: datetime,
) -> None:
    """A letter was posted, with what proves it. Said again, nothing changes.

    An answer that was posted on a day after it was due is a breach like one that was not given.
    Raises PostRefused.
    """
    hold(transaction, request)
    mail = _require_letter(held_if_there(transaction, OutboxMail, mail_id), request)
    if mail.state == POSTED:
        return
    if not proof.strip():
        raise PostRefused("Write what proves it: the number of the receipt, or who took it there.")
    written_on = local_date(mail.queued_at, zone)
    if not written_on <= posted_on <= local_date(now, zone):
        raise PostRefused(
            f"The letter was written on {written_on}, so it was posted between then and today."
        )
    row = PostedLetter(
        mail_id=mail.id,
        posted_on=posted_on,
        proof=proof.strip(),
        recorded_by=staff_id,
        recorded_at=now,
    )
    mail.state, mail.settled_at = POSTED, now
    transaction.add_all([row, mail])
    record(
        transaction,
        "request.letter_posted",
        request.id,
        now,
        mail=mail.id,
        step=mail.step,
        posted_on=posted_on.isoformat(),
        recorded_by=staff_id,
    )
    if mail.step == ANSWER:
        record_breach(transaction, request, now, answered_at=start_of_day(posted_on, zone))


def _require_letter(mail: OutboxMail | None, request: DataSubjectRequest) -> OutboxMail:
    if mail is None or mail.subject_id != request.id or mail.state not in (BY_POST, POSTED):
        raise PostRefused("There is no such letter of this request.")
    return mail
