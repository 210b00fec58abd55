"""`promisekeeper policy`: add, submit, release, and see how a policy stands (P1, P2, P8)."""

import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated
from uuid import UUID

import typer

from cli.audience import audience_command
from cli.findings import print_assessment
from cli.options import AsStaff, FormatOption, ListFormat, Number, Reason, Slug
from cli.policy_lessons import agreement, lessons
from cli.policy_mails import preview, test_mail
from cli.policy_review import review, wording
from cli.reclassify import reclassify_command
from cli.release import release
from domain.approvals.without_approval import Promise, WithoutApproval

if TYPE_CHECKING:
    from cli.context import Office
    from database.tables import PolicyVersion

LOOK_AGAIN_SECONDS = 2.0
COLUMNS = (
    "version",
    "state",
    "class",
    "planned_on",
    "effective_at",
    "addressees",
    "approved",
    "declined",
    "silent",
    "not_reached",
    "mails",
)

StayUntil = Annotated[
    str | None,
    typer.Option(
        metavar="DATE",
        help="With stay_until: they stay until this day at least, 60 days after the effect or more",
    ),
]

app = typer.Typer(no_args_is_help=True, help="Policies and their versions.")


def add(
    slug: Slug,
    *,
    title: Annotated[str, typer.Option(help="As people read it", show_default=False)],
    titles: Annotated[
        list[str] | None,
        typer.Option(
            "--title-in", metavar="LANGUAGE=TEXT", help="The same, like de=TEXT; repeatable"
        ),
    ] = None,
    owner: Annotated[
        str,
        typer.Option(
            metavar="STAFF",
            help="You, of legal: a handle in development, a personal token otherwise",
            show_default=False,
        ),
    ],
) -> None:
    """Add a kind of document, such as the privacy policy. Its owner hears of silent campaigns."""
    from cli.context import opened
    from cli.printing import say
    from database.people.staff import require_role
    from database.policies.policies import add_policy, titled

    by_language = _titles("--title-in", titles or [])
    with opened() as office:
        member = office.member(owner)
        kept = titled(by_language, office.settings.company.languages)
        with office.database.transaction() as transaction:
            require_role(transaction, member.id, "legal")
            add_policy(transaction, slug=slug, title=title, titles=kept, owner_id=member.id)
    say(f"The policy {slug} is added; {member.handle} owns it.")


def title(
    slug: Slug,
    *,
    titles: Annotated[
        list[str],
        typer.Option(
            "--in", metavar="LANGUAGE=TEXT", help="Like de=TEXT; repeatable", show_default=False
        ),
    ],
    as_staff: AsStaff,
) -> None:
    """Say what a policy is called in a language: in mails and pages from now on."""
    from cli.context import at_the_desk
    from cli.printing import say

    by_language = _titles("--in", titles)
    with at_the_desk(as_staff) as (desk, staff_id):
        desk.entitle(slug, staff_id, by_language)
    said = ", ".join(f"{text} ({language})" for language, text in by_language.items())
    say(f"The policy {slug} is called {said}. Mails that are out keep what they said.")


def _titles(option: str, given: list[str]) -> dict[str, str]:
    from cli.printing import stop

    by_language = {}
    for each in given:
        language, sign, text = each.partition("=")
        if not sign:
            raise stop(f"{option} {each}: write it like de=Hausordnung. Nothing was stored.", 2)
        by_language[language.strip()] = text.strip()
    return by_language


def submit(  # noqa: PLR0913 - one option for each thing that is fixed before the release
    slug: Slug,
    file: Annotated[
        Path, typer.Argument(help="The new text: Markdown, .docx or .html", show_default=False)
    ],
    *,
    summary: Annotated[str, typer.Option(help="In plain words; people read it first")],
    effective: Annotated[
        str | None, typer.Option(metavar="DATE", help="Not before this day, like 2026-03-01")
    ] = None,
    notice_days: Annotated[
        int | None,
        typer.Option(
            min=14, max=365, help="Days of notice, instead of the announced version's or setting's"
        ),
    ] = None,
    without_approval: Annotated[
        WithoutApproval | None,
        typer.Option(
            help="What happens to whoever does not approve it; if left out as of the announced "
            "version, else stay"
        ),
    ] = None,
    stay_until: StayUntil = None,
    as_staff: AsStaff,
) -> None:
    """Hand in a new version. Prints what the engine finds in it, and where its workflow is.

    A version that is still in review gives way to it; an announced one runs on until this one is
    announced, and then gives way.
    """
    from cli.context import day, opened
    from cli.printing import say, stop, tell_what_was_left_out
    from domain.conversion import read_policy_file
    from domain.texts.policy_text import PolicyRefused
    from workflows.desk import NewVersion

    try:
        read = read_policy_file(file.read_bytes(), file.name)
    except PolicyRefused as refusal:
        raise stop(f"{file}: {refusal}", 2) from None
    except OSError as fault:
        reason = (fault.strerror or str(fault)).lower()
        raise stop(f"{file}: {reason}. Nothing was stored.", 2) from None
    tell_what_was_left_out(file, read)
    effective_on = day("--effective", effective) if effective else None
    with opened() as office:
        new = NewVersion(
            slug=slug,
            text=read.text,
            summary=summary,
            submitted_by=office.member(as_staff).id,
            effective_on=effective_on,
            notice_days=notice_days,
            promise=_promise_given(without_approval, stay_until),
        )
        with office.desk() as desk:
            version = desk.submit(new)
        say(f"Version {version.number} of {slug} is stored, SHA-256 {version.sha256}.")
        _tell_whose_place_it_takes(office, version)
        say(f"Its workflow: {office.workflow_url(f'publication/{slug}/{version.number}')}")
        print_assessment(office, version.id)
        _tell_whether_it_corrects(office, version.id)


def import_history(
    slug: Slug,
    directory: Annotated[Path, typer.Argument(help="Its 1.md, 2.md ...", show_default=False)],
    *,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only check the files")] = False,
    as_staff: AsStaff,
) -> None:
    """Take in the versions that were in force before: texts, numbers and dates, and no campaign.

    Each file has in_force_on in its front matter. All of them, or none.
    """
    from cli.context import opened
    from cli.printing import print_rows, stop
    from database.people.staff import require_role
    from database.policies import history, policies
    from domain.places import local_date
    from domain.policies.history import HistoryRefused, read_history

    with opened() as office:
        zone, now = office.settings.company.zone, office.clock.now()
        try:
            files = {file.name: file.read_bytes() for file in directory.iterdir() if file.is_file()}
            past = read_history(files, local_date(now, zone))
        except HistoryRefused as refusal:
            raise stop(refusal, 2) from None
        except OSError as fault:
            raise stop(f"{directory}: {(fault.strerror or str(fault)).lower()}.", 2) from None
        member = office.member(as_staff)
        with office.database.transaction() as transaction:
            require_role(transaction, member.id, "legal")
            policy = policies.policy_by_slug(transaction, slug)
            if not dry_run:
                history.import_history(transaction, policy, past, by=member.id, zone=zone, now=now)
    rows = [
        {"version": each.number, "in_force_on": each.in_force_on, "sha256": each.text.sha256}
        for each in past
    ]
    print_rows(rows, ("version", "in_force_on", "sha256"), ListFormat.TABLE)


def reject(
    slug: Slug,
    number: Number,
    *,
    reason: Reason,
    as_staff: AsStaff,
) -> None:
    """Take a version back before it is released; then another one can be submitted."""
    from cli.context import at_the_desk
    from cli.printing import say

    with at_the_desk(as_staff) as (desk, staff_id):
        desk.reject(slug, number, staff_id, reason)
    say(f"Version {number} of {slug} is rejected. Nobody outside has heard of it.")


def withdraw(slug: Slug, number: Number, *, reason: Reason, as_staff: AsStaff) -> None:
    """Take back a version that was announced: it governs nobody, and whoever was mailed is told."""
    from cli.context import at_the_desk
    from cli.printing import say

    with at_the_desk(as_staff) as (desk, staff_id):
        desk.withdraw(slug, number, staff_id, reason)
    say(
        f"Version {number} of {slug} is withdrawn. What was queued does not go out, and whoever "
        f"was mailed is told. Watch it: promisekeeper campaign report {slug} {number}"
    )


def postpone(
    slug: Slug,
    number: Number,
    *,
    until: Annotated[
        str | None, typer.Option(metavar="DATE", help="The new day; without it that stays open")
    ] = None,
    reason: Reason,
    as_staff: AsStaff,
) -> None:
    """Let an announced version take effect later, and tell whoever was mailed.

    Without a day nothing goes out until one is given with --until; then people have the whole
    notice period again.
    """
    from cli.context import at_the_desk, day
    from cli.printing import say

    until_on = day("--until", until) if until else None
    with at_the_desk(as_staff) as (desk, staff_id):
        desk.postpone(slug, number, staff_id, reason, until_on)
    when = until_on or f"its day is open (promisekeeper policy postpone {slug} {number} --until)"
    say(f"Version {number} of {slug} takes effect later: {when}. Whoever was mailed is told.")


def without_approval(
    slug: Slug,
    number: Number,
    what: Annotated[
        WithoutApproval,
        typer.Argument(help="What happens to whoever does not approve it", show_default=False),
    ],
    *,
    stay_until: StayUntil = None,
    as_staff: AsStaff,
) -> None:
    """Say what happens to whoever does not approve a version in review; its release fixes that."""
    from cli.context import at_the_desk
    from cli.printing import say

    promise = _promise(what, stay_until)
    with at_the_desk(as_staff) as (desk, staff_id):
        desk.promise(slug, number, staff_id, promise)
    until = f" {promise.until_on}" if promise.until_on else ""
    say(f"Without approval of version {number} of {slug}: {promise.what}{until}.")


def status(
    slug: Slug,
    *,
    watch: Annotated[bool, typer.Option("--watch", help="Keep looking, until Ctrl-C")] = False,
    output_format: FormatOption = ListFormat.TABLE,
) -> None:
    """How the versions of a policy stand, with the counts of their campaigns."""
    from rich.live import Live

    from cli.context import opened
    from cli.printing import console, fitting, print_rows, table_of

    with opened() as office:
        zone = office.settings.company.zone
        if not watch:
            print_rows(_versions(office, slug), COLUMNS, output_format, zone)
            return
        with Live(console=console(), auto_refresh=False) as live:
            try:
                while True:
                    table = table_of(_versions(office, slug), COLUMNS, zone)
                    live.update(fitting(table, live.console.width), refresh=True)
                    time.sleep(LOOK_AGAIN_SECONDS)
            except KeyboardInterrupt:
                return


def _versions(office: "Office", slug: str) -> list[dict[str, object]]:
    from database.campaigns.campaigns import campaign_of
    from database.campaigns.progress import progress_of
    from database.policies.policies import policy_by_slug, versions

    rows = []
    with office.database.session() as session:
        for version in versions(session, policy_by_slug(session, slug).id):
            campaign = campaign_of(session, version.id)
            counts = progress_of(session, campaign) if campaign else None
            rows.append(
                {
                    "version": version.number,
                    "state": version.state,
                    "class": version.version_class,
                    "planned_on": version.planned_effective_on,
                    "effective_at": version.in_force_at or version.effective_at,
                    **{name: getattr(counts, name, None) for name in COLUMNS[5:]},
                }
            )
    return rows


def _tell_whose_place_it_takes(office: "Office", version: "PolicyVersion") -> None:
    from cli.printing import say
    from database.policies.policies import announced_versions, replaced_by

    with office.database.session() as session:
        drafts = replaced_by(session, version.id)
        announced = announced_versions(session, version.policy_id)
    for draft in drafts:
        say(f"It takes the place of version {draft.number}, whose reviews count no more.")
    for each in announced:
        say(f"Version {each.number} is {each.state} and runs on until this one takes its place.")
    if announced:
        until = f" {version.stay_until_on}" if version.stay_until_on else ""
        say(
            f"Without approval: {version.without_approval}{until}; "
            f"{version.notice_days} days of notice."
        )


def _tell_whether_it_corrects(office: "Office", version_id: UUID) -> None:
    from cli.printing import say
    from database.campaigns.mended_versions import mending
    from database.tables import PolicyVersion

    with office.database.session() as session:
        said = mending(session, session.get_one(PolicyVersion, version_id))
    if said:
        say(str(said))


def _promise_given(what: WithoutApproval | None, stay_until: str | None) -> Promise | None:
    if what is None and stay_until is None:
        return None
    return _promise(what or WithoutApproval.STAY_UNTIL, stay_until)


def _promise(what: WithoutApproval, stay_until: str | None) -> Promise:
    from cli.context import day

    return Promise(what=what, until_on=day("--stay-until", stay_until) if stay_until else None)


for name, command in (
    ("audience", audience_command),
    ("reclassify", reclassify_command),
    ("add", add),
    ("title", title),
    ("submit", submit),
    ("import-history", import_history),
    ("review", review),
    ("wording", wording),
    ("without-approval", without_approval),
    ("preview", preview),
    ("test-mail", test_mail),
    ("release", release),
    ("reject", reject),
    ("withdraw", withdraw),
    ("postpone", postpone),
    ("status", status),
    ("lessons", lessons),
    ("agreement", agreement),
):
    app.command(name)(command)
