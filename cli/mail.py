"""`promisekeeper mail`: stop all mail (P8); addresses where mail stopped, and mails whose outcome
only a person can decide, or that were rejected (P4)."""

from collections.abc import Sequence
from typing import Annotated
from uuid import UUID

import typer

from cli.options import AsStaff, FormatOption, ListFormat, Reason

COLUMNS = (
    *("mail", "subject", "step", "addressee", "attempts", "claimed_at", "reason"),
    *("waits_for", "settled_by"),
)

GROUP_COLUMNS = (
    *("key", "mails", "subject_kind", "slug", "number", "step", "template", "known"),
    *("attempts", "since", "last_at", "paused"),
)
UNKNOWN_COLUMNS = (*GROUP_COLUMNS, "waits_for", "settled_by")

app = typer.Typer(
    no_args_is_help=True,
    help="How mail stands; stop all of it, let it go to an address again, decide about mails of "
    "unknown outcome.",
)


@app.command()
def status(*, output_format: FormatOption = ListFormat.TABLE) -> None:
    """How all mail stands: whether it goes, how fast it may, and what waits."""
    from dataclasses import asdict

    from cli.context import opened
    from cli.printing import print_thing
    from database.mail.mail_status import UNSETTLED, mail_status, mails_by_state

    with opened() as office, office.database.session() as session:
        rate, now = office.settings.mail_rate_limit, office.clock.now()
        found = mail_status(session, mails_by_state(session, *UNSETTLED), now, per_minute=rate)
        print_thing(asdict(found), output_format, office.settings.zone)


@app.command()
def unknown(
    *,
    groups: Annotated[
        bool, typer.Option("--groups", help="Those that are alike as one line, with how many")
    ] = False,
    output_format: FormatOption = ListFormat.TABLE,
) -> None:
    """List the mails of which nobody knows whether they went out, and what each waits for: a
    hundred of a kind at most, or by groups all of them."""
    from datetime import timedelta

    from cli.context import opened
    from cli.printing import print_rows
    from database.mail.doubts import doubts, mails_alike, unsettled

    with opened() as office, office.database.session() as session:
        settle_after = timedelta(seconds=office.settings.mail_settle_after_seconds)
        found = [
            (doubt, {"waits_for": doubt.waits_for, "settled_by": doubt.settled_by(settle_after)})
            for doubt in (*doubts(session), *unsettled(session))
        ]
        columns: Sequence[str] = UNKNOWN_COLUMNS if groups else COLUMNS
        if groups:
            rows = [
                {name: getattr(doubt, name) for name in GROUP_COLUMNS} | waits
                for doubt, waits in found
            ]
        else:
            rows = [
                {
                    "mail": mail.id,
                    "subject": mail.subject_kind,
                    "step": mail.step,
                    "addressee": mail.addressee_kind,
                    "attempts": mail.attempts,
                    "claimed_at": mail.claimed_at,
                    "reason": mail.reason,
                    **waits,
                }
                for doubt, waits in found
                for mail in mails_alike(session, doubt, office.clock.now())
            ]
        print_rows(rows, columns, output_format, office.settings.zone)


@app.command()
def rejected(*, output_format: FormatOption = ListFormat.TABLE) -> None:
    """List what the mail service rejected and may be sent again, those that are alike as one line:
    the reason, and how many."""
    from cli.context import opened
    from cli.printing import print_rows
    from database.mail.doubts import rejects

    with opened() as office, office.database.session() as session:
        found = [
            {name: getattr(group, name) for name in GROUP_COLUMNS}
            for group in rejects(session, office.clock.now())
        ]
        print_rows(found, GROUP_COLUMNS, output_format, office.settings.zone)


@app.command()
def stop(*, reason: Reason, as_staff: AsStaff) -> None:
    """Stop all mail, to everybody, within a second. Ops may do that alone."""
    from cli.context import at_the_desk
    from cli.printing import say

    with at_the_desk(as_staff) as (desk, staff_id):
        desk.stop_mail(staff_id, reason)
    say(
        "All mail is stopped: campaigns, answers to requests, and what staff are told. Due times "
        "run on. An owner of a policy lets it go on: promisekeeper mail start"
    )


@app.command()
def start(*, reason: Reason, as_staff: AsStaff) -> None:
    """Let mail go on. That takes an owner of a policy."""
    from cli.context import at_the_desk
    from cli.printing import say

    with at_the_desk(as_staff) as (desk, staff_id):
        desk.start_mail(staff_id, reason)
    say("Mail goes on. What was queued meanwhile goes out within ten minutes.")


@app.command()
def allow(
    address: Annotated[str, typer.Argument(help="Where mail came back, or was reported as spam")],
    *,
    reason: Reason,
    as_staff: AsStaff,
) -> None:
    """Let mail go to an address again, once its mailbox is mended or its reader agrees."""
    from cli.context import opened
    from cli.printing import say

    with opened() as office:
        member = office.member(as_staff)
        with office.desk() as desk:
            count = desk.allow_mail(address, member.id, reason)
    say(
        f"Mail goes to this address again; of what was held back, {count} go out, each once its "
        "campaign runs. The mail service keeps a list of its own: take the address off there too, "
        "else it drops them."
    )


@app.command()
def resend(
    mail: Annotated[UUID | None, typer.Argument(help="Its id, as `mail unknown` lists it")] = None,
    *,
    group: Annotated[
        str,
        typer.Option(
            help="All alike: a `key` that `mail unknown --groups` or `mail rejected` lists"
        ),
    ] = "",
    as_staff: AsStaff,
) -> None:
    """Send such a mail again, or a whole group. If it did go out the first time, somebody gets it
    twice; what was rejected went to nobody with its last try."""
    from cli.context import at_the_desk
    from cli.printing import say

    if (mail is None) is not bool(group):
        raise typer.BadParameter("Give the id of one mail, or --group KEY.")
    with at_the_desk(as_staff) as (desk, staff_id):
        if mail:
            desk.resend(mail, staff_id)
            say(f"The mail {mail} is sent again.")
        else:
            count = desk.resend_alike(group, staff_id)
            say(f"{count:,} {'mail is' if count == 1 else 'mails are'} sent again.")
