"""What a person may take along to somebody else (P16): JSON and CSV with schemas, never PDF. Pure.

The schema of the JSON is JSON Schema (2020-12), that of the CSV is CSV on the Web (W3C, 2015).
"""

import re
import unicodedata
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from domain.requests.packages import as_json, instant
from domain.requests.personal_data import LegalBasis, Origin, Record, Value
from domain.spreadsheet import as_csv

FORMAT = 1
ORIGINS = frozenset({Origin.PROVIDED, Origin.OBSERVED})
BASES = frozenset({LegalBasis.CONSENT, LegalBasis.CONTRACT})
DATA, SCHEMA, CSV_SCHEMA = "data.json", "data.schema.json", "csv-metadata.json"
NOT_IN_NAMES = re.compile(r"[^a-z0-9]+")
LONGEST_NAME = 60
SCHEMA_OF_VALUE: Mapping[str, object] = {"type": ["string", "number", "boolean", "null"]}


@dataclass(frozen=True, kw_only=True)
class _Table:
    """A category of a source: its fields, each with a record that says why, and its entries."""

    source: str
    category: str
    fields: Mapping[str, Record]
    rows: Sequence[Mapping[str, Value]]


def portable(records: Iterable[Record]) -> Iterator[Record]:
    """What was given by the person or observed of them, on consent or contract (P16).

    Not what was inferred, what others gave, or what rests on another legal basis.
    """
    for record in records:
        if record.origin in ORIGINS and record.legal_basis in BASES:
            yield record


def portable_files(reference: str, made_at: datetime, records: Iterable[Record]) -> dict[str, str]:
    """The files of a portability package by name, from those records that are portable (P16).

    What a spreadsheet would take for a formula has an apostrophe in front in CSV; JSON has it as
    it is.
    """
    tables = list(_tables(portable(records)))
    names = _file_names(tables)
    return {
        DATA: as_json(_data(reference, made_at, tables)),
        SCHEMA: as_json(_schema()),
        CSV_SCHEMA: as_json(_csv_schema(tables, names)),
        **{
            name: as_csv(({**dict.fromkeys(one.fields), **row} for row in one.rows), [*one.fields])
            for name, one in zip(names, tables, strict=True)
        },
    }


def _tables(records: Iterable[Record]) -> Iterator[_Table]:
    found: dict[tuple[str, str], list[Record]] = {}
    for record in records:
        found.setdefault((record.source, record.category), []).append(record)
    for (source, category), some in found.items():
        rows: dict[int, dict[str, Value]] = {}
        for record in some:
            rows.setdefault(record.item, {})[record.field] = record.value
        yield _Table(
            source=source,
            category=category,
            fields={record.field: record for record in some},
            rows=[rows[item] for item in sorted(rows)],
        )


def _file_names(tables: Sequence[_Table]) -> Sequence[str]:
    """Names that every file system takes, each once: categories may differ in nothing else."""
    names: list[str] = []
    for one in tables:
        name = _plain(f"{one.source} {one.category}")
        same = sum(_without_number(other) == name for other in names)
        names.append(f"{name}.{same + 1}.csv" if same else f"{name}.csv")
    return names


def _without_number(name: str) -> str:
    return name.partition(".")[0]


def _plain(name: str) -> str:
    letters = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode().lower()
    return NOT_IN_NAMES.sub("-", letters)[:LONGEST_NAME].strip("-") or "data"


def _data(reference: str, made_at: datetime, tables: Sequence[_Table]) -> dict[str, object]:
    return {
        "format": FORMAT,
        "reference": reference,
        "made_at": instant(made_at),
        "tables": [
            {"source": one.source, "category": one.category, "entries": list(one.rows)}
            for one in tables
        ],
    }


def _schema() -> dict[str, object]:
    """What `data.json` looks like, whoever it is about."""
    entry = {"type": "object", "additionalProperties": SCHEMA_OF_VALUE}
    table = {
        "type": "object",
        "required": ["source", "category", "entries"],
        "properties": {
            "source": {"type": "string"},
            "category": {"type": "string"},
            "entries": {"type": "array", "items": entry},
        },
        "additionalProperties": False,
    }
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "Personal data to take along (GDPR Article 20)",
        "type": "object",
        "required": ["format", "reference", "made_at", "tables"],
        "properties": {
            "format": {"const": FORMAT},
            "reference": {"type": "string"},
            "made_at": {"type": "string", "format": "date-time"},
            "tables": {"type": "array", "items": table},
        },
        "additionalProperties": False,
    }


def _csv_schema(tables: Sequence[_Table], names: Sequence[str]) -> dict[str, object]:
    """What each CSV file has in its columns, and why we hold it."""
    return {
        "@context": "http://www.w3.org/ns/csvw",
        "tables": [
            {
                "url": name,
                "dc:title": f"{one.category} ({one.source})",
                "dc:description": "A value that begins like a formula has an apostrophe in front.",
                "tableSchema": {
                    "columns": [
                        {
                            "name": f"column_{number}",
                            "titles": field,
                            "datatype": "string",
                            "dc:description": _why(record),
                        }
                        for number, (field, record) in enumerate(one.fields.items(), start=1)
                    ]
                },
            }
            for name, one in zip(names, tables, strict=True)
        ],
    }


def _why(record: Record) -> str:
    return f"{record.purpose} ({record.legal_basis}, {record.origin})"
