"""`promisekeeper policy reclassify`: a version in force should have asked for approval (P2)."""

from pathlib import Path
from typing import Annotated

import typer

from cli.options import AsStaff, Number, Slug, keys
from domain.policies.reviews import VersionClass


def reclassify_command(  # noqa: PLR0913 - one option for each thing that was missed
    slug: Slug,
    number: Number,
    *,
    version_class: Annotated[
        VersionClass, typer.Option("--class", help="The right class; it is only ever raised")
    ] = VersionClass.APPROVAL,
    confirm: Annotated[
        str, typer.Option(metavar="F1,F2", help="Findings that are adverse after all")
    ] = "",
    add: Annotated[
        list[str] | None,
        typer.Option(metavar="QUOTE", help="Words of the text that are adverse; repeatable"),
    ] = None,
    sentences: Annotated[
        list[str] | None,
        typer.Option(
            "--sentence", metavar="F1=TEXT", help="What a finding means for people; repeatable"
        ),
    ] = None,
    file: Annotated[
        Path | None,
        typer.Option(metavar="FILE.toml", help="What people read: a table for each language"),
    ] = None,
    reason: Annotated[str, typer.Option(help="Why it was missed; kept for good")] = "",
    agree: Annotated[
        bool, typer.Option("--agree", help="Agree, as a second person of legal")
    ] = False,
    as_staff: AsStaff,
) -> None:
    """Ask for the approval that a version in force had needed: one proposes, another agrees.

    From then on whoever has not approved it is governed by their earlier version again, and is
    asked. What governed until then stays on record, as an error.
    """
    from cli.context import at_the_desk
    from cli.printing import say, stop
    from cli.wording_file import WordsRefused, read_words, typed_words
    from database.campaigns.reclassifying import Mistake

    if agree:
        with at_the_desk(as_staff) as (desk, staff_id):
            desk.agree_to_reclassification(slug, number, staff_id)
        say(
            f"Version {number} of {slug} takes approval from now on, and people are asked. Watch "
            f"it: promisekeeper campaign report {slug} {number}"
        )
        return
    if version_class is not VersionClass.APPROVAL:
        raise stop(
            "After the release a class is only ever raised, and only to approval: give --class "
            "approval. Nothing was stored.",
            2,
        )
    with at_the_desk(as_staff) as (desk, staff_id):
        try:
            words = list(read_words(file)) if file else []
            if sentences:
                words.insert(0, typed_words(desk.company.language, None, sentences))
        except WordsRefused as refusal:
            raise stop(refusal, 2) from None
        mistake = Mistake(confirm=keys(confirm), add=add or (), words=words)
        desk.reclassify(slug, number, staff_id, reason, mistake)
    say(
        f"It is proposed that version {number} of {slug} takes approval. Nothing changes until a "
        f"second person of legal agrees: promisekeeper policy reclassify {slug} {number} --agree "
        "--as STAFF"
    )
