"""How well requests were answered, in numbers (P21)."""

from datetime import UTC, datetime, timedelta

from domain.requests.metrics import Counted, metrics_of

RECEIVED = datetime(2026, 3, 2, 9, tzinfo=UTC)
A_DAY = timedelta(days=1)


def request(answered_after: float | None, *, late_reply: bool = False) -> Counted:
    """One for a copy, due after thirty days."""
    answered = answered_after is not None
    return Counted(
        received_at=RECEIVED,
        due_at=RECEIVED + 30 * A_DAY,
        answered_at=RECEIVED + answered_after * A_DAY if answered_after is not None else None,
        late_reply=late_reply,
        rights=[("access", "refused" if answered else None, "legal_matters" if answered else None)],
    )


def test_an_answer_counts_as_in_time_only_before_it_is_due() -> None:
    """P21: at the very instant it is late; a late reply is no answer; two days before is near."""
    found = metrics_of(
        [request(2), request(4), request(28), request(30), request(None, late_reply=True)],
        RECEIVED + 31 * A_DAY,
    )
    assert (found.received, found.open, found.overdue, found.answered) == (5, 1, 1, 4)
    assert (found.answered_in_time, found.near_misses, found.late_replies) == (3, 1, 1)
    assert found.median_days == 16
    assert found.by_kind == {"access": 5}
    assert found.by_outcome == {"refused": 4}
    assert found.by_ground == {"legal_matters": 4}


def test_nothing_received_is_no_fault() -> None:
    found = metrics_of([], RECEIVED)
    assert (found.received, found.median_days) == (0, None)
