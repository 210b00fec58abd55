"""Requests that end without being judged: withdrawn, spam, a duplicate of another (P19-P22)."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import exists, or_
from sqlmodel import Session, col, select

from database.facts import record
from database.people.links import REQUEST_STATUS, REQUEST_VERIFY
from database.requests.answering import set_aside
from database.requests.appeals import why_not_them
from database.requests.erasures import of_request
from database.requests.identity import answer_goes_on_file, is_verified
from database.requests.receipts import be_due_no_later
from database.requests.requested_rights import decided_before, kinds_of, rights_of
from database.requests.requests import (
    OPEN_STATES,
    contact_key,
    follower_of,
    request_by_reference,
    waiting_for,
)
from database.tables import DataSubjectRequest, ProposedEnd, RequestedRight
from database.writing import hold
from domain.requests.data_subject_requests import GATED_KINDS, Kind, Outcome, RightState, State
from domain.requests.decisions import DONE, SET_ASIDE
from domain.requests.ends import TAKES_TWO, Twin, duplicate_refusal

MAILS: Mapping[Outcome, str] = {
    Outcome.WITHDRAWN: "request_withdrawn",
    Outcome.DUPLICATE: "request_duplicate",
    Outcome.SPAM: "request_answer",
}
"""What whoever asked is written when it ends so."""
SHOWN = 100
"""So many open requests that look alike are compared."""
ANSWERED = "This request is answered already. Nothing was changed."
NO_WAY_BACK = (
    "This request cannot be withdrawn any more: what it asks to erase is being erased. Nothing was "
    "changed."
)
ANSWERS_ANOTHER = (
    "Another request waits for the answer to this one, so this one has to be answered. Nothing was "
    "changed."
)
NOT_FROM_HERE = (
    "Please use the link in the mail to the address in your account. Nothing was changed."
)


class EndRefused(Exception):
    """A request cannot end like this; nothing changed."""


def may_withdraw(session: Session, request: DataSubjectRequest, purpose: str) -> bool:
    """Whether the page behind a link of this purpose offers to withdraw the request: until the
    point of no return, to whoever would get the answer. An address that was typed wrong is
    somebody else's, who takes back nothing of a person who has shown who they are."""
    if request.answered_at is not None or _is_being_erased(session, request):
        return False
    if _answers_another(session, request):
        return False
    if answer_goes_on_file(session, request):
        return purpose == REQUEST_VERIFY
    return purpose == REQUEST_STATUS or (purpose == REQUEST_VERIFY and is_verified(request))


def withdraw(
    transaction: Session, request: DataSubjectRequest, purpose: str, now: datetime
) -> None:
    """The person takes back what is not answered yet, from the page behind a link of this purpose.

    Done twice it is done once. Raises EndRefused.
    """
    hold(transaction, request)
    if request.outcome == Outcome.WITHDRAWN:
        return
    _require_way_back(transaction, request)
    if not may_withdraw(transaction, request, purpose):
        raise EndRefused(NOT_FROM_HERE)
    _end(transaction, request, Outcome.WITHDRAWN, now)


def end(
    transaction: Session,
    request: DataSubjectRequest,
    outcome: Outcome,
    *,
    reason: str,
    of: str = "",
    staff_id: UUID,
    now: datetime,
) -> ProposedEnd | None:
    """Staff end a request that is not to be judged, or put that before a second person.

    `reason` stays with us; `of` is the reference of the request that it is a duplicate of. Returns
    what waits for the second person; None when it is ended. Raises EndRefused, RequestUnknown.
    """
    if outcome not in MAILS:
        raise EndRefused(f"A request ends as one of {', '.join(MAILS)}, or right by right.")
    if not reason.strip():
        raise EndRefused("Write why it ends like this: it stays with us. Nothing was changed.")
    other = _other(transaction, of) if outcome is Outcome.DUPLICATE else request
    for one in sorted((request, other), key=lambda each: each.id):
        hold(transaction, one)  # in one order, whichever of the two is ended
    _require_fresh_eyes(transaction, request, staff_id)
    _require_way_back(transaction, request)
    if outcome is Outcome.DUPLICATE:
        _follow(transaction, request, other, now)
    proposed = ProposedEnd(
        request_id=request.id,
        outcome=outcome,
        reason=reason.strip(),
        proposed_by=staff_id,
        proposed_at=now,
    )
    transaction.add(proposed)
    record(transaction, "request.end_proposed", request.id, now, outcome=outcome, staff=staff_id)
    if outcome in TAKES_TWO:
        return proposed
    _end(transaction, request, outcome, now, proposed)
    return None


def confirm_end(
    transaction: Session,
    request: DataSubjectRequest,
    proposed_id: UUID,
    *,
    staff_id: UUID,
    now: datetime,
) -> None:
    """A second person agrees that a request ends without being judged. Raises EndRefused.

    Asking again changes nothing.
    """
    hold(transaction, request)
    proposed = proposed_end(transaction, request.id)
    if proposed is None or proposed.id != proposed_id:
        raise EndRefused("This is not the end that waits. Read the one that does.")
    if proposed.confirmed_by is not None:
        return
    _require_way_back(transaction, request)
    _require_fresh_eyes(transaction, request, staff_id)
    if proposed.proposed_by == staff_id:
        raise EndRefused("You put this forward, and a second person has to agree.")
    proposed.confirmed_by = staff_id
    transaction.add(proposed)
    _end(transaction, request, Outcome(proposed.outcome), now, proposed)


def proposed_end(session: Session, request_id: UUID) -> ProposedEnd | None:
    """The last end that staff put forward for a request."""
    return session.exec(
        select(ProposedEnd)
        .where(ProposedEnd.request_id == request_id)
        .order_by(col(ProposedEnd.proposed_at).desc(), col(ProposedEnd.id).desc())
    ).first()


def may_be_taken_up_again(
    session: Session, request: DataSubjectRequest, purpose: str
) -> Sequence[Kind]:
    """The rights that the page behind a link of this purpose offers to ask for anew: what was
    withdrawn, and for whoever reads mail at the address on file, what was not proved (P19)."""
    if request.state != State.ANSWERED:
        return ()
    ends = {Outcome.WITHDRAWN} | ({Outcome.UNVERIFIED} if purpose == REQUEST_VERIFY else set())
    return [Kind(one.kind) for one in rights_of(session, request.id) if one.outcome in ends]


def may_be_appealed(session: Session, request: DataSubjectRequest, purpose: str) -> Sequence[Kind]:
    """The rights that whoever got the answer may have decided by somebody else: once, until the
    request is closed, and where a person judged."""
    on_file = answer_goes_on_file(session, request)
    if request.state != State.ANSWERED or request.is_appeal:
        return ()
    if on_file and purpose != REQUEST_VERIFY:
        return ()
    return [
        Kind(right.kind)
        for right in rights_of(session, request.id)
        if right.kind in GATED_KINDS and right.outcome not in SET_ASIDE
    ]


def appeal_of(session: Session, request: DataSubjectRequest) -> DataSubjectRequest | None:
    """The request by which its person had the answer looked at again."""
    return follower_of(session, request, is_appeal=True)


@dataclass(frozen=True, kw_only=True)
class Duplicates:
    """Open requests that look like one: those that could answer it too, and those that could be
    answered with it."""

    answer_it: Sequence[DataSubjectRequest]
    answered_with_it: Sequence[DataSubjectRequest]


def possible_duplicates(session: Session, request: DataSubjectRequest, now: datetime) -> Duplicates:
    """Of the open requests from the same account or address for the same right those of which one
    may end as the duplicate of the other, the oldest first. What would be refused is not offered.
    """
    others = _alike(session, request) if request.answered_at is None else ()
    this, as_twin = (_twin(session, request, only_open=only_open) for only_open in (True, False))
    may_end = not _answers_another(session, request)
    return Duplicates(
        answer_it=[
            other
            for other in others
            if may_end and not duplicate_refusal(this, _twin(session, other, only_open=False), now)
        ],
        answered_with_it=[
            other
            for other in others
            if not _answers_another(session, other)
            and not duplicate_refusal(_twin(session, other, only_open=True), as_twin, now)
        ],
    )


def stand_alone(transaction: Session, request: DataSubjectRequest, now: datetime) -> None:
    """What answered a request as its duplicate does not any more. It is held."""
    record(transaction, "request.stands_alone", request.id, now, of=request.duplicate_of_id)
    request.duplicate_of_id = None
    transaction.add(request)


def _alike(session: Session, request: DataSubjectRequest) -> Sequence[DataSubjectRequest]:
    same = []
    if request.account_id is not None:
        same.append(col(DataSubjectRequest.account_id) == request.account_id)
    if request.contact_key:
        same.append(col(DataSubjectRequest.contact_key) == request.contact_key)
    if not same:
        return ()
    return session.exec(
        select(DataSubjectRequest)
        .where(
            or_(*same),
            DataSubjectRequest.id != request.id,
            exists().where(
                col(RequestedRight.request_id) == col(DataSubjectRequest.id),
                col(RequestedRight.kind).in_(kinds_of(session, request.id)),
            ),
            col(DataSubjectRequest.state).in_(OPEN_STATES),
        )
        .order_by(col(DataSubjectRequest.received_at))
        .limit(SHOWN)
    ).all()


def _require_fresh_eyes(session: Session, request: DataSubjectRequest, staff_id: UUID) -> None:
    if staff_id in decided_before(session, request):
        raise EndRefused(why_not_them(session, request))


def _end(
    transaction: Session,
    request: DataSubjectRequest,
    outcome: Outcome,
    now: datetime,
    proposed: ProposedEnd | None = None,
) -> None:
    set_aside(
        transaction,
        request,
        outcome,
        mail=MAILS[outcome],
        decided_by=proposed.proposed_by if proposed else None,
        confirmed_by=proposed.confirmed_by if proposed else None,
        now=now,
    )


def _require_way_back(session: Session, request: DataSubjectRequest) -> None:
    if request.answered_at is not None:
        raise EndRefused(ANSWERED)
    if _is_being_erased(session, request):
        raise EndRefused(NO_WAY_BACK)
    if _answers_another(session, request):
        raise EndRefused(ANSWERS_ANOTHER)


def _answers_another(session: Session, request: DataSubjectRequest) -> bool:
    """Whether somebody was promised their answer with this request's."""
    return bool(waiting_for(session, request))


def _is_being_erased(session: Session, request: DataSubjectRequest) -> bool:
    erasure = of_request(session, request.id)
    if erasure is not None and erasure.begun_at is not None:
        return True
    return any(
        right.kind == Kind.ERASURE and right.state == RightState.DECIDED and right.outcome in DONE
        for right in rights_of(session, request.id)
    )


def _other(session: Session, of: str) -> DataSubjectRequest:
    if not of.strip():
        raise EndRefused("Give the reference of the request that answers this one too.")
    return request_by_reference(session, of.strip())


def _follow(
    transaction: Session, request: DataSubjectRequest, other: DataSubjectRequest, now: datetime
) -> None:
    """Note which request answers this one, and by when it does now; the other is held, so that it
    does not end just now."""
    if other.answered_at is not None:
        raise EndRefused(f"{other.reference} is answered already, so it answers nothing else.")
    one, its_twin = (
        _twin(transaction, request, only_open=True),
        _twin(transaction, other, only_open=False),
    )
    if refusal := duplicate_refusal(one, its_twin, now):
        raise EndRefused(f"{refusal} Nothing was changed.")
    request.duplicate_of_id = other.id
    transaction.add(request)
    be_due_no_later(transaction, other, request, now)


def _twin(session: Session, request: DataSubjectRequest, *, only_open: bool) -> Twin:
    return Twin(
        reference=request.reference,
        due={
            Kind(right.kind): right.due_at
            for right in rights_of(session, request.id)
            if not only_open or right.state != RightState.DECIDED
        },
        account_id=request.account_id,
        contact_key=request.contact_key,
        about=contact_key(request.account_address or request.contact_email),
        needs_identity=request.needs_identity,
        proved_at=request.verified_at if is_verified(request) else None,
        received_at=request.received_at,
    )
