"""The company's own login as proof: its application hands over whoever is signed in (P25)."""

from datetime import datetime, timedelta
from uuid import UUID

from sqlmodel import Session

from database.facts import record
from database.people.links import REQUEST_HANDOFF, LinkUnusable, add_link
from database.tables import Account, Link
from database.writing import held
from domain.people.account_holders import AccountKind, Status

VERIFIED_BY = "login of the company's own application"
OLDEST_LOGIN = timedelta(minutes=15)
GOOD_FOR = timedelta(minutes=15)
CLOCKS_DIFFER = timedelta(minutes=1)
"""By so much a login may lie ahead of our clock."""


class HandoffRefused(Exception):
    """This login proves nothing; no link was made."""


class NobodyToHandOver(HandoffRefused):
    """Nobody can be signed in with this account."""


def make_handoff(
    transaction: Session,
    account: Account,
    *,
    login_at: datetime,
    api_key_id: UUID,
    now: datetime,
) -> Link:
    """A link for one request of this account's holder. Raises HandoffRefused."""
    if login_at > now + CLOCKS_DIFFER:
        raise HandoffRefused("login_at is in the future. No link was made.")
    if now - login_at > OLDEST_LOGIN:
        raise HandoffRefused(
            "The login is more than 15 minutes old, so it does not show who sits there now. Have "
            "them log in again. No link was made."
        )
    if account.status != Status.OPEN or account.kind == AccountKind.SERVICE:
        what = "no person's" if account.kind == AccountKind.SERVICE else account.status
        raise NobodyToHandOver(
            f"This account is {what}, so nobody can be signed in with it. No link was made."
        )
    link = add_link(
        transaction,
        purpose=REQUEST_HANDOFF,
        subject_id=account.id,
        account_id=account.id,
        now=now,
        expires_at=now + GOOD_FOR,
    )
    record(
        transaction,
        "handoff.made",
        link.id,
        now,
        account=account.id,
        login_at=login_at,
        api_key=api_key_id,
    )
    return link


def use_up(transaction: Session, link_id: UUID, now: datetime) -> Link:
    """The link makes its one request now. Raises LinkUnusable: `used`, `expired`."""
    link = held(transaction, Link, link_id)
    if link.used_at is not None:
        raise LinkUnusable("used", link)
    if link.expires_at is not None and link.expires_at <= now:
        raise LinkUnusable("expired", link)
    link.used_at = now
    transaction.add(link)
    record(transaction, "handoff.used", link.id, now)
    return link
