"""The ladder of a request in the database: which rungs fired, and who said that they act (P21)."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from uuid import UUID

from sqlmodel import Session, col, select

from database.facts import record
from database.mail.outbox import STAFF
from database.people.staff import require_role
from database.tables import DataSubjectRequest, FiredRung, OutboxMail
from database.writing import hold
from domain.company import OfficeHours
from domain.requests.identity import DISPUTED, OF_IDENTITY
from domain.requests.ladder import ADDED_TO, UNASSIGNED, Fired, armed, step_of
from domain.rungs import Rung


class NothingToAcknowledge(Exception):
    """No step of the ladder waits for somebody to say that they act."""


def fired_rungs(session: Session, request_id: UUID) -> Sequence[FiredRung]:
    """The rungs of a request that fired or were passed over, as they stood on their ladders."""
    return session.exec(
        select(FiredRung)
        .where(FiredRung.request_id == request_id)
        .order_by(col(FiredRung.fired_at), col(FiredRung.stood_at))
    ).all()


def with_fired_rung(session: Session, rung: str) -> Sequence[UUID]:
    """The requests of which this rung fired for the due time as it is."""
    return session.exec(
        select(FiredRung.request_id)
        .join(DataSubjectRequest, col(DataSubjectRequest.id) == col(FiredRung.request_id))
        .where(FiredRung.rung == rung, col(FiredRung.due_at) == col(DataSubjectRequest.due_at))
    ).all()


def rungs_of(
    session: Session,
    request: DataSubjectRequest,
    office: OfficeHours,
    *,
    now: datetime,
    more: int = 0,
) -> tuple[tuple[Rung, ...], Mapping[str, Fired]]:
    """The rungs of a request as they stand, and which of them fired, by their keys.

    What fired for another due time counts no more: the ladder is armed again. `more`: so many
    alarms after the one that is due at `now`.
    """
    fired = as_fired(
        rung for rung in fired_rungs(session, request.id) if rung.due_at == request.due_at
    )
    rungs = armed(
        request_id=request.id,
        received_at=request.received_at,
        due_at=request.due_at,
        office=office,
        fired=fired,
        now=now,
        more=more,
    )
    return rungs, fired


def as_fired(rows: Iterable[FiredRung]) -> dict[str, Fired]:
    """What became of these rungs of one ladder, by their keys."""
    return {
        row.rung: Fired(
            at=row.fired_at,
            passed_over=row.passed_over,
            acknowledged=row.acknowledged_at is not None,
        )
        for row in rows
    }


def fire(
    transaction: Session,
    request: DataSubjectRequest,
    rung: Rung,
    *,
    now: datetime,
    passed_over: bool = False,
) -> bool:
    """Note a rung as fired, with its fact; False when it was before, for the same due time."""
    hold(transaction, request)
    known = transaction.exec(
        select(FiredRung).where(
            FiredRung.request_id == request.id,
            FiredRung.rung == rung.key,
            FiredRung.due_at == request.due_at,
        )
    ).first()
    if known is not None:
        return False
    transaction.add(
        FiredRung(
            request_id=request.id,
            rung=rung.key,
            due_at=request.due_at,
            stood_at=rung.at,
            fired_at=now,
            passed_over=passed_over,
        )
    )
    record(
        transaction,
        "request.rung_passed_over" if passed_over else "request.rung_fired",
        request.id,
        now,
        rung=rung.key,
        due_at=rung.at,
    )
    return True


def mail_step(session: Session, request: DataSubjectRequest, rung: str) -> str:
    """The step under which staff are mailed a rung: its key, and from the second due time on which
    it fires for it is, as a mail goes out once for each step."""
    fired = session.exec(
        select(FiredRung.id).where(
            FiredRung.request_id == request.id,
            FiredRung.rung == rung,
            FiredRung.due_at != request.due_at,
        )
    ).all()
    return f"{rung}#{len(fired) + 1}" if fired else rung


def told_of(session: Session, request: DataSubjectRequest, rung: str) -> set[UUID]:
    """Who of staff was mailed since a rung fired for the due time as it is. What they are mailed of
    who asks, or of what came later, tells nobody that it is their turn."""
    fired_at = session.exec(
        select(FiredRung.fired_at).where(
            FiredRung.request_id == request.id,
            FiredRung.rung == rung,
            FiredRung.due_at == request.due_at,
        )
    ).first()
    if fired_at is None:
        return set()
    mailed = select(OutboxMail.addressee_id).where(
        OutboxMail.subject_id == request.id,
        OutboxMail.addressee_kind == STAFF,
        OutboxMail.queued_at >= fired_at,
        OutboxMail.step != DISPUTED,
        OutboxMail.template != ADDED_TO,
        ~col(OutboxMail.step).startswith(OF_IDENTITY, autoescape=True),
    )
    return {*session.exec(mailed)}


def rung_of(step: str) -> str:
    """The key of the rung that a mail's step is of."""
    return step.partition("#")[0]


def waiting_step(session: Session, request: DataSubjectRequest) -> FiredRung | None:
    """The step of a request that staff were told last, unless somebody said that they act."""
    last = last_step(session, request)
    return last if last is not None and last.acknowledged_at is None else None


def last_step(session: Session, request: DataSubjectRequest) -> FiredRung | None:
    """The step of the ladder that staff were told last, for the due time as it is."""
    steps = [
        rung
        for rung in fired_rungs(session, request.id)
        if rung.due_at == request.due_at and not rung.passed_over and _waits(rung.rung)
    ]
    return steps[-1] if steps else None


def acknowledge_step(
    transaction: Session, request: DataSubjectRequest, staff_id: UUID, now: datetime
) -> FiredRung:
    """Somebody of staff says "I have seen this and act": the step goes on to nobody else.

    That is one of the privacy team, or whoever was told. Saying so again changes nothing. Raises
    NothingToAcknowledge, StaffRefused.
    """
    hold(transaction, request)
    was_told = transaction.exec(
        select(OutboxMail.id)
        .where(
            OutboxMail.subject_id == request.id,
            OutboxMail.addressee_kind == STAFF,
            OutboxMail.addressee_id == staff_id,
        )
        .limit(1)
    ).first()
    if was_told is None:
        require_role(transaction, staff_id, "privacy")
    step = last_step(transaction, request)
    if request.answered_at is not None or step is None:
        raise NothingToAcknowledge(
            f"Nobody of staff is waited for at {request.reference}: it is answered, or its ladder "
            "has not spoken yet. Nothing was changed."
        )
    if step.acknowledged_at is None:
        step.acknowledged_by, step.acknowledged_at = staff_id, now
        transaction.add(step)
        record(
            transaction,
            "request.rung_acknowledged",
            request.id,
            now,
            rung=step.rung,
            staff=staff_id,
        )
    return step


def _waits(key: str) -> bool:
    """Whether a rung of this key asks somebody of staff to act before the answer is due."""
    return step_of(key) == UNASSIGNED or key.startswith("d-")
