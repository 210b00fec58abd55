"""Who asks: codes and their limits, reminders, the staff check, a recent change of address (P19).

Pure. What is gated stands in `domain/requests/data_subject_requests.py`.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from domain.places import in_utc
from domain.rungs import ONE_DAY, Role, Rung, RungKind

CODE_PERIOD = timedelta(minutes=30)
TRIES = 5
COPY_TRIES = 3
"""Of the code with which a copy of one's data is fetched."""
CODES_AN_HOUR = 3
CODES_A_DAY = 6
MOST_GUESSES_A_DAY = TRIES * CODES_A_DAY
"""Of a hundred million codes: whoever guesses for the ninety days that a request may be open has a
chance of 1 in 37,000."""
CHANGED_LATELY_PERIOD = timedelta(days=14)
"""So long an address is too new to disclose anything to it at once."""
DISCLOSURE_HOLD_PERIOD = timedelta(hours=48)
OF_IDENTITY = "identity-"
"""What the keys of these rungs begin with. None is a step of the ladder."""
DRAFT = f"{OF_IDENTITY}draft"
"""The rung at which an answer is drafted, for a person to sign."""
DISPUTED = "disputed"
"""The step that tells staff of it."""
WORDS_FOR_STAFF: Mapping[str, str] = {
    DRAFT: "the answer that we could not verify who asks is drafted, for a person to sign",
    DISPUTED: "somebody at an address on file, or at one that was, says that it is not theirs",
}


@dataclass(frozen=True, kw_only=True)
class Code:
    """A code as the database knows it: when it was asked for, and how often it was tried, of how
    many times that it may be."""

    asked_at: datetime
    tries: int = 0
    used: bool = False
    most: int = TRIES

    @property
    def good_until(self) -> datetime:
        """From then on it opens nothing."""
        return self.asked_at + CODE_PERIOD

    def may_be_tried(self, now: datetime) -> bool:
        """Whether a guess is looked at at all."""
        return not self.used and self.tries < self.most and now < self.good_until


def may_have_another(asked_at: Collection[datetime], now: datetime) -> bool:
    """Whether a request may have another code, after those asked for at these instants.

    The day is counted with the life of a code added, so that no day of 24 hours sees guesses at
    more than CODES_A_DAY of them.
    """
    within_the_hour = sum(now - at < timedelta(hours=1) for at in asked_at)
    within_the_day = sum(now - at < ONE_DAY + CODE_PERIOD for at in asked_at)
    return within_the_hour < CODES_AN_HOUR and within_the_day < CODES_A_DAY


@dataclass(frozen=True, kw_only=True)
class IdentityNumbers:
    """Days after receipt at which whoever has not said who they are is reminded; and how long
    before the due time the answer is drafted that we could not verify it."""

    reminder_days: tuple[int, ...] = (1, 3, 7, 14, 21)
    draft_lead: timedelta = timedelta(days=5)


DEFAULT_NUMBERS = IdentityNumbers()


def identity_rungs(
    received_at: datetime, due_at: datetime, numbers: IdentityNumbers = DEFAULT_NUMBERS
) -> tuple[Rung, ...]:
    """The reminders to say who one is, and the draft of an answer to whoever does not.

    Earliest first, in UTC. A reminder that would come with the draft or after it is dropped; a
    draft is never before receipt.
    """
    received, due = in_utc(received_at), in_utc(due_at)
    draft = Rung(
        key=DRAFT,
        at=max(received, due - numbers.draft_lead),
        kind=RungKind.REMINDER,
        audience=(Role.ASSIGNEE,),
        summary=WORDS_FOR_STAFF[DRAFT],
    )
    reminders = (
        Rung(
            key=f"{OF_IDENTITY}{days}",
            at=received + days * ONE_DAY,
            kind=RungKind.REMINDER,
            audience=(Role.PERSON,),
            summary=f"reminder to the person to say who they are, {_days(days)} after receipt",
        )
        for days in sorted(set(numbers.reminder_days))
    )
    return (*(rung for rung in reminders if rung.at < draft.at), draft)


def _days(days: int) -> str:
    return "a day" if days == 1 else f"{days} days"


def _hours(period: timedelta) -> str:
    """A period in whole hours, the last one begun counted."""
    hours = -(-period // timedelta(hours=1))
    return "hour" if hours == 1 else f"{hours} hours"


def disclosure_refusal(
    *, held_until: datetime | None, disputed_at: datetime | None, now: datetime
) -> str | None:
    """Why nothing may be disclosed, corrected or erased now, as a sentence for staff."""
    if disputed_at is not None:
        return (
            "Somebody at an address on file, or at one that was, said that this request is not "
            "theirs, or the holder lives who was said to have died. Nothing is disclosed, "
            "corrected or erased until two of you found out who asks."
        )
    if held_until is not None and now < held_until:
        return (
            "The address in the account was changed lately, and its old one was warned. Nothing is "
            f"disclosed, corrected or erased for another {_hours(held_until - now)}; the page of "
            "the request says until when. Its clock goes on: answer then."
        )
    return None


class CheckMethod(StrEnum):
    """How staff find out who somebody is whose mailbox is gone. No copies of passports."""

    CALL_BACK = "call_back"
    CONTRACT_DETAILS = "contract_details"
    IN_PERSON = "in_person"


METHOD_WORDS: Mapping[CheckMethod, str] = {
    CheckMethod.CALL_BACK: "called back on a number on file",
    CheckMethod.CONTRACT_DETAILS: "asked for details of the contract that only its holder knows",
    CheckMethod.IN_PERSON: "seen in person",
}

COULD_NOT_VERIFY = (
    "Before we disclose, correct or erase anything we have to know that it is you who asks. "
    "If we hold an address for what you asked about, we wrote to it with a link and a code, and "
    "reminded you. Nobody confirmed the request in time, so we disclosed, changed and erased "
    "nothing.\n\n"
    "If the request is yours, you can still confirm it with the link in that mail: we then take it "
    "up again as a new request. If you cannot read mail at that address any more, write to us, and "
    "a person will find another way."
)
"""The same whether the person is known to us or not."""

NOTHING_HELD = (
    "You confirmed that this address is yours. There is no account with it, and apart from this "
    "request we found nothing that we hold under it.\n\n"
    "If you have used another address with us, make a new request and name that one."
)
"""Only for whoever proved control of the address."""

FOUND_FOR_OTHERS = (
    "You confirmed that this address is yours. There is no account with it. What we found under it "
    "we keep for another company, which decides about it, so your request has to go there. We hand "
    "out, change and erase nothing of it unless they tell us to."
)
"""The same, where a data source has something that we keep for somebody else (P24)."""
