"""One account at a time, as the company's own system tells us: like an import of one line."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import insert
from sqlmodel import Session

from database.engine import Database
from database.ids import new_id
from database.imports.account_imports import (
    CHUNK,
    ImportResult,
    after_the_last_audience,
    assertable_versions,
    only_policy,
    put_aside,
    refuse_early_assertions,
    refuse_unknown_versions,
)
from database.imports.carrying import next_chunk
from database.imports.unfinished_imports import carry_rows, finish, one_stands_unfinished
from database.people.accounts import AccountRow, account_by_external_id
from database.policies.policies import hold_policies
from database.tables import AccountImport, AccountImportRow
from domain.people.account_holders import Status


class ImportUnderWay(Exception):
    """A file of accounts is just being carried in: what it says would overtake this."""


def put_account(
    database: Database, row: AccountRow, *, asserted_by: UUID, now: datetime
) -> ImportResult:
    """Add or update one account. Never creates an approval.

    Raises ImportRefused for a version that was never in force or comes too early, and
    ImportUnderWay.
    """
    with database.transaction() as transaction:
        return _put(transaction, row, asserted_by, now)


def close_account(
    database: Database, external_id: str, *, asserted_by: UUID, now: datetime
) -> None:
    """Close an account; one that is closed stays so. Raises AccountUnknown and ImportUnderWay."""
    with database.transaction() as transaction:
        account = account_by_external_id(transaction, external_id)
        row = AccountRow(external_id=external_id, email=account.email, status=Status.CLOSED)
        _put(transaction, row, asserted_by, now)


def _put(transaction: Session, row: AccountRow, asserted_by: UUID, now: datetime) -> ImportResult:
    """All of an import in one transaction; no audience begins to be frozen meanwhile."""
    hold_policies(transaction)
    if one_stands_unfinished(transaction):
        raise ImportUnderWay(
            "A file of accounts is just being imported. Nothing was changed. Try again in a minute."
        )
    of_one = AccountImport(
        id=new_id(),
        asserted_by=asserted_by,
        staged_at=now,
        decided_at=after_the_last_audience(transaction, now),
    )
    transaction.add(of_one)
    transaction.flush()
    transaction.connection().execute(
        insert(AccountImportRow), [put_aside(of_one.id, row, only_policy(transaction))]
    )
    refuse_unknown_versions(transaction, of_one.id, now)
    refuse_early_assertions(transaction, of_one.id)
    chunk = next_chunk(transaction, of_one.id, CHUNK)
    if chunk is not None:
        carry_rows(transaction, of_one, chunk, assertable_versions(transaction, now), now)
    done = ImportResult(added=of_one.added, updated=of_one.updated, unchanged=of_one.unchanged)
    if done.unchanged:
        transaction.delete(of_one)  # nothing new was said, so nothing is kept of it
    else:
        finish(transaction, of_one, now)
    return done
