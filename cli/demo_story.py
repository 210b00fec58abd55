"""The main job on real input, start to finish, as `make demo` tells it."""

import csv
import time
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from sqlmodel import col, func, select

from cli.demo_scene import NotHeld, Scene, link_in
from clock import Clock
from database.campaigns.campaigns import campaign_of
from database.mail.mail_rows import Batch
from database.mail.outbox import states
from database.people.accounts import count_accounts
from database.policies import policies
from database.policies.assessments import findings_of
from database.requests import requests, source_tasks
from database.tables import DataSubjectRequest, Fact, PolicyVersion
from domain.requests.source_tasks import TaskState

SLUG = "privacy-policy"
PEOPLE = 1000
ALICE, BOB, CAROL, DORA, EMIL = (
    f"{name}@people.example" for name in ("alice", "bob", "carol", "dora", "emil")
)
PETRA, THEO = "petra@fernhill.example", "theo@fernhill.example"
FIRST_NAMES = ("Ada", "Ben", "Chloe", "David", "Ela", "Finn", "Greta", "Hugo", "Iris", "Jonas")
LAST_NAMES = ("Abel", "Brandt", "Castro", "Dahl", "Eriksen", "Fuchs", "Garcia", "Holm", "Ito")


@dataclass(frozen=True, kw_only=True)
class Texts:
    """Three versions of one policy: as it was, changed for the worse, mended in its spelling."""

    first: Path
    second: Path
    third: Path


def tell(scene: Scene, texts: Texts, directory: Path) -> None:
    """Tell the whole story. Raises NotHeld at the first step that does not hold."""
    _first_version(scene, texts.first)
    _account_holders(scene, directory)
    _second_version(scene, texts.second)
    _review(scene)
    _campaign(scene)
    _decisions(scene)
    _silence(scene)
    _effect(scene)
    _third_version(scene, texts.third)
    dora, emil = _two_requests(scene)
    _answer(scene, dora)
    _last_day(scene, emil)
    _what_remains(scene)


def _first_version(scene: Scene, text: Path) -> None:
    scene.chapter("1. Legal publishes the first version of the privacy policy")
    scene.type("policy", "add", SLUG, "--title", "privacy policy", "--owner", "lena")
    scene.type(
        *("policy", "submit", SLUG, str(text), "--summary", "Our first policy.", "--as", "lena")
    )
    _give_class(scene, 1, "editorial")
    scene.type("policy", "release", SLUG, "1", "--as", "noor")
    scene.wait("version 1 is in force", lambda: _version(scene, 1).state == "in_force")
    page = scene.open(f"{scene.stack.website}/policies/{SLUG}")
    scene.hold("the public page shows version 1", true="ersion 1" in page)


def _account_holders(scene: Scene, directory: Path) -> None:
    scene.chapter(f"2. Ops imports {PEOPLE:,} account holders")
    faulty = directory / "faulty.csv"
    _write_csv(faulty, [("a-1", "nobody", "No Address"), ("a-1", "ada@people.example", "Twice")])
    scene.say("  A file with a bad address and a doubled id first: refused whole, by line.")
    scene.type("accounts", "import", str(faulty), "--as", "omar", expected=2)
    people = directory / "accounts.csv"
    _write_csv(people, _people())
    scene.type("accounts", "import", str(people), "--as", "omar")
    scene.hold(f"{PEOPLE:,} accounts are there", true=_count_accounts(scene) == PEOPLE)


def _second_version(scene: Scene, text: Path) -> None:
    scene.chapter("3. Legal submits version 2; the engine reads it clause by clause")
    scene.type(
        *("policy", "submit", SLUG, str(text), "--as", "lena"),
        *("--summary", "We would keep some data longer and use it for more than before."),
    )
    version = _version(scene, 2)
    scene.hold(f"its text is stored for good, SHA-256 {version.sha256[:16]}...", true=True)
    with scene.database.session() as session:
        adverse = [
            finding
            for finding in findings_of(session, version.id)
            if finding.direction == "adverse" and finding.severity == "material"
        ]
    scene.hold(
        f"{len(adverse)} material adverse changes are named, with the words before and after",
        true=any(finding.before and finding.after for finding in adverse),
    )


def _review(scene: Scene) -> None:
    scene.chapter("4. Four eyes: the submitter cannot release alone")
    scene.type("policy", "release", SLUG, "2", "--as", "lena", expected=1)
    scene.hold("lena, who submitted it, is refused", true=True)
    _give_class(scene, 2, "approval")
    scene.type("policy", "release", SLUG, "2", "--as", "noor", expected=1)
    scene.hold("noor is refused too, before somebody has read what people will get", true=True)
    scene.type("policy", "test-mail", SLUG, "2", "--as", "noor")
    scene.type("policy", "release", SLUG, "2", "--as", "noor")
    scene.wait(
        "the publication workflow has announced version 2",
        lambda: _version(scene, 2).state == "announced",
    )


def _campaign(scene: Scene) -> None:
    scene.chapter(f"5. The notice goes up, and {PEOPLE:,} account holders get a mail")
    scene.wait(
        "a hundred get it first; the others wait half an hour for what becomes of that",
        lambda: _canary_until(scene),
    )
    scene.advance(0.025)  # 36 minutes
    began = time.monotonic()
    scene.wait(
        "every first notice is accepted, so the date of effect is fixed (P7)",
        lambda: _version(scene, 2).effective_at,
    )
    seconds = time.monotonic() - began
    mails = scene.mails()
    addresses = Counter(str(mail["to"]) for mail in mails)
    scene.hold(
        f"{len(addresses):,} people, one mail each, through the official SendGrid SDK",
        true=len(addresses) == PEOPLE and set(addresses.values()) == {1},
    )
    links = {link_in(mail, "/approve/") for mail in mails}
    scene.hold("each mail carries a link of its own", true=len(links) == PEOPLE)
    scene.wait(
        "signed delivery events came back for all of them",
        lambda: _delivered(scene) == PEOPLE,
    )
    page = scene.open(f"{scene.stack.website}/policies/{SLUG}")
    scene.hold("the public page carries the notice (P3)", true="changes/1/2" in page)
    scene.say(f"  Takes effect {_local(scene, _effective_at(scene))}.")
    scene.say(f"  From the end of that half hour to the last mail taken: {seconds:.1f} s.")


def _decisions(scene: Scene) -> None:
    scene.chapter("6. Alice approves, Bob declines, Carol does nothing")
    for address, decision, word in ((ALICE, "approved", "Alice"), (BOB, "declined", "Bob")):
        link = link_in(scene.mails(to=address)[0], "/approve/")
        scene.hold(f"{word} reads what changes", true="What changes for you" in scene.open(link))
        page = scene.press(link, decision=decision)
        scene.hold(f"{word} has {decision}", true=f"You have {decision}" in page)
    scene.hold("nothing governs anybody early", true=_governing(scene) == (1, 1, 1))


def _silence(scene: Scene) -> None:
    scene.chapter("7. Time passes: the silent are reminded, twice, and then it escalates")
    scene.advance(19)
    scene.wait("Carol has had her first reminder", lambda: len(scene.mails(to=CAROL)) == 2)
    scene.advance(10.5)
    scene.wait("and her second and last", lambda: len(scene.mails(to=CAROL)) == 3)
    scene.hold("Alice and Bob have had none", true=_mails_to(scene, ALICE, BOB) == (1, 1))
    eve = _effective_at(scene) - timedelta(hours=1) - _now(scene)
    scene.advance(eve / timedelta(days=1))
    scene.wait(
        "the campaign's owner is told who stays silent",
        lambda: scene.mails(to="lena@fernhill.example"),
    )
    scene.type("campaign", "report", SLUG, "2")
    scene.hold("an hour before, version 1 still governs all", true=_governing(scene) == (1, 1, 1))


def _effect(scene: Scene) -> None:
    scene.chapter("8. The date of effect passes")
    scene.advance(0.1)
    scene.wait("version 2 is in force", lambda: _version(scene, 2).state == "in_force")
    scene.type("governing", SLUG, _account(ALICE))
    scene.hold("Alice is on version 2, Bob and Carol on 1", true=_governing(scene) == (2, 1, 1))
    before = _effective_at(scene) - timedelta(seconds=1)
    scene.hold(
        "asked for the second before, the answer is version 1 for each",
        true=_governing(scene, before) == (1, 1, 1),
    )
    page = scene.open(f"{scene.stack.website}/policies/{SLUG}")
    scene.hold("the public page shows version 2, without a notice", true="changes/1/2" not in page)


def _third_version(scene: Scene, text: Path) -> None:
    scene.chapter("9. Version 3 only mends typing errors")
    mails = len(scene.mails())
    scene.type(
        *("policy", "submit", SLUG, str(text), "--as", "lena"),
        *("--summary", "We corrected typing errors. Nothing changes for you."),
    )
    _give_class(scene, 3, "editorial")
    scene.type("policy", "release", SLUG, "3", "--as", "noor")
    scene.wait("version 3 is in force", lambda: _version(scene, 3).state == "in_force")
    scene.hold("nobody was mailed", true=len(scene.mails()) == mails)
    scene.hold(
        "Alice moved to version 3; Bob and the silent Carol stay on 1 (P6)",
        true=_governing(scene) == (3, 1, 1),
    )


def _two_requests(scene: Scene) -> tuple[str, str]:
    scene.chapter("10. Dora and Emil ask for a copy of their data, on the web form")
    references = []
    for name, address in (("Dora Dahl", DORA), ("Emil Eriksen", EMIL)):
        known = len(scene.mails(to=address))
        page = scene.press(
            f"{scene.stack.website}/requests/new",
            kinds="access",
            name=name,
            contact_address=address,
            country="DE",
            message="Please send me everything.",
        )
        with scene.database.session() as session:
            newest = requests.open_requests(session)[-1]
        references.append(newest.reference)
        scene.hold(f"{name} sees the reference {newest.reference}", true=newest.reference in page)
        scene.wait(
            "an acknowledgement, and a link to the address on file to confirm who is asking",
            lambda: len(scene.mails(to=address)) == known + 2,  # noqa: B023 - used at once
        )
    scene.type("requests", "explain-deadline", references[0])
    scene.type("requests", "list")
    return references[0], references[1]


def _answer(scene: Scene, reference: str) -> None:
    scene.chapter("11. Dora confirms who she is, and is answered")
    answer = (
        *("requests", "decide", reference, "--outcome", "fulfilled", "--as", "petra"),
        *("--explanation", "We have sent you a copy of all that we hold about you."),
        *("--evidence", "Printed from the page of the copy, and posted on the same day."),
    )
    scene.type(*answer, expected=1)
    scene.hold("nothing is disclosed before that (P19)", true=True)
    link = next(
        link_in(mail, "/requests/")
        for mail in scene.mails(to=DORA)
        if "confirm" in str(mail["subject"]).lower()
    )
    scene.press(link)
    scene.wait("she is verified", lambda: _request(scene, reference).verified_at)
    scene.wait(
        "every data source has given what it holds of her, except for the cabinet with paper (P11)",
        lambda: _asked_of_people_only(scene, reference),
    )
    scene.wait(
        "Theo, who keeps the cabinet, has a mail that there is something to look up",
        lambda: scene.mails(to=THEO, subject="A task for you"),
    )
    scene.advance(12)
    scene.wait(
        "the ladder reminds the privacy team twenty days before the answer is due",
        lambda: scene.mails(to=PETRA, subject="20 days before the answer is due"),
    )
    known = len(scene.mails(to=DORA))
    scene.type(*answer)
    scene.wait("the answer is in her mail", lambda: len(scene.mails(to=DORA)) == known + 1)


def _last_day(scene: Scene, reference: str) -> None:
    scene.chapter("12. Nobody touches Emil's request")
    due_at = _request(scene, reference).due_at
    scene.advance((due_at - timedelta(hours=23) - _now(scene)) / timedelta(days=1))
    scene.wait(
        "a day before it is due he is told that we are late, and of his rights (P21)",
        lambda: _request(scene, reference).late_reply_at,
    )
    unanswered = _request(scene, reference).answered_at is None
    scene.hold("that is no answer, and does not count as one", true=unanswered)
    scene.advance(1.5)
    scene.wait(
        "at day 30 the breach is recorded", lambda: _request(scene, reference).policy_breach_at
    )
    scene.type("requests", "show", reference, "--as", "petra")


def _what_remains(scene: Scene) -> None:
    scene.chapter("13. What remains as evidence")
    with scene.database.session() as session:
        kinds = dict(
            session.exec(
                select(Fact.kind, func.count()).group_by(Fact.kind).order_by(col(Fact.kind))
            ).all()
        )
    for kind, count in kinds.items():
        scene.say(f"    [dim]{kind:<40} {count:>6}[/]")
    scene.hold(
        "every step wrote its fact",
        true={"approval.approved", "notice.up", "notice.down", "request.policy_breach"}
        <= set(kinds),
    )


def _give_class(scene: Scene, number: int, version_class: str) -> None:
    with scene.database.session() as session:
        waiting = [
            finding.key
            for finding in findings_of(session, _version(scene, number).id)
            if finding.status == "open"
        ]
    confirm = ("--confirm", ",".join(waiting)) if waiting else ()
    scene.type(
        *("policy", "review", SLUG, str(number), *confirm, "--class", version_class),
        *("--reason", "Read against the version before.", "--as", "noor"),
    )


def _people() -> Iterator[tuple[str, str, str]]:
    named = (
        (ALICE, "Alice Abel"),
        (BOB, "Bob Brandt"),
        (CAROL, "Carol Castro"),
        (DORA, "Dora Dahl"),
        (EMIL, "Emil Eriksen"),
    )
    for address, name in named:
        yield _account(address), address, name
    for number in range(PEOPLE - len(named)):
        first = FIRST_NAMES[number % len(FIRST_NAMES)]
        last = LAST_NAMES[number // len(FIRST_NAMES) % len(LAST_NAMES)]
        yield f"c-{number:04}", f"{first}.{last}.{number}@people.example".lower(), f"{first} {last}"


def _write_csv(path: Path, rows: Iterable[tuple[str, str, str]]) -> None:
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(("external_id", "email", "name"))
        writer.writerows(rows)


def _account(address: str) -> str:
    return f"a-{address.partition('@')[0]}"


def _version(scene: Scene, number: int) -> PolicyVersion:
    with scene.database.session() as session:
        return policies.version_by_slug(session, SLUG, number)


def _asked_of_people_only(scene: Scene, reference: str) -> bool:
    """Whether nothing but what somebody does by hand is still to come."""
    with scene.database.session() as session:
        request = requests.request_by_reference(session, reference)
        tasks = source_tasks.tasks_of(session, request.id)
    return {task.state for task in tasks} == {TaskState.DONE, TaskState.BY_HAND}


def _request(scene: Scene, reference: str) -> DataSubjectRequest:
    with scene.database.session() as session:
        return requests.request_by_reference(session, reference)


def _count_accounts(scene: Scene) -> int:
    with scene.database.session() as session:
        return count_accounts(session)


def _canary_until(scene: Scene) -> datetime | None:
    with scene.database.session() as session:
        campaign = campaign_of(session, _version(scene, 2).id)
        return campaign.canary_until if campaign else None


def _effective_at(scene: Scene) -> datetime:
    effective_at = _version(scene, 2).effective_at
    if effective_at is None:
        raise NotHeld("version 2 has a date of effect")
    return effective_at


def _delivered(scene: Scene) -> int:
    with scene.database.session() as session:
        campaign = campaign_of(session, _version(scene, 2).id)
        if campaign is None:
            raise NotHeld("version 2 has a campaign")
        return states(session, Batch(subject_id=campaign.id)).get("delivered", 0)


def _governing(scene: Scene, at: datetime | None = None) -> tuple[int, int, int]:
    """Which version governs Alice, Bob and Carol."""
    when = ("--at", at.isoformat()) if at else ()
    alice, bob, carol = (
        int(scene.ask("governing", SLUG, _account(address), *when)["version"])
        for address in (ALICE, BOB, CAROL)
    )
    return alice, bob, carol


def _mails_to(scene: Scene, *addresses: str) -> tuple[int, ...]:
    return tuple(len(scene.mails(to=address)) for address in addresses)


def _now(scene: Scene) -> datetime:
    return Clock(scene.database, development=True).now()


def _local(scene: Scene, instant: datetime) -> str:
    settings = scene.stack.settings
    return f"{instant.astimezone(settings.zone):%-d %B %Y, %H:%M} ({settings.time_zone})"
