"""`promisekeeper data-map` prints the record of processing, and says what is wrong with a map."""

import json
from csv import DictReader
from io import StringIO
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from cli.main import app


def run(*arguments: str) -> Result:
    return CliRunner().invoke(app, ["data-map", *arguments])


def test_each_use_of_each_category_is_a_line_with_its_fields() -> None:
    """P10, P24: whom data is held for, why, from where, who gets it and how long it is kept."""
    lines = json.loads(run("--format", "json").stdout)
    (profile,) = [line for line in lines if line["category"] == "Profile"]
    assert profile == {
        "source": "marketing",
        "role": "controller",
        "controller": None,
        "category": "Profile",
        "fields": ["likely_to_buy"],
        "purpose": "Finding new customers",
        "legal_basis": "legitimate_interests",
        "origin": "inferred",
        "recipients": [],
        "kept": "Until you object or unsubscribe",
    }
    assert {line["controller"] for line in lines if line["source"] == "support"} == {
        "Harbour Dental Clinic"
    }


def test_it_opens_in_a_spreadsheet() -> None:
    lines = list(DictReader(StringIO(run("--format", "csv").stdout)))
    assert lines[0]["fields"] == "account_number, email, name, street, phone"


def test_a_terminal_of_eighty_columns_has_room_for_it(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever reads it finds no word cut off, and each source under a heading."""
    monkeypatch.setattr("cli.printing.NEVER_FULL", 80)
    told = run().stdout
    assert "…" not in told
    assert max(len(line) for line in told.splitlines()) <= 80
    assert "support, held for Harbour Dental Clinic" in told
    assert all(
        name in told for name in ("likely_to_buy", "what for: Finding new", "from: inferred")
    )


def test_what_is_wrong_is_said_with_its_place(tmp_path: Path) -> None:
    path = tmp_path / "map.toml"
    path.write_text('title = "Ours"\n[[source]]\nname = "shop"\nkind = "manual"\n', "utf-8")
    result = run(str(path))
    assert result.exit_code == 2
    assert 'source "shop", assigned_role: is missing' in result.stderr
    assert result.stdout == ""


def test_production_without_a_map_says_which_setting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("settings.Settings.data_map_file", None)
    result = run()
    assert (result.exit_code, "PROMISEKEEPER_DATA_MAP" in result.stderr) == (2, True)
