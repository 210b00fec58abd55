"""Corrections of data: claimed and judged value by value, then put right at the sources (P12)."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from uuid import UUID

from sqlmodel import Session, col, select

from database.facts import record
from database.requests import source_tasks
from database.requests.estates import is_heir_of_the_living, waits_for_authority
from database.requests.requested_rights import rights_of
from database.tables import DataCorrection, DataSubjectRequest, RequestedRight, SourceTask
from database.writing import hold
from domain.requests.data_corrections import Claim, claim_refusal
from domain.requests.data_subject_requests import Kind, RightState
from domain.requests.personal_data import Correction, Verb
from domain.requests.source_tasks import OPEN_TASKS, TaskState


class ClaimRefused(Exception):
    """A value cannot be claimed, or taken back, like this; nothing changed."""


def note(
    transaction: Session,
    request: DataSubjectRequest,
    claim: Claim,
    *,
    staff_id: UUID,
    now: datetime,
) -> DataCorrection:
    """Write down a value that is said to be wrong, and whether that is credible. Raises
    ClaimRefused."""
    hold(transaction, request)
    right = _undecided(transaction, request)
    if refusal := claim_refusal(claim):
        raise ClaimRefused(refusal)
    row = DataCorrection(right_id=right.id, noted_by=staff_id, noted_at=now, **vars(claim))
    transaction.add(row)
    record(
        transaction,
        "correction.noted",
        request.id,
        now,
        claim=row.id,
        source=claim.source,
        ground=claim.ground,
        credible=claim.credible,
        staff=staff_id,
    )
    return row


def take_back(
    transaction: Session,
    request: DataSubjectRequest,
    claim_id: UUID,
    *,
    staff_id: UUID,
    now: datetime,
) -> None:
    """What was noted was wrong itself; it stays readable. Raises ClaimRefused."""
    hold(transaction, request)
    right = _undecided(transaction, request)
    row = transaction.get(DataCorrection, claim_id)
    if row is None or row.right_id != right.id or row.dropped_at is not None:
        raise ClaimRefused("There is no such value (any more). Nothing was changed.")
    task = _tasks(transaction, right).get(row.source)
    if task is not None and task.state == TaskState.DONE:
        raise ClaimRefused(f"{row.source} has put it right already. Nothing was changed.")
    row.dropped_at = now
    transaction.add(row)
    record(transaction, "correction.dropped", request.id, now, claim=row.id, staff=staff_id)


def claims_of(session: Session, right_id: UUID) -> Sequence[DataCorrection]:
    """What is claimed for a right and was not taken back, in order."""
    return session.exec(
        select(DataCorrection)
        .where(DataCorrection.right_id == right_id, col(DataCorrection.dropped_at).is_(None))
        .order_by(col(DataCorrection.noted_at), col(DataCorrection.id))
    ).all()


def of_source(session: Session, right_id: UUID, source: str) -> tuple[Correction, ...]:
    """What a source is to put right: what was shown credibly."""
    return tuple(
        Correction(
            category=claim.category,
            field=claim.field,
            before=claim.before or None,
            after=claim.after,
        )
        for claim in claims_of(session, right_id)
        if claim.source == source and claim.credible
    )


def begin(transaction: Session, right: RequestedRight, now: datetime) -> None:
    """It is decided: each source puts right what it has. What one did, or a person gave up, is not
    done twice, unless something else is to be put right there since."""
    settled = _tasks(transaction, right)
    for source in sorted({one.source for one in claims_of(transaction, right.id) if one.credible}):
        task = settled.get(source)
        if task is None or _changed_since(transaction, task):
            source_tasks.add_task(transaction, right, source, Verb.CORRECT, now)


def _changed_since(session: Session, task: SourceTask) -> bool:
    """Whether something about a source was noted, or taken back, after it was asked."""
    claims = select(DataCorrection).where(
        DataCorrection.right_id == task.right_id, DataCorrection.source == task.source
    )
    return any(
        at is not None and at > task.created_at
        for claim in session.exec(claims).all()
        for at in (claim.noted_at, claim.dropped_at)
    )


def is_under_way(session: Session, request_id: UUID) -> bool:
    """Whether an answer has to wait for a source to put something right."""
    return any(
        task.state in OPEN_TASKS
        for right in _rights(session, request_id)
        for task in _tasks(session, right).values()
    )


def done_at(session: Session, request: DataSubjectRequest) -> datetime | None:
    """Since when nothing but the sources stood in the way of the answer, once they have put right
    what was to be; None otherwise."""
    rights = rights_of(session, request.id)
    if request.answered_at is not None or request.disputed_at is not None:
        return None
    if waits_for_authority(session, request) or is_heir_of_the_living(session, request):
        return None
    if any(right.state != RightState.DECIDED for right in rights):
        return None
    begun = any(_tasks(session, right) for right in rights if right.kind == Kind.CORRECTION)
    if not begun or is_under_way(session, request.id):
        return None
    return max((right.decided_at for right in rights if right.decided_at), default=None)


def given_up(session: Session, right: RequestedRight) -> tuple[str, ...]:
    """Where people gave up to have it put right, and nothing else is to be put right since."""
    tasks = _tasks(session, right)
    return tuple(
        name
        for name, task in tasks.items()
        if task.state == TaskState.GIVEN_UP and not _changed_since(session, task)
    )


def _rights(session: Session, request_id: UUID) -> Sequence[RequestedRight]:
    return [one for one in rights_of(session, request_id) if one.kind == Kind.CORRECTION]


def _tasks(session: Session, right: RequestedRight) -> Mapping[str, SourceTask]:
    """What sources are asked to put right for it, by source, the last round of each."""
    tasks = source_tasks.last_rounds(source_tasks.tasks_of(session, right.request_id))
    return {
        task.source: task
        for task in tasks
        if task.right_id == right.id and task.verb == Verb.CORRECT
    }


def _undecided(session: Session, request: DataSubjectRequest) -> RequestedRight:
    """The right to correction, while what it is about may change."""
    right = next(iter(_rights(session, request.id)), None)
    if right is None:
        raise ClaimRefused("This request does not ask for a correction. Nothing was changed.")
    if request.answered_at is not None or right.state != RightState.OPEN:
        raise ClaimRefused("The correction is decided, or being decided. Nothing was changed.")
    if is_under_way(session, request.id):
        raise ClaimRefused("The sources are putting it right already. Nothing was changed.")
    return right
