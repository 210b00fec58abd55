"""Imports that stand: carried into the accounts, by whoever comes first.

One short transaction comes after the other; `database/imports/carrying.py` has what each one does.
"""

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlmodel import Session, func, select

from database.chunks import Advance
from database.engine import Database
from database.facts import record
from database.imports.account_imports import (
    CHUNK,
    DECIDED,
    DONE,
    Assertable,
    ImportResult,
    assertable_versions,
    discard_dead,
    in_state,
    result,
)
from database.imports.carrying import (
    ADD_ACCOUNTS,
    ASSERT_VERSIONS,
    DELETE_ROWS,
    KEEP_REPLACED,
    KEEP_STAGES,
    RE_ADDRESSED,
    RETURNED,
    UPDATE_ACCOUNTS,
    next_chunk,
    rows_of,
)
from database.mail.mail_rows import hold_mails, of_campaigns_to
from database.mail.mended_addresses import reopen_re_addressed, reopen_returned
from database.people.links import replace_links
from database.tables import Account, AccountImport, AccountImportRow, AssertedVersion, Fact
from database.writing import count_anew, held

CARRIED_ON = "accounts.import_carried_on"
COUNTED_ANEW = 1000
"""After so many accounts PostgreSQL is told, or its plans are those for an empty table: to release
a version to 60,000 accounts that had just come took minutes."""
STANDSTILL_SECONDS = 10.0
"""Much longer than a chunk takes, also one that waits for its turn among SQLite's writers."""
LOOK_EVERY_SECONDS = 0.5


BEING_IMPORTED = (
    "A file of accounts is just being imported, and may bring texts into use that this version was "
    "not compared with. Nothing was released. Release again in a minute."
)
"""Why a version cannot be released while an import stands unfinished."""


def one_stands_unfinished(session: Session) -> bool:
    """Whether an import was decided and is not carried to its end."""
    return bool(in_state(session, DECIDED))


def finish_imports(
    database: Database, now: datetime, progress: Advance = lambda _rows: None
) -> int:
    """As `carry_on_imports`, and wait until no import is left unfinished, whoever is at it.

    Then throw away what never stood and never will. `progress` is also told, of no rows, while
    others get on.
    """
    carried_on = 0
    while _decided(database):
        carried_on += carry_on_imports(database, now, progress)
        progress(0)
    discard_dead(database, now, progress)
    return carried_on


def carry_on_imports(
    database: Database, now: datetime, progress: Advance = lambda _rows: None
) -> int:
    """Carry on what was left in the middle.

    Harmless at any time and for several at once: each row is carried once, and an import that
    somebody else gets on with is left to them. Returns how many were left in the middle and
    carried on; each time is a fact.
    """
    carried_on = 0
    for import_id in _decided(database):
        found = _standstill(database, import_id)
        if found is not None and _take_over(database, import_id, found, now):
            carry(database, import_id, now, progress)
            carried_on += 1
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
        assertables = assertable_versions(session, decided_at) if decided_at else []
    while rows := _carry_chunk(database, import_id, assertables, now):
        progress(rows)


def rows_left(session: Session, import_id: UUID) -> int:
    """How many rows of an import are not carried yet."""
    rows = select(func.count()).select_from(AccountImportRow)
    return session.exec(rows.where(AccountImportRow.import_id == import_id)).one()


def _decided(database: Database) -> Sequence[UUID]:
    with database.session() as session:
        return in_state(session, DECIDED)


@dataclass(frozen=True, kw_only=True)
class _Standing:
    """How far the carrying of an import has come, and how often somebody took it over."""

    done: ImportResult
    taken_over: int


def _standing(session: Session, import_id: UUID) -> _Standing | None:
    """None when the import is done."""
    if session.get_one(AccountImport, import_id).state != DECIDED:
        return None
    taken_over = select(func.count()).select_from(Fact).where(Fact.kind == CARRIED_ON)
    return _Standing(
        done=result(session, import_id),
        taken_over=session.exec(taken_over.where(Fact.subject_id == import_id)).one(),
    )


def _standstill(database: Database, import_id: UUID) -> _Standing | None:
    """Where an import stands still; None when somebody is at it: two at it are no faster."""
    before, waits_until = _look(database, import_id), time.monotonic() + STANDSTILL_SECONDS
    while (after := _look(database, import_id)) is not None and after == before:
        if time.monotonic() >= waits_until:
            return after
        time.sleep(LOOK_EVERY_SECONDS)
    return None


def _look(database: Database, import_id: UUID) -> _Standing | None:
    with database.session() as session:
        return _standing(session, import_id)


def _take_over(database: Database, import_id: UUID, found: _Standing, now: datetime) -> bool:
    """Note that an import was left in the middle and goes on.

    False when it does not stand where it was found: of several who waited, the first took it over.
    """
    with database.transaction() as transaction:
        row = held(transaction, AccountImport, import_id)
        if _standing(transaction, import_id) != found:
            return False
        left = rows_left(transaction, import_id)
        record(transaction, CARRIED_ON, import_id, now, decided_at=row.decided_at, rows_left=left)
        return True


def _carry_chunk(
    database: Database, import_id: UUID, assertables: Sequence[Assertable], now: datetime
) -> int:
    """Carry the next rows; how many. Whoever finds none left writes down that it is done."""
    with database.transaction() as transaction:
        row = held(transaction, AccountImport, import_id)
        if row.state != DECIDED or row.decided_at is None:
            return 0
        chunk = next_chunk(transaction, import_id, CHUNK)
        if chunk is None:
            finish(transaction, row, now)
            return 0
        return carry_rows(transaction, row, chunk, assertables, now)


def carry_rows(
    transaction: Session,
    row: AccountImport,
    chunk: Mapping[str, object],
    assertables: Sequence[Assertable],
    now: datetime,
) -> int:
    """Make the rows of a chunk accounts; how many."""
    given = {**chunk, "decided_at": row.decided_at, "said_by": row.asserted_by}
    added = rows_of(transaction, ADD_ACCOUNTS, given)
    for assertable in assertables:
        rows_of(transaction, ASSERT_VERSIONS, given | assertable.given)
    re_addressed = transaction.scalars(RE_ADDRESSED, dict(chunk)).all()
    returned = transaction.scalars(RETURNED, dict(chunk)).all()
    if re_addressed:
        rows_of(transaction, KEEP_REPLACED, given)
    for keep in KEEP_STAGES:
        transaction.execute(keep, dict(chunk))
    updated = rows_of(transaction, UPDATE_ACCOUNTS, given)
    if re_addressed or returned:
        hold_mails(transaction, of_campaigns_to({*re_addressed, *returned}))
        replace_links(transaction, re_addressed, row.decided_at or now)
        reopen_re_addressed(transaction, re_addressed, now)
        reopen_returned(transaction, returned, now)
    carried = rows_of(transaction, DELETE_ROWS, chunk)
    row.added += added
    row.updated += updated
    row.unchanged += carried - added - updated
    return carried


def finish(transaction: Session, row: AccountImport, now: datetime) -> None:
    """Write down that an import is done, and what it did."""
    row.state, row.done_at = DONE, now
    if row.added + row.updated >= COUNTED_ANEW:
        count_anew(transaction, Account, AssertedVersion)
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
