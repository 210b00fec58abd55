"""Data-subject requests: kinds, states, outcomes, grounds, and what an intake holds (P10-P26)."""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import cache

from domain.mail_addresses import ascii_address, is_mail_address
from domain.places import country_code, zone_named

LONGEST_NAME = 200
LONGEST_MESSAGE = 10_000
LONGEST_POSTAL_ADDRESS = 500


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


class RightState(StrEnum):
    """Where one right of a request stands: a refusal is in review until a second person agrees."""

    OPEN = "open"
    REVIEW = "review"
    DECIDED = "decided"


class Outcome(StrEnum):
    """How a request ended, or one right of it."""

    FULFILLED = "fulfilled"
    PARTIAL = "partial"
    REFUSED = "refused"
    UNVERIFIED = "unverified"
    REDIRECTED = "redirected"
    WITHDRAWN = "withdrawn"
    DUPLICATE = "duplicate"
    SPAM = "spam"
    NOTHING_HELD = "nothing_held"


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
    Outcome.NOTHING_HELD: "We hold nothing about you under the address you gave.",
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

RIGHT_STATE_WORDS: Mapping[RightState, str] = {
    RightState.OPEN: "not decided yet",
    RightState.REVIEW: "being checked",
    RightState.DECIDED: "decided",
}
"""How one right stands until the answer to all of them goes out, the same for everybody (P19)."""

GATED_KINDS = frozenset(Kind) - {Kind.OBJECTION_MARKETING, Kind.MARKETING_OPT_OUT, Kind.MINOR}
"""The kinds that wait until the person's identity is verified (P19)."""

UNCONDITIONAL_KINDS = frozenset({Kind.OBJECTION_MARKETING, Kind.MARKETING_OPT_OUT})
"""The kinds that nothing stands against (P15, P17)."""


@dataclass(frozen=True, kw_only=True)
class Intake:
    """A request as it arrives. `kinds` are words from outside, not yet checked; one request may
    ask for several rights.

    `language` is that of the page it was made on, empty when it came another way. Name and
    addresses are those of the person whose data it is about; `account_address` is the one in their
    account, empty when it is the contact address; `postal_address` is for whoever has no mailbox.
    `agent_name` and `agent_address` are those of who asks for them, empty when they ask themselves.
    """

    name: str
    contact_address: str
    kinds: tuple[str, ...]
    account_address: str = ""
    message: str = ""
    country: str | None = None
    time_zone: str | None = None
    language: str = ""
    postal_address: str = ""
    agent_name: str = ""
    agent_address: str = ""

    def __post_init__(self) -> None:
        """Every door takes addresses in one spelling."""
        for field in ("contact_address", "account_address", "agent_address"):
            object.__setattr__(self, field, ascii_address(getattr(self, field)))

    @property
    def by_agent(self) -> bool:
        """Whether somebody asks for somebody else."""
        return bool(self.agent_name or self.agent_address)

    @property
    def rights(self) -> tuple[Kind, ...]:
        """What an intake without `problems` asks for, each once, in the order of `Kind`."""
        return in_order(map(Kind, self.kinds))


def in_order(kinds: Iterable[Kind]) -> tuple[Kind, ...]:
    """Kinds as they are always listed: each once, in the order of `Kind`."""
    asked = set(kinds)
    return tuple(kind for kind in Kind if kind in asked)


def problems(intake: Intake) -> tuple[tuple[str, str], ...]:
    """What is wrong with an intake: pairs of field and sentence for the person; empty when fine."""
    return tuple(_problems(intake))


def has_control_characters(text: str, besides: str = "") -> bool:
    """Whether a text holds what cannot be shown, or kept by every database."""
    return _not_to_be_shown(besides).search(text) is not None


@cache
def _not_to_be_shown(besides: str) -> re.Pattern[str]:
    """The control characters and the halves of surrogate pairs, which Unicode adds none to. Looked
    for at once, as an upload has millions of characters."""
    codes = (*range(0x20), *range(0x7F, 0xA0), *range(0xD800, 0xE000))
    odd = "".join(one for one in map(chr, codes) if one not in besides)
    return re.compile(f"[{re.escape(odd)}]")


PROBLEM_WORDS: Mapping[str, str] = {
    "long_name": f"Please shorten the name to {LONGEST_NAME} characters.",
    "odd_name": "The name contains characters that cannot be shown. Please type it again.",
    "address": "Please give an e-mail address like name@example.com.",
    "letters": "Our mail reaches only addresses that have no letters but a to z before the @. "
    "Please give another one, or write to us on paper.",
    "no_kind": "Please choose what you ask for.",
    "odd_kind": "Please choose what you ask for from the list.",
    "long_message": f"Please shorten the message to {LONGEST_MESSAGE:,} characters.",
    "odd_message": "The message contains characters that cannot be shown. Please remove them.",
    "country": "Please choose a country from the list.",
    "time_zone": "Please choose a time zone from the list.",
    "long_postal_address": f"Please shorten the postal address to {LONGEST_POSTAL_ADDRESS} "
    "characters.",
    "odd_postal_address": "The postal address contains characters that cannot be shown.",
    "no_agent_name": "Please give your own name too, as you ask for somebody else.",
    "agent_is_person": "This is the address of the person you ask for. Please give your own.",
}


def _problems(intake: Intake) -> Iterator[tuple[str, str]]:
    yield from _problems_of_name("name", intake.name)
    yield from _problems_of_addresses(intake)
    yield from _problems_of_text("postal_address", intake.postal_address, LONGEST_POSTAL_ADDRESS)
    if not intake.kinds:
        yield "kinds", PROBLEM_WORDS["no_kind"]
    elif not set(intake.kinds) <= set(Kind):
        yield "kinds", PROBLEM_WORDS["odd_kind"]
    yield from _problems_of_text("message", intake.message, LONGEST_MESSAGE)
    if intake.country and not _understood(country_code, intake.country):
        yield "country", PROBLEM_WORDS["country"]
    if intake.time_zone and not _understood(zone_named, intake.time_zone):
        yield "time_zone", PROBLEM_WORDS["time_zone"]
    if intake.by_agent:
        yield from _problems_of_agent(intake)


def problem_of_message(message: str) -> str | None:
    """What is wrong with a message, as its writer reads it; None when nothing is."""
    return next((said for _, said in _problems_of_text("message", message, LONGEST_MESSAGE)), None)


def _problems_of_name(field: str, name: str) -> Iterator[tuple[str, str]]:
    if len(name) > LONGEST_NAME:
        yield field, PROBLEM_WORDS["long_name"]
    if has_control_characters(name) or set(name) & set(_DIRECTION_MARKS):
        yield field, PROBLEM_WORDS["odd_name"]


def _problems_of_text(field: str, text: str, longest: int) -> Iterator[tuple[str, str]]:
    if len(text) > longest:
        yield field, PROBLEM_WORDS[f"long_{field}"]
    if has_control_characters(text, besides="\r\n\t"):
        yield field, PROBLEM_WORDS[f"odd_{field}"]


def _problems_of_agent(intake: Intake) -> Iterator[tuple[str, str]]:
    if not intake.agent_name:
        yield "agent_name", PROBLEM_WORDS["no_agent_name"]
    yield from _problems_of_name("agent_name", intake.agent_name)
    if not is_mail_address(intake.agent_address):
        yield "agent_address", _words_for(intake.agent_address)
    elif intake.agent_address.lower() == intake.contact_address.lower():
        yield "agent_address", PROBLEM_WORDS["agent_is_person"]


def _problems_of_addresses(intake: Intake) -> Iterator[tuple[str, str]]:
    on_paper = intake.postal_address and not intake.contact_address
    if not on_paper and not is_mail_address(intake.contact_address):
        yield "contact_address", _words_for(intake.contact_address)
    if intake.account_address and not is_mail_address(intake.account_address):
        yield "account_address", _words_for(intake.account_address)


# Marks that turn the direction of text let a name show other words than it holds.
_DIRECTION_MARKS = "\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069"


def _words_for(wrong: str) -> str:
    local, _, domain = wrong.rpartition("@")
    with_other_letters = not local.isascii() and is_mail_address(f"a@{domain}")
    return PROBLEM_WORDS["letters" if with_other_letters else "address"]


def _understood(read: Callable[[str], object], text: str) -> bool:
    try:
        read(text)
    except ValueError:
        return False
    return True
