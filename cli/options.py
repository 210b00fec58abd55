"""Options and arguments that several commands share."""

from enum import StrEnum
from typing import Annotated

import typer


class ListFormat(StrEnum):
    """How a listing is printed."""

    TABLE = "table"
    JSON = "json"


class AnswerFormat(StrEnum):
    """How a listing is printed that is also a file for a spreadsheet."""

    TABLE = "table"
    JSON = "json"
    CSV = "csv"


FormatOption = Annotated[
    ListFormat, typer.Option("--format", help="A table to read, or JSON for scripts")
]
AnswerFormatOption = Annotated[
    AnswerFormat, typer.Option("--format", help="A table to read, or CSV or JSON for scripts")
]
AsStaff = Annotated[
    str,
    typer.Option(
        "--as",
        metavar="STAFF",
        help="Who acts: a handle in development, a personal token otherwise",
        show_default=False,
    ),
]
AsReader = Annotated[
    str | None,
    typer.Option(
        "--as",
        metavar="STAFF",
        help="Who reads: shows personal data too, and records that they were read (P30)",
    ),
]
Reason = Annotated[str, typer.Option("--reason", help="Kept for good", show_default=False)]
Slug = Annotated[str, typer.Argument(help="The policy, like privacy", show_default=False)]
Number = Annotated[int, typer.Argument(help="The version's number", min=1, show_default=False)]
Reference = Annotated[
    str, typer.Argument(help="The request's reference, like R-7KQ2M4XA", show_default=False)
]
At = Annotated[
    str | None,
    typer.Option("--at", help="An instant with its offset: 2026-03-01T00:00:00Z; default now"),
]


def keys(given: str) -> tuple[str, ...]:
    """Findings as they are typed: F1,F2."""
    return tuple(key.strip().upper() for key in given.split(",") if key.strip())
