"""`promisekeeper policy review` and `wording`: what legal decides, and what people read (P2)."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from cli.findings import print_findings
from cli.options import AsStaff, FormatOption, ListFormat, Number, Slug, keys
from domain.policies.reviews import VersionClass

if TYPE_CHECKING:
    from cli.context import Office

WORDING = ("language", "of", "state", "text")


def review(  # noqa: PLR0913 - one option for each thing a reviewer may say
    slug: Slug,
    number: Number,
    *,
    confirm: Annotated[str, typer.Option(metavar="F1,F2", help="Findings that are right")] = "",
    dismiss: Annotated[
        str, typer.Option(metavar="F3", help="Findings that are wrong; takes a second person")
    ] = "",
    add_quote: Annotated[
        list[str] | None,
        typer.Option(
            "--add",
            metavar="QUOTE",
            help="Words, new or gone, whose harm the engine missed; repeatable",
        ),
    ] = None,
    consent: Annotated[
        list[str] | None,
        typer.Option(
            metavar="F2=PURPOSE",
            help="A confirmed finding that takes each person's consent to a purpose; F2= takes it "
            "away; repeatable",
        ),
    ] = None,
    law: Annotated[
        list[str] | None,
        typer.Option(
            metavar="F1=CITATION",
            help="A law that requires a confirmed finding: it applies without approval; F1= takes "
            "it away; repeatable",
        ),
    ] = None,
    agree_to_law: Annotated[
        str,
        typer.Option(
            metavar="F1,F2", help="Agree, as a second person, to the law that is cited for these"
        ),
    ] = "",
    version_class: Annotated[
        VersionClass | None, typer.Option("--class", help="What the version asks of people")
    ] = None,
    reason: Annotated[str, typer.Option(help="Kept for good", show_default=False)],
    as_staff: AsStaff,
) -> None:
    """Decide about findings, and give the version its class."""
    from cli.context import opened
    from cli.printing import say
    from database.campaigns.reviews import ReviewContent
    from database.policies.policies import version_by_slug

    purposes = _of_findings("--consent", "F2=product_tips", consent or [])
    laws = _of_findings("--law", "F1=Regulation (EU) 2024/1689, Article 50", law or [])
    with opened() as office:
        content = ReviewContent(
            confirm=keys(confirm),
            dismiss=keys(dismiss),
            add=tuple(add_quote or ()),
            consent=purposes,
            law=laws,
            agree_to_law=_laws_cited(office, slug, number, keys(agree_to_law)),
            version_class=version_class,
        )
        member = office.member(as_staff)
        with office.desk() as desk:
            desk.review(slug, number, member.id, content, reason)
        say(f"The review of version {number} of {slug} is recorded.")
        with office.database.session() as session:
            version = version_by_slug(session, slug, number)
        print_findings(office, version)


def wording(  # noqa: PLR0913 - one option for each thing that can be written
    slug: Slug,
    number: Number,
    *,
    language: Annotated[
        str | None, typer.Option(metavar="LANGUAGE", help="Of --summary and --sentence, like de")
    ] = None,
    summary: Annotated[str | None, typer.Option(help="In plain words; people read it")] = None,
    sentences: Annotated[
        list[str] | None,
        typer.Option(
            "--sentence",
            metavar="F1=TEXT",
            help="What a finding means for people, F1-law=TEXT the law that requires it, or "
            "PURPOSE=TEXT what they are asked to consent to; repeatable",
        ),
    ] = None,
    file: Annotated[
        Path | None,
        typer.Option(metavar="FILE.toml", help="All of it at once: a table for each language"),
    ] = None,
    as_staff: Annotated[
        str | None,
        typer.Option("--as", metavar="STAFF", help="Who writes; not needed to look"),
    ] = None,
    output_format: FormatOption = ListFormat.TABLE,
) -> None:
    """Write what people read of a version in review; prints what is there, and what is missing."""
    from cli.context import opened
    from cli.printing import print_rows, stop
    from cli.wording_file import WordsRefused, read_words, typed_words
    from translations.catalogues import for_staff

    try:
        words = list(read_words(file)) if file else []
        if summary is not None or sentences:
            words.append(typed_words(language, summary, sentences or []))
    except WordsRefused as refusal:
        raise stop(refusal, 2) from None
    if words and as_staff is None:
        raise stop("--as says who writes. Nothing was stored.", 2)
    with opened() as office:
        if words and as_staff:
            member = office.member(as_staff)
            with office.desk() as desk:
                desk.word(slug, number, member.id, words)
        rows = _wording(office, slug, number)
        if output_format is ListFormat.TABLE:
            rows = [{**row, "language": for_staff(str(row["language"]))} for row in rows]
        print_rows(rows, WORDING, output_format)


def _wording(office: "Office", slug: str, number: int) -> list[dict[str, object]]:
    from database.policies.policies import version_by_slug
    from database.policies.wording import wording_of

    with office.database.session() as session:
        version = version_by_slug(session, slug, number)
        told = wording_of(session, version, office.settings.company.languages)
    return [{name: getattr(words, name) for name in WORDING} for words in told]


def _laws_cited(office: "Office", slug: str, number: int, given: Sequence[str]) -> dict[str, str]:
    """What is cited for these findings now, which is what is agreed to."""
    from database.policies.assessments import findings_of
    from database.policies.law import cited
    from database.policies.policies import version_by_slug

    if not given:
        return {}
    with office.database.session() as session:
        version = version_by_slug(session, slug, number)
        found = cited(session, findings_of(session, version.id))
    return dict.fromkeys(given, "") | {
        law.finding: law.citation for law in found if law.finding in given
    }


def _of_findings(option: str, example: str, given: list[str]) -> dict[str, str]:
    """What is said of findings, by key."""
    from cli.printing import stop

    said = {}
    for each in given:
        key, sign, value = each.partition("=")
        if not sign:
            raise stop(f"{option} {each}: write it like {example}. Nothing was stored.", 2)
        said[key.strip().upper()] = value
    return said
