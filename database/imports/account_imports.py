"""Imports of accounts: put aside, checked, and decided at one instant or thrown away.

Nothing is ever half imported: until the decision an import is nothing, and from then on it stands
and is only carried into the accounts (`database/imports/unfinished_imports.py`).
"""

from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import islice
from uuid import UUID

from sqlalchemy import ColumnElement, insert, update
from sqlalchemy.exc import IntegrityError
from sqlmodel import Session, and_, col, exists, func, or_, select

from database.chunks import Advance
from database.engine import Database
from database.ids import new_id
from database.imports.carrying import DELETE_ROWS, next_chunk, rows_of, same_account, says_otherwise
from database.people.accounts import AccountRow
from database.policies.policies import hold_policies, policies, version_in_force, versions
from database.tables import Account, AccountImport, AccountImportRow, Campaign, PolicyVersion
from database.writing import held_if_there
from domain.people.account_holders import Status
from domain.policies.reviews import TO_COME, VersionClass, VersionState

STAGED, DECIDED, DONE, DISCARDED = "staged", "decided", "done", "discarded"
CHUNK = 100
LONGEST_STAGING = timedelta(days=1)
LARGEST_SHARE = 0.05


class ImportRefused(Exception):
    """The file cannot be imported; nothing of it was."""


class ImportNeedsYes(ImportRefused):
    """The file closes or re-addresses so many accounts that somebody has to say yes."""


class _Overtaken(Exception):
    """Another import was finished since the check: what was found then may not hold any more."""


@dataclass(frozen=True, kw_only=True)
class ImportResult:
    """What an import did, or would do."""

    added: int
    updated: int
    unchanged: int


def stage(
    database: Database,
    import_id: UUID,
    rows: Iterable[AccountRow],
    *,
    asserted_by: UUID,
    now: datetime,
) -> Iterator[int]:
    """Put checked rows aside, chunk by chunk; yields how many each time.

    Each external id may stand in them once. `asserted_by` answers for what the file says.
    """
    with database.transaction() as transaction:
        transaction.add(AccountImport(id=import_id, asserted_by=asserted_by, staged_at=now))
        only = only_policy(transaction)
    waiting = iter(rows)
    while chunk := [put_aside(import_id, row, only) for row in islice(waiting, CHUNK)]:
        with database.transaction() as transaction:
            transaction.connection().execute(insert(AccountImportRow), chunk)
        yield len(chunk)


def check(session: Session, import_id: UUID, *, yes: bool, now: datetime) -> int:
    """Refuse what must not stand, before the decision.

    Returns how many imports are done, for `decide` to see that none was finished since. Raises
    ImportRefused when a version is asserted of a new account that was never in force (P6), and
    ImportNeedsYes, unless `yes`, when more than 5 % of the known accounts would be closed or
    re-addressed.
    """
    refuse_unknown_versions(session, import_id, now)
    changed, known = shares_changed(session, import_id)
    if changed > LARGEST_SHARE * known and not yes:
        raise ImportNeedsYes(
            f"The file closes or re-addresses {changed} of {known} accounts, which is more than "
            "5 %. Nothing was imported. If that is right, say --yes."
        )
    return _done(session)


def shares_changed(session: Session, import_id: UUID) -> tuple[int, int]:
    """How many known accounts the staged file closes or re-addresses, and how many are known."""
    changed = session.exec(
        select(func.count())
        .select_from(AccountImportRow)
        .join(Account, same_account())
        .where(
            AccountImportRow.import_id == import_id,
            or_(
                and_(
                    func.lower(Account.email) != func.lower(AccountImportRow.email),
                    col(Account.email) != "",
                    col(AccountImportRow.email) != "",
                ),
                and_(
                    col(Account.status) == Status.OPEN,
                    col(AccountImportRow.status) != Status.OPEN,
                ),
            ),
        )
    ).one()
    return changed, session.exec(select(func.count()).select_from(Account)).one()


def preview(session: Session, import_id: UUID) -> ImportResult:
    """What the staged rows would do to the accounts as they are."""
    staged = col(AccountImportRow.import_id) == import_id
    rows = select(func.count()).select_from(AccountImportRow).where(staged)
    total = session.exec(rows).one()
    added = session.exec(rows.where(~exists().where(same_account()))).one()
    updated = session.exec(rows.join(Account, same_account()).where(says_otherwise())).one()
    return ImportResult(added=added, updated=updated, unchanged=total - added - updated)


def decide(database: Database, import_id: UUID, now: datetime, checked: int | None = None) -> bool:
    """Let a staged import stand from this instant on.

    Or from just after the latest audience began to be frozen, whatever the clock said: that freeze
    has finished every import that stood, so whom this one brings is late for it, and named (P4).
    False while another one that was decided is still being carried, and when one was finished since
    `check` gave `checked`: finish it first, and check again whether this one may stand. Raises
    ImportRefused when it was thrown away meanwhile, or brings a text into use too early.
    """
    try:
        with database.transaction() as transaction:
            hold_policies(transaction)
            refuse_early_assertions(transaction, import_id)
            decided = transaction.execute(
                update(AccountImport)
                .where(col(AccountImport.id) == import_id, col(AccountImport.state) == STAGED)
                .values(state=DECIDED, decided_at=after_the_last_audience(transaction, now))
                .returning(col(AccountImport.id))
            ).all()
            if checked is not None:
                _require_none_done_since(transaction, checked)
    except (IntegrityError, _Overtaken):
        return False
    if not decided:
        raise ImportRefused(
            "What was read of the file is not there any more: it was put aside too long ago. "
            "Nothing was imported. Give the file again."
        )
    return True


def result(session: Session, import_id: UUID) -> ImportResult:
    """What an import has done so far; all of it when it is done."""
    row = session.get_one(AccountImport, import_id)
    return ImportResult(added=row.added, updated=row.updated, unchanged=row.unchanged)


def discard(database: Database, import_id: UUID, progress: Advance = lambda _rows: None) -> None:
    """Throw away an import that does not stand, chunk by chunk; one that stands is left alone."""
    with database.transaction() as transaction:
        transaction.execute(
            update(AccountImport)
            .where(col(AccountImport.id) == import_id, col(AccountImport.state) == STAGED)
            .values(state=DISCARDED)
        )
    while rows := _discard_chunk(database, import_id):
        progress(rows)


def discard_dead(database: Database, now: datetime, progress: Advance = lambda _rows: None) -> None:
    """Throw away what was put aside a day ago and not decided: reading a file takes minutes.

    What was begun on goes on at the next call, whenever `progress` ends this one.
    """
    with database.transaction() as transaction:
        transaction.execute(
            update(AccountImport)
            .where(
                col(AccountImport.state) == STAGED,
                col(AccountImport.staged_at) <= now - LONGEST_STAGING,
            )
            .values(state=DISCARDED)
        )
        discarded = in_state(transaction, DISCARDED)
    for import_id in discarded:
        discard(database, import_id, progress)


@dataclass(frozen=True, kw_only=True)
class Assertable:
    """Which versions of a policy staff can say govern an account; `current` unless they say."""

    policy: str
    policy_id: UUID
    current: int | None
    once_in_force: Collection[int]

    @property
    def given(self) -> dict[str, object]:
        """As the statement that asserts versions wants it."""
        numbers = {*self.once_in_force, self.current} - {None}
        return {
            "of_policy": self.policy_id,
            "named": f"[{self.policy}:",
            "current": self.current,
            "assertable": list(numbers),
        }


def assertable_versions(session: Session, at: datetime) -> list[Assertable]:
    """Which versions of each policy staff can say govern an account, at an instant."""
    found = []
    for policy in policies(session):
        current = version_in_force(session, policy.id, at)
        once_in_force = {
            version.number
            for version in versions(session, policy.id)
            if version.in_force_at is not None and version.in_force_at <= at
        }
        found.append(
            Assertable(
                policy=policy.slug,
                policy_id=policy.id,
                current=current.number if current else None,
                once_in_force=once_in_force,
            )
        )
    return found


def refuse_unknown_versions(session: Session, import_id: UUID, now: datetime) -> None:
    """Raises ImportRefused when a version is asserted of a new account that never was in force, or
    of a policy that there is not, or of nobody knows which."""
    known = assertable_versions(session, now)
    said: ColumnElement[str] = func.coalesce(AccountImportRow.governing_versions, "")
    for assertable in known:
        for number in assertable.once_in_force:
            said = func.replace(said, named(assertable.policy, number), "")
    wrong = session.execute(
        select(col(AccountImportRow.external_id), said)
        .where(AccountImportRow.import_id == import_id, said != "", ~exists().where(same_account()))
        .order_by(col(AccountImportRow.external_id))
        .limit(1)
    ).first()
    if wrong is not None:
        external_id, left = wrong
        raise ImportRefused(
            f"Account {external_id!r} {_why_not(left, known)} Nothing was imported."
        )


def _why_not(left: str, known: Sequence[Assertable]) -> str:
    policy, _, number = left[1 : left.index("]")].rpartition(":")
    slugs = [assertable.policy for assertable in known]
    if not slugs:
        return (
            f"is said to be governed by version {number}, and there is no policy yet. Add it first "
            "(promisekeeper policy add) and take in its history (promisekeeper policy "
            "import-history)."
        )
    if not policy and len(slugs) > 1:
        example = ";".join(f"{slug}:{number}" for slug in slugs)
        return (
            f"is said to be governed by version {number}, and there are several policies. Say of "
            f"which, like {example}; of a policy that is left out it is the version in force."
        )
    if policy not in slugs:
        there = ", ".join(slugs)
        return f"is said to be governed by a version of {policy!r}; there are: {there}."
    return f"is said to be governed by version {number} of {policy}, which was never in force."


def refuse_early_assertions(session: Session, import_id: UUID) -> None:
    """Raises ImportRefused when a version is asserted of a new account while a released version
    has no audience yet: nobody may have looked at the way from that text to this one (P6)."""
    addressing = session.exec(
        select(PolicyVersion)
        .where(
            or_(
                col(PolicyVersion.state).in_(TO_COME),
                and_(
                    PolicyVersion.state == VersionState.IN_REVIEW,
                    col(PolicyVersion.released_by).is_not(None),
                ),
            ),
            PolicyVersion.version_class != VersionClass.EDITORIAL,
            ~exists().where(
                col(Campaign.policy_version_id) == col(PolicyVersion.id),
                col(Campaign.freezing_at).is_not(None),
            ),
        )
        .limit(1)
    ).first()
    if addressing is None:
        return
    asserted = session.exec(
        select(AccountImportRow.external_id)
        .where(
            AccountImportRow.import_id == import_id,
            col(AccountImportRow.governing_versions).is_not(None),
            ~exists().where(same_account()),
        )
        .limit(1)
    ).first()
    if asserted is not None:
        raise ImportRefused(
            f"Version {addressing.number} was released, and whom it concerns is just being written "
            "down. Until that is done no new account can be said to be governed by another "
            "version. Nothing was imported. Try again in a few minutes; if that does not help, "
            "see: promisekeeper doctor"
        )


def after_the_last_audience(transaction: Session, now: datetime) -> datetime:
    """When what is decided now stands: just after the latest audience began to be frozen (P4)."""
    last = transaction.exec(select(func.max(col(Campaign.freezing_at)))).one()
    return now if last is None else max(now, last + timedelta.resolution)


def _require_none_done_since(transaction: Session, checked: int) -> None:
    """Ask once ours is decided: until we are through no other can be, and so none be done."""
    if _done(transaction) != checked:
        raise _Overtaken


def _done(session: Session) -> int:
    done = select(func.count()).select_from(AccountImport)
    return session.exec(done.where(AccountImport.state == DONE)).one()


def in_state(session: Session, state: str) -> Sequence[UUID]:
    """The imports in a state."""
    return session.exec(select(AccountImport.id).where(AccountImport.state == state)).all()


def only_policy(session: Session) -> str:
    """The slug of the only policy there is; empty when there are several, or none."""
    slugs = [policy.slug for policy in policies(session)]
    return slugs[0] if len(slugs) == 1 else ""


def named(policy: str, number: int) -> str:
    """A version that is asserted, as a row that is put aside has it."""
    return f"[{policy}:{number}]"


def put_aside(import_id: UUID, row: AccountRow, only: str) -> dict[str, object]:
    """A row of an import, as the staging table holds it; a bare number is of the `only` policy."""
    given = dict(vars(row))
    asserted = given.pop("governing_version") or {}
    said = "".join(named(policy or only, number) for policy, number in asserted.items())
    return {
        "import_id": import_id,
        "account_id": new_id(),
        "governing_versions": said or None,
        **given,
    }


def _discard_chunk(database: Database, import_id: UUID) -> int:
    """Throw away the next rows, and at the end the import; how many."""
    with database.transaction() as transaction:
        row = held_if_there(transaction, AccountImport, import_id)
        if row is None or row.state != DISCARDED:
            return 0
        chunk = next_chunk(transaction, import_id, CHUNK)
        if chunk is None:
            transaction.delete(row)
            return 0
        return rows_of(transaction, DELETE_ROWS, chunk)
