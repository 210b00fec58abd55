"""How well requests were answered, in numbers that are about nobody."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import timedelta

NEAR = timedelta(days=2)
"""An answer that went out so shortly before its due time is a near miss."""


@dataclass(frozen=True, kw_only=True)
class RequestMetrics:
    """Of the requests received in a period. The late reply is no answer, and counts apart."""

    received: int
    open: int
    overdue: int
    answered: int
    answered_in_time: int
    near_misses: int
    late_replies: int
    median_days: float | None
    by_kind: Mapping[str, int]
    by_outcome: Mapping[str, int]
    by_ground: Mapping[str, int]

    def to_json_dict(self) -> dict[str, object]:
        """Plain values."""
        return asdict(self)
