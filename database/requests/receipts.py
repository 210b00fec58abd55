"""When a request really came, and from where: learned later, and its clock set right (P21, P26)."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from sqlmodel import Session, col, select

from database.facts import record
from database.requests.identity import account_of
from database.requests.requested_rights import kinds_of, rights_of
from database.requests.requests import stored_candidates, waiting_for
from database.tables import DataSubjectRequest, ReceiptCorrection
from database.writing import held, hold
from domain.places import country_code
from domain.requests.data_subject_requests import Kind, Outcome, RightState
from domain.requests.deadlines import Deadline

NOTHING_CHANGED = "Nothing was changed."
OLD_AFTER = timedelta(days=365)
"""A receipt before that is more often a mistyped year than a letter that lay so long."""
ClockOf = Callable[[Iterable[Kind], datetime, str | None, str | None], Deadline]
"""The clock of rights that were asked for at an instant, from a country, in a time zone."""


class ReceiptRefused(Exception):
    """The receipt of a request cannot be corrected like this; nothing changed."""


@dataclass(frozen=True, kw_only=True)
class Receipt:
    """What was found out: the instant of receipt, the country (a code like DE, or None when it is
    not known), and what that rests on."""

    received_at: datetime
    country: str | None
    proof: str = ""


@dataclass(frozen=True, kw_only=True)
class OnFile:
    """Where a person is as their account says, and the clock that they would have had there."""

    country: str | None
    time_zone: str | None
    deadline: Deadline


def propose_receipt(
    transaction: Session,
    request: DataSubjectRequest,
    receipt: Receipt,
    deadline: Deadline,
    *,
    by: UUID,
    now: datetime,
) -> ReceiptCorrection:
    """Correct a request's receipt: at once when that takes time from us, else by a second person.

    `deadline` is the clock of that receipt. What leaves the answer due later than before, or puts
    the receipt itself later, waits for `confirm_receipt`, and needs a proof. Raises ReceiptRefused.
    """
    hold(transaction, request)
    _require_open(request)
    if deadline.received_at > now:
        raise ReceiptRefused(f"The request cannot have come in the future. {NOTHING_CHANGED}")
    country = country_code(receipt.country) if receipt.country else None
    if (deadline.received_at, country) == (request.received_at, request.country):
        raise ReceiptRefused(f"That is what is known already. {NOTHING_CHANGED}")
    correction = ReceiptCorrection(
        request_id=request.id,
        received_at=deadline.received_at,
        country=country,
        proof=receipt.proof.strip(),
        proposed_by=by,
        proposed_at=now,
    )
    if deadline.received_at < now - OLD_AFTER and not correction.proof:
        raise ReceiptRefused(
            "That is more than a year ago. Look at the year; if the day is right, write what it "
            f"rests on. {NOTHING_CHANGED}"
        )
    second = _gives_time(request, deadline)
    if second and not correction.proof:
        raise ReceiptRefused(
            "This gives us more time for the answer, so it needs its proof, and a second person. "
            f"Write what it rests on. {NOTHING_CHANGED}"
        )
    transaction.add(correction)
    transaction.flush()
    record(
        transaction,
        "request.receipt_proposed",
        request.id,
        now,
        correction=correction.id,
        received_at=deadline.received_at,
        due_at=deadline.due_at,
        proposed_by=by,
    )
    if not second:
        _apply(transaction, request, correction, deadline, now)
    return correction


def clock_on_file(
    session: Session, request: DataSubjectRequest, clock_of: ClockOf
) -> OnFile | None:
    """The clock of a request with the country and time zone of its account where the person gave
    none; None without an account."""
    account = account_of(session, request)
    if account is None:
        return None
    country = request.country or account.country
    time_zone = request.time_zone or account.time_zone
    rights = kinds_of(session, request.id)
    deadline = clock_of(rights, request.received_at, country, time_zone)
    return OnFile(country=country, time_zone=time_zone, deadline=deadline)


def bring_forward(
    transaction: Session,
    request: DataSubjectRequest,
    clock_of: ClockOf,
    now: datetime,
) -> None:
    """Count by the country and time zone on file as well, once the person has shown who they are.

    No right is ever due later for it (P21), and what ran until then stands among the candidates.
    """
    hold(transaction, request)
    on_file = clock_on_file(transaction, request, clock_of)
    if on_file is None or request.answered_at is not None:
        return
    deadline, rights = on_file.deadline, rights_of(transaction, request.id)
    sooner = [one for one in rights if deadline.binding(Kind(one.kind)).due_at < one.due_at]
    if not sooner:
        return
    for right in sooner:
        clock = deadline.binding(Kind(right.kind))
        right.due_at, right.rule = clock.due_at, clock.rule
        transaction.add(right)
    first = min(rights, key=lambda right: right.due_at)
    request.due_at, request.rule, request.regime = first.due_at, first.rule, deadline.regime
    request.country, request.time_zone = on_file.country, on_file.time_zone
    request.candidates = _first_of_each([*stored_candidates(deadline), *request.candidates])
    request.warnings = list(deadline.warnings)
    transaction.add(request)
    record(
        transaction,
        "request.brought_forward",
        request.id,
        now,
        due_at=request.due_at,
        rule=request.rule,
    )


def _first_of_each(candidates: Iterable[dict[str, object]]) -> list[dict[str, object]]:
    """Of the clocks by one rule the one that runs out first: of them all that one binds, and its
    end is what a breach is noted at."""
    first: dict[object, dict[str, object]] = {}
    for one in candidates:
        known = first.setdefault(one["rule"], one)
        if _runs_out_at(one) < _runs_out_at(known):
            first[one["rule"]] = one
    return list(first.values())


def _runs_out_at(candidate: dict[str, object]) -> datetime:
    return datetime.fromisoformat(str(candidate["due_at"]))


def be_due_no_later(
    transaction: Session, request: DataSubjectRequest, than: DataSubjectRequest, now: datetime
) -> None:
    """A request whose answer is to be another's too has to be answered when that was due: nobody
    waits longer because they asked twice (P21). It is held."""
    due = {
        one.kind: one
        for one in rights_of(transaction, than.id)
        if one.state != RightState.DECIDED or one.outcome == Outcome.DUPLICATE
    }
    rights = rights_of(transaction, request.id)
    sooner = [one for one in rights if one.kind in due and due[one.kind].due_at < one.due_at]
    if not sooner:
        return
    for right in sooner:
        right.due_at, right.rule = due[right.kind].due_at, due[right.kind].rule
        transaction.add(right)
    first = min(rights, key=lambda right: right.due_at)
    request.due_at, request.rule = first.due_at, first.rule
    request.candidates = [
        *(_of_another(one, than.reference) for one in than.candidates),
        *request.candidates,
    ]
    transaction.add(request)
    record(
        transaction,
        "request.brought_forward",
        request.id,
        now,
        due_at=first.due_at,
        rule=first.rule,
    )


def _of_another(candidate: dict[str, object], reference: str) -> dict[str, object]:
    """A clock of a request that is answered with this one."""
    explanation = f"that of {reference}, which this answers too: {candidate['explanation']}"
    return {**candidate, "explanation": explanation}


def waiting_receipt(session: Session, request_id: UUID) -> ReceiptCorrection | None:
    """The correction that waits for a second person: the newest, if none took effect since."""
    newest = session.exec(
        select(ReceiptCorrection)
        .where(ReceiptCorrection.request_id == request_id)
        .order_by(col(ReceiptCorrection.proposed_at).desc(), col(ReceiptCorrection.id).desc())
    ).first()
    return newest if newest is not None and newest.applied_at is None else None


def confirm_receipt(
    transaction: Session,
    request: DataSubjectRequest,
    correction_id: UUID,
    deadline: Deadline,
    *,
    by: UUID,
    now: datetime,
) -> None:
    """A second person agrees to the correction that they read, and it takes effect.

    `deadline` is the clock of its receipt. Asking again for one in effect changes nothing. Raises
    ReceiptRefused.
    """
    hold(transaction, request)
    correction = held(transaction, ReceiptCorrection, correction_id)
    if correction.applied_at is not None:
        return
    _require_open(request)
    waiting = waiting_receipt(transaction, request.id)
    if waiting is None or waiting.id != correction_id:
        raise ReceiptRefused(
            "This is not the correction that waits: another one came since. Read that one, and "
            f"confirm it if you agree. {NOTHING_CHANGED}"
        )
    if correction.proposed_by == by:
        raise ReceiptRefused(
            f"More time for the answer needs a second person to confirm it. {NOTHING_CHANGED}"
        )
    correction.confirmed_by = by
    _apply(transaction, request, correction, deadline, now)


def correction_of(
    session: Session, request: DataSubjectRequest, correction_id: UUID
) -> ReceiptCorrection:
    """A correction of this request. Raises ReceiptRefused."""
    correction = session.get(ReceiptCorrection, correction_id)
    if correction is None or correction.request_id != request.id:
        raise ReceiptRefused(f"There is no such correction of this request. {NOTHING_CHANGED}")
    return correction


def _gives_time(request: DataSubjectRequest, deadline: Deadline) -> bool:
    return deadline.received_at > request.received_at or deadline.due_at > request.due_at


def _require_open(request: DataSubjectRequest) -> None:
    if request.answered_at is not None:
        raise ReceiptRefused(
            f"{request.reference} is answered; its clock stands as it was. {NOTHING_CHANGED}"
        )


def _apply(
    transaction: Session,
    request: DataSubjectRequest,
    correction: ReceiptCorrection,
    deadline: Deadline,
    now: datetime,
) -> None:
    correction.applied_at = now
    transaction.add(correction)
    request.received_at = deadline.received_at
    request.country = correction.country
    request.due_at = deadline.due_at
    request.rule = deadline.rule
    request.regime = deadline.regime
    request.candidates = stored_candidates(deadline)
    request.warnings = list(deadline.warnings)
    for right in rights_of(transaction, request.id):
        clock = deadline.binding(Kind(right.kind))
        right.due_at, right.rule = clock.due_at, clock.rule
        transaction.add(right)
    transaction.flush()
    for twin in waiting_for(transaction, request):
        be_due_no_later(transaction, request, twin, now)
    record(
        transaction,
        "request.receipt_corrected",
        request.id,
        now,
        correction=correction.id,
        received_at=request.received_at,
        due_at=request.due_at,
        rule=request.rule,
        proposed_by=correction.proposed_by,
        confirmed_by=correction.confirmed_by,
    )
    _take_back_breaches(transaction, request, now)
    transaction.add(request)


def _take_back_breaches(transaction: Session, request: DataSubjectRequest, now: datetime) -> None:
    """A breach that was recorded on a receipt now known to be wrong was recorded in error."""
    passed = {
        str(one["rule"]).partition(".")[0] for one in request.candidates if _runs_out_at(one) <= now
    }
    if request.policy_breach_at and "policy" not in passed:
        request.policy_breach_at = None
        record(transaction, "request.policy_breach_in_error", request.id, now)
    if request.statutory_breach_at and "statute" not in passed:
        request.statutory_breach_at = None
        record(transaction, "request.statutory_breach_in_error", request.id, now)
