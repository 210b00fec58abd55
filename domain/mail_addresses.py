"""What a mail address looks like: the one rule for it, wherever one is given. Pure."""

import re

import idna

LONGEST_ADDRESS = 254
_ADDRESS = re.compile(
    r"[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]{1,64}"
    r"@(?:[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?\.)+"
    r"[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?"
)


def is_mail_address(text: str) -> bool:
    """Whether mail could go there, by its looks."""
    local = text.partition("@")[0]
    return (
        len(text) <= LONGEST_ADDRESS
        and _ADDRESS.fullmatch(text) is not None
        and not (local.startswith(".") or local.endswith(".") or ".." in local)
    )


def addresses_in(text: str) -> tuple[str, ...]:
    """What looks like mail addresses in a text, each once."""
    return tuple(dict.fromkeys(one for one in _ADDRESS.findall(text) if is_mail_address(one)))


def ascii_address(text: str) -> str:
    """An address as mail is sent to it and as we know it: with a domain in letters of its own, like
    bücher.example, in the form that the net has for it, xn--bcher-kva.example. What is no such
    address comes back as it is."""
    local, at, domain = text.rpartition("@")
    if not at or domain.isascii() or len(text) > LONGEST_ADDRESS:
        return text
    try:
        return f"{local}@{idna.encode(domain, uts46=True).decode()}"
    except idna.IDNAError:
        return text
