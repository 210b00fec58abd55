"""Imports of accounts: put aside, checked, decided at one instant, then carried into the accounts.

Nothing is ever half imported: until the decision an import is nothing, and from then on it stands
and is only carried forward, by whoever comes first, one short transaction after the other.
"""

from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import islice
from time import monotonic, sleep
from uuid import UUID, uuid4

from sqlalchemy import insert, update
from sqlalchemy.exc import IntegrityError
from sqlmodel import Session, col, exists, func, select

from database.accounts import AccountRow
from database.carrying import (
    ADD_ACCOUNTS,
    ASSERT_VERSIONS,
    DELETE_ROWS,
    UPDATE_ACCOUNTS,
    next_chunk,
    rows_of,
    same_account,
    says_otherwise,
)
from database.chunks import Advance, Pace
from database.engine import Database
from database.facts import record
from database.policies import hold_policies, policies, version_in_force, versions
from database.tables import Account, AccountImport, AccountImportRow, Campaign, Fact
from database.writing import held, held_if_there

STAGED, DECIDED, DONE, DISCARDED = "staged", "decided", "done", "discarded"
CARRIED_ON = "accounts.import_carried_on"
CHUNK = 100
LONGEST_STAGING = timedelta(days=1)
LARGEST_SHARE = 0.05
STANDSTILL_SECONDS = 10.0
"""Much longer than a chunk takes, also one that waits for its turn among SQLite's writers."""
LOOK_EVERY_SECONDS = 0.5


class ImportRefused(Exception):
    """The file cannot be imported; nothing of it was."""


class ImportNeedsYes(ImportRefused):
    """The file closes or re-addresses so many accounts that somebody has to say yes."""


@dataclass(frozen=True, kw_only=True)
class ImportResult:
    """What an import did, or would do."""

    added: int
    updated: int
    unchanged: int


@dataclass(frozen=True, kw_only=True)
class Standing:
    """What is on its way in, and when an import that was left in the middle was last carried on.

    `decided_at` and `rows_left` are of the one that stands and is not done; `put_aside_at` of the
    oldest file that is not decided.
    """

    decided_at: datetime | None
    rows_left: int
    put_aside_at: datetime | None
    carried_on_at: datetime | None


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
    pace, waiting = Pace(database), iter(rows)
    while chunk := [_put_aside(import_id, row) for row in islice(waiting, CHUNK)]:
        with pace.transaction() as transaction:
            transaction.connection().execute(insert(AccountImportRow), chunk)
        yield len(chunk)


def check(session: Session, import_id: UUID, *, yes: bool, now: datetime) -> None:
    """Refuse what must not stand, before the decision.

    Raises ImportRefused when a version is asserted of a new account that was never in force (P6),
    and ImportNeedsYes, unless `yes`, when more than 5 % of the known accounts would be closed or
    re-addressed.
    """
    _refuse_unknown_versions(session, import_id, now)
    changed, known = shares_changed(session, import_id)
    if changed > LARGEST_SHARE * known and not yes:
        raise ImportNeedsYes(
            f"The file closes or re-addresses {changed} of {known} accounts, which is more than "
            "5 %. Nothing was imported. If that is right, say --yes."
        )


def shares_changed(session: Session, import_id: UUID) -> tuple[int, int]:
    """How many known accounts the staged file closes or re-addresses, and how many are known."""
    changed = session.exec(
        select(func.count())
        .select_from(AccountImportRow)
        .join(Account, same_account())
        .where(
            AccountImportRow.import_id == import_id,
            (func.lower(Account.email) != func.lower(AccountImportRow.email))
            | ((col(Account.status) == "open") & (col(AccountImportRow.status) == "closed")),
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


def decide(database: Database, import_id: UUID, now: datetime) -> bool:
    """Let a staged import stand from this instant on.

    Or from just after the latest audience began to be frozen, whatever the clock said: that freeze
    has finished every import that stood, so whom this one brings is late for it, and named (P4).
    False while another one that was decided is still being carried: finish it first, and look
    again whether this one may stand. Raises ImportRefused when it was thrown away meanwhile.
    """
    try:
        with database.transaction() as transaction:
            hold_policies(transaction)
            decided = transaction.execute(
                update(AccountImport)
                .where(col(AccountImport.id) == import_id, col(AccountImport.state) == STAGED)
                .values(state=DECIDED, decided_at=_after_the_last_audience(transaction, now))
                .returning(col(AccountImport.id))
            ).all()
    except IntegrityError:
        return False
    if not decided:
        raise ImportRefused(
            "What was read of the file is not there any more: it was put aside too long ago. "
            "Nothing was imported. Give the file again."
        )
    return True


def one_stands_unfinished(session: Session) -> bool:
    """Whether an import was decided and is not carried to its end."""
    return bool(_in_state(session, DECIDED))


def how_imports_stand(session: Session) -> Standing:
    """How imports stand, for ops."""
    decided = session.exec(select(AccountImport).where(AccountImport.state == DECIDED)).first()
    put_aside = select(func.min(col(AccountImport.staged_at))).where(AccountImport.state == STAGED)
    carried_on = select(func.max(col(Fact.recorded_at))).where(Fact.kind == CARRIED_ON)
    return Standing(
        decided_at=decided.decided_at if decided else None,
        rows_left=_rows_left(session, decided.id) if decided else 0,
        put_aside_at=session.exec(put_aside).one(),
        carried_on_at=session.exec(carried_on).one(),
    )


def finish_imports(
    database: Database, now: datetime, progress: Advance = lambda _rows: None
) -> int:
    """As `carry_on_imports`, and wait until no import is left unfinished, whoever is at it.

    `progress` is also told, of no rows, while others get on.
    """
    carried_on = 0
    while _decided(database):
        carried_on += _carry_on(database, now, progress)
        progress(0)
    _throw_away_what_is_dead(database, now)
    return carried_on


def carry_on_imports(
    database: Database, now: datetime, progress: Advance = lambda _rows: None
) -> int:
    """Carry on what was left in the middle, and throw away what never stood and never will.

    Harmless at any time and for several at once: each row is carried once, and an import that
    somebody else gets on with is left to them. One that was put aside a day ago and not decided is
    dead: reading the largest file takes minutes. Returns how many were left in the middle and
    carried on; each time is a fact.
    """
    carried_on = _carry_on(database, now, progress)
    _throw_away_what_is_dead(database, now)
    return carried_on


def carry(
    database: Database, import_id: UUID, now: datetime, progress: Advance = lambda _rows: None
) -> None:
    """Make the rows of a decided import accounts, chunk by chunk, until none is left.

    An import never creates an approval: new accounts are governed by the version that the file
    asserts, else by the one in force at the decision, as asserted by staff, without proof (P6). A
    row that is missing closes nobody.
    """
    with database.session() as session:
        decided_at = session.get_one(AccountImport, import_id).decided_at
        assertables = _assertables(session, decided_at) if decided_at else []
    pace = Pace(database)
    while rows := _carry_chunk(pace, import_id, assertables, now):
        progress(rows)


def result(session: Session, import_id: UUID) -> ImportResult:
    """What an import has done so far; all of it when it is done."""
    row = session.get_one(AccountImport, import_id)
    return ImportResult(added=row.added, updated=row.updated, unchanged=row.unchanged)


def discard(database: Database, import_id: UUID) -> None:
    """Throw away an import that does not stand, chunk by chunk; one that stands is left alone."""
    with database.transaction() as transaction:
        transaction.execute(
            update(AccountImport)
            .where(col(AccountImport.id) == import_id, col(AccountImport.state) == STAGED)
            .values(state=DISCARDED)
        )
    pace = Pace(database)
    while _discard_chunk(pace, import_id):
        pass


@dataclass(frozen=True, kw_only=True)
class _Assertable:
    """Which versions of a policy staff can say govern an account; `current` unless they say."""

    policy: str
    policy_id: UUID
    current: int | None
    once_in_force: Collection[int]

    @property
    def given(self) -> dict[str, object]:
        """As the statement that asserts versions wants it."""
        numbers = {*self.once_in_force, self.current} - {None}
        return {"of_policy": self.policy_id, "current": self.current, "assertable": list(numbers)}


def _assertables(session: Session, at: datetime) -> list[_Assertable]:
    found = []
    for policy in policies(session):
        current = version_in_force(session, policy.id, at)
        once_in_force = {
            version.number
            for version in versions(session, policy.id)
            if version.in_force_at is not None and version.in_force_at <= at
        }
        found.append(
            _Assertable(
                policy=policy.slug,
                policy_id=policy.id,
                current=current.number if current else None,
                once_in_force=once_in_force,
            )
        )
    return found


def _refuse_unknown_versions(session: Session, import_id: UUID, now: datetime) -> None:
    said = col(AccountImportRow.governing_version)
    for assertable in _assertables(session, now):
        wrong = session.exec(
            select(AccountImportRow)
            .where(
                AccountImportRow.import_id == import_id,
                said.is_not(None),
                said.not_in(assertable.once_in_force),
                ~exists().where(same_account()),
            )
            .order_by(AccountImportRow.external_id)
        ).first()
        if wrong is not None:
            raise ImportRefused(
                f"Account {wrong.external_id!r} is said to be governed by version "
                f"{wrong.governing_version} of {assertable.policy}, which was never in force. "
                "Nothing was imported."
            )


def _after_the_last_audience(transaction: Session, now: datetime) -> datetime:
    last = transaction.exec(select(func.max(col(Campaign.freezing_at)))).one()
    return now if last is None else max(now, last + timedelta.resolution)


def _in_state(session: Session, state: str) -> Sequence[UUID]:
    return session.exec(select(AccountImport.id).where(AccountImport.state == state)).all()


def _decided(database: Database) -> Sequence[UUID]:
    with database.session() as session:
        return _in_state(session, DECIDED)


def _carry_on(database: Database, now: datetime, progress: Advance) -> int:
    carried_on = 0
    for import_id in _decided(database):
        if not _others_get_on(database, import_id) and _take_over(database, import_id, now):
            carry(database, import_id, now, progress)
            carried_on += 1
    return carried_on


def _throw_away_what_is_dead(database: Database, now: datetime) -> None:
    with database.transaction() as transaction:
        transaction.execute(
            update(AccountImport)
            .where(
                col(AccountImport.state) == STAGED,
                col(AccountImport.staged_at) <= now - LONGEST_STAGING,
            )
            .values(state=DISCARDED)
        )
        discarded = _in_state(transaction, DISCARDED)
    for import_id in discarded:
        discard(database, import_id)


def _others_get_on(database: Database, import_id: UUID) -> bool:
    """Wait for a sign that somebody is at an import: two at it would leave no rests."""
    before, waits_until = _standing(database, import_id), monotonic() + STANDSTILL_SECONDS
    while (after := _standing(database, import_id)) is not None and after == before:
        if monotonic() >= waits_until:
            return False
        sleep(LOOK_EVERY_SECONDS)
    return True


def _take_over(database: Database, import_id: UUID, now: datetime) -> bool:
    """Note that an import was left in the middle and goes on; False when it is done."""
    with database.transaction() as transaction:
        row = held(transaction, AccountImport, import_id)
        if row.state != DECIDED:
            return False
        left = _rows_left(transaction, import_id)
        record(transaction, CARRIED_ON, import_id, now, decided_at=row.decided_at, rows_left=left)
        return True


def _rows_left(session: Session, import_id: UUID) -> int:
    rows = select(func.count()).select_from(AccountImportRow)
    return session.exec(rows.where(AccountImportRow.import_id == import_id)).one()


def _standing(database: Database, import_id: UUID) -> ImportResult | None:
    """How far the carrying of an import has come; None when it is done."""
    with database.session() as session:
        row = session.get_one(AccountImport, import_id)
        return result(session, import_id) if row.state == DECIDED else None


def _put_aside(import_id: UUID, row: AccountRow) -> dict[str, object]:
    return {"import_id": import_id, "account_id": uuid4(), **vars(row)}


def _carry_chunk(
    pace: Pace, import_id: UUID, assertables: Sequence[_Assertable], now: datetime
) -> int:
    """Carry the next rows; how many. Whoever finds none left writes down that it is done."""
    with pace.transaction() as transaction:
        row = held(transaction, AccountImport, import_id)
        if row.state != DECIDED or row.decided_at is None:
            return 0
        chunk = next_chunk(transaction, import_id, CHUNK)
        if chunk is None:
            _finish(transaction, row, now)
            return 0
        decided = {"decided_at": row.decided_at, "said_by": row.asserted_by}
        added = rows_of(transaction, ADD_ACCOUNTS, chunk | decided)
        for assertable in assertables:
            rows_of(transaction, ASSERT_VERSIONS, chunk | decided | assertable.given)
        updated = rows_of(transaction, UPDATE_ACCOUNTS, chunk | decided)
        carried = rows_of(transaction, DELETE_ROWS, chunk)
        row.added += added
        row.updated += updated
        row.unchanged += carried - added - updated
        return carried


def _discard_chunk(pace: Pace, import_id: UUID) -> int:
    """Throw away the next rows, and at the end the import; how many."""
    with pace.transaction() as transaction:
        row = held_if_there(transaction, AccountImport, import_id)
        if row is None or row.state != DISCARDED:
            return 0
        chunk = next_chunk(transaction, import_id, CHUNK)
        if chunk is None:
            transaction.delete(row)
            return 0
        return rows_of(transaction, DELETE_ROWS, chunk)


def _finish(transaction: Session, row: AccountImport, now: datetime) -> None:
    row.state, row.done_at = DONE, now
    record(
        transaction,
        "accounts.imported",
        row.id,
        now,
        added=row.added,
        updated=row.updated,
        unchanged=row.unchanged,
        imported_by=row.asserted_by,
        decided_at=row.decided_at,
    )
