"""Requests about somebody who has died: their account is frozen, and nothing is disclosed before
two of us found that whoever asks may have it (P19)."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from sqlmodel import Session, col, select

from database.facts import record
from database.people.accounts import holder_died
from database.people.stages import begin_deceased
from database.requests.identity import (
    account_of,
    awaits_identity,
    dispute,
    is_on_file,
    verify_identity,
)
from database.tables import Account, DataSubjectRequest, Erasure, EstateAuthority
from database.writing import held, hold
from domain.people.account_holders import Status

BY_ESTATE = "authority after a death, found by two of us"
NOT_DEAD = "The account is not frozen: nobody has noted that its holder died. Nothing was changed."
NOT_NOTED = (
    "None of us noted that the holder died: if the account is frozen, the company says so, and its "
    "next word about the account ends that. Nothing was changed."
)


class EstateRefused(Exception):
    """This cannot be noted after a death; nothing changed."""


def freeze(
    transaction: Session, request: DataSubjectRequest, *, staff_id: UUID, now: datetime
) -> None:
    """Note that the holder of the account that a request is about has died: no mail goes to it, and
    what governs it stays as it is. The company's own system may open the account again with its
    next word about it; what was noted here nobody but `take_back` ends. Raises EstateRefused."""
    account = _account(transaction, request)
    if account.death_noted_at is not None:
        return
    account.death_noted_at, account.death_noted_by = now, staff_id
    if account.status != Status.DECEASED:
        begin_deceased(transaction, account, now)
    transaction.add(account)
    record(transaction, "account.frozen", account.id, now, request=request.id, staff=staff_id)


def take_back(
    transaction: Session, request: DataSubjectRequest, *, staff_id: UUID, now: datetime
) -> None:
    """A second person found that the holder lives: the account is as it was before that was noted,
    but for what the company says of it; and whoever was to have its data after the death is in
    doubt. Raises EstateRefused."""
    _doubt_heirs(transaction, request, now)
    account = _account(transaction, request)
    if account.death_noted_at is None:
        raise EstateRefused(NOT_NOTED)
    if account.death_noted_by == staff_id:
        raise EstateRefused(
            "You noted the death yourself: somebody else has to find that it was a mistake. "
            "Nothing was changed."
        )
    if account.status == Status.DECEASED and account.frozen_at == account.death_noted_at:
        account.status = Status.CLOSED if account.closed_at else Status.OPEN
        account.thawed_at = now
    account.death_noted_at = account.death_noted_by = None
    transaction.add(account)
    record(transaction, "account.thawed", account.id, now, request=request.id, staff=staff_id)


def _doubt_heirs(transaction: Session, request: DataSubjectRequest, now: datetime) -> None:
    """What two found after the death holds no more: nothing is disclosed, corrected or erased for
    it, also of what is decided, until two find out who asks. Held before their account."""
    for one in heirs_of(transaction, request):
        dispute(transaction, one, by="holder who lives", now=now)


def heirs_of(session: Session, request: DataSubjectRequest) -> Sequence[DataSubjectRequest]:
    """The requests without an answer, and without a doubt, of those who two of us found may have
    the data of the account that a request is about, after its holder's death."""
    return session.exec(
        select(DataSubjectRequest)
        .where(
            DataSubjectRequest.account_id == request.account_id,
            DataSubjectRequest.verified_by == BY_ESTATE,
            col(DataSubjectRequest.answered_at).is_(None),
            col(DataSubjectRequest.disputed_at).is_(None),
        )
        .order_by(col(DataSubjectRequest.id))
    ).all()


def is_heir_of_the_living(session: Session, request: DataSubjectRequest) -> bool:
    """Whether two of us found after a death that whoever asks may have the data, and the company's
    own system says since that the holder lives: what they found holds no more."""
    account = account_of(session, request)
    return request.verified_by == BY_ESTATE and account is not None and not holder_died(account)


def doubt_heirs_of_the_living(transaction: Session, now: datetime, *, limit: int) -> int:
    """Put those in doubt, as a person of ours would who found it, so that two find out who asks;
    how many. An import of accounts knows nothing of requests."""
    heirs = transaction.exec(
        select(DataSubjectRequest)
        .join(Account, col(Account.id) == col(DataSubjectRequest.account_id))
        .where(
            DataSubjectRequest.verified_by == BY_ESTATE,
            col(DataSubjectRequest.answered_at).is_(None),
            col(DataSubjectRequest.disputed_at).is_(None),
            Account.status != Status.DECEASED,
            col(Account.death_noted_at).is_(None),
        )
        .order_by(col(DataSubjectRequest.id))
        .limit(limit)
    ).all()
    for one in heirs:
        dispute(transaction, one, by="holder who lives", now=now)
    return len(heirs)


def open_about_them(session: Session, request: DataSubjectRequest) -> Sequence[UUID]:
    """The requests without an answer about the account that a request is about, this one too."""
    return session.exec(
        select(DataSubjectRequest.id).where(
            DataSubjectRequest.account_id == request.account_id,
            col(DataSubjectRequest.answered_at).is_(None),
        )
    ).all()


def _account(transaction: Session, request: DataSubjectRequest) -> Account:
    hold(transaction, request)
    if request.account_id is None:
        raise EstateRefused("No account is known that this request is about. Nothing was changed.")
    return held(transaction, Account, request.account_id)


def record_authority(
    transaction: Session,
    request: DataSubjectRequest,
    *,
    who: str,
    proof: str,
    staff_id: UUID,
    now: datetime,
) -> EstateAuthority:
    """Note who asks after a death, and what shows that they may. Raises EstateRefused."""
    hold(transaction, request)
    if not has_died(transaction, request):
        raise EstateRefused(NOT_DEAD)
    if request.answered_at is not None and not _has_erasure_to_come(transaction, request):
        raise EstateRefused("This request is answered already. Nothing was changed.")
    if not (who.strip() and proof.strip()):
        raise EstateRefused(
            "Write who asks, and what shows that they may: a certificate of inheritance, a will "
            "that a court opened. Nothing was changed."
        )
    authority = EstateAuthority(
        request_id=request.id,
        who=who.strip(),
        proof=proof.strip(),
        recorded_by=staff_id,
        recorded_at=now,
    )
    transaction.add(authority)
    record(transaction, "request.estate_recorded", request.id, now, staff=staff_id)
    return authority


def confirm_authority(
    transaction: Session,
    request: DataSubjectRequest,
    authority_id: UUID,
    *,
    staff_id: UUID,
    now: datetime,
) -> None:
    """A second person agrees that they may, and the answer goes to the contact address.

    Asking again changes nothing. Raises EstateRefused.
    """
    hold(transaction, request)
    last = next(iter(authorities_of(transaction, request)), None)
    if last is None or last.id != authority_id:
        raise EstateRefused("This is not the last word about who may ask. Read the one that is.")
    if last.confirmed_by is not None:
        return
    if last.recorded_by == staff_id:
        raise EstateRefused("A second person has to agree to what you found.")
    last.confirmed_by, last.confirmed_at = staff_id, now
    request.disputed_at = None
    transaction.add(last)
    transaction.add(request)
    record(transaction, "request.estate_confirmed", request.id, now, staff=staff_id)
    verify_identity(transaction, request, how=BY_ESTATE, now=now)


def authorities_of(session: Session, request: DataSubjectRequest) -> Sequence[EstateAuthority]:
    """What was found of who asks after a death, the last one first."""
    return session.exec(
        select(EstateAuthority)
        .where(EstateAuthority.request_id == request.id)
        .order_by(col(EstateAuthority.recorded_at).desc(), col(EstateAuthority.id).desc())
    ).all()


def has_died(session: Session, request: DataSubjectRequest) -> bool:
    """Whether the holder of the account that a request is about has died."""
    account = account_of(session, request)
    return account is not None and holder_died(account)


def waits_for_authority(session: Session, request: DataSubjectRequest) -> bool:
    """Whether its holder has died, and two of us have not found yet that whoever asks may."""
    last = next(iter(authorities_of(session, request)), None)
    return has_died(session, request) and (last is None or last.confirmed_by is None)


def is_for_us_to_find_out(session: Session, request: DataSubjectRequest) -> bool:
    """Whether two of us have to find out who asks, or whether they may, as no mail does: somebody
    disputes it, the holder has died, or no address is known that could be asked."""
    if request.answered_at is not None or not request.needs_identity:
        return False
    if request.disputed_at is not None or waits_for_authority(session, request):
        return True
    has_mailbox = bool(request.contact_email) or is_on_file(session, request)
    return awaits_identity(request) and not has_mailbox


def _has_erasure_to_come(session: Session, request: DataSubjectRequest) -> bool:
    """Whether something of an account that is still there is to be erased after the answer."""
    granted = select(Erasure.id).where(
        Erasure.request_id == request.id, col(Erasure.begun_at).is_not(None)
    )
    return session.exec(granted).first() is not None
