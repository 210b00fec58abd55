"""Many requests from one address: nothing is lost, nobody is flooded with mails (P26).

So many within an hour each have a life of their own. A further one is kept whole beside one of
them, shown to staff with it, and answered with it, when each of its rights is asked for by an open
one of them with an answer due no later, or was answered by the machine. What asks for anything else
is taken in by itself, always; and staff take out what ought to have been.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from sqlmodel import Session, col, func, select

from database.facts import record
from database.requests.requests import OPEN_STATES, address_named, contact_key, new_reference
from database.tables import (
    DataSubjectRequest,
    JoinedRequest,
    RequestAgent,
    RequestDecision,
    RequestedRight,
)
from database.writing import held, hold
from domain.requests.data_subject_requests import Intake, Kind, State
from domain.requests.deadlines import Deadline

WITHIN = timedelta(hours=1)
SHOWN = 100
"""Of what was joined, the newest so many."""


class NotJoined(Exception):
    """There is nothing joined that could be taken out; nothing changed."""


@dataclass(frozen=True, kw_only=True)
class Joined:
    """What was joined to a request: how many in all, and the newest of them."""

    count: int
    newest: Sequence[JoinedRequest]


@dataclass(frozen=True, kw_only=True)
class Taken:
    """What was joined, as it came; `account_id`: whose account it is about, where that is known."""

    reference: str
    channel: str
    received_at: datetime
    account_id: UUID | None
    intake: Intake


@dataclass(frozen=True, kw_only=True)
class _Asked:
    """A right that was asked for lately."""

    request: DataSubjectRequest
    right: RequestedRight
    by_agent: bool
    by_machine: bool

    @property
    def is_open(self) -> bool:
        return self.request.state in OPEN_STATES

    @property
    def about(self) -> str:
        """The address that it is about, where another one than it came from was named."""
        return contact_key(self.request.account_address or "")

    def is_about(self, address: str, account_id: UUID | None) -> bool:
        """Whether it is about this address, and about this account where one was said."""
        return self.about == address and account_id in {None, self.request.account_id}


def join_if_too_many(
    transaction: Session,
    intake: Intake,
    *,
    channel: str,
    deadline: Deadline,
    an_hour: int,
    now: datetime,
    account_id: UUID | None = None,
) -> JoinedRequest | None:
    """Keep a request beside one for the same; None when it is taken in by itself.

    `account_id`: whose account it is about, where that was said.
    """
    about = address_named(transaction, intake, account_id)
    lately = _asked_lately(transaction, contact_key(intake.contact_address), now)
    usable = _usable(lately, intake, contact_key(about or ""), account_id, an_hour=an_hour)
    covering = _covering(usable, intake.rights, deadline)
    if covering is None:
        return None
    was_open = covering.state in OPEN_STATES
    request = held(transaction, DataSubjectRequest, covering.id)
    if was_open and request.state not in OPEN_STATES:
        return None
    row = JoinedRequest(
        reference=new_reference(),
        request_id=request.id,
        name=intake.name,
        account_address=about,
        kinds=list(intake.kinds),
        message=intake.message,
        country=intake.country,
        time_zone=intake.time_zone,
        language=intake.language,
        channel=channel,
        agent_name=intake.agent_name,
        agent_email=intake.agent_address,
        received_at=deadline.received_at,
    )
    transaction.add(row)
    record(transaction, "request.joined", request.id, now, joined=row.id, channel=channel)
    return row


def agent_hears(session: Session, intake: Intake, *, an_hour: int, now: datetime) -> bool:
    """Whether who asks for somebody else gets a mail: so many an hour, however many people they
    name. The page tells them anyway."""
    if not intake.by_agent:
        return False
    lately = session.exec(
        select(func.count())
        .select_from(RequestAgent)
        .join(DataSubjectRequest, col(DataSubjectRequest.id) == col(RequestAgent.request_id))
        .where(
            RequestAgent.contact_key == contact_key(intake.agent_address),
            col(DataSubjectRequest.received_at) > now - WITHIN,
        )
    ).one()
    return lately < an_hour


def joined_to(session: Session, request: DataSubjectRequest) -> Joined:
    """What was joined to a request."""
    of_request = JoinedRequest.request_id == request.id
    return Joined(
        count=session.exec(select(func.count()).select_from(JoinedRequest).where(of_request)).one(),
        newest=session.exec(
            select(JoinedRequest)
            .where(of_request)
            .order_by(col(JoinedRequest.received_at).desc(), col(JoinedRequest.id))
            .limit(SHOWN)
        ).all(),
    )


def joined_as(session: Session, reference: str) -> JoinedRequest | None:
    """What was joined under a reference; None where that is a request of its own."""
    return session.exec(
        select(JoinedRequest).where(JoinedRequest.reference == reference.upper())
    ).first()


def take_out(
    transaction: Session, request: DataSubjectRequest, joined_id: UUID, now: datetime
) -> Taken:
    """What was joined to a request, to be a request of its own: it is joined no more. Raises
    NotJoined."""
    hold(transaction, request)
    row = transaction.get(JoinedRequest, joined_id)
    if row is None or row.request_id != request.id:
        raise NotJoined(
            f"This is not joined to {request.reference} any more: look for it by its own "
            "reference. Nothing was changed."
        )
    if request.state == State.PURGED:
        raise NotJoined("What it said was deleted in time, with its request. Nothing was changed.")
    transaction.delete(row)
    transaction.flush()
    record(transaction, "request.taken_out", request.id, now, joined=row.id)
    is_about_the_same = row.account_address == request.account_address
    return Taken(
        reference=row.reference,
        channel=row.channel,
        received_at=row.received_at,
        account_id=request.account_id if is_about_the_same else None,
        intake=Intake(
            name=row.name,
            contact_address=request.contact_email,
            account_address=row.account_address or "",
            kinds=tuple(row.kinds),
            message=row.message,
            country=row.country,
            time_zone=row.time_zone,
            language=row.language,
            agent_name=row.agent_name,
            agent_address=row.agent_email,
        ),
    )


def _usable(
    lately: Sequence[_Asked],
    intake: Intake,
    address: str,
    account_id: UUID | None,
    *,
    an_hour: int,
) -> Sequence[_Asked]:
    """Those beside which one may be kept; none before there were too many. What people ask
    themselves is not answered with what somebody else asks for them; nor what is about another
    address, unless there were too many of these too. With that exception nobody keeps a person from
    what they ask about the very address that they write from, or about an account that was said."""
    if len({one.request.id for one in lately}) < an_hour:
        return ()
    addresses = {one.about for one in lately}
    names_another = address != "" and account_id is None
    any_address = names_another and address not in addresses and len(addresses) >= an_hour
    return [
        one
        for one in lately
        if (intake.by_agent or not one.by_agent)
        and (any_address or one.is_about(address, account_id))
    ]


def _covering(
    usable: Sequence[_Asked], rights: Sequence[Kind], deadline: Deadline
) -> DataSubjectRequest | None:
    """One that answers one of these rights, an open one where there is any; None when some right is
    answered by none."""
    answers = [_answer_to(kind, usable, deadline.binding(kind).due_at) for kind in rights]
    found = [one for one in answers if one is not None]
    if not found or len(found) < len(answers):
        return None
    return next((one.request for one in found if one.is_open), found[0].request)


def _answer_to(kind: Kind, lately: Sequence[_Asked], due_at: datetime) -> _Asked | None:
    same = [one for one in lately if one.right.kind == kind]
    in_time = (one for one in same if one.is_open and one.right.due_at <= due_at)
    return next(in_time, None) or next((one for one in same if one.by_machine), None)


def _asked_lately(session: Session, key: str, now: datetime) -> Sequence[_Asked]:
    """What was asked for from an address within the hour, what is due first first."""
    if not key:
        return ()
    rows = session.exec(
        select(DataSubjectRequest, RequestedRight, RequestAgent.id, RequestDecision)
        .join(RequestedRight, col(RequestedRight.request_id) == col(DataSubjectRequest.id))
        .join(
            RequestAgent,
            col(RequestAgent.request_id) == col(DataSubjectRequest.id),
            isouter=True,
        )
        .join(
            RequestDecision,
            col(RequestDecision.id) == col(RequestedRight.decision_id),
            isouter=True,
        )
        .where(
            DataSubjectRequest.contact_key == key,
            col(DataSubjectRequest.received_at) > now - WITHIN,
        )
        .order_by(col(RequestedRight.due_at), col(DataSubjectRequest.id))
    ).all()
    return [
        _Asked(
            request=request,
            right=right,
            by_agent=agent_id is not None,
            by_machine=decision is not None and decision.decided_by is None,
        )
        for request, right, agent_id, decision in rows
    ]
