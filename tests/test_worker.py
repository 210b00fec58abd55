"""The worker says why it does not start, and changes nothing."""

from pathlib import Path

import pytest

import worker
from database.engine import Database


@pytest.fixture(autouse=True)
def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PROMISEKEEPER_DATA_DIR", str(tmp_path))
    monkeypatch.setenv("TEMPORAL_ADDRESS", "127.0.0.1:9")


def test_a_worker_with_wrong_settings_does_not_start(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("PROMISEKEEPER_TIME_ZONE", "Mars/Olympus")
    assert worker.main() == 2
    assert "Mars/Olympus" in capsys.readouterr().err


def test_a_worker_does_not_work_with_tables_of_another_version(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert worker.main() == 3
    assert "promisekeeper database migrate" in capsys.readouterr().err


def test_a_worker_with_unusable_settings_of_temporal_does_not_start(
    database: Database, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("PROMISEKEEPER_DATABASE_URL", database.url)
    monkeypatch.setenv("TEMPORAL_PROFILE", "nowhere")
    assert worker.main() == 2
    assert "'nowhere' not found" in capsys.readouterr().err
