"""Two texts as one, with what was deleted and what was inserted marked word by word."""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Literal

from domain.texts.alignment import Change, ChangeKind, align
from domain.texts.clauses import Clause, ClauseKind, read_clauses
from domain.texts.matching import common_runs

SegmentKind = Literal["same", "deleted", "inserted"]
WORD = re.compile(r"\s+|\w+(?:['\u2019]\w+)*|[^\w\s]")


@dataclass(frozen=True, kw_only=True)
class Segment:
    kind: SegmentKind
    text: str


@dataclass(frozen=True, kw_only=True)
class RedlineBlock:
    """One clause of a redline: what happened to it, where it stands, what kind of text it is."""

    kind: ChangeKind
    moved: bool
    section: tuple[str, ...]
    clause_kind: ClauseKind
    segments: tuple[Segment, ...]


def redline(before: str, after: str) -> tuple[Segment, ...]:
    """Mark what differs: same and inserted make `after`, same and deleted make `before`."""
    segments: list[Segment] = []
    deleted = inserted = ""
    for kind, text in _runs(WORD.findall(before), WORD.findall(after)):
        if kind == "same":
            segments += _replaced(deleted, inserted)
            segments.append(Segment(kind="same", text=text))
            deleted = inserted = ""
        else:
            # A lone space between two changed words is read as part of both.
            deleted += text if kind in ("deleted", "both") else ""
            inserted += text if kind in ("inserted", "both") else ""
    return tuple(segments + _replaced(deleted, inserted))


def document_redline(old_markdown: str, new_markdown: str) -> tuple[RedlineBlock, ...]:
    """The redline of two whole policies, clause by clause in the order of the new one."""
    return redline_of(align(read_clauses(old_markdown), read_clauses(new_markdown)))


def redline_of(changes: Iterable[Change]) -> tuple[RedlineBlock, ...]:
    """The redline of changes that are already known; removed clauses stand where they used to."""
    return tuple(_block(change) for change in changes)


def _block(change: Change) -> RedlineBlock:
    shown = (change.new or change.old)[0]
    return RedlineBlock(
        kind=change.kind,
        moved=change.moved,
        section=shown.path,
        clause_kind=shown.kind,
        segments=redline(_joined(change.old), _joined(change.new)),
    )


def _joined(clauses: tuple[Clause, ...]) -> str:
    return " ".join(clause.text for clause in clauses)


def _replaced(deleted: str, inserted: str) -> list[Segment]:
    segments = []
    if deleted:
        segments.append(Segment(kind="deleted", text=deleted))
    if inserted:
        segments.append(Segment(kind="inserted", text=inserted))
    return segments


def _runs(before: list[str], after: list[str]) -> Iterator[tuple[str, str]]:
    """Stretches that are the same, deleted or inserted; `both` is a space between two changes."""
    old = new = 0
    for start, counterpart, length in [
        *common_runs(before, after),
        (len(before), len(after), 0),
    ]:
        if start > old:
            yield "deleted", "".join(before[old:start])
        if counterpart > new:
            yield "inserted", "".join(after[new:counterpart])
        old, new = start + length, counterpart + length
        same = "".join(before[start:old])
        between = (start or counterpart) and (old < len(before) or new < len(after))
        if same:
            yield ("both" if between and same.isspace() else "same"), same
