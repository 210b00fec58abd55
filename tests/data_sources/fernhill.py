"""The invented company's sources in a database of a test's own, and whom they are asked about."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import sqlalchemy as sa

from data_sources.data_map import DataMap
from data_sources.map_file import read_data_map
from data_sources.opening import Means
from data_sources.source import Call
from data_sources.sql import SqlSource
from data_sources.tables import SqlDescription
from domain.requests.personal_data import Exported, Located, Person, Receipt, Record
from embedded.sample_company import IN_ONE_DATABASE
from embedded.sample_company.database import TABLES
from settings import SAMPLE_DATA_MAP

NOW = datetime(2026, 3, 2, 9, tzinfo=UTC)
KEY = b"k" * 32
CALL = Call(id="0190f5c2-1111-7000-8000-000000000001", now=NOW)
ALICE, BOB, EMIL = (
    Person(addresses=(f"{name}@people.example",), external_ids=(f"a-{name}",))
    for name in ("alice", "bob", "emil")
)
NOBODY = Person(addresses=("nobody@elsewhere.example",))
Contents = Mapping[str, Sequence[Mapping[str, Any]]]


@dataclass(frozen=True, kw_only=True)
class Fernhill:
    """The company: its database, and the sources in it."""

    url: str
    engine: sa.Engine
    data_map: DataMap

    def source(self, name: str) -> SqlSource:
        """A source that stands for a part of the database."""
        about = next(one for one in self.data_map.sources if one.name == name)
        assert isinstance(about, SqlDescription)
        return SqlSource(about, self.url, pseudonym_key=KEY)

    @property
    def sources(self) -> Sequence[SqlSource]:
        """All of them."""
        return [self.source(name) for name in IN_ONE_DATABASE]

    def contents(self) -> Contents:
        """Every row of every table."""
        with self.engine.connect() as connection:
            return {
                table.name: [
                    dict(row._mapping)
                    for row in connection.execute(sa.select(table).order_by(table.c.id))
                ]
                for table in TABLES.sorted_tables
            }

    def tell(self, statement: str, **values: object) -> None:
        """Change something behind the sources' back."""
        with self.engine.begin() as connection:
            connection.execute(sa.text(statement), values)


def read_map() -> DataMap:
    """The company's data map."""
    return read_data_map(SAMPLE_DATA_MAP)


def means(url: str) -> Means:
    """What `open_sources` needs."""
    return Means(
        folder=SAMPLE_DATA_MAP.parent,
        pseudonym_key=KEY,
        outside_clock=lambda: NOW,
        urls=dict.fromkeys(IN_ONE_DATABASE, url),
    )


def located(found: Located) -> dict[str, int]:
    """How many entries of each category, without those of which there are none."""
    return {one.category: one.rows for one in found.held if one.rows}


def done(receipt: Receipt) -> dict[str, int]:
    """How many entries of each category are done, without noughts."""
    return {one.category: one.rows for one in receipt.done if one.rows}


def retained(receipt: Receipt) -> dict[str, int]:
    """How many entries of each category stayed."""
    found: dict[str, int] = {}
    for one in receipt.retained:
        found[one.category] = found.get(one.category, 0) + one.rows
    return found


def values(exported: Exported, field_name: str) -> list[object]:
    """Every value of a field."""
    return [one.value for one in exported.records if one.field == field_name]


def record_of(exported: Exported, field_name: str) -> Record:
    """The only record of a field."""
    (record,) = [one for one in exported.records if one.field == field_name]
    return record
