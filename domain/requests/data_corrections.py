"""Correcting data: what a person says is wrong, what shows it, and what follows (P12).

Pure. Each value is claimed, and judged, by itself.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from enum import StrEnum

from domain.requests.data_subject_requests import Ground, Outcome

LONGEST_VALUE = 500


class CorrectionGround(StrEnum):
    """Why a value is to be corrected (P12)."""

    INACCURATE = "inaccurate"
    INCOMPLETE = "incomplete"
    OUT_OF_DATE = "out_of_date"


GROUND_WORDS: Mapping[CorrectionGround, str] = {
    CorrectionGround.INACCURATE: "it is inaccurate",
    CorrectionGround.INCOMPLETE: "it is incomplete",
    CorrectionGround.OUT_OF_DATE: "it is out of date",
}
"""For staff."""


@dataclass(frozen=True, kw_only=True)
class Claim:
    """A value that a person says is wrong, and whether what they gave shows it credibly.

    `before` is empty where nothing is there. `why`: what the judgement rests on.
    """

    source: str
    category: str
    field: str
    before: str
    after: str
    ground: CorrectionGround
    evidence: str
    credible: bool
    why: str = ""


def claim_refusal(claim: Claim) -> str | None:
    """Why a claim cannot be noted like this, for staff; None when it can."""
    if claim.before.strip() == claim.after.strip():
        return "The right value is the one that is there. Nothing was noted."
    if len(claim.before) > LONGEST_VALUE or len(claim.after) > LONGEST_VALUE:
        return f"A value has {LONGEST_VALUE} characters at most. Nothing was noted."
    if not claim.after.strip():
        return "Write the right value. What is to go is an erasure. Nothing was noted."
    if claim.ground is not CorrectionGround.INCOMPLETE and not claim.before.strip():
        return "Write the value that is wrong, as it stands there. Nothing was noted."
    if not claim.evidence.strip():
        return "Write what shows it: a document, a letter, what the person says. Nothing was noted."
    if not claim.credible and not claim.why.strip():
        return "Write why that does not show it credibly. Nothing was noted."
    return None


def outcome_refusal(
    outcome: Outcome, ground: Ground | None, credible: Collection[bool]
) -> str | None:
    """Why a correction may not be answered like this, for staff; None when it may. `credible`: of
    each value that is claimed, whether it was shown."""
    if outcome not in {Outcome.FULFILLED, Outcome.PARTIAL}:
        return None
    if not any(credible):
        return (
            "No value is noted here that was shown to be wrong. Note first what is to be put "
            "right, and where."
        )
    if outcome is Outcome.FULFILLED and not all(credible):
        return "Not every value was shown to be wrong: answer in part, on the ground not_shown."
    if outcome is Outcome.PARTIAL and ground is Ground.NOT_SHOWN and all(credible):
        return "Every value was shown to be wrong, so none fails for want of that."
    return None
