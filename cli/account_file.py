"""A CSV file of account holders, read line by line: rows to import, and what is wrong with others.

A wrong value is a fault of its line, and reading goes on; a file that cannot be read as such is
refused at once.
"""

import csv
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import BinaryIO

from database.people.accounts import AccountRow
from domain.people.account_values import READERS, REQUIRED, problems_together, read_value

LONGEST_LINE = 64 * 1024
BYTE_ORDER_MARK = b"\xef\xbb\xbf"
OTHER_SEPARATORS = {"semicolons": ";", "tabs": "\t"}


class FileRefused(Exception):
    """The file cannot be read as accounts; the message says where and what to do."""


@dataclass(frozen=True, kw_only=True)
class Fault:
    """What is wrong in one line of the file. `field` is None when it is the line as a whole."""

    line: int
    field: str | None
    sentence: str

    def __str__(self) -> str:
        """As it is reported: `line 17, email: ...`."""
        where = f"line {self.line}, {self.field}" if self.field else f"line {self.line}"
        return f"{where}: {self.sentence}"


def read_accounts(file: BinaryIO) -> Iterator[AccountRow | Fault]:
    """Yield a row for each good line and its faults for each bad one, in the file's order.

    Raises FileRefused for columns that are missing, unknown, doubled or not separated by commas, a
    line that is too long or not UTF-8, and quotes that do not close.
    """
    reader = csv.reader(_lines(file), strict=True)
    seen: dict[str, int] = {}
    try:
        columns = _columns(next(reader, []))
        line = reader.line_num + 1
        for values in reader:
            if values:
                yield from _read_line(line, columns, values, seen)
            line = reader.line_num + 1
    except csv.Error as fault:
        if "field limit" in str(fault):
            raise FileRefused(
                f"The value that goes on in line {reader.line_num} is longer than "
                f"{csv.field_size_limit():,} characters. Most likely a double quote before it is "
                "not closed."
            ) from None
        raise FileRefused(
            f"Line {reader.line_num} is not CSV: {fault}. Values with a comma or a line break "
            'stand in double quotes, and a quote inside them is doubled: "".'
        ) from None


def _lines(file: BinaryIO) -> Iterator[str]:
    number = 0
    while raw := file.readline(LONGEST_LINE + 1):
        number += 1
        if len(raw) > LONGEST_LINE:
            raise FileRefused(
                f"Line {number} is longer than {LONGEST_LINE:,} bytes, so this is hardly a list of "
                "accounts. Give a CSV file with one account to a line."
            )
        try:
            text = (raw.removeprefix(BYTE_ORDER_MARK) if number == 1 else raw).decode()
        except UnicodeDecodeError:
            raise FileRefused(
                f"Line {number} is not UTF-8. Save the file as CSV in UTF-8 and try again."
            ) from None
        if "\0" in text:
            raise FileRefused(f"Line {number} holds a NUL byte: this is not a text file.")
        yield text


def _columns(header: Sequence[str]) -> tuple[str, ...]:
    columns = tuple(name.strip() for name in header)
    for name, separator in OTHER_SEPARATORS.items():
        if len(columns) == 1 and separator in columns[0]:
            raise FileRefused(
                f"The columns are separated by {name}. Save the file as CSV with commas and try "
                "again."
            )
    known = ", ".join(READERS)
    unknown = [name for name in columns if name not in READERS]
    if unknown:
        raise FileRefused(f"Unknown column {', '.join(map(repr, unknown))}. Known are: {known}.")
    missing = [name for name in REQUIRED if name not in columns]
    if missing:
        raise FileRefused(
            f"The column {' and '.join(missing)} is missing. The first line names the columns: "
            f"{known}; the first two are required."
        )
    if len({*columns}) < len(columns):
        raise FileRefused("A column stands twice in the first line.")
    return columns


def _read_line(
    line: int, columns: Sequence[str], values: Sequence[str], seen: dict[str, int]
) -> Iterator[AccountRow | Fault]:
    if len(values) != len(columns):
        yield Fault(
            line=line,
            field=None,
            sentence=f"has {len(values)} values, but there are {len(columns)} columns",
        )
        return
    faults = []
    content: dict[str, object] = {}
    for name, raw in zip(columns, values, strict=True):
        try:
            value = read_value(name, raw)
            if value is not None:
                content[name] = value
        except ValueError as fault:
            faults.append(Fault(line=line, field=name, sentence=str(fault)))
    faults += [
        Fault(line=line, field=name, sentence=sentence)
        for name, sentence in problems_together(content)
    ]
    external_id = content.get("external_id")
    if isinstance(external_id, str):
        first = seen.setdefault(external_id, line)
        if first != line:
            sentence = f"{external_id!r} stands in line {first} already"
            faults.append(Fault(line=line, field="external_id", sentence=sentence))
    if faults:
        yield from faults
    else:
        yield AccountRow(**content)  # type: ignore[arg-type]  # READERS give what its fields hold
