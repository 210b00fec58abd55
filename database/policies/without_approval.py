"""What a version promises to whoever does not approve it: set in review, then only told (P5)."""

from datetime import date, datetime
from uuid import UUID
from zoneinfo import ZoneInfo

from sqlmodel import Session

from database.facts import record
from database.policies.policies import said_on
from database.tables import PolicyVersion
from database.writing import hold
from domain.approvals.without_approval import Promise, WithoutApproval, moved_later, promise_refusal
from domain.policies.reviews import VersionState


class PromiseRefused(Exception):
    """This cannot be promised, or not any more; nothing changed."""


def promise_of(version: PolicyVersion) -> Promise:
    """What happens to whoever does not approve a version."""
    return Promise(what=WithoutApproval(version.without_approval), until_on=version.stay_until_on)


def change_promise(
    transaction: Session,
    version: PolicyVersion,
    promise: Promise,
    *,
    effect_on: date,
    closing_page: str,
    by: UUID,
    now: datetime,
) -> None:
    """Promise something else of a version in review, which takes effect on that day at the
    earliest. Raises PromiseRefused."""
    hold(transaction, version)
    if version.state != VersionState.IN_REVIEW or version.released_by is not None:
        raise PromiseRefused(
            f"Version {version.number} is not in review: what happens without approval is fixed "
            "before the release. Nothing was changed."
        )
    refusal = promise_refusal(promise, effect_on, closing_page=closing_page)
    if refusal:
        raise PromiseRefused(f"{refusal} Nothing was changed.")
    if promise == promise_of(version):
        return
    version.without_approval, version.stay_until_on = promise.what, promise.until_on
    transaction.add(version)
    record(
        transaction,
        "policy_version.without_approval",
        version.id,
        now,
        by=by,
        without_approval=promise.what,
        stay_until_on=_words(promise.until_on),
    )


def follow_effect(
    transaction: Session, version: PolicyVersion, zone: ZoneInfo, now: datetime
) -> None:
    """The effect of a version that is held was fixed, or moved later: who stays until a day stays
    for 60 days after it at least. The day never moves earlier."""
    effect_on = said_on(version, zone)
    if effect_on is not None:
        follow(transaction, version, effect_on, now)


def follow(transaction: Session, version: PolicyVersion, effect_on: date, now: datetime) -> None:
    """The same, with the day to count from: of a version in force that asks for approval late, the
    one until which people are asked."""
    if version.stay_until_on is None:
        return
    before_on, promise = version.stay_until_on, moved_later(promise_of(version), effect_on)
    if promise.until_on == before_on:
        return
    version.stay_until_on = promise.until_on
    transaction.add(version)
    record(
        transaction,
        "policy_version.stay_until_moved",
        version.id,
        now,
        before_on=_words(before_on),
        stay_until_on=_words(promise.until_on),
    )


def _words(day: date | None) -> str | None:
    return day.isoformat() if day else None
