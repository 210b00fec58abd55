"""What a workflow tells ops: what it waits for, until when, what is safe to press, whom to wake."""

from dataclasses import dataclass
from datetime import datetime

from temporalio import workflow

with workflow.unsafe.imports_passed_through():
    from temporal import AWAITING_WHOM, DUE_AT, STAGE

SAFE_TO_PRESS = (
    "**Safe to press:** everything. After *terminate*, *cancel* or *reset* the watchdog starts it "
    "again within 15 minutes and it goes on from the database: nothing is sent twice or lost. "
    "So nothing on this page stops it for good."
)


@dataclass(frozen=True, kw_only=True)
class Chapter:
    """Where a workflow stands, for someone who has never seen it. Roles only, never people."""

    stage: str
    waits_for: str
    awaiting: str
    wake: str
    until: datetime | None = None

    def in_words(self) -> str:
        """As Markdown, for the page of the workflow."""
        until = f"{self.until:%Y-%m-%d %H:%M} UTC" if self.until else "no fixed time"
        return (
            f"**Stage:** {self.stage}\n\n**Waits for:** {self.waits_for}\n\n**Until:** {until}\n\n"
            f"{SAFE_TO_PRESS}\n\n**Wake:** {self.wake}"
        )


class Story:
    """Tells each chapter once: as search attributes, as memo, and as current details.

    The memo is there for the hours when no worker runs: current details are a query then.
    """

    def __init__(self) -> None:
        self._told: Chapter | None = None

    def tell(self, chapter: Chapter) -> None:
        """Say where the workflow stands now."""
        if chapter == self._told:
            return
        self._told = chapter
        workflow.set_current_details(chapter.in_words())
        workflow.upsert_memo(
            {
                "waits_for": chapter.waits_for,
                "until": chapter.until.isoformat() if chapter.until else None,
            }
        )
        workflow.upsert_search_attributes(
            [
                STAGE.value_set(chapter.stage),
                AWAITING_WHOM.value_set(chapter.awaiting),
                DUE_AT.value_set(chapter.until) if chapter.until else DUE_AT.value_unset(),
            ]
        )
