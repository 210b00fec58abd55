"""Reads a data map from its file, and says what is wrong with one."""

import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path

from pydantic import ValidationError

from data_sources.data_map import DataMap

IN_OUR_WORDS = {
    "missing": "is missing",
    "extra_forbidden": "is not known here: look at docs/data-sources.md for the right name",
    "enum": "needs {expected}",
    "literal_error": "needs {expected}",
    "union_tag_invalid": "kind: needs {expected_tags}",
    "union_tag_not_found": "kind: is missing: sql, http or manual",
    "string_pattern_mismatch": "needs small letters, digits and hyphens, a letter first",
    "string_too_short": "is empty",
    "too_short": "is empty",
    "model_type": "needs keys of its own, in a table or between {{ and }}",
    "value_error": "{error}",
}
"""By pydantic's kind of error. A map holds no personal data, but an address may hold a secret."""
PARTS = {"source": "source", "table": "table", "category": "category", "columns": "column"}


class DataMapRefused(Exception):
    """A data map cannot be used; none of its sources is asked anything."""


def read_data_map(path: Path) -> DataMap:
    """Raises DataMapRefused with one line for each fault: which part, what is wrong."""
    try:
        written = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError) as fault:
        raise DataMapRefused(
            f"{path} cannot be read ({type(fault).__name__}): give the data map's file."
        ) from None
    except tomllib.TOMLDecodeError as fault:
        raise DataMapRefused(f"{path} is no TOML: {fault}. Nothing in it was used.") from None
    try:
        return DataMap.model_validate(written)
    except ValidationError as refusal:
        lines = "\n".join(f"  {line}" for line in dict.fromkeys(_faults(refusal, written)))
        raise DataMapRefused(f"{path} was not used, because of:\n{lines}") from None


def _faults(refusal: ValidationError, written: Mapping[str, object]) -> Iterator[str]:
    for error in refusal.errors(include_input=False, include_url=False):
        ours = IN_OUR_WORDS.get(error["type"])
        words = ours.format_map(error.get("ctx", {})) if ours else error["msg"].lower()
        yield f"{_where(error['loc'], written)}: {words}"


def _where(place: tuple[int | str, ...], written: object) -> str:
    """The parts of the file that lead to a place, by name where they have one."""
    words: list[str] = []
    kind = ""
    for step in place:
        if isinstance(written, Mapping):
            if step not in written and step in {"sql", "http", "manual"}:
                continue  # pydantic names the kind of a source in between
            written = written.get(str(step))
            words.append(f'{kind} "{step}"' if kind else "" if step in PARTS else str(step))
            kind = PARTS.get(str(step), "") if not kind else ""
        elif isinstance(written, list) and isinstance(step, int):
            written = written[step]
            name = written.get("name") if isinstance(written, Mapping) else None
            words.append(f'{kind} "{name}"' if isinstance(name, str) else f"{kind} {step + 1}")
            kind = ""
        else:
            words.append(str(step))
    return ", ".join(word.strip() for word in words if word.strip()) or "the map"
