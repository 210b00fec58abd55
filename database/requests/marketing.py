"""What people refused of marketing, were offered, and whom a message may go to (P15, P17).

A refusal stands under keyed hashes (`keys_of` of `suppressions.py`): of the address, so that
it outlives the account, and of the account, so that it follows to another address.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import update
from sqlmodel import Session, col, func, select

from database.facts import record
from database.ids import new_id
from database.mail.suppressions import failures
from database.people.accounts import holder_died
from database.people.restricted import restricted_among
from database.tables import Account, MarketingRefusal, PurposeOffer
from database.webhooks.events import EventKind, tell
from database.writing import held, insert_new
from domain.mail.suppressions import keys_of
from domain.people.account_holders import AccountKind, Status
from domain.people.marketing import Choices, Use

PAGE, ONE_CLICK, REQUEST, COMPANY = "page", "one_click", "request", "company"
REFUSED, RESTRICTED, NOT_OFFERED = "refused", "restricted", "not_offered"


@dataclass(frozen=True, kw_only=True)
class Checked:
    """Whether a message for a purpose may go to an address. `reason` is why not: `refused`,
    `restricted`, `minor`, `deceased`, `not_offered`, or what became of mail to it (`bounced`,
    `complained`, `not_theirs`); None when it may. `account_id`: whose address it is."""

    address: str
    reason: str | None
    account_id: UUID | None


def refuse(
    transaction: Session,
    keys: Iterable[bytes],
    purposes: Iterable[str],
    *,
    how: str,
    now: datetime,
    account_ids: Collection[UUID] = (),
    request_id: UUID | None = None,
) -> None:
    """Stop these purposes for whoever is known by these hashes; refusing twice is harmless.

    `account_ids`: whose these hashes are, as far as they have accounts; the company is told.
    """
    rows = {
        (id_ := new_id()): {
            "id": id_,
            "subject_key": key,
            "purpose": purpose,
            "how": how,
            "refused_at": now,
        }
        for key in sorted(keys)
        for purpose in sorted(set(purposes))
    }
    new = insert_new(transaction, MarketingRefusal, list(rows.values()))
    for id_ in new:
        record(
            transaction,
            "marketing.refused",
            id_,
            now,
            purpose=rows[id_]["purpose"],
            how=how,
            accounts=[*account_ids],
            request=request_id,
        )
    if new:
        tell(transaction, EventKind.SUPPRESSION_CHANGED, account_ids, now)


def refusals(session: Session, keys: Collection[bytes]) -> Mapping[bytes, frozenset[str]]:
    """Which purposes are refused under each of these hashes, those with a refusal only."""
    rows = session.exec(
        select(MarketingRefusal.subject_key, MarketingRefusal.purpose).where(
            col(MarketingRefusal.subject_key).in_(keys),
            col(MarketingRefusal.taken_back_at).is_(None),
        )
    ).all()
    found: dict[bytes, set[str]] = {}
    for key, purpose in rows:
        found.setdefault(key, set()).add(purpose)
    return {key: frozenset(purposes) for key, purposes in found.items()}


def refused_by(session: Session, account: Account, suppression_key: bytes) -> frozenset[str]:
    """Which purposes an account holder refuses, under their address or for their account."""
    found = refusals(session, keys_of(account.email, [account.id], suppression_key))
    return frozenset().union(*found.values())


def choose(
    transaction: Session,
    account: Account,
    choices: Choices,
    suppression_key: bytes,
    *,
    now: datetime,
) -> None:
    """An account holder chose on the page: what they refuse stops, what they allow goes on.

    Who chose about a purpose was offered the choice.
    """
    account = held(transaction, Account, account.id)
    keys = keys_of(account.email, [account.id], suppression_key)
    before = refused_by(transaction, account, suppression_key)
    refuse(transaction, keys, choices.refused, how=PAGE, now=now, account_ids=[account.id])
    lifted = transaction.execute(
        update(MarketingRefusal)
        .where(
            col(MarketingRefusal.subject_key).in_(keys),
            col(MarketingRefusal.purpose).in_(choices.lifted(before)),
            col(MarketingRefusal.taken_back_at).is_(None),
        )
        .values(taken_back_at=now)
        .returning(col(MarketingRefusal.id), col(MarketingRefusal.purpose))
    ).all()
    for id_, purpose in lifted:
        record(transaction, "marketing.allowed", id_, now, purpose=purpose, account=account.id)
    offered = [offer(transaction, [account.id], key, how=PAGE, now=now) for key in choices.shown]
    if lifted or any(offered):
        tell(transaction, EventKind.SUPPRESSION_CHANGED, [account.id], now)


def offer(
    transaction: Session,
    account_ids: Iterable[UUID],
    purpose: str,
    *,
    how: str,
    now: datetime,
    api_key_id: UUID | None = None,
) -> int:
    """Note that these account holders had the choice about a purpose (P17); how many had not."""
    rows = {
        (id_ := new_id()): {
            "id": id_,
            "account_id": account_id,
            "purpose": purpose,
            "how": how,
            "api_key_id": api_key_id,
            "offered_at": now,
        }
        for account_id in sorted(account_ids)
    }
    new = insert_new(transaction, PurposeOffer, list(rows.values()))
    for id_ in new:
        record(
            transaction,
            "marketing.offered",
            id_,
            now,
            purpose=purpose,
            how=how,
            account=rows[id_]["account_id"],
            api_key=api_key_id,
        )
    return len(new)


def offered_to(session: Session, account_ids: Collection[UUID]) -> Mapping[UUID, frozenset[str]]:
    """Which purposes these accounts were offered the choice about."""
    rows = session.exec(
        select(PurposeOffer.account_id, PurposeOffer.purpose).where(
            col(PurposeOffer.account_id).in_(account_ids)
        )
    ).all()
    found: dict[UUID, set[str]] = {}
    for account_id, purpose in rows:
        found.setdefault(account_id, set()).add(purpose)
    return {account_id: frozenset(purposes) for account_id, purposes in found.items()}


def check(
    session: Session, addresses: Sequence[str], use: Use, suppression_key: bytes
) -> list[Checked]:
    """Of each address, up to a thousand, whether it may be used so, in the order given."""
    accounts = _accounts_at(session, addresses)
    reasons = _reasons(session, accounts, use, suppression_key)
    return [
        Checked(
            address=address,
            reason=reasons[address],
            account_id=accounts[address][0].id if accounts[address] else None,
        )
        for address in addresses
    ]


def is_suppressed(session: Session, account: Account, use: Use, suppression_key: bytes) -> bool:
    """Whether an account must not be used so."""
    reasons = _reasons(session, {account.email: [account]}, use, suppression_key)
    return reasons[account.email] is not None


def _reasons(
    session: Session,
    holders: Mapping[str, Sequence[Account]],
    use: Use,
    suppression_key: bytes,
) -> Mapping[str, str | None]:
    """Why each of these addresses, with its holders, must not be used so; None where it may."""
    ids = {account.id for accounts in holders.values() for account in accounts}
    keys = {
        address: keys_of(address, [account.id for account in accounts], suppression_key)
        for address, accounts in holders.items()
    }
    refused = refusals(session, {key for known in keys.values() for key in known})
    restricted = restricted_among(session, ids)
    offered = offered_to(session, ids) if use.to_be_offered else {}
    failed = failures(session, holders, suppression_key) if use.is_marketing else {}

    def reason(address: str) -> str | None:
        said = frozenset[str]().union(*(refused.get(key, ()) for key in keys[address]))
        if said & {*use.stopped_by}:
            return REFUSED
        return _because_of_its_holders(holders[address], use, restricted, offered) or failed.get(
            address
        )

    return {address: reason(address) for address in holders}


def _because_of_its_holders(
    accounts: Sequence[Account],
    use: Use,
    restricted: frozenset[UUID],
    offered: Mapping[UUID, frozenset[str]],
) -> str | None:
    if any(account.id in restricted for account in accounts):
        return RESTRICTED
    if any(holder_died(account) for account in accounts):
        return Status.DECEASED.value
    if any(account.kind == AccountKind.MINOR for account in accounts):
        return AccountKind.MINOR.value
    had_the_choice = not use.to_be_offered or any(
        use.name in offered.get(account.id, ()) for account in accounts
    )
    return None if use.has_begun and had_the_choice else NOT_OFFERED


def _accounts_at(session: Session, addresses: Sequence[str]) -> Mapping[str, Sequence[Account]]:
    """Whose addresses these are, whatever their case; open accounts first, closed ones too."""
    lowered = {address: address.strip().lower() for address in addresses}
    email = func.lower(Account.email)
    rows = session.exec(
        select(Account).where(email.in_({*lowered.values()}), Account.email != "")
    ).all()
    at: dict[str, list[Account]] = {}
    for account in sorted(rows, key=lambda row: (row.status != Status.OPEN, row.id)):
        at.setdefault(account.email.strip().lower(), []).append(account)
    return {address: at.get(lower, []) for address, lower in lowered.items()}
