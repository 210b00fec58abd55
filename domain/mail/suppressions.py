"""Which addresses mail no longer goes to, and why; an address is known by its keyed hash (P4, P17).

What a person asked for is never stopped: a link sent again, all about a request of theirs. It may
reach them after all, the answer is owed in any case, and at worst it comes back once more.
"""

import hmac
from collections.abc import Iterable
from enum import StrEnum
from uuid import UUID

from domain.mail_addresses import ascii_address


class Cause(StrEnum):
    """Why mail to an address stopped."""

    BOUNCED = "bounced"
    COMPLAINED = "complained"
    NOT_THEIRS = "not_theirs"


WORDS = {
    Cause.BOUNCED: "earlier mail to this address came back for good",
    Cause.COMPLAINED: "our mail was reported as spam at this address",
    Cause.NOT_THEIRS: "who reads mail at this address says that it was meant for somebody else",
}
NO_MORE_REMINDERS = "asked for no more reminders"
RESTRICTED = "the account is restricted, so no courtesy mail goes to it"


def address_key(address: str, key: bytes) -> bytes:
    """The hash by which an address is known: the same for every spelling of its case and of its
    domain (P17).

    It holds no personal data for whoever lacks the key, so it may outlive an erasure.
    """
    return hmac.digest(key, ascii_address(address.strip()).lower().encode(), "sha256")


def account_key(account_id: UUID, key: bytes) -> bytes:
    """The hash by which an account is known: what its holder refused follows them to another
    address, and says nothing of who they were once the account is gone (P17)."""
    return hmac.digest(key, b"account\0" + account_id.bytes, "sha256")


def keys_of(address: str, account_ids: Iterable[UUID], key: bytes) -> tuple[bytes, ...]:
    """All hashes by which somebody is known, in an order that is always the same. No address is
    nobody's in particular, so it has none."""
    accounts = {account_key(account_id, key) for account_id in account_ids}
    addresses = {address_key(address, key)} if address.strip() else set()
    return tuple(sorted(addresses | accounts))
