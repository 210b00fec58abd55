"""`policy audience` counts whom a version would address, and writes nothing (P4)."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from sqlmodel import select
from typer.testing import CliRunner, Result

from cli.main import app
from database.people.accounts import AccountRow
from database.tables import CampaignAddressee
from tests.people import ALICE, BOB, POLICY
from tests.scene import FIRST_DAY, ONE_HOUR, Scene
from tests.texts import SECOND

Run = Callable[..., Result]


@pytest.fixture
def audience(scene: Scene, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    monkeypatch.setenv("PROMISEKEEPER_DATA_DIR", str(tmp_path))
    monkeypatch.setenv("PROMISEKEEPER_DATABASE_URL", scene.database.url)
    scene.campaign()
    robot = AccountRow(
        external_id="robot", email="r@people.example", kind="service", exempt_reason="backups"
    )
    german = AccountRow(external_id="greta", email="g@people.example", locale="de")
    nowhere = AccountRow(external_id="nowhere", email="")
    scene.import_accounts(ALICE, BOB, german, nowhere, robot, now=FIRST_DAY + ONE_HOUR)
    return lambda *more: CliRunner().invoke(app, ["policy", "audience", POLICY, "2", *more])


def test_groups_and_whoever_is_left_out_are_counted(audience: Run, scene: Scene) -> None:
    """P4: exempt accounts are never dropped unseen."""
    said = json.loads(audience("--format", "json").stdout)
    assert (said["addressees"], said["asked"], said["left_out"]["exempt"]) == (4, 4, 1)
    assert {group["language"]: group["accounts"] for group in said["groups"]} == {"en": 3, "de": 1}
    assert said["without_address"] == 1
    assert said["gives_way"] is None


def test_who_had_the_mail_of_a_version_that_is_only_corrected_gets_none(
    audience: Run, scene: Scene
) -> None:
    """P8: the counts are of whom it would address, and say so."""
    scene.submit(SECOND.replace("disadvantge", "disadvantage") + "\nThank you.\n")
    shown = CliRunner().invoke(app, ["policy", "audience", POLICY, "3"]).stdout
    assert "It counts as a correction of version 2 only if" in shown.replace("\n", " ")
    with scene.database.session() as session:
        assert session.exec(select(CampaignAddressee)).all() == []


def test_people_read_it_as_a_table(audience: Run) -> None:
    shown = audience().stdout
    assert (
        "4 would be told: 4 of them be asked for approval, 0 only told, without reminders." in shown
    )
    assert "without an address, whom no mail reaches: 1." in shown
    assert "1 exempt" in shown
    languages = {line.split("│")[3].strip() for line in shown.splitlines() if line.count("│") == 9}
    assert {"English", "German"} <= languages  # and not en and de, which are for scripts
    assert not languages & {"en", "de"}
