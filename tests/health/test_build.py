"""Two processes say the same name exactly when they run the same rules."""

from pathlib import Path

import pytest

from health import build

CODE = (
    "domain/materiality/lexicon.toml",
    "domain/rules.py",
    "email_templates/body.html",
    "settings/campaigns.py",
    "worker.py",
)


@pytest.fixture
def house(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A house with a file of each kind in its rooms, and one beside them."""
    monkeypatch.setattr(build, "ROOT", tmp_path)
    for name in (*CODE, "web/notes.md"):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("as it was")
    return tmp_path


@pytest.mark.parametrize("name", CODE)
def test_a_change_of_rules_words_or_mails_is_another_build(house: Path, name: str) -> None:
    before = build.build.__wrapped__()
    (house / name).write_text("as it is")
    assert build.build.__wrapped__() != before


def test_a_note_is_no_code(house: Path) -> None:
    before = build.build.__wrapped__()
    (house / "web/notes.md").write_text("as it is")
    assert build.build.__wrapped__() == before
