"""A SQL database as a data source: any that SQLAlchemy has a driver for (P11-P17)."""

import json
from base64 import b64encode
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, date, datetime
from math import isfinite

from data_sources.erasing import Deletion, counted, holds_something, plan_erasure
from data_sources.source import Call, CorrectionRefused
from data_sources.sql_rows import Found, OpenDatabase, Row, SqlDatabase
from data_sources.tables import Flag, SqlDescription, Table
from domain.requests.personal_data import (
    Correction,
    Done,
    Exported,
    Failed,
    Held,
    Located,
    Person,
    Receipt,
    Record,
    Value,
    Verb,
)

NO_FLAG = "the data map names no column for a restriction"
NOT_THERE = "no entry of this person has the value that is to be corrected"


class SqlSource:
    """Every verb is one transaction. `pseudonym_key` is never changed, as suppression's is."""

    def __init__(self, about: SqlDescription, url: str, *, pseudonym_key: bytes) -> None:
        self.about = about
        self._key = pseudonym_key
        self._database = SqlDatabase(about, url, pseudonym_key)

    def locate(self, person: Person, call: Call) -> Located:  # noqa: ARG002 - others tell by it
        """Count the person's entries by category."""
        with self._database.reading() as database:
            found = database.find(person)
        there = Counter(
            category
            for table in self.about.tables
            for row in found.rows[table.name]
            for category in counted(table, row)
        )
        held = tuple(
            Held(category=category, rows=there[category], uses=uses)
            for category, uses in self.about.categories.items()
        )
        return Located(source=self.about.name, held=held, doubtful=found.doubtful)

    def holds_beside(self, person: Person, place: str, column: str, value: str) -> bool:
        """Whether it holds anything of a person apart from the row of a table that has this value,
        and from what hangs on that row."""
        with self._database.reading() as database:
            rows = database.find(person).rows
        apart: dict[str, set[object]] = {}
        for table in self.about.tables:
            through = table.through
            apart[table.name] = {
                row[table.key]
                for row in rows[table.name]
                if (table.place == place and row[column] == value)
                or (through and row[through.column] in apart[through.table])
            }
        return any(
            row[table.key] not in apart[table.name] and any(counted(table, row))
            for table in self.about.tables
            for row in rows[table.name]
        )

    def export(self, person: Person, call: Call) -> Exported:  # noqa: ARG002
        """Every value, each checked to hang on an identifier of the person."""
        with self._database.reading() as database:
            found = database.find(person)
        records = tuple(self._records(found))
        return Exported(source=self.about.name, records=records, doubtful=found.doubtful)

    def correct(self, person: Person, corrections: Sequence[Correction], call: Call) -> Receipt:  # noqa: ARG002
        """Give each entry with the wrong value the right one; one that has it already is left."""
        done: Counter[str] = Counter()
        failed = []
        with self._database.writing() as database:
            found = database.find(person)
            for correction in corrections:
                rows = self._corrected(database, found, correction)
                done[correction.category] += rows
                if not rows:
                    failed.append(
                        Failed(category=self._known(correction.category), rows=0, reason=NOT_THERE)
                    )
        return self._receipt(Verb.CORRECT, done, failed)

    def restrict(self, person: Person, call: Call, *, restricted: bool = True) -> Receipt:  # noqa: ARG002
        """Set or lift the flag; it covers what hangs on its table too."""
        done: Counter[str] = Counter()
        bare: Counter[str] = Counter()
        with self._database.writing() as database:
            found = database.find(person)
            flagged: set[str] = set()
            for table in self.about.tables:
                flag, through = table.restrict, table.through
                if flag:
                    value = flag.value if restricted else flag.lifted
                    _set(database, table, found.rows[table.name], flag, value)
                if flag or (through and through.table in flagged):
                    flagged.add(table.name)
                counts = done if table.name in flagged else bare
                counts.update(_entries(table, found.rows[table.name]))
        failed = [
            Failed(category=category, rows=bare[category], reason=NO_FLAG)
            for category in self.about.categories
            if bare[category]
        ]
        return self._receipt(Verb.RESTRICT, done, failed)

    def erase(self, person: Person, call: Call) -> Receipt:
        """Erase what need not be kept, or nothing while a row is on hold."""
        with self._database.writing() as database:
            rows = database.find(person).rows
            plan = plan_erasure(self.about, rows, call.now, key=self._key, typed=database.typed)
            for act in plan.acts:
                if isinstance(act, Deletion):
                    database.delete(act.table, act.keys)
                else:
                    database.change(act.table, act.row, act.values)
        return plan.receipt

    def would_erase(self, person: Person, call: Call) -> Receipt:
        """What an erasure would say; nothing is changed."""
        with self._database.reading() as database:
            rows = database.find(person).rows
            plan = plan_erasure(self.about, rows, call.now, key=self._key, typed=database.typed)
        return plan.receipt

    def known_by(self) -> Iterator[Person]:
        """Every identifier by which a table knows somebody, one at a time."""
        with self._database.reading() as database:
            yield from database.known_by()

    def suppress(self, person: Person, call: Call) -> Receipt:  # noqa: ARG002
        """Set the columns by which marketing stops, where the map names some."""
        done: Counter[str] = Counter()
        with self._database.writing() as database:
            found = database.find(person)
            for table in self.about.tables:
                if table.suppress:
                    rows = found.rows[table.name]
                    _set(database, table, rows, table.suppress, table.suppress.value)
                    done.update(_entries(table, rows))
        return self._receipt(Verb.SUPPRESS, done)

    def _records(self, found: Found) -> Iterator[Record]:
        items: Counter[str] = Counter()
        for table in self.about.tables:
            for row in found.rows[table.name]:
                for category in counted(table, row):
                    items[category] += 1
                    yield from self._entry(table, row, category, items[category])

    def _entry(self, table: Table, row: Row, category: str, item: int) -> Iterator[Record]:
        for name in table.categories[category]:
            if not holds_something(table, row, name):
                continue
            column = table.columns[name]
            use = table.use_of(column)
            yield Record(
                source=self.about.name,
                category=category,
                item=item,
                field=name,
                value=self._plain(row[name]),
                origin=use.origin,
                purpose=use.purpose,
                legal_basis=use.legal_basis,
                others=column.others,
            )

    def _corrected(self, database: OpenDatabase, found: Found, correction: Correction) -> int:
        """How many entries have the right value now."""
        rows = 0
        for table in self.about.tables:
            if correction.field not in table.categories.get(correction.category, ()):
                continue
            right = self._right(database, table, correction)
            for row in found.rows[table.name]:
                wrong = _says(self._plain(row[correction.field]), correction.before)
                if wrong and row[correction.field] != right:
                    database.change(table, row, {correction.field: right})
                rows += wrong or row[correction.field] == right
        return rows

    def _right(self, database: OpenDatabase, table: Table, correction: Correction) -> object:
        try:
            return database.typed(table, correction.field, correction.after)
        except (ValueError, ArithmeticError):
            raise CorrectionRefused(
                f"{correction.field}: the right value is of another kind than what "
                f"{self.about.name} has there. Nothing was changed."
            ) from None

    def _plain(self, value: object) -> Value:
        """A value as an export has it."""
        if self.about.times_are_utc and isinstance(value, datetime) and value.tzinfo is None:
            return plain(value.replace(tzinfo=UTC))
        return plain(value)

    def _known(self, category: str) -> str:
        """A receipt holds the map's words only, never what somebody typed."""
        return category if category in self.about.categories else "unknown"

    def _receipt(
        self, verb: Verb, done: Mapping[str, int], failed: Sequence[Failed] = ()
    ) -> Receipt:
        return Receipt(
            source=self.about.name,
            verb=verb,
            done=tuple(
                Done(category=category, rows=done.get(category, 0))
                for category in self.about.categories
            ),
            failed=tuple(failed),
        )


def plain(value: object) -> Value:
    """A value of a database as JSON has it."""
    match value:
        case None | bool() | int() | str():
            return value
        case datetime():
            instant = value.astimezone(UTC) if value.tzinfo else value
            return instant.isoformat().replace("+00:00", "Z")
        case date():
            return value.isoformat()
        case bytes() | memoryview():
            return b64encode(value).decode()
        case dict() | list():
            return json.dumps(value, ensure_ascii=False, default=str)
        case float() if isfinite(value):
            return value
        case _:
            return str(value)


def _says(value: Value, typed: Value) -> bool:
    """Whether a value is the one that was typed, as an export has it; nothing is nothing."""
    if value in {None, ""} or typed in {None, ""}:
        return value in {None, ""} and typed in {None, ""}
    return value == typed or str(value) == typed


def _entries(table: Table, rows: Sequence[Row]) -> Iterator[str]:
    for row in rows:
        yield from counted(table, row)


def _set(
    database: OpenDatabase, table: Table, rows: Sequence[Row], flag: Flag, value: object
) -> None:
    for row in rows:
        if row[flag.column] != value:
            database.change(table, row, {flag.column: value})
