"""`promisekeeper policy preview` and `test-mail`: a version's mails, read before they go out."""

import time
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated
from uuid import UUID

import typer

from cli.options import AsStaff, Number, Slug

if TYPE_CHECKING:
    from activities.mail.samples import SampleMail
    from cli.context import Office

SENT_WITHIN_SECONDS = 10


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
    from database.policies.policies import version_by_slug
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
    are = "1 mail is" if len(mails) == 1 else f"{len(mails)} mails are"
    say(f"{are} in {to}. Delete what names real people when you have read it.")


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


def _write_mails(directory: Path, mails: "Sequence[SampleMail]") -> None:
    """Each as the two files that a mail has; for the eyes of whoever made the folder."""
    directory.mkdir(parents=True, exist_ok=True, mode=0o700)
    for number, mail in enumerate(mails, start=1):
        name = f"{number:02}-from-version-{mail.base}-{mail.language}"
        head = f"To: {mail.to}\nSubject: {mail.message.subject}\n\n"
        (directory / f"{name}.txt").write_text(head + mail.message.text, encoding="utf-8")
        (directory / f"{name}.html").write_text(mail.message.html, encoding="utf-8")


def _are_out(office: "Office", mails: Sequence[UUID]) -> bool:
    from database.campaigns.rehearsals import are_out

    deadline = time.monotonic() + SENT_WITHIN_SECONDS
    while time.monotonic() < deadline:
        with office.database.session() as session:
            if are_out(session, mails):
                return True
        time.sleep(0.2)
    return False
