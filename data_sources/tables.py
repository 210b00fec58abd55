"""A database in a data map: its tables, whose rows are whose, and what becomes of them."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Annotated, Literal, Self

from pydantic import Field, field_validator, model_validator
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError

from data_sources.description import Collection, DataField, Described, Part, Source, Words

ColumnName = Annotated[str, Field(min_length=1, max_length=128)]
Scalar = bool | int | str


class Column(DataField):
    """A column with personal data. `erase`: what is left of it in a row that stays."""

    category: Words | None = None
    erase: Literal["null", "mask", "pseudonym", "keep"] | None = None
    mask: str = "erased"


class Match(Part):
    """Columns that say whose a row is. Where both are known, the external id decides."""

    address: ColumnName | None = None
    external_id: ColumnName | None = None

    @model_validator(mode="after")
    def _names_one(self) -> Self:
        if not (self.address or self.external_id):
            raise ValueError("names no column: give address, external_id or both")
        return self

    @property
    def columns(self) -> Sequence[str]:
        """Those that are given, the one that decides first."""
        return [name for name in (self.external_id, self.address) if name]


class Through(Part):
    """A row is whose the row of another table is that it refers to.

    `follows`: kept as long as that one is. `cut`: when it stays, it no longer says whose it was.
    """

    column: ColumnName
    table: str
    follows: bool = False
    cut: bool = False


class Retention(Part):
    """A rule, and the column with the day it counts from; without one it never ends by itself."""

    rule: str
    since: ColumnName | None = None


class Hold(Part):
    """While a row says so in this column, nothing of its person is erased in this source."""

    column: ColumnName
    reason: Words


class Flag(Part):
    """A column that other systems read, and what it says."""

    column: ColumnName
    value: Scalar
    lifted: Scalar | None = None


class Table(Collection):
    """A table of a SQL source, and what becomes of its rows. With `match` and `through` a row is
    whose either says."""

    name: Annotated[str, Field(min_length=1, max_length=128)]
    table: str = ""
    key: ColumnName = "id"
    match: Match | None = None
    through: Through | None = None
    category: Words
    columns: dict[ColumnName, Column] = Field(min_length=1)
    not_personal: tuple[ColumnName, ...] = ()
    erase: Literal["delete", "reduce"]
    retention: Retention | None = None
    hold: Hold | None = None
    restrict: Flag | None = None
    suppress: Flag | None = None

    @model_validator(mode="after")
    def _is_somebodys(self) -> Self:
        if self.match is None and self.through is None:
            raise ValueError("needs match or through, or both: whose its rows are")
        if missing := [name for name in self.matched if name not in self.columns]:
            raise ValueError(f"matches by {missing[0]}, which is not among its columns")
        if self.restrict is not None and self.restrict.lifted is None:
            raise ValueError("has a restriction without `lifted`: what it says when it is over")
        return self

    @model_validator(mode="after")
    def _erases_with_reason(self) -> Self:
        unreasoned = self.erase == "reduce" and self.retention is None
        for name, column in self.columns.items():
            matches = name in self.matched
            if column.erase == "pseudonym" and not matches:
                raise ValueError(f"{name}: only a column of match can become a pseudonym")
            if matches and column.erase == "mask":
                raise ValueError(f"{name}: with one mask for all, rows would be found as another's")
            if unreasoned and matches and column.erase != "null":
                raise ValueError(
                    f"{name}: says whose a row is that no retention gives a reason for"
                )
        if unreasoned and self.through and not self.through.cut:
            raise ValueError("rows stay for no reason that retention gives: cut whose they were")
        return self

    @property
    def matched(self) -> Sequence[str]:
        """Columns that say themselves whose a row is."""
        return self.match.columns if self.match else ()

    @property
    def place(self) -> str:
        """Its name in the database; it may stand here more than once, under names of its own."""
        return self.table or self.name

    @property
    def structural(self) -> frozenset[str]:
        """Columns that say how rows hang together, and nothing of anybody."""
        parts = (self.through, self.hold, self.restrict, self.suppress)
        since = self.retention.since if self.retention else None
        return frozenset({self.key, *(part.column for part in parts if part), since} - {None})  # type: ignore[arg-type]

    def category_of(self, column: Column) -> str:
        """What kind of data a column has."""
        return column.category or self.category

    @property
    def categories(self) -> Mapping[str, Sequence[str]]:
        """The names of its columns by category."""
        found: dict[str, list[str]] = {}
        for name, column in self.columns.items():
            found.setdefault(self.category_of(column), []).append(name)
        return found


class SqlDescription(Source):
    """A database. Parents stand before the tables that refer to them.

    `times_are_utc`: an instant that says no zone is in UTC, as where the database has no type for
    zones.
    """

    kind: Literal["sql"]
    url: str | None = None
    url_file: str | None = None
    times_are_utc: bool = False
    tables: tuple[Table, ...] = Field(alias="table")

    @field_validator("url")
    @classmethod
    def _holds_no_secret(cls, url: str | None) -> str | None:
        if url is None:
            return None
        try:
            password = make_url(url).password
        except (ArgumentError, ValueError):
            raise ValueError("is no address of a database that SQLAlchemy knows") from None
        if password is not None:
            raise ValueError("has a password in it: put the address into a file, as url_file")
        return url

    @model_validator(mode="after")
    def _hangs_together(self) -> Self:
        if self.url and self.url_file:
            raise ValueError("has url and url_file: one of them")
        if not self.tables:
            raise ValueError("has no table")
        seen: set[str] = set()
        for table in self.tables:
            if table.name in seen:
                raise ValueError(f'has two tables "{table.name}"')
            if table.through and table.through.table not in seen:
                raise ValueError(
                    f'table "{table.name}" goes through "{table.through.table}", '
                    "which does not stand before it"
                )
            if table.retention and table.retention.rule not in self.retention:
                raise ValueError(
                    f'table "{table.name}" is kept by "{table.retention.rule}", '
                    "which is no rule of this source"
                )
            seen.add(table.name)
        return self

    @model_validator(mode="after")
    def _says_what_is_left(self) -> Self:
        stay: set[str] = set()
        for table in reversed(self.tables):
            reduced = table.erase == "reduce" or table.name in stay
            for name, column in table.columns.items():
                if reduced and column.erase is None:
                    raise ValueError(
                        f'table "{table.name}", column "{name}": say what erase leaves of it, '
                        "as rows may stay: null, mask, pseudonym or keep"
                    )
            if table.through and (table.retention or table.name in stay):
                stay.add(table.through.table)
        return self

    def described(self) -> Iterator[Described]:
        """Every column with personal data."""
        for table in self.tables:
            for name, column in table.columns.items():
                yield Described(
                    category=table.category_of(column),
                    field=name,
                    use=table.use_of(column),
                    others=column.others,
                )
