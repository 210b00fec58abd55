"""Lists as files that a spreadsheet opens. Pure."""

import csv
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, date, datetime
from io import StringIO

FORMULA = tuple("=+-@\t\r\n\0＝＋－＠")  # noqa: RUF001 - their full-width forms count too
"""Beginnings that spreadsheets take for a formula, or pass over to find one (OWASP ASVS 1.2.10)."""
ELSEWHERE = ";"
"""Where a comma parts the decimals, spreadsheets part cells by this instead."""


def as_csv(rows: Iterable[Mapping[str, object]], columns: Sequence[str]) -> str:
    """A short list as one text; see `csv_lines`."""
    return "".join(csv_lines(rows, columns))


def csv_lines(rows: Iterable[Mapping[str, object]], columns: Sequence[str]) -> Iterator[str]:
    """A list as CSV, line by line, headings first: instants in UTC with Z, nothing for None.

    What a spreadsheet would take for a formula gets an apostrophe in front: text from outside
    must not run on the machine of who opens it.
    """
    yield _line([_cell(name) for name in columns])
    for row in rows:
        yield _line([_cell(row[name]) for name in columns])


def _line(cells: Sequence[str]) -> str:
    line = StringIO()
    parted = any(ELSEWHERE in cell for cell in cells)
    csv.writer(line, quoting=csv.QUOTE_ALL if parted else csv.QUOTE_MINIMAL).writerow(cells)
    return line.getvalue()


def _cell(value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
    text = value.isoformat() if isinstance(value, date) else str(value)
    return f"'{text}" if text.startswith(FORMULA) else text
