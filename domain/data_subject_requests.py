"""Data-subject requests: kinds, states, outcomes and grounds, and what may be decided (P10-P22)."""

import re
import unicodedata
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from uuid import UUID

from domain.places import country_code, zone_named

LONGEST_NAME = 200
LONGEST_ADDRESS = 254
LONGEST_MESSAGE = 10_000


class Kind(StrEnum):
    """What a person asks for (P10-P18)."""

    INQUIRY = "inquiry"
    ACCESS = "access"
    CORRECTION = "correction"
    ERASURE = "erasure"
    RESTRICTION = "restriction"
    OBJECTION = "objection"
    OBJECTION_MARKETING = "objection_marketing"
    PORTABILITY = "portability"
    MARKETING_OPT_OUT = "marketing_opt_out"
    MINOR = "minor"


class State(StrEnum):
    """Where a request stands, in the order of its life."""

    RECEIVED = "received"
    ACKNOWLEDGED = "acknowledged"
    IDENTITY = "identity"
    WORK = "work"
    REVIEW = "review"
    ANSWERED = "answered"
    CLOSED = "closed"
    PURGED = "purged"


class Outcome(StrEnum):
    """How a request ended."""

    FULFILLED = "fulfilled"
    PARTIAL = "partial"
    REFUSED = "refused"
    UNVERIFIED = "unverified"
    REDIRECTED = "redirected"
    WITHDRAWN = "withdrawn"
    DUPLICATE = "duplicate"
    SPAM = "spam"


class Ground(StrEnum):
    """Why a request, or a part of it, is not fulfilled (P20)."""

    REGULATORY_OBLIGATION = "regulatory_obligation"
    LEGAL_MATTERS = "legal_matters"
    IDENTITY_UNVERIFIED = "identity_unverified"
    DISPROPORTIONATE_EFFORT = "disproportionate_effort"
    NOT_SHOWN = "not_shown"
    MANIFESTLY_UNFOUNDED_OR_EXCESSIVE = "manifestly_unfounded_or_excessive"
    RIGHTS_OF_OTHERS = "rights_of_others"
    CONDITIONS_NOT_MET = "conditions_not_met"
    ALREADY_ANSWERED = "already_answered"


KIND_WORDS: Mapping[Kind, str] = {
    Kind.INQUIRY: "an account of what personal data we hold about you and how we use it",
    Kind.ACCESS: "a copy of your personal data",
    Kind.CORRECTION: "a correction of your personal data",
    Kind.ERASURE: "the erasure of your personal data",
    Kind.RESTRICTION: "a restriction of how we use your personal data",
    Kind.OBJECTION: "an end to a use of your personal data, because of your particular situation",
    Kind.OBJECTION_MARKETING: "an end to the use of your personal data for marketing",
    Kind.PORTABILITY: "the personal data you gave us, in a form other systems can read",
    Kind.MARKETING_OPT_OUT: "no more marketing messages",
    Kind.MINOR: "a check of a minor's personal data",
}
"""What was asked for, in words that also stand alone."""

OUTCOME_WORDS: Mapping[Outcome, str] = {
    Outcome.FULFILLED: "We have done what you asked for.",
    Outcome.PARTIAL: "We have done part of what you asked for.",
    Outcome.REFUSED: "We cannot do what you asked for.",
    Outcome.UNVERIFIED: "We could not confirm that the request came from the person it concerns.",
    Outcome.REDIRECTED: "Your request has to go to the organisation we work for.",
    Outcome.WITHDRAWN: "You have withdrawn your request.",
    Outcome.DUPLICATE: "We are answering the same request already.",
    Outcome.SPAM: "We did not treat this message as a request.",
}

GROUND_WORDS: Mapping[Ground, str] = {
    Ground.REGULATORY_OBLIGATION: "A law or an authority obliges us to keep or use this data.",
    Ground.LEGAL_MATTERS: "The data is needed for legal claims or proceedings.",
    Ground.IDENTITY_UNVERIFIED: "We could not confirm who is asking.",
    Ground.DISPROPORTIONATE_EFFORT: "It would take an effort or cost out of all proportion.",
    Ground.NOT_SHOWN: "What we were given does not show that the data is wrong.",
    Ground.MANIFESTLY_UNFOUNDED_OR_EXCESSIVE: "The request is manifestly unfounded or excessive.",
    Ground.RIGHTS_OF_OTHERS: "It would harm the rights of other people.",
    Ground.CONDITIONS_NOT_MET: "The conditions that the law sets for this right are not met.",
    Ground.ALREADY_ANSWERED: "We have answered the same request before, and nothing has changed.",
}

STAGE_WORDS: Mapping[State, str] = {
    State.RECEIVED: "Your request has reached us and waits to be taken up.",
    State.ACKNOWLEDGED: "Your request is with our privacy team.",
    State.IDENTITY: "Your request is at the step, the same for everyone, that keeps answers "
    "from reaching the wrong person.",
    State.WORK: "Our privacy team is working on your request.",
    State.REVIEW: "The answer to your request is being checked before it is sent.",
}
"""The stage for the late reply (P21): the same whether the person is known to us or not."""

GATED_KINDS = frozenset(Kind) - {Kind.OBJECTION_MARKETING, Kind.MARKETING_OPT_OUT, Kind.MINOR}
"""The kinds that wait until the person's identity is verified (P19)."""

UNCONDITIONAL_KINDS = frozenset({Kind.OBJECTION_MARKETING, Kind.MARKETING_OPT_OUT})
"""The kinds that nothing stands against (P15, P17)."""

_NO_EFFORT_DEFENCE = frozenset(
    {Kind.INQUIRY, Kind.ACCESS, Kind.PORTABILITY, Kind.ERASURE, Kind.OBJECTION}
)
_BARRED_GROUNDS: Mapping[str, Mapping[Ground, frozenset[Kind]]] = {
    "gdpr": {Ground.DISPROPORTIONATE_EFFORT: _NO_EFFORT_DEFENCE},
    "uk_gdpr": {Ground.DISPROPORTIONATE_EFFORT: _NO_EFFORT_DEFENCE},
}
# Grounds that say nothing about what we hold, and so may be given to someone unverified.
_SILENT_GROUNDS = frozenset({Ground.IDENTITY_UNVERIFIED, Ground.MANIFESTLY_UNFOUNDED_OR_EXCESSIVE})


def needs_second_person(outcome: Outcome) -> bool:
    """Whether somebody else has to confirm the decision: every refusal, whole or partial (P20)."""
    return outcome in {Outcome.PARTIAL, Outcome.REFUSED}


def ground_allowed(regime: str | None, kind: Kind, ground: Ground) -> bool:
    """Whether a ground may be used against a right under a regime (P20).

    Where the regime is not known, the strictest one is assumed.
    """
    if kind in UNCONDITIONAL_KINDS:
        return False
    tables = _BARRED_GROUNDS.values() if regime is None else (_BARRED_GROUNDS.get(regime, {}),)
    return not any(kind in table.get(ground, frozenset()) for table in tables)


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
    regime: str | None = None,
) -> str | None:
    """Why a decision may not be sent, as a sentence for staff; None when it may (P15, P19-P22)."""
    reasons = (
        _unexplained(explanation, decided_by),
        _against_the_kind(kind, outcome, ground),
        _behind_the_gate(kind, outcome, ground, verified=verified),
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


def _against_the_kind(kind: Kind, outcome: Outcome, ground: Ground | None) -> str | None:
    if kind in UNCONDITIONAL_KINDS and needs_second_person(outcome):
        return "Nothing stands against stopping marketing: it has to be fulfilled."
    rests_on_identity = outcome is Outcome.UNVERIFIED or ground is Ground.IDENTITY_UNVERIFIED
    if kind not in GATED_KINDS and rests_on_identity:
        return "This kind of request needs no verified identity, so it cannot fail for want of one."
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


def _groundless(
    kind: Kind, outcome: Outcome, ground: Ground | None, regime: str | None
) -> str | None:
    if outcome is Outcome.UNVERIFIED and ground is Ground.IDENTITY_UNVERIFIED:
        return None
    if not needs_second_person(outcome):
        return None if ground is None else "Only a refusal, whole or partial, has a ground."
    if ground is None:
        return "A refusal, whole or partial, needs one of the grounds of the policy."
    if not ground_allowed(regime, kind, ground):
        return f"The ground {ground} may not be used against this kind of request ({kind})."
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


@dataclass(frozen=True, kw_only=True)
class Intake:
    """A request as it arrives. `kinds` are words from outside, not yet checked.

    `language` is that of the page it was made on, empty when it came another way.
    """

    name: str
    contact_address: str
    kinds: tuple[str, ...]
    message: str = ""
    country: str | None = None
    time_zone: str | None = None
    language: str = ""


def problems(intake: Intake) -> tuple[tuple[str, str], ...]:
    """What is wrong with an intake: pairs of field and sentence for the person; empty when fine."""
    return tuple(_problems(intake))


def has_control_characters(text: str, besides: str = "") -> bool:
    """Whether a text holds what cannot be shown, or kept by every database."""
    return any(
        unicodedata.category(character) in {"Cc", "Cs"} and character not in besides
        for character in text
    )


PROBLEM_WORDS: Mapping[str, str] = {
    "long_name": f"Please shorten the name to {LONGEST_NAME} characters.",
    "odd_name": "The name contains characters that cannot be shown. Please type it again.",
    "address": "Please give an e-mail address like name@example.com.",
    "no_kind": "Please choose what you ask for.",
    "odd_kind": "Please choose what you ask for from the list.",
    "long_message": f"Please shorten the message to {LONGEST_MESSAGE:,} characters.",
    "odd_message": "The message contains characters that cannot be shown. Please remove them.",
    "country": "Please choose a country from the list.",
    "time_zone": "Please choose a time zone from the list.",
}


def _problems(intake: Intake) -> Iterator[tuple[str, str]]:
    if len(intake.name) > LONGEST_NAME:
        yield "name", PROBLEM_WORDS["long_name"]
    if has_control_characters(intake.name) or set(intake.name) & set(_DIRECTION_MARKS):
        yield "name", PROBLEM_WORDS["odd_name"]
    if not _is_address(intake.contact_address):
        yield "contact_address", PROBLEM_WORDS["address"]
    if not intake.kinds:
        yield "kinds", PROBLEM_WORDS["no_kind"]
    elif not set(intake.kinds) <= set(Kind):
        yield "kinds", PROBLEM_WORDS["odd_kind"]
    if len(intake.message) > LONGEST_MESSAGE:
        yield "message", PROBLEM_WORDS["long_message"]
    if has_control_characters(intake.message, besides="\r\n\t"):
        yield "message", PROBLEM_WORDS["odd_message"]
    if intake.country and not _understood(country_code, intake.country):
        yield "country", PROBLEM_WORDS["country"]
    if intake.time_zone and not _understood(zone_named, intake.time_zone):
        yield "time_zone", PROBLEM_WORDS["time_zone"]


_ADDRESS = re.compile(
    r"[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]{1,64}"
    r"@(?:[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?\.)+"
    r"[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?"
)
# Marks that turn the direction of text let a name show other words than it holds.
_DIRECTION_MARKS = "\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069"


def _is_address(text: str) -> bool:
    local = text.partition("@")[0]
    return (
        len(text) <= LONGEST_ADDRESS
        and _ADDRESS.fullmatch(text) is not None
        and not (local.startswith(".") or local.endswith(".") or ".." in local)
    )


def _understood(read: Callable[[str], object], text: str) -> bool:
    try:
        read(text)
    except ValueError:
        return False
    return True
