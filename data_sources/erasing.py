"""What an erasure does with each row of a person: what goes, what stays, why and until when (P13).

Pure: rows in, acts and receipt out. Children come first, as a row has to stay while one that stays
refers to it.
"""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime

from data_sources.description import Rule
from data_sources.pseudonyms import address_pseudonym, id_pseudonym, is_pseudonym
from data_sources.sql_rows import Row, Rows
from data_sources.tables import SqlDescription, Table
from domain.requests.personal_data import Done, Receipt, Retained, Verb

UNTIL_RELEASE = "the hold is released"


@dataclass(frozen=True, kw_only=True)
class Change:
    """A row that stays, and what its columns become."""

    table: Table
    row: Row
    values: Mapping[str, object]


@dataclass(frozen=True, kw_only=True)
class Deletion:
    """Rows of a table that go, by their keys."""

    table: Table
    keys: Sequence[object]


@dataclass(frozen=True, kw_only=True)
class Plan:
    """What is to be done, in an order that foreign keys allow, and the receipt for it."""

    acts: Sequence[Change | Deletion]
    receipt: Receipt


@dataclass(frozen=True, kw_only=True)
class _Kept:
    """Why a row stays, and until when."""

    rule: Rule
    until_on: date | None

    def longer(self, other: "_Kept | None") -> "_Kept":
        """The one that lasts longer; one whose end is open lasts longest."""
        if other is None or self.until_on is None:
            return self
        return other if other.until_on is None or other.until_on > self.until_on else self


@dataclass(kw_only=True)
class _Counts:
    """What becomes of entries, by category."""

    done: Counter[str] = field(default_factory=Counter)
    retained: dict[tuple[str, Rule], list[date | None]] = field(default_factory=dict)

    def retain(self, category: str, kept: _Kept) -> None:
        self.retained.setdefault((category, kept.rule), []).append(kept.until_on)


Typed = Callable[[Table, str, object], object]


def plan_erasure(
    about: SqlDescription, rows: Rows, now: datetime, *, key: bytes, typed: Typed
) -> Plan:
    """`typed` gives a mask as its column takes it; `key` makes pseudonyms."""
    if held := _held(about, rows):
        return Plan(acts=(), receipt=held)
    return _Erasure(about, rows, now, key, typed).plan()


def holds_something(table: Table, row: Row, column: str) -> bool:
    """Whether a column has more than what an erasure leaves in it."""
    described = table.columns[column]
    masked = described.erase == "mask" and str(row[column]) == described.mask
    return row[column] is not None and row[column] != "" and not masked


def counted(table: Table, row: Row) -> Iterator[str]:
    """The categories of which a row holds something."""
    for category, columns in table.categories.items():
        if any(holds_something(table, row, column) for column in columns):
            yield category


def _held(about: SqlDescription, rows: Rows) -> Receipt | None:
    """The receipt of a source where a row of the person is on hold: nothing is touched."""
    reason = next(
        (
            table.hold.reason
            for table in about.tables
            if table.hold and any(row[table.hold.column] for row in rows[table.name])
        ),
        None,
    )
    if reason is None:
        return None
    there = Counter(
        category
        for table in about.tables
        for row in rows[table.name]
        for category in counted(table, row)
    )
    return Receipt(
        source=about.name,
        verb=Verb.ERASE,
        done=tuple(Done(category=category, rows=0) for category in about.categories),
        retained=tuple(
            Retained(category=category, rows=there[category], reason=reason, until=UNTIL_RELEASE)
            for category in about.categories
            if there[category]
        ),
    )


class _Erasure:
    """One person's rows on their way out."""

    def __init__(
        self, about: SqlDescription, rows: Rows, now: datetime, key: bytes, typed: Typed
    ) -> None:
        self._about = about
        self._rows = rows
        self._today = now.date()
        self._key = key
        self._typed = typed
        self._counts = _Counts()
        self._own: dict[str, dict[object, _Kept]] = {table.name: {} for table in about.tables}
        self._needed: dict[str, dict[object, _Kept]] = {table.name: {} for table in about.tables}

    def plan(self) -> Plan:
        """Judge every row."""
        for table in self._about.tables:
            self._own[table.name] = dict(self._kept_by_rule(table))
        acts = [act for table in reversed(self._about.tables) for act in self._acts(table)]
        return Plan(acts=acts, receipt=self._receipt())

    def _kept_by_rule(self, table: Table) -> Iterator[tuple[object, _Kept]]:
        """The rows whose retention, or that of the row which they follow, is not over."""
        for row in self._rows[table.name]:
            kept = self._by_own_rule(table, row)
            if table.through and table.through.follows:
                kept = kept or self._own[table.through.table].get(row[table.through.column])
            if kept:
                yield row[table.key], kept

    def _by_own_rule(self, table: Table, row: Row) -> _Kept | None:
        if table.retention is None:
            return None
        rule = self._about.retention[table.retention.rule]
        begun = row[table.retention.since] if table.retention.since else None
        until_on = None if begun is None else rule.ends_on(_day(begun))
        over = until_on is not None and until_on <= self._today
        return None if over else _Kept(rule=rule, until_on=until_on)

    def _acts(self, table: Table) -> Iterator[Change | Deletion]:
        gone: list[object] = []
        for row in self._rows[table.name]:
            own = self._own[table.name].get(row[table.key])
            needed = self._needed[table.name].get(row[table.key])
            if own and table.erase == "delete":
                self._keep_whole(table, row, own)
            elif own or needed or (table.erase == "reduce" and table.retention is None):
                yield from self._reduce(table, row, own.longer(needed) if own else needed)
            else:
                gone.append(row[table.key])
                self._counts.done.update(counted(table, row))
        if gone:
            yield Deletion(table=table, keys=gone)

    def _keep_whole(self, table: Table, row: Row, kept: _Kept) -> None:
        for category in counted(table, row):
            self._counts.retain(category, kept)
        self._needs_parent(table, row, kept)

    def _reduce(self, table: Table, row: Row, kept: _Kept | None) -> Iterator[Change]:
        """What stays of a row; a category is retained when any of its values is."""
        left = {**row, **dict(self._left_of(table, row))}
        changed = {name: value for name, value in left.items() if value != row[name]}
        for category in table.categories:
            columns = table.categories[category]
            if kept and any(holds_something(table, left, column) for column in columns):
                self._counts.retain(category, kept)
            elif any(column in changed for column in columns):
                self._counts.done[category] += 1
        if kept and not (table.through and table.through.cut):
            self._needs_parent(table, row, kept)
        if changed:
            yield Change(table=table, row=row, values=changed)

    def _left_of(self, table: Table, row: Row) -> Iterator[tuple[str, object]]:
        for name, column in table.columns.items():
            match column.erase:
                case "mask":
                    yield name, self._typed(table, name, column.mask)
                case "pseudonym":
                    yield name, self._pseudonym(table, name, row[name])
                case "null":
                    yield name, None
        if table.through and table.through.cut:
            yield table.through.column, None

    def _pseudonym(self, table: Table, name: str, value: object) -> object:
        if value is None or value == "" or is_pseudonym(str(value)):
            return value
        is_address = table.match is not None and table.match.address == name
        return (address_pseudonym if is_address else id_pseudonym)(str(value), self._key)

    def _needs_parent(self, table: Table, row: Row, kept: _Kept) -> None:
        if table.through:
            needed = self._needed[table.through.table]
            key = row[table.through.column]
            needed[key] = kept.longer(needed.get(key))

    def _receipt(self) -> Receipt:
        order = list(self._about.categories)
        retained = [
            Retained(
                category=category,
                rows=len(ends),
                reason=rule.reason,
                until=rule.words,
                until_on=None if None in ends else max(end for end in ends if end),
            )
            for (category, rule), ends in self._counts.retained.items()
        ]
        return Receipt(
            source=self._about.name,
            verb=Verb.ERASE,
            done=tuple(Done(category=one, rows=self._counts.done[one]) for one in order),
            retained=tuple(
                sorted(retained, key=lambda one: (order.index(one.category), one.reason))
            ),
        )


def _day(begun: object) -> date:
    """A date, from a date or an instant. Raises ValueError for what is neither."""
    if isinstance(begun, datetime):
        return begun.date()
    return begun if isinstance(begun, date) else date.fromisoformat(str(begun)[:10])
