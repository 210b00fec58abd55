"""`promisekeeper mail`: mails whose outcome only a person can decide (P4)."""

from typing import Annotated
from uuid import UUID

import typer

from cli.options import AsStaff, FormatOption, ListFormat

COLUMNS = ("mail", "subject", "step", "addressee", "attempts", "claimed_at", "reason")

app = typer.Typer(no_args_is_help=True, help="Mails that wait for a decision of ops.")


@app.command()
def unknown(*, output_format: FormatOption = ListFormat.TABLE) -> None:
    """List the mails of which nobody knows whether they went out."""
    from cli.context import opened
    from cli.printing import print_rows
    from database.outbox import waiting_for_ops

    with opened() as office, office.database.session() as session:
        rows = [
            {
                "mail": mail.id,
                "subject": mail.subject_kind,
                "step": mail.step,
                "addressee": mail.addressee_kind,
                "attempts": mail.attempts,
                "claimed_at": mail.claimed_at,
                "reason": mail.reason,
            }
            for mail in waiting_for_ops(session)
        ]
    print_rows(rows, COLUMNS, output_format)


@app.command()
def resend(
    mail: Annotated[UUID, typer.Argument(help="Its id, as `mail unknown` lists it")],
    *,
    as_staff: AsStaff,
) -> None:
    """Send such a mail again. If it did go out the first time, somebody gets it twice."""
    from cli.context import opened
    from cli.printing import say

    with opened() as office:
        member = office.member(as_staff)
        with office.desk() as desk:
            desk.resend(mail, member.id)
    say(f"The mail {mail} is sent again.")
