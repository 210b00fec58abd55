"""What happens to whoever does not approve a version: fixed before release, and told (P5). Pure.

In no case does a version of class approval govern somebody who has not approved it.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum

STAYS_AT_LEAST = timedelta(days=60)
"""From the effect of a version until the company may end the contract of who has not approved."""


class WithoutApproval(StrEnum):
    """What is promised to whoever does not approve."""

    STAY = "stay"
    STAY_UNTIL = "stay_until"
    OFFER_CLOSING = "offer_closing"


@dataclass(frozen=True, kw_only=True)
class Promise:
    """What happens without approval. `until_on`: the day until which they stay at least, with
    STAY_UNTIL only."""

    what: WithoutApproval = WithoutApproval.STAY
    until_on: date | None = None


JUST_STAY = Promise()
IF_YOU_DO_NOT_APPROVE: Mapping[WithoutApproval, str] = {
    WithoutApproval.STAY: "You stay on version %(number)s.",
    WithoutApproval.STAY_UNTIL: "You stay on version %(number)s, until %(day)s at least. After "
    "that day we may end our contract with you; without your approval the new version never "
    "applies to you.",
    WithoutApproval.OFFER_CLOSING: "You stay on version %(number)s. If you would rather leave, you "
    "may close your account.",
}
"""As it is told to somebody whose version is known, by mail and on their page."""
IF_SOMEBODY_DOES_NOT_APPROVE: Mapping[WithoutApproval, str] = {
    WithoutApproval.STAY: "Whoever does not approve stays on the version they have.",
    WithoutApproval.STAY_UNTIL: "Whoever does not approve stays on the version they have, until "
    "%(day)s at least. After that day we may end the contract with them; without their approval "
    "the new version never applies to them.",
    WithoutApproval.OFFER_CLOSING: "Whoever does not approve stays on the version they have, or "
    "may close their account.",
}
"""As it is told to everybody, in the public notice."""
NEVER_DEPENDS = (
    "Logging in, exporting, erasing your data and closing your account never depend on this."
)


def earliest_until_on(effect_on: date) -> date:
    """The first day until which people may be said to stay, of a version with that effect."""
    return effect_on + STAYS_AT_LEAST


def promise_refusal(promise: Promise, effect_on: date, *, closing_page: str) -> str | None:
    """The sentence why this cannot be promised of a version that takes effect on that day, or
    later; None when it can. `closing_page`: where people close their account, if there is one."""
    if promise.what is WithoutApproval.OFFER_CLOSING and not closing_page:
        return (
            "offer_closing needs a page where people close their account, and none is known here: "
            "ops set PROMISEKEEPER_COMPANY_CLOSING_URL, or promise something else."
        )
    if promise.what is not WithoutApproval.STAY_UNTIL:
        return "Only stay_until has a day." if promise.until_on else None
    if promise.until_on is None:
        return "stay_until needs the day until which people stay at least."
    earliest_on = earliest_until_on(effect_on)
    if promise.until_on < earliest_on:
        return (
            f"People stay on their version for {STAYS_AT_LEAST.days} days after the effect at "
            f"least (P5). The effect is not before {effect_on}: the earliest is {earliest_on}."
        )
    return None


def moved_later(promise: Promise, effect_on: date) -> Promise:
    """The same promise once the day of effect is known, or has moved: never for a shorter time."""
    if promise.until_on is None:
        return promise
    return Promise(what=promise.what, until_on=max(promise.until_on, earliest_until_on(effect_on)))


def keeps(told: Promise, promise: Promise) -> bool:
    """Whether who was told the one may be held to the other without being told again."""
    if told.what is not promise.what:
        return False
    return told.until_on is None or (promise.until_on or told.until_on) >= told.until_on
