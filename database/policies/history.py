"""Versions that were in force before the engine knew the policy: stored, without any campaign."""

from collections.abc import Sequence
from datetime import datetime
from itertools import zip_longest
from uuid import UUID
from zoneinfo import ZoneInfo

from sqlmodel import Session

from database.facts import record
from database.policies.policies import SubmissionRefused, versions
from database.tables import Policy, PolicyVersion
from database.writing import hold
from domain.places import start_of_day
from domain.policies.history import PastVersion
from domain.policies.reviews import VersionState


def import_history(
    transaction: Session,
    policy: Policy,
    past: Sequence[PastVersion],
    *,
    by: UUID,
    zone: ZoneInfo,
    now: datetime,
) -> None:
    """Store all of them, the last one as the version in force (P1, P6).

    Nobody is mailed, and no account is said to have accepted anything. Raises SubmissionRefused
    when the policy has versions already: what came before them can no longer be told apart.
    """
    hold(transaction, policy)
    if versions(transaction, policy.id):
        raise SubmissionRefused(
            f"{policy.slug} has versions already: its history comes before the first of them. "
            "Nothing was stored."
        )
    for version, follower in zip_longest(past, past[1:]):
        began_at = start_of_day(version.in_force_on, zone)
        row = PolicyVersion(
            policy_id=policy.id,
            number=version.number,
            text=version.text.text,
            sha256=version.text.sha256,
            summary=version.summary,
            state=VersionState.SUPERSEDED if follower else VersionState.IN_FORCE,
            submitted_by=by,
            submitted_at=now,
            notice_days=0,
            effective_at=began_at,
            in_force_at=began_at,
            superseded_at=start_of_day(follower.in_force_on, zone) if follower else None,
        )
        transaction.add(row)
        record(
            transaction,
            "policy_version.imported",
            row.id,
            now,
            number=row.number,
            sha256=row.sha256,
            in_force_at=began_at,
            imported_by=by,
        )
