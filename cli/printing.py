"""How commands print: listings as a table or JSON, one thing as lines, errors on stderr."""

import json
import sys
from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime
from pathlib import Path
from shutil import get_terminal_size
from textwrap import indent
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

import typer
from rich.console import Console, Group, RenderableType
from rich.measure import Measurement
from rich.table import Column, Table
from rich.text import Text

from cli.options import ListFormat
from domain.spreadsheet import csv_lines

if TYPE_CHECKING:
    from domain.conversion import PolicyFile

WITHOUT_A_TERMINAL = (160, 50)
"""Columns and lines that `less` has room for."""
NEVER_FULL = 1_000_000
"""Columns, where no eye reads and each value is to stand in one line."""

Row = Mapping[str, object]


def console() -> Console:
    """Where people read: as wide as the terminal, and wide enough for `less` without one."""
    columns, lines = get_terminal_size(WITHOUT_A_TERMINAL)
    # Without a height, a terminal that is called dumb has 80 columns, whatever we say.
    return Console(highlight=False, width=columns, height=lines)


def print_table(table: Table) -> None:
    """Print a table: as `fitting` the terminal, and whole where there is none, so that whatever
    reads it finds each value in one piece."""
    _print(fitting(table, console().width) if sys.stdout.isatty() else table)


def fitting(table: Table, width: int) -> RenderableType:
    """A table where its words have room, else a line for each field of each row."""
    where = console()
    needs = Measurement.get(where, where.options.update(max_width=NEVER_FULL), table).minimum
    if needs <= width:
        return table
    names = [Text(str(column.header)) for column in table.columns]
    if not table.row_count:
        return Text(f"Nothing to list: {', '.join(map(str, names))}.")
    rows = zip(*(column.cells for column in table.columns), strict=True)
    parts: list[RenderableType] = [table.title] if table.title else []
    for row in rows:
        told = zip(names, row, strict=True)
        parts += ["", _fields((name, value) for name, value in told if str(value))]
    return Group(*parts)


def _fields(told: Iterable[tuple[Text, RenderableType]]) -> Table:
    fields = Table.grid(Column(style="bold"), Column(overflow="fold"), padding=(0, 2))
    for name, value in told:
        fields.add_row(name, value)
    return fields


def _print(what: RenderableType) -> None:
    where = console()
    if not sys.stdout.isatty():
        where.width = NEVER_FULL
    where.print(what)


def say(text: str) -> None:
    """Print a line. What looks like markup in it is left as it is."""
    console().print(text, markup=False, soft_wrap=True)


def print_rows(
    rows: Sequence[Row],
    columns: Sequence[str],
    output_format: ListFormat,
    zone: ZoneInfo | None = None,
) -> None:
    """Print a listing. `columns` are the keys to show, in order, also when there is no row; people
    read instants in a `zone`, with its name."""
    if output_format is ListFormat.JSON:
        print_json([{name: row[name] for name in columns} for row in rows])
        return
    print_table(table_of(rows, columns, zone))


def print_csv(rows: Iterable[Row], columns: Sequence[str]) -> None:
    """Print a listing for a spreadsheet, each row as it comes."""
    sys.stdout.writelines(csv_lines(rows, columns))


def table_of(rows: Sequence[Row], columns: Sequence[str], zone: ZoneInfo | None = None) -> Table:
    """A listing as a table; a column's heading is its key in words."""
    table = Table(*(Column(name.replace("_", " "), overflow="fold") for name in columns))
    for row in rows:
        table.add_row(*(Text(as_text(row[name], zone)) for name in columns))
    return table


def language_name(tag: str) -> str:
    """What people call a language or locale in a table; scripts read its tag."""
    from translations.catalogues import SOURCE, speak

    return speak(SOURCE).name_of(tag)


def print_thing(thing: Row, output_format: ListFormat, zone: ZoneInfo | None = None) -> None:
    """Print one thing: a line for each of its fields, with instants as `print_rows` has them."""
    if output_format is ListFormat.JSON:
        print_json(thing)
        return
    told = ((name.replace("_", " "), as_text(value, zone)) for name, value in thing.items())
    _print(_fields((Text(name), Text(text)) for name, text in told))


def print_json(value: object) -> None:
    """Print JSON: instants in UTC with Z, everything else that is not JSON as text."""
    sys.stdout.write(json.dumps(value, indent=2, ensure_ascii=False, default=plain) + "\n")


def stop(message: object, code: int) -> typer.Exit:
    """Say on stderr why the command ends, and return what to raise."""
    typer.echo(str(message), err=True)
    return typer.Exit(code)


def tell_what_was_left_out(path: Path, file: "PolicyFile") -> None:
    """Say on stderr that a file was converted, and what its Markdown does not carry."""
    if file.converted:
        lines = [f"{path}: read as Markdown.", *file.left_out]
        typer.echo("\n  ".join(lines), err=True)


def instant_text(instant: datetime) -> str:
    """An instant in UTC, to the second, as scripts read it."""
    return instant.isoformat(timespec="seconds").replace("+00:00", "Z")


def plain(value: object) -> str:
    if isinstance(value, datetime):
        return instant_text(value)
    return value.isoformat() if isinstance(value, date) else str(value)


def as_text(value: object, zone: ZoneInfo | None) -> str:
    """A value as people read it: an instant in the zone, with its name."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, datetime):
        if zone is None:
            return f"{value:%Y-%m-%d %H:%M}"
        return f"{value.astimezone(zone):%Y-%m-%d %H:%M} {zone.key}"
    if isinstance(value, Mapping):
        return _of_several(value, zone)
    if isinstance(value, Sequence) and not isinstance(value, str):
        return "\n".join(as_text(item, zone) for item in value)
    return str(value)


def _of_several(fields: Row, zone: ZoneInfo | None) -> str:
    """What has parts of its own stands in lines, everything else in one; what is empty is left
    out."""
    told = {name: text for name, value in fields.items() if (text := as_text(value, zone))}
    if not any(isinstance(value, Mapping) for value in fields.values()):
        return ", ".join(f"{name} {text}" for name, text in told.items())
    return "\n".join(
        f"{name}:\n{indent(text, '  ')}" if "\n" in text else f"{name}: {text}"
        for name, text in told.items()
    )
