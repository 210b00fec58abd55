"""Is a change of the policy material and adverse? `assess` says, and says why (P2)."""

from domain.materiality.assessment import (
    AssessedChange,
    Assessment,
    Direction,
    Finding,
    Lines,
    Practice,
    Severity,
    TrackRecord,
    Verdict,
)
from domain.materiality.engine import assess, changes_between, engine_version

__all__ = [
    "AssessedChange",
    "Assessment",
    "Direction",
    "Finding",
    "Lines",
    "Practice",
    "Severity",
    "TrackRecord",
    "Verdict",
    "assess",
    "changes_between",
    "engine_version",
]
