"""`promisekeeper campaign`: how a version's notices stand, and whom they did not reach (P4)."""

from typing import TYPE_CHECKING

import typer

from cli.options import FormatOption, ListFormat, Number, Slug

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
    from database.campaigns import progress

    with opened() as office, office.database.session() as session:
        campaign = _campaign(session, slug, number)
        counts = asdict(progress(session, campaign))
        print_thing(
            {
                "policy": slug,
                "version": number,
                "state": campaign.state,
                "started_at": campaign.started_at,
                "notified_at": campaign.notified_at,
                "finished_at": campaign.finished_at,
                **counts,
                "workflow": office.workflow_url(f"campaign/{slug}/{number}"),
            },
            output_format,
        )


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
