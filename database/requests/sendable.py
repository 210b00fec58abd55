"""What has to be so before an answer goes out: nothing is sent while anything is missing (P22)."""

from collections.abc import Iterable
from datetime import datetime
from uuid import UUID

from sqlmodel import Session

from database.requests import data_corrections, erase_tasks, erasures
from database.requests.answered_before import NOT_ANSWERED_BEFORE, answered_before
from database.requests.appeals import why_not_them
from database.requests.authorised_agents import is_authorised
from database.requests.estates import is_heir_of_the_living, waits_for_authority
from database.requests.identity import controls_empty_address, is_verified
from database.requests.packages import NO_COPY, held_for_others, needs_copy
from database.requests.redirections import HELD_FOR_OTHERS
from database.requests.requested_rights import decided_before
from database.requests.source_tasks import why_not_nothing
from database.requests.standing_holds import bars_erasure
from database.tables import DataSubjectRequest, RequestDecision, RequestedRight
from domain.requests.data_corrections import outcome_refusal
from domain.requests.data_subject_requests import (
    GATED_KINDS,
    Ground,
    Kind,
    Outcome,
)
from domain.requests.decisions import DONE, decision_refusal
from domain.requests.identity import disclosure_refusal
from domain.requests.legal_holds import HELD_BACK

NOT_AUTHORISED = (
    "Somebody asks for another person, and nobody has decided yet that they may: first the person "
    "confirms it from their address on file, or one of us looks at what shows it."
)
AFTER_A_DEATH = (
    "The holder of this account has died. Nothing is disclosed, corrected or erased before two of "
    "you found that whoever asks may have it."
)
THE_HOLDER_LIVES = (
    "Two of you found who may have it after a death, and the company says since that the holder "
    "lives. Nothing is disclosed, corrected or erased until two of you found out who asks."
)
KEPT_ELSEWHERE = (
    "Not everything goes: {sources} must keep a part of it, as the preview says. Choose partial "
    "with the ground for that, and a second person confirms it."
)
NOTHING_KEPT = (
    "The answer says that a law obliges us to keep a part, and every source says that it erased "
    "everything: what was to stay is gone. Read what the sources say, and answer the erasure again."
)
NOT_PUT_RIGHT = (
    "{sources} did not put it right, and one of you gave that up. Choose partial, and a second "
    "person confirms it."
)
BEGUN = "The erasure has begun, and cannot be undone. Answer it as fulfilled or partial."


class DecisionRefused(Exception):
    """An answer cannot go out like this; nothing changed."""


def require_authority(session: Session, right: RequestedRight, decision: RequestDecision) -> None:
    """Who asks for somebody else may (P19); a right that takes no identity takes no authority."""
    acts = decision.outcome in DONE and right.kind in GATED_KINDS
    if acts and not is_authorised(session, right.request_id):
        raise DecisionRefused(NOT_AUTHORISED)


def require_sendable(
    transaction: Session,
    request: DataSubjectRequest,
    right: RequestedRight,
    decision: RequestDecision,
    *,
    confirmed_by: UUID | None,
    now: datetime,
) -> None:
    """A right may be answered like this, with this second person (P19, P20, P22)."""
    if right.kind in GATED_KINDS and decision.outcome in DONE:
        require_not_held(request, now)
        if not (decision.evidence or "").strip() and needs_copy(transaction, right):
            raise DecisionRefused(NO_COPY)
    _require_fresh_eyes(transaction, request, (decision.decided_by, confirmed_by))
    after_a_death = right.kind in GATED_KINDS and waits_for_authority(transaction, request)
    if after_a_death and decision.outcome in DONE:
        raise DecisionRefused(AFTER_A_DEATH)
    if right.kind in GATED_KINDS and decision.outcome in DONE:
        require_heir(transaction, request)
    if decision.outcome == Outcome.NOTHING_HELD and held_for_others(transaction, request.id):
        raise DecisionRefused(HELD_FOR_OTHERS)
    refusal = decision_refusal(
        kind=Kind(right.kind),
        verified=is_verified(request) and not after_a_death,
        outcome=Outcome(decision.outcome),
        ground=Ground(decision.ground) if decision.ground else None,
        explanation=decision.explanation,
        decided_by=decision.decided_by,
        confirmed_by=confirmed_by,
        evidence=decision.evidence,
        on_hold=right.kind == HELD_BACK and bars_erasure(transaction, request),
        regime=request.regime,
        controls_empty_address=controls_empty_address(transaction, request),
    )
    if refusal is None and decision.outcome == Outcome.NOTHING_HELD:
        refusal = why_not_nothing(transaction, request)
    if refusal is None and decision.ground == Ground.ALREADY_ANSWERED:
        earlier = answered_before(transaction, right, decision.decided_at)
        refusal = NOT_ANSWERED_BEFORE if earlier is None else None
    if refusal:
        raise DecisionRefused(refusal)


def _require_fresh_eyes(
    session: Session, request: DataSubjectRequest, deciding: Iterable[UUID | None]
) -> None:
    if decided_before(session, request).intersection(one for one in deciding if one):
        raise DecisionRefused(why_not_them(session, request))


def require_fitting(session: Session, right: RequestedRight, decision: RequestDecision) -> None:
    """An erasure is answered as what the sources said, and what is begun is not refused (P13)."""
    if right.kind == Kind.CORRECTION:
        _require_shown(session, right, decision)
    if right.kind != Kind.ERASURE:
        return
    if decision.outcome == Outcome.FULFILLED and (
        kept := erase_tasks.kept_elsewhere(session, right)
    ):
        raise DecisionRefused(KEPT_ELSEWHERE.format(sources=", ".join(kept)))
    erasure = erasures.of_right(session, right.id)
    if erasure is None or erasure.begun_at is None:
        return
    if decision.outcome not in DONE:
        raise DecisionRefused(BEGUN)
    if decision.ground == Ground.REGULATORY_OBLIGATION and erase_tasks.all_gone(session, erasure):
        raise DecisionRefused(NOTHING_KEPT)


def _require_shown(session: Session, right: RequestedRight, decision: RequestDecision) -> None:
    """A correction is answered as its values were judged (P12)."""
    claims = data_corrections.claims_of(session, right.id)
    ground = Ground(decision.ground) if decision.ground else None
    refusal = outcome_refusal(
        Outcome(decision.outcome), ground, [claim.credible for claim in claims]
    )
    if claims and refusal:
        raise DecisionRefused(refusal)
    given_up = data_corrections.given_up(session, right)
    if decision.outcome == Outcome.FULFILLED and given_up:
        raise DecisionRefused(NOT_PUT_RIGHT.format(sources=", ".join(given_up)))


def require_not_held(request: DataSubjectRequest, now: datetime) -> None:
    """What was asked for may be done now (P19)."""
    refusal = disclosure_refusal(
        held_until=request.disclosure_held_until, disputed_at=request.disputed_at, now=now
    )
    if refusal:
        raise DecisionRefused(refusal)


def require_no_death(session: Session, request: DataSubjectRequest) -> None:
    """What was decided while the holder lived goes to nobody after their death, before two of us
    found that whoever asks may have it (P19)."""
    if waits_for_authority(session, request):
        raise DecisionRefused(AFTER_A_DEATH)


def require_heir(session: Session, request: DataSubjectRequest) -> None:
    """What two of us found after a death holds as long as nobody says that the holder lives."""
    if is_heir_of_the_living(session, request):
        raise DecisionRefused(THE_HOLDER_LIVES)
