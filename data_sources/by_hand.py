"""What somebody of staff found, copied or did where no machine reaches, as they typed it."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date

from data_sources.data_map import Description
from domain.requests.personal_data import Record, Retained


class TypedWrong(ValueError):
    """What was typed cannot be read; the message says where, in the words of the map."""


@dataclass(frozen=True, kw_only=True)
class Typed:
    """By category of the map: how many entries, or the entries themselves; and how many of them an
    erasure left, by which rule of the map, until which day, if that is known.

    An entry is lines of `field: value`; a line without a field of the map goes on with the value
    before it, and an empty line begins the next entry.
    """

    rows: Mapping[str, str] = field(default_factory=dict)
    entries: Mapping[str, str] = field(default_factory=dict, repr=False)
    kept: Mapping[str, str] = field(default_factory=dict)
    rules: Mapping[str, str] = field(default_factory=dict)
    until: Mapping[str, str] = field(default_factory=dict)
    evidence: str = ""


def counted(about: Description, typed: Typed) -> list[dict[str, object]]:
    """Each category once, with its number. Raises TypedWrong."""
    return [
        {"category": name, "rows": _number(name, typed.rows.get(name, ""))}
        for name in about.categories
    ]


def retained(about: Description, typed: Typed) -> Iterator[Retained]:
    """What an erasure left, why and until when (P13). Raises TypedWrong."""
    for name in about.categories:
        rows = _number(name, typed.kept.get(name, "").strip() or "0")
        if not rows:
            continue
        rule = about.retention.get(typed.rules.get(name, ""))
        if rule is None:
            raise TypedWrong(f"{name}: say by which rule the {rows} are kept.")
        yield Retained(
            category=name,
            rows=rows,
            reason=rule.reason,
            until=rule.words,
            until_on=_day(name, typed.until.get(name, "")),
        )


def records(about: Description, typed: Typed) -> tuple[Record, ...]:
    """Every value that was typed, with what the map says of it. Raises TypedWrong."""
    known = {(one.category, one.field): one for one in about.described()}
    found = []
    for category, text in typed.entries.items():
        names = [name for kind, name in known if kind == category]
        for item, entry in enumerate(_entries(category, text, names), start=1):
            for name, value in entry.items():
                described = known[category, name]
                found.append(
                    Record(
                        source=about.name,
                        category=category,
                        item=item,
                        field=name,
                        value=value,
                        origin=described.use.origin,
                        purpose=described.use.purpose,
                        legal_basis=described.use.legal_basis,
                        others=described.others,
                    )
                )
    return tuple(found)


def _number(category: str, text: str) -> int:
    if not text.strip().isdecimal():
        raise TypedWrong(f"{category}: say how many entries as a whole number, 0 where none.")
    return int(text)


def _day(category: str, text: str) -> date | None:
    try:
        return date.fromisoformat(text) if text.strip() else None
    except ValueError:
        raise TypedWrong(f"{category}: give the day until which it is kept, or none.") from None


def _entries(category: str, text: str, names: Sequence[str]) -> Iterator[Mapping[str, str]]:
    for block in text.replace("\r\n", "\n").strip().split("\n\n"):
        if not block.strip():
            continue
        entry: dict[str, str] = {}
        name = ""
        for line in block.strip().splitlines():
            begins, _, value = line.partition(":")
            if begins.strip() in names:
                name = begins.strip()
                if name in entry:
                    raise TypedWrong(
                        f"{category}: {name} stands twice in one entry. An empty line begins the "
                        "next entry."
                    )
                entry[name] = value.strip()
            elif name:
                entry[name] += f"\n{line.strip()}"
            else:
                raise TypedWrong(
                    f"{category}: an entry begins with one of {', '.join(names)}, and a colon."
                )
        yield entry
