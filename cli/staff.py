"""`promisekeeper staff`: who works here, in which roles, and who is away (P21)."""

from typing import Annotated

import typer

from cli.options import AsStaff, FormatOption, ListFormat

app = typer.Typer(no_args_is_help=True, help="Staff: add, list, who is away.")


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
    from database.people.staff import StaffRefused, add_staff, everybody, require_role

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
    from database.people.absences import absences
    from database.people.staff import everybody
    from domain.places import local_date

    with opened() as office, office.database.session() as session:
        present = everybody(session)
        handles = {one.id: one.handle for one in present}
        today = local_date(office.clock.now(), office.settings.zone)
        away = {
            one.staff_id: f"{one.from_on} to {one.until_on}: {handles.get(one.delegate_id)}"
            for one in reversed(absences(session, today))
        }
        rows = [
            {
                "handle": one.handle,
                "name": one.name,
                "email": one.email,
                "roles": one.roles,
                "away": away.get(one.id),
            }
            for one in present
        ]
    print_rows(rows, ("handle", "name", "email", "roles", "away"), output_format)


@app.command()
def absent(
    handle: Annotated[str, typer.Argument(help="Who is away", show_default=False)],
    *,
    from_: Annotated[
        str, typer.Option("--from", metavar="DAY", help="The first day", show_default=False)
    ],
    until: Annotated[str, typer.Option(metavar="DAY", help="The last day", show_default=False)],
    delegate: Annotated[
        str, typer.Option(metavar="HANDLE", help="Who stands in", show_default=False)
    ],
    as_staff: AsStaff,
) -> None:
    """Say that somebody is away: what is due meanwhile goes to their delegate."""
    from cli.context import day, opened
    from cli.printing import say
    from database.people.absences import set_absent
    from database.people.staff import by_handle

    from_on, until_on = day("--from", from_), day("--until", until)
    with opened() as office:
        acting = office.member(as_staff)
        with office.database.transaction() as transaction:
            set_absent(
                transaction,
                by_handle(transaction, handle),
                from_on=from_on,
                until_on=until_on,
                delegate=by_handle(transaction, delegate),
                by=acting,
                now=office.clock.now(),
            )
    say(f"{handle} is away from {from_on} until {until_on}; {delegate} stands in.")


@app.command()
def back(
    handle: Annotated[str, typer.Argument(help="Who is back", show_default=False)],
    *,
    as_staff: AsStaff,
) -> None:
    """Say that somebody is back, or does not go: their absences end."""
    from cli.context import opened
    from cli.printing import say
    from database.people.absences import set_back
    from database.people.staff import by_handle
    from domain.places import local_date

    with opened() as office:
        acting, now = office.member(as_staff), office.clock.now()
        with office.database.transaction() as transaction:
            member = by_handle(transaction, handle)
            today = local_date(now, office.settings.zone)
            ended = set_back(transaction, member, by=acting, on=today, now=now)
    say(f"{handle} is back." if ended else f"{handle} was not away.")
