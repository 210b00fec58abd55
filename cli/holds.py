"""`promisekeeper holds`: what must not be erased, with a request or without one (P13)."""

from typing import TYPE_CHECKING, Annotated
from uuid import UUID

import typer

from cli.options import AsReader, AsStaff, FormatOption, ListFormat, Reference

if TYPE_CHECKING:
    from cli.context import Office

COLUMNS = ("id", "account", "source", "placed_at", "placed_by", "released_at", "released_by")
PERSONAL = ("reason", "release_reason")

app = typer.Typer(no_args_is_help=True, help="Legal holds: what must not be erased.")
OfAccount = Annotated[
    str,
    typer.Option("--account", metavar="ID", help="The account's external id", show_default=False),
]

WhichHold = Annotated[
    UUID | None,
    typer.Option("--hold", metavar="ID", help="Which hold, where several stand: see `holds list`"),
]
WhyItEnds = Annotated[
    str, typer.Option("--reason", help="Why it ends: kept with the hold", show_default=False)
]


@app.command()
def add(
    *,
    account: OfAccount,
    source: Annotated[
        str,
        typer.Option(
            metavar="NAME", help="One data source of the data map, instead of all that is held"
        ),
    ] = "",
    reason: Annotated[
        str,
        typer.Option(help="What it is about: shown to legal and privacy alone", show_default=False),
    ],
    as_staff: AsStaff,
) -> None:
    """Place a hold on an account: nothing of it is erased. Takes the role legal or privacy."""
    from cli.context import at_the_desk
    from cli.printing import say

    with at_the_desk(as_staff) as (desk, member_id):
        hold_id = desk.place_hold(account, member_id, reason=reason, source=source)
    say(f"The hold {hold_id} stands. A second person of legal or privacy can release it.")


@app.command()
def release(
    *, account: OfAccount, hold: WhichHold = None, reason: WhyItEnds, as_staff: AsStaff
) -> None:
    """As a second person, release a hold. With the last one, erasures that waited fall due."""
    from cli.context import opened
    from database.people.accounts import account_by_external_id

    with opened() as office:
        with office.database.session() as session:
            account_id = account_by_external_id(session, account).id
        _release(office, account_id, hold, reason, as_staff)


def release_of_request(
    reference: Reference, *, hold: WhichHold = None, reason: WhyItEnds, as_staff: AsStaff
) -> None:
    """As a second person, release the hold on the account of a request."""
    from cli.context import opened
    from database.requests.requests import request_by_reference

    with opened() as office:
        with office.database.session() as session:
            account_id = request_by_reference(session, reference).account_id
        _release(office, account_id, hold, reason, as_staff)


def erased(reference: Reference, *, as_staff: AsStaff) -> None:
    """Say that the erasure is done which waited for the release of a hold (P13)."""
    from cli.context import at_the_desk
    from cli.printing import say

    with at_the_desk(as_staff) as (desk, member_id):
        desk.note_erased(reference, member_id)
    say(f"Noted: what {reference} asked to be erased is erased.")


def _release(
    office: "Office", account_id: UUID | None, hold_id: UUID | None, reason: str, as_staff: str
) -> None:
    from cli.printing import say
    from database.requests.holds import the_hold_on

    member = office.member(as_staff)
    with office.database.session() as session:
        hold = the_hold_on(session, account_id, hold_id)
    with office.desk() as desk:
        desk.release_hold(hold.id, member.id, reason=reason)
    say(f"The hold {hold.id} is released.")


@app.command("list")
def list_(
    *,
    everything: Annotated[bool, typer.Option("--all", help="Released ones too")] = False,
    as_staff: AsReader = None,
    output_format: FormatOption = ListFormat.TABLE,
) -> None:
    """List holds by account, the oldest first; with --as what they are about."""
    from cli.context import opened
    from cli.printing import print_rows
    from database.requests.holds import every_hold
    from database.tables import Staff
    from domain.requests.legal_holds import HOLDERS

    with opened() as office, office.database.session() as session:
        found = [*every_hold(session, released=False)]
        if everything:
            found += every_hold(session, released=True)
        if as_staff:
            office.record_read(as_staff, HOLDERS, {holder.id for _, holder in found})
        handles = {
            staff_id: session.get_one(Staff, staff_id).handle
            for row, _ in found
            for staff_id in (row.placed_by, row.released_by)
            if staff_id
        }
        rows = [
            {
                **row.model_dump(),
                "account": holder.external_id,
                "placed_by": handles[row.placed_by],
                "released_by": handles[row.released_by] if row.released_by else None,
            }
            for row, holder in found
        ]
    print_rows(rows, (*COLUMNS, *PERSONAL) if as_staff else COLUMNS, output_format)
