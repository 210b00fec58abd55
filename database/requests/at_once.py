"""What a request brings about at once: the moment it is taken in, whoever made it, and the moment
that its person has shown who they are (P15, P17, P18).

What is taken in discloses, corrects and erases nothing, so it waits for no identity (P19); what it
stops can be allowed again by whoever holds the account.
"""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime
from uuid import UUID

from sqlmodel import Session

from database.people.accounts import accounts_at_address
from database.requests import joined, minors
from database.requests.answering import decide_at_once
from database.requests.estates import waits_for_authority
from database.requests.identity import is_verified
from database.requests.marketing import REQUEST, refuse
from database.requests.receipts import ClockOf, bring_forward
from database.requests.requested_rights import kinds_of, rights_of
from database.requests.requests import Received, receive
from database.requests.restrictions import restrict
from database.tables import DataSubjectRequest, JoinedRequest
from database.writing import held
from domain.mail.suppressions import keys_of
from domain.people.marketing import MARKETING, OBJECTION, STOPPED_AT_ONCE, STOPPED_USE_AT_ONCE
from domain.people.restrictions import Reason
from domain.requests.data_subject_requests import Intake, Kind, RightState
from domain.requests.minors import TO_WHOEVER_REPORTS

_STOPS: Mapping[Kind, tuple[Sequence[str], str]] = {
    Kind.MARKETING_OPT_OUT: ((MARKETING,), STOPPED_AT_ONCE),
    Kind.OBJECTION_MARKETING: (OBJECTION, STOPPED_USE_AT_ONCE),
}
"""What each of these rights stops, and what is answered."""
MOST_NAMED = 5
"""Of so many addresses at most in one report somebody looks whose they are."""
_ADDRESS = re.compile(r"[^\s<>()\[\]\"',;:]{1,64}@[^\s<>()\[\]\"',;:]{1,190}")


def take_in(
    transaction: Session, intake: Intake, received: Received, suppression_key: bytes, now: datetime
) -> DataSubjectRequest:
    """Take a request in, and do what is owed at once in the same transaction."""
    request = receive(transaction, intake, received, now)
    take_effect(transaction, request, received, intake.rights, suppression_key, now)
    if request.verified_at is not None:
        take_effect_once_verified(transaction, request, now)
    return request


def join_if_too_many(
    transaction: Session,
    intake: Intake,
    received: Received,
    suppression_key: bytes,
    now: datetime,
    *,
    an_hour: int,
) -> JoinedRequest | None:
    """Keep a request beside one for the same, and do what is owed at once: what was refused before
    may have been allowed meanwhile, or be another account's (P15), and another report may name
    another minor (P18). None when it is to be taken in."""
    row = joined.join_if_too_many(
        transaction,
        intake,
        channel=received.channel,
        deadline=received.deadline,
        an_hour=an_hour,
        now=now,
        account_id=received.account_id,
    )
    if row is None:
        return None
    request = transaction.get_one(DataSubjectRequest, row.request_id)
    for kind in intake.rights:
        if kind is Kind.MINOR:
            _report(transaction, request, row.account_address, row.message, received, now)
        elif kind in _STOPS:
            purposes, _ = _STOPS[kind]
            _stop(transaction, request, received.account_id, purposes, suppression_key, now)
    return row


def take_effect(
    transaction: Session,
    request: DataSubjectRequest,
    received: Received,
    rights: Iterable[Kind],
    suppression_key: bytes,
    now: datetime,
) -> None:
    """Do what is owed at once, in the transaction that takes the request in, and decide by machine
    about the rights that ask for no more. Marketing that goes to nobody we know cannot be stopped:
    whoever wrote a letter with a name and a street waits until staff found their account."""
    for kind in rights:
        if kind is Kind.MINOR:
            _report(transaction, request, request.account_address, request.message, received, now)
            decide_at_once(transaction, request, kind, TO_WHOEVER_REPORTS, now)
        elif kind in _STOPS and is_known(request):
            _stop_and_say_so(transaction, request, kind, suppression_key, now)


def is_known(request: DataSubjectRequest) -> bool:
    """Whether there is an address or an account that a request can be about."""
    return bool(request.contact_email or request.account_address or request.account_id)


def take_effect_once_named(
    transaction: Session, request: DataSubjectRequest, suppression_key: bytes, now: datetime
) -> None:
    """Do what could not be done before it was known whose account a request is about; what was done
    for the address that it came with is done for the account too."""
    for right in rights_of(transaction, request.id):
        kind = Kind(right.kind)
        if kind not in _STOPS:
            continue
        if right.state == RightState.OPEN:
            _stop_and_say_so(transaction, request, kind, suppression_key, now)
        else:
            purposes, _ = _STOPS[kind]
            _stop(transaction, request, request.account_id, purposes, suppression_key, now)


def take_effect_once_verified(
    transaction: Session, request: DataSubjectRequest, now: datetime
) -> None:
    """Restrict the account of whoever objects, until a person has weighed it (P15)."""
    objects = Kind.OBJECTION in kinds_of(transaction, request.id)
    if objects and request.account_id is not None:
        restrict(transaction, [request.account_id], Reason.DISPUTED, now=now, request_id=request.id)


@contextmanager
def showing_who_asks(
    transaction: Session, request_id: UUID, now: datetime, clock_of: ClockOf
) -> Iterator[DataSubjectRequest]:
    """The request, ours, while somebody may show who asks; what follows of that takes effect.

    From then on the law of the country on file counts too, in the time zone on file: before, a due
    time could tell a stranger of an account (P19, P21). After a death whoever reads the mail there
    is such a stranger, until two of us found that they may ask.
    """
    request = held(transaction, DataSubjectRequest, request_id)
    was_known = request.verified_at is not None
    yield request
    if not was_known and request.verified_at is not None:
        take_effect_once_verified(transaction, request, now)
    if is_verified(request) and not waits_for_authority(transaction, request):
        bring_forward(transaction, request, clock_of, now)


def _report(
    transaction: Session,
    request: DataSubjectRequest,
    about: str | None,
    message: str,
    received: Received,
    now: datetime,
) -> None:
    """Have it looked into whether these accounts are a minor's."""
    minors.report(
        transaction,
        request,
        _accounts_named(transaction, request, about, message),
        entered_by=received.entered_by,
        languages=received.languages,
        now=now,
    )


def _stop_and_say_so(
    transaction: Session,
    request: DataSubjectRequest,
    kind: Kind,
    suppression_key: bytes,
    now: datetime,
) -> None:
    purposes, explanation = _STOPS[kind]
    _stop(transaction, request, request.account_id, purposes, suppression_key, now)
    decide_at_once(transaction, request, kind, explanation, now)


def _stop(
    transaction: Session,
    request: DataSubjectRequest,
    account_id: UUID | None,
    purposes: Iterable[str],
    suppression_key: bytes,
    now: datetime,
) -> None:
    """For the addresses that were typed in, each account with one of them, and the one it is known
    to be of."""
    addresses = (request.contact_email, request.account_address or "")
    accounts = {
        row.id for address in addresses for row in accounts_at_address(transaction, address)
    }
    if account_id is not None:
        accounts.add(account_id)
    refuse(
        transaction,
        {key for address in addresses for key in keys_of(address, accounts, suppression_key)},
        purposes,
        how=REQUEST,
        now=now,
        account_ids=accounts,
        request_id=request.id,
    )


def _accounts_named(
    session: Session, request: DataSubjectRequest, about: str | None, message: str
) -> Sequence[UUID]:
    """The accounts whose addresses stand in the message or were named apart; where none was, those
    of the address typed in: whoever reports it may be the minor."""
    found = _at(session, dict.fromkeys([*filter(None, [about]), *_ADDRESS.findall(message)]))
    return found or _at(session, [request.contact_email])


def _at(session: Session, addresses: Iterable[str]) -> Sequence[UUID]:
    ids: list[UUID] = []
    for address in list(addresses)[:MOST_NAMED]:
        ids += (account.id for account in accounts_at_address(session, address.rstrip(".!?")))
    return list(dict.fromkeys(ids))[:MOST_NAMED]
