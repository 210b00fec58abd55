"""Tokens of personal links: 16 random bytes and a signature, bound to one purpose; and codes to
type, made of such bytes with the same keys.

The random bytes are kept in the database, the keys are not: a stolen database opens no link, and
the same link can be made again for a reminder.
"""

import hmac
from base64 import urlsafe_b64decode, urlsafe_b64encode
from binascii import Error as NotBase64
from collections.abc import Sequence
from typing import Literal

NONCE_BYTES = 16
SIGNATURE_BYTES = 16
TOKEN_LENGTH = 43  # unpadded base64 of 32 bytes
CODE_DIGITS = 8

RefusalKind = Literal["malformed", "forged"]


class LinkRefused(Exception):
    """A token that was cut short or mistyped (`malformed`), or not signed by us (`forged`)."""

    def __init__(self, kind: RefusalKind) -> None:
        super().__init__(
            "This link is incomplete. Please open it from the mail again, or copy all of it."
            if kind == "malformed"
            else "This link is not one of ours, or it was made for something else."
        )
        self.kind: RefusalKind = kind


def make_token(purpose: str, nonce: bytes, keys: Sequence[bytes]) -> str:
    """Return the token (43 URL-safe characters) of `nonce` for `purpose`; the first key signs.

    Raises ValueError when there is no key or the nonce is not 16 bytes long.
    """
    if not keys:
        raise ValueError("no link key: no personal link can be made")
    if len(nonce) != NONCE_BYTES:
        raise ValueError(f"a link's nonce has {NONCE_BYTES} bytes, not {len(nonce)}")
    return _encode(nonce + _signature(purpose, nonce, keys[0]))


def read_token(purpose: str, token: str, keys: Sequence[bytes]) -> bytes:
    """Return the nonce inside a token of ours, signed for `purpose` by any of the keys.

    Raises LinkRefused for everything else, whatever it is.
    """
    content = _decode(token)
    nonce, signature = content[:NONCE_BYTES], content[NONCE_BYTES:]
    matches = [hmac.compare_digest(signature, _signature(purpose, nonce, key)) for key in keys]
    if not any(matches):
        raise LinkRefused("forged")
    return nonce


def make_code(purpose: str, nonce: bytes, keys: Sequence[bytes]) -> str:
    """Return the code (eight digits) of `nonce` for `purpose`, by the first key."""
    return _code(purpose, nonce, keys[0])


def is_code(typed: str, purpose: str, nonce: bytes, keys: Sequence[bytes]) -> bool:
    """Whether what somebody typed is the code of `nonce` by any of the keys.

    Spaces and dashes between the digits do not count. Takes as long whatever was typed.
    """
    digits = _digits(typed).encode(errors="replace")
    matches = [hmac.compare_digest(digits, _code(purpose, nonce, key).encode()) for key in keys]
    return any(matches)


def has_form_of_code(typed: str) -> bool:
    """Whether what somebody typed could be a code at all: eight digits, spaces and dashes apart."""
    digits = _digits(typed)
    return len(digits) == CODE_DIGITS and digits.isascii() and digits.isdigit()


def _digits(typed: str) -> str:
    return "".join(typed.split()).replace("-", "")


def _code(purpose: str, nonce: bytes, key: bytes) -> str:
    digest = hmac.digest(key, purpose.encode() + b"\0" + nonce, "sha256")
    return f"{int.from_bytes(digest[:8]) % 10**CODE_DIGITS:0{CODE_DIGITS}}"


def _signature(purpose: str, nonce: bytes, key: bytes) -> bytes:
    return hmac.digest(key, purpose.encode() + b"\0" + nonce, "sha256")[:SIGNATURE_BYTES]


def _encode(content: bytes) -> str:
    return urlsafe_b64encode(content).rstrip(b"=").decode()


def _decode(token: str) -> bytes:
    if len(token) != TOKEN_LENGTH or not token.isascii():
        raise LinkRefused("malformed")
    try:
        content = urlsafe_b64decode(token + "=")
    except NotBase64:
        raise LinkRefused("malformed") from None
    if _encode(content) != token:  # base64 has several spellings of the same bytes; ours has one
        raise LinkRefused("malformed")
    return content
