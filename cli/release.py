"""`promisekeeper policy release`: let a reviewed version go out, or see what that would do (P2)."""

from typing import TYPE_CHECKING, Annotated
from uuid import UUID

import typer

from cli.options import AsStaff, FormatOption, ListFormat, Number, Slug

if TYPE_CHECKING:
    from cli.context import Office
    from database.campaigns.releasing import Forecast


def release(
    slug: Slug,
    number: Number,
    *,
    dry_run: Annotated[
        bool,
        typer.Option("--dry-run", help="Only say what the release would do, and what stops it"),
    ] = False,
    as_staff: AsStaff,
    output_format: FormatOption = ListFormat.TABLE,
) -> None:
    """Let a reviewed version go out. Its submitter cannot, alone."""
    from cli.context import opened
    from cli.printing import say
    from database.campaigns.mended_versions import mending
    from database.policies.policies import version_by_slug

    with opened() as office:
        member = office.member(as_staff)
        if dry_run:
            seen = _forecast(office, slug, number, member.id)
            _print(slug, number, seen, output_format)
            if seen.refusals:
                raise typer.Exit(1)
            return
        with office.database.session() as session:
            mends = mending(session, version_by_slug(session, slug, number))
        if mends:
            say(str(mends))
        with office.desk() as desk:
            desk.release(slug, number, member.id)
    say(f"Version {number} of {slug} is released. Watch it: promisekeeper policy status {slug}")


def _print(slug: str, number: int, seen: "Forecast", output_format: ListFormat) -> None:
    from cli.audience import groups_in_words
    from cli.printing import language_name, print_json, print_table, say

    audience = seen.audience
    if output_format is ListFormat.JSON:
        print_json(
            {
                "policy": slug,
                "version": number,
                "class": seen.version_class,
                "refusals": seen.refusals,
                "not_before_on": seen.not_before_on,
                "test_mail": seen.rehearsed,
                "addressees": audience.addressees,
                "asked": audience.asked,
                "told_only": audience.told_only,
                "minors_who_stay": audience.minors_who_stay,
                "by_language": seen.by_language,
                "groups": [vars(group) for group in audience.groups],
                "left_out": audience.left_out,
                "unassessed": audience.unassessed,
                "without_address": audience.without_address,
                "corrects": seen.mending
                and vars(seen.mending) | {"corrects": seen.mending.corrects},
            }
        )
        return
    for refusal in seen.refusals:
        say(f"It would be refused: {refusal}")
    if not seen.refusals:
        say("Nothing stops the release.")
    say(f"In force not before {seen.not_before_on}, as mails and pages would say.")
    if seen.mending:
        say(str(seen.mending))
    mails = seen.by_language.items()
    languages = ", ".join(f"{count} in {language_name(tag)}" for tag, count in mails)
    say(str(audience))
    if languages:
        say(f"Mails: {languages}.")
    if audience.without_address:
        say(f"Open accounts without an address, whom no mail reaches: {audience.without_address}.")
    say(f"Test mail of the version as it is now: {seen.rehearsed}.")
    print_table(groups_in_words(audience))
    for base in audience.unassessed:
        say(
            f"Not compared with version {base} yet: that comes first, and what it finds has to be "
            "decided."
        )
    say("Nothing was changed or sent.")


def _forecast(office: "Office", slug: str, number: int, releaser_id: UUID) -> "Forecast":
    from database.campaigns.releasing import forecast
    from database.people.staff import require_role
    from database.policies.policies import version_by_slug

    with office.database.session() as session:
        releaser = require_role(session, releaser_id, "legal")
        version = version_by_slug(session, slug, number)
        return forecast(
            session,
            version,
            releaser.id,
            company=office.settings.company,
            sending_period=office.settings.sending_period,
            now=office.clock.now(),
        )
