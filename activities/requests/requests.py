"""The steps of a data-subject request; each can be repeated without harm."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlmodel import Session
from temporalio import activity
from temporalio.exceptions import ApplicationError

from activities.mail.courier import Courier
from activities.requests.identity import fire_rungs, next_rung
from activities.requests.turns import whose_turn, works_on_it
from database.engine import Database
from database.mail.mail_rows import Batch
from database.mail.outbox import states
from database.requests import (
    answering,
    erasures,
    estates,
    requested_rights,
    requests,
    rungs,
    sendable,
    source_tasks,
)
from database.requests.appeals import may_decide
from database.requests.identity import hears_of_progress
from database.tables import DataSubjectRequest, RequestedRight, Staff
from database.webhooks.alarms import AlarmKind, sound
from database.writing import held
from domain.company import Company, Officers
from domain.places import local_date
from domain.requests.data_subject_requests import GATED_KINDS, RightState, State
from domain.requests.erasures import Life, Stage
from domain.requests.identity import DRAFT, IdentityNumbers
from domain.requests.ladder import UNASSIGNED, highest_missed, may_page, roles_told, step_of
from domain.requests.source_tasks import Asked
from domain.rungs import Role, Rung, RungKind

ALARMS: Mapping[RungKind, AlarmKind] = {
    RungKind.ESCALATION: AlarmKind.REQUEST_ESCALATED,
    RungKind.BREACH: AlarmKind.REQUEST_BREACHED,
    RungKind.OVERDUE: AlarmKind.REQUEST_OVERDUE,
}
"""Of the rungs for staff, those that are more than a reminder to whoever works on it. The house is
paged by what is due soon alone; before that mails will do."""


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
class Told:
    """The step of the ladder that staff were told last: which roles, when, and whether somebody
    said that they act."""

    roles: tuple[Role, ...]
    at: datetime
    acknowledged_at: datetime | None = None


@dataclass(frozen=True, kw_only=True)
class RequestCase:
    """What the request's workflow knows: states and instants, nothing about the person.

    `since`: when its state began. `ungated_open`: whether it asks for a right that needs no proof
    of identity, and that privacy has not decided (P19). `for_us_to_find_out`: whether two of
    privacy have to find out who asks, as no mail does. `answer_drafted`: whether the answer waits
    for them that nobody showed who they are. `asked`: how far it is with the data sources, None
    when nothing is to come of them. `erasing`: where its erasure stands, once every right is
    decided, and when it begins, if nobody stops it. `acknowledgement_waits`: whether the first
    mails to who asks have still to go out; None in histories from before that was told.
    `deciders_left`: of an appeal, how many of privacy had no part in what it is against; else None.
    """

    state: State
    due_at: datetime
    answered: bool
    mails_waiting: int
    next_rung: Rung | None
    since: datetime | None = None
    ungated_open: bool = False
    for_us_to_find_out: bool = False
    answer_drafted: bool = False
    told: Told | None = None
    asked: Asked | None = None
    erasing: Stage | None = None
    erasure_begins_at: datetime | None = None
    acknowledgement_waits: bool | None = None
    deciders_left: int | None = None


class RequestActivities:
    """Acknowledges, reminds, escalates, answers; built once, in worker.py."""

    def __init__(
        self,
        *,
        database: Database,
        company: Company,
        officers: Officers,
        courier: Courier,
        identity: IdentityNumbers,
        sources: source_tasks.Sources,
    ) -> None:
        self._database = database
        self._sources = sources
        self._identity = identity
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
                ladder, fired = rungs.rungs_of(
                    transaction, request, self._company.office, now=what.now
                )
                missed = highest_missed(ladder, what.now, fired)
                for rung in missed.skipped:
                    rungs.fire(transaction, request, rung, now=what.now, passed_over=True)
                for rung in missed.fire:
                    self._fire(transaction, request, rung, what.now)
                fire_rungs(transaction, request, self._identity, self._staff, what.now)
            case = self._case(transaction, request)
        self._courier.tell(what.now)
        return case

    @activity.defn
    def record_decision(self, what: DecisionInput) -> RequestCase:
        """Let a proposed answer take effect (P22). A refusal is final and comes back in words."""
        with _final(), self._database.transaction() as transaction:
            request = transaction.get_one(DataSubjectRequest, what.request_id)
            answering.apply_decision(transaction, request, what.decision_id, what.now)
            return self._case(transaction, request)

    @activity.defn
    def record_confirmation(self, what: ConfirmationInput) -> RequestCase:
        """A second person agrees (P20). A refusal is final and comes back in words."""
        with _final(), self._database.transaction() as transaction:
            request = transaction.get_one(DataSubjectRequest, what.request_id)
            answering.confirm_decision(
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
        staff = self._to_be_told(transaction, request, rung, now)
        moot = not staff and (rung.key == UNASSIGNED or rung.key != step_of(rung.key))
        if not rungs.fire(transaction, request, rung, now=now, passed_over=moot) or moot:
            return
        if rung.kind is RungKind.LATE_REPLY:
            requests.record_late_reply(transaction, request, now)
        elif Role.PERSON in rung.audience and hears_of_progress(request):
            requests.queue_for_requester(
                transaction, request, step="progress", template="request_progress", now=now
            )
        overdue = rung.kind in (RungKind.BREACH, RungKind.OVERDUE)
        if overdue:
            requests.record_breach(transaction, request, now)
        step = rungs.mail_step(transaction, request, rung.key)
        requests.queue_for_staff(
            transaction,
            request,
            staff,
            step=step,
            template="request_breach" if overdue else "request_rung",
            now=now,
        )
        if rung.kind in ALARMS and may_page(rung, self._company.ladder):
            sound(
                transaction,
                ALARMS[rung.kind],
                f"{request.id}/{step}",
                now,
                page=f"/staff/requests/{request.reference}",
                reference=request.reference,
                rights=requested_rights.kinds_of(transaction, request.id),
                rung=rung.key,
                due_at=request.due_at,
            )

    def _to_be_told(
        self, session: Session, request: DataSubjectRequest, rung: Rung, now: datetime
    ) -> list[Staff]:
        """Of staff; a step goes on to those alone who were not told of it before."""
        step = step_of(rung.key)
        if step == UNASSIGNED and works_on_it(session, request):
            return []
        staff = self._staff(session, request, rung.audience, now)
        if step == rung.key:
            return staff
        known = rungs.told_of(session, request, step)
        return [member for member in staff if member.id not in known]

    def _staff(
        self, session: Session, request: DataSubjectRequest, audience: Sequence[Role], now: datetime
    ) -> list[Staff]:
        on = local_date(now, self._company.zone)
        return whose_turn(session, request, audience, self._officers, on)

    def _case(self, session: Session, request: DataSubjectRequest) -> RequestCase:
        ladder, fired = rungs.rungs_of(
            session, request, self._company.office, now=request.due_at, more=1
        )
        rights = requested_rights.rights_of(session, request.id)
        erasing = _erasing(session, request, rights)
        return RequestCase(
            state=State(request.state),
            due_at=request.due_at,
            answered=request.answered_at is not None,
            mails_waiting=_waiting(session, Batch(subject_id=request.id)),
            next_rung=self._next_rung(request, ladder, fired),
            since=_since(session, request, rights),
            ungated_open=any(
                right.kind not in GATED_KINDS and right.state == RightState.OPEN for right in rights
            ),
            answer_drafted=DRAFT in fired,
            for_us_to_find_out=estates.is_for_us_to_find_out(session, request),
            told=self._told(session, request, ladder),
            asked=erasures.standing(session, request, self._sources),
            deciders_left=len(may_decide(session, request)) if request.is_appeal else None,
            erasing=erasing.stage if erasing else None,
            erasure_begins_at=erasing.may_begin_at if erasing else None,
            acknowledgement_waits=request.acknowledged_at is None
            and _waiting(session, Batch(subject_id=request.id, step=requests.ACKNOWLEDGEMENT)) > 0,
        )

    def _next_rung(
        self, request: DataSubjectRequest, ladder: Sequence[Rung], fired: Collection[str]
    ) -> Rung | None:
        of_ladder = next((rung for rung in ladder if rung.key not in fired), None)
        of_identity = next_rung(request, fired, self._identity)
        found = [rung for rung in (of_ladder, of_identity) if rung is not None]
        return min(found, key=lambda rung: rung.at, default=None)

    def _told(
        self, session: Session, request: DataSubjectRequest, ladder: Sequence[Rung]
    ) -> Told | None:
        last = rungs.last_step(session, request)
        if last is None or request.answered_at is not None:
            return None
        return Told(
            roles=roles_told(ladder, last.rung),
            at=last.fired_at,
            acknowledged_at=last.acknowledged_at,
        )


def _waiting(session: Session, batch: Batch) -> int:
    """How many of these mails have still to go out."""
    mails = states(session, batch)
    return sum(mails.get(state, 0) for state in ("queued", "sending", "unknown"))


def _erasing(
    session: Session, request: DataSubjectRequest, rights: Sequence[RequestedRight]
) -> Life | None:
    """How far its erasure is, once nothing else is waited for."""
    erasure = erasures.of_request(session, request.id)
    if any(right.state != RightState.DECIDED for right in rights):
        return None
    return erasures.life_of(session, erasure) if erasure else None


def _since(
    session: Session, request: DataSubjectRequest, rights: Sequence[RequestedRight]
) -> datetime | None:
    match request.state:
        case State.RECEIVED:
            return request.received_at
        case State.IDENTITY:
            return request.acknowledged_at
        case State.WORK if request.needs_identity:
            return request.verified_at or request.contact_confirmed_at
        case State.WORK:
            known = request.acknowledged_at, request.verified_at
            return min((instant for instant in known if instant), default=None)
        case State.REVIEW:
            decisions = requested_rights.decisions_of(session, rights).values()
            return max((one.recorded_at for one in decisions if one.recorded_at), default=None)
        case _:
            return request.answered_at


@contextmanager
def _final() -> Iterator[None]:
    try:
        yield
    except sendable.DecisionRefused as refusal:
        raise ApplicationError(str(refusal), type="Refused", non_retryable=True) from None
