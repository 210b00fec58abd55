"""Our own database is erased last: it knows who is erased elsewhere, and where they are written to
(P13). Whoever calls holds the request."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy import exists, or_
from sqlmodel import Session, col, select

from database.mail.mail_rows import Batch
from database.mail.outbox import states
from database.requests import source_tasks
from database.requests.erase_tasks import is_open, last_erase_tasks, receipts_of
from database.requests.erasure_gate import why_not_there
from database.requests.identity import account_of
from database.requests.packages import waits_to_be_fetched
from database.requests.same_person import is_about, person_asked_about
from database.requests.standing_holds import sources_kept_on_hold
from database.tables import DataSubjectRequest, Erasure, RequestedRight, SourceTask
from domain.people.account_holders import Status
from domain.requests.data_subject_requests import State
from domain.requests.legal_holds import keeps
from domain.requests.personal_data import OWN_SOURCE, Verb
from domain.requests.source_tasks import TaskState

NOT_OUT = frozenset({"queued", "sending", "unknown", "operator"})
"""States of mails that may still have to go to an address."""


def our_own_is_next(session: Session, request: DataSubjectRequest, erasure: Erasure) -> bool:
    """Whether nothing is left to be erased but what our own database has."""
    return (
        request.answered_at is not None
        and bool(erasure.kept_by_us)
        and not erasure.held_back
        and OWN_SOURCE not in receipts_of(session, erasure)
        and not any(is_open(task) for task in last_erase_tasks(session, erasure))
    )


def our_own_is_due(session: Session, request: DataSubjectRequest, erasure: Erasure) -> bool:
    """Whether it is to be erased now: the answer is out, and with it all that has to reach the
    address which we know from there."""
    return (
        our_own_is_next(session, request, erasure)
        and not _mails_wait(session, request)
        and not is_needed(session, request, erasure)
        and why_not_there(session, request, OWN_SOURCE) is None
    )


def waits_for_other_answers(
    session: Session, request: DataSubjectRequest, erasure: Erasure
) -> bool:
    """Whether our own database is the last that is left, and erased only once another request is
    answered, as it knows where that answer goes."""
    return our_own_is_next(session, request, erasure) and _others_wait(session, request, erasure)


def waits_for_a_copy(session: Session, request: DataSubjectRequest, erasure: Erasure) -> bool:
    """The same, until its person has fetched a copy, or that is deleted: the code to fetch it with
    goes to the address that our own database knows."""
    return our_own_is_next(session, request, erasure) and _copy_waits(session, request)


def due_in_our_own(session: Session) -> Sequence[UUID]:
    """The requests whose erasure nothing but our own database is left of, which is due."""
    rows = session.exec(
        select(Erasure, DataSubjectRequest)
        .join(DataSubjectRequest, col(DataSubjectRequest.id) == col(Erasure.request_id))
        .where(
            col(Erasure.ended_at).is_not(None),
            col(DataSubjectRequest.answered_at).is_not(None),
            ~exists().where(
                col(SourceTask.right_id) == col(Erasure.right_id),
                col(SourceTask.source) == OWN_SOURCE,
                col(SourceTask.verb) == Verb.ERASE,
                col(SourceTask.state) != TaskState.DROPPED,
            ),
        )
    ).all()
    return [request.id for erasure, request in rows if our_own_is_due(session, request, erasure)]


def erase_our_own(
    transaction: Session, request: DataSubjectRequest, erasure: Erasure, now: datetime
) -> None:
    """Have our own database erased, unless a hold came; the account is closed first, so that
    nothing is written to it."""
    person = person_asked_about(transaction, request, Verb.ERASE)
    if keeps(OWN_SOURCE, sources_kept_on_hold(transaction, person)):
        erasure.held_back = [*erasure.held_back, OWN_SOURCE]
        transaction.add(erasure)
        return
    account = account_of(transaction, request)
    if account is not None and account.status != Status.CLOSED:
        account.status, account.closed_at = Status.CLOSED, now
        transaction.add(account)
    right = transaction.get_one(RequestedRight, erasure.right_id)
    source_tasks.add_task(transaction, right, OWN_SOURCE, Verb.ERASE, now)


def _others_wait(session: Session, request: DataSubjectRequest, erasure: Erasure) -> bool:
    """Whether another request of whoever is erased has still to be answered.

    One that nobody has shown to be the account holder's counts only if it came before the erasure
    began: anybody can make one, and would put the erasure off for ever.
    """
    others = session.exec(
        select(DataSubjectRequest).where(
            is_about(session, person_asked_about(session, request, Verb.ERASE)),
            DataSubjectRequest.id != request.id,
            or_(
                col(DataSubjectRequest.verified_at).is_not(None),
                col(DataSubjectRequest.received_at) < erasure.begun_at,
            ),
            col(DataSubjectRequest.state).not_in([State.CLOSED, State.PURGED]),
        )
    ).all()
    return any(one.answered_at is None or _mails_wait(session, one) for one in others)


def _copy_waits(session: Session, request: DataSubjectRequest) -> bool:
    person = person_asked_about(session, request, Verb.ERASE)
    return waits_to_be_fetched(session, is_about(session, person))


def is_needed(session: Session, request: DataSubjectRequest, erasure: Erasure) -> bool:
    """Whether something that is still to reach its person needs what our own database knows."""
    return _others_wait(session, request, erasure) or _copy_waits(session, request)


def _mails_wait(session: Session, request: DataSubjectRequest) -> bool:
    return bool(states(session, Batch(subject_id=request.id)).keys() & NOT_OUT)
