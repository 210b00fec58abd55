"""`promisekeeper api-key`: keys with which the company's own systems call the API."""

from typing import Annotated

import typer

from cli.options import AsStaff, FormatOption, ListFormat

COLUMNS = ("name", "may_write", "made_by", "made_at", "last_used_at", "revoked_at")
Name = Annotated[str, typer.Argument(help="Which system has it, like billing", show_default=False)]

app = typer.Typer(no_args_is_help=True, help="Keys of the API: add, list, revoke.")


@app.command()
def add(
    name: Name,
    as_staff: AsStaff,
    *,
    read_only: Annotated[
        bool, typer.Option("--read-only", help="The key may ask, and change nothing")
    ] = False,
) -> None:
    """Make a key and print it, which happens only this once. That takes an admin."""
    from cli.context import opened
    from cli.printing import say
    from database.people.api_keys import add_key

    with opened() as office:
        member = office.member(as_staff)
        with office.database.transaction() as transaction:
            _, secret = add_key(
                transaction, name, may_write=not read_only, by=member.id, now=office.clock.now()
            )
    say(f"The key {name} may {'read' if read_only else 'read and write'}. Not shown again:")
    say(secret)


@app.command("list")
def list_(*, output_format: FormatOption = ListFormat.TABLE) -> None:
    """List the keys, the revoked ones too, and when each was last used."""
    from cli.context import opened
    from cli.printing import print_rows
    from database.people.api_keys import keys
    from database.tables import Staff

    with opened() as office, office.database.session() as session:
        rows = [
            vars(key) | {"made_by": session.get_one(Staff, key.made_by).handle}
            for key in keys(session)
        ]
    print_rows(rows, COLUMNS, output_format)


@app.command()
def revoke(name: Name, as_staff: AsStaff) -> None:
    """From now on a key opens nothing. That takes an admin or ops."""
    from cli.context import opened
    from cli.printing import say
    from database.people.api_keys import revoke as revoke_key

    with opened() as office:
        member = office.member(as_staff)
        with office.database.transaction() as transaction:
            revoke_key(transaction, name, by=member.id, now=office.clock.now())
    say(f"The key {name} is revoked.")
