"""Listings are whole where no terminal is, and records where one is narrow."""

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
@pytest.mark.parametrize("columns", [60, 80])
def test_a_narrow_terminal_has_a_line_for_each_field_and_cuts_nothing(
    kind: str, columns: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No word is broken that has room, and every character is there of one that has none."""
    lines = printed_in_a_terminal(PRINTS, kind, columns, monkeypatch)
    assert all(len(line) <= columns for line in lines)
    assert "…" not in "".join(lines)
    fields = [line for line in lines if re.match(r"\S", line)]
    assert [line.split("  ")[0] for line in fields] == ["workflow id", "state", "reason"]
    assert "in_review" in fields[1]
    told = "".join(line.removeprefix("workflow id").strip() for line in lines)
    assert told.startswith(ID)
    words = " ".join(line.removeprefix("reason").strip() for line in lines)
    assert REASON.strip() in words


def test_a_table_stays_one_where_its_words_have_room(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of a listing of few columns, in a terminal of 60."""
    prints = PRINTS.replace('"workflow_id"', '"id"').replace(ID, "publication/terms/2")
    lines = printed_in_a_terminal(prints, "xterm", 60, monkeypatch)
    assert all(len(line) <= 60 for line in lines)
    assert any(line.startswith("│ publication/terms/2 ") for line in lines)


def test_what_has_no_row_still_names_its_columns(monkeypatch: pytest.MonkeyPatch) -> None:
    prints = PRINTS.replace("print_rows([row]", "print_rows([]")
    lines = printed_in_a_terminal(prints, "xterm", 20, monkeypatch)
    assert " ".join(" ".join(lines).split()) == "Nothing to list: workflow id, state, reason."


def printed_in_a_terminal(
    prints: str, kind: str, columns: int, monkeypatch: pytest.MonkeyPatch
) -> list[str]:
    monkeypatch.setenv("TERM", kind)
    monkeypatch.setenv("COLUMNS", str(columns))
    ours, theirs = pty.openpty()
    with subprocess.Popen([sys.executable, "-c", prints], cwd=HERE, stdout=theirs) as process:
        os.close(theirs)
        said = b""
        while chunk := _read(ours):
            said += chunk
        assert process.wait() == 0
    os.close(ours)
    return re.sub(r"\x1b\[[0-9;]*m", "", said.decode()).splitlines()


def _read(terminal: int) -> bytes:
    try:
        return os.read(terminal, 65536)
    except OSError:  # whoever wrote to it has gone
        return b""
