"""What may stand in each field of an account, in files and in the API alike. Pure.

What is wrong is a ValueError whose words follow the name of the field.
"""

import re
import unicodedata
from collections.abc import Callable, Iterator, Mapping
from datetime import datetime

from domain.mail_addresses import ascii_address, is_mail_address
from domain.people.account_holders import AccountKind, Status
from domain.places import country_code, in_utc, zone_named

LONGEST_VALUE = 254
REQUIRED = ("external_id", "email")
YES_OR_NO = {
    "": False,
    "yes": True,
    "true": True,
    "1": True,
    "no": False,
    "false": False,
    "0": False,
}
_LOCALE = re.compile(r"[a-z]{2,3}([-_][A-Za-z0-9]{2,8})*")


def read_value(name: str, raw: str) -> object:
    """The value of a field as it was written; None when nothing was said. Raises ValueError."""
    value = raw.strip()
    _refuse_unprintable(value)
    return READERS[name](value) if value or name in REQUIRED else None


def _refuse_unprintable(value: str) -> None:
    if len(value) > LONGEST_VALUE:
        raise ValueError(f"is longer than {LONGEST_VALUE} characters")
    if any(unicodedata.category(character) in {"Cc", "Cs"} for character in value):
        raise ValueError("holds a character that cannot be shown")


def problems_together(content: Mapping[str, object]) -> Iterator[tuple[str, str]]:
    """What is wrong with values that are right each by itself: pairs of field and words."""
    is_service = content.get("kind") == AccountKind.SERVICE
    if is_service and "exempt_reason" not in content:
        yield "exempt_reason", "is empty; say why no person stands behind this account"
    if "exempt_reason" in content and not is_service:
        yield "exempt_reason", f"is only for accounts of kind {AccountKind.SERVICE}"


def _identifier(value: str) -> str:
    if not value:
        raise ValueError("is empty; every account has an id of its own")
    return value


def _address(value: str) -> str:
    """An address, or none: such an account is never lost, but on the list of those not reached."""
    if not value:
        return value
    address = ascii_address(value)
    if not is_mail_address(address):
        raise ValueError(f"{value!r} is not an e-mail address like name@example.com")
    return address


def _one_of(*known: str) -> Callable[[str], str]:
    def read(value: str) -> str:
        if value not in known:
            raise ValueError(f"{value!r} is not known; it is {' or '.join(known)}")
        return value

    return read


def _locale(value: str) -> str:
    if not _LOCALE.fullmatch(value):
        raise ValueError(f"{value!r} is not a language like en, de or pt-BR")
    return value.replace("_", "-")


def _time_zone(value: str) -> str:
    return zone_named(value).key


def _instant(value: str) -> datetime:
    try:
        read = datetime.fromisoformat(value)
    except ValueError:
        raise ValueError(f"{value!r} is not an instant like 2026-01-31T10:00:00Z") from None
    return in_utc(read)


def _truth(value: str) -> bool:
    if value.lower() not in YES_OR_NO:
        raise ValueError(f"{value!r} is neither yes nor no")
    return YES_OR_NO[value.lower()]


def _versions(value: str) -> Mapping[str, int]:
    """Version numbers by policy, as in `terms:2;privacy-policy:3`; of a bare number the policy is
    empty: it means the only one there is."""
    found: dict[str, int] = {}
    for each in value.split(";"):
        policy, _, number = (part.strip() for part in each.rpartition(":"))
        if not re.fullmatch(r"[1-9][0-9]{0,5}", number):
            raise ValueError(
                f"{value!r} is no version: write 2, or with several policies terms:2;privacy:3"
            )
        if policy in found:
            raise ValueError(f"{value!r} names {policy or 'a version'} twice")
        found[policy] = int(number)
    return found


READERS: Mapping[str, Callable[[str], object]] = {
    "external_id": _identifier,
    "email": _address,
    "name": str,
    "locale": _locale,
    "time_zone": _time_zone,
    "country": country_code,
    "status": _one_of(*Status),
    "kind": _one_of(*AccountKind),
    "exempt_reason": str,
    "joined_at": _instant,
    "organisation_id": str,
    "approver": _truth,
    "governing_version": _versions,
}
