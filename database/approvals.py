"""What account holders decided, and which version governs them (P5, P6)."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from uuid import UUID

from sqlmodel import Session, col, select

from database.assessments import findings_between, is_clean
from database.facts import record
from database.policies import timeline, versions
from database.tables import (
    Account,
    Approval,
    ApprovalVoid,
    AssertedVersion,
    Policy,
    PolicyVersion,
    Staff,
)
from database.voids import stands, voids_of
from database.writing import held
from domain.approvals import (
    Decided,
    Decision,
    Governing,
    InForce,
    Start,
    Voided,
    governing,
    needs_approval,
)


class NotGovernedYet(Exception):
    """No version of the policy was in force for this account at that instant."""


class PolicyHistory:
    """All that the fold needs to know of one policy, read once and asked for many accounts."""

    def __init__(self, session: Session, policy: Policy) -> None:
        self.policy = policy
        self.versions = {version.number: version for version in versions(session, policy.id)}
        self.by_id = {version.id: version for version in self.versions.values()}
        self.timeline: tuple[InForce, ...] = timeline(session, policy.id)
        self._session = session
        self._clean: dict[tuple[int, int], bool] = {}
        self._governed: dict[tuple[datetime, Start, tuple[Decided, ...]], Governing] = {}

    def clean(self, base: int, number: int) -> bool:
        """Whether going from one version to another takes nobody's approval."""
        pair = (base, number)
        if pair not in self._clean:
            self._clean[pair] = base == number or is_clean(
                self._session, self.versions[base], self.versions[number]
            )
        return self._clean[pair]

    def governing(self, accounts: Sequence[Account], at: datetime) -> dict[UUID, Governing]:
        """The governing version of each account at an instant; those without one are left out."""
        ids = [account.id for account in accounts]
        starts = self._starts(accounts)
        decisions = self._decisions(ids)
        return {
            account.id: self._governing(
                at, starts[account.id], tuple(decisions.get(account.id, ()))
            )
            for account in accounts
            if account.id in starts and starts[account.id].at <= at
        }

    def _governing(self, at: datetime, start: Start, decisions: tuple[Decided, ...]) -> Governing:
        """Worked out once for all accounts with the same past: most share theirs."""
        past = (at, start, decisions)
        if past not in self._governed:
            self._governed[past] = governing(
                at, start=start, timeline=self.timeline, decisions=decisions, clean=self.clean
            )
        return self._governed[past]

    def needs_approval(self, state: Governing, version: PolicyVersion) -> bool:
        """Whether an account in this state has to approve a version before it governs (P5)."""
        return needs_approval(state, version.number, self.clean)

    def _starts(self, accounts: Sequence[Account]) -> dict[UUID, Start]:
        asserted = {
            account_id: Start(
                number=self.by_id[version_id].number,
                at=asserted_at,
                proof=f"asserted by {handle} at import, no proof",
            )
            for account_id, version_id, asserted_at, handle in self._session.exec(
                select(
                    AssertedVersion.account_id,
                    AssertedVersion.policy_version_id,
                    AssertedVersion.asserted_at,
                    Staff.handle,
                )
                .join(Staff, col(Staff.id) == col(AssertedVersion.asserted_by))
                .where(
                    AssertedVersion.policy_id == self.policy.id,
                    col(AssertedVersion.account_id).in_([account.id for account in accounts]),
                )
            ).all()
        }
        starts: dict[UUID, Start] = {}
        for account in accounts:
            if account.id in asserted:
                starts[account.id] = asserted[account.id]
            elif self.timeline:
                first = self._first_for(account)
                starts[account.id] = Start(
                    number=first.number,
                    at=max(first.at, account.recorded_at),
                    proof="in force when the account was first known here, no proof",
                )
        return starts

    def _first_for(self, account: Account) -> InForce:
        before = [entry for entry in self.timeline if entry.at <= account.recorded_at]
        return before[-1] if before else self.timeline[0]

    def _decisions(self, account_ids: Sequence[UUID]) -> dict[UUID, list[Decided]]:
        rows = self._session.exec(
            select(Approval).where(
                col(Approval.account_id).in_(account_ids),
                col(Approval.policy_version_id).in_(list(self.by_id)),
            )
        ).all()
        voids = voids_of(self._session, account_ids)
        decisions: dict[UUID, list[Decided]] = {}
        for row in rows:
            decisions.setdefault(row.account_id, []).append(
                Decided(
                    number=self.by_id[row.policy_version_id].number,
                    decision=Decision(row.decision),
                    at=row.decided_at,
                    proof=f"{row.decision} by {row.how} on {row.decided_at:%Y-%m-%d %H:%M} UTC, "
                    f"approval {row.id}",
                    voided=_voided(voids.get(row.id)),
                )
            )
        return decisions


def _voided(void: ApprovalVoid | None) -> Voided | None:
    if void is None or void.confirmed_at is None:
        return None
    return Voided(at=void.confirmed_at, proof=f"{void.reason}, void {void.id}")


def governing_version(
    session: Session, policy: Policy, account: Account, at: datetime
) -> Governing:
    """The version that governs an account at an instant, and what proves it (P6).

    Raises NotGovernedYet when none did.
    """
    states = PolicyHistory(session, policy).governing([account], at)
    if account.id not in states:
        raise NotGovernedYet(
            f"No version of {policy.slug} governed account {account.external_id} at "
            f"{at:%Y-%m-%d %H:%M} UTC: the account is known from {account.recorded_at:%Y-%m-%d}."
        )
    return states[account.id]


def latest_decision(session: Session, account_id: UUID, version_id: UUID) -> Approval | None:
    """What an account holder last decided about a version, what was voided aside."""
    return session.exec(
        select(Approval)
        .where(
            Approval.account_id == account_id,
            Approval.policy_version_id == version_id,
            stands(),
        )
        .order_by(col(Approval.decided_at).desc())
    ).first()


def _is_last(session: Session, decision: Approval) -> bool:
    later = select(Approval.id).where(
        Approval.account_id == decision.account_id,
        col(Approval.decided_at) > decision.decided_at,
    )
    return session.exec(later).first() is None


@dataclass(frozen=True, kw_only=True)
class Shown:
    """What an account holder had before them when they decided, and how they got there."""

    version: PolicyVersion
    base: PolicyVersion
    how: str
    language: str
    link_id: UUID | None = None


def decide(
    transaction: Session, account: Account, shown: Shown, decision: Decision, now: datetime
) -> Approval:
    """Append a decision. The same one again returns what is recorded, unless the account holder
    decided about another version meanwhile: then it is their last word again (P5)."""
    version = shown.version
    held(transaction, Account, account.id)
    earlier = latest_decision(transaction, account.id, version.id)
    if earlier is not None and earlier.decision == decision and _is_last(transaction, earlier):
        return earlier
    row = Approval(
        account_id=account.id,
        policy_version_id=version.id,
        decision=decision,
        decided_at=now,
        shown_from_version_id=shown.base.id,
        text_sha256=version.sha256,
        change_sha256=change_sha256(transaction, shown.base, version),
        how=shown.how,
        language=shown.language,
        link_id=shown.link_id,
    )
    transaction.add(row)
    transaction.flush()
    record(
        transaction,
        f"approval.{decision.value}",
        account.id,
        now,
        approval=row.id,
        version=version.id,
        text_sha256=row.text_sha256,
        change_sha256=row.change_sha256,
    )
    return row


def change_sha256(session: Session, base: PolicyVersion, version: PolicyVersion) -> str:
    """A hash of what the person was shown: both texts and the confirmed sentences."""
    sentences: Iterable[str] = (
        finding.sentence for finding in findings_between(session, base.id, version.id)
    )
    return sha256("\n".join([base.sha256, version.sha256, *sentences]).encode()).hexdigest()
