"""The rights that requests ask for, each with its own clock, decision and outcome."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime
from uuid import UUID

from sqlmodel import Session, col, or_, select

from database.facts import record
from database.tables import DataSubjectRequest, RequestDecision, RequestedRight
from domain.requests.data_subject_requests import (
    Ground,
    Kind,
    Outcome,
    RightState,
    State,
)
from domain.requests.deadlines import Deadline

_PLACES: Mapping[str, int] = {kind: place for place, kind in enumerate(Kind)}


def add_rights(
    transaction: Session, request_id: UUID, kinds: Iterable[Kind], deadline: Deadline
) -> None:
    """Write down what a request asks for, each right with the clock that binds it (P21)."""
    for kind in kinds:
        clock = deadline.binding(kind)
        transaction.add(
            RequestedRight(request_id=request_id, kind=kind, due_at=clock.due_at, rule=clock.rule)
        )


def rights_of(session: Session, request_id: UUID) -> Sequence[RequestedRight]:
    """What a request asks for, in the order of `Kind`."""
    found = session.exec(
        select(RequestedRight).where(RequestedRight.request_id == request_id)
    ).all()
    return sorted(found, key=lambda right: _PLACES[right.kind])


def kinds_of(session: Session, request_id: UUID) -> tuple[Kind, ...]:
    """What a request asks for, in the order of `Kind`."""
    return tuple(Kind(right.kind) for right in rights_of(session, request_id))


def rights_by_request(
    session: Session, states: Iterable[State] = tuple(State), *, beside: Collection[UUID] = ()
) -> Mapping[UUID, Mapping[Kind, RightState]]:
    """How each right stands that the requests in these states ask for, and some few `beside` them,
    in the order of `Kind`."""
    found = session.exec(
        select(RequestedRight.request_id, RequestedRight.kind, RequestedRight.state)
        .join(DataSubjectRequest, col(DataSubjectRequest.id) == col(RequestedRight.request_id))
        .where(
            or_(
                col(DataSubjectRequest.state).in_(list(states)),
                col(DataSubjectRequest.id).in_(beside),
            )
        )
    )
    by_request: dict[UUID, dict[Kind, RightState]] = defaultdict(dict)
    for request_id, kind, state in sorted(found, key=lambda row: _PLACES[row[1]]):
        by_request[request_id][Kind(kind)] = RightState(state)
    return by_request


def decisions_of(
    session: Session, rights: Iterable[RequestedRight]
) -> Mapping[UUID, RequestDecision]:
    """By right, the decision in effect or the one that waits for its second person."""
    wanted = [right.decision_id for right in rights if right.decision_id]
    found = session.exec(select(RequestDecision).where(col(RequestDecision.id).in_(wanted)))
    return {decision.right_id: decision for decision in found}


def decided_before(session: Session, request: DataSubjectRequest) -> frozenset[UUID]:
    """Who decided what an appeal is against, alone or as second person; they do not decide it."""
    if not request.is_appeal or request.follows_id is None:
        return frozenset()
    decisions = decisions_of(session, rights_of(session, request.follows_id)).values()
    people = (one for each in decisions for one in (each.decided_by, each.confirmed_by))
    return frozenset(one for one in people if one)


def reopen_unverified(transaction: Session, request: DataSubjectRequest, now: datetime) -> bool:
    """Take back what rests on a person's not having shown who they are, now that they have (P19).

    The request is held and not answered. True when a right is open again because of it.
    """
    rights = rights_of(transaction, request.id)
    decisions = decisions_of(transaction, rights)
    reopened = [right for right in rights if _rests_on_identity(decisions.get(right.id))]
    for right in reopened:
        reopen(transaction, right, now)
    return bool(reopened)


def reopen(transaction: Session, right: RequestedRight, now: datetime) -> None:
    """What was decided of a right holds no more; its request is held and not answered."""
    record(
        transaction,
        "request.right_reopened",
        right.request_id,
        now,
        right=right.kind,
        decision=right.decision_id,
    )
    right.state = RightState.OPEN
    right.decision_id = right.outcome = right.decided_at = None
    transaction.add(right)


def _rests_on_identity(decision: RequestDecision | None) -> bool:
    return decision is not None and (
        decision.outcome == Outcome.UNVERIFIED or decision.ground == Ground.IDENTITY_UNVERIFIED
    )
