"""The steps of a data-subject request; each can be repeated without harm."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlmodel import Session
from temporalio import activity
from temporalio.exceptions import ApplicationError

from activities.courier import Courier
from database import request_answers, requested_rights, requests
from database.alarms import AlarmKind, sound
from database.engine import Database
from database.mail_rows import Batch
from database.outbox import states
from database.staff import StaffRefused, by_handle, in_charge, present
from database.tables import DataSubjectRequest, RequestedRight, Staff
from database.writing import held
from domain.company import Company, Officers
from domain.data_subject_requests import GATED_KINDS, RightState, State
from domain.timetable import (
    Role,
    Rung,
    RungKind,
    highest_missed,
    overdue_rung,
    request_ladder,
)

ALARMS: Mapping[RungKind, AlarmKind] = {
    RungKind.ESCALATION: AlarmKind.REQUEST_ESCALATED,
    RungKind.BREACH: AlarmKind.REQUEST_BREACHED,
    RungKind.OVERDUE: AlarmKind.REQUEST_OVERDUE,
}
"""Of the rungs for staff, those that are more than a reminder to whoever works on it."""


@dataclass(frozen=True, kw_only=True)
class RequestInput:
    """A request and the instant at which the workflow acts."""

    request_id: UUID
    now: datetime


@dataclass(frozen=True, kw_only=True)
class DecisionInput(RequestInput):
    """An answer that was written down before."""

    decision_id: UUID


@dataclass(frozen=True, kw_only=True)
class Confirmation:
    """A second person agrees to the answer they read."""

    decision_id: UUID
    staff_id: UUID


@dataclass(frozen=True, kw_only=True)
class ConfirmationInput(RequestInput):
    """A confirmation of an answer to a request."""

    confirmation: Confirmation


@dataclass(frozen=True, kw_only=True)
class RequestCase:
    """What the request's workflow knows: states and instants, nothing about the person.

    `since`: when its state began. `ungated_open`: whether it asks for a right that needs no proof
    of identity, and that privacy has not decided (P19).
    """

    state: State
    due_at: datetime
    answered: bool
    mails_waiting: int
    next_rung: Rung | None
    since: datetime | None = None
    ungated_open: bool = False


class RequestActivities:
    """Acknowledges, reminds, escalates, answers; built once, in worker.py."""

    def __init__(
        self, *, database: Database, company: Company, officers: Officers, courier: Courier
    ) -> None:
        self._database = database
        self._courier = courier
        self._company = company
        self._officers = officers

    @activity.defn
    def load_request(self, what: RequestInput) -> RequestCase:
        """How the request stands in the database, and what fires next."""
        with self._database.session() as session:
            return self._case(session, session.get_one(DataSubjectRequest, what.request_id))

    @activity.defn
    def acknowledge_request(self, what: RequestInput) -> RequestCase:
        """Note that the acknowledgement went out (P26)."""
        with self._database.transaction() as transaction:
            request = transaction.get_one(DataSubjectRequest, what.request_id)
            requests.acknowledge(transaction, request, what.now)
            return self._case(transaction, request)

    @activity.defn
    def climb(self, what: RequestInput) -> RequestCase:
        """Fire the rungs whose time has come: of several missed ones only the highest (P21)."""
        with self._database.transaction() as transaction:
            request = held(transaction, DataSubjectRequest, what.request_id)
            if request.answered_at is None:
                fired = {rung.rung for rung in requests.fired_rungs(transaction, request.id)}
                missed = highest_missed(self._ladder(request, what.now), what.now, fired)
                for rung in missed.skipped:
                    self._note(transaction, request, rung, what.now, passed_over=True)
                for rung in missed.fire:
                    self._fire(transaction, request, rung, what.now)
            case = self._case(transaction, request)
        self._courier.tell(what.now)
        return case

    @activity.defn
    def record_decision(self, what: DecisionInput) -> RequestCase:
        """Let a proposed answer take effect (P22). A refusal is final and comes back in words."""
        with _final(), self._database.transaction() as transaction:
            request = transaction.get_one(DataSubjectRequest, what.request_id)
            request_answers.apply_decision(transaction, request, what.decision_id, what.now)
            return self._case(transaction, request)

    @activity.defn
    def record_confirmation(self, what: ConfirmationInput) -> RequestCase:
        """A second person agrees (P20). A refusal is final and comes back in words."""
        with _final(), self._database.transaction() as transaction:
            request = transaction.get_one(DataSubjectRequest, what.request_id)
            request_answers.confirm_decision(
                transaction,
                request,
                what.confirmation.decision_id,
                staff_id=what.confirmation.staff_id,
                now=what.now,
            )
            return self._case(transaction, request)

    def _fire(
        self, transaction: Session, request: DataSubjectRequest, rung: Rung, now: datetime
    ) -> None:
        if not self._note(transaction, request, rung, now, passed_over=False):
            return
        if rung.key == "unassigned" and _assignee(transaction, request):
            return
        if rung.kind is RungKind.LATE_REPLY:
            requests.record_late_reply(transaction, request, now)
        elif Role.PERSON in rung.audience:
            requests.queue_for_requester(
                transaction, request, step="progress", template="request_progress", now=now
            )
        if rung.kind in (RungKind.BREACH, RungKind.OVERDUE):
            requests.record_breach(transaction, request, now)
        overdue = rung.kind in (RungKind.BREACH, RungKind.OVERDUE)
        requests.queue_for_staff(
            transaction,
            request,
            self._staff(transaction, request, rung.audience),
            step=rung.key,
            template="request_breach" if overdue else "request_rung",
            now=now,
        )
        if rung.kind in ALARMS:
            sound(
                transaction,
                ALARMS[rung.kind],
                f"{request.id}/{rung.key}",
                now,
                page=f"/staff/requests/{request.reference}",
                reference=request.reference,
                rights=requested_rights.kinds_of(transaction, request.id),
                rung=rung.key,
                due_at=request.due_at,
            )

    def _note(
        self,
        transaction: Session,
        request: DataSubjectRequest,
        rung: Rung,
        now: datetime,
        *,
        passed_over: bool,
    ) -> bool:
        return requests.fire(
            transaction, request, rung.key, due_at=rung.at, now=now, passed_over=passed_over
        )

    def _case(self, session: Session, request: DataSubjectRequest) -> RequestCase:
        fired = {rung.rung for rung in requests.fired_rungs(session, request.id)}
        mails = states(session, Batch(subject_id=request.id))
        rights = requested_rights.rights_of(session, request.id)
        return RequestCase(
            state=State(request.state),
            due_at=request.due_at,
            answered=request.answered_at is not None,
            mails_waiting=sum(mails.get(state, 0) for state in ("queued", "sending", "unknown")),
            next_rung=next(
                (
                    rung
                    for rung in self._ladder(request, request.due_at, len(fired) + 1)
                    if rung.key not in fired
                ),
                None,
            ),
            since=_since(session, request, rights),
            ungated_open=any(
                right.kind not in GATED_KINDS and right.state == RightState.OPEN for right in rights
            ),
        )

    def _ladder(self, request: DataSubjectRequest, now: datetime, more: int = 1) -> list[Rung]:
        return ladder(
            request.id, request.received_at, request.due_at, self._company, now=now, more=more
        )

    def _staff(
        self, session: Session, request: DataSubjectRequest, audience: Sequence[Role]
    ) -> list[Staff]:
        """Who that is, is looked up when the rung fires; nobody found means the whole team."""
        found: dict[UUID, Staff] = {}
        for role in audience:
            for member in self._holders(session, request, role):
                found[member.id] = member
        return list(found.values())

    def _holders(
        self, session: Session, request: DataSubjectRequest, role: Role
    ) -> Sequence[Staff]:
        match role:
            case Role.PERSON:
                return ()
            case Role.ASSIGNEE:
                return _assignee(session, request) or in_charge(session, "privacy")
            case Role.PRIVACY_OFFICER:
                return _named_or(session, self._officers.privacy_officer, "privacy")
            case Role.DEPUTY:
                return _named_or(session, self._officers.deputy, "privacy")
            case Role.EXECUTIVE:
                return _named_or(session, self._officers.executive, "admin")
            case _:
                return in_charge(session, "privacy")


def ladder(
    request_id: UUID,
    received_at: datetime,
    due_at: datetime,
    company: Company,
    *,
    now: datetime,
    more: int = 0,
) -> list[Rung]:
    """A request's rungs, one for each day overdue at `now`, and so many `more` of these."""
    days_overdue = max((now - due_at).days, 0)
    return [
        *request_ladder(
            request_id=request_id,
            received_at=received_at,
            due_at=due_at,
            time_zone=company.time_zone,
            holidays_of=company.country,
        ),
        *(overdue_rung(due_at, number) for number in range(1, days_overdue + more + 1)),
    ]


def _since(
    session: Session, request: DataSubjectRequest, rights: Sequence[RequestedRight]
) -> datetime | None:
    match request.state:
        case State.RECEIVED:
            return request.received_at
        case State.IDENTITY:
            return request.acknowledged_at
        case State.WORK if requested_rights.any_gated(rights):
            return request.verified_at
        case State.WORK:
            known = request.acknowledged_at, request.verified_at
            return min((instant for instant in known if instant), default=None)
        case State.REVIEW:
            decisions = requested_rights.decisions_of(session, rights).values()
            return max((one.recorded_at for one in decisions if one.recorded_at), default=None)
        case _:
            return request.answered_at


def _assignee(session: Session, request: DataSubjectRequest) -> Sequence[Staff]:
    """Whoever works on it; one who left does not."""
    return present(session, request.assignee_id) if request.assignee_id else ()


def _named_or(session: Session, handle: str, role: str) -> Sequence[Staff]:
    if not handle:
        return in_charge(session, role)
    try:
        return [by_handle(session, handle)]
    except StaffRefused:
        return in_charge(session, role)


@contextmanager
def _final() -> Iterator[None]:
    try:
        yield
    except request_answers.DecisionRefused as refusal:
        raise ApplicationError(str(refusal), type="Refused", non_retryable=True) from None
