"""`promisekeeper campaign`: how a version's notices stand, and whom they did not reach (P4)."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from cli.options import (
    AnswerFormat,
    AnswerFormatOption,
    AsStaff,
    FormatOption,
    ListFormat,
    Number,
    Reason,
    Slug,
)
from domain.policies.reviews import Decisions

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from database.campaigns.corrections import RightWords

SHOWN = ("account", "state", "reason", "owner", "due_on", "reached_how", "mail")

app = typer.Typer(no_args_is_help=True, help="Campaigns: who was told, who answered.")


@app.command()
def report(slug: Slug, number: Number, *, output_format: FormatOption = ListFormat.TABLE) -> None:
    """How a campaign stands, or came out: people, mails, steps, and what was done to it."""
    from dataclasses import asdict

    from cli.context import opened
    from cli.printing import print_thing
    from database.campaigns.campaigns import campaign_by_number
    from database.campaigns.corrections import in_words
    from database.campaigns.owed import open_correction
    from database.campaigns.reports import report as report_of
    from database.mail.outbox import all_is_stopped

    with opened() as office, office.database.session() as session:
        campaign = campaign_by_number(session, slug, number)
        found = asdict(report_of(session, campaign))
        proposed = open_correction(session, campaign.id)
        languages = office.settings.company.languages
        if output_format is ListFormat.TABLE:
            found |= {name: _in_words(found[name]) for name in ("silent_by", "not_reached_by")}
        print_thing(
            {
                "policy": slug,
                "version": number,
                "state": campaign.state,
                "started_at": campaign.started_at,
                "notified_at": campaign.notified_at,
                "finished_at": campaign.finished_at,
                "per_minute": campaign.per_minute,
                "all_mail_is_stopped": all_is_stopped(session),
                "correction_to_confirm": in_words(session, proposed, languages)
                if proposed
                else None,
                **found.pop("progress"),
                **found,
                "workflow": office.workflow_url(f"campaign/{slug}/{number}"),
            },
            output_format,
            office.settings.company.zone,
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


@app.command()
def correct(  # noqa: PLR0913 - one option for each thing that may have been wrong
    slug: Slug,
    number: Number,
    *,
    reason: Annotated[str, typer.Option(help="What went wrong; kept for good")] = "",
    mail: Annotated[
        str, typer.Option(help="What those are told who had a wrong mail, in plain words")
    ] = "",
    decisions: Annotated[
        Decisions | None,
        typer.Option(help="Whether what was answered on wrong words stays, or is void"),
    ] = None,
    summary: Annotated[str, typer.Option(help="The right summary, if that was wrong")] = "",
    sentence: Annotated[
        list[str] | None,
        typer.Option(metavar="F1=TEXT", help="The right sentence of a finding; repeatable"),
    ] = None,
    file: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE.toml", help="The same in other languages: a table for each, with mail"
        ),
    ] = None,
    everybody: Annotated[
        bool,
        typer.Option(
            "--everybody",
            help="Everybody who was mailed had a wrong mail, not only who had the words given here",
        ),
    ] = False,
    confirm: Annotated[
        bool, typer.Option("--confirm", help="Agree, as a second person of legal")
    ] = False,
    take_back: Annotated[
        bool, typer.Option("--take-back", help="Nothing was wrong: drop what was proposed")
    ] = False,
    as_staff: AsStaff,
) -> None:
    """Put right what mails said wrong: one proposes, which stops the campaign, another confirms.

    On confirmation exactly those are told who had the wrong words, and the campaign runs on with
    the right ones; everybody else's answers stand. Wrong are the words that you give others for, in
    their language; without any, everybody who was mailed had a wrong mail. Until it is confirmed it
    can be taken back, with a reason.
    """
    from cli.context import at_the_desk
    from cli.printing import say, stop
    from database.campaigns.corrections import Right

    if confirm:
        with at_the_desk(as_staff) as (desk, staff_id):
            found = desk.confirm_correction(slug, number, staff_id)
        say(
            f"The correction is confirmed. {found} "
            f"Watch it: promisekeeper campaign report {slug} {number}"
        )
        return
    if take_back:
        with at_the_desk(as_staff) as (desk, staff_id):
            desk.take_back_correction(slug, number, staff_id, reason)
        say(
            "The correction is taken back: nobody is told of it. How the campaign stands: "
            f"promisekeeper campaign report {slug} {number}"
        )
        return
    if not (reason and decisions and (mail or file)):
        raise stop(
            "Give --reason, --decisions and --mail or --file; or --confirm; or --take-back and "
            "--reason. Nothing was stored.",
            2,
        )
    with at_the_desk(as_staff) as (desk, staff_id):
        words = _right_words(desk.company.language, mail, summary, sentence or [], file)
        right = Right(decisions=decisions, words=words, everybody=everybody)
        found = desk.correct(slug, number, staff_id, reason, right)
    say(
        f"The correction is proposed, and the campaign of version {number} of {slug} stands still. "
        f"{found} "
        "A second person of legal reads it (promisekeeper campaign report) and confirms: "
        f"promisekeeper campaign correct {slug} {number} --confirm --as STAFF"
    )


@app.command()
def rate(
    slug: Slug,
    number: Number,
    *,
    per_minute: Annotated[
        int, typer.Option(help="Copies in a minute; 0 for no rate of its own", show_default=False)
    ],
    reason: Reason,
    as_staff: AsStaff,
) -> None:
    """Let no more than so many mails of a campaign go out in a minute.

    Ops may make it slower alone; faster takes its owner.
    """
    from cli.context import at_the_desk
    from cli.printing import say
    from domain.mail.pace import rate_in_words

    with at_the_desk(as_staff) as (desk, staff_id):
        desk.set_rate(slug, number, staff_id, reason, per_minute)
    words = rate_in_words(per_minute or None)
    say(f"The campaign of version {number} of {slug} has {words}, from the next request on.")


@app.command("not-reached")
def not_reached(
    slug: Slug,
    number: Number,
    *,
    output_format: AnswerFormatOption = AnswerFormat.TABLE,
) -> None:
    """The accounts whose first notice did not reach anybody: why, and who is to reach them by when.

    Those who were reached by other means since are among them, with how.
    """
    from dataclasses import asdict

    from cli.context import opened
    from cli.printing import print_csv, print_rows, say
    from database.campaigns import not_reached as lists
    from database.campaigns.campaigns import campaign_by_number

    with opened() as office, office.database.session() as session:
        campaign = campaign_by_number(session, slug, number)
        if output_format is AnswerFormat.CSV:
            each = lists.each_not_reached(session, campaign, office.settings.zone)
            print_csv(map(asdict, each), lists.COLUMNS)
            return
        found = lists.not_reached(session, campaign, office.settings.zone)
    rows = [asdict(account) for account in found]
    if output_format is AnswerFormat.JSON:
        print_rows(rows, lists.COLUMNS, ListFormat.JSON)
    else:
        print_rows(rows, SHOWN, ListFormat.TABLE)
        for segment, counts in _in_words(lists.segments(found)).items():
            told = "; ".join(f"{name}: {count}" for name, count in counts.items())
            say(f"{segment.replace('_', ' ')} - {told or 'nobody'}")


@app.command("not-approved")
def not_approved(
    slug: Slug,
    number: Number,
    *,
    output_format: AnswerFormatOption = AnswerFormat.TABLE,
) -> None:
    """The accounts that were asked and have not approved: the version that governs them, and from
    when the company may end its contract with them, if it ever may.
    """
    from dataclasses import asdict

    from cli.context import opened
    from cli.printing import print_csv, print_rows
    from database.approvals.approvals import PolicyHistory
    from database.campaigns import not_approved as lists
    from database.campaigns.campaigns import campaign_by_number
    from database.policies.policies import policy_by_slug
    from domain.places import local_date

    with opened() as office, office.database.session() as session:
        campaign = campaign_by_number(session, slug, number)
        history = PolicyHistory(session, policy_by_slug(session, slug))
        now = office.clock.now()
        found = lists.not_approved(
            session, history, campaign, at=now, today=local_date(now, office.settings.zone)
        )
        rows = [asdict(account) for account in found]
    if output_format is AnswerFormat.CSV:
        print_csv(rows, lists.COLUMNS)
    else:
        print_rows(rows, lists.COLUMNS, ListFormat(output_format))


@app.command("assign-not-reached")
def assign_not_reached(
    slug: Slug,
    number: Number,
    *,
    to: Annotated[
        str, typer.Option("--to", help="The handle of who is to reach them", show_default=False)
    ],
    account: Annotated[list[str] | None, typer.Option(help="Only this account; repeatable")] = None,
    state: Annotated[
        str | None, typer.Option(help="Only those not reached for this reason")
    ] = None,
    as_staff: AsStaff,
) -> None:
    """Say who is to reach the accounts that the first notice did not."""
    from cli.context import at_the_desk
    from cli.printing import say

    with at_the_desk(as_staff) as (desk, staff_id):
        assigned = desk.assign_not_reached(
            slug, number, staff_id, to, state=state, accounts=account or ()
        )
    say(f"{'1 account is' if assigned == 1 else f'{assigned} accounts are'} with {to} now.")


@app.command("reached")
def reached(
    slug: Slug,
    number: Number,
    account: Annotated[str, typer.Argument(help="The account's id", show_default=False)],
    *,
    by: Annotated[str, typer.Option(help="How: post, phone, in_person or other")],
    reason: Reason,
    as_staff: AsStaff,
) -> None:
    """Note that somebody the first notice did not reach was told by other means."""
    from cli.context import at_the_desk
    from cli.printing import say

    with at_the_desk(as_staff) as (desk, staff_id):
        desk.mark_reached(slug, number, staff_id, account, how=by, reason=reason)
    say("Noted. The account counts as reached; its decision is still its own.")


def _in_words(segments: "Mapping[str, Mapping[str, int]]") -> "Mapping[str, Mapping[str, int]]":
    """Counts by segment as people read them: languages by what they are called."""
    from cli.printing import language_name

    counts = segments.get("language", {})
    called = {language_name(tag): count for tag, count in counts.items()}
    return {**segments, "language": called}


def _right_words(
    language: str, mail: str, summary: str, sentences: list[str], file: Path | None
) -> "Sequence[RightWords]":
    """What was typed, which is in the first language, and what stands in the file."""
    from cli.printing import stop
    from cli.wording_file import WordsRefused, read_corrections, right_words, typed_words

    try:
        words = list(read_corrections(file)) if file else []
        if mail or summary or sentences:
            words.insert(0, right_words(typed_words(language, summary or None, sentences), mail))
    except WordsRefused as refusal:
        raise stop(refusal, 2) from None
    if [each.language for each in words].count(language) > 1:
        raise stop(f"{file}: [{language}] is given by --mail already. Nothing was stored.", 2)
    return words
