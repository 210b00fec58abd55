"""A folder of labelled changes, as `python -m benchmarks.materiality --data DIR` reads it."""

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path

from database.policies.lessons import Lesson
from domain.policies.lessons import Case

LABELS = "labels.jsonl"
NEW, CHANGED, SAME = "new", "changed", "as they were"


class FolderRefused(Exception):
    """The folder holds something else than labelled changes; nothing was written."""


def write_cases(directory: Path, lessons: Sequence[Lesson]) -> Mapping[str, int]:
    """Add each lesson's case to a folder, or bring it up to date; how many were new, changed, same.

    Every other line and pair stays as it is. The labels come last and at once, so that each of them
    has its texts, whenever this is stopped. Raises FolderRefused, and OSError.
    """
    lines = _lines(directory / LABELS)
    places = {
        _id(directory, place, line): place for place, line in enumerate(lines) if line.strip()
    }
    done: Counter[str] = Counter()
    for lesson in lessons:
        if lesson.case is None:
            continue
        for side, text in (("before", lesson.before), ("after", lesson.after)):
            _write(directory / "pairs" / lesson.case.id / f"{side}.md", text)
        line, place = _line(lesson.case), places.get(lesson.case.id)
        if place is None:
            lines.append(line)
            done[NEW] += 1
        else:
            done[SAME if lines[place] == line else CHANGED] += 1
            lines[place] = line
    _write(directory / LABELS, "".join(f"{line}\n" for line in lines))
    return {kind: done[kind] for kind in (NEW, CHANGED, SAME)}


def _line(case: Case) -> str:
    """ASCII, as some letters of a policy would end the line for a reader."""
    return json.dumps(asdict(case))


def _lines(labels: Path) -> list[str]:
    written = labels.read_bytes().decode() if labels.exists() else ""
    return written.removesuffix("\n").split("\n") if written else []


def _id(directory: Path, place: int, line: str) -> str:
    try:
        return str(json.loads(line)["id"])
    except (ValueError, KeyError, TypeError):
        raise FolderRefused(
            f"{directory / LABELS}, line {place + 1} is no label of a pair. Nothing was written: "
            "name another folder, or mend that line."
        ) from None


def _write(path: Path, text: str) -> None:
    """Write a file whole or not at all, and leave one alone that says the same."""
    content = text.encode()
    if path.exists() and path.read_bytes() == content:
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    beside = path.with_name(f".{path.name}.new")
    beside.write_bytes(content)
    beside.replace(path)
