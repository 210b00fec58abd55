"""What is counted of requests."""

from collections import defaultdict
from collections.abc import Mapping
from datetime import datetime
from uuid import UUID

from sqlmodel import Session, col, select

from database.tables import DataSubjectRequest, RequestDecision, RequestedRight
from domain.requests.metrics import Counted, RequestMetrics, metrics_of


def request_metrics(session: Session, since: datetime | None, now: datetime) -> RequestMetrics:
    """How well the requests were answered that came since then; of all without it."""
    rights: Mapping[UUID, list[tuple[str, str | None, str | None]]] = defaultdict(list)
    for right, ground in session.exec(
        select(RequestedRight, RequestDecision.ground).join(
            RequestDecision,
            col(RequestDecision.id) == col(RequestedRight.decision_id),
            isouter=True,
        )
    ):
        ended = right.outcome is not None
        rights[right.request_id].append((right.kind, right.outcome, ground if ended else None))
    rows = select(DataSubjectRequest)
    if since is not None:
        rows = rows.where(DataSubjectRequest.received_at >= since)
    return metrics_of(
        (
            Counted(
                received_at=row.received_at,
                due_at=row.due_at,
                answered_at=row.answered_at,
                late_reply=row.late_reply_at is not None,
                breached=row.policy_breach_at is not None or row.statutory_breach_at is not None,
                rights=rights[row.id],
            )
            for row in session.exec(rows)
        ),
        now,
    )
