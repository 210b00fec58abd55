"""Finds a person's rows in a SQL database, and makes sure that they are theirs."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from time import monotonic
from typing import Any
from urllib.parse import quote
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy import event, exc
from sqlalchemy.pool import NullPool

from data_sources.pseudonyms import address_pseudonym, id_pseudonym
from data_sources.source import SourceUnavailable, SourceWrong
from data_sources.tables import Match, SqlDescription, Table, Through
from domain.requests.personal_data import Person, same_address

ONE_QUESTION = timedelta(minutes=2)
AT_ONCE = 500  # keys in one statement
POSTGRESQL = {
    "application_name": "promisekeeper",
    "connect_timeout": 10,
    "options": "-c statement_timeout=60s -c lock_timeout=30s",
}
SQLITE = {"timeout": 30}  # seconds for another writer

Row = Mapping[str, Any]
Rows = Mapping[str, Sequence[Row]]
"""Rows by the table's name in the map, each with every column that the map names."""


@dataclass(frozen=True, kw_only=True)
class Found:
    """A person's rows; `doubtful` as in `Located`."""

    rows: Rows
    doubtful: int


class SqlDatabase:
    """A database as a data map describes it. A connection lasts as long as one question."""

    def __init__(self, about: SqlDescription, url: str, pseudonym_key: bytes) -> None:
        self.about = about
        self.pseudonym_key = pseudonym_key
        self._engine = _engine(url)
        self._is_postgresql = self._engine.dialect.name == "postgresql"

    @contextmanager
    def reading(self) -> Iterator["OpenDatabase"]:
        """One state of the data from the first question to the last, where the database can."""
        level = {"isolation_level": "REPEATABLE READ"} if self._is_postgresql else {}
        with self._in_our_words(), self._engine.connect() as connection:
            yield self._opened(connection.execution_options(**level), writes=False)

    @contextmanager
    def writing(self) -> Iterator["OpenDatabase"]:
        """All of it on leaving the block, nothing when the block raises."""
        with (
            self._in_our_words(),
            self._engine.connect().execution_options(writes=True) as connection,
            connection.begin(),
        ):
            yield self._opened(connection, writes=True)

    def _opened(self, connection: sa.Connection, *, writes: bool) -> "OpenDatabase":
        tables = {table.name: self._table(connection, table) for table in self.about.tables}
        return OpenDatabase(
            source=self,
            connection=connection,
            tables=tables,
            writes=writes,
            until=monotonic() + ONE_QUESTION.total_seconds(),
        )

    def _table(self, connection: sa.Connection, table: Table) -> sa.TableClause:
        """The table as it is now. Raises SourceWrong where the map does not say what it is."""
        schema, _, name = table.place.rpartition(".")
        try:
            there = sa.inspect(connection).get_columns(name, schema=schema or None)
        except exc.NoSuchTableError:
            raise self.wrong(f"has no table {table.place}, which the data map describes") from None
        named = {*table.columns, *table.structural, *table.not_personal}
        existing = [column["name"] for column in there]
        if gone := sorted(named.difference(existing)):
            raise self.wrong(
                f"has no column {gone[0]} in table {table.place}, which the data map describes"
            )
        if unknown := [column for column in existing if column not in named]:
            raise self.wrong(
                f"has columns in table {table.place} that the data map does not know: "
                f"{', '.join(unknown)}. Say in the map what they hold, or name them in not_personal"
            )
        columns = [sa.column(column["name"], column["type"]) for column in there]
        return sa.table(name, *columns, schema=schema or None)

    def wrong(self, what: str) -> SourceWrong:
        """A person must look."""
        return SourceWrong(f"The data source {self.about.name} {what}. Nothing was changed.")

    def too_slow(self) -> SourceUnavailable:
        """Each statement took its time, and all of them too long: somebody hears of it by and by,
        and no worker is kept for good."""
        return SourceUnavailable(
            f"The data source {self.about.name} took longer than "
            f"{ONE_QUESTION.total_seconds():.0f} seconds: an index may be missing on what people "
            "are looked for by. Nothing was changed, and asking again is safe."
        )

    @contextmanager
    def _in_our_words(self) -> Iterator[None]:
        """What a driver says may quote a row: its kind is told, its words are not."""
        try:
            yield
        except (exc.OperationalError, exc.InterfaceError, exc.TimeoutError) as fault:
            kind = type(getattr(fault, "orig", None) or fault).__name__
            raise SourceUnavailable(
                f"The data source {self.about.name} did not answer, or not in time ({kind}). "
                "What it was asked is done whole or not at all, and asking again is safe."
            ) from None
        except exc.IntegrityError:
            raise self.wrong(
                "refuses: rows that the data map does not speak of refer to what should go, "
                "or a column may not be empty"
            ) from None
        except (exc.SQLAlchemyError, ValueError, ArithmeticError) as fault:
            kind = type(getattr(fault, "orig", None) or fault).__name__
            raise self.wrong(f"does not fit the data map ({kind})") from None


@dataclass(frozen=True, kw_only=True)
class OpenDatabase:
    """A connection in use, with the tables as they are. `until`: no statement begins after it."""

    source: SqlDatabase
    connection: sa.Connection
    tables: Mapping[str, sa.TableClause]
    writes: bool
    until: float

    def find(self, person: Person) -> Found:
        """Every row of a person; parents first. Raises SourceWrong for a row that is not theirs."""
        whose = _Whose(person, self.source)
        rows: dict[str, Sequence[Row]] = {}
        for table in self.source.about.tables:
            matched = self._matched(table, table.match, whose) if table.match else ()
            hanging = self._hanging_on(table, table.through, rows) if table.through else ()
            rows[table.name] = _each_once(table, matched, hanging)
        return Found(rows=rows, doubtful=whose.doubtful)

    def known_by(self) -> Iterator[Person]:
        """Every identifier in a column of `match`, pseudonyms too, each once for its table."""
        for table in self.source.about.tables:
            if table.match is None:
                continue
            for name in table.match.columns:
                column = self.tables[table.name].c[name]
                for value in self.connection.scalars(sa.select(column).distinct()):
                    text = "" if value is None else str(value).strip()
                    if text and name == table.match.address:
                        yield Person(addresses=(text,))
                    elif text:
                        yield Person(external_ids=(text,))

    def change(self, table: Table, row: Row, values: Mapping[str, object]) -> None:
        """Give columns of a row other values."""
        there = self.tables[table.name]
        where = there.c[table.key] == row[table.key]
        self.connection.execute(sa.update(there).where(where).values(dict(values)))

    def delete(self, table: Table, keys: Sequence[object]) -> None:
        """Take rows away."""
        there = self.tables[table.name]
        for some in _some(keys):
            self.connection.execute(sa.delete(there).where(there.c[table.key].in_(some)))

    def typed(self, table: Table, column: str, value: object) -> object:
        """A value as the column takes it. Raises ValueError when it does not."""
        return _typed(self.tables[table.name].c[column], value)

    def _matched(self, table: Table, match: Match, whose: "_Whose") -> Sequence[Row]:
        there = self.tables[table.name]
        wanted: list[sa.ColumnElement[bool]] = []
        if match.address and whose.addresses:
            column = there.c[match.address]
            wanted.append(sa.func.lower(sa.func.trim(column)).in_(whose.addresses))
        if match.external_id and whose.external_ids:
            column = there.c[match.external_id]
            typed = [_typed_or_none(column, one) for one in whose.external_ids]
            wanted.append(column.in_([one for one in typed if one is not None]))
        if not wanted:
            return ()
        found = self._rows(table, sa.or_(*wanted))
        return [row for row in found if whose.is_theirs(table, match, row)]

    def _hanging_on(self, table: Table, through: Through, rows: Rows) -> Sequence[Row]:
        parent = next(one for one in self.source.about.tables if one.name == through.table)
        keys = {row[parent.key] for row in rows[parent.name]}
        column = self.tables[table.name].c[through.column]
        found = [
            row
            for some in _some(sorted(keys, key=str))
            for row in self._rows(table, column.in_(some))
        ]
        if not all(row[through.column] in keys for row in found):
            raise self.source.wrong(f"gave rows of table {table.place} that hang on somebody else")
        return found

    def _rows(self, table: Table, where: sa.ColumnElement[bool]) -> Sequence[Row]:
        if monotonic() > self.until:
            raise self.source.too_slow()
        there = self.tables[table.name]
        names = sorted({*table.columns, *table.structural})
        asked = sa.select(*(there.c[name] for name in names)).where(where)
        asked = asked.order_by(there.c[table.key])
        if self.writes:  # keys stay: whoever adds or alters what points to a row waits for nobody
            asked = asked.with_for_update(key_share=True)
        return [dict(row._mapping) for row in self.connection.execute(asked)]  # noqa: SLF001


class _Whose:
    """Tells a person's rows from others, by identifiers and by what took their place."""

    def __init__(self, person: Person, source: SqlDatabase) -> None:
        self._source = source
        key = source.pseudonym_key
        self.addresses = {same_address(one) for one in person.addresses}
        self.addresses |= {address_pseudonym(one, key) for one in person.addresses}
        self.external_ids = {*person.external_ids}
        self.external_ids |= {id_pseudonym(one, key) for one in person.external_ids}
        self.doubtful = 0

    def is_theirs(self, table: Table, match: Match, row: Row) -> bool:
        """Whether the strongest identifier that both have says so; raises SourceWrong if none."""
        answers = list(self._answers(match, row))
        if not any(answers):
            raise self._source.wrong(f"gave rows of table {table.place} that are somebody else's")
        self.doubtful += not answers[0]
        return answers[0]

    def _answers(self, match: Match, row: Row) -> Iterator[bool]:
        pairs: Sequence[tuple[str | None, set[str], Callable[[str], str]]] = (
            (match.external_id, self.external_ids, str),
            (match.address, self.addresses, same_address),
        )
        for column, known, spelled in pairs:
            if column and known and row[column] not in {None, ""}:
                yield spelled(str(row[column])) in known


def _engine(url: str) -> sa.Engine:
    address = sa.make_url(url)
    if address.drivername in {"postgres", "postgresql"}:
        address = address.set(drivername="postgresql+psycopg")
    dialect = address.get_backend_name()
    if dialect == "sqlite" and address.database:
        # By itself SQLite makes a file that is not there, which would then hold nothing of anybody.
        existing = {"uri": "true", "mode": "rw"}
        address = address.set(database=f"file:{quote(address.database)}", query=existing)
    options: Mapping[str, Mapping[str, Any]] = {"postgresql": POSTGRESQL, "sqlite": SQLITE}
    engine = sa.create_engine(
        address,
        hide_parameters=True,
        poolclass=NullPool,
        connect_args=dict(options.get(dialect, {})),
    )
    if dialect == "sqlite":
        event.listen(engine, "connect", _prepare_sqlite)
        event.listen(engine, "begin", _begin_sqlite)
    return engine


def _prepare_sqlite(connection: Any, _record: object) -> None:  # noqa: ANN401 - of sqlite3
    connection.isolation_level = None  # we say BEGIN ourselves
    connection.execute("PRAGMA foreign_keys=ON")
    # Its own knows the letters of ASCII only, and would not find who wrote another in capitals.
    connection.create_function("lower", 1, _in_small_letters, deterministic=True)


def _in_small_letters(value: object) -> object:
    return value.lower() if isinstance(value, str) else value


def _begin_sqlite(connection: sa.Connection) -> None:
    """A transaction that turns from reading to writing is refused at once when another writes."""
    writes = connection.get_execution_options().get("writes", False)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")


def _each_once(table: Table, *found: Sequence[Row]) -> Sequence[Row]:
    return list({row[table.key]: row for some in found for row in some}.values())


def _some(keys: Sequence[Any]) -> Iterator[Sequence[Any]]:
    for start in range(0, len(keys), AT_ONCE):
        yield keys[start : start + AT_ONCE]


def _typed_or_none(column: sa.ColumnElement[Any], value: object) -> object:
    try:
        return _typed(column, value)
    except (ValueError, ArithmeticError):
        return None


def _typed(column: sa.ColumnElement[Any], value: object) -> object:
    """What an export or a form has as text, as the column's own kind of value."""
    try:
        kind = column.type.python_type
    except NotImplementedError:
        return value
    if value is None or isinstance(value, kind):
        return value
    text = str(value)
    if kind is bool:
        if text.lower() not in BOOLEANS:
            raise ValueError("is neither true nor false")
        return BOOLEANS[text.lower()]
    made: Callable[[str], object] = READ.get(kind, kind)
    return made(text)


BOOLEANS = {"true": True, "false": False, "1": True, "0": False}
READ: Mapping[type, Callable[[str], object]] = {
    datetime: datetime.fromisoformat,
    date: date.fromisoformat,
    Decimal: Decimal,
    UUID: UUID,
    str: str,
}
