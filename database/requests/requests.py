"""Data-subject requests: received, verified, assigned, late."""

import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlmodel import Session, col, select

from database.facts import record
from database.mail.outbox import AGENT, BY_POST, REQUEST, STAFF, Queued, queue
from database.mail.steps import GOT_BY_NOBODY
from database.people.accounts import accounts_asked_about
from database.people.links import REQUEST_AGENT, REQUEST_STATUS, add_link
from database.people.staff import in_charge
from database.requests.codes import ask_for_identity
from database.requests.identity import (
    account_of,
    awaits_identity,
    keep_source_address,
    to_contact,
    verify_identity,
)
from database.requests.requested_rights import add_rights
from database.tables import (
    Account,
    DataSubjectRequest,
    JoinedRequest,
    OutboxMail,
    RequestAgent,
    Staff,
)
from database.webhooks.events import EventKind, tell_of_request
from database.writing import hold
from domain.people.languages import nearest_language
from domain.requests.data_subject_requests import GATED_KINDS, Intake, State
from domain.requests.deadlines import Deadline
from domain.requests.identity import DISPUTED

REFERENCE_ALPHABET = "ABCDEFGHJKLMNPQRSTUVWXYZ23456789"
ACKNOWLEDGEMENT = "acknowledgement"
ANSWER = "answer"
"""The step of the first mails to whoever asks."""
OPEN_STATES = (State.RECEIVED, State.ACKNOWLEDGED, State.IDENTITY, State.WORK, State.REVIEW)


class RequestUnknown(Exception):
    """There is no such request."""


@dataclass(frozen=True, kw_only=True)
class Received:
    """When, how and under which policy version and clock a request came in.

    `deadline` is that of all rights asked for (`earliest`). `languages` are those that we speak.
    `account_id`: whose account it is about, where that was said; else the address tells.
    `reference`: the one that they were told already. `verified_by`: what proved at receipt who asks
    (P25). `entered_by`: the member of staff who took it in. `agent_is_told`: whether who asks for
    somebody else gets a mail. `is_acknowledged`: whether there is somebody to be told that it came:
    not of what we do of our own accord. `follows_id`: the request that it takes up again;
    `is_appeal`: as its person does not agree with the answer; `disputed_at`: since when that one is
    disputed, and nobody has found out who asks.
    """

    channel: str
    deadline: Deadline
    policy_version_id: UUID | None
    languages: Sequence[str]
    account_id: UUID | None = None
    reference: str = ""
    verified_by: str | None = None
    entered_by: UUID | None = None
    agent_is_told: bool = True
    is_acknowledged: bool = True
    follows_id: UUID | None = None
    is_appeal: bool = False
    disputed_at: datetime | None = None


def receive(
    transaction: Session, intake: Intake, received: Received, now: datetime
) -> DataSubjectRequest:
    """Take in a request and queue its first mails in the same transaction (P26).

    The acknowledgement goes to the address typed in, in the same words and the same language
    whether we know it or not; link and code go only to an address on file, and the same is written
    where there is none (P19). Who asks for somebody else hears that it came, and how it stands, and
    nothing more.
    """
    request = _taken_in(transaction, intake, received)
    if received.follows_id is not None:
        keep_source_address(transaction, request, received.follows_id)
    acknowledgement = _acknowledgement(transaction, request, now)
    mails = [acknowledgement] if received.is_acknowledged else []
    if intake.by_agent:
        agent = _agent(transaction, request, intake)
        if received.agent_is_told:
            mails.append(_to_agent(transaction, request, agent, now))
    queue(transaction, mails, now)
    proved = bool(received.verified_by) and verify_identity(
        transaction, request, how=received.verified_by or "", now=now
    )
    if request.needs_identity and not proved:  # sent last: what becomes of it delays no other
        queue(transaction, _asking_who_it_is(transaction, request, received.languages, now), now)
    if request.disputed_at is not None:
        tell_of_dispute(transaction, request, now)
    tell_of_request(transaction, EventKind.REQUEST_RECEIVED, request.id, now)
    record(
        transaction,
        "request.received",
        request.id,
        now,
        rights=intake.rights,
        channel=request.channel,
        received_at=request.received_at,
        due_at=request.due_at,
        rule=request.rule,
        entered_by=received.entered_by,
    )
    if request.due_at <= now:  # a letter found long after it came
        record_breach(transaction, request, now)
    return request


def request_by_reference(session: Session, reference: str) -> DataSubjectRequest:
    """The request; of one that was joined to another, that one. Raises RequestUnknown."""
    asked = reference.upper()
    request = (
        session.exec(
            select(DataSubjectRequest).where(DataSubjectRequest.reference == asked)
        ).first()
        or session.exec(
            select(DataSubjectRequest)
            .join(JoinedRequest, col(JoinedRequest.request_id) == col(DataSubjectRequest.id))
            .where(JoinedRequest.reference == asked)
        ).first()
    )
    if request is None:
        raise RequestUnknown(f"There is no request {reference}.")
    return request


def follower_of(
    session: Session, request: DataSubjectRequest, *, is_appeal: bool = False
) -> DataSubjectRequest | None:
    """The request that takes this one up again, or the appeal against its answer."""
    return session.exec(
        select(DataSubjectRequest).where(
            DataSubjectRequest.follows_id == request.id,
            DataSubjectRequest.is_appeal == is_appeal,
        )
    ).first()


def waiting_for(session: Session, request: DataSubjectRequest) -> Sequence[DataSubjectRequest]:
    """The requests whose people were told that the answer to this one is theirs too."""
    return session.exec(
        select(DataSubjectRequest)
        .where(DataSubjectRequest.duplicate_of_id == request.id)
        .order_by(col(DataSubjectRequest.id))
    ).all()


def open_requests(session: Session) -> Sequence[DataSubjectRequest]:
    """Requests that still need an answer, the most urgent first."""
    return session.exec(
        select(DataSubjectRequest)
        .where(col(DataSubjectRequest.state).in_(OPEN_STATES))
        .order_by(col(DataSubjectRequest.due_at))
    ).all()


def all_requests(session: Session) -> Sequence[DataSubjectRequest]:
    """Every request, the most urgent first."""
    return session.exec(select(DataSubjectRequest).order_by(col(DataSubjectRequest.due_at))).all()


def mails_of(session: Session, request_id: UUID) -> Sequence[OutboxMail]:
    """Every mail of a request, the first one first."""
    return session.exec(
        select(OutboxMail)
        .where(OutboxMail.subject_id == request_id)
        .order_by(col(OutboxMail.queued_at))
    ).all()


def acknowledge(transaction: Session, request: DataSubjectRequest, now: datetime) -> None:
    """Note that the acknowledgement went out; on paper it has not before it was posted, nor where
    it came back."""
    hold(transaction, request)
    if request.acknowledged_at is not None or _acknowledgement_is_owed(transaction, request):
        return
    request.acknowledged_at = now
    if request.state == State.RECEIVED:
        request.state = State.IDENTITY if awaits_identity(request) else State.WORK
    transaction.add(request)
    record(transaction, "request.acknowledged", request.id, now)


def assign(
    transaction: Session,
    request: DataSubjectRequest,
    staff_id: UUID,
    now: datetime,
    *,
    by: UUID | None = None,
) -> None:
    """Give a request to a member of staff; `by`: who did, where they did not take it themselves."""
    hold(transaction, request)
    if request.assignee_id == staff_id:
        return
    request.assignee_id = staff_id
    transaction.add(request)
    record(
        transaction, "request.assigned", request.id, now, assignee=staff_id, staff=by or staff_id
    )


def queue_for_staff(
    transaction: Session,
    request: DataSubjectRequest,
    staff: Sequence[Staff],
    *,
    step: str,
    template: str,
    now: datetime,
) -> None:
    """Tell members of staff that a rung was reached."""
    queue(
        transaction,
        [
            Queued(
                subject_kind=REQUEST,
                subject_id=request.id,
                addressee_kind=STAFF,
                addressee_id=member.id,
                step=step,
                template=template,
                variant=request.id,
            )
            for member in staff
        ],
        now,
    )


def tell_of_dispute(transaction: Session, request: DataSubjectRequest, now: datetime) -> None:
    """Tell the team that somebody says a request is not theirs, so that two find out (P19)."""
    team = in_charge(transaction, "privacy")
    queue_for_staff(transaction, request, team, step=DISPUTED, template="request_rung", now=now)


def queue_for_requester(
    transaction: Session, request: DataSubjectRequest, *, step: str, template: str, now: datetime
) -> None:
    """Queue a mail to the address the person typed in, with the link to their status page."""
    queue(transaction, [to_contact(transaction, request, step, template)], now)


def record_late_reply(transaction: Session, request: DataSubjectRequest, now: datetime) -> None:
    """The reply of P21 is on its way: it is not an answer, and the case stays open."""
    hold(transaction, request)
    if request.late_reply_at is not None:
        return
    request.late_reply_at = now
    transaction.add(request)
    queue_for_requester(
        transaction, request, step="late_reply", template="request_late_reply", now=now
    )
    record(transaction, "request.late_reply", request.id, now)


def record_breach(
    transaction: Session,
    request: DataSubjectRequest,
    now: datetime,
    *,
    answered_at: datetime | None = None,
) -> None:
    """Nobody answered in time: the policy's promise and the law's limit are noted apart (P21).

    `answered_at`: when the answer was given that is looked at; there is none yet without it.
    """
    hold(transaction, request)
    until = answered_at or now
    limits = (
        (str(candidate["rule"]), datetime.fromisoformat(str(candidate["due_at"])))
        for candidate in request.candidates
    )
    for rule, due_at in sorted(limits, key=lambda limit: limit[1]):
        if due_at > until:
            continue
        if rule.startswith("policy.") and request.policy_breach_at is None:
            request.policy_breach_at = now
            record(transaction, "request.policy_breach", request.id, now, rule=rule, due_at=due_at)
        if rule.startswith("statute.") and request.statutory_breach_at is None:
            request.statutory_breach_at = now
            record(
                transaction, "request.statutory_breach", request.id, now, rule=rule, due_at=due_at
            )
    transaction.add(request)


def new_reference() -> str:
    """A reference that nobody can guess, and anybody can read out over the telephone."""
    return "R-" + "".join(secrets.choice(REFERENCE_ALPHABET) for _ in range(8))


def contact_key(address: str) -> str:
    """By which the requests from one typed address are found; empty for no address."""
    return address.strip().lower()


def address_named(session: Session, intake: Intake, account_id: UUID | None) -> str | None:
    """The address on file that a request is about: the one typed, or that of the account which was
    said; None when it is the contact address, or there is none."""
    account = session.get_one(Account, account_id) if account_id else None
    named = (account.email if account else "") or intake.account_address
    same = contact_key(named) == contact_key(intake.contact_address)
    return None if same or not named else named


def stored_candidates(deadline: Deadline) -> list[dict[str, object]]:
    """Every clock of a request, and for which of its rights it runs."""
    return [
        {**candidate.to_json_dict(), "rights": list(candidate.rights)}
        for candidate in deadline.candidates
    ]


def _taken_in(transaction: Session, intake: Intake, received: Received) -> DataSubjectRequest:
    account_address = address_named(transaction, intake, received.account_id)
    about = account_address or intake.contact_address
    account_id = received.account_id or _account_at(transaction, about)
    deadline = received.deadline
    request = DataSubjectRequest(
        reference=received.reference or new_reference(),
        channel=received.channel,
        name=intake.name,
        contact_email=intake.contact_address,
        contact_key=contact_key(intake.contact_address),
        account_address=account_address,
        postal_address=intake.postal_address,
        message=intake.message,
        country=intake.country,
        time_zone=intake.time_zone,
        language=intake.language,
        needs_identity=not GATED_KINDS.isdisjoint(intake.rights),
        policy_version_id=received.policy_version_id,
        follows_id=received.follows_id,
        is_appeal=received.is_appeal,
        disputed_at=received.disputed_at,
        account_id=account_id,
        received_at=deadline.received_at,
        due_at=deadline.due_at,
        rule=deadline.rule,
        regime=deadline.regime,
        candidates=stored_candidates(deadline),
        warnings=list(deadline.warnings),
    )
    transaction.add(request)
    transaction.flush()
    add_rights(transaction, request.id, intake.rights, deadline)
    return request


def _account_at(session: Session, address: str) -> UUID | None:
    accounts = accounts_asked_about(session, address) if address else ()
    return accounts[0].id if accounts else None


def _asking_who_it_is(
    transaction: Session, request: DataSubjectRequest, languages: Sequence[str], now: datetime
) -> list[Queued]:
    """What goes to the address on file; the same is written where nobody has one. Nothing for
    whoever has neither that nor a mailbox."""
    account = account_of(transaction, request)
    if not request.contact_email and not (account and account.email):
        return []
    language = nearest_language(account.locale if account else request.language, languages)
    return [ask_for_identity(transaction, request, language=language, now=now)]


def _acknowledgement_is_owed(session: Session, request: DataSubjectRequest) -> bool:
    return (
        session.exec(
            select(OutboxMail.id).where(
                OutboxMail.subject_id == request.id,
                OutboxMail.step == ACKNOWLEDGEMENT,
                col(OutboxMail.state).in_((BY_POST, *GOT_BY_NOBODY)),
            )
        ).first()
        is not None
    )


def _agent(transaction: Session, request: DataSubjectRequest, intake: Intake) -> RequestAgent:
    agent = RequestAgent(
        request_id=request.id,
        name=intake.agent_name,
        email=intake.agent_address,
        contact_key=contact_key(intake.agent_address),
    )
    transaction.add(agent)
    return agent


def _to_agent(
    transaction: Session, request: DataSubjectRequest, agent: RequestAgent, now: datetime
) -> Queued:
    link = add_link(transaction, purpose=REQUEST_AGENT, subject_id=request.id, now=now)
    transaction.flush()
    return Queued(
        subject_kind=REQUEST,
        subject_id=request.id,
        addressee_kind=AGENT,
        addressee_id=agent.id,
        step=ACKNOWLEDGEMENT,
        template="request_agent_acknowledgement",
        variant=request.id,
        language=request.language,
        link_id=link.id,
    )


def _acknowledgement(transaction: Session, request: DataSubjectRequest, now: datetime) -> Queued:
    add_link(transaction, purpose=REQUEST_STATUS, subject_id=request.id, now=now, account_id=None)
    transaction.flush()
    return to_contact(transaction, request, ACKNOWLEDGEMENT, "request_acknowledgement")
