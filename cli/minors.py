"""`promisekeeper minors`: accounts that may be a minor's, looked into without a browser (P18)."""

from typing import Annotated
from uuid import UUID

import typer

from cli.options import AsReader, AsStaff, FormatOption, ListFormat
from domain.requests.minors import MinorEnd

COLUMNS = ("id", "account", "report", "due_on", "owner", "restricted", "heard_at", "outcome")
PERSONAL = ("said", "note", "means")

app = typer.Typer(no_args_is_help=True, help="Accounts that may be a minor's.")
Check = Annotated[
    UUID,
    typer.Argument(metavar="ID", help="What is looked into: see `minors list`", show_default=False),
]
Account = Annotated[
    str, typer.Option(metavar="ID", help="The account's external id", show_default=False)
]


@app.command("list")
def list_(*, as_staff: AsReader = None, output_format: FormatOption = ListFormat.TABLE) -> None:
    """List what is looked into, the longest first; with --as what was seen, said and found."""
    from cli.context import opened
    from cli.printing import print_rows
    from database.people.restricted import restricted_among
    from database.requests.minors import open_checks
    from database.tables import DataSubjectRequest, Staff
    from domain.requests.minors import check_by

    with opened() as office, office.database.session() as session:
        found = open_checks(session)
        if as_staff:
            office.record_read(as_staff, ["privacy"], {one.id for _, one in found if one})
        restricted = restricted_among(session, [one.id for _, one in found if one])
        rows = [
            {
                **check.model_dump(),
                "account": holder.external_id if holder else None,
                "report": session.get_one(DataSubjectRequest, check.request_id).reference
                if check.request_id
                else None,
                "due_on": check_by(check.opened_at, office.settings.company.office),
                "owner": session.get_one(Staff, check.owner_id).handle,
                "restricted": holder is not None and holder.id in restricted,
            }
            for check, holder in found
        ]
    print_rows(rows, (*COLUMNS, *PERSONAL) if as_staff else COLUMNS, output_format)


@app.command()
def add(
    *,
    account: Account,
    note: Annotated[str, typer.Option(help="What you saw: it stays with us", show_default=False)],
    as_staff: AsStaff,
) -> None:
    """Say that an account may be a minor's, as you saw: it is restricted, and looked into."""
    from cli.context import at_the_desk
    from cli.printing import say

    with at_the_desk(as_staff) as (desk, member_id):
        desk.open_minor_check(account, member_id, note=note)
    say(f"{account} is restricted, its holder is told, and you look into it.")


@app.command()
def take(check: Check, *, as_staff: AsStaff) -> None:
    """Look into it yourself."""
    from cli.context import at_the_desk
    from cli.printing import say

    with at_the_desk(as_staff) as (desk, member_id):
        desk.take_on_minor(check, member_id)
    say("You look into it.")


@app.command()
def restrict(check: Check, *, as_staff: AsStaff) -> None:
    """Restrict the account of a report that restricted nothing by itself, and tell its holder."""
    from cli.context import at_the_desk
    from cli.printing import say

    with at_the_desk(as_staff) as (desk, member_id):
        desk.restrict_reported(check, member_id)
    say("The account is restricted, and its holder is told.")


@app.command()
def name(check: Check, *, account: Account, as_staff: AsStaff) -> None:
    """Say which account a report is about, which named none: it is restricted."""
    from cli.context import at_the_desk
    from cli.printing import say

    with at_the_desk(as_staff) as (desk, member_id):
        desk.name_minor(check, account, member_id)
    say(f"It is about {account}, which is restricted; its holder is told.")


@app.command()
def heard(
    check: Check,
    *,
    said: Annotated[str, typer.Option(help="What the holder says; nothing: not reached")] = "",
    how: Annotated[str, typer.Option(help="How you heard them, or tried", show_default=False)],
    as_staff: AsStaff,
) -> None:
    """Write down what the holder said to you, or that you could not reach them."""
    from cli.context import at_the_desk
    from cli.printing import say

    with at_the_desk(as_staff) as (desk, member_id):
        desk.note_heard(check, member_id, said=said, how=how)
    say("Noted.")


@app.command()
def found(
    check: Check,
    *,
    outcome: Annotated[MinorEnd, typer.Option(help="What you found", show_default=False)],
    means: Annotated[
        str, typer.Option(help="How you found it out: it stays with us", show_default=False)
    ],
    as_staff: AsStaff,
) -> None:
    """Say what you found out. That it is a minor's waits for a second person."""
    from cli.context import at_the_desk
    from cli.printing import say
    from database.requests.minor_findings import Looked

    with at_the_desk(as_staff) as (desk, member_id):
        desk.end_minor_check(check, member_id, Looked(outcome=outcome, means=means))
    if outcome is MinorEnd.MINOR:
        say(f"That waits for a second person: promisekeeper minors confirm {check} --as STAFF")
    else:
        say("It is ended with that.")


@app.command()
def confirm(check: Check, *, as_staff: AsStaff) -> None:
    """As a second person, agree that it is a minor's: the request to erase it is made."""
    from cli.context import at_the_desk
    from cli.printing import say

    with at_the_desk(as_staff) as (desk, member_id):
        reference = desk.confirm_minor(check, member_id)
    say(f"Agreed. {reference} is the request to erase it; it is assigned to nobody yet.")
