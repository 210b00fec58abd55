"""Whether a request comes from the person it concerns (P19): what proves it, what goes to the
address on file and what to the typed one, and disclosure held after a change of address.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Literal
from uuid import UUID

from sqlmodel import Session, col, select

from database.facts import record
from database.mail.outbox import (
    ACCOUNT,
    AT_SOURCE,
    BY_POST,
    FORMER,
    NO_ADDRESS,
    REQUEST,
    REQUESTER,
    Queued,
    queue,
)
from database.people.accounts import accounts_asked_about, accounts_at_address, holder_died
from database.people.address_changes import replaced_lately
from database.people.links import REQUEST_STATUS, REQUEST_STOP, REQUEST_VERIFY, add_link
from database.requests.requested_rights import reopen_unverified
from database.tables import (
    Account,
    AddressChange,
    AddressWarning,
    DataSubjectRequest,
    EstateAuthority,
    Link,
    OutboxMail,
    SourceAddress,
)
from database.writing import hold
from domain.requests.data_subject_requests import State
from domain.requests.identity import DISCLOSURE_HOLD_PERIOD
from domain.requests.personal_data import ERASED_HOST

VERIFY_LINK_PERIOD = timedelta(days=60)  # after the due time: being late must shut nobody out
VERIFICATION = "verification"
FOUND = "verification_found"
"""The step of the first mail to an address that a data source has."""
BY_LINK = "link to the address on file"
BY_SOURCE = "link to an address that a data source has"
BY_STAFF = "staff check by two"
"""What is said first of whom two of us found out; by which method follows."""
_BEFORE_WORK = (State.RECEIVED, State.ACKNOWLEDGED, State.IDENTITY)
"""What is proved before the acknowledgement is noted goes to work with it."""


def is_verified(request: DataSubjectRequest) -> bool:
    """Whether we know who asks: it was proved, and nobody with a say in it disputes it."""
    return request.verified_at is not None and request.disputed_at is None


def awaits_identity(request: DataSubjectRequest) -> bool:
    """Whether the person has still to say who they are: that they control the address which the
    request is about, whether there is an account with it or not."""
    settled = request.contact_confirmed_at is not None and not names_another_address(request)
    return (
        request.needs_identity
        and request.verified_at is None
        and not settled
        and request.state in _BEFORE_WORK
    )


def asks_by_mail(request: DataSubjectRequest) -> bool:
    """Whether the person has still to say who they are, and can be asked by mail, with codes and
    reminders. Of who has no mailbox staff find it out (P26)."""
    return bool(request.contact_email) and awaits_identity(request)


def awaits_holder(request: DataSubjectRequest) -> bool:
    """Whether staff found out which account a request is about whose contact address is confirmed
    already: the account's holder has still to say that it is theirs. The page of the request shows
    nothing of that, as whoever wrote may be somebody else."""
    return (
        request.needs_identity
        and request.verified_at is None
        and request.account_id is not None
        and request.state == State.WORK
    )


def hears_of_progress(request: DataSubjectRequest) -> bool:
    """Whether the contact address gets more than what is owed: somebody there said that it is
    theirs. A letter takes no click."""
    return request.contact_confirmed_at is not None or not request.contact_email


def link_is_current(session: Session, link: Link) -> bool:
    """Whether a link to verify went to the address that is on file now."""
    account = session.get(Account, link.account_id) if link.account_id else None
    return account is None or is_current(link.created_at, account)


def verify_identity(
    transaction: Session, request: DataSubjectRequest, *, how: str, now: datetime
) -> bool:
    """The person proved control of the address on file (P19); False when done already, when
    somebody at such an address said that the request is not theirs, and after the answer.

    What was decided for want of that proof, and not sent, has to be decided again.
    """
    hold(transaction, request)
    if request.verified_at or request.disputed_at or request.answered_at:
        return False
    request.verified_at = now
    request.verified_by = how
    if reopen_unverified(transaction, request, now) and request.state == State.REVIEW:
        request.state = State.WORK
    _go_to_work(request)
    transaction.add(request)
    record(transaction, "request.verified", request.id, now, how=how)
    if how == BY_SOURCE or is_contact(request, account_of(transaction, request)):
        confirm(transaction, request, now)
    hold_disclosure(transaction, request, now)
    return True


def confirm_contact(transaction: Session, request: DataSubjectRequest, now: datetime) -> bool:
    """Who reads mail at the contact address says that address and request are theirs.

    Where the request is about that address, it proves control of it: of the address on file, or of
    one under which nothing is held, as they may be told. Returns whether it proved the former.
    """
    hold(transaction, request)
    if not request.contact_email:
        return False
    awaited = awaits_identity(request) and not names_another_address(request)
    confirm(transaction, request, now)
    if not awaited:
        return False
    if is_contact(request, account_of(transaction, request)):
        return verify_identity(transaction, request, how=BY_LINK, now=now)
    _go_to_work(request)
    transaction.add(request)
    return False


def controls_empty_address(session: Session, request: DataSubjectRequest) -> bool:
    """Whether the person proved control of the address that a gated request is about, and there is
    no account with it, of the living or the dead."""
    return (
        request.needs_identity
        and request.contact_confirmed_at is not None
        and request.verified_at is None
        and request.account_id is None
        and not names_another_address(request)
        and not accounts_asked_about(session, request.contact_email)
    )


def hold_disclosure(transaction: Session, request: DataSubjectRequest, now: datetime) -> bool:
    """After recent changes of address: warn each one that was replaced and disclose nothing for 48
    hours, once for each change. The clock of the request goes on (P19, P21). False when there is no
    need."""
    hold(transaction, request)
    account = account_of(transaction, request)
    if request.verified_at is None or request.answered_at is not None or not request.needs_identity:
        return False
    if account is None:
        return False
    warned = _warned_of(transaction, request)
    changes = [
        one for one in replaced_lately(transaction, account, now) if one.changed_at not in warned
    ]
    if not changes:
        return False
    mails = [_warning(transaction, request, change, now) for change in changes]
    queue(transaction, mails, now)
    request.disclosure_held_until = now + DISCLOSURE_HOLD_PERIOD
    transaction.add(request)
    record(
        transaction,
        "request.disclosure_held",
        request.id,
        now,
        until=request.disclosure_held_until,
        changed_at=changes[-1].changed_at,
        addresses=len(changes),
    )
    return True


def dispute(
    transaction: Session,
    request: DataSubjectRequest,
    *,
    by: Literal["address on file", "former address", "holder who lives"],
    now: datetime,
) -> bool:
    """Somebody at an address on file, or at one that was, says that the request is not theirs, or
    the holder lives who was said to have died: nothing is disclosed until two of us found out.
    False when it was said or answered before."""
    hold(transaction, request)
    if request.disputed_at is not None or request.answered_at is not None:
        return False
    request.disputed_at = now
    transaction.add(request)
    record(transaction, "request.disputed", request.id, now, by=by)
    return True


def answer_goes_on_file(session: Session, request: DataSubjectRequest) -> bool:
    """Whether the address on file gets the answer, as the contact address is another one.

    Not when the contact address gets it: it is on file, or staff found out that it is theirs, or
    nobody proved anything, so that the answer discloses nothing. Nor is a letter sent there.
    """
    if not is_on_file(session, request) or not is_verified(request):
        return False
    if not request.contact_email or _went_to_contact(session, request):
        return False
    is_theirs = checked_by_staff(session, request) or is_contact(
        request, account_of(session, request)
    )
    return not is_theirs


def checked_by_staff(session: Session, request: DataSubjectRequest) -> bool:
    """Whether two of us found out who asks, as the mailbox on file is gone or its holder died, for
    this request or the one that it takes up again. What they found before it was proved anew, of an
    account that was named since, counts no more."""
    if request.verified_at is None:
        return False
    if (request.verified_by or "").startswith(BY_STAFF):
        return True
    of_estate = select(EstateAuthority.id).where(
        EstateAuthority.request_id == request.id,
        col(EstateAuthority.confirmed_at) >= request.verified_at,
    )
    return session.exec(of_estate).first() is not None


def _went_to_contact(session: Session, request: DataSubjectRequest) -> bool:
    """Whether the answer is out, and went there: the account may be a pseudonym by now (P13)."""
    went = select(OutboxMail.id).where(
        OutboxMail.subject_id == request.id,
        OutboxMail.template == "request_answer",
        OutboxMail.addressee_kind == REQUESTER,
    )
    return request.answered_at is not None and session.exec(went).first() is not None


def queue_answer(
    transaction: Session,
    request: DataSubjectRequest,
    now: datetime,
    template: str = "request_answer",
) -> None:
    """The answer goes to an address that may have it; a confirmed contact address beside it hears
    that there is one."""
    mails = [to_whom_it_concerns(transaction, request, "answer", template, now)]
    elsewhere = mails[0].addressee_kind != REQUESTER and request.contact_confirmed_at is not None
    if elsewhere:
        mails.append(to_contact(transaction, request, "answer", "request_answer_elsewhere"))
    queue(transaction, mails, now)


def to_whom_it_concerns(
    transaction: Session, request: DataSubjectRequest, step: str, template: str, now: datetime
) -> Queued:
    """A mail to the address that may have the answer, and what comes after it."""
    if not answer_goes_on_file(transaction, request):
        return to_contact(transaction, request, step, template)
    return to_file(transaction, request, step, template, now)


def account_of(session: Session, request: DataSubjectRequest) -> Account | None:
    """The account that a request is about. The same is asked whether there is one or not: no
    account has the id of a request."""
    found = select(Account).where(Account.id == (request.account_id or request.id))
    return session.exec(found).first()


def source_address(session: Session, request: DataSubjectRequest) -> SourceAddress | None:
    """The address that a request names and a data source has of somebody, where no account is
    known. The same is asked whether there is one or not."""
    found = session.exec(
        select(SourceAddress).where(SourceAddress.request_id == request.id)
    ).one_or_none()
    return found if request.account_id is None else None


def address_on_file(session: Session, request: DataSubjectRequest) -> tuple[str, UUID] | None:
    """Whose address is on file which the request is about, as the outbox names addressees: an
    account's, or the one that a source has; None where none is."""
    account, found = account_of(session, request), source_address(session, request)
    if found is not None:
        return AT_SOURCE, found.id
    return (ACCOUNT, account.id) if account is not None and account.email else None


def is_on_file(session: Session, request: DataSubjectRequest) -> bool:
    """Whether an address is on file which the request is about."""
    return address_on_file(session, request) is not None


def is_to_be_found(request: DataSubjectRequest) -> bool:
    """Whether a request names an address that no account has, so that only data sources can tell
    whether it is on file (P19)."""
    return (
        awaits_identity(request) and request.account_id is None and names_another_address(request)
    )


def write_to_source_address(
    transaction: Session, request: DataSubjectRequest, now: datetime
) -> bool:
    """A data source has the address that the request names: whoever reads mail there is asked
    whether it is theirs, with the code that waits already. False when they were, or need not be.

    No code is made for it: the page of the request would show by it that something was found (P19).
    """
    hold(transaction, request)
    asked = source_address(transaction, request) is not None
    if asked or not is_to_be_found(request) or request.disputed_at is not None:
        return False
    address = request.account_address or ""
    transaction.add(SourceAddress(request_id=request.id, address=address, found_at=now))
    transaction.flush()
    queue(transaction, [to_file(transaction, request, FOUND, "request_verification", now)], now)
    record(transaction, "request.address_found", request.id, now)
    return True


def keep_source_address(transaction: Session, request: DataSubjectRequest, old_id: UUID) -> None:
    """A request that takes up another one is about the same person: where a data source had the
    address that the old one named, what comes of the new one goes there too (P19)."""
    found = transaction.exec(
        select(SourceAddress).where(SourceAddress.request_id == old_id)
    ).one_or_none()
    if found is not None:
        kept = SourceAddress(request_id=request.id, address=found.address, found_at=found.found_at)
        transaction.add(kept)
        transaction.flush()


def other_accounts(session: Session, request: DataSubjectRequest) -> Sequence[Account]:
    """The other open accounts with the same address: who controls it stands behind them too."""
    account = account_of(session, request)
    if account is None or not account.email:
        return []
    return [one for one in accounts_at_address(session, account.email) if one.id != account.id]


def names_another_address(request: DataSubjectRequest) -> bool:
    """Whether the request is about another address than the one that we write to."""
    return bool(request.account_address) and not _same(
        request.account_address or "", request.contact_email
    )


def language_on_file(session: Session, request: DataSubjectRequest) -> str:
    """In which language the address on file is written to: as the first time."""
    first = session.exec(
        select(OutboxMail.language).where(
            OutboxMail.subject_id == request.id, OutboxMail.step == VERIFICATION
        )
    ).first()
    return request.language if first is None else first


def verify_link(
    transaction: Session, request: DataSubjectRequest, account: Account | None, now: datetime
) -> Link:
    """The link that verifies; another one where the address on file has changed since."""
    link = transaction.exec(
        select(Link).where(
            Link.subject_id == request.id,
            Link.purpose == REQUEST_VERIFY,
            col(Link.successor_id).is_(None),
        )
    ).first()
    if link is not None and (account is None or is_current(link.created_at, account)):
        return link
    new = add_link(
        transaction,
        purpose=REQUEST_VERIFY,
        subject_id=request.id,
        account_id=account.id if account else None,
        now=now,
        expires_at=request.due_at + VERIFY_LINK_PERIOD,
    )
    transaction.flush()
    if link is not None:
        link.successor_id = new.id
        transaction.add(link)
        record(transaction, "link.replaced", link.id, now, successor=new.id)
    return new


def to_file(
    transaction: Session,
    request: DataSubjectRequest,
    step: str,
    template: str,
    now: datetime,
    *,
    language: str | None = None,
) -> Queued:
    """A mail to the address on file, of the account or at a source, with the link to verify.

    Without such an address, once that is erased, or its holder disowned the request or died, it
    goes to nobody.
    """
    account, found = account_of(transaction, request), source_address(transaction, request)
    link = verify_link(transaction, request, account, now)
    transaction.flush()
    is_at_home = request.disputed_at is None and (
        found is not None or (account is not None and _reads_mail(account))
    )
    to = account or found or request
    return Queued(
        subject_kind=REQUEST,
        subject_id=request.id,
        addressee_kind=AT_SOURCE if found else ACCOUNT,
        addressee_id=to.id,
        step=step,
        template=template,
        variant=request.id,
        language=language_on_file(transaction, request) if language is None else language,
        link_id=link.id,
        state="queued" if is_at_home else NO_ADDRESS,
    )


def _reads_mail(account: Account) -> bool:
    is_erased = account.email.endswith(f"@{ERASED_HOST}")
    return bool(account.email) and not is_erased and not holder_died(account)


def _warning(
    transaction: Session, request: DataSubjectRequest, change: AddressChange, now: datetime
) -> Queued:
    warning = AddressWarning(
        request_id=request.id,
        account_id=change.account_id,
        address=change.address,
        changed_at=change.changed_at,
        warned_at=now,
    )
    transaction.add(warning)
    link = add_link(
        transaction,
        purpose=REQUEST_STOP,
        subject_id=request.id,
        account_id=warning.account_id,
        now=now,
        expires_at=request.due_at + VERIFY_LINK_PERIOD,
    )
    transaction.flush()
    return Queued(
        subject_kind=REQUEST,
        subject_id=request.id,
        addressee_kind=FORMER,
        addressee_id=warning.id,
        step="address_warning",
        template="request_address_warning",
        variant=request.id,
        language=language_on_file(transaction, request),
        link_id=link.id,
        state="queued" if warning.address else NO_ADDRESS,
    )


def to_contact(session: Session, request: DataSubjectRequest, step: str, template: str) -> Queued:
    """A mail to the contact address, with the link to the request's page; on paper to whoever has
    no mailbox."""
    link = session.exec(
        select(Link).where(Link.subject_id == request.id, Link.purpose == REQUEST_STATUS)
    ).one()
    return Queued(
        subject_kind=REQUEST,
        subject_id=request.id,
        addressee_kind=REQUESTER,
        addressee_id=request.id,
        step=step,
        template=template,
        variant=request.id,
        language=request.language,
        link_id=link.id,
        state="queued" if request.contact_email else BY_POST,
    )


def _go_to_work(request: DataSubjectRequest) -> None:
    if request.state in {State.ACKNOWLEDGED, State.IDENTITY}:
        request.state = State.WORK


def confirm(transaction: Session, request: DataSubjectRequest, now: datetime) -> None:
    """Somebody who reads mail at the contact address says that it is theirs; noted once."""
    if request.contact_confirmed_at is not None:
        return
    request.contact_confirmed_at = now
    transaction.add(request)
    record(transaction, "request.contact_confirmed", request.id, now)


def _warned_of(session: Session, request: DataSubjectRequest) -> Sequence[datetime]:
    return session.exec(
        select(AddressWarning.changed_at).where(AddressWarning.request_id == request.id)
    ).all()


def is_current(sent_at: datetime, account: Account) -> bool:
    """Whether what was sent to the address on file then went to the one that is there now."""
    return account.address_changed_at is None or sent_at >= account.address_changed_at


def is_contact(request: DataSubjectRequest, account: Account | None) -> bool:
    """Whether the contact address is the one on file."""
    return (
        account is not None and bool(account.email) and _same(account.email, request.contact_email)
    )


def _same(one: str, other: str) -> bool:
    return one.strip().lower() == other.strip().lower()
