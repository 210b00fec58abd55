"""Staff find out which account a request is about that came without one: a letter with a name and
a street, or an address that no account has (P19, P26)."""

from datetime import datetime
from uuid import UUID

from sqlmodel import Session

from database.facts import record
from database.requests import at_once, codes
from database.requests.identity import names_another_address
from database.requests.identity_checks import delete_evidence
from database.requests.requested_rights import rights_of
from database.requests.requests import contact_key
from database.requests.source_tasks import begin_anew, has_begun
from database.tables import Account, DataSubjectRequest
from database.writing import hold
from domain.requests.data_subject_requests import GATED_KINDS, RightState, State

NAMED = "account_named"
"""The step of the mail that asks the account's holder."""


class NotNamed(Exception):
    """No account can be named for this request (any more); nothing changed."""


def name_account(
    transaction: Session,
    request: DataSubjectRequest,
    account: Account,
    suppression_key: bytes,
    *,
    staff_id: UUID,
    now: datetime,
) -> None:
    """From now on it is about this account. It proves nothing: its holder is asked, and what was
    proved before, without an account, is proved anew. Sources that were asked by the address which
    it came with are asked anew. Marketing is stopped for the account at once, where that is asked.
    Whoever wrote sees and hears nothing of it, as nobody knows yet who they are. Raises NotNamed.
    """
    hold(transaction, request)
    if refusal := why_not_named(transaction, request):
        raise NotNamed(refusal)
    is_contact = contact_key(account.email) == request.contact_key
    may_still_confirm = request.state != State.WORK and not names_another_address(request)
    request.account_id = account.id
    if not request.contact_email or not may_still_confirm:
        request.account_address = None if is_contact else account.email or None
    request.verified_at = request.verified_by = None
    if request.state == State.WORK and request.needs_identity and not request.contact_email:
        request.state = State.IDENTITY
    transaction.add(request)
    begin_anew(transaction, request, now)
    delete_evidence(transaction, request, now)
    record(
        transaction, "request.account_named", request.id, now, account=account.id, staff=staff_id
    )
    if request.needs_identity:
        codes.remind_on_file(transaction, request, NAMED, now)
    at_once.take_effect_once_named(transaction, request, suppression_key, now)


def why_not_named(session: Session, request: DataSubjectRequest) -> str | None:
    """For staff, why no account can be named for a request (any more); None where one can."""
    if request.answered_at is not None:
        return "This request is answered. Nothing was changed."
    if request.account_id is not None:
        return "It is known whose account this request is about. Nothing was changed."
    rights = [right for right in rights_of(session, request.id) if right.kind in GATED_KINDS]
    decided = any(right.state != RightState.OPEN for right in rights)
    if decided or has_begun(session, request.id):
        return (
            "What it asks for is decided already, or waits for a second person, as of the address "
            "that it came with. Take it in again, with this account and the true time of its "
            "receipt. Nothing was changed."
        )
    return None
