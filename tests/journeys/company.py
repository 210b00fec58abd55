"""What the company does in every journey: publishes, imports, announces, signs in."""

import csv
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime, timedelta
from io import StringIO
from pathlib import Path

import urllib3
from playwright.sync_api import Page, expect
from rich.console import Console
from sqlmodel import select
from typer.testing import CliRunner

from cli.demo_scene import Scene
from cli.main import app
from clock import Clock
from database.approvals.approvals import governing_version
from database.engine import Database
from database.policies import policies
from database.policies.assessments import findings_of
from database.tables import Account, DataSubjectRequest, PolicyVersion
from domain.approvals.approvals import Governing
from embedded.stack import environment_of, stack
from settings import ROOT, Settings
from tests.quiet_monday import until_a_quiet_monday

SLUG = "privacy-policy"
SAMPLE = ROOT / "policy_versions" / "privacy-policy"
PEOPLE = ("alice", "bob", "carol", "dora", "emil", "frieda")
CROWD = 54


@contextmanager
def scene_on(settings: Settings) -> Iterator[Scene]:
    """A stack of its own with these settings, on a quiet Monday, and what a story acts with."""
    with stack(settings) as parts, urllib3.PoolManager() as connections:
        database = Database(parts.settings.database)
        clock = Clock(database, development=True)
        clock.advance(until_a_quiet_monday(clock.now()))
        console = Console(file=StringIO(), width=200)
        yield Scene(stack=parts, database=database, console=console, connections=connections)
        database.close()


def address(name: str) -> str:
    """Where a person of the journeys gets mail."""
    return f"{name}@people.example"


def act(scene: Scene, *arguments: str) -> None:
    """A command as staff type it, but within this process, where it takes no second to start."""
    done = CliRunner().invoke(app, arguments, env=environment_of(scene.stack.settings))
    assert done.exit_code == 0, done.output


def put_in_force(scene: Scene, text: Path) -> None:
    """Legal publishes a first version."""
    act(scene, "policy", "add", SLUG, "--title", "privacy policy", "--owner", "lena")
    submit(scene, text, "Our first policy.")
    review(scene, 1, "editorial")
    act(scene, "policy", "release", SLUG, "1", "--as", "noor")
    scene.wait("version 1 is in force", lambda: version(scene, 1).state == "in_force")


def submit(scene: Scene, text: Path, summary: str) -> None:
    """Lena hands in a version."""
    act(scene, "policy", "submit", SLUG, str(text), "--summary", summary, "--as", "lena")


def review(scene: Scene, number: int, version_class: str) -> None:
    """Noor confirms what the engine found, and gives the class."""
    with scene.database.session() as session:
        findings = findings_of(session, version(scene, number).id)
        waiting = [finding.key for finding in findings if finding.status == "open"]
    confirm = ("--confirm", ",".join(waiting)) if waiting else ()
    act(
        scene,
        *("policy", "review", SLUG, str(number), *confirm, "--class", version_class),
        *("--reason", "Read against the version before.", "--as", "noor"),
    )


def import_accounts(scene: Scene, directory: Path, *, crowd: int = CROWD) -> Sequence[str]:
    """Ops import the people of the journeys and a crowd; all their addresses."""
    names = [*PEOPLE, *(f"holder-{number:03}" for number in range(crowd))]
    file = directory / "accounts.csv"
    with file.open("w", newline="", encoding="utf-8") as stream:
        writer = csv.writer(stream)
        writer.writerow(("external_id", "email", "name"))
        writer.writerows((f"a-{name}", address(name), name.title()) for name in names)
    act(scene, "accounts", "import", str(file), "--as", "omar")
    return [address(name) for name in names]


def announce(scene: Scene, text: Path, *, meanwhile: Callable[[], object] = lambda: None) -> None:
    """Version 2 goes out: submitted, reviewed, released. Waits for nothing further. `meanwhile`:
    what happens after its test mails and before its release."""
    submit(scene, text, "We would keep some data longer and use it for more than before.")
    review(scene, 2, "approval")
    act(scene, "policy", "test-mail", SLUG, "2", "--as", "noor")
    meanwhile()
    act(scene, "policy", "release", SLUG, "2", "--as", "noor")


def sign_in(page: Page, scene: Scene, name: str, path: str) -> None:
    """A member of staff opens a page of the console, and signs in on the way."""
    page.goto(f"{scene.stack.website}{path}")
    page.get_by_role("button", name=name).click()


def version(scene: Scene, number: int) -> PolicyVersion:
    """A version as the database has it."""
    with scene.database.session() as session:
        return policies.version_by_slug(session, SLUG, number)


def account(scene: Scene, name: str) -> Account:
    """A person's account."""
    with scene.database.session() as session:
        return session.exec(select(Account).where(Account.external_id == f"a-{name}")).one()


def governing(scene: Scene, name: str, at: datetime | None = None) -> Governing:
    """What governs a person now, or at an instant, and why."""
    holder = account(scene, name)
    with scene.database.session() as session:
        policy = policies.policy_by_slug(session, SLUG)
        return governing_version(session, policy, holder, at or now(scene))


def request_of(scene: Scene, name: str) -> DataSubjectRequest:
    """The one request of a person."""
    with scene.database.session() as session:
        return session.exec(
            select(DataSubjectRequest).where(DataSubjectRequest.contact_email == address(name))
        ).one()


def now(scene: Scene) -> datetime:
    """The time as the product has it."""
    return Clock(scene.database, development=True).now()


def advance(scene: Scene, period: timedelta) -> None:
    """Time passes, for the website and every workflow."""
    act(scene, "demo", "advance", f"{period / timedelta(days=1):.9f}")


def advance_to(scene: Scene, instant: datetime) -> None:
    """Time passes until an instant."""
    advance(scene, instant - now(scene))


def ask_for_a_copy(page: Page, scene: Scene, name: str) -> None:
    """A person asks for a copy of their data, on the web form."""
    page.goto(f"{scene.stack.website}/requests/new")
    page.get_by_role("checkbox", name="Send me a copy of my data").check()
    page.get_by_label("Your name").fill(name.title())
    page.get_by_label("Your e-mail address").fill(address(name))
    page.get_by_label("Country you live in").select_option("DE")
    page.get_by_role("button", name="Send the request").click()
    expect(page.get_by_role("heading", name="We have your request")).to_be_visible()


def mail_about(scene: Scene, name: str, subject: str) -> dict[str, object]:
    """The newest mail to a person whose subject has these words, as soon as it is there."""
    return scene.wait(
        f"a mail to {name}: {subject}",
        lambda: scene.mails(to=address(name), subject=subject),
    )[0]
