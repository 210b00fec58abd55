"""How several write at once: hold what you decide about, and leave the last word to the database.

On SQLite writers come one after the other. On PostgreSQL they run side by side, so whoever reads
something and writes because of it holds the row it hangs on until the transaction ends:

    policy, then policy version, campaign, instruction, request, source task, account import,
    account, hold, addressee, mail, its link, rate

in that order, and several rows of one table in the order of their ids, so that no two writers ever
wait for each other. The row is read again when it is ours: what was known of it may be old.
Unique constraints stand behind all of it.
"""

import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any, TypeVar
from uuid import UUID

from sqlalchemy import (
    FromClause,
    Insert,
    Select,
    String,
    cast,
    column,
    func,
    insert,
    inspect,
    literal,
    select,
    text,
    type_coerce,
)
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.sql.dml import ReturningInsert
from sqlalchemy.types import TypeEngine
from sqlmodel import Session, SQLModel

HOLDING_ORDER = (
    *("policy", "policy_version", "review", "campaign", "controller_instruction"),
    *("data_subject_request", "source_task", "account_import", "account", "legal_hold"),
    *("campaign_addressee", "mail_attempt", "outbox_mail", "link", "mail_slowdown", "mail_bucket"),
)
"""Whose rows are held before whose (`tests/web/approvals/test_holding_order.py`). Whoever holds a
mail may come back to mails that they hold already."""
HELD_UNDER = {
    "instructed_task": "controller_instruction",
    "receipt_correction": "data_subject_request",
    "request_decision": "data_subject_request",
    "requested_right": "data_subject_request",
}
"""Whose rows are held only by whoever holds the row that they belong to: nobody else waits for
them, so they have no place of their own."""

Row = TypeVar("Row", bound=SQLModel)
NEVER_THE_KEY = {"key_share": True}
"""Held rows keep their keys, so rows that point to them may be added by others meanwhile."""


def held(transaction: Session, table: type[Row], key: object) -> Row:
    """The row with this key, ours until the transaction ends. Raises NoResultFound."""
    transaction.flush()  # what was changed before is not read over
    return transaction.get_one(table, key, with_for_update=NEVER_THE_KEY, populate_existing=True)


def hold_with_what_points_to_it(transaction: Session, row: SQLModel) -> None:
    """Make a row ours, and let nobody add others that point to it until the transaction ends.

    Those that are just being added are waited for, and then seen by the next statement.
    """
    transaction.flush()
    transaction.refresh(row, with_for_update=True)


def held_if_there(transaction: Session, table: type[Row], key: object) -> Row | None:
    """As `held`; None when there is no such row, or none any more."""
    transaction.flush()
    return transaction.get(table, key, with_for_update=NEVER_THE_KEY, populate_existing=True)


def hold(transaction: Session, row: SQLModel) -> None:
    """Make a row ours until the transaction ends, and read it again."""
    transaction.flush()
    transaction.refresh(row, with_for_update=NEVER_THE_KEY)


def insert_new(
    transaction: Session, table: type[SQLModel], rows: Sequence[Mapping[str, object]]
) -> tuple[UUID, ...]:
    """Insert the rows that are not there yet, whatever unique constraint says so.

    Rows of which others may insert the same come in the order of their key. Returns the ids of
    those that were inserted.
    """
    if not rows:
        return ()
    transaction.flush()  # what they point to
    statement = _of_the_new(table, transaction.get_bind().dialect.name)
    return tuple(transaction.connection().scalars(statement, list(rows)))


def insert_row(transaction: Session, table: type[SQLModel], row: Mapping[str, object]) -> None:
    """Insert one row at once; what it points to is there already. The session would do it at the
    end, and takes six times as long for it: much, where many wait for their turn to write."""
    transaction.connection().execute(_of_one(table), row)


@lru_cache
def _of_one(table: type[SQLModel]) -> Insert:
    return insert(inspect(table).local_table)


@lru_cache
def _of_the_new(table: type[SQLModel], dialect: str) -> ReturningInsert[tuple[UUID]]:
    into = inspect(table).local_table
    new = sqlite.insert(into) if dialect == "sqlite" else postgresql.insert(into)
    return new.on_conflict_do_nothing().returning(into.c.id)


def as_table(
    transaction: Session, rows: Sequence[Mapping[str, object]], **columns: TypeEngine[Any]
) -> FromClause:
    """Many rows of values as a table to select from, handed over in one piece.

    A statement may have so many values and no more, and each of them costs more than its row. Ids
    and instants may be text already, as `UUID.hex` and `instant_as_text` make it: of thousands that
    is quicker.
    """
    given = literal(json.dumps(rows, default=_as_text), String())
    if transaction.get_bind().dialect.name == "sqlite":
        each = func.json_each(given).table_valued("value")
        values = [
            type_coerce(func.json_extract(each.c.value, f"$.{name}"), of_type).label(name)
            for name, of_type in columns.items()
        ]
        return select(*values).subquery()
    typed = [column(name, of_type) for name, of_type in columns.items()]
    return (
        func.jsonb_to_recordset(cast(given, postgresql.JSONB))
        .table_valued(*typed)
        .render_derived(with_types=True)
    )


def count_anew(transaction: Session, *tables: type[SQLModel]) -> None:
    """Let PostgreSQL look how much there is in tables that have just been filled, before its next
    plan; by itself it does within a minute or so. SQLite plans without that."""
    if transaction.get_bind().dialect.name == "postgresql":
        names = ", ".join(inspect(table).local_table.name for table in tables)
        transaction.execute(text(f"ANALYZE {names}"))


def _as_text(value: UUID | datetime) -> str:
    """As the database writes it: instants in UTC, ids without dashes."""
    return value.hex if isinstance(value, UUID) else instant_as_text(value)


@lru_cache(maxsize=64)
def instant_as_text(value: datetime) -> str:
    """An instant as the database writes it; kept, as many rows have the same."""
    return value.astimezone(UTC).replace(tzinfo=None).isoformat(" ", "microseconds")


def insert_selected(
    transaction: Session, table: type[SQLModel], columns: Sequence[str], query: Select[Any]
) -> int:
    """Insert what a query finds, in its order, without bringing it here; as `insert_new`, what is
    there already is left alone. Returns how many rows were new."""
    is_sqlite = transaction.get_bind().dialect.name == "sqlite"
    into = sqlite.insert(table) if is_sqlite else postgresql.insert(table)
    new = into.from_select(list(columns), query).on_conflict_do_nothing()
    done: Any = transaction.execute(new, execution_options={"preserve_rowcount": True})
    return int(done.rowcount)
