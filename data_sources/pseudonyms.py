"""What takes the place of an identifier where a row has to stay (P33)."""

import hmac
import re

from domain.requests.personal_data import ERASED_HOST, same_address

HALF_A_DIGEST = 16  # bytes: nobody meets another by chance
MADE = re.compile(rf"erased-[0-9a-f]{{32}}|[0-9a-f]{{32}}@{re.escape(ERASED_HOST)}")


def address_pseudonym(address: str, key: bytes) -> str:
    """An address to which no mail can go, the same for every spelling of one."""
    return f"{_digest('address', same_address(address), key)}@{ERASED_HOST}"


def id_pseudonym(external_id: str, key: bytes) -> str:
    """An id that says nothing to whoever lacks the key."""
    return f"erased-{_digest('external_id', external_id, key)}"


def is_pseudonym(value: str) -> bool:
    """Whether it was made here."""
    return MADE.fullmatch(value) is not None


def is_address(pseudonym: str) -> bool:
    """Whether it took the place of an address."""
    return "@" in pseudonym


def _digest(kind: str, value: str, key: bytes) -> str:
    return hmac.digest(key, f"pseudonym.{kind}:{value}".encode(), "sha256")[:HALF_A_DIGEST].hex()
