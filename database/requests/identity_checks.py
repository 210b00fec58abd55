"""Staff find out who somebody is whose mailbox is gone: one records it, a second confirms (P19)."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from sqlmodel import Session, col, delete, select

from database.facts import record
from database.requests.identity import BY_STAFF, verify_identity
from database.tables import DataSubjectRequest, IdentityCheck, IdentityEvidence
from database.writing import hold
from domain.requests.identity import METHOD_WORDS, CheckMethod

ANSWERED = "This request is answered already: there is nothing left to check."

FOUND_BEFORE_NAMED = (
    "This was found before one of you named the account, so it does not show that whoever asks is "
    "its holder. Check that, and record what you find anew. Nothing was changed."
)


class CheckRefused(Exception):
    """A check of who somebody is cannot stand like this; nothing changed."""


def record_check(
    transaction: Session,
    request: DataSubjectRequest,
    *,
    method: CheckMethod,
    passed: bool,
    evidence: str,
    staff_id: UUID,
    now: datetime,
) -> IdentityCheck:
    """Note how somebody found out who asks, and what came of it. Raises CheckRefused."""
    hold(transaction, request)
    if request.answered_at is not None:
        raise CheckRefused(ANSWERED)
    if not request.needs_identity:
        raise CheckRefused("What is asked for needs no identity: there is nothing to check.")
    if request.verified_at is not None and request.disputed_at is None:
        raise CheckRefused("The person's identity is verified already.")
    if not evidence.strip():
        raise CheckRefused("Write what you asked and what you heard. It is deleted on the answer.")
    check = IdentityCheck(
        request_id=request.id,
        method=method,
        passed=passed,
        recorded_by=staff_id,
        recorded_at=now,
    )
    transaction.add(check)
    transaction.flush()
    transaction.add(IdentityEvidence(check_id=check.id, words=evidence.strip()))
    record(
        transaction,
        "request.identity_checked",
        request.id,
        now,
        check=check.id,
        method=method,
        passed=passed,
        staff=staff_id,
    )
    return check


def confirm_check(
    transaction: Session,
    request: DataSubjectRequest,
    check_id: UUID,
    *,
    staff_id: UUID,
    now: datetime,
) -> None:
    """A second person agrees, and the person counts as verified. Raises CheckRefused.

    Asking again changes nothing.
    """
    hold(transaction, request)
    last = next(iter(checks_of(transaction, request)), None)
    if last is None or last.id != check_id:
        raise CheckRefused("This is not the last check of this request. Read the one that is.")
    if last.confirmed_at is not None:
        return
    if request.answered_at is not None:
        raise CheckRefused(ANSWERED)
    if not last.passed:
        raise CheckRefused("This check did not show who asks, so there is nothing to confirm.")
    if last.recorded_by == staff_id:
        raise CheckRefused("A second person has to confirm what you found.")
    if evidence_of(transaction, last) is None:
        raise CheckRefused(FOUND_BEFORE_NAMED)
    last.confirmed_by, last.confirmed_at = staff_id, now
    request.disputed_at = None
    transaction.add(last)
    transaction.add(request)
    record(transaction, "request.check_confirmed", request.id, now, check=last.id, staff=staff_id)
    request.verified_at = request.verified_by = None  # what was proved before was disputed
    how = f"{BY_STAFF}: {METHOD_WORDS[CheckMethod(last.method)]}"
    verify_identity(transaction, request, how=how, now=now)


def checks_of(session: Session, request: DataSubjectRequest) -> Sequence[IdentityCheck]:
    """The checks of a request, the last one first."""
    return session.exec(
        select(IdentityCheck)
        .where(IdentityCheck.request_id == request.id)
        .order_by(col(IdentityCheck.recorded_at).desc(), col(IdentityCheck.id).desc())
    ).all()


def evidence_of(session: Session, check: IdentityCheck) -> str | None:
    """What a check rests on; None once it is deleted."""
    found = session.get(IdentityEvidence, check.id)
    return found.words if found else None


def delete_evidence(transaction: Session, request: DataSubjectRequest, now: datetime) -> None:
    """The request is decided, or it is known since whose account it is about: method and result
    stay, what they rest on goes, and nobody confirms it any more."""
    checks = [check.id for check in checks_of(transaction, request)]
    if checks:
        transaction.execute(
            delete(IdentityEvidence).where(col(IdentityEvidence.check_id).in_(checks))
        )
        record(transaction, "request.evidence_deleted", request.id, now, checks=checks)
