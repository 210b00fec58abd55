"""`promisekeeper policy`: add, submit, review, release, and see how a policy stands (P1, P2)."""

import time
from collections.abc import Sequence
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Annotated
from uuid import UUID

import typer

from cli.audience import audience_command
from cli.options import AsStaff, FormatOption, ListFormat, Number, Reason, Slug
from cli.reclassify import reclassify_command
from domain.reviews import VersionClass, VersionState
from domain.without_approval import Promise, WithoutApproval

if TYPE_CHECKING:
    from sqlmodel import Session

    from activities.samples import SampleMail
    from cli.context import Office
    from database.tables import Finding, PolicyVersion

ASSESSED_WITHIN_SECONDS = 15
SENT_WITHIN_SECONDS = 10
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
WORDING = ("language", "of", "state", "text")
AGREEMENT = ("rule", "confirmed", "dismissed", "open", "agreed")

StayUntil = Annotated[
    str | None,
    typer.Option(
        metavar="DATE",
        help="With stay_until: they stay until this day at least, 60 days after the effect or more",
    ),
]

app = typer.Typer(no_args_is_help=True, help="Policies and their versions.")
app.command("audience")(audience_command)
app.command("reclassify")(reclassify_command)


@app.command()
def add(
    slug: Slug,
    *,
    title: Annotated[str, typer.Option(help="As people read it", show_default=False)],
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
    from database.policies import add_policy
    from database.staff import require_role

    with opened() as office:
        member = office.member(owner)
        with office.database.transaction() as transaction:
            require_role(transaction, member.id, "legal")
            add_policy(transaction, slug=slug, title=title, owner_id=member.id)
    say(f"The policy {slug} is added; {member.handle} owns it.")


@app.command()
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
        int | None, typer.Option(min=14, max=365, help="Days of notice, instead of the setting's")
    ] = None,
    without_approval: Annotated[
        WithoutApproval, typer.Option(help="What happens to whoever does not approve it")
    ] = WithoutApproval.STAY,
    stay_until: StayUntil = None,
    as_staff: AsStaff,
) -> None:
    """Hand in a new version. Prints what the engine finds in it, and where its workflow is.

    A version that is still in review gives way to it; an announced one runs on until this one is
    announced, and then gives way.
    """
    from cli.context import opened
    from cli.printing import say, stop, tell_what_was_left_out
    from domain.conversion import read_policy_file
    from domain.policy_text import PolicyRefused
    from workflows.desk import NewVersion

    try:
        read = read_policy_file(file.read_bytes(), file.name)
    except PolicyRefused as refusal:
        raise stop(f"{file}: {refusal}", 2) from None
    except OSError as fault:
        reason = (fault.strerror or str(fault)).lower()
        raise stop(f"{file}: {reason}. Nothing was stored.", 2) from None
    tell_what_was_left_out(file, read)
    effective_on = _day("--effective", effective) if effective else None
    with opened() as office:
        new = NewVersion(
            slug=slug,
            text=read.text,
            summary=summary,
            submitted_by=office.member(as_staff).id,
            effective_on=effective_on,
            notice_days=notice_days,
            promise=_promise(without_approval, stay_until),
        )
        with office.desk() as desk:
            version = desk.submit(new)
        say(f"Version {version.number} of {slug} is stored, SHA-256 {version.sha256}.")
        _tell_whose_place_it_takes(office, version)
        say(f"Its workflow: {office.workflow_url(f'publication/{slug}/{version.number}')}")
        _print_assessment(office, version.id)


@app.command("import-history")
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
    from database import history, policies
    from database.staff import require_role
    from domain.places import local_date
    from domain.policy_history import HistoryRefused, read_history

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


@app.command()
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
        typer.Option("--add", metavar="QUOTE", help="Adverse words the engine missed; repeatable"),
    ] = None,
    consent: Annotated[
        list[str] | None,
        typer.Option(
            metavar="F2=PURPOSE",
            help="A confirmed finding that takes each person's consent to a purpose; F2= takes it "
            "away; repeatable",
        ),
    ] = None,
    version_class: Annotated[
        VersionClass | None, typer.Option("--class", help="What the version asks of people")
    ] = None,
    reason: Annotated[str, typer.Option(help="Kept for good", show_default=False)],
    as_staff: AsStaff,
) -> None:
    """Decide about findings, and give the version its class."""
    from cli.context import opened
    from cli.printing import say
    from database.reviews import ReviewContent

    content = ReviewContent(
        confirm=_keys(confirm),
        dismiss=_keys(dismiss),
        add=tuple(add_quote or ()),
        consent=_consent(consent or []),
        version_class=version_class,
    )
    with opened() as office:
        member = office.member(as_staff)
        with office.desk() as desk:
            desk.review(slug, number, member.id, content, reason)
        say(f"The review of version {number} of {slug} is recorded.")
        _print_findings(office, slug, number)


@app.command()
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
            help="What a finding means for people, or PURPOSE=TEXT what they are asked to consent "
            "to; repeatable",
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
        print_rows(_wording(office, slug, number), WORDING, output_format)


@app.command("without-approval")
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


@app.command()
def preview(
    slug: Slug,
    number: Number,
    *,
    to: Annotated[
        Path, typer.Option(metavar="DIR", help="The folder for the mails", show_default=False)
    ],
    as_staff: AsStaff,
) -> None:
    """Write the first notice of up to ten account holders to files, and send nothing."""
    from cli.context import opened
    from cli.printing import say, stop
    from database.policies import version_by_slug
    from web.samples import sample_mails

    with opened() as office:
        member, samples = office.member(as_staff), sample_mails(office.settings)
        with office.database.session() as session:
            version = version_by_slug(session, slug, number)
        mails = samples.read_by(office.database, version, member.id, office.clock.now())
    if not mails:
        raise stop(f"Nobody would get a mail of version {number} of {slug}, as it is now.", 1)
    try:
        _write_mails(to, mails)
    except OSError as fault:
        raise stop(
            f"{to}: {(fault.strerror or str(fault)).lower()}. Nothing was sent.", 2
        ) from None
    say(f"{len(mails)} mails are in {to}. They name real people: delete them when you have read.")


@app.command("test-mail")
def test_mail(slug: Slug, number: Number, *, as_staff: AsStaff) -> None:
    """Send yourself the mails of a version in review, to read before everybody gets theirs."""
    from cli.context import opened
    from cli.printing import say

    with opened() as office:
        member = office.member(as_staff)
        with office.desk() as desk:
            mails = desk.send_test_mails(slug, number, member.id)
        count = f"{len(mails)} test mail{'s' * (len(mails) > 1)}"
        if _are_out(office, mails):
            say(f"{count} went out to {member.email}. Read them, and release the version then.")
        else:
            say(f"{count} to {member.email} wait to go out. See: promisekeeper doctor")


@app.command()
def release(slug: Slug, number: Number, *, as_staff: AsStaff) -> None:
    """Let a reviewed version go out. Its submitter cannot, alone."""
    from cli.context import at_the_desk
    from cli.printing import say

    with at_the_desk(as_staff) as (desk, staff_id):
        desk.release(slug, number, staff_id)
    say(f"Version {number} of {slug} is released. Watch it: promisekeeper policy status {slug}")


@app.command()
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


@app.command()
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


@app.command()
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
    from cli.context import at_the_desk
    from cli.printing import say

    until_on = _day("--until", until) if until else None
    with at_the_desk(as_staff) as (desk, staff_id):
        desk.postpone(slug, number, staff_id, reason, until_on)
    when = until_on or f"its day is open (promisekeeper policy postpone {slug} {number} --until)"
    say(f"Version {number} of {slug} takes effect later: {when}. Whoever was mailed is told.")


@app.command()
def status(
    slug: Slug,
    *,
    watch: Annotated[bool, typer.Option("--watch", help="Keep looking, until Ctrl-C")] = False,
    output_format: FormatOption = ListFormat.TABLE,
) -> None:
    """How the versions of a policy stand, with the counts of their campaigns."""
    from rich.live import Live

    from cli.context import opened
    from cli.printing import console, print_rows, table_of

    with opened() as office:
        if not watch:
            print_rows(_versions(office, slug), COLUMNS, output_format)
            return
        with Live(console=console(), auto_refresh=False) as live:
            try:
                while True:
                    live.update(table_of(_versions(office, slug), COLUMNS), refresh=True)
                    time.sleep(LOOK_AGAIN_SECONDS)
            except KeyboardInterrupt:
                return


@app.command()
def lessons(
    slug: Slug,
    number: Annotated[
        int | None, typer.Argument(help="One version's number; none means all", min=1)
    ] = None,
    *,
    to: Annotated[
        Path, typer.Option(metavar="DIR", help="The folder of cases to add to", show_default=False)
    ],
) -> None:
    """Write what legal decided as labelled cases, to measure and train the engine with."""
    from cli.case_folder import FolderRefused, write_cases
    from cli.context import opened
    from cli.printing import say, stop
    from database.lessons import lessons_of
    from database.policies import policy_by_slug, version_by_number

    with opened() as office, office.database.session() as session:
        policy = policy_by_slug(session, slug)
        if number is not None:
            version_by_number(session, policy.id, number)
        learned = lessons_of(session, policy, number)
    if not any(lesson.case for lesson in learned):
        raise stop(_nothing_decided(slug, number), 1)
    try:
        done = write_cases(to, learned)
    except FolderRefused as refusal:
        raise stop(refusal, 2) from None
    except (OSError, UnicodeError) as fault:
        reason = (getattr(fault, "strerror", None) or str(fault)).lower()
        raise stop(f"{to}: {reason}. Mend it and repeat: nothing is written twice.", 2) from None
    for lesson in learned:
        if lesson.is_open and lesson.case is None:
            say(f"Version {lesson.number} against {lesson.base}: not decided yet, not written.")
    say(f"Cases in {to}: {', '.join(f'{count} {kind}' for kind, count in done.items())}.")
    say(f"Measure the engine on them: python -m benchmarks.materiality --data {to}")


@app.command()
def agreement(
    slug: Annotated[
        str | None, typer.Argument(help="The policy, like privacy; none means all")
    ] = None,
    *,
    output_format: FormatOption = ListFormat.TABLE,
) -> None:
    """How often legal agreed with each rule, and how often they found what the engine missed."""
    from cli.context import opened
    from cli.printing import print_rows
    from database.lessons import agreement_of
    from database.policies import policy_by_slug

    with opened() as office, office.database.session() as session:
        rules = agreement_of(session, policy_by_slug(session, slug) if slug else None)
    rows = [
        {
            **{name: getattr(rule, name) for name in AGREEMENT[:-1]},
            "agreed": None if rule.agreed is None else round(rule.agreed, 2),
        }
        for rule in rules
    ]
    print_rows(rows, AGREEMENT, output_format)


def _wording(office: "Office", slug: str, number: int) -> list[dict[str, object]]:
    from database.policies import version_by_slug
    from database.wording import wording_of

    with office.database.session() as session:
        version = version_by_slug(session, slug, number)
        told = wording_of(session, version, office.settings.company.languages)
    return [{name: getattr(words, name) for name in WORDING} for words in told]


def _tell_whose_place_it_takes(office: "Office", version: "PolicyVersion") -> None:
    from cli.printing import say
    from database.policies import announced_versions, replaced_by

    with office.database.session() as session:
        drafts = replaced_by(session, version.id)
        announced = announced_versions(session, version.policy_id)
    for draft in drafts:
        say(f"It takes the place of version {draft.number}, whose reviews count no more.")
    for each in announced:
        say(f"Version {each.number} is announced and runs on until this one takes its place.")


def _nothing_decided(slug: str, number: int | None) -> str:
    which = f"version {number} of {slug}" if number else slug
    return (
        f"Legal has decided nothing about {which} that a case could be made of: no finding is "
        "dismissed or confirmed, or others are still open. Nothing was written. "
        f"Decide with: promisekeeper policy review {slug} {number or 'NUMBER'}"
    )


def _versions(office: "Office", slug: str) -> list[dict[str, object]]:
    from database.campaigns import campaign_of, progress
    from database.policies import policy_by_slug, versions

    rows = []
    with office.database.session() as session:
        for version in versions(session, policy_by_slug(session, slug).id):
            campaign = campaign_of(session, version.id)
            counts = progress(session, campaign) if campaign else None
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


def _print_assessment(office: "Office", version_id: UUID) -> None:
    """Wait for the workflow to assess the version, and say what it found."""
    from cli.printing import say
    from database.assessments import assessment_of
    from database.policies import previous_version

    version = _assessed(office, version_id)
    if version is None:
        say(
            "Not assessed yet: the worker is slow, or not running. Nothing is lost. "
            "See: promisekeeper doctor"
        )
        return
    with office.database.session() as session:
        previous = previous_version(session, version)
        assessment = assessment_of(session, previous.id, version.id) if previous else None
    if previous is None or assessment is None:
        say("It is the first version: there is nothing to compare it with.")
    else:
        say(f"Compared with version {previous.number}, in force: {assessment.verdict}.")
    _print_findings_of(office, version)


def _assessed(office: "Office", version_id: UUID) -> "PolicyVersion | None":
    from database.tables import PolicyVersion

    deadline = time.monotonic() + ASSESSED_WITHIN_SECONDS
    while time.monotonic() < deadline:
        with office.database.session() as session:
            version = session.get_one(PolicyVersion, version_id)
        if version.state != VersionState.SUBMITTED:
            return version
        time.sleep(0.2)
    return None


def _write_mails(directory: Path, mails: "Sequence[SampleMail]") -> None:
    """Each as the two files that a mail has; for the eyes of whoever made the folder."""
    directory.mkdir(parents=True, exist_ok=True, mode=0o700)
    for number, mail in enumerate(mails, start=1):
        name = f"{number:02}-from-version-{mail.base}-{mail.language}"
        head = f"To: {mail.to}\nSubject: {mail.message.subject}\n\n"
        (directory / f"{name}.txt").write_text(head + mail.message.text, encoding="utf-8")
        (directory / f"{name}.html").write_text(mail.message.html, encoding="utf-8")


def _are_out(office: "Office", mails: Sequence[UUID]) -> bool:
    from database.rehearsals import are_out

    deadline = time.monotonic() + SENT_WITHIN_SECONDS
    while time.monotonic() < deadline:
        with office.database.session() as session:
            if are_out(session, mails):
                return True
        time.sleep(0.2)
    return False


def _print_findings(office: "Office", slug: str, number: int) -> None:
    from database.policies import version_by_slug

    with office.database.session() as session:
        version = version_by_slug(session, slug, number)
    _print_findings_of(office, version)


def _print_findings_of(office: "Office", version: "PolicyVersion") -> None:
    from cli.printing import console, table_of
    from database.assessments import compared_with, findings_of

    with office.database.session() as session:
        bases = compared_with(session, version.id)
        rows = [
            {
                "finding": finding.key,
                "against version": ", ".join(map(str, bases.get(finding.id, ()))),
                "status": _status_words(office, session, finding),
                "direction": f"{finding.direction}, {finding.severity}",
                "what": finding.explanation,
                "before": finding.before,
                "after": finding.after,
            }
            for finding in findings_of(session, version.id)
        ]
    if rows:
        console().print(table_of(rows, tuple(rows[0])))


def _status_words(office: "Office", session: "Session", finding: "Finding") -> str:
    from database.decisions import decided_before

    before = decided_before(session, finding)
    words = finding.status.replace("_", " ")
    return f"{words}\n{before.words(office.settings.company.zone)}" if before else words


def _consent(given: list[str]) -> dict[str, str]:
    from cli.printing import stop

    consent = {}
    for each in given:
        key, sign, purpose = each.partition("=")
        if not sign:
            raise stop(f"--consent {each}: write it like F2=product_tips. Nothing was stored.", 2)
        consent[key.strip().upper()] = purpose
    return consent


def _promise(what: WithoutApproval, stay_until: str | None) -> Promise:
    return Promise(what=what, until_on=_day("--stay-until", stay_until) if stay_until else None)


def _keys(given: str) -> tuple[str, ...]:
    return tuple(key.strip().upper() for key in given.split(",") if key.strip())


def _day(option: str, given: str) -> date:
    from cli.printing import stop

    try:
        return date.fromisoformat(given)
    except ValueError:
        message = f"{option} {given}: write the day like 2026-03-01. Nothing was stored."
        raise stop(message, 2) from None
