"""`promisekeeper campaign`: how a version's notices stand, and whom they did not reach (P4)."""

from typing import TYPE_CHECKING

import typer

from cli.options import AsStaff, FormatOption, ListFormat, Number, Reason, Slug

if TYPE_CHECKING:
    from sqlmodel import Session

    from database.tables import Campaign

app = typer.Typer(no_args_is_help=True, help="Campaigns: who was told, who answered.")


@app.command()
def report(slug: Slug, number: Number, *, output_format: FormatOption = ListFormat.TABLE) -> None:
    """How a campaign stands, in numbers of account holders."""
    from dataclasses import asdict

    from cli.context import opened
    from cli.printing import print_thing
    from database.campaigns import canary, progress
    from database.controls import control_acts
    from database.outbox import all_is_stopped

    with opened() as office, office.database.session() as session:
        campaign = _campaign(session, slug, number)
        counts = asdict(progress(session, campaign))
        done = control_acts(session, campaign.policy_version_id)
        print_thing(
            {
                "policy": slug,
                "version": number,
                "state": campaign.state,
                "started_at": campaign.started_at,
                "notified_at": campaign.notified_at,
                "finished_at": campaign.finished_at,
                "all_mail_is_stopped": all_is_stopped(session),
                "canary": asdict(canary(campaign)),
                "controls": [asdict(act) for act in done],
                **counts,
                "workflow": office.workflow_url(f"campaign/{slug}/{number}"),
            },
            output_format,
        )


@app.command()
def pause(slug: Slug, number: Number, *, reason: Reason, as_staff: AsStaff) -> None:
    """Stop a campaign's mails within a second. Answers are taken as before."""
    from cli.context import at_the_desk
    from cli.printing import say

    with at_the_desk(as_staff) as (desk, staff_id):
        desk.pause(slug, number, staff_id, reason)
    say(
        f"The campaign of version {number} of {slug} is paused: nothing more goes out. Its owner "
        f"lets it go on: promisekeeper campaign resume {slug} {number}"
    )


@app.command()
def resume(slug: Slug, number: Number, *, reason: Reason, as_staff: AsStaff) -> None:
    """Let a paused campaign go on. That takes its owner."""
    from cli.context import at_the_desk
    from cli.printing import say

    with at_the_desk(as_staff) as (desk, staff_id):
        desk.resume(slug, number, staff_id, reason)
    say(f"The campaign of version {number} of {slug} goes on.")


@app.command("not-reached")
def not_reached(
    slug: Slug, number: Number, *, output_format: FormatOption = ListFormat.TABLE
) -> None:
    """The accounts whose first notice did not reach anybody, and why."""
    from dataclasses import asdict

    from cli.context import opened
    from cli.printing import print_rows
    from database import campaigns

    with opened() as office, office.database.session() as session:
        found = campaigns.not_reached(session, _campaign(session, slug, number).id)
    columns = ("account", "state", "reason", "mail")
    print_rows([asdict(account) for account in found], columns, output_format)


def _campaign(session: "Session", slug: str, number: int) -> "Campaign":
    from database.campaigns import campaign_of
    from database.policies import PolicyUnknown, policy_by_slug, version_by_number

    version = version_by_number(session, policy_by_slug(session, slug).id, number)
    campaign = campaign_of(session, version.id)
    if campaign is None:
        raise PolicyUnknown(
            f"Version {number} of {slug} has no campaign (it is {version.state}): one is opened "
            "when a version of class notice or approval is announced."
        )
    return campaign
