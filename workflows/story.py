"""What a workflow tells ops: what it waits for, until when, what is safe to press, whom to wake."""

from dataclasses import dataclass
from datetime import UTC, datetime

from temporalio import workflow

with workflow.unsafe.imports_passed_through():
    from temporal import AWAITING_WHOM, DUE_AT, STAGE

SAFE_TO_PRESS = (
    "*Request Cancellation*, *Terminate*, *Reset*: the watchdog starts it again within 15 minutes, "
    "and it goes on from the database; nothing is sent twice or lost. Not *Signal* or *Update*: "
    "people decide in the staff console"
)
YOURS_AFTER_AN_HOUR = (
    "nobody in the first hour. Then it is yours: look at /staff/ops and at the mail service's own "
    "status. When it refuses our key, whoever holds the account there"
)


def moment(instant: datetime) -> str:
    """An instant as ops read it, here and in the summaries of timers."""
    return f"{instant.astimezone(UTC):%Y-%m-%d %H:%M} UTC"


@dataclass(frozen=True, kw_only=True)
class Chapter:
    """Where a workflow stands, for someone who has never seen it. Roles only, never people.

    `by_itself` is what it does next when nobody does anything; `wake` says whether this is worth
    anybody's sleep, and whose.
    """

    stage: str
    waits_for: str
    awaiting: str
    wake: str
    until: datetime | None = None
    by_itself: str = "nothing"
    overdue: bool = False

    @property
    def headline(self) -> str:
        """The stage, and first of all whether the time is over."""
        if self.overdue and self.until:
            return f"OVERDUE since {moment(self.until)}, stage: {self.stage}"
        return self.stage

    def facts(self, since: datetime) -> dict[str, str]:
        """What it tells, in the order of reading, without the headline and the advice."""
        return {
            "waits_for": self.waits_for,
            "since": moment(since),
            "until": moment(self.until) if self.until else "no fixed time",
            "whose_turn": self.awaiting,
            "next_by_itself": self.by_itself,
            "wake": self.wake,
        }

    def in_words(self, since: datetime) -> str:
        """As Markdown, for the page of the workflow."""
        lines = {**self.facts(since), "safe_to_press": SAFE_TO_PRESS}
        told = (
            f"- **{name.replace('_', ' ').capitalize()}:** {words}" for name, words in lines.items()
        )
        title = self.headline if self.overdue else f"Stage: {self.stage}"
        return "\n".join((f"## {title}", "", *told))


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
        now = workflow.now()
        workflow.set_current_details(chapter.in_words(now))
        workflow.upsert_memo({"stage": chapter.headline, **chapter.facts(now)})
        workflow.upsert_search_attributes(
            [
                STAGE.value_set(chapter.stage),
                AWAITING_WHOM.value_set(chapter.awaiting),
                DUE_AT.value_set(chapter.until) if chapter.until else DUE_AT.value_unset(),
            ]
        )
