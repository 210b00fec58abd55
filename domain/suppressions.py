"""Which addresses mail no longer goes to, and why; an address is known by its keyed hash (P4, P17).

What a person asked for is never stopped: a link sent again, all about a request of theirs. It may
reach them after all, the answer is owed in any case, and at worst it comes back once more.
"""

import hmac
from enum import StrEnum


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


def address_key(address: str, key: bytes) -> bytes:
    """The hash by which an address is known: the same for every spelling of its case (P17).

    It holds no personal data for whoever lacks the key, so it may outlive an erasure.
    """
    return hmac.digest(key, address.strip().lower().encode(), "sha256")
