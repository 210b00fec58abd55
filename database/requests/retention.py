"""What becomes of answered requests, and of controllers' instructions: closed, then purged but for
what proves the answer (P33).

Legal holds on an account keep the requests about its holder as they are. Both steps take so many at
once; whoever calls repeats until there are none.
"""

from collections.abc import Callable, Sequence
from datetime import datetime

from sqlalchemy import ColumnElement, and_, exists, or_, update
from sqlalchemy.orm import aliased
from sqlmodel import Session, SQLModel, col, delete, func, select

from database.facts import record
from database.mail.mail_rows import of_nobody_else
from database.mail.outbox import BY_POST
from database.requests.attachments import delete_attachments
from database.requests.reached import came_back
from database.requests.requested_rights import rights_of
from database.requests.requests import OPEN_STATES
from database.requests.same_person import address_it_is_about
from database.storage import Storage
from database.tables import (
    Account,
    AddressWarning,
    ControllerInstruction,
    DataCorrection,
    DataSubjectRequest,
    DeferredErasure,
    EstateAuthority,
    IdentityCode,
    InstructedTask,
    JoinedRequest,
    LegalHold,
    Link,
    OutboxMail,
    PostedLetter,
    ProposedEnd,
    ReceiptCorrection,
    RecipientNotice,
    RequestAddition,
    RequestAgent,
    RequestDecision,
    SourceAddress,
    SourceTask,
)
from domain.requests.data_subject_requests import State

UNSENT = ("queued", "sending", "unknown", "operator", BY_POST)
AT_ONCE = 100


def close_answered(
    transaction: Session, answered_by: datetime, storage: Storage, now: datetime
) -> int:
    """Close requests answered by then of which nothing is left to do, and forget the files that
    came with them, unless a legal hold stands, and what showed that somebody may ask for another.
    Returns how many were closed."""
    requests = _some(
        transaction,
        State.ANSWERED,
        answered_by,
        *(~_is_sending(), ~_has_come_back(), ~_is_followed(), ~_is_deferred(), ~_is_held()),
    )
    for request in requests:
        request.state = State.CLOSED
        transaction.add(request)
        _forget_authority(transaction, request)
        delete_attachments(transaction, request, storage, now)
        record(transaction, "request.closed", request.id, now)
    return len(requests)


def purge_closed(
    transaction: Session, answered_by: datetime, pseudonym: Callable[[str], str], now: datetime
) -> int:
    """Take out of closed requests answered by then all that is about a person; instants, kinds and
    ends stay, under the pseudonym of the contact address. Returns how many were purged."""
    requests = _some(transaction, State.CLOSED, answered_by, ~_is_held())
    for request in requests:
        _purge(transaction, request, pseudonym, now)
        record(transaction, "request.purged", request.id, now)
    return len(requests)


def purge_instructions(
    transaction: Session, settled_by: datetime, pseudonym: Callable[[str], str], now: datetime
) -> int:
    """Take out of what controllers told us, and was carried out or refused by then, all that is
    about a person; what was told, by whom, and the counts of its report stay. Returns how many were
    purged: evidence they have until then."""
    instructions = transaction.exec(
        of_nobody_else(
            select(ControllerInstruction)
            .where(
                col(ControllerInstruction.settled_at) <= settled_by,
                ControllerInstruction.evidence != "",
                ~_instruction_is_held(),
            )
            .order_by(col(ControllerInstruction.id))
            .limit(AT_ONCE)
        )
    ).all()
    for row in instructions:
        row.address = pseudonym(row.address) if row.address else ""
        row.external_id = row.evidence = row.doubt = row.reason = ""
        row.corrections = row.account_id = row.request_id = None
        transaction.add(row)
        transaction.execute(
            update(InstructedTask)
            .where(col(InstructedTask.instruction_id) == row.id)
            .values(problem="", evidence="")
        )
        record(transaction, "instruction.purged", row.id, now)
    return len(instructions)


def _some(
    transaction: Session, state: State, answered_by: datetime, *conditions: ColumnElement[bool]
) -> Sequence[DataSubjectRequest]:
    return transaction.exec(
        of_nobody_else(
            select(DataSubjectRequest)
            .where(
                DataSubjectRequest.state == state,
                col(DataSubjectRequest.answered_at) <= answered_by,
                *conditions,
            )
            .order_by(col(DataSubjectRequest.id))
            .limit(AT_ONCE)
        )
    ).all()


def _is_sending() -> ColumnElement[bool]:
    return exists().where(
        col(OutboxMail.subject_id) == col(DataSubjectRequest.id),
        col(OutboxMail.state).in_(UNSENT),
    )


def _has_come_back() -> ColumnElement[bool]:
    return exists().where(col(OutboxMail.subject_id) == col(DataSubjectRequest.id), came_back())


def _is_followed() -> ColumnElement[bool]:
    """Whether one that takes it up again, or appeals, has still to be answered."""
    follower = aliased(DataSubjectRequest)
    return exists().where(
        col(follower.follows_id) == col(DataSubjectRequest.id),
        col(follower.state).in_(OPEN_STATES),
    )


def _is_deferred() -> ColumnElement[bool]:
    return exists().where(
        col(DeferredErasure.request_id) == col(DataSubjectRequest.id),
        col(DeferredErasure.erased_at).is_(None),
    )


def _is_held() -> ColumnElement[bool]:
    """Whether a legal hold stands on whom a request is about: by an account with the same address
    as the one on hold, too, or by the address alone where no account is known."""
    on_hold, theirs = aliased(Account), aliased(Account)
    same_account = col(on_hold.id) == col(DataSubjectRequest.account_id)
    has_address = func.lower(on_hold.email)
    by_address = and_(
        col(DataSubjectRequest.account_id).is_(None),
        has_address == func.lower(address_it_is_about()),
    )
    by_other_account = exists().where(
        col(theirs.id) == col(DataSubjectRequest.account_id),
        func.lower(theirs.email) == has_address,
    )
    return exists().where(
        col(LegalHold.account_id) == col(on_hold.id),
        col(LegalHold.keeps_our_records),
        or_(same_account, and_(col(on_hold.email) != "", or_(by_address, by_other_account))),
    )


def _instruction_is_held() -> ColumnElement[bool]:
    return exists().where(
        col(LegalHold.account_id) == col(ControllerInstruction.account_id),
        col(LegalHold.keeps_our_records),
    )


def _forget_authority(transaction: Session, request: DataSubjectRequest) -> None:
    transaction.execute(
        update(RequestAgent).where(_of(RequestAgent, request)).values(evidence=None)
    )
    transaction.execute(
        update(EstateAuthority).where(_of(EstateAuthority, request)).values(proof="")
    )


def _purge(
    transaction: Session,
    request: DataSubjectRequest,
    pseudonym: Callable[[str], str],
    now: datetime,
) -> None:
    request.state = State.PURGED
    request.name = request.postal_address = request.message = request.contact_key = ""
    request.contact_email = pseudonym(request.contact_email) if request.contact_email else ""
    request.account_address = request.account_id = request.country = request.time_zone = None
    request.warnings = []
    transaction.add(request)
    agents = transaction.exec(select(RequestAgent).where(_of(RequestAgent, request)))
    for agent in agents:
        agent.name = agent.contact_key = ""
        agent.email = pseudonym(agent.email)
        transaction.add(agent)
    nobody = {"name": "", "message": "", "agent_name": "", "agent_email": ""}
    rights = [right.id for right in rights_of(transaction, request.id)]
    mails = select(OutboxMail.id).where(OutboxMail.subject_id == request.id)
    for statement in (
        update(JoinedRequest)
        .where(_of(JoinedRequest, request))
        .values(account_address=None, country=None, time_zone=None, **nobody),
        update(RequestDecision)
        .where(col(RequestDecision.right_id).in_(rights))
        .values(explanation="", evidence=None),
        update(DataCorrection)
        .where(col(DataCorrection.right_id).in_(rights))
        .values(before="", after="", evidence="", why=""),
        update(ReceiptCorrection).where(_of(ReceiptCorrection, request)).values(proof=""),
        update(ProposedEnd).where(_of(ProposedEnd, request)).values(reason=""),
        update(EstateAuthority).where(_of(EstateAuthority, request)).values(who="", proof=""),
        update(SourceTask).where(_of(SourceTask, request)).values(problem="", evidence=""),
        update(RecipientNotice).where(_of(RecipientNotice, request)).values(how=""),
        update(PostedLetter).where(col(PostedLetter.mail_id).in_(mails)).values(proof=""),
        update(Link)
        .where(col(Link.subject_id) == request.id)
        .values(expires_at=now, account_id=None),
        delete(SourceAddress).where(_of(SourceAddress, request)),
        delete(RequestAddition).where(_of(RequestAddition, request)),
        delete(AddressWarning).where(_of(AddressWarning, request)),
        delete(IdentityCode).where(_of(IdentityCode, request)),
    ):
        transaction.execute(statement)


def _of(table: type[SQLModel], request: DataSubjectRequest) -> ColumnElement[bool]:
    of_request: ColumnElement[bool] = table.__table__.c.request_id == request.id  # type: ignore[attr-defined]
    return of_request
