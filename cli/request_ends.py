"""`promisekeeper requests end` and the like: requests that end without being judged, that are taken
out of others, and whose person has died, or has not (P19, P20)."""

from typing import Annotated
from uuid import UUID

import typer

from cli.options import AsStaff, Reason, Reference
from domain.requests.data_subject_requests import Outcome


def end(
    reference: Reference,
    *,
    outcome: Annotated[
        Outcome, typer.Option(help="withdrawn, duplicate or spam", show_default=False)
    ],
    of: Annotated[str, typer.Option(help="The reference of the one that answers it too")] = "",
    reason: Reason,
    as_staff: AsStaff,
) -> None:
    """End a request that is not to be judged. Withdrawn and spam wait for a second person."""
    from cli.context import at_the_desk
    from cli.printing import say

    with at_the_desk(as_staff) as (desk, member_id):
        waits = desk.end_request(reference, member_id, outcome, reason=reason, of=of)
    if waits:
        say(
            f"The end of {reference} waits for a second person: promisekeeper requests "
            f"confirm-end {reference} --end {waits.id} --as STAFF"
        )
    else:
        say(f"{reference} is ended; the mail that says so is on its way.")


def confirm_end(
    reference: Reference,
    *,
    end_id: Annotated[
        UUID,
        typer.Option(
            "--end",
            metavar="ID",
            help="The end that you read: see `requests show`",
            show_default=False,
        ),
    ],
    as_staff: AsStaff,
) -> None:
    """As a second person, agree that a request ends without being judged."""
    from cli.context import at_the_desk
    from cli.printing import say

    with at_the_desk(as_staff) as (desk, member_id):
        desk.confirm_end(reference, end_id, member_id)
    say(f"{reference} is ended; the mail that says so is on its way.")


def take_out(
    joined: Annotated[
        str,
        typer.Argument(
            help="The reference that whoever asked was told, like R-7KQ2M4XA", show_default=False
        ),
    ],
    *,
    as_staff: AsStaff,
) -> None:
    """Make a case of its own of what was joined to another request, due from when it came."""
    from cli.context import THE_ANSWER_IS_NO, at_the_desk
    from cli.printing import say, stop
    from database.requests.joined import joined_as
    from database.requests.requests import request_by_reference

    with at_the_desk(as_staff) as (desk, member_id):
        with desk.database.session() as session:
            beside = request_by_reference(session, joined)
            row = joined_as(session, joined)
        if row is None:
            raise stop(
                f"{joined} is a case of its own, joined to no other. Nothing was changed.",
                THE_ANSWER_IS_NO,
            )
        own = desk.take_out(beside.reference, row.id, member_id)
    say(f"{own.reference} is a case of its own, due {own.due_at:%Y-%m-%d %H:%M} UTC.")


def died(reference: Reference, *, as_staff: AsStaff) -> None:
    """Note that the holder of the account that a request is about has died: it is frozen."""
    from cli.context import at_the_desk
    from cli.printing import say

    with at_the_desk(as_staff) as (desk, member_id):
        desk.freeze_account(reference, member_id)
    say(f"Noted. The account of {reference} is frozen: no mail goes to it.")


def lives(reference: Reference, *, as_staff: AsStaff) -> None:
    """As a second person, take back a death that was noted by mistake."""
    from cli.context import at_the_desk
    from cli.printing import say

    with at_the_desk(as_staff) as (desk, member_id):
        desk.take_back_death(reference, member_id)
    say(f"Taken back: the holder of the account of {reference} lives.")
