"""Legal holds: placed by legal or privacy, released by a second person (P13).

Nothing is erased of an account under a hold, nor of another one with the same address. What was
decided and not answered yet is decided again when a hold comes, or the last one goes, and makes it
wrong.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlmodel import Session, col, select

from database.facts import record
from database.requests import instructed_tasks
from database.requests.deferred_erasures import put_back_to_sleep, wake
from database.requests.erasures import ErasureRefused, hold_back_of, resume, take_back
from database.requests.requested_rights import decisions_of, reopen, rights_of
from database.requests.same_person import is_about, person_of
from database.requests.standing_holds import sources_kept_on_hold, sources_on_hold, standing_on
from database.tables import Account, DataSubjectRequest, LegalHold, RequestDecision
from database.writing import held
from domain.company import OfficeHours
from domain.requests.data_subject_requests import Ground, Kind, Outcome, State
from domain.requests.legal_holds import (
    EVERYWHERE,
    HELD_BACK,
    erase_by,
    hold_refusal,
    waits_for_release,
)
from domain.requests.personal_data import OWN_SOURCE, Person

NO_SUCH_HOLD = "There is no such hold (any more). Nothing was changed."
DATA_CHANGES = (
    "What the account's holder has with another company is being erased or corrected at this "
    "moment, as that company told us, so no hold was placed. Try again in twenty minutes: the page "
    "of the instruction says then what was done."
)
Judgement = Callable[[Kind, Outcome, Ground | None], object]


class HoldRefused(Exception):
    """A hold cannot be placed or released like this; nothing changed."""


@dataclass(frozen=True, kw_only=True)
class HoldChange:
    """A hold that was placed or released, the requests of which a right is open again, and those
    whose erasure goes on."""

    hold_id: UUID
    reopened: Sequence[UUID]
    resumed: Sequence[UUID] = ()


def place(
    transaction: Session,
    account_id: UUID,
    *,
    reason: str,
    source: str,
    staff_id: UUID,
    now: datetime,
) -> HoldChange:
    """Let a hold stand on an account, or on what one source has of it. Raises HoldRefused.

    An erasure that waits to be done since an earlier release waits again.
    """
    if not reason.strip():
        raise HoldRefused("Write what the hold is about: it stays with us. Nothing was changed.")
    requests, person = _held_with_their_account(transaction, account_id)
    if any(
        (one.source, one.reason) == (source, reason.strip())
        for one in standing_on(transaction, account_id)
    ):
        raise HoldRefused("This hold stands already, with the same words. Nothing was changed.")
    account = transaction.get_one(Account, account_id)
    if instructed_tasks.is_being_done(transaction, account, source, now):
        raise HoldRefused(DATA_CHANGES)
    hold = LegalHold(
        account_id=account_id,
        source=source,
        reason=reason.strip(),
        keeps_our_records=source in {EVERYWHERE, OWN_SOURCE},
        placed_by=staff_id,
        placed_at=now,
    )
    transaction.add(hold)
    record(
        transaction,
        "hold.placed",
        hold.id,
        now,
        account=account_id,
        source=source or None,
        staff=staff_id,
    )
    transaction.flush()
    put_back_to_sleep(transaction, person, now)
    try:
        hold_back_of(transaction, person, now)
    except ErasureRefused as refusal:
        raise HoldRefused(str(refusal)) from None
    return HoldChange(hold_id=hold.id, reopened=_reopened(transaction, requests, hold_refusal, now))


def release(
    transaction: Session,
    hold_id: UUID,
    *,
    reason: str,
    staff_id: UUID,
    office: OfficeHours,
    now: datetime,
) -> HoldChange:
    """End a hold, by somebody else than who placed it. Raises HoldRefused.

    What no other one covers is erased now, where the answer is out. With the last one the erasures
    that it put off wake, to be done within a working week.
    """
    known = transaction.get(LegalHold, hold_id)
    if known is None:
        raise HoldRefused(NO_SUCH_HOLD)
    requests, person = _held_with_their_account(transaction, known.account_id)
    hold = held(transaction, LegalHold, hold_id)
    if hold.released_at is not None:
        raise HoldRefused(NO_SUCH_HOLD)
    if not reason.strip():
        raise HoldRefused("Write why the hold ends: it stays with us. Nothing was changed.")
    if hold.placed_by == staff_id:
        raise HoldRefused(
            "You placed this hold, and a second person has to release it. Nothing was changed."
        )
    hold.released_by, hold.released_at = staff_id, now
    hold.release_reason = reason.strip()
    hold.keeps_our_records = False
    transaction.add(hold)
    record(transaction, "hold.released", hold.id, now, account=hold.account_id, staff=staff_id)
    transaction.flush()
    is_last = not sources_on_hold(transaction, person)
    wake(transaction, due_on=erase_by(now, office), now=now)
    return HoldChange(
        hold_id=hold.id,
        reopened=_reopened(transaction, requests, waits_for_release, now) if is_last else (),
        resumed=resume(transaction, now),
    )


def the_hold_on(session: Session, account_id: UUID | None, hold_id: UUID | None) -> LegalHold:
    """The hold with this id that stands on an account; without an id the only one. Raises
    HoldRefused."""
    holds = standing_on(session, account_id) if account_id else ()
    meant = [hold for hold in holds if hold_id in {None, hold.id}]
    if not meant:
        raise HoldRefused(NO_SUCH_HOLD)
    if len(meant) > 1:
        ids = ", ".join(str(hold.id) for hold in meant)
        raise HoldRefused(
            f"{len(meant)} holds stand on this account. Say which one with --hold: {ids}. "
            "Nothing was changed."
        )
    return meant[0]


def every_hold(session: Session, *, released: bool) -> Sequence[tuple[LegalHold, Account]]:
    """Holds with their accounts, the oldest first; those that stand, or those that are over."""
    over = col(LegalHold.released_at).is_not(None)
    return session.exec(
        select(LegalHold, Account)
        .join(Account, col(Account.id) == col(LegalHold.account_id))
        .where(over if released else ~over)
        .order_by(col(LegalHold.placed_at), col(LegalHold.id))
    ).all()


def _held_with_their_account(
    transaction: Session, account_id: UUID
) -> tuple[Sequence[DataSubjectRequest], Person]:
    """Whose an account is, and their requests whose answer has not gone out: all ours, and then
    their accounts, so that nothing is decided meanwhile. Raises HoldRefused where another one came
    in between."""
    person = person_of(transaction.get_one(Account, account_id))
    requests = _unanswered(transaction, person)
    sources_kept_on_hold(transaction, person)
    if {one.id for one in requests} != {one.id for one in _unanswered(transaction, person)}:
        raise HoldRefused(
            "A request of this account came in just now. Nothing was changed. Try again."
        )
    return requests, person


def _unanswered(transaction: Session, person: Person) -> Sequence[DataSubjectRequest]:
    """The requests about somebody whose answer has not gone out, ours from now on."""
    return transaction.exec(
        select(DataSubjectRequest)
        .where(is_about(transaction, person), col(DataSubjectRequest.answered_at).is_(None))
        .order_by(col(DataSubjectRequest.id))
        .with_for_update(key_share=True)
        .execution_options(populate_existing=True)
    ).all()


def _reopened(
    transaction: Session, requests: Sequence[DataSubjectRequest], wrong: Judgement, now: datetime
) -> Sequence[UUID]:
    """Open again what is decided of an erasure, and wrong now; the ids of those requests."""
    reopened = []
    for request in requests:
        rights = [one for one in rights_of(transaction, request.id) if one.kind == HELD_BACK]
        decisions: Mapping[UUID, RequestDecision] = decisions_of(transaction, rights)
        for right in rights:
            decision = decisions.get(right.id)
            if decision is None or not wrong(
                Kind(right.kind),
                Outcome(decision.outcome),
                Ground(decision.ground) if decision.ground else None,
            ):
                continue
            reopen(transaction, right, now)
            take_back(transaction, right.id)
            if request.state == State.REVIEW:
                request.state = State.WORK
                transaction.add(request)
            reopened.append(request.id)
    return reopened
