"""The late reply is approved beforehand: two of privacy read its words in each language (P21)."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from uuid import UUID

from sqlmodel import Session, col, select

from database.facts import record
from database.ids import new_id
from database.people.staff import require_role
from database.tables import LateReplyApproval
from database.writing import insert_new

NEEDED = 2


def approve_late_reply(
    transaction: Session, *, language: str, sha256: str, by: UUID, now: datetime
) -> None:
    """One of privacy approves these words of the late reply in a language.

    Doing so again changes nothing. Raises StaffRefused.
    """
    require_role(transaction, by, "privacy")
    approval_id = new_id()
    row = {
        "id": approval_id,
        "language": language,
        "sha256": sha256,
        "approved_by": by,
        "approved_at": now,
    }
    if insert_new(transaction, LateReplyApproval, [row]):
        record(
            transaction,
            "late_reply.approved",
            approval_id,
            now,
            language=language,
            sha256=sha256,
            approved_by=by,
        )


def late_reply_approvals(session: Session, sha256: str) -> Sequence[LateReplyApproval]:
    """Who approved these words, the first one first."""
    return session.exec(
        select(LateReplyApproval)
        .where(LateReplyApproval.sha256 == sha256)
        .order_by(col(LateReplyApproval.approved_at))
    ).all()


def is_approved(session: Session, sha256: str) -> bool:
    """Whether two of privacy approved these words."""
    return len(late_reply_approvals(session, sha256)) >= NEEDED


def unapproved(session: Session, words: Mapping[str, str]) -> list[str]:
    """The languages in which the late reply lacks an approval; `words` are its hashes in each."""
    return [language for language, sha256 in words.items() if not is_approved(session, sha256)]
