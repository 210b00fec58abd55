"""Lists as files that a spreadsheet opens. Pure."""

import csv
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, date, datetime
from io import StringIO

FORMULA = ("=", "+", "-", "@", "\t")


def as_csv(rows: Iterable[Mapping[str, object]], columns: Sequence[str]) -> str:
    """A list as CSV with a line of headings: instants in UTC with Z, nothing for None.

    What a spreadsheet would take for a formula gets an apostrophe in front: text from outside
    must not run on the machine of who opens it.
    """
    text = StringIO()
    writer = csv.writer(text)
    writer.writerow(columns)
    writer.writerows([_cell(row[name]) for name in columns] for row in rows)
    return text.getvalue()


def _cell(value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
    text = value.isoformat() if isinstance(value, date) else str(value)
    return f"'{text}" if text.startswith(FORMULA) else text
