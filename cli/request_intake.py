"""`promisekeeper requests receive`, and what goes out by post: staff's intake without a browser."""

from dataclasses import replace
from datetime import datetime
from enum import StrEnum
from typing import Annotated
from uuid import UUID

import typer

from cli.options import AsStaff, FormatOption, ListFormat, Reference
from domain.requests.data_subject_requests import Intake, Kind, problems

LETTERS = ("letter", "reference", "step", "written_on", "due_at")


class Channel(StrEnum):
    """How something came that staff take in."""

    MAIL = "mail"
    PHONE = "phone"
    POST = "post"


def receive(  # noqa: PLR0913 - one option for each thing a letter says
    *,
    channel: Annotated[Channel, typer.Option(help="How it came", show_default=False)],
    received_at: Annotated[
        str,
        typer.Option(
            help="When it truly came, with its offset: 2026-01-31T10:00:00+01:00",
            show_default=False,
        ),
    ],
    old: Annotated[bool, typer.Option("--old", help="It really came more than a year ago")] = False,
    kind: Annotated[
        list[Kind], typer.Option(help="What the person asks for; repeatable", show_default=False)
    ],
    name: Annotated[str, typer.Option(help="Whose data it is about")] = "",
    email: Annotated[str, typer.Option(help="Where we answer")] = "",
    postal_address: Annotated[
        str, typer.Option(help="Where we answer whoever has no mailbox")
    ] = "",
    message: Annotated[str, typer.Option(help="The words of the letter")] = "",
    country: Annotated[str | None, typer.Option(help="Where the person lives: DE")] = None,
    language: Annotated[str, typer.Option(help="To write in: de")] = "",
    account: Annotated[str | None, typer.Option(help="The id of the account, if named")] = None,
    agent_name: Annotated[str, typer.Option(help="Who asks for the person")] = "",
    agent_email: Annotated[str, typer.Option(help="Where who asks for the person is told")] = "",
    as_staff: AsStaff,
) -> None:
    """Take in what came by mail, telephone or post; its thirty days run from when it came. That
    takes privacy or support."""
    from cli.context import BAD_USAGE, at_the_desk
    from cli.printing import say, stop
    from database.people.accounts import account_by_external_id
    from domain.people.languages import language_named
    from domain.places import in_utc

    intake = Intake(
        name=name,
        contact_address=email,
        postal_address=postal_address,
        kinds=tuple(dict.fromkeys(kind)),
        message=message,
        country=country,
        agent_name=agent_name,
        agent_address=agent_email,
    )
    if found := problems(intake):
        told = "\n".join(f"{field}: {words}" for field, words in found)
        raise stop(f"Nothing was taken in.\n{told}", BAD_USAGE)
    try:
        came_at = in_utc(datetime.fromisoformat(received_at))
    except ValueError as fault:
        raise stop(
            f"--received-at {received_at}: {fault}. Nothing was taken in.", BAD_USAGE
        ) from None
    with at_the_desk(as_staff) as (desk, staff_id):
        spoken = language_named(language, desk.company.languages) if language else ""
        if spoken is None:
            raise stop(
                f"--language {language}: we do not speak it. Nothing was taken in.", BAD_USAGE
            )
        account_id = None
        if account is not None:
            with desk.database.session() as session:
                account_id = account_by_external_id(session, account).id
        request = desk.enter(
            replace(intake, language=spoken),
            staff_id,
            channel=channel,
            received_at=came_at,
            is_old=old,
            account_id=account_id,
        )
    say(f"{request.reference} is taken in, due {request.due_at:%Y-%m-%d %H:%M} UTC.")


def letters(*, output_format: FormatOption = ListFormat.TABLE) -> None:
    """List what is to be printed and posted to whoever has no mailbox, the oldest first."""
    from cli.context import opened
    from cli.printing import print_rows
    from database.requests.on_paper import letters_to_post
    from domain.places import local_date

    with opened() as office, office.database.session() as session:
        rows = [
            {
                "letter": mail.id,
                "reference": request.reference,
                "step": mail.step,
                "written_on": local_date(mail.queued_at, office.settings.zone),
                "due_at": request.due_at,
            }
            for mail, request in letters_to_post(session)
        ]
    print_rows(rows, LETTERS, output_format)


def posted(
    reference: Reference,
    *,
    letter: Annotated[
        UUID, typer.Option(metavar="ID", help="See `requests letters`", show_default=False)
    ],
    on: Annotated[
        str, typer.Option(help="The day on which it was posted: 2026-03-01", show_default=False)
    ],
    proof: Annotated[
        str, typer.Option(help="What proves it, like a receipt's number", show_default=False)
    ],
    as_staff: AsStaff,
) -> None:
    """Note that a letter was posted, and what proves it."""
    from cli.context import at_the_desk, day
    from cli.printing import say

    posted_on = day("--on", on)
    with at_the_desk(as_staff) as (desk, staff_id):
        desk.note_posted(reference, letter, staff_id, posted_on=posted_on, proof=proof)
    say(f"The letter of {reference} was posted on {posted_on}.")


def authority(
    reference: Reference,
    *,
    accept: Annotated[
        bool,
        typer.Option(
            "--accept/--refuse",
            help="They may; `--refuse` where it is not enough",
            show_default=False,
        ),
    ],
    evidence: Annotated[str, typer.Option(help="What you were shown", show_default=False)],
    as_staff: AsStaff,
) -> None:
    """Say whether whoever asks for somebody else may, and what showed it."""
    from cli.context import at_the_desk
    from cli.printing import say
    from database.requests.authorised_agents import Authority

    decided = Authority.ACCEPTED if accept else Authority.REFUSED
    with at_the_desk(as_staff) as (desk, staff_id):
        desk.decide_authority(reference, staff_id, decided, evidence)
    say(f"{reference}: the authority of who asks is {decided}.")


def name(
    reference: Reference,
    *,
    account: Annotated[
        str, typer.Option(metavar="ID", help="The account's external id", show_default=False)
    ],
    as_staff: AsStaff,
) -> None:
    """Say which account a request is about that came without one: its holder is asked whether it is
    theirs, and what was asked by the address it came with is asked of the account."""
    from cli.context import at_the_desk
    from cli.printing import say

    with at_the_desk(as_staff) as (desk, staff_id):
        desk.name_account(reference, staff_id, account)
    say(f"{reference} is about {account}. Nothing is disclosed before it is known who asks.")
