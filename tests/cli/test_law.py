"""A law that requires a change is cited and agreed to from the command line (P5)."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from cli.main import app
from database.campaigns.reviews import ReviewContent
from database.people.accounts import AccountRow
from database.tables import PolicyVersion
from domain.policies.reviews import VersionClass
from tests.people import ALICE, POLICY
from tests.scene import EFFECT, FIRST_DAY, Scene
from tests.texts import FIRST
from workflows import messenger

Run = Callable[..., Result]
LAW = "Telecommunications Act, section 176"
KEPT_LONGER = FIRST.replace("for 30 days and", "for one year and")
REVIEW = ("policy", "review", POLICY, 2, "--reason", "the law says so")
HANNA = AccountRow(external_id="hanna", email="hanna@people.example", locale="de-AT")


@pytest.fixture
def in_review(scene: Scene) -> PolicyVersion:
    first = scene.submit(FIRST, now=FIRST_DAY)
    scene.put_in_force(first, FIRST_DAY)
    scene.import_accounts(ALICE, HANNA)
    version = scene.submit(KEPT_LONGER)
    scene.assess(first, version=version)
    scene.review(version, ReviewContent(confirm=("F1",)))
    return version


@pytest.fixture
def promisekeeper(
    scene: Scene, in_review: PolicyVersion, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> Run:
    """Runs `promisekeeper ARGUMENTS` over version 2 in review; Temporal is nowhere."""
    monkeypatch.setenv("PROMISEKEEPER_DATA_DIR", str(tmp_path))
    monkeypatch.setenv("PROMISEKEEPER_DATABASE_URL", scene.database.url)
    monkeypatch.setenv("TEMPORAL_ADDRESS", "127.0.0.1:1")
    monkeypatch.setattr(messenger, "ANSWER_WITHIN_SECONDS", 0.5)
    return lambda *arguments: CliRunner().invoke(app, [str(argument) for argument in arguments])


def required(scene: Scene, version: PolicyVersion) -> None:
    scene.review(version, ReviewContent(law={"F1": LAW}), by="lena")
    agreed = ReviewContent(agree_to_law={"F1": LAW}, version_class=VersionClass.NOTICE)
    scene.review(version, agreed, by="noor")


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (("--law", "F1", "--as", "lena"), 2, "write it like F1=Regulation (EU) 2024/1689"),
        (("--law", f"F1={LAW * 20}", "--as", "lena"), 1, "1 to 300 characters"),
        (("--law", f"f1={LAW}", "--as", "lena"), 3, "Temporal"),
        (("--agree-to-law", "f1", "--as", "noor"), 3, "Temporal"),
        (("--law", f"F1={LAW}", "--as", "omar"), 1, "legal"),
    ],
)
def test_what_cannot_be_read_is_refused_with_the_code_of_the_contract(
    promisekeeper: Run, arguments: tuple[str, ...], code: int, words: str
) -> None:
    """P5: bad usage, no, and out of reach, each apart."""
    answer = promisekeeper(*REVIEW, *arguments)
    assert answer.exit_code == code, answer.stderr
    assert words in answer.stderr


def test_the_words_of_a_law_are_typed_and_what_is_missing_is_said(
    promisekeeper: Run, scene: Scene, in_review: PolicyVersion
) -> None:
    """P4, P5: in each language that somebody reads."""
    required(scene, in_review)
    given = ("policy", "wording", POLICY, 2)
    told = promisekeeper(
        *given, "--language", "en", "--sentence", "f1-LAW=The law wants it.", "--as", "noor"
    )
    assert told.exit_code == 0, told.stderr
    rows = json.loads(promisekeeper(*given, "--format", "json").stdout)
    states = {(row["language"], row["of"]): (row["state"], row["text"]) for row in rows}
    assert states["en", "F1-law"] == ("written", "The law wants it.")
    assert states["de", "F1-law"] == ("missing", "")


def test_what_governs_says_which_law_and_that_it_departs(
    promisekeeper: Run, scene: Scene, in_review: PolicyVersion
) -> None:
    """P5, P6: in JSON and in the table, without an approval."""
    required(scene, in_review)
    scene.announce(in_review)
    scene.put_in_force(in_review, EFFECT)
    asked = ("governing", POLICY, ALICE.external_id, "--at", "2026-05-01T00:00:00Z")
    told = json.loads(promisekeeper(*asked, "--format", "json").stdout)
    step = told["steps"][-1]
    assert (told["version"], told["accepted"], told["approvals"]) == (2, 1, [])
    assert (step["required_by_law"], step["approval"]) == ([LAW], None)
    assert step["because"] == f"required by law: {LAW} (departure from P5)"
    report = json.loads(promisekeeper("campaign", "report", POLICY, 2, "--format", "json").stdout)
    (one,) = report["required_by_law"]
    assert (one["citation"], one["cited_by"], one["agreed_by"]) == (
        LAW,
        "Lena Lindqvist",
        "Noor Nasser",
    )
    audience = json.loads(promisekeeper("policy", "audience", POLICY, 2, "--format", "json").stdout)
    assert audience["more_than_law"] == []
