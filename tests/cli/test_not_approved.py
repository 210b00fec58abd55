"""`campaign not-approved` lists who was asked and has not approved; `policy without-approval` says
what that means for them (P5)."""

import csv
import io
import json
from collections.abc import Callable
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from cli.main import app
from database.campaigns import freezing
from database.tables import PolicyVersion
from tests.people import ALICE, BOB, POLICY
from tests.scene import NOW, Scene

Run = Callable[..., Result]


@pytest.fixture
def run(scene: Scene, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Alice and Bob were asked."""
    monkeypatch.setenv("PROMISEKEEPER_DATA_DIR", str(tmp_path))
    monkeypatch.setenv("PROMISEKEEPER_DATABASE_URL", scene.database.url)
    scene.import_accounts(ALICE, BOB)
    freezing.freeze_audience(scene.database, scene.campaign(), NOW)
    return lambda *arguments: CliRunner().invoke(app, list(arguments))


def test_it_is_a_file_for_the_companys_systems(run: Run) -> None:
    """P5: with the version that governs each."""
    answer = run("campaign", "not-approved", POLICY, "2", "--format", "csv")
    rows = list(csv.DictReader(io.StringIO(answer.stdout)))
    assert [(row["account"], row["governing_version"], row["may_end"]) for row in rows] == [
        (ALICE.external_id, "1", "False"),
        (BOB.external_id, "1", "False"),
    ]
    told = json.loads(run("campaign", "not-approved", POLICY, "2", "--format", "json").stdout)
    assert [row["account"] for row in told] == [row["account"] for row in rows]
    assert ALICE.email not in answer.stdout


def test_an_account_says_what_it_was_promised(run: Run, scene: Scene) -> None:
    """P5."""
    with scene.database.transaction() as transaction:
        row = transaction.get_one(PolicyVersion, scene.version(2).id)
        row.without_approval = "offer_closing"
    scene.put_in_force(scene.version(2), NOW)
    said = json.loads(run("accounts", "show", BOB.external_id, "--format", "json").stdout)
    assert said["without_approval"] == {
        POLICY: {"without_approval": "offer_closing", "stay_until": None}
    }
