"""Legal writes what people read of a version, and sees what is missing (P2, P4)."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from sqlmodel import select
from typer.testing import CliRunner, Result

from cli.main import app
from database.people.accounts import AccountRow
from database.tables import Policy, PolicyVersion
from domain.policies.reviews import VersionClass
from tests.people import POLICY
from tests.scene import FIRST_DAY, Scene
from tests.texts import FIRST, SECOND

Run = Callable[..., Result]
HANNA = AccountRow(external_id="hanna", email="hanna@people.example", locale="de_CH")


@pytest.fixture
def promisekeeper(scene: Scene, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Runs `promisekeeper ARGUMENTS` over the scene."""
    monkeypatch.setenv("PROMISEKEEPER_DATA_DIR", str(tmp_path))
    monkeypatch.setenv("PROMISEKEEPER_DATABASE_URL", scene.database.url)
    monkeypatch.setenv("TEMPORAL_ADDRESS", "127.0.0.1:1")
    return lambda *arguments: CliRunner().invoke(app, [str(argument) for argument in arguments])


@pytest.fixture(autouse=True)
def second(scene: Scene) -> PolicyVersion:
    """Version 2, confirmed; Hanna reads of it."""
    first = scene.submit(FIRST, now=FIRST_DAY)
    scene.put_in_force(first, FIRST_DAY)
    scene.import_accounts(HANNA)
    version = scene.submit(SECOND)
    scene.assess(first, version=version)
    scene.confirm_all(version, VersionClass.APPROVAL)
    return version


def wording(promisekeeper: Run, *arguments: object) -> dict[tuple[str, str], dict[str, Any]]:
    result = promisekeeper("policy", "wording", POLICY, 2, *arguments, "--format", "json")
    assert result.exit_code == 0, result.stderr
    return {(row["language"], row["of"]): row for row in json.loads(result.stdout)}


def test_it_says_what_is_there_and_what_is_missing(promisekeeper: Run) -> None:
    """P4: in the order in which it is to be written, without anybody's leave."""
    states = {key: row["state"] for key, row in wording(promisekeeper).items()}
    assert states["en", "summary"] == "written"
    assert states["en", "F1"] == "draft"
    assert states["de", "summary"] == states["de", "F1"] == "missing"


def test_people_read_the_name_of_each_language(promisekeeper: Run) -> None:
    """With the code that the command takes."""
    table = promisekeeper("policy", "wording", POLICY, 2)
    assert table.exit_code == 0, table.stderr
    assert "German (de)" in table.stdout
    assert "English (en)" in table.stdout


def test_words_are_typed(promisekeeper: Run) -> None:
    """P4."""
    told = wording(
        promisekeeper,
        *("--language", "de", "--summary", "Neu.", "--sentence", "f1=Länger = mehr."),
        *("--as", "noor"),
    )
    assert told["de", "summary"] == {
        "language": "de",
        "of": "summary",
        "state": "written",
        "text": "Neu.",
    }
    assert told["de", "F1"]["text"] == "Länger = mehr."


def test_words_come_in_a_file(promisekeeper: Run, tmp_path: Path) -> None:
    """P4: all languages at once, and nothing of it when one of them is wrong."""
    file = tmp_path / "words.toml"
    file.write_text('[de]\nsummary = "Neu."\nF1 = "Länger."\n[fr]\nsummary = "Neuf."\n')
    given = ("policy", "wording", POLICY, 2, "--file", file, "--as", "noor")
    refused = promisekeeper(*given)
    assert (refused.exit_code, refused.stdout) == (1, "")
    assert "'fr' is none of the languages" in refused.stderr
    assert wording(promisekeeper)["de", "summary"]["state"] == "missing"
    file.write_text('[de]\nsummary = "Neu."\nF1 = "Länger."\n[en]\nF1 = "Longer."\n')
    assert promisekeeper(*given).exit_code == 0
    told = wording(promisekeeper)
    assert (told["de", "F1"]["text"], told["en", "F1"]["text"]) == ("Länger.", "Longer.")


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (b'summary = "Neu."', "stands outside a table"),
        (b"[de]\nF1 = 3", "[de] F1 is no text"),
        (b"[de\n", "line 1"),
        (b'[de]\nF1 = "\xff"', "utf-8"),
    ],
)
def test_a_file_that_cannot_be_read_is_refused_with_its_place(
    promisekeeper: Run, tmp_path: Path, content: bytes, why: str
) -> None:
    file = tmp_path / "words.toml"
    file.write_bytes(content)
    result = promisekeeper("policy", "wording", POLICY, 2, "--file", file, "--as", "noor")
    assert (result.exit_code, result.stdout) == (2, "")
    assert why in result.stderr
    assert "Nothing was stored" in result.stderr


@pytest.mark.parametrize(
    ("arguments", "code", "why"),
    [
        (("--summary", "Neu.", "--as", "noor"), 2, "--language"),
        (("--language", "de", "--summary", "Neu."), 2, "--as says who writes"),
        (("--language", "de", "--sentence", "F1", "--as", "noor"), 2, "F1=TEXT"),
        (("--language", "de", "--summary", "Neu.", "--as", "omar"), 1, "legal"),
    ],
)
def test_what_is_typed_wrongly_is_refused_in_words(
    promisekeeper: Run, arguments: tuple[str, ...], code: int, why: str
) -> None:
    result = promisekeeper("policy", "wording", POLICY, 2, *arguments)
    assert (result.exit_code, result.stdout) == (code, "")
    assert why in result.stderr


def test_sample_mails_are_written_to_a_folder(promisekeeper: Run, tmp_path: Path) -> None:
    """P4, P30: by legal, for their own eyes."""
    folder = tmp_path / "mails"
    given = ("policy", "preview", POLICY, 2, "--to", folder)
    refused = promisekeeper(*given, "--as", "omar")
    assert (refused.exit_code, folder.exists()) == (1, False)
    result = promisekeeper(*given, "--as", "noor")
    assert result.exit_code == 0, result.stderr
    assert sorted(file.name for file in folder.iterdir()) == [
        "01-from-version-1-de.html",
        "01-from-version-1-de.txt",
    ]
    text = (folder / "01-from-version-1-de.txt").read_text()
    assert text.startswith("To: hanna@people.example\nSubject: Bitte entscheiden Sie")


def test_a_policy_is_called_otherwise_in_another_language(promisekeeper: Run, scene: Scene) -> None:
    """P4: where it is no usual title; and what was typed wrong changes nothing."""
    added = promisekeeper(
        *("policy", "add", "house-rules", "--title", "House rules"),
        *("--title-in", "de=Hausordnung", "--owner", "lena"),
    )
    assert added.exit_code == 0, added.stderr
    called = promisekeeper("policy", "title", POLICY, "--in", "de=Datenschutz", "--as", "lena")
    assert called.exit_code == 0, called.stderr
    wrong = promisekeeper("policy", "title", POLICY, "--in", "fr=Vie privée", "--as", "lena")
    assert (wrong.exit_code, "none of the languages" in wrong.stderr) == (1, True)
    assert promisekeeper("policy", "title", POLICY, "--in", "de", "--as", "lena").exit_code == 2
    with scene.database.session() as session:
        titles = {policy.slug: policy.titles for policy in session.exec(select(Policy))}
    assert titles == {"house-rules": {"de": "Hausordnung"}, POLICY: {"de": "Datenschutz"}}
    assert wording(promisekeeper)["de", "title"]["state"] == "written"
