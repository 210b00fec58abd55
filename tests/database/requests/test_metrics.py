"""How well requests were answered, in numbers (P21)."""

from datetime import timedelta

from database.ids import new_id
from database.requests.metrics import request_metrics
from database.requests.requested_rights import rights_of
from database.tables import DataSubjectRequest, RequestDecision
from tests.people import DORA
from tests.scene import NOW, Scene

A_DAY = timedelta(days=1)


def request(
    scene: Scene,
    answered_after: float | None,
    *,
    late_reply: bool = False,
    breached: bool = False,
    received: timedelta = timedelta(0),
) -> None:
    """One of Dora's for a copy, due after thirty days, and refused where it is answered."""
    made = scene.request(DORA.email, kinds=("access",))
    with scene.database.transaction() as transaction:
        row = transaction.get_one(DataSubjectRequest, made.id)
        row.received_at = NOW + received
        row.due_at = row.received_at + 30 * A_DAY
        row.late_reply_at = NOW if late_reply else None
        row.policy_breach_at = NOW if breached else None
        (right,) = rights_of(transaction, row.id)
        decision = RequestDecision(
            id=new_id(),
            right_id=right.id,
            outcome="refused",
            ground="legal_matters",
            explanation="",
            decided_at=NOW,
        )
        transaction.add(decision)
        transaction.flush()
        right.decision_id = decision.id
        if answered_after is not None:
            row.answered_at = row.received_at + answered_after * A_DAY
            right.outcome = "refused"
        transaction.add_all([row, right])


def test_an_answer_counts_as_in_time_only_before_it_is_due(scene: Scene) -> None:
    """P21: at the very instant it is late; a late reply is no answer; two days before is near; what
    is proposed is no refusal yet."""
    for days in (2, 4, 28, 30):
        request(scene, days)
    request(scene, None, late_reply=True)
    with scene.database.session() as session:
        found = request_metrics(session, None, NOW + 31 * A_DAY)
    assert (found.received, found.open, found.overdue, found.answered) == (5, 1, 1, 4)
    assert (found.answered_in_time, found.near_misses, found.late_replies) == (3, 1, 1)
    assert found.median_days == 16
    assert found.by_kind == {"access": 5}
    assert found.by_outcome == {"refused": 4}
    assert found.by_ground == {"legal_matters": 4}


def test_an_answer_after_a_breach_was_not_in_time_though_the_clock_was_put_right(
    scene: Scene,
) -> None:
    """P21."""
    request(scene, 3, breached=True)
    with scene.database.session() as session:
        found = request_metrics(session, None, NOW + 31 * A_DAY)
    assert (found.answered, found.answered_in_time, found.near_misses) == (1, 0, 0)


def test_of_a_period_only_what_came_in_it_counts(scene: Scene) -> None:
    request(scene, 4, received=-2 * A_DAY)
    request(scene, 7)
    with scene.database.session() as session:
        found = request_metrics(session, NOW - A_DAY, NOW + 31 * A_DAY)
    assert (found.received, found.median_days, found.by_kind) == (1, 7, {"access": 1})


def test_nothing_received_is_no_fault(scene: Scene) -> None:
    with scene.database.session() as session:
        found = request_metrics(session, None, NOW)
    assert (found.received, found.median_days, found.by_ground) == (0, None, {})
