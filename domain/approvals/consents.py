"""Consent: its own choice for each purpose, off by default, apart from approving (P5). Pure."""

import re
from enum import StrEnum

_KEY = re.compile(r"[a-z][a-z0-9_]{1,39}")
RESERVED = ("summary",)
"""What a purpose cannot be called, as something else that people read is called so."""


class Consent(StrEnum):
    """What an account holder said about a purpose; the latest one counts, none is no."""

    GIVEN = "given"
    WITHHELD = "withheld"


def purpose_key(text: str) -> str:
    """The key of a purpose as it was typed. Raises ValueError, in words.

    The same key in a later version of a policy is the same purpose: consent to it goes on.
    """
    key = text.strip().lower()
    if not _KEY.fullmatch(key) or key in RESERVED or re.fullmatch(r"f[0-9]+", key):
        raise ValueError(
            f"{text!r} is no key of a purpose: write a short word like product_tips, of letters, "
            "digits and _"
        )
    return key
