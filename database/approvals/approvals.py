"""What account holders decided, and which version governs them (P5, P6)."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import Uuid, bindparam, exists
from sqlalchemy import select as select_columns
from sqlmodel import Session, col, select

from database.approvals.reach import correction_for
from database.approvals.shown_changes import ShownChange, keep_shown, shown_change, words_behind
from database.facts import record
from database.people.stages import stages_of
from database.policies.assessments import is_clean, ways_shown
from database.policies.counting import counts_for
from database.policies.law import law_between, takes_approval
from database.policies.policies import timeline, versions
from database.policies.voids import Voids, reading_of
from database.tables import (
    Account,
    Approval,
    AssertedVersion,
    Policy,
    PolicyVersion,
    Reclassification,
    ShownWords,
    Staff,
)
from database.webhooks.events import EventKind, tell
from database.writing import insert_row
from domain.approvals.approvals import (
    Decided,
    Decision,
    Governing,
    InForce,
    Reclassified,
    Stage,
    Start,
    Voided,
    Ways,
    in_force,
)
from domain.approvals.governing import (
    approved_by,
    asks_from,
    governing,
    needs_approval,
)
from domain.people.account_holders import void_as_a_minors

_LATEST = (
    select(Approval)
    .where(
        Approval.account_id == bindparam("account"),
        counts_for(bindparam("version", type_=Uuid())),
    )
    .order_by(col(Approval.decided_at).desc(), col(Approval.id).desc())
    .limit(1)
)
_HOLD = select(Account.id).where(Account.id == bindparam("account")).with_for_update(key_share=True)
_BEFORE = select_columns(
    exists().where(col(Approval.account_id) == bindparam("account")),
    exists().where(col(ShownWords.sha256) == bindparam("sha256")),
)
"""Nearly all decide for the first time, and on words that others have decided on."""
PASTS_REMEMBERED = 10_000
"""Few differ where nobody has decided; those of approvers are each their own."""


class NotGovernedYet(Exception):
    """No version of the policy was in force for this account at that instant."""


@dataclass(frozen=True, kw_only=True)
class Asserted:
    """What staff said governs an account when it was imported, without proof."""

    number: int
    by: str
    at: datetime


@dataclass(frozen=True, kw_only=True)
class Proven:
    """The version that governs an account at an instant, and the rows that prove it (P6).

    `approvals` are all decisions about the policy until then, also those taken back or voided;
    `voids` the voids of them until then, by the decision's id.
    """

    state: Governing
    asserted: Asserted | None
    approvals: tuple[Approval, ...]
    voids: Mapping[UUID, Voided]
    not_approved: PolicyVersion | None
    """The version in force at that instant, where it does not govern the account; None of a minor,
    who is told that nothing changes, and promised nothing else."""

    @property
    def proof(self) -> Approval | None:
        """The approval because of which the last move was allowed; None when it took none."""
        approval = self.state.steps[-1].approval
        rows = (row for row in self.approvals if approval and row.id == approval.row)
        return next(rows, None)


class PolicyHistory:
    """All that the fold needs to know of one policy, read once and asked for many accounts."""

    def __init__(self, session: Session, policy: Policy) -> None:
        self.policy = policy
        self.versions = {version.number: version for version in versions(session, policy.id)}
        self.by_id = {version.id: version for version in self.versions.values()}
        self.timeline: tuple[InForce, ...] = timeline(session, policy.id)
        self.reclassified = reclassified(session, policy.id)
        self.voids = Voids(session, policy.id)
        self._session = session
        self._clean: dict[tuple[int, int], bool] = {}
        self._required: dict[tuple[int, int], tuple[str, ...]] = {}
        self._adverse: dict[tuple[int, int], frozenset[str]] = {}
        self.ways = Ways(clean=self.clean, required=self.required, adverse=self.adverse)
        self._governed: dict[object, Governing] = {}

    def clean(self, base: int, number: int) -> bool:
        """Whether going from one version to another takes nobody's approval, by what was known when
        it was released; what was `reclassified` since has instants of its own."""
        pair = (base, number)
        if pair not in self._clean:
            self._clean[pair] = base == number or is_clean(
                self._session, self.versions[base], self.versions[number], at_release=True
            )
        return self._clean[pair]

    def required(self, base: int, number: int) -> tuple[str, ...]:
        """The laws that require all that is adverse from one version to another, as `clean`."""
        pair = (base, number)
        if pair not in self._required:
            between = self.versions[base], self.versions[number]
            cited = law_between(self._session, *between, at_release=True)
            self._required[pair] = tuple(dict.fromkeys(one.citation for one in cited))
        return self._required[pair]

    def adverse(self, base: int, number: int) -> frozenset[str]:
        """What takes approval from one version to another, as `clean`: the findings by their ids,
        as the same one may be seen from several texts."""
        pair = (base, number)
        if pair not in self._adverse:
            between = self.versions[base], self.versions[number]
            self._adverse[pair] = takes_approval(self._session, *between, at_release=True)
        return self._adverse[pair]

    def governing(self, accounts: Sequence[Account], at: datetime) -> dict[UUID, Governing]:
        """The governing version of each account at an instant; those without one are left out."""
        return {account: proven.state for account, proven in self.proven(accounts, at).items()}

    def proven(self, accounts: Sequence[Account], at: datetime) -> dict[UUID, Proven]:
        """As `governing`, with the rows that prove it."""
        ids = [account.id for account in accounts]
        asserted, approvals = self._asserted(ids), self._approvals(ids)
        stages = stages_of(self._session, accounts)
        answers = {}
        for account in accounts:
            start = self.start(account.recorded_at, asserted.get(account.id))
            rows = approvals.get(account.id, ())
            if start is None or start.at > at:
                continue
            stage = stages[account.id]
            decided = tuple(self._decided(row, stage.minor) for row in rows)
            state = self._governing(at, start, decided, stage.frozen)
            answers[account.id] = Proven(
                state=state,
                asserted=asserted.get(account.id),
                approvals=tuple(row for row in rows if row.decided_at <= at),
                voids={
                    one.row: one.voided
                    for one in decided
                    if one.row and one.voided and one.voided.at <= at
                },
                not_approved=None
                if any(each.holds(at) for each in stage.minor)
                else self._not_approved(state, at),
            )
        return answers

    def _not_approved(self, state: Governing, at: datetime) -> PolicyVersion | None:
        current = in_force(at, self.timeline)
        if current is None or current.number == state.number:
            return None
        return self.versions[current.number]

    def _governing(
        self,
        at: datetime,
        start: Start,
        decisions: tuple[Decided, ...],
        frozen: tuple[Stage, ...],
    ) -> Governing:
        """Worked out once for all accounts with the same past: most share theirs."""
        past = (at, start, decisions, frozen)
        if past not in self._governed:
            if len(self._governed) >= PASTS_REMEMBERED:
                self._governed.clear()
            self._governed[past] = governing(
                at,
                start=start,
                timeline=self.timeline,
                decisions=decisions,
                ways=self.ways,
                frozen=frozen,
                reclassified=self.reclassified,
            )
        return self._governed[past]

    def needs_approval(self, state: Governing, version: PolicyVersion) -> bool:
        """Whether an account in this state has to approve a version before it governs (P5)."""
        return needs_approval(state, version.number, self.ways.knowing(self.reclassified))

    def asks_from(self, state: Governing, version: PolicyVersion) -> PolicyVersion | None:
        """The version from which a change is shown to an account in this state, which is asked to
        approve it, or was; None where that takes no approval of it (P5, P6)."""
        base = asks_from(state, version.number, self.ways.knowing(self.reclassified))
        return None if base is None else self.versions[base]

    def approved_by(self, proven: Proven, version: PolicyVersion) -> Approval | None:
        """The approval because of which a version governs an account, or would; it may be one of an
        earlier version (P6)."""
        ways = self.ways.knowing(self.reclassified)
        behind = approved_by(proven.state, version.number, ways)
        return next((row for row in proven.approvals if behind and row.id == behind.row), None)

    def shown(self, approvals: Sequence[Approval]) -> Mapping[str, object]:
        """The words that were shown when these were decided, by their `change_sha256`."""
        return words_behind(self._session, [approval.change_sha256 for approval in approvals])

    def _asserted(self, account_ids: Sequence[UUID]) -> dict[UUID, Asserted]:
        rows = self._session.exec(
            select(
                AssertedVersion.account_id,
                AssertedVersion.policy_version_id,
                AssertedVersion.asserted_at,
                Staff.handle,
            )
            .join(Staff, col(Staff.id) == col(AssertedVersion.asserted_by))
            .where(
                AssertedVersion.policy_id == self.policy.id,
                col(AssertedVersion.account_id).in_(account_ids),
            )
        ).all()
        return {
            account_id: Asserted(number=self.by_id[version_id].number, by=handle, at=asserted_at)
            for account_id, version_id, asserted_at, handle in rows
        }

    def start(self, recorded_at: datetime, asserted: Asserted | None) -> Start | None:
        """What governed an account when it was first known; None before the first version."""
        if asserted is not None:
            proof = f"asserted by {asserted.by} at import, no proof"
            return Start(number=asserted.number, at=asserted.at, proof=proof)
        if not self.timeline:
            return None
        before = [entry for entry in self.timeline if entry.at <= recorded_at]
        first = before[-1] if before else self.timeline[0]
        return Start(
            number=first.number,
            at=max(first.at, recorded_at),
            proof="in force when the account was first known here, no proof",
        )

    def _approvals(self, account_ids: Sequence[UUID]) -> dict[UUID, list[Approval]]:
        rows = self._session.exec(
            select(Approval)
            .where(
                col(Approval.account_id).in_(account_ids),
                col(Approval.policy_version_id).in_(list(self.by_id)),
            )
            .order_by(col(Approval.decided_at), col(Approval.id))
        ).all()
        approvals: dict[UUID, list[Approval]] = {}
        for row in rows:
            approvals.setdefault(row.account_id, []).append(row)
        return approvals

    def _decided(self, row: Approval, minor: Sequence[Stage]) -> Decided:
        return Decided(
            number=self.by_id[row.policy_version_id].number,
            base=self.by_id[row.shown_from_version_id].number,
            decision=Decision(row.decision),
            at=row.decided_at,
            proof=f"{row.decision} by {row.how} on {row.decided_at:%Y-%m-%d %H:%M} UTC, "
            f"approval {row.id}",
            row=row.id,
            voided=earliest_void(
                Decision(row.decision),
                row.decided_at,
                self.voids.of(reading_of(row), row.decided_at, row.link_id),
                minor=minor,
            ),
        )


def reclassified(session: Session, policy_id: UUID) -> tuple[Reclassified, ...]:
    """What was found out of a policy's versions after they were released, and when (P2)."""
    rows = session.exec(
        select(Reclassification, PolicyVersion.number)
        .join(PolicyVersion, col(PolicyVersion.id) == col(Reclassification.policy_version_id))
        .where(
            PolicyVersion.policy_id == policy_id, col(Reclassification.confirmed_at).is_not(None)
        )
        .order_by(col(Reclassification.confirmed_at))
    ).all()
    return tuple(
        Reclassified(
            number=number,
            at=row.confirmed_at,
            changes=ways_shown(session, row.id),
            proof=f"{row.reason}, reclassification {row.id}",
        )
        for row, number in rows
        if row.confirmed_at
    )


def took_for_clean(session: Session, base: PolicyVersion, version: PolicyVersion) -> bool:
    """Whether the way from one version to another took no approval, and should have: what took it
    from the beginning moved nobody."""
    change = (base.number, version.number)
    wrong = any(change in found.changes for found in reclassified(session, version.policy_id))
    return wrong and is_clean(session, base, version, at_release=True)


def brought_in_error(
    session: Session, base: PolicyVersion, version: PolicyVersion
) -> PolicyVersion | None:
    """The first version that governed whoever has a base one without the approval that it had
    needed, of those up to one in force (P2); None where there is none."""
    if version.in_force_at is None:
        return None
    between = session.exec(
        select(PolicyVersion)
        .where(
            PolicyVersion.policy_id == version.policy_id,
            PolicyVersion.number > base.number,
            PolicyVersion.number <= version.number,
            col(PolicyVersion.in_force_at).is_not(None),
        )
        .order_by(col(PolicyVersion.number))
    ).all()
    return next((each for each in between if took_for_clean(session, base, each)), None)


def earliest_void(
    decision: Decision,
    decided_at: datetime,
    void: Voided | None,
    *,
    minor: Iterable[Stage],
) -> Voided | None:
    """From when a decision counts for nothing: by two people, or as an approval of a minor.
    `minor`: the times in which the account holder was said to be one."""
    minors = void_as_a_minors(decided_at, minor) if decision is Decision.APPROVED else None
    if minors is None or (void is not None and void.at <= minors):
        return void
    return Voided(at=minors, proof="the account holder is a minor")


def governing_version(
    session: Session, policy: Policy, account: Account, at: datetime
) -> Governing:
    """The version that governs an account at an instant, and what proves it (P6).

    Raises NotGovernedYet when none did.
    """
    return proven_version(PolicyHistory(session, policy), account, at).state


def proven_version(history: PolicyHistory, account: Account, at: datetime) -> Proven:
    """As `governing_version`, with the rows that prove it."""
    answers = history.proven([account], at)
    if account.id not in answers:
        raise NotGovernedYet(
            f"No version of {history.policy.slug} governed account {account.external_id} at "
            f"{at:%Y-%m-%d %H:%M} UTC: the account is known from {account.recorded_at:%Y-%m-%d}."
        )
    return answers[account.id]


def latest_decision(session: Session, account_id: UUID, version_id: UUID) -> Approval | None:
    """What an account holder last decided that counts for a version."""
    return session.exec(_LATEST, params={"account": account_id, "version": version_id}).first()


def _is_last(session: Session, decision: Approval, version: PolicyVersion) -> bool:
    later = (
        select(Approval.id)
        .join(PolicyVersion, col(PolicyVersion.id) == col(Approval.policy_version_id))
        .where(
            Approval.account_id == decision.account_id,
            PolicyVersion.policy_id == version.policy_id,
            col(Approval.decided_at) > decision.decided_at,
        )
    )
    return session.exec(later).first() is None


@dataclass(frozen=True, kw_only=True)
class Shown:
    """What an account holder had before them when they decided, and how they got there.

    `said_at`: when another system says that they did. `change`: where it was worked out already.
    """

    version: PolicyVersion
    base: PolicyVersion
    how: str
    language: str
    link_id: UUID | None = None
    said_at: datetime | None = None
    change: ShownChange | None = None


def change_shown(session: Session, account: Account, shown: Shown) -> ShownChange:
    """The change as its page shows it to an account holder now."""
    put_right = correction_for(session, shown.version.id, account.id)
    return shown_change(session, shown.base, shown.version, shown.language, put_right)


def decide(
    transaction: Session, account: Account, shown: Shown, decision: Decision, now: datetime
) -> Approval:
    """Append a decision. The same one again returns what is recorded, unless the account holder
    decided about another version meanwhile, or was shown the change from another: then it is their
    last word again (P5)."""
    version = shown.version
    transaction.flush()
    connection = transaction.connection()
    connection.execute(_HOLD, {"account": account.id}).one()
    change = shown.change or change_shown(transaction, account, shown)
    asked = {"account": account.id, "sha256": change.sha256}
    answered, kept = connection.execute(_BEFORE, asked).one()
    earlier = latest_decision(transaction, account.id, version.id) if answered else None
    if (
        earlier is not None
        and earlier.decision == decision
        and earlier.shown_from_version_id == shown.base.id
        and _is_last(transaction, earlier, version)
    ):
        return earlier
    if not kept:
        keep_shown(transaction, change)
    row = Approval(
        account_id=account.id,
        policy_version_id=version.id,
        decision=decision,
        decided_at=now,
        shown_from_version_id=shown.base.id,
        text_sha256=version.sha256,
        change_sha256=change.sha256,
        how=shown.how,
        language=shown.language,
        link_id=shown.link_id,
        said_at=shown.said_at,
    )
    insert_row(transaction, Approval, row.model_dump())
    record(
        transaction,
        f"approval.{decision.value}",
        account.id,
        now,
        approval=row.id,
        version=version.id,
        text_sha256=row.text_sha256,
        change_sha256=row.change_sha256,
        said_at=row.said_at,
    )
    tell(transaction, EventKind.APPROVAL_RECORDED, [account.id], now, version_id=version.id)
    return row
