"""What people accept in the company's own application: when they join, or at their next login (P6).

It is an approval only with version, hash of the text and instant, all three right. It counts from
when it is written down here, never from an earlier instant.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlmodel import Session, col, select

from database.approvals.approvals import Shown, decide, latest_decision
from database.approvals.renewing import renew_addressee
from database.policies.policies import PolicyUnknown, in_force_from, is_public, version_by_slug
from database.tables import Account, Approval, Policy, PolicyVersion
from database.writing import held
from domain.approvals.approvals import Decision
from domain.people.account_holders import AccountKind, Status
from domain.policies.reviews import VersionState

HOW = "api"


class AcceptanceRefused(Exception):
    """What was sent does not prove an approval; nothing was recorded."""


class NothingToAccept(AcceptanceRefused):
    """The version, or the account, is not one for which anything can be accepted."""


@dataclass(frozen=True, kw_only=True)
class Acceptance:
    """What another system says was accepted. `language`: in which it was shown, when said."""

    policy: str
    version: int
    text_sha256: str
    accepted_at: datetime
    language: str | None = None


@dataclass(frozen=True, kw_only=True)
class Accepted:
    """The approval that was recorded, and whether it is new. `owed`: first notices of other
    versions that are to be sent again because of it."""

    approval: Approval
    is_new: bool
    owed: Sequence[UUID] = ()


def accept(
    transaction: Session, account: Account, acceptance: Acceptance, now: datetime
) -> Accepted:
    """Record an approval: the same one sent again changes nothing.

    Raises PolicyUnknown for a version that nobody outside knows, AcceptanceRefused for a wrong
    hash or instant, NothingToAccept for a closed account, a version taken back, or one that was
    declined after it was accepted.
    """
    version = _public_version(transaction, acceptance)
    _require_right(version, acceptance, now)
    account = held(transaction, Account, account.id)
    earlier = _sent_before(transaction, account, version, acceptance)
    if earlier is not None:
        return Accepted(approval=earlier, is_new=False)
    if account.status != Status.OPEN:
        raise NothingToAccept(
            f"This account is {account.status}, so nothing can be accepted for it. Nothing was "
            "recorded."
        )
    if account.kind == AccountKind.MINOR:
        raise NothingToAccept(
            "This is the account of a minor, whose approval is void. Nothing was recorded."
        )
    said = latest_decision(transaction, account.id, version.id)
    if said and said.decision == Decision.DECLINED and said.decided_at > acceptance.accepted_at:
        raise NothingToAccept(
            f"The account holder declined version {version.number} after accepted_at, and their "
            "last word counts. Let them accept it again if they changed their mind. Nothing was "
            "recorded."
        )
    shown = Shown(
        version=version,
        base=version,  # the text as a whole, and no change from another one
        how=HOW,
        language=acceptance.language or account.locale,
        said_at=acceptance.accepted_at,
    )
    row = decide(transaction, account, shown, Decision.APPROVED, now)
    policy = transaction.get_one(Policy, version.policy_id)
    owed = renew_addressee(transaction, policy, account, now, after=version.id)
    return Accepted(approval=row, is_new=row.decided_at == now, owed=owed)


def _public_version(session: Session, acceptance: Acceptance) -> PolicyVersion:
    version = version_by_slug(session, acceptance.policy, acceptance.version)
    if not is_public(version):
        raise PolicyUnknown(f"This policy has no version {acceptance.version}.")
    return version


def _require_right(version: PolicyVersion, acceptance: Acceptance, now: datetime) -> None:
    if version.state in (VersionState.WITHDRAWN, VersionState.REPLACED):
        raise NothingToAccept(
            f"Version {version.number} was taken back and never takes effect. Nothing was recorded."
        )
    if acceptance.text_sha256.lower() != version.sha256:
        raise AcceptanceRefused(
            f"text_sha256 is not that of version {version.number}, so it is not known what was "
            "accepted. Send the SHA-256 of the text that was shown. Nothing was recorded."
        )
    known_from = version.announced_at or in_force_from(version)
    if acceptance.accepted_at > now:
        raise AcceptanceRefused("accepted_at is in the future. Nothing was recorded.")
    if known_from is None or acceptance.accepted_at < known_from:
        raise AcceptanceRefused(
            f"accepted_at is before version {version.number} was announced. Nothing was recorded."
        )
    if version.superseded_at is not None and acceptance.accepted_at >= version.superseded_at:
        raise NothingToAccept(
            f"At accepted_at version {version.number} had been followed by a later one. Ask for "
            "the text in force to be accepted. Nothing was recorded."
        )


def _sent_before(
    session: Session, account: Account, version: PolicyVersion, acceptance: Acceptance
) -> Approval | None:
    return session.exec(
        select(Approval).where(
            Approval.account_id == account.id,
            Approval.policy_version_id == version.id,
            Approval.how == HOW,
            col(Approval.said_at) == acceptance.accepted_at,
        )
    ).first()
