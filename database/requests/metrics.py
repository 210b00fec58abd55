"""What is counted of requests: by the database, so that none of them is read for it."""

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from statistics import mean
from typing import Any

from sqlalchemy import ColumnElement, Float, FunctionElement, and_, case, or_
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler
from sqlmodel import Session, col, func, select

from database.tables import DataSubjectRequest, RequestDecision, RequestedRight
from domain.requests.metrics import NEAR, RequestMetrics

received_at = col(DataSubjectRequest.received_at)
due_at = col(DataSubjectRequest.due_at)
answered_at = col(DataSubjectRequest.answered_at)


class _Days(FunctionElement[float]):
    """How many days lie between an instant and an earlier one."""

    type = Float()
    inherit_cache = True


@compiles(_Days, "sqlite")
def _in_sqlite(days: _Days, compiler: SQLCompiler, **how: Any) -> str:  # noqa: ANN401
    later, earlier = (compiler.process(one, **how) for one in days.clauses)
    return f"(julianday({later}) - julianday({earlier}))"


@compiles(_Days, "postgresql")
def _in_postgresql(days: _Days, compiler: SQLCompiler, **how: Any) -> str:  # noqa: ANN401
    later, earlier = (compiler.process(one, **how) for one in days.clauses)
    return f"(extract(epoch from {later} - {earlier}) / 86400.0)"


def request_metrics(session: Session, since: datetime | None, now: datetime) -> RequestMetrics:
    """How well the requests were answered that came since then; of all without it."""
    of_them = [received_at >= since] if since is not None else []
    answered = and_(answered_at.is_not(None), answered_at <= now)
    breached = or_(
        col(DataSubjectRequest.policy_breach_at).is_not(None),
        col(DataSubjectRequest.statutory_breach_at).is_not(None),
    )
    in_time = and_(answered, answered_at < due_at, ~breached)
    wanted: Mapping[str, ColumnElement[bool]] = {
        "received": received_at.is_not(None),
        "open": answered_at.is_(None),
        "overdue": and_(answered_at.is_(None), due_at <= now),
        "answered": answered,
        "answered_in_time": in_time,
        "near_misses": and_(in_time, _Days(due_at, answered_at) <= NEAR / timedelta(days=1)),
        "late_replies": col(DataSubjectRequest.late_reply_at).is_not(None),
    }
    counts = [func.count(case((one, 1))).label(name) for name, one in wanted.items()]
    counted: dict[str, Any] = dict(session.execute(select(*counts).where(*of_them)).one()._mapping)  # noqa: SLF001
    by_kind, by_outcome, by_ground = _by_right(session, of_them)
    return RequestMetrics(
        **counted,
        median_days=_median_days(session, [*of_them, answered], counted["answered"]),
        by_kind=by_kind,
        by_outcome=by_outcome,
        by_ground=by_ground,
    )


def _median_days(
    session: Session, conditions: Sequence[ColumnElement[bool]], answered: int
) -> float | None:
    if not answered:
        return None
    took = _Days(answered_at, received_at)
    middle = select(took).where(*conditions).order_by(took)
    middle = middle.offset((answered - 1) // 2).limit(2 - answered % 2)
    return round(mean(float(days) for days in session.exec(middle)), 1)


def _by_right(
    session: Session, conditions: Sequence[ColumnElement[bool]]
) -> Sequence[Mapping[str, int]]:
    """The rights by kind, by outcome, and by the ground on which they ended."""
    what = (col(RequestedRight.kind), col(RequestedRight.outcome), col(RequestDecision.ground))
    rows = session.exec(
        select(*what, func.count())
        .join(DataSubjectRequest, col(DataSubjectRequest.id) == col(RequestedRight.request_id))
        .join(
            RequestDecision,
            col(RequestDecision.id) == col(RequestedRight.decision_id),
            isouter=True,
        )
        .where(*conditions)
        .group_by(*what)
    ).all()
    kinds, outcomes, grounds = Counter[str](), Counter[str](), Counter[str]()
    for kind, outcome, ground, rights in rows:
        kinds[kind] += rights
        if outcome:
            outcomes[outcome] += rights
            grounds.update({ground: rights} if ground else {})
    return [dict(sorted(counted.items())) for counted in (kinds, outcomes, grounds)]
