"""How well requests were answered, in numbers that are about nobody."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from statistics import median

NEAR = timedelta(days=2)
"""An answer that went out so shortly before its due time is a near miss."""


@dataclass(frozen=True, kw_only=True)
class Counted:
    """What is counted of one request. `breached`: its answer went out late. `rights`: of each what
    was asked for, how it ended, and on which ground, where they are known."""

    received_at: datetime
    due_at: datetime
    answered_at: datetime | None
    late_reply: bool
    breached: bool = False
    rights: Sequence[tuple[str, str | None, str | None]]


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


def metrics_of(requests: Iterable[Counted], now: datetime) -> RequestMetrics:
    """Count requests as they stand at an instant."""
    counted = list(requests)
    took = [(one, one.answered_at) for one in counted if one.answered_at and one.answered_at <= now]
    waiting = [one for one in counted if one.answered_at is None]
    in_time = [(one, at) for one, at in took if at < one.due_at and not one.breached]
    rights = [right for one in counted for right in one.rights]
    days = [(at - one.received_at) / timedelta(days=1) for one, at in took]
    return RequestMetrics(
        received=len(counted),
        open=len(waiting),
        overdue=sum(one.due_at <= now for one in waiting),
        answered=len(took),
        answered_in_time=len(in_time),
        near_misses=sum(one.due_at - at <= NEAR for one, at in in_time),
        late_replies=sum(one.late_reply for one in counted),
        median_days=round(median(days), 1) if days else None,
        by_kind=_counts(kind for kind, _, _ in rights),
        by_outcome=_counts(outcome for _, outcome, _ in rights if outcome),
        by_ground=_counts(ground for _, _, ground in rights if ground),
    )


def _counts(words: Iterable[str]) -> Mapping[str, int]:
    return dict(sorted(Counter(words).items()))
