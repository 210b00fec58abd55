"""A version that should have asked for approval is reclassified from the command line (P2)."""

import csv
import json
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest
from sqlmodel import select
from typer.testing import CliRunner, Result

from cli.main import app
from database.policies.assessments import findings_of
from database.tables import PolicyVersion
from domain.policies.reviews import VersionClass
from tests.people import ALICE, POLICY
from tests.scene import FIRST_DAY, NOW, Scene
from tests.texts import FIRST, SECOND

Run = Callable[..., Result]
QUOTE = "for one year"
RECLASSIFY = ("policy", "reclassify", POLICY, 2)
WHY = ("--class", "approval", "--reason", "taken for a typo", "--as", "lena")


@pytest.fixture
def promisekeeper(scene: Scene, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Run:
    """Runs `promisekeeper ARGUMENTS`; version 2 is in force as editorial, all of it dismissed."""
    monkeypatch.setenv("PROMISEKEEPER_DATA_DIR", str(tmp_path))
    monkeypatch.setenv("PROMISEKEEPER_DATABASE_URL", scene.database.url)
    monkeypatch.setenv("TEMPORAL_ADDRESS", "127.0.0.1:1")
    first = scene.submit(FIRST, now=FIRST_DAY)
    scene.put_in_force(first, FIRST_DAY)
    scene.import_accounts(ALICE)
    version = scene.submit(SECOND)
    scene.assess(first, version=version)
    with scene.database.transaction() as transaction:
        for finding in findings_of(transaction, version.id):
            finding.status = "dismissed"
        row = transaction.get_one(PolicyVersion, version.id)
        row.version_class, row.state = VersionClass.EDITORIAL, "announced"
    with scene.database.session() as session:
        second = session.exec(select(PolicyVersion).where(PolicyVersion.number == 2)).one()
    scene.put_in_force(second, NOW - timedelta(days=1))
    return lambda *arguments: CliRunner().invoke(app, [str(argument) for argument in arguments])


def test_one_proposes_another_agrees_and_the_answer_names_the_error(promisekeeper: Run) -> None:
    """P2, P6."""
    assert promisekeeper(*RECLASSIFY, "--agree", "--as", "noor").exit_code == 1
    proposed = promisekeeper(*RECLASSIFY, "--confirm", "f1", *WHY)
    assert proposed.exit_code == 0, proposed.stderr
    assert "until a second person of legal agrees" in proposed.stdout
    assert promisekeeper(*RECLASSIFY, "--agree", "--as", "lena").exit_code == 1
    agreed = promisekeeper(*RECLASSIFY, "--agree", "--as", "noor")
    assert agreed.exit_code == 0, agreed.stderr
    assert "What you decided or handed in is kept and holds" in agreed.stderr, "Temporal is away"
    answer = promisekeeper("governing", POLICY, ALICE.external_id, "--format", "json")
    told = json.loads(answer.stdout)
    assert told["version"] == 1
    assert [bool(step["in_error"]) for step in told["steps"]] == [False, True, False]
    before = ("--at", (NOW - timedelta(hours=1)).isoformat(), "--format")
    answer = promisekeeper("governing", POLICY, ALICE.external_id, *before, "json")
    assert [bool(step["in_error"]) for step in json.loads(answer.stdout)["steps"]] == [False, True]
    (line,) = [
        line
        for line in csv.DictReader(
            promisekeeper("governing", POLICY, "--all", *before, "csv").stdout.splitlines()
        )
        if line["account"] == ALICE.external_id
    ]
    assert line["version"] == "2"
    assert "released without asking for approval" in line["in_error"]


def test_a_class_is_only_raised(promisekeeper: Run) -> None:
    lower = ("--class", "notice", "--reason", "harmless", "--as", "lena")
    refused = promisekeeper(*RECLASSIFY, "--confirm", "F1", *lower)
    assert refused.exit_code == 2
    assert "only ever raised" in refused.stderr


def test_added_words_need_a_sentence(promisekeeper: Run) -> None:
    """P4: under the key that they are going to have, which the refusal names."""
    refused = promisekeeper(*RECLASSIFY, "--add", QUOTE, *WHY)
    assert refused.exit_code == 1
    key = refused.stderr.split("plain words: ")[1].split(".")[0]
    taken = promisekeeper(*RECLASSIFY, "--add", QUOTE, "--sentence", f"{key}=A year.", *WHY)
    assert taken.exit_code == 0, taken.stderr
