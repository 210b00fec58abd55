"""`governing` answers for one account or for all, for any instant, with the rows that prove it."""

import csv
import io
import json
from collections.abc import Callable, Mapping
from pathlib import Path
from uuid import UUID

import pytest
from typer.testing import CliRunner, Result

from cli.main import app
from database.approvals import governing_lists
from database.people.accounts import AccountRow
from tests.deciding import APPROVED, DECLINED
from tests.people import ALICE, BOB, CAROL, POLICY
from tests.scene import EFFECT, FIRST_DAY, ONE_HOUR, Scene

Ask = Callable[..., Result]
FORMULA = AccountRow(external_id="=cmd|'/c calc'!A1", email="mallory@people.example")
LATER = "2026-05-01T00:00:00Z"


@pytest.fixture
def governing(scene: Scene, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Ask:
    """Runs `promisekeeper governing`. Alice approved version 2, in force since 2 April; Bob did
    and took it back on 10 April; Carol is silent."""
    monkeypatch.setenv("PROMISEKEEPER_DATA_DIR", str(tmp_path))
    monkeypatch.setenv("PROMISEKEEPER_DATABASE_URL", scene.database.url)
    scene.campaign()
    scene.import_accounts(ALICE, BOB, CAROL, FORMULA, now=FIRST_DAY + ONE_HOUR)
    scene.decide(ALICE, APPROVED)
    scene.decide(BOB, APPROVED)
    scene.decide(BOB, DECLINED, at=EFFECT.replace(day=10))
    scene.put_in_force(scene.version(2), EFFECT)
    return lambda *arguments: CliRunner().invoke(app, ["governing", POLICY, *arguments])


def rows(answer: Result) -> Mapping[str, Mapping[str, str]]:
    assert answer.exit_code == 0, answer.output
    return {row["account"]: row for row in csv.DictReader(io.StringIO(answer.stdout))}


def test_everybody_is_listed_with_what_proves_it(governing: Ask, scene: Scene) -> None:
    """P6: an approval with its hashes, or whose word it is."""
    found = rows(governing("--all", "--at", LATER, "--format", "csv"))
    alice, bob, carol = (found[who.external_id] for who in (ALICE, BOB, CAROL))
    assert [row["version"] for row in (alice, bob, carol)] == ["2", "1", "1"]
    assert UUID(alice["approval"])
    assert alice["text_sha256"] == scene.version(2).sha256
    assert (alice["how"], alice["language"]) == ("link", "en")
    assert alice["since"] == "2026-04-02T00:00:00Z"
    assert bob["since"] == "2026-04-10T00:00:00Z"
    assert (carol["approval"], carol["asserted_by"]) == ("", "omar")


def test_a_past_instant_is_answered_as_it_was(governing: Ask) -> None:
    """P6: in bulk and for one account alike; who was not known then is not listed."""
    then = rows(governing("--all", "--at", "2026-04-05T00:00:00Z", "--format", "csv"))
    assert then[BOB.external_id]["version"] == "2"
    before = rows(governing("--all", "--at", "2026-01-01T00:00:00Z", "--format", "csv"))
    assert before == {}


def test_json_carries_every_row_also_what_was_taken_back(governing: Ask) -> None:
    """P6."""
    answer = governing("--all", "--at", LATER, "--format", "json")
    found = {each["account"]: each for each in json.loads(answer.stdout)}
    bob = found[BOB.external_id]
    assert [row["decision"] for row in bob["approvals"]] == ["approved", "declined"]
    assert "was taken back" in bob["steps"][-1]["because"]
    assert bob["asserted"]["by"] == "omar"
    one = json.loads(governing(BOB.external_id, "--at", LATER, "--format", "json").stdout)
    assert one == bob


def test_a_table_is_read_by_people(governing: Ask, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "200")
    assert "approved version 2" in governing("--all", "--at", LATER).stdout
    assert "Version 2 of privacy-policy governs" in governing(ALICE.external_id).stdout


def test_no_value_is_taken_for_a_formula(governing: Ask) -> None:
    """Text from outside is hostile: a spreadsheet would carry it out."""
    found = rows(governing("--all", "--at", LATER, "--format", "csv"))
    assert f"'{FORMULA.external_id}" in found
    assert FORMULA.external_id not in found


def test_however_many_there_are_each_is_listed_once(
    governing: Ask, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(governing_lists, "ACCOUNTS_AT_ONCE", 1)
    for output_format in ("csv", "json"):
        answer = governing("--all", "--at", LATER, "--format", output_format).stdout
        assert [answer.count(who.external_id) for who in (ALICE, BOB, CAROL)] == [1, 1, 1]


@pytest.mark.parametrize("arguments", [[], ["000-alice", "--all"]])
def test_one_account_or_all_not_both_and_not_none(governing: Ask, arguments: list[str]) -> None:
    answer = governing(*arguments)
    assert (answer.exit_code, answer.stdout) == (2, "")
    assert "--all" in answer.stderr
