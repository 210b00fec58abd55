"""Account holders: what the company says of one, found, listed."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import ColumnElement, and_, case, literal, or_
from sqlmodel import Session, col, func, select

from database.tables import Account
from domain.mail_addresses import ascii_address
from domain.people.account_holders import AccountKind, Status
from domain.requests.personal_data import Person, same_address


class AccountUnknown(Exception):
    """There is no such account."""


@dataclass(frozen=True, kw_only=True)
class AccountRow:
    """What the company says of an account. What is None was not said: a known account keeps it.
    So with an empty `email`; a new account has no address then.

    `governing_version` is what staff assert of a new account, by the slug of the policy; of an
    empty slug it is of the only policy there is.
    """

    external_id: str
    email: str
    name: str | None = None
    locale: str | None = None
    time_zone: str | None = None
    country: str | None = None
    status: str | None = None
    kind: str | None = None
    exempt_reason: str | None = None
    joined_at: datetime | None = None
    organisation_id: str | None = None
    approver: bool | None = None
    governing_version: Mapping[str, int] | None = None


def account_by_external_id(session: Session, external_id: str) -> Account:
    """Raises AccountUnknown."""
    account = session.exec(select(Account).where(Account.external_id == external_id)).first()
    if account is None:
        raise AccountUnknown(f"There is no account {external_id!r}.")
    return account


def accounts_by_external_ids(
    session: Session, external_ids: Collection[str]
) -> Mapping[str, Account]:
    """Those of these accounts that there are, by the company's own ids; a thousand at most."""
    rows = session.exec(select(Account).where(col(Account.external_id).in_(external_ids))).all()
    return {account.external_id: account for account in rows}


def accounts_at_address(session: Session, address: str) -> Sequence[Account]:
    """The open accounts whose address this is, whatever its case."""
    return _at_address(session, address, Status.OPEN)


def accounts_asked_about(session: Session, address: str) -> Sequence[Account]:
    """The accounts that somebody may mean who asks about an address: the open ones, else those that
    are frozen, as their holders have died. Whoever reads mail there now is somebody else (P19).
    Looked for at once, so that no time tells whether there is one."""
    found = _at_address(session, address, Status.OPEN, Status.DECEASED)
    return [one for one in found if one.status == Status.OPEN] or found


def _at_address(session: Session, address: str, *statuses: Status) -> Sequence[Account]:
    return session.exec(
        select(Account).where(
            func.lower(Account.email) == ascii_address(address.strip()).lower(),
            Account.email != "",
            col(Account.status).in_(statuses),
        )
    ).all()


def accounts_of(session: Session, person: Person) -> Sequence[Account]:
    """The accounts, open or not, that somebody's addresses and ids may stand for, in the order in
    which they are held: of two with one address each is theirs as far as anybody can tell."""
    addresses = [same_address(one) for one in person.addresses if one.strip()]
    return session.exec(
        select(Account)
        .where(
            or_(
                func.lower(Account.email).in_(addresses),
                col(Account.external_id).in_(person.external_ids),
            )
        )
        .order_by(col(Account.id))
    ).all()


def list_accounts(session: Session, *, limit: int, offset: int = 0) -> Sequence[Account]:
    """Accounts by their external id."""
    return session.exec(
        select(Account).order_by(Account.external_id).offset(offset).limit(limit)
    ).all()


def count_accounts(session: Session) -> int:
    """How many accounts there are."""
    return session.exec(select(func.count()).select_from(Account)).one()


def holder_died(account: Account) -> bool:
    """Whether its holder has died: as the company says, or as one of us noted, whatever an import
    says since."""
    return account.status == Status.DECEASED or account.death_noted_at is not None


def is_mailed() -> ColumnElement[bool]:
    """Whether an account gets the mails of campaigns: it is open, and a person stands behind it."""
    return and_(col(Account.status) == Status.OPEN, col(Account.kind) != AccountKind.SERVICE)


def minors_among(session: Session, accounts: Collection[UUID]) -> frozenset[UUID]:
    """Those of some accounts that are a minor's."""
    of_minors = select(Account.id).where(
        col(Account.id).in_(accounts), Account.kind == AccountKind.MINOR
    )
    return frozenset(session.exec(of_minors).all())


def open_since() -> ColumnElement[datetime]:
    """When an account was last opened: when it came, or came back."""
    since: ColumnElement[datetime] = func.coalesce(Account.reopened_at, Account.recorded_at)
    return since


def language_of_account(spoken: Sequence[str]) -> ColumnElement[str]:
    """The language nearest to an account's locale, as `languages` reckons it: of the tags
    that its locale begins with the longest, else the first one spoken."""
    locale = func.lower(func.replace(Account.locale, "_", "-"))
    longest_first = sorted(spoken, key=len, reverse=True)
    return case(
        *(
            (or_(locale == tag.lower(), locale.startswith(f"{tag.lower()}-")), literal(tag))
            for tag in longest_first
        ),
        else_=literal(spoken[0]),
    )
