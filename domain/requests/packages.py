"""The copy of everything that is held about somebody, to read and as JSON (P11). Pure."""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from domain.requests.personal_data import Held, Located, Record, Use

FORMAT = 1

Entries = Mapping[tuple[str, str, int], Sequence[Record]]


@dataclass(frozen=True, kw_only=True)
class Section:
    """A category of a source, with all that it is used for; an entry is the values of one item."""

    category: str
    uses: tuple[Use, ...]
    entries: tuple[tuple[Record, ...], ...]


@dataclass(frozen=True, kw_only=True)
class Chapter:
    """What one source has. `title` is how the data map calls it."""

    source: str
    title: str
    sections: tuple[Section, ...]


@dataclass(frozen=True, kw_only=True)
class Copy:
    """All that is held about somebody at an instant, in the order in which it is read."""

    reference: str
    made_at: datetime
    chapters: tuple[Chapter, ...]

    @property
    def is_empty(self) -> bool:
        """Whether nothing was found, which is an answer too (P10)."""
        return not any(section.entries for one in self.chapters for section in one.sections)

    @property
    def to_redact(self) -> tuple[Record, ...]:
        """What may tell of other people: their part is taken out before it is given away."""
        return tuple(
            record
            for chapter in self.chapters
            for section in chapter.sections
            for entry in section.entries
            for record in entry
            if record.others
        )

    def to_json(self) -> str:
        """The same, for machines: values by field, and by category why they are held."""
        return as_json(
            {
                "format": FORMAT,
                "reference": self.reference,
                "made_at": instant(self.made_at),
                "sources": [_chapter(chapter) for chapter in self.chapters],
            }
        )


def copy_of(
    reference: str,
    made_at: datetime,
    *,
    located: Sequence[Located],
    records: Iterable[Record],
    titles: Mapping[str, str],
) -> Copy:
    """Each category of each source has its place, filled or not. `titles`: of sources.

    Raises ValueError for a record of a source or category that was not located.
    """
    entries = _entries(records)
    known = {(one.source, held.category) for one in located for held in one.held}
    if strange := sorted({(source, category) for source, category, _ in entries} - known):
        source, category = strange[0]
        raise ValueError(f"{source} gave entries of {category}, and did not say that it has any")
    return Copy(
        reference=reference,
        made_at=made_at,
        chapters=tuple(
            Chapter(
                source=one.source,
                title=titles.get(one.source, one.source),
                sections=tuple(_section(one.source, held, entries) for held in one.held),
            )
            for one in located
        ),
    )


def instant(at: datetime) -> str:
    """An instant as packages write it: UTC, to the second."""
    return at.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")


def as_json(content: object) -> str:
    """JSON that a person can read too."""
    return json.dumps(content, ensure_ascii=False, indent=2, allow_nan=False) + "\n"


def _entries(records: Iterable[Record]) -> Entries:
    found: dict[tuple[str, str, int], list[Record]] = {}
    for record in records:
        found.setdefault((record.source, record.category, record.item), []).append(record)
    return found


def _section(source: str, held: Held, entries: Entries) -> Section:
    mine = sorted(key for key in entries if key[:2] == (source, held.category))
    return Section(
        category=held.category,
        uses=held.uses,
        entries=tuple(tuple(entries[key]) for key in mine),
    )


def _chapter(chapter: Chapter) -> dict[str, object]:
    return {
        "source": chapter.source,
        "title": chapter.title,
        "categories": [
            {
                "category": section.category,
                "uses": [_use(use) for use in section.uses],
                "entries": [
                    {record.field: record.value for record in entry} for entry in section.entries
                ],
            }
            for section in chapter.sections
        ],
    }


def _use(use: Use) -> dict[str, object]:
    return {
        "purpose": use.purpose,
        "legal_basis": use.legal_basis,
        "origin": use.origin,
        "recipients": list(use.recipients),
        "kept": use.kept,
    }
