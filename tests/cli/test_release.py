"""`policy release --dry-run` says what a release would do and what stops it, and does nothing."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from sqlmodel import select
from typer.testing import CliRunner, Result

from cli.main import app
from database.people.accounts import AccountRow
from database.tables import CampaignAddressee, Fact, OutboxMail, PolicyVersion
from domain.policies.reviews import VersionClass
from tests.people import ALICE, BOB, POLICY
from tests.rehearsed import rehearse
from tests.scene import FIRST_DAY, NOW, ONE_HOUR, Scene
from tests.texts import FIRST, SECOND, THIRD

Run = Callable[..., Result]
MIRA = AccountRow(external_id="mira", email="mira@people.example", kind="minor")
ROBOT = AccountRow(
    external_id="robot", email="r@machines.example", kind="service", exempt_reason="A printer"
)
MENDED = FIRST.replace("disadvantge", "disadvantage")
GRETA = AccountRow(external_id="greta", email="g@people.example", locale="de")


@pytest.fixture
def dry_run(scene: Scene, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Runs it for version 2, which is in review; Alice and Bob read English, Greta German."""
    monkeypatch.setenv("PROMISEKEEPER_DATA_DIR", str(tmp_path))
    monkeypatch.setenv("PROMISEKEEPER_DATABASE_URL", scene.database.url)
    monkeypatch.setenv("TEMPORAL_ADDRESS", "127.0.0.1:1")
    first = scene.submit(FIRST, now=FIRST_DAY)
    scene.put_in_force(first, FIRST_DAY)
    scene.import_accounts(ALICE, BOB, GRETA, now=FIRST_DAY + ONE_HOUR)
    scene.assess(first, version=scene.submit(SECOND))
    command = ("policy", "release", POLICY, "2", "--dry-run")
    return lambda *more: CliRunner().invoke(app, [*command, *more])


def kept(scene: Scene) -> list[int]:
    with scene.database.session() as session:
        tables = (Fact, OutboxMail, CampaignAddressee)
        return [len(session.exec(select(table)).all()) for table in tables]


def test_everything_that_stops_it_is_said_at_once(dry_run: Run, scene: Scene) -> None:
    """P2, P4: not only the first thing; and nothing is changed."""
    scene.confirm_all(scene.version(2), VersionClass.APPROVAL)
    before = kept(scene)
    said = json.loads(dry_run("--as", "noor", "--format", "json").stdout)
    assert "Missing: in German (de)" in said["refusals"][0]
    assert "Nobody has had a test mail" in said["refusals"][1]
    assert said["test_mail"] == "no"
    assert (said["addressees"], said["asked"]) == (3, 3)
    assert said["by_language"] == {"de": 1, "en": 2}
    assert said["corrects"] is None
    assert kept(scene) == before
    assert scene.version(2).released_by is None


def test_who_submitted_it_and_what_is_undecided_are_named(dry_run: Run) -> None:
    refused = dry_run("--as", "lena")
    assert refused.exit_code == 1
    shown = refused.stdout.replace("\n", " ")
    assert "It would be refused: One person alone cannot submit and release" in shown
    assert "It would be refused: Not decided yet: F1" in shown
    assert "It would be refused: Nobody has given this version its class yet" in shown
    assert "It would be refused: People would not be told in their language" in shown
    assert "It would be refused: Nobody has had a test mail" in shown
    assert "no finding is confirmed" not in shown


def test_before_the_class_is_given_nobody_is_said_to_have_had_the_test_mails(
    dry_run: Run,
) -> None:
    """P4: the class decides which mails there are."""
    said = json.loads(dry_run("--as", "noor", "--format", "json").stdout)
    assert (said["class"], said["test_mail"]) == (None, "no")


def test_mails_are_counted_in_the_languages_that_they_are_written_in(
    dry_run: Run, scene: Scene
) -> None:
    """P4: whoever reads none of ours gets the first one, whatever their locale."""
    austria, france = (
        AccountRow(**{**vars(GRETA), "external_id": locale, "locale": locale})
        for locale in ("de-AT", "fr-FR")
    )
    scene.import_accounts(austria, france)
    scene.confirm_all(scene.version(2), VersionClass.APPROVAL)
    said = json.loads(dry_run("--as", "noor", "--format", "json").stdout)
    assert said["by_language"] == {"de": 2, "en": 3}


def test_nothing_stops_what_is_prepared(dry_run: Run, scene: Scene) -> None:
    """P7: with the earliest day."""
    scene.import_accounts(AccountRow(**{**vars(GRETA), "locale": "en"}))
    scene.confirm_all(scene.version(2), VersionClass.APPROVAL)
    with scene.database.transaction() as transaction:
        version = transaction.get_one(PolicyVersion, scene.version(2).id)
        rehearse(transaction, version, scene.staff["noor"], NOW)
    done = dry_run("--as", "noor")
    assert done.exit_code == 0
    shown = done.stdout.replace("\n", " ")
    assert "Nothing stops the release. In force not before" in shown
    assert "3 would be told: 3 of them be asked for approval, 0 only told" in shown
    assert "Mails: 3 in English." in shown
    assert "Nothing was changed or sent." in shown


def test_who_is_only_told_and_who_gets_no_mail_stand_beside_those_asked(
    dry_run: Run, scene: Scene
) -> None:
    """P4, P5: a minor is told by a mail of their own, a machine is exempt."""
    scene.import_accounts(MIRA, ROBOT)
    scene.confirm_all(scene.version(2), VersionClass.APPROVAL)
    said = json.loads(dry_run("--as", "noor", "--format", "json").stdout)
    assert (said["addressees"], said["asked"], said["told_only"]) == (4, 3, 1)
    assert said["minors_who_stay"] == 1
    assert said["left_out"]["exempt"] == 1
    shown = dry_run("--as", "noor").stdout
    assert "4 would be told: 3 of them be asked for approval, 1 only told" in shown
    assert "who cannot approve and stay on their version: 1." in shown
    assert "1 exempt" in shown


def test_a_notice_asks_nobody(dry_run: Run, scene: Scene) -> None:
    """P4: everybody is told."""
    scene.submit(MENDED)
    mended = scene.version(3)
    scene.assess(scene.version(1), version=mended)
    scene.confirm_all(mended, VersionClass.NOTICE)
    command = ["policy", "release", POLICY, "3", "--dry-run", "--as", "noor"]
    assert "3 would be told: 0 of them be asked for approval, 3 only told" in (
        CliRunner().invoke(app, command).stdout
    )


def test_a_release_that_corrects_says_so(dry_run: Run, scene: Scene) -> None:
    """P8: and keeps the day that was said."""
    scene.confirm_all(scene.version(2), VersionClass.APPROVAL)
    scene.announce(scene.version(2))
    third = scene.submit(THIRD)
    scene.assess(scene.version(1), scene.version(2), version=third)
    scene.confirm_all(third, VersionClass.APPROVAL)
    arguments = ["policy", "release", POLICY, "3", "--dry-run", "--as", "noor", "--format", "json"]
    said = json.loads(CliRunner().invoke(app, arguments).stdout)
    assert said["corrects"]["corrects"]
    with scene.database.session() as session:
        announced = session.exec(select(PolicyVersion).where(PolicyVersion.number == 2)).one()
    assert said["not_before_on"] == str(announced.planned_effective_on)


def test_who_is_not_of_legal_may_not_even_ask(dry_run: Run) -> None:
    """P30."""
    assert dry_run("--as", "paul").exit_code == 1
