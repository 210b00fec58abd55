"""Listings are whole where no terminal is, and fold where one is narrow."""

import os
import pty
import re
import subprocess
import sys
from pathlib import Path

import pytest

HERE = Path(__file__).parents[2]
ID = "publication/privacy-policy-of-the-whole-group/2/0190f5c2-4711-7abc-8def-0123456789ab"
REASON = "It says that recordings are kept for a year, and before it was thirty days. " * 4
PRINTS = f"""
from cli.options import ListFormat
from cli.printing import print_rows
row = {{"workflow_id": {ID!r}, "state": "in_review", "reason": {REASON!r}}}
print_rows([row], tuple(row), ListFormat.TABLE)
"""


@pytest.mark.parametrize("surroundings", [{}, {"TERM": "dumb"}, {"COLUMNS": "80"}])
def test_what_reads_a_pipe_finds_each_value_in_one_piece(
    surroundings: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """So that `grep` and `awk` find a row, whatever terminal it is said to be."""
    for name, value in surroundings.items():
        monkeypatch.setenv(name, value)
    done = subprocess.run(
        [sys.executable, "-c", PRINTS],
        cwd=HERE,
        capture_output=True,
        text=True,
        check=True,
    )
    (line,) = (line for line in done.stdout.splitlines() if ID in line)
    assert REASON.strip() in line


@pytest.mark.parametrize("kind", ["xterm", "dumb"])
def test_a_narrow_terminal_folds_and_cuts_nothing(
    kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Every character of the id is there, in its column, line under line."""
    monkeypatch.setenv("TERM", kind)
    monkeypatch.setenv("COLUMNS", "60")
    ours, theirs = pty.openpty()
    with subprocess.Popen([sys.executable, "-c", PRINTS], cwd=HERE, stdout=theirs) as process:
        os.close(theirs)
        said = b""
        while chunk := _read(ours):
            said += chunk
        assert process.wait() == 0
    os.close(ours)
    lines = re.sub(r"\x1b\[[0-9;]*m", "", said.decode()).splitlines()
    assert all(len(line) <= 60 for line in lines)
    assert "…" not in said.decode()
    cells = [line.split("│")[1].strip() for line in lines if line.startswith("│")]
    assert "".join(cells) == ID


def _read(terminal: int) -> bytes:
    try:
        return os.read(terminal, 65536)
    except OSError:  # whoever wrote to it has gone
        return b""
