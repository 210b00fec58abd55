"""What may be decided about a right that somebody asks for, and what that makes of their request.

(P13, P15, P19-P22)
"""

from collections.abc import Iterable
from uuid import UUID

from domain.requests.data_subject_requests import (
    GATED_KINDS,
    OUTCOME_WORDS,
    UNCONDITIONAL_KINDS,
    Ground,
    Kind,
    Outcome,
)
from domain.requests.legal_holds import hold_refusal
from domain.requests.minors import LOOKED_INTO
from domain.requests.refusal_grounds import bar_against, usable_grounds

DONE = frozenset({Outcome.FULFILLED, Outcome.PARTIAL})
SET_ASIDE = (Outcome.WITHDRAWN, Outcome.DUPLICATE, Outcome.SPAM)
"""What is said of a right that was not judged: it tells of a request only if all were set aside.
Nobody decides so of one right: it ends the request (`domain/requests/ends.py`)."""
_NOT_DONE = (
    Outcome.REFUSED,
    Outcome.UNVERIFIED,
    Outcome.NOTHING_HELD,
    Outcome.REDIRECTED,
    *SET_ASIDE,
)
"""The weightiest first: a refusal is never hidden behind another end."""
NOTHING_YET = (
    "Nothing could be erased yet. It is erased by itself, as soon as nothing stands against it."
)
"""How an erasure stands that was granted, and all of which is held back (P13)."""
# Grounds that say nothing about what we hold, and so may be given to someone unverified.
_SILENT_GROUNDS = frozenset({Ground.IDENTITY_UNVERIFIED, Ground.MANIFESTLY_UNFOUNDED_OR_EXCESSIVE})


def needs_second_person(outcome: Outcome) -> bool:
    """Whether somebody else has to confirm the decision: every refusal, whole or partial (P20)."""
    return outcome in {Outcome.PARTIAL, Outcome.REFUSED}


def in_our_words(outcome: Outcome, decided_by: UUID | None) -> bool:
    """Whether the explanation of a decision is one of our sentences, to be translated where it is
    shown, and nobody's own words."""
    return decided_by is None or outcome in SET_ASIDE


def words_of_outcome(kind: Kind, outcome: Outcome, decided_by: UUID | None) -> str:
    """How a right ended, for its person. A report of a minor has the same words whatever comes of
    it (P18)."""
    looked_into = kind is Kind.MINOR and outcome is Outcome.FULFILLED and decided_by is None
    return LOOKED_INTO if looked_into else OUTCOME_WORDS[outcome]


def possible_outcomes(
    kind: Kind, *, verified: bool, on_hold: bool, controls_empty_address: bool = False
) -> tuple[Outcome, ...]:
    """The ends that a right may come to as things stand; `on_hold`: as in `decision_refusal`."""
    return tuple(
        outcome
        for outcome in Outcome
        if outcome not in SET_ASIDE
        and not _against_the_kind(kind, outcome, None)
        and not (on_hold and hold_refusal(kind, outcome, Ground.LEGAL_MATTERS))
        and not _behind_the_gate(kind, outcome, None, verified=verified)
        and not _of_nothing(kind, outcome, controls_empty_address=controls_empty_address)
        and not _sent_elsewhere(kind, outcome, shown=verified or controls_empty_address)
    )


def possible_grounds(regime: str | None, kind: Kind, *, verified: bool) -> tuple[Ground, ...]:
    """The grounds on which a right may be refused as things stand."""
    return tuple(
        ground
        for ground in usable_grounds(regime, kind)
        if not _against_the_kind(kind, Outcome.REFUSED, ground)
        and not _behind_the_gate(kind, Outcome.REFUSED, ground, verified=verified)
    )


def decision_refusal(  # noqa: PLR0913, one decision is judged by all of this, and by name
    *,
    kind: Kind,
    verified: bool,
    outcome: Outcome,
    ground: Ground | None,
    explanation: str,
    decided_by: UUID | None,
    confirmed_by: UUID | None,
    evidence: str | None,
    on_hold: bool,
    regime: str | None = None,
    controls_empty_address: bool = False,
) -> str | None:
    """Why a decision may not be sent, as a sentence for staff; None when it may (P15, P19-P22).

    `on_hold`: whether a legal hold stands on the account that the request is about (P13).
    `controls_empty_address`: the person proved control of the address that the request is about,
    and there is no account with it.
    """
    reasons = (
        _unexplained(explanation, decided_by),
        _not_judged(outcome),
        _against_the_kind(kind, outcome, ground),
        _behind_the_gate(kind, outcome, ground, verified=verified),
        _of_nothing(kind, outcome, controls_empty_address=controls_empty_address),
        _sent_elsewhere(kind, outcome, shown=verified or controls_empty_address),
        hold_refusal(kind, outcome, ground) if on_hold else None,
        _groundless(kind, outcome, ground, regime),
        _unsupported(outcome, decided_by, confirmed_by, evidence),
    )
    return next((reason for reason in reasons if reason), None)


def _unexplained(explanation: str, decided_by: UUID | None) -> str | None:
    if not explanation.strip():
        return "An answer needs an explanation: write what was decided and why."
    if decided_by is None:
        return "An answer needs the person who decided it."
    return None


def _not_judged(outcome: Outcome) -> str | None:
    if outcome in SET_ASIDE:
        return (
            "Withdrawn, a duplicate or spam is the request, and not one right of it: end the "
            "request as that."
        )
    return None


def _against_the_kind(kind: Kind, outcome: Outcome, ground: Ground | None) -> str | None:
    if kind in UNCONDITIONAL_KINDS and needs_second_person(outcome):
        return "Nothing stands against stopping marketing: it has to be fulfilled."
    rests_on_identity = outcome is Outcome.UNVERIFIED or ground is Ground.IDENTITY_UNVERIFIED
    if kind not in GATED_KINDS and rests_on_identity:
        return "This right needs no verified identity, so it cannot fail for want of one."
    return None


def _behind_the_gate(
    kind: Kind, outcome: Outcome, ground: Ground | None, *, verified: bool
) -> str | None:
    if verified and (outcome is Outcome.UNVERIFIED or ground is Ground.IDENTITY_UNVERIFIED):
        return "The person's identity is verified, so the answer cannot rest on its absence."
    if verified or kind not in GATED_KINDS:
        return None
    if outcome in {Outcome.FULFILLED, Outcome.PARTIAL}:
        return "Nothing is disclosed, corrected or erased before the person's identity is verified."
    if outcome is Outcome.REFUSED and ground is not None and ground not in _SILENT_GROUNDS:
        return "This ground tells what we hold, and the person's identity is not verified."
    return None


def _of_nothing(kind: Kind, outcome: Outcome, *, controls_empty_address: bool) -> str | None:
    told = controls_empty_address and kind in GATED_KINDS
    if outcome is Outcome.NOTHING_HELD and not told:
        return (
            "That nothing is held under an address is told only to whoever proved control of it, "
            "and only where there is no account with it."
        )
    return None


def _sent_elsewhere(kind: Kind, outcome: Outcome, *, shown: bool) -> str | None:
    if outcome is Outcome.REDIRECTED and kind in GATED_KINDS and not shown:
        return (
            "That we keep something for another company is told only to whoever showed that the "
            "address is theirs. Our answer says to everybody that they may ask such a company."
        )
    return None


def _groundless(
    kind: Kind, outcome: Outcome, ground: Ground | None, regime: str | None
) -> str | None:
    if outcome is Outcome.UNVERIFIED and ground is Ground.IDENTITY_UNVERIFIED:
        return None
    if not needs_second_person(outcome):
        return None if ground is None else "Only a refusal, whole or partial, has a ground."
    if ground is None:
        return "A refusal, whole or partial, needs one of the grounds of the policy."
    bar = bar_against(regime, kind, ground)
    if bar is not None:
        return f"The ground {ground} may not be used against this right ({kind}): {bar.citation}."
    return None


def _unsupported(
    outcome: Outcome, decided_by: UUID | None, confirmed_by: UUID | None, evidence: str | None
) -> str | None:
    if not needs_second_person(outcome):
        return None
    if not (evidence or "").strip():
        return "A refusal, whole or partial, needs its evidence: write what the ground rests on."
    if confirmed_by is None or confirmed_by == decided_by:
        return "A refusal, whole or partial, needs a second person to confirm it."
    return None


def outcome_of(rights: Iterable[Outcome]) -> Outcome:
    """How a request ended whose rights, one at least, ended like this.

    As all of them did; partly, where something was done and something was not; and where nothing
    was, as the weightiest of them. What was set aside does not count beside what was judged.
    """
    ended = set(rights)
    counted = ended.difference(SET_ASIDE) or ended
    if len(counted) == 1:
        return counted.pop()
    if counted & DONE:
        return Outcome.PARTIAL
    return next(outcome for outcome in _NOT_DONE if outcome in counted)
