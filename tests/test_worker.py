"""The worker says why it does not start, and changes nothing."""

import platform
import subprocess
import sys
from pathlib import Path

import pytest
from sqlalchemy import make_url
from temporalio.service import RPCStatusCode

import worker
from database.engine import Database
from settings import ROOT
from tests import databases
from tests.refusing_temporal import refusing_temporal


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


def test_a_worker_whose_key_is_refused_ends_in_words(
    database: Database, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("PROMISEKEEPER_DATABASE_URL", database.url)
    with refusing_temporal(RPCStatusCode.UNAUTHENTICATED, "Request unauthorized.") as address:
        monkeypatch.setenv("TEMPORAL_ADDRESS", address)
        assert worker.main() == 3
    said = capsys.readouterr().err
    assert said.startswith("The worker stopped: The Temporal server turns us away")
    assert "Request unauthorized." in said


@pytest.mark.postgresql
def test_a_worker_whose_database_is_not_there_ends_in_words(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    with databases.empty_database(databases.POSTGRESQL, tmp_path) as there:
        url = make_url(there.url).set(database="nowhere").render_as_string(hide_password=False)
        monkeypatch.setenv("PROMISEKEEPER_DATABASE_URL", url)
        assert worker.main() == 3
    assert 'database "nowhere" does not exist' in capsys.readouterr().err


def test_a_fault_of_ours_is_shown_with_its_place_and_blamed_on_nobody(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def broken(_: Database) -> None:
        raise RuntimeError("no running event loop")

    monkeypatch.setattr(worker, "require_current", broken)
    with pytest.raises(RuntimeError, match="no running event loop"):
        worker.main()
    assert "The worker stopped" not in capsys.readouterr().err


HEAPS_OF_EIGHT_THREADS = """
import ctypes, threading, worker
worker._share_heaps()
kept, together = [], threading.Barrier(8)
def take():
    together.wait()
    kept.append(bytes(100_000))
    together.wait()
threads = [threading.Thread(target=take) for _ in range(8)]
for thread in threads: thread.start()
for thread in threads: thread.join()
libc = ctypes.CDLL(None)
libc.malloc_info(0, ctypes.c_void_p.in_dll(libc, "stdout"))
libc.fflush(None)
"""


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="only glibc has many heaps")
def test_the_threads_of_a_worker_share_their_heaps() -> None:
    """Else a worker grows with the largest batch that each of its threads ever sent."""
    told = subprocess.run(
        [sys.executable, "-c", HEAPS_OF_EIGHT_THREADS],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    assert told.count("<heap nr=") == worker.HEAPS
