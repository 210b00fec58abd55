"""`promisekeeper policy audience`: whom a version would address, before it is released (P4)."""

from typing import TYPE_CHECKING

from cli.options import FormatOption, ListFormat, Number, Slug

if TYPE_CHECKING:
    from rich.table import Table

    from database.campaigns.audiences import Preview

COLUMNS = (
    "governing",
    "accepted",
    "language",
    "kind",
    "asks_approval",
    "stays",
    "addressed",
    "accounts",
)


def groups_in_words(seen: "Preview") -> "Table":
    """The groups of an audience as a table to read, each with what its language is called."""
    from cli.printing import language_name, table_of

    groups = (vars(group) | {"language": language_name(group.language)} for group in seen.groups)
    return table_of(list(groups), COLUMNS)


def audience_command(
    slug: Slug, number: Number, *, output_format: FormatOption = ListFormat.TABLE
) -> None:
    """Count whom a version would address if it were released now. Nothing is written or sent."""
    from cli.context import opened
    from cli.printing import print_json, print_table, say
    from database.campaigns.audiences import preview
    from database.campaigns.mended_versions import mending
    from database.policies.law import asked_nevertheless
    from database.policies.policies import version_by_slug

    with opened() as office, office.database.session() as session:
        now = office.clock.now()
        version = version_by_slug(session, slug, number)
        seen = preview(session, version, now)
        more_than_law = asked_nevertheless(session, version)
        mends = mending(session, version)
    if output_format is ListFormat.JSON:
        print_json(
            {
                "policy": slug,
                "version": number,
                "class": version.version_class,
                "at": now,
                "addressees": seen.addressees,
                "asked": seen.asked,
                "told_only": seen.told_only,
                "minors_who_stay": seen.minors_who_stay,
                "groups": [vars(group) for group in seen.groups],
                "left_out": seen.left_out,
                "unassessed": seen.unassessed,
                "without_address": seen.without_address,
                "gives_way": seen.gives_way,
                "corrects": mends and vars(mends) | {"corrects": mends.corrects},
                "more_than_law": more_than_law,
            }
        )
        return
    say(str(seen))
    if seen.without_address:
        say(f"Open accounts without an address, whom no mail reaches: {seen.without_address}.")
    if mends:
        say(str(mends))
    if version.version_class is None:
        say("The version has no class yet: it is counted as of class approval.")
    print_table(groups_in_words(seen))
    for base in more_than_law:
        say(f"From version {base} it changes more than the law requires: its people are asked.")
    for base in seen.unassessed:
        say(f"Not compared with version {base} yet, which governs somebody or was accepted last.")
