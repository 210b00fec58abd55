"""People read instants in the company's time, with its name; scripts read them in UTC (P7)."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from sqlalchemy import update
from typer.testing import CliRunner, Result

from cli.main import app
from database.mail import outbox
from database.tables import Campaign, OutboxMail, PolicyVersion
from tests.people import POLICY
from tests.scene import EFFECT, NOW, Scene, loose_mails

Run = Callable[..., Result]


@pytest.fixture
def promisekeeper(scene: Scene, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Version 2 takes effect at a midnight in Lisbon, where it is summer by then."""
    monkeypatch.setenv("PROMISEKEEPER_DATA_DIR", str(tmp_path))
    monkeypatch.setenv("PROMISEKEEPER_DATABASE_URL", scene.database.url)
    monkeypatch.setenv("PROMISEKEEPER_TIME_ZONE", "Europe/Lisbon")
    monkeypatch.setenv("COLUMNS", "200")
    campaign = scene.campaign()
    with scene.database.transaction() as transaction:
        transaction.get_one(Campaign, campaign).notified_at = NOW
        transaction.get_one(PolicyVersion, scene.version(2).id).effective_at = EFFECT
    return lambda *arguments: CliRunner().invoke(app, list(arguments))


def test_the_status_of_a_policy_names_the_zone(promisekeeper: Run) -> None:
    shown = " ".join(promisekeeper("policy", "status", POLICY).stdout.split())
    assert "2026-04-02 01:00" in shown
    assert "Europe/Lisbon" in shown
    rows = json.loads(promisekeeper("policy", "status", POLICY, "--format", "json").stdout)
    assert rows[1]["effective_at"] == "2026-04-02T00:00:00Z"


def test_so_does_the_report_of_a_campaign(promisekeeper: Run) -> None:
    assert (
        "2026-03-02 09:00 Europe/Lisbon" in promisekeeper("campaign", "report", POLICY, "2").stdout
    )


@pytest.mark.parametrize(
    ("state", "command"), [("operator", ["unknown", "--groups"]), ("rejected", ["rejected"])]
)
def test_so_do_the_mails_that_ops_decide_about(
    scene: Scene, promisekeeper: Run, state: str, command: list[str]
) -> None:
    with scene.database.transaction() as transaction:
        outbox.queue(transaction, loose_mails(1), NOW)
        transaction.execute(update(OutboxMail).values(state=state, claimed_at=NOW))
    assert "Lisbon" in promisekeeper("mail", *command).stdout
