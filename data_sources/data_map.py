"""The data map: which source holds what about people, why, and for how long.

It is read from TOML (`map_file.py`), and a person reads it as a record of processing (GDPR Article
30). `docs/data-sources.md` explains every key.
"""

from calendar import monthrange
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Annotated, Literal, Self
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError

from domain.personal_data import DataRole, LegalBasis, Origin, Use, Verb

Key = Annotated[str, Field(pattern=r"^[a-z][a-z0-9-]{0,59}$")]
Words = Annotated[str, Field(min_length=1, max_length=500)]
ColumnName = Annotated[str, Field(min_length=1, max_length=128)]
Scalar = bool | int | str
LOOPBACK = ("127.0.0.1", "::1", "localhost")


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Rule(_Part):
    """How long something is kept: a period that begins when `after` happened."""

    reason: Words
    after: Words
    years: int = Field(default=0, ge=0, le=100)
    months: int = Field(default=0, ge=0, le=1200)
    days: int = Field(default=0, ge=0, le=36500)
    from_end_of_year: bool = False

    @model_validator(mode="after")
    def _has_a_period(self) -> Self:
        if not (self.years or self.months or self.days):
            raise ValueError("says no period: give years, months or days")
        return self

    @property
    def words(self) -> str:
        """Until when, in words: 8 years after the end of the year in which ..."""
        periods = [
            f"{number} {unit if number > 1 else unit.removesuffix('s')}"
            for unit in ("years", "months", "days")
            if (number := getattr(self, unit))
        ]
        end = "the end of the year in which " if self.from_end_of_year else ""
        return f"{' and '.join(periods)} after {end}{self.after}"

    def ends_on(self, begun_on: date) -> date:
        """The first day on which it need not be kept any more."""
        start = date(begun_on.year + 1, 1, 1) if self.from_end_of_year else begun_on
        months = start.year * 12 + start.month - 1 + self.years * 12 + self.months
        year, month = months // 12, months % 12 + 1
        last = monthrange(year, month)[1]
        return date(year, month, min(start.day, last)) + timedelta(days=self.days)


class DataField(_Part):
    """One kind of value. What it does not say itself, its table or category says for it.

    `others`: it may tell of other people too.
    """

    purpose: Words | None = None
    legal_basis: LegalBasis | None = None
    origin: Origin | None = None
    recipients: tuple[Words, ...] | None = None
    others: bool = False


class _Collection(_Part):
    """What values have in common unless they say otherwise."""

    purpose: Words
    legal_basis: LegalBasis
    origin: Origin
    recipients: tuple[Words, ...] = ()

    def use_of(self, value: DataField) -> Use:
        """Why a value is held."""
        own = value.recipients
        return Use(
            purpose=value.purpose or self.purpose,
            legal_basis=value.legal_basis or self.legal_basis,
            origin=value.origin or self.origin,
            recipients=self.recipients if own is None else own,
        )


class Column(DataField):
    """A column with personal data. `erase`: what is left of it in a row that stays."""

    category: Words | None = None
    erase: Literal["null", "mask", "pseudonym", "keep"] | None = None
    mask: str = "erased"


class Match(_Part):
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


class Through(_Part):
    """A row is whose the row of another table is that it refers to.

    `follows`: kept as long as that one is. `cut`: when it stays, it no longer says whose it was.
    """

    column: ColumnName
    table: str
    follows: bool = False
    cut: bool = False


class Retention(_Part):
    """A rule, and the column with the day it counts from; without one it never ends by itself."""

    rule: str
    since: ColumnName | None = None


class Hold(_Part):
    """While a row says so in this column, nothing of its person is erased in this source."""

    column: ColumnName
    reason: Words


class Flag(_Part):
    """A column that other systems read, and what it says."""

    column: ColumnName
    value: Scalar
    lifted: Scalar | None = None


class Table(_Collection):
    """A table of a SQL source, and what becomes of its rows."""

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
        if (self.match is None) == (self.through is None):
            raise ValueError("needs match or through, not both: whose its rows are")
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


class Category(_Collection):
    """What an HTTP service, or a person who looks, tells of one kind of data."""

    name: Words
    fields: dict[str, DataField] = Field(min_length=1)


@dataclass(frozen=True, kw_only=True)
class Described:
    """One kind of value of a source, with all that the map says of it."""

    category: str
    field: str
    use: Use
    others: bool


class Source(_Part):
    """What every source says of itself. `controller`: for whom a processor holds the data (P24)."""

    name: Key
    title: Words
    role: DataRole
    controller: Words | None = None
    retention: dict[Key, Rule] = Field(default_factory=dict)

    @model_validator(mode="after")
    def _says_for_whom(self) -> Self:
        if self.role is DataRole.PROCESSOR and self.controller is None:
            raise ValueError("is held as processor: name the controller")
        if self.role is DataRole.CONTROLLER and self.controller is not None:
            raise ValueError("names a controller, which only a processor has")
        return self

    def described(self) -> Iterator[Described]:
        """Every kind of value, in the map's order."""
        raise NotImplementedError

    @property
    def categories(self) -> Mapping[str, tuple[Use, ...]]:
        """The categories in the map's order, each with every use that it is put to once."""
        found: dict[str, dict[Use, None]] = {}
        for one in self.described():
            found.setdefault(one.category, {})[one.use] = None
        return {category: tuple(uses) for category, uses in found.items()}


class SqlDescription(Source):
    """A database. Parents stand before the tables that refer to them."""

    kind: Literal["sql"]
    url: str | None = None
    url_file: str | None = None
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


class _Told(Source):
    """A source whose categories are told rather than read from tables."""

    told: tuple[Category, ...] = Field(alias="category")

    @model_validator(mode="after")
    def _tells_something(self) -> Self:
        if not self.told:
            raise ValueError("has no category")
        return self

    def described(self) -> Iterator[Described]:
        """Every field."""
        for category in self.told:
            for name, value in category.fields.items():
                yield Described(
                    category=category.name,
                    field=name,
                    use=category.use_of(value),
                    others=value.others,
                )


class HttpDescription(_Told):
    """A service that speaks the protocol of `docs/data-sources.md`."""

    kind: Literal["http"]
    url: str
    secret_file: str
    timeout_seconds: int = Field(default=20, ge=1, le=120)

    @field_validator("url")
    @classmethod
    def _is_safe(cls, url: str) -> str:
        parts = urlsplit(url)
        if parts.username or parts.password or parts.query or parts.fragment or not parts.hostname:
            raise ValueError("is an address like https://crm.example/privacy, without user or ?")
        if parts.scheme != "https" and not (parts.scheme == "http" and parts.hostname in LOOPBACK):
            raise ValueError("begins with https://, as personal data goes over it")
        return url.rstrip("/")


class ManualDescription(_Told):
    """People who look, copy and erase by hand. `instructions`: what to do, for each verb."""

    kind: Literal["manual"]
    assigned_role: Key
    days: int = Field(ge=1, le=25)
    instructions: dict[Verb, Words]

    @model_validator(mode="after")
    def _says_all(self) -> Self:
        if missing := [verb for verb in Verb if verb not in self.instructions]:
            raise ValueError(f"has no instructions for {missing[0]}")
        return self


Description = SqlDescription | HttpDescription | ManualDescription


class DataMap(_Part):
    """Every source."""

    title: Words
    sources: tuple[Annotated[Description, Field(discriminator="kind")], ...] = Field(alias="source")

    @model_validator(mode="after")
    def _has_each_once(self) -> Self:
        if not self.sources:
            raise ValueError("has no source")
        names = [source.name for source in self.sources]
        if twice := [name for name in names if names.count(name) > 1]:
            raise ValueError(f'has two sources "{twice[0]}"')
        return self
