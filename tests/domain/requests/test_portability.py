"""What a person takes along is theirs to take, and other systems and people can read it."""

import json
from csv import reader
from dataclasses import replace
from datetime import UTC, datetime
from io import StringIO

import pytest
from hypothesis import given

from domain.requests.personal_data import LegalBasis, Origin, Record
from domain.requests.portability import CSV_SCHEMA, DATA, SCHEMA, portable, portable_files
from domain.spreadsheet import FORMULA
from tests.domain.requests.records import record, records

NOW = datetime(2026, 3, 2, 9, tzinfo=UTC)
NAME = record("name", "Alice Abel")


@pytest.mark.parametrize("origin", Origin)
@pytest.mark.parametrize("basis", LegalBasis)
def test_only_what_was_given_or_observed_on_consent_or_contract(
    origin: Origin, basis: LegalBasis
) -> None:
    """P16."""
    taken = list(portable([replace(NAME, origin=origin, legal_basis=basis)]))
    goes = origin in {"provided", "observed"} and basis in {"consent", "contract"}
    assert bool(taken) == goes


def test_the_files_are_json_and_csv_with_a_schema_each() -> None:
    """P16: never PDF."""
    files = portable_files("R-1", NOW, [NAME, replace(NAME, item=2, field="age", value=41)])
    assert list(files) == [DATA, SCHEMA, CSV_SCHEMA, "billing-contact-details.csv"]
    assert json.loads(files[DATA]) == {
        "format": 1,
        "reference": "R-1",
        "made_at": "2026-03-02T09:00:00Z",
        "tables": [
            {
                "source": "billing",
                "category": "Contact details",
                "entries": [{"name": "Alice Abel"}, {"age": 41}],
            }
        ],
    }
    assert files["billing-contact-details.csv"] == "name,age\r\nAlice Abel,\r\n,41\r\n"
    (table,) = json.loads(files[CSV_SCHEMA])["tables"]
    assert table["url"] == "billing-contact-details.csv"
    assert [column["titles"] for column in table["tableSchema"]["columns"]] == ["name", "age"]
    why = "Keeping the account (contract, provided)"
    assert table["tableSchema"]["columns"][0]["dc:description"] == why


def test_with_nothing_to_take_the_package_says_so() -> None:
    """P16."""
    files = portable_files("R-1", NOW, [replace(NAME, origin=Origin.INFERRED)])
    assert list(files) == [DATA, SCHEMA, CSV_SCHEMA]
    assert json.loads(files[DATA])["tables"] == []


def test_the_schema_describes_what_the_data_has() -> None:
    files = portable_files("R-1", NOW, [NAME])
    schema, data = json.loads(files[SCHEMA]), json.loads(files[DATA])
    assert set(schema["required"]) == set(schema["properties"]) == set(data)
    of_table = schema["properties"]["tables"]["items"]
    assert set(of_table["required"]) == set(of_table["properties"]) == set(data["tables"][0])


@given(records())
def test_nothing_runs_in_a_spreadsheet_and_nothing_is_lost(some: list[Record]) -> None:
    """P16, OWASP ASVS 1.2.10."""
    files = portable_files("R-1", NOW, some)
    taken = list(portable(some))
    tables = json.loads(files[DATA])["tables"]
    described = json.loads(files[CSV_SCHEMA])["tables"]
    assert {name for name in files if name.endswith(".csv")} == {one["url"] for one in described}
    assert len(files) == 3 + len({(one.source, one.category) for one in taken})
    for table, description in zip(tables, described, strict=True):
        heading, *lines = reader(StringIO(files[description["url"]], newline=""))
        assert not any(cell.startswith(FORMULA) for line in (heading, *lines) for cell in line)
        columns = [column["titles"] for column in description["tableSchema"]["columns"]]
        for entry, line in zip(table["entries"], lines, strict=True):
            for name, cell in zip(columns, line, strict=True):
                value = entry.get(name)
                plain = "" if value is None else str(value)
                assert cell.removeprefix("'") == plain.removeprefix("'")
    assert sum(len(entry) for table in tables for entry in table["entries"]) == len(taken)
