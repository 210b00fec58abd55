"""An assessment as rows to read: each change before and after, with its findings beside it."""

from collections.abc import Container, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import groupby

from domain.materiality import AssessedChange, Assessment, Finding, changes_between
from domain.materiality.reading import sentences
from domain.texts.alignment import Change, ChangeKind
from domain.texts.clauses import Clause, ClauseKind, read_clauses
from domain.texts.redline import Segment, redline


@dataclass(frozen=True, kw_only=True)
class Passage:
    """Neighbouring words of one side, and the findings that quote them and not the whole side."""

    segments: tuple[Segment, ...]
    quoted_by: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class Row:
    """A change, numbered from 1; `departed` is where it stood in the old text, if it has moved."""

    number: int
    change: AssessedChange
    clause_kind: ClauseKind
    old_section: tuple[str, ...]
    before: tuple[Passage, ...]
    after: tuple[Passage, ...]
    findings: tuple[Finding, ...]
    departed: bool = False


def side_by_side(old_markdown: str, new_markdown: str, assessment: Assessment) -> tuple[Row, ...]:
    """The rows in the order of the new text; what has moved has a second row where it stood.

    Raises ValueError when the assessment is of two other texts.
    """
    old = read_clauses(old_markdown)
    changes = changes_between(old_markdown, new_markdown)
    differing = [
        (place, change)
        for place, change in enumerate(changes)
        if change.kind is not ChangeKind.UNCHANGED
    ]
    findings = {finding.id: finding for finding in assessment.findings}
    rows = {
        place: _row(number, change, told, tuple(findings[key] for key in told.findings))
        for number, ((place, change), told) in enumerate(
            zip(differing, assessment.changes, strict=True), start=1
        )
    }
    departures = {
        place: [rows[moved] for moved in those]
        for place, those in _departures(changes, old).items()
    }
    return tuple(_in_order(rows, departures))


def _row(number: int, change: Change, told: AssessedChange, findings: tuple[Finding, ...]) -> Row:
    segments = redline(told.before or "", told.after or "")
    before = [segment for segment in segments if segment.kind != "inserted"]
    after = [segment for segment in segments if segment.kind != "deleted"]
    return Row(
        number=number,
        change=told,
        clause_kind=(change.new or change.old)[0].kind,
        old_section=change.old[0].path if change.old else (),
        before=tuple(_passages(before, change.old, [(one.id, one.before) for one in findings])),
        after=tuple(_passages(after, change.new, [(one.id, one.after) for one in findings])),
        findings=findings,
    )


def _passages(
    segments: Sequence[Segment],
    clauses: tuple[Clause, ...],
    quotes: Sequence[tuple[str, str | None]],
) -> Iterator[Passage]:
    """One side cut where a quote begins or ends."""
    spoken = [sentence.text for clause in clauses for sentence in sentences(clause)]
    quoted_by = _quoted_by(spoken, quotes)
    everywhere = frozenset.intersection(*quoted_by) if quoted_by else frozenset()
    rest, done = list(segments), 0
    whole = " ".join(clause.text for clause in clauses)
    pairs = zip(quoted_by, spoken, strict=True)
    for ids, group in groupby(pairs, key=lambda pair: pair[0] - everywhere):
        said = [sentence for _, sentence in group]
        start = end = whole.index(said[0], done)
        for sentence in said:
            end = whole.index(sentence, end) + len(sentence)
        if start > done:
            yield Passage(segments=tuple(_cut(rest, start - done)), quoted_by=())
        quoting = tuple(key for key, _ in quotes if key in ids)
        yield Passage(segments=tuple(_cut(rest, end - start)), quoted_by=quoting)
        done = end
    if rest:
        yield Passage(segments=tuple(rest), quoted_by=())


def _quoted_by(
    spoken: Sequence[str], quotes: Iterable[tuple[str, str | None]]
) -> list[frozenset[str]]:
    """Which findings quote each sentence."""
    found = [(key, _quoted(spoken, quote)) for key, quote in quotes if quote]
    return [
        frozenset(key for key, places in found if place in places) for place in range(len(spoken))
    ]


def _quoted(spoken: Sequence[str], quote: str) -> Container[int]:
    """The places of the sentences that a quote consists of; of several that fit, all."""
    for first in range(len(spoken)):
        said = ""
        for last in range(first, len(spoken)):
            said = f"{said} {spoken[last]}".strip()
            if said == quote:
                return range(first, last + 1)
            if not quote.startswith(said):
                break
    return {place for place, sentence in enumerate(spoken) if f" {sentence} " in f" {quote} "}


def _cut(rest: list[Segment], length: int) -> Iterator[Segment]:
    """Take so many characters off the front."""
    while length and rest:
        first = rest.pop(0)
        taken, left = first.text[:length], first.text[length:]
        if left:
            rest.insert(0, replace(first, text=left))
        length -= len(taken)
        yield replace(first, text=taken)


def _departures(changes: Sequence[Change], old: Sequence[Clause]) -> dict[int, list[int]]:
    """After which change each moved one stood in the old text; -1 is the start of the text."""
    position = {clause.id: number for number, clause in enumerate(old)}
    stayed = [
        (position[change.old[-1].id], place)
        for place, change in enumerate(changes)
        if change.old and not change.moved
    ]
    moved = sorted(
        (position[change.old[0].id], place) for place, change in enumerate(changes) if change.moved
    )
    found: dict[int, list[int]] = {}
    for start, place in moved:
        _, after = max((pair for pair in stayed if pair[0] < start), default=(-1, -1))
        found.setdefault(after, []).append(place)
    return found


def _in_order(rows: dict[int, Row], departures: dict[int, list[Row]]) -> Iterator[Row]:
    for place in sorted({*rows, *departures}):
        if place in rows:
            yield rows[place]
        for moved in departures.get(place, ()):
            yield replace(moved, departed=True)
