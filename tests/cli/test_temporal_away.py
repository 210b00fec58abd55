"""What is decided while Temporal is away is kept, and says so in words (P8)."""

from collections.abc import Callable
from pathlib import Path

import pytest
from sqlmodel import select
from typer.testing import CliRunner, Result

from cli.main import app
from database.campaigns import freezing
from database.campaigns.unheard import unheard, unheard_starts
from database.mail import outbox, outcomes
from database.mail.mail_rows import Batch
from database.tables import OutboxMail, PolicyVersion
from domain.policies.reviews import VersionClass
from tests.people import ALICE, BOB, POLICY
from tests.rehearsed import rehearse
from tests.scene import NOW, Scene
from tests.texts import THIRD

Run = Callable[..., Result]
WHY = ("--reason", "a wrong period")
RIGHT = ("--mail", "We said 10 days; it is a year.", "--decisions", "keep")
PAUSE = ("campaign", "pause", POLICY, 2, *WHY, "--as", "omar")
CORRECT = ("campaign", "correct", POLICY, 2)
PROPOSE = (*CORRECT, *RIGHT, *WHY, "--as", "lena")
CONTROLS = {
    "pause": [PAUSE],
    "resume": [PAUSE, ("campaign", "resume", POLICY, 2, *WHY, "--as", "lena")],
    "rate": [("campaign", "rate", POLICY, 2, "--per-minute", 60, *WHY, "--as", "omar")],
    "withdraw": [("policy", "withdraw", POLICY, 2, *WHY, "--as", "lena")],
    "postpone": [("policy", "postpone", POLICY, 2, *WHY, "--as", "lena")],
    "correct": [PROPOSE, (*CORRECT, "--confirm", "--as", "noor")],
    "take back": [PROPOSE, (*CORRECT, "--take-back", *WHY, "--as", "noor")],
}
IT_IS_KEPT = (
    "Temporal does not answer. What you decided or handed in is kept and holds; what follows from "
    "it, such as mails that tell people, begins by itself within a quarter of an hour of Temporal "
    "being back. Nothing need be done twice. Look with: promisekeeper doctor"
)


@pytest.fixture
def promisekeeper(scene: Scene, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Run:
    """Runs `promisekeeper ARGUMENTS` over a campaign whose mails are out; Temporal is nowhere."""
    monkeypatch.setenv("PROMISEKEEPER_DATA_DIR", str(tmp_path))
    monkeypatch.setenv("PROMISEKEEPER_DATABASE_URL", scene.database.url)
    monkeypatch.setenv("TEMPORAL_ADDRESS", "127.0.0.1:1")
    monkeypatch.setattr("workflows.messenger.PEOPLE_WAIT_SECONDS", 0.2)
    scene.import_accounts(ALICE)
    campaign = scene.campaign()
    freezing.freeze_audience(scene.database, campaign, NOW)
    scene.queue_step(campaign)
    with scene.database.transaction() as transaction:
        claim = outbox.claim(transaction, Batch(subject_id=campaign), limit=9, now=NOW)
        assert claim
        outcomes.accept(transaction, claim.attempt_id, "x", NOW)
    return lambda *arguments: CliRunner().invoke(app, [str(argument) for argument in arguments])


@pytest.mark.parametrize("commands", CONTROLS.values(), ids=CONTROLS)
def test_a_control_holds_and_says_what_waits_for_temporal(
    scene: Scene, promisekeeper: Run, commands: list[tuple[object, ...]]
) -> None:
    """P8: the watchdog finds what the workflows have not heard of."""
    for command in commands:
        done = promisekeeper(*command)
        assert (done.exit_code, done.stderr.strip()) == (0, IT_IS_KEPT), done.output
    with scene.database.session() as session:
        assert len(unheard(session)[POLICY, 2]) == len(commands)


def test_all_mail_is_stopped_without_temporal(scene: Scene, promisekeeper: Run) -> None:
    """P8: every claim reads it; only campaigns that stood still meanwhile wait to hear of it."""
    stopped = promisekeeper("mail", "stop", *WHY, "--as", "omar")
    assert (stopped.exit_code, stopped.stderr) == (0, "")
    started = promisekeeper("mail", "start", *WHY, "--as", "lena")
    assert (started.exit_code, started.stderr.strip()) == (0, IT_IS_KEPT)
    with scene.database.session() as session:
        assert len(unheard_starts(session)) == 1


def test_a_version_that_takes_the_place_of_another_goes_out_without_temporal(
    scene: Scene, promisekeeper: Run
) -> None:
    """P8: not one mail more of the old one from that moment on."""
    scene.import_accounts(BOB)
    with scene.database.transaction() as transaction:
        mail = transaction.exec(select(OutboxMail)).one()
        mail.state = "queued"
        old = Batch(subject_id=mail.subject_id)
    third = scene.submit(THIRD)
    scene.assess(scene.version(1), scene.version(2), version=third)
    scene.confirm_all(third, VersionClass.APPROVAL)
    with scene.database.transaction() as transaction:
        row = transaction.get_one(PolicyVersion, third.id)
        rehearse(transaction, row, scene.staff["noor"], NOW)
    done = promisekeeper("policy", "release", POLICY, 3, "--as", "noor")
    assert (done.exit_code, done.stderr.strip()) == (0, IT_IS_KEPT), done.output
    assert [scene.version(number).state for number in (2, 3)] == ["replaced", "announced"]
    with scene.database.transaction() as transaction:
        assert outbox.claim(transaction, old, limit=9, now=NOW) is None
        assert set(unheard(transaction)) == {(POLICY, 2), (POLICY, 3)}
    again = promisekeeper("policy", "release", POLICY, 3, "--as", "noor")
    assert again.exit_code == 1
    assert "This version is announced already." in again.stderr
    report = promisekeeper("campaign", "report", POLICY, 2)
    assert "version 3 took its place" in report.stdout
