"""Policies and their versions: submitted, announced, in force."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from hashlib import sha256
from types import MappingProxyType
from uuid import UUID
from zoneinfo import ZoneInfo

from sqlmodel import Session, col, select

from database.facts import record
from database.ids import new_id
from database.policies.law import record_departure
from database.tables import Policy, PolicyVersion
from database.webhooks.events import tell_in_force
from database.writing import held, hold, insert_new
from domain.approvals.approvals import InForce, in_force
from domain.approvals.without_approval import JUST_STAY, Promise
from domain.places import local_date
from domain.policies.reviews import TO_COME, VersionState
from translations.catalogues import for_staff

PUBLIC_STATES = (
    *TO_COME,
    VersionState.IN_FORCE,
    VersionState.SUPERSEDED,
    VersionState.WITHDRAWN,
)
LONGEST_TITLE = 100
DRAFT_STATES = (VersionState.SUBMITTED, VersionState.IN_REVIEW)
TAKEN_BACK = (VersionState.REJECTED, VersionState.WITHDRAWN, VersionState.REPLACED)


class PolicyUnknown(Exception):
    """There is no such policy or version."""


class SubmissionRefused(Exception):
    """A version could not be submitted; nothing was stored."""


@dataclass(frozen=True, kw_only=True)
class Submission:
    """A new version as it is handed in. `text` is the normalised Markdown."""

    text: str
    sha256: str
    summary: str
    submitted_by: UUID
    planned_effective_on: date | None
    notice_days: int
    promise: Promise = JUST_STAY


def add_policy(
    transaction: Session,
    *,
    slug: str,
    title: str,
    owner_id: UUID,
    titles: Mapping[str, str] = MappingProxyType({}),
) -> Policy:
    """Add a kind of document; `titles` by language, as `titled` returns them.

    Raises SubmissionRefused when the slug is taken.
    """
    row = {
        "id": new_id(),
        "slug": slug,
        "title": title,
        "titles": dict(titles),
        "owner_id": owner_id,
    }
    if not insert_new(transaction, Policy, [row]):
        raise SubmissionRefused(f"There is a policy {slug} already.")
    return transaction.get_one(Policy, row["id"])


def titled(titles: Mapping[str, str], languages: Sequence[str]) -> Mapping[str, str]:
    """Titles as they are kept: each in one line, in a language that we speak.

    Raises SubmissionRefused.
    """
    kept = {language: " ".join(title.split()) for language, title in titles.items()}
    for language, title in kept.items():
        if language not in languages:
            raise SubmissionRefused(
                f"{language!r} is none of the languages in PROMISEKEEPER_LANGUAGES: "
                f"{', '.join(languages)}. Nothing was stored."
            )
        if not 0 < len(title) <= LONGEST_TITLE:
            raise SubmissionRefused(
                f"The title in {for_staff(language)} has {len(title)} characters; 1 to "
                f"{LONGEST_TITLE} can be shown. Nothing was stored."
            )
    return kept


def entitle(
    transaction: Session,
    policy: Policy,
    titles: Mapping[str, str],
    *,
    languages: Sequence[str],
    by: UUID,
    now: datetime,
) -> None:
    """Let a policy be called so from now on, in these languages. Raises SubmissionRefused."""
    hold(transaction, policy)
    kept = titled(titles, languages)
    policy.titles = {**policy.titles, **kept}
    transaction.add(policy)
    record(transaction, "policy.titled", policy.id, now, by=by, titles=kept)


def policies(session: Session) -> Sequence[Policy]:
    """Every policy, by slug."""
    return session.exec(select(Policy).order_by(Policy.slug)).all()


def hold_policies(transaction: Session) -> None:
    """Make every policy ours until the transaction ends: no audience begins to be frozen."""
    transaction.exec(select(Policy.id).order_by(col(Policy.id)).with_for_update(key_share=True))


def policy_by_slug(session: Session, slug: str) -> Policy:
    """Raises PolicyUnknown with the slugs that exist."""
    policy = session.exec(select(Policy).where(Policy.slug == slug)).first()
    if policy is None:
        known = ", ".join(policy.slug for policy in policies(session)) or "none yet"
        raise PolicyUnknown(
            f"There is no policy {slug!r} (known: {known}). "
            f"Add it with: promisekeeper policy add {slug} --title TITLE --owner STAFF"
        )
    return policy


def versions(session: Session, policy_id: UUID) -> Sequence[PolicyVersion]:
    """Every version of a policy, oldest first."""
    return session.exec(
        select(PolicyVersion)
        .where(PolicyVersion.policy_id == policy_id)
        .order_by(col(PolicyVersion.number))
    ).all()


def version_by_number(session: Session, policy_id: UUID, number: int) -> PolicyVersion:
    """Raises PolicyUnknown."""
    version = session.exec(
        select(PolicyVersion).where(
            PolicyVersion.policy_id == policy_id, PolicyVersion.number == number
        )
    ).first()
    if version is None:
        raise PolicyUnknown(f"This policy has no version {number}.")
    return version


def version_by_slug(session: Session, slug: str, number: int) -> PolicyVersion:
    """Raises PolicyUnknown."""
    return version_by_number(session, policy_by_slug(session, slug).id, number)


def submit(
    transaction: Session, policy: Policy, submission: Submission, now: datetime
) -> PolicyVersion:
    """Store a new version, immutable, with its SHA-256 (P1).

    A draft that is still before legal gives way to it: its reviews were of another text (P8). An
    announced version runs on until this one is announced. Raises SubmissionRefused when the text is
    that of the latest version that was not taken back, of the announced one, or of the one in
    force; and while another version is just being announced.
    """
    if sha256(submission.text.encode()).hexdigest() != submission.sha256:
        raise SubmissionRefused("The text and its SHA-256 do not belong together.")
    hold(transaction, policy)
    earlier = versions(transaction, policy.id)
    standing = [version for version in earlier if version.state not in TAKEN_BACK]
    announced = [version for version in standing if version.state in TO_COME]
    in_force = [version for version in standing if version.state == VersionState.IN_FORCE]
    for same in (*announced, *in_force, *standing[-1:]):
        if same.sha256 == submission.sha256:
            words = f"This is word for word version {same.number}; no new version was made."
            withdraw = " Withdraw the announced one to stay with it."
            stays = bool(announced) and same not in announced
            raise SubmissionRefused(words + withdraw * stays)
    drafts = [
        held(transaction, PolicyVersion, version.id)
        for version in standing
        if version.state in DRAFT_STATES
    ]
    for draft in drafts:
        if draft.released_by is not None:
            raise SubmissionRefused(
                f"Version {draft.number} is released and is just being announced. Hand this one in "
                "again in a minute: it takes that one's place. Nothing was stored."
            )
    version = PolicyVersion(
        policy_id=policy.id,
        number=earlier[-1].number + 1 if earlier else 1,
        text=submission.text,
        sha256=submission.sha256,
        summary=submission.summary,
        submitted_by=submission.submitted_by,
        submitted_at=now,
        planned_effective_on=submission.planned_effective_on,
        notice_days=submission.notice_days,
        without_approval=submission.promise.what,
        stay_until_on=submission.promise.until_on,
    )
    transaction.add(version)
    transaction.flush()  # the new one is there before others point to it
    record(
        transaction,
        "policy_version.submitted",
        version.id,
        now,
        number=version.number,
        sha256=version.sha256,
        submitted_by=version.submitted_by,
        without_approval=version.without_approval,
        stay_until_on=version.stay_until_on.isoformat() if version.stay_until_on else None,
    )
    for draft in drafts:
        if draft.state in DRAFT_STATES:
            replace(transaction, draft, by=version, now=now)
    return version


def replace(
    transaction: Session, version: PolicyVersion, *, by: PolicyVersion, now: datetime
) -> None:
    """Another version takes the place of one that is held and was never in force (P8)."""
    version.state = VersionState.REPLACED
    version.effective_at = None  # a fact keeps which day it had been
    version.replaced_by_id = by.id
    record(transaction, "policy_version.replaced", version.id, now, by=by.id, number=by.number)
    transaction.flush()


def replaced_by(session: Session, version_id: UUID) -> Sequence[PolicyVersion]:
    """The versions whose place a version took, the oldest first."""
    return session.exec(
        select(PolicyVersion)
        .where(PolicyVersion.replaced_by_id == version_id)
        .order_by(col(PolicyVersion.number))
    ).all()


def corrected_by(session: Session, version_id: UUID) -> Sequence[PolicyVersion]:
    """The versions that a version only mends: what was told and decided of them counts for it."""
    return session.exec(
        select(PolicyVersion)
        .where(PolicyVersion.corrected_by_id == version_id)
        .order_by(col(PolicyVersion.number))
    ).all()


def replacement_of(session: Session, version: PolicyVersion) -> PolicyVersion | None:
    """The version that took this one's place, if one did."""
    if version.replaced_by_id is None:
        return None
    return session.get_one(PolicyVersion, version.replaced_by_id)


def giving_way(session: Session, policy_id: UUID) -> Sequence[PolicyVersion]:
    """The versions whose place a new one takes: a draft at once, an announced one later."""
    return [
        version
        for version in versions(session, policy_id)
        if version.state in (*DRAFT_STATES, *TO_COME)
    ]


def put_in_force(transaction: Session, version: PolicyVersion, now: datetime) -> bool:
    """Make a version the one in force, and the last one superseded; whether this did it.

    Nothing happens when it was done already, nor without a date of effect that has come (P7).
    """
    held(transaction, Policy, version.policy_id)
    hold(transaction, version)
    effective_at = version.effective_at
    if version.in_force_at is not None or effective_at is None or effective_at > now:
        return False
    for earlier in versions(transaction, version.policy_id):
        if earlier.state == VersionState.IN_FORCE:
            record_departure(transaction, earlier, version, now, at=effective_at)
            earlier.state = VersionState.SUPERSEDED
            earlier.superseded_at = effective_at
            transaction.add(earlier)
            record(transaction, "policy_version.superseded", earlier.id, now, at=effective_at)
    transaction.flush()  # the last one leaves before the next one comes: only one is in force
    version.state = VersionState.IN_FORCE
    version.in_force_at = effective_at
    transaction.add(version)
    record(transaction, "policy_version.in_force", version.id, now, at=effective_at)
    tell_in_force(transaction, version.id, now)
    return True


def in_force_from(version: PolicyVersion) -> datetime | None:
    """From when a version is in force. A date that is fixed rules by itself, on the minute, also
    while no worker runs to write it down."""
    if version.state == VersionState.ANNOUNCED:
        return version.effective_at
    return version.in_force_at


def timeline(session: Session, policy_id: UUID) -> tuple[InForce, ...]:
    """From when each version of a policy is in force."""
    return tuple(
        InForce(number=version.number, at=at)
        for version in versions(session, policy_id)
        if (at := in_force_from(version)) is not None
    )


def version_in_force(session: Session, policy_id: UUID, at: datetime) -> PolicyVersion | None:
    """The version in force at an instant; the effective instant belongs to the new one."""
    current = in_force(at, timeline(session, policy_id))
    return version_by_number(session, policy_id, current.number) if current else None


def previous_version(session: Session, version: PolicyVersion) -> PolicyVersion | None:
    """The version that this one is to replace: the one in force when it was submitted."""
    return session.exec(
        select(PolicyVersion)
        .where(
            PolicyVersion.policy_id == version.policy_id,
            PolicyVersion.number < version.number,
            col(PolicyVersion.in_force_at).is_not(None),
        )
        .order_by(col(PolicyVersion.number).desc())
    ).first()


def announced_version(session: Session, policy_id: UUID, at: datetime) -> PolicyVersion | None:
    """The version that is announced and not in force yet; at most one."""
    version = next(iter(announced_versions(session, policy_id)), None)
    if version is None or (version.effective_at is not None and version.effective_at <= at):
        return None
    return version


def announced_versions(session: Session, policy_id: UUID) -> Sequence[PolicyVersion]:
    """The versions whose state says that they are announced, or postponed: at most one."""
    return session.exec(
        select(PolicyVersion).where(
            PolicyVersion.policy_id == policy_id,
            col(PolicyVersion.state).in_(TO_COME),
        )
    ).all()


def said_on(version: PolicyVersion, zone: ZoneInfo) -> date | None:
    """The day that people were told of an announced version, be it only as "not before"."""
    if version.effective_at:
        return local_date(version.effective_at, zone)
    return version.planned_effective_on


def public_versions(session: Session, policy_id: UUID) -> Sequence[PolicyVersion]:
    """The versions people may see: announced ones and later; drafts and rejected ones are not."""
    return [version for version in versions(session, policy_id) if is_public(version)]


def is_public(version: PolicyVersion) -> bool:
    """Whether people may see it; of those that were replaced, which they had heard of (P1)."""
    if version.state == VersionState.REPLACED:
        return version.announced_at is not None
    return version.state in PUBLIC_STATES
