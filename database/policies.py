"""Policies and their versions: submitted, announced, in force."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from hashlib import sha256
from uuid import UUID

from sqlmodel import Session, col, select

from database.facts import record
from database.ids import new_id
from database.tables import Policy, PolicyVersion
from database.writing import held, hold, insert_new
from domain.approvals import InForce, in_force
from domain.reviews import VersionState

PUBLIC_STATES = (
    VersionState.ANNOUNCED,
    VersionState.IN_FORCE,
    VersionState.SUPERSEDED,
    VersionState.WITHDRAWN,
)
TAKEN_BACK = (VersionState.REJECTED, VersionState.WITHDRAWN)


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


def add_policy(transaction: Session, *, slug: str, title: str, owner_id: UUID) -> Policy:
    """Add a kind of document. Raises SubmissionRefused when the slug is taken."""
    row = {"id": new_id(), "slug": slug, "title": title, "owner_id": owner_id}
    if not insert_new(transaction, Policy, [row]):
        raise SubmissionRefused(f"There is a policy {slug} already.")
    return transaction.get_one(Policy, row["id"])


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


def submit(
    transaction: Session, policy: Policy, submission: Submission, now: datetime
) -> PolicyVersion:
    """Store a new version, immutable, with its SHA-256 (P1).

    Raises SubmissionRefused when the text is that of the latest version that was not taken back, or
    when another version is still on its way.
    """
    if sha256(submission.text.encode()).hexdigest() != submission.sha256:
        raise SubmissionRefused("The text and its SHA-256 do not belong together.")
    hold(transaction, policy)
    earlier = versions(transaction, policy.id)
    on_its_way = [
        version
        for version in earlier
        if version.state in (VersionState.SUBMITTED, VersionState.IN_REVIEW, VersionState.ANNOUNCED)
    ]
    if on_its_way:
        raise SubmissionRefused(
            f"Version {on_its_way[-1].number} is still on its way ({on_its_way[-1].state}). "
            "Only one can be: wait until it is in force, or reject it while it is in review "
            "(promisekeeper policy reject). Nothing was stored."
        )
    standing = [version for version in earlier if version.state not in TAKEN_BACK]
    if standing and standing[-1].sha256 == submission.sha256:
        raise SubmissionRefused(
            f"This is word for word version {standing[-1].number}; no new version was made."
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
    )
    transaction.add(version)
    record(
        transaction,
        "policy_version.submitted",
        version.id,
        now,
        number=version.number,
        sha256=version.sha256,
        submitted_by=version.submitted_by,
    )
    return version


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
            earlier.state = VersionState.SUPERSEDED
            earlier.superseded_at = effective_at
            transaction.add(earlier)
            record(transaction, "policy_version.superseded", earlier.id, now, at=effective_at)
    transaction.flush()  # the last one leaves before the next one comes: only one is in force
    version.state = VersionState.IN_FORCE
    version.in_force_at = effective_at
    transaction.add(version)
    record(transaction, "policy_version.in_force", version.id, now, at=effective_at)
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
    version = session.exec(
        select(PolicyVersion).where(
            PolicyVersion.policy_id == policy_id,
            PolicyVersion.state == VersionState.ANNOUNCED,
        )
    ).first()
    if version is None or (version.effective_at is not None and version.effective_at <= at):
        return None
    return version


def public_versions(session: Session, policy_id: UUID) -> Sequence[PolicyVersion]:
    """The versions people may see: announced ones and later; drafts and rejected ones are not."""
    return [version for version in versions(session, policy_id) if version.state in PUBLIC_STATES]
