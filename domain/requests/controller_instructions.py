"""What a company for which we keep data tells us to do with it, and what stops us (P24). Pure."""

from collections.abc import Mapping
from enum import StrEnum

from domain.requests.personal_data import Verb


class InstructionState(StrEnum):
    """Where an instruction stands: `review` until a second person decides, `work` while the
    sources are asked, and then one of its two ends."""

    REVIEW = "review"
    WORK = "work"
    DONE = "done"
    REFUSED = "refused"


UNFINISHED = (InstructionState.REVIEW, InstructionState.WORK)

INSTRUCTED: Mapping[Verb, str] = {
    Verb.EXPORT: "hand over a copy of a person's data",
    Verb.ERASE: "erase a person's data",
    Verb.CORRECT: "correct a person's data",
    Verb.RESTRICT: "restrict the use of a person's data",
}
"""What a controller may tell us to do, in words."""

UNDER_HOLD = "A legal hold stands on this person."
"""Why an instruction is held that nobody has doubted."""

SECOND_PERSON = "instruction_second_person"
INSTRUCTION_WORDS: Mapping[str, str] = {
    SECOND_PERSON: "a second person has to decide whether it is carried out",
}
"""Steps that tell staff of an instruction, beside those of its sources."""


def bars(verb: Verb) -> bool:
    """Whether a legal hold on the person stands against it: what a hold keeps is not changed."""
    return verb in {Verb.ERASE, Verb.CORRECT}


def needs_second_person(verb: Verb, doubt: str) -> bool:
    """Whether somebody else has to decide: about every erasure, and whatever looks unlawful."""
    return verb is Verb.ERASE or bool(doubt)
