"""`promisekeeper data-map`: the record of processing that a data map is, without any service."""

from collections.abc import Iterator, Mapping, Sequence
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from cli.options import AnswerFormat, AnswerFormatOption
from cli.printing import print_csv, print_json, print_table, say, stop, table_of
from settings import SettingsRefused, load_settings

if TYPE_CHECKING:
    from data_sources.data_map import DataMap
    from domain.requests.personal_data import Use

COLUMNS = (
    *("source", "role", "controller", "category", "fields"),
    *("purpose", "legal_basis", "origin", "recipients", "kept"),
)


def data_map_command(
    file: Annotated[
        Path | None, typer.Argument(help="The map to read, instead of the setting's")
    ] = None,
    *,
    output_format: AnswerFormatOption = AnswerFormat.TABLE,
) -> None:
    """Which source holds what about people, and why; or what is wrong with the data map."""
    from data_sources.map_file import DataMapRefused, read_data_map

    try:
        path = file or load_settings().data_map_file
        if path is None:
            raise stop("There is no data map: name its file in PROMISEKEEPER_DATA_MAP.", 2)
        rows = list(_rows(read_data_map(path)))
    except (SettingsRefused, DataMapRefused) as fault:
        raise stop(fault, 2) from None
    if output_format is AnswerFormat.TABLE:
        _print(rows)
    elif output_format is AnswerFormat.CSV:
        lists = ("fields", "recipients")
        print_csv(
            ({**row, **{name: _in_one(row[name]) for name in lists}} for row in rows), COLUMNS
        )
    else:
        print_json(rows)


def _rows(data_map: "DataMap") -> Iterator[Mapping[str, object]]:
    """A line for each use that a category of a source is put to, with its fields."""
    for source in data_map.sources:
        fields: dict[tuple[str, Use], list[str]] = {}
        for one in source.described():
            fields.setdefault((one.category, one.use), []).append(one.field)
        for (category, use), names in fields.items():
            yield {
                "source": source.name,
                "role": source.role,
                "controller": source.controller,
                "category": category,
                "fields": names,
                **vars(use),
            }


def _print(rows: Sequence[Mapping[str, object]]) -> None:
    """A table for each source, which a terminal has room for."""
    for source, of_source in groupby(rows, key=lambda row: row["source"]):
        lines = list(of_source)
        held = f"held for {lines[0]['controller']}" if lines[0]["controller"] else "held as our own"
        say(f"{source}, {held}")
        told = [{"data": _data(row), "use": _use(row)} for row in lines]
        print_table(table_of(told, ("data", "use")))


def _data(row: Mapping[str, object]) -> str:
    return f"{row['category']}:\n{_in_one(row['fields'])}"


def _use(row: Mapping[str, object]) -> str:
    basis, origin = (str(row[name]).replace("_", " ") for name in ("legal_basis", "origin"))
    recipients = _in_one(row["recipients"])
    told = {
        "what for": f"{row['purpose']} ({basis})",
        "from": origin,
        "given to": recipients,
        "kept": row["kept"],
    }
    return "\n".join(f"{name}: {words}" for name, words in told.items() if words)


def _in_one(names: object) -> str:
    return ", ".join(names) if isinstance(names, list | tuple) else str(names)
