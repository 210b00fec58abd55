"""`promisekeeper requests end`: requests that end without being judged (P20)."""

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
