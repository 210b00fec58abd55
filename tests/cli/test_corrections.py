"""Wrong mails are put right from the command line, in every language that somebody reads (P8)."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from cli.main import app
from database.campaigns import freezing
from database.mail import outbox, outcomes
from database.mail.mail_rows import Batch
from database.people.accounts import AccountRow
from tests.people import ALICE, POLICY
from tests.scene import NOW, Scene

Run = Callable[..., Result]
HANNA = AccountRow(external_id="hanna", email="hanna@people.example", locale="de-AT")
ENGLISH = ("--mail", "We said 10 days; it is a year.", "--sentence", "f1=A year.")
WHY = ("--reason", "a wrong period", "--decisions", "keep", "--as", "lena")
GERMAN = """
[de]
mail = "Es ist ein Jahr."
F1 = "Ein Jahr."
"""


@pytest.fixture
def promisekeeper(scene: Scene, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Run:
    """Runs `promisekeeper ARGUMENTS` over a campaign whose mails are out."""
    monkeypatch.setenv("PROMISEKEEPER_DATA_DIR", str(tmp_path))
    monkeypatch.setenv("PROMISEKEEPER_DATABASE_URL", scene.database.url)
    monkeypatch.setenv("TEMPORAL_ADDRESS", "127.0.0.1:1")
    scene.import_accounts(ALICE, HANNA)
    campaign = scene.campaign()
    freezing.freeze_audience(scene.database, campaign, NOW)
    scene.queue_step(campaign)
    with scene.database.transaction() as transaction:
        while claim := outbox.claim(transaction, Batch(subject_id=campaign), limit=9, now=NOW):
            outcomes.accept(transaction, claim.attempt_id, "x", NOW)
    return lambda *arguments: CliRunner().invoke(app, [str(argument) for argument in arguments])


def test_other_languages_come_from_a_file(promisekeeper: Run, tmp_path: Path) -> None:
    """P4, P8: whoever confirms reads them all in the report."""
    file = tmp_path / "right.toml"
    file.write_text(GERMAN)
    correct = ("campaign", "correct", POLICY, 2)
    refused = promisekeeper(*correct, *ENGLISH, *WHY)
    assert refused.exit_code == 1
    assert (
        "Missing in German (de), in plain words: what was wrong, and what is right."
        in refused.stderr
    )
    proposed = promisekeeper(*correct, *ENGLISH, "--file", file, *WHY)
    assert proposed.exit_code == 0, proposed.stderr
    assert "It is mailed to 2 people: 1 person who was" in said(proposed)
    report = promisekeeper("campaign", "report", POLICY, 2, "--format", "json")
    told = json.loads(report.stdout)["correction_to_confirm"]
    assert "1 person who was mailed in German from version 1" in told["mailed_to"]
    assert told["words"]["en"]["sentences"] == {"F1": "A year."}
    assert told["words"]["de"] == {
        "mail": "Es ist ein Jahr.",
        "summary": "as it was",
        "sentences": {"F1": "Ein Jahr."},
    }
    in_lines = promisekeeper("campaign", "report", POLICY, 2).stdout
    assert "mail: Es ist ein Jahr." in in_lines
    assert "{" not in in_lines
    confirmed = promisekeeper(*correct, "--confirm", "--as", "noor")
    assert (confirmed.exit_code, "mailed to 2 people" in said(confirmed)) == (0, True)
    report = promisekeeper("campaign", "report", POLICY, 2, "--format", "json")
    (put_right,) = json.loads(report.stdout)["corrections"]
    assert (put_right["people"], put_right["voided"]) == (2, 0)


def said(result: Result) -> str:
    """What was printed, without the ends of its lines."""
    return " ".join(result.stdout.split())


def test_only_one_language_was_wrong_and_nothing_is_asked_for_in_the_other(
    promisekeeper: Run, tmp_path: Path
) -> None:
    """P8: unless legal says that everybody had a wrong mail."""
    file = tmp_path / "right.toml"
    file.write_text(GERMAN)
    correct = ("campaign", "correct", POLICY, 2, "--file", file, *WHY)
    proposed = promisekeeper(*correct)
    assert proposed.exit_code == 0, proposed.stderr
    assert "It is mailed to 1 person who was mailed in German" in said(proposed)
    everybody = promisekeeper(*correct, "--everybody")
    assert everybody.exit_code == 1
    assert "Missing in English (en)" in everybody.stderr
    everybody = promisekeeper(*correct, "--everybody", "--mail", "It is a year.")
    assert "It is mailed to everybody who was mailed, 2 people" in said(everybody)


def test_what_was_right_after_all_is_taken_back(promisekeeper: Run, tmp_path: Path) -> None:
    """P8: with a reason; then there is nothing to confirm."""
    file = tmp_path / "right.toml"
    file.write_text(GERMAN)
    correct = ("campaign", "correct", POLICY, 2)
    assert promisekeeper(*correct, *ENGLISH, "--file", file, *WHY).exit_code == 0
    back = (*correct, "--take-back", "--as", "lena")
    assert "A reason is needed" in promisekeeper(*back).stderr
    assert promisekeeper(*back, "--reason", "it was right").exit_code == 0
    nothing = promisekeeper(*correct, "--confirm", "--as", "noor")
    assert (nothing.exit_code, "No correction" in nothing.stderr) == (1, True)


@pytest.mark.parametrize(
    ("written", "words"),
    [
        ('[en]\nmail = "It is a year."', "[en] is given by --mail already"),
        ('mail = "It is a year."', "stands outside a table"),
        ("[de]\nmail = 1", "[de] mail is no text"),
    ],
)
def test_a_file_that_cannot_be_meant_is_refused_whole(
    promisekeeper: Run, tmp_path: Path, written: str, words: str
) -> None:
    file = tmp_path / "right.toml"
    file.write_text(written)
    refused = promisekeeper("campaign", "correct", POLICY, 2, *ENGLISH, "--file", file, *WHY)
    assert refused.exit_code == 2
    assert words in refused.stderr
    assert "Nothing was stored." in refused.stderr
