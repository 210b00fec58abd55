"""`promisekeeper requests recipients`: who was given data, and has still to hear what became of it
(P12-P14)."""

from typing import Annotated
from uuid import UUID

import typer

from cli.options import AsStaff, FormatOption, ListFormat

COLUMNS = ("notice", "recipient", "due_on", "reference", "right", "source")


def recipients(*, output_format: FormatOption = ListFormat.TABLE) -> None:
    """List whoever was given data and has still to hear what became of it, the longest first."""
    from cli.context import opened
    from cli.printing import print_rows
    from database.requests.recipients import still_to_tell
    from domain.requests.recipients import tell_by

    with opened() as office, office.database.session() as session:
        rows = [
            {
                "notice": notice.id,
                "recipient": notice.recipient,
                "due_on": tell_by(notice.noted_at, office.settings.company.office),
                "reference": request.reference,
                "right": right.kind,
                "source": notice.source,
            }
            for notice, request, right in still_to_tell(session)
        ]
    print_rows(rows, COLUMNS, output_format)


def told(
    notices: Annotated[
        list[UUID],
        typer.Argument(
            metavar="ID...", help="Of what: see `requests recipients`", show_default=False
        ),
    ],
    *,
    how: Annotated[
        str,
        typer.Option(help="How you told them, when; or why it cannot be done", show_default=False),
    ],
    as_staff: AsStaff,
) -> None:
    """Say that a recipient was told what became of the data, of one thing or of several at once."""
    from cli.context import at_the_desk
    from cli.printing import say

    with at_the_desk(as_staff) as (desk, member_id):
        desk.note_told_together(set(notices), member_id, how=how)
    say(f"Noted: they were told of {len(set(notices))}.")
