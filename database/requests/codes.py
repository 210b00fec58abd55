"""Asking who makes a request: link and code to the address on file, sent again, and tried (P19).

What is written is the same whether somebody is known to us or not: a link and a code for each
request that asks for identity, and a mail, which goes to nobody where no address is on file.
"""

from collections.abc import Callable, Sequence
from datetime import datetime

from sqlmodel import Session, col, func, select

from database.facts import record
from database.ids import new_nonce
from database.mail.outbox import Queued, queue
from database.people.links import REQUEST_VERIFY
from database.requests.identity import (
    VERIFICATION,
    account_of,
    asks_by_mail,
    confirm,
    is_contact,
    is_current,
    is_on_file,
    language_on_file,
    to_contact,
    to_file,
    verify_identity,
)
from database.tables import DataSubjectRequest, IdentityCode, Link
from database.writing import hold
from domain.requests.identity import Code, may_have_another

IDENTITY = "identity"
"""What a code is for; there are others (`packages.py`)."""
BY_CODE = "code sent to the address on file"


def ask_for_identity(
    transaction: Session, request: DataSubjectRequest, *, language: str, now: datetime
) -> Queued:
    """The first mail with link and code, to the address on file if there is one; without a code to
    whoever has no mailbox where it could be typed."""
    return _verification(transaction, request, VERIFICATION, language, now)


def first_asked_at(session: Session, request: DataSubjectRequest) -> datetime:
    """When we first asked who they are: later than receipt where that was noted late."""
    first = select(func.min(Link.created_at)).where(
        Link.subject_id == request.id, Link.purpose == REQUEST_VERIFY
    )
    return session.exec(first).one() or request.received_at


def ask_again(transaction: Session, request: DataSubjectRequest, now: datetime) -> bool:
    """Send another code, in the place of the last one; False when there were too many."""
    hold(transaction, request)
    codes = _codes(transaction, request)
    if not asks_by_mail(request) or not may_have_another([c.asked_at for c in codes], now):
        return False
    _give_way(transaction, codes, now)
    step, language = f"{VERIFICATION}_{len(codes) + 1}", language_on_file(transaction, request)
    mail = _verification(transaction, request, step, language, now)
    queue(transaction, [mail], now)
    record(transaction, "request.code_asked_for", request.id, now)
    return True


def remind(transaction: Session, request: DataSubjectRequest, step: str, now: datetime) -> None:
    """Ask once more who they are: at the address on file, and at the contact address where that is
    another one and confirmed as theirs, unless nothing was asked of them there."""
    remind_on_file(transaction, request, step, now)
    account = account_of(transaction, request)
    is_theirs = request.contact_confirmed_at is not None and asks_by_mail(request)
    if is_theirs and not is_contact(request, account):
        mail = to_contact(transaction, request, step, "request_identity_reminder")
        queue(transaction, [mail], now)


def remind_on_file(
    transaction: Session, request: DataSubjectRequest, step: str, now: datetime
) -> None:
    """Ask once more at the address on file, where there is one, and nowhere else."""
    if is_on_file(transaction, request):
        mail = to_file(transaction, request, step, "request_verification_reminder", now)
        queue(transaction, [mail], now)


def live_code(session: Session, request: DataSubjectRequest, now: datetime) -> IdentityCode | None:
    """The code that may be tried at this instant."""
    last = next(iter(_codes(session, request)), None)
    return last if last is not None and value_of(last).may_be_tried(now) else None


def value_of(code: IdentityCode) -> Code:
    """What the rules know of a code."""
    return Code(asked_at=code.asked_at, tries=code.tries, used=code.used_at is not None)


def try_code(
    transaction: Session,
    request: DataSubjectRequest,
    opens: Callable[[bytes], bool],
    now: datetime,
) -> bool:
    """Whether what somebody typed proves that they read mail at an address on file.

    `opens` says whether the code of these random bytes was typed. A guess counts whatever comes of
    it, and opens nothing where no address is on file, or where it was sent to another one.
    """
    hold(transaction, request)
    code = live_code(transaction, request, now)
    if code is None:
        return False
    account = account_of(transaction, request)
    in_time = account is None or is_current(code.asked_at, account)
    right = opens(code.nonce) and in_time and is_on_file(transaction, request)
    code.tries += 1
    code.used_at = now if right else None
    transaction.add(code)
    record(transaction, "request.code_tried", request.id, now, right=right)
    if right:
        verify_identity(transaction, request, how=BY_CODE, now=now)
        confirm(transaction, request, now)
    return right


def _codes(session: Session, request: DataSubjectRequest) -> Sequence[IdentityCode]:
    """The codes of a request, the last one first."""
    return session.exec(
        select(IdentityCode)
        .where(IdentityCode.request_id == request.id, IdentityCode.purpose == IDENTITY)
        .order_by(col(IdentityCode.asked_at).desc(), col(IdentityCode.id).desc())
    ).all()


def _give_way(transaction: Session, codes: Sequence[IdentityCode], now: datetime) -> None:
    for code in codes[:1]:
        code.used_at = code.used_at or now
        transaction.add(code)


def _verification(
    transaction: Session,
    request: DataSubjectRequest,
    step: str,
    language: str,
    now: datetime,
) -> Queued:
    if request.contact_email:
        transaction.add(IdentityCode(request_id=request.id, nonce=new_nonce(), asked_at=now))
    return to_file(transaction, request, step, "request_verification", now, language=language)
