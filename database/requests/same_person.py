"""Whom a request is about, as the data sources know them, and which other requests are theirs."""

from collections.abc import Sequence

from sqlalchemy import ColumnElement, and_, or_
from sqlmodel import Session, col, func

from database.people.accounts import accounts_of
from database.requests.identity import account_of
from database.tables import Account, DataSubjectRequest
from domain.requests.personal_data import Person, Verb, same_address


def person_asked_about(session: Session, request: DataSubjectRequest, verb: Verb) -> Person:
    """Whom a source is asked about: the account of the request, or the address that it names. To
    stop marketing every address that was typed in counts too, as nothing stands against it."""
    account = account_of(session, request)
    on_file = [account.email] if account and account.email else []
    typed = [request.account_address or request.contact_email]
    if verb is Verb.SUPPRESS:
        typed = [*on_file, *typed, request.contact_email]
    elif account is not None:
        typed = on_file
    return Person(
        addresses=tuple(dict.fromkeys(filter(None, typed))),
        external_ids=(account.external_id,) if account else (),
    )


def own_addresses(session: Session, request: DataSubjectRequest) -> Sequence[str]:
    """The addresses that are the person's own: what names another one may tell of somebody else."""
    person = person_asked_about(session, request, Verb.EXPORT)
    return [*person.addresses, request.contact_email]


def person_of(account: Account) -> Person:
    """Whoever holds an account, as the data sources know them."""
    addresses = (account.email,) if account.email else ()
    return Person(addresses=addresses, external_ids=(account.external_id,))


def is_about(session: Session, person: Person) -> ColumnElement[bool]:
    """Whether a request is about somebody: by an account that may be theirs, or by their address
    where no account is known."""
    account_ids = [one.id for one in accounts_of(session, person)]
    addresses: Sequence[str] = [same_address(one) for one in person.addresses]
    return or_(
        col(DataSubjectRequest.account_id).in_(account_ids),
        and_(
            col(DataSubjectRequest.account_id).is_(None),
            func.lower(address_it_is_about()).in_(addresses),
        ),
    )


def address_it_is_about() -> ColumnElement[str]:
    """The address that a request is about: the one that it names, else the one that it came
    from."""
    named: ColumnElement[str] = func.coalesce(
        func.nullif(DataSubjectRequest.account_address, ""), DataSubjectRequest.contact_email
    )
    return named
