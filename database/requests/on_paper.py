"""Answers on paper: what staff print and post for whoever has no mailbox, or whose mailbox took
nothing, and the proof (P26)."""

from collections.abc import Sequence
from datetime import date, datetime
from uuid import UUID
from zoneinfo import ZoneInfo

from sqlalchemy import and_, or_
from sqlmodel import Session, col, select

from database.facts import record
from database.mail.outbox import BY_POST, REQUEST
from database.requests.reached import came_back
from database.requests.requests import ACKNOWLEDGEMENT, ANSWER, record_breach
from database.tables import DataSubjectRequest, OutboxMail, PostedLetter
from database.writing import held_if_there, hold
from domain.places import local_date, start_of_day

POSTED = "posted"
NO_LETTER = "There is no such letter of this request."


class PostRefused(Exception):
    """This letter cannot be noted as posted like this; nothing changed."""


def letters_to_post(
    session: Session, request_id: UUID | None = None
) -> Sequence[tuple[OutboxMail, DataSubjectRequest]]:
    """What waits to be printed and posted, for a request or for all, the oldest first; not what an
    answer has overtaken."""
    is_for_paper = and_(
        col(OutboxMail.state) == BY_POST,
        or_(
            col(DataSubjectRequest.answered_at).is_(None),
            col(OutboxMail.step).in_((ACKNOWLEDGEMENT, ANSWER)),
        ),
    )
    letters = (
        select(OutboxMail, DataSubjectRequest)
        .join(DataSubjectRequest, col(DataSubjectRequest.id) == col(OutboxMail.subject_id))
        .where(or_(is_for_paper, came_back()))
        .order_by(col(OutboxMail.queued_at), col(OutboxMail.id))
    )
    if request_id is not None:
        letters = letters.where(DataSubjectRequest.id == request_id)
    return session.exec(letters).all()


def letter_of(session: Session, request: DataSubjectRequest, mail_id: UUID) -> OutboxMail:
    """A letter of a request, posted or to be posted. Raises PostRefused."""
    return _require_letter(session, session.get(OutboxMail, mail_id), request)


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
    mail = held_if_there(transaction, OutboxMail, mail_id)
    mail = _require_letter(transaction, mail, request)
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


def _require_letter(
    session: Session, mail: OutboxMail | None, request: DataSubjectRequest
) -> OutboxMail:
    waiting = [letter.id for letter, _ in letters_to_post(session, request.id)]
    if mail is None or mail.subject_id != request.id:
        raise PostRefused(NO_LETTER)
    if mail.state != POSTED and mail.id not in waiting:
        raise PostRefused(NO_LETTER)
    return mail
