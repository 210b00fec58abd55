"""Restriction: an account whose data is kept, and used for as little as possible (P14, P18). Pure.

On our side it stops courtesy mail, and every marketing purpose is answered as refused; legal
notices, and what a person asks for, go on. Other systems ask us.
"""

from collections.abc import Mapping
from enum import StrEnum


class Reason(StrEnum):
    """Why an account is restricted."""

    REQUESTED = "requested"
    DISPUTED = "disputed"
    MINOR_REPORT = "minor_report"


WORDS: Mapping[Reason, str] = {
    Reason.REQUESTED: "the holder asked for it, and may (P14)",
    Reason.DISPUTED: "while we look into what the holder disputes or objects to (P14, P15)",
    Reason.MINOR_REPORT: "the holder is said to be a minor, until a person has checked (P18)",
}
"""For staff and for other systems."""
