"""Account holders: imported whole or not at all, found, listed."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID, uuid4

from sqlalchemy import delete, insert
from sqlmodel import Session, col, func, select

from database.engine import Database
from database.facts import record
from database.policies import PolicyUnknown, policies, version_in_force, versions
from database.tables import Account, AssertedVersion, StagedAccount

CHUNK = 1000
LONGEST_IMPORT = timedelta(days=1)
UNLESS_GIVEN: dict[str, object] = {
    "name": "",
    "locale": "en",
    "time_zone": None,
    "country": None,
    "status": "open",
    "kind": "person",
    "organisation_id": None,
    "approver": False,
}
UPSERTED = ("email", *UNLESS_GIVEN)


class AccountUnknown(Exception):
    """There is no such account."""


class ImportNeedsYes(Exception):
    """The file closes or re-addresses so many accounts that somebody has to say yes."""


@dataclass(frozen=True, kw_only=True)
class AccountRow:
    """One checked line of an import. What is None was not given: a known account keeps it.

    `governing_version` is what staff assert of a new account.
    """

    external_id: str
    email: str
    name: str | None = None
    locale: str | None = None
    time_zone: str | None = None
    country: str | None = None
    status: str | None = None
    kind: str | None = None
    joined_at: datetime | None = None
    organisation_id: str | None = None
    approver: bool | None = None
    governing_version: int | None = None


@dataclass(frozen=True, kw_only=True)
class ImportResult:
    """What an import did."""

    added: int
    updated: int
    unchanged: int


def stage(
    database: Database, import_id: UUID, rows: Iterable[AccountRow], now: datetime
) -> Iterator[int]:
    """Put checked rows aside, a thousand to a transaction; yields how many each time.

    What an import that was killed left behind a day ago or longer is thrown away first.
    """
    with database.transaction() as transaction:
        abandoned = col(StagedAccount.staged_at) <= now - LONGEST_IMPORT
        transaction.execute(delete(StagedAccount).where(abandoned))
    chunk: list[dict[str, object]] = []
    for row in rows:
        chunk.append(_staged(import_id, row, now))
        if len(chunk) == CHUNK:
            yield _write_chunk(database, chunk)
            chunk = []
    if chunk:
        yield _write_chunk(database, chunk)


def unstage(database: Database, import_id: UUID) -> None:
    """Forget what was put aside."""
    with database.transaction() as transaction:
        transaction.execute(delete(StagedAccount).where(col(StagedAccount.import_id) == import_id))


def shares_changed(session: Session, import_id: UUID) -> tuple[int, int]:
    """How many known accounts the staged file closes or re-addresses, and how many are known."""
    changed = session.exec(
        select(func.count())
        .select_from(StagedAccount)
        .join(Account, col(Account.external_id) == col(StagedAccount.external_id))
        .where(
            StagedAccount.import_id == import_id,
            (
                (func.lower(Account.email) != func.lower(_field("email")))
                | ((col(Account.status) == "open") & (_field("status") == "closed"))
            ),
        )
    ).one()
    return changed, session.exec(select(func.count()).select_from(Account)).one()


def flip(
    transaction: Session, import_id: UUID, *, asserted_by: UUID, now: datetime
) -> ImportResult:
    """Make the staged rows accounts, all at once; a row that is missing closes nobody.

    An import never creates an approval: new accounts are governed by the version that the file
    asserts, else by the one in force now, as asserted by staff, without proof (P6). Raises
    PolicyUnknown when a version is asserted that was never in force.
    """
    staged = transaction.exec(
        select(StagedAccount).where(StagedAccount.import_id == import_id)
    ).all()
    known = {
        account.external_id: account
        for account in transaction.exec(
            select(Account)
            .join(StagedAccount, col(StagedAccount.external_id) == col(Account.external_id))
            .where(StagedAccount.import_id == import_id)
        ).all()
    }
    added = [row for row in staged if row.external_id not in known]
    updated = [row for row in staged if row.external_id in known]
    changed = sum(_update(transaction, known[row.external_id], row.row, now) for row in updated)
    if added:
        transaction.execute(insert(Account), [_new_account(row, now) for row in added])
        _assert_versions(transaction, added, asserted_by, now)
    transaction.execute(delete(StagedAccount).where(col(StagedAccount.import_id) == import_id))
    result = ImportResult(added=len(added), updated=changed, unchanged=len(updated) - changed)
    record(
        transaction,
        "accounts.imported",
        import_id,
        now,
        added=result.added,
        updated=result.updated,
        unchanged=result.unchanged,
        imported_by=asserted_by,
    )
    return result


def account_by_external_id(session: Session, external_id: str) -> Account:
    """Raises AccountUnknown."""
    account = session.exec(select(Account).where(Account.external_id == external_id)).first()
    if account is None:
        raise AccountUnknown(f"There is no account {external_id!r}.")
    return account


def accounts_at_address(session: Session, address: str) -> Sequence[Account]:
    """The open accounts whose address this is, whatever its case."""
    return session.exec(
        select(Account).where(
            func.lower(Account.email) == address.strip().lower(), Account.status == "open"
        )
    ).all()


def list_accounts(session: Session, *, limit: int, offset: int = 0) -> Sequence[Account]:
    """Accounts by their external id."""
    return session.exec(
        select(Account).order_by(Account.external_id).offset(offset).limit(limit)
    ).all()


def count_accounts(session: Session) -> int:
    """How many accounts there are."""
    return session.exec(select(func.count()).select_from(Account)).one()


def _field(name: str) -> object:
    return col(StagedAccount.row)[name].as_string()


def _staged(import_id: UUID, row: AccountRow, now: datetime) -> dict[str, object]:
    content = {name: getattr(row, name) for name in (*UPSERTED, "governing_version")}
    content["joined_at"] = row.joined_at.isoformat() if row.joined_at else None
    return {
        "staged_at": now,
        "import_id": import_id,
        "account_id": uuid4(),
        "external_id": row.external_id,
        "row": {name: value for name, value in content.items() if value is not None},
    }


def _write_chunk(database: Database, chunk: list[dict[str, object]]) -> int:
    with database.transaction() as transaction:
        transaction.execute(insert(StagedAccount), chunk)
    return len(chunk)


def _new_account(staged: StagedAccount, now: datetime) -> dict[str, object]:
    given = {**UNLESS_GIVEN, **staged.row}
    joined_at = given.get("joined_at")
    return {
        "id": staged.account_id,
        "external_id": staged.external_id,
        **{name: given[name] for name in UPSERTED},
        "joined_at": datetime.fromisoformat(joined_at) if isinstance(joined_at, str) else now,
        "recorded_at": now,
        "closed_at": now if given["status"] == "closed" else None,
    }


def _update(transaction: Session, account: Account, row: dict[str, object], now: datetime) -> bool:
    changed = {
        name: row[name] for name in UPSERTED if name in row and row[name] != getattr(account, name)
    }
    if not changed:
        return False
    for name, value in changed.items():
        setattr(account, name, value)
    if "status" in changed:
        account.closed_at = now if changed["status"] == "closed" else None
    transaction.add(account)
    return True


def _assert_versions(
    transaction: Session, added: Sequence[StagedAccount], asserted_by: UUID, now: datetime
) -> None:
    for policy in policies(transaction):
        current = version_in_force(transaction, policy.id, now)
        once_in_force = {
            version.number: version
            for version in versions(transaction, policy.id)
            if version.in_force_at is not None and version.in_force_at <= now
        }
        rows = []
        for staged in added:
            number = staged.row.get("governing_version")
            version = once_in_force.get(number) if isinstance(number, int) else current
            if version is None and number is not None:
                raise PolicyUnknown(
                    f"Account {staged.external_id!r} is said to be governed by version {number} of "
                    f"{policy.slug}, which was never in force. Nothing was imported."
                )
            if version is not None:
                rows.append(
                    {
                        "id": uuid4(),
                        "account_id": staged.account_id,
                        "policy_id": policy.id,
                        "policy_version_id": version.id,
                        "asserted_by": asserted_by,
                        "asserted_at": now,
                    }
                )
        if rows:
            transaction.execute(insert(AssertedVersion), rows)
