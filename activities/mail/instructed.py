"""What the sources of a controller did, in counts and in the words of the map (P24)."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from database.tables import InstructedTask
from domain.requests.source_tasks import TaskState
from translations.catalogues import Language


def in_words(language: Language, tasks: Sequence[InstructedTask]) -> list[tuple[str, str]]:
    """Category and what became of its entries, source by source; no personal data in it."""
    return [line for task in tasks for line in _of_source(language, task)]


def _of_source(language: Language, task: InstructedTask) -> Iterator[tuple[str, str]]:
    receipt: Mapping[str, Any] = task.receipt or {}
    for one in (*receipt.get("held", ()), *receipt.get("done", ())):
        yield one["category"], language.gettext("%(rows)s done", rows=one["rows"])
    for one in receipt.get("retained", ()):
        yield (
            one["category"],
            language.gettext("%(rows)s stay: %(reason)s, until %(until)s", **_words(one)),
        )
    if task.state == TaskState.GIVEN_UP:
        yield task.source, language.gettext("could not be done: please ask us why")


def _words(one: Mapping[str, Any]) -> dict[str, Any]:
    return {name: one[name] for name in ("rows", "reason", "until")}
