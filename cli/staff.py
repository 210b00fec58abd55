"""`promisekeeper staff`: who works here, in which roles."""

from typing import Annotated

import typer

from cli.options import FormatOption, ListFormat

app = typer.Typer(no_args_is_help=True, help="Staff: add, list.")


@app.command()
def add(
    handle: Annotated[str, typer.Argument(help="A short name, like lena", show_default=False)],
    *,
    name: Annotated[str, typer.Option(help="The full name", show_default=False)],
    email: Annotated[str, typer.Option(help="Where notices for staff go", show_default=False)],
    role: Annotated[
        list[str],
        typer.Option(help="legal, privacy, ops, auditor, admin, support or task; repeatable"),
    ],
    as_staff: Annotated[
        str | None,
        typer.Option("--as", metavar="STAFF", help="An admin; the very first one needs none"),
    ] = None,
) -> None:
    """Add a member of staff and print their personal token, which is shown only this once."""
    from cli.context import opened
    from cli.printing import say
    from database.staff import StaffRefused, add_staff, everybody, require_role

    with opened() as office:
        acting = office.member(as_staff) if as_staff else None
        with office.database.transaction() as transaction:
            if acting is not None:
                require_role(transaction, acting.id, "admin")
            elif everybody(transaction):
                raise StaffRefused("Only an admin adds staff: say who you are with --as.")
            elif "admin" not in role:
                raise StaffRefused("The first member of staff needs the role admin.")
            member, token = add_staff(
                transaction, handle=handle, name=name, email=email, roles=role
            )
        say(f"{member.handle} is added with the role {', '.join(member.roles)}.")
        say(f"Personal token, not shown again: {token}")


@app.command("list")
def list_(*, output_format: FormatOption = ListFormat.TABLE) -> None:
    """List the present staff."""
    from cli.context import opened
    from cli.printing import print_rows
    from database.staff import everybody

    with opened() as office, office.database.session() as session:
        rows = [
            {"handle": one.handle, "name": one.name, "email": one.email, "roles": one.roles}
            for one in everybody(session)
        ]
    print_rows(rows, ("handle", "name", "email", "roles"), output_format)
