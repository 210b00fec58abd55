"""What a workflow tells ops: what it waits for, until when, what is safe to press, whom to wake."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

from temporalio import workflow

with workflow.unsafe.imports_passed_through():
    from temporal import AWAITING_WHOM, DUE_AT, STAGE

SAFE_TO_PRESS = (
    "*Request Cancellation*, *Terminate*, *Reset*: the watchdog starts it again within 15 minutes, "
    "and it goes on from the database; nothing is sent twice or lost. Not *Signal* or *Update*: "
    "people decide in the staff console"
)
NOTHING_TO_PRESS = (
    "nothing needs to be pressed. *Reset* and *Start Workflow Like This One* only repeat what the "
    "database says is done: no mail goes out twice"
)
YOURS_AFTER_AN_HOUR = (
    "nobody in the first hour. Then it is yours: look at /staff/ops and at the mail service's own "
    "status. When it refuses our key, whoever holds the account there"
)
LOOKS = "the database to say what is done already"
OURS_AFTER = timedelta(minutes=15)
YOURS_AFTER_A_QUARTER = (
    "nobody in the first quarter of an hour. Then it is yours: `promisekeeper doctor`, and the "
    "worker's log"
)


def moment(instant: datetime) -> str:
    """An instant as ops read it, here and in the summaries of timers."""
    return f"{instant.astimezone(UTC):%Y-%m-%d %H:%M} UTC"


@dataclass(frozen=True, kw_only=True)
class Chapter:
    """Where a workflow stands, for someone who has never seen it. Roles only, never people.

    `by_itself` is what it does next when nobody does anything, and `acts_at` when, if that is not
    `until`; `wake` says whether this is worth anybody's sleep, and whose. `since` is when the stage
    began, if the database knows; otherwise it counts from when it is told.
    """

    stage: str
    waits_for: str
    awaiting: str = "nobody"
    wake: str = "nobody"
    since: datetime | None = None
    until: datetime | None = None
    by_itself: str = "nothing"
    acts_at: datetime | None = None
    overdue: bool = False
    safe_to_press: str = SAFE_TO_PRESS

    @property
    def headline(self) -> str:
        """The stage, and first of all whether the time is over."""
        if self.overdue and self.until:
            return f"OVERDUE since {moment(self.until)}, stage: {self.stage}"
        return self.stage

    @property
    def due_at(self) -> datetime | None:
        """When it should have gone on: what is later than that needs a worker."""
        return self.acts_at or self.until

    def facts(self, told_at: datetime) -> dict[str, str]:
        """What it tells, in the order of reading, without the headline and the advice."""
        return {
            "waits_for": self.waits_for,
            "since": moment(self.since or told_at),
            "until": moment(self.until) if self.until else "no fixed time",
            "whose_turn": self.awaiting,
            "next_by_itself": self.by_itself,
            "wake": self.wake,
        }

    def in_words(self, told_at: datetime) -> str:
        """As Markdown, for the page of the workflow."""
        lines = {**self.facts(told_at), "safe_to_press": self.safe_to_press}
        told = (
            f"- **{name.replace('_', ' ').capitalize()}:** {words}" for name, words in lines.items()
        )
        title = self.headline if self.overdue else f"Stage: {self.stage}"
        return "\n".join((f"## {title}", "", *told))


@dataclass(frozen=True, kw_only=True)
class Trouble:
    """A step that goes wrong and is tried again: which, why, since when."""

    step: str
    why: str
    since: datetime

    def within(self, chapter: Chapter, now: datetime) -> Chapter:
        """The chapter in which it goes wrong. It is the turn of ops when it does not pass."""
        return replace(
            chapter,
            waits_for=f'the next try of "{self.step}", which goes wrong since '
            f"{moment(self.since)}: {self.why}",
            since=self.since,
            awaiting="ops" if now - self.since >= OURS_AFTER else "nobody",
            by_itself="tries again, at least every ten minutes",
            wake=YOURS_AFTER_A_QUARTER,
        )


class Story:
    """Tells each chapter once: as search attributes, as memo, and as current details.

    The memo is there for the hours when no worker runs: current details are a query then. It begins
    before the first step is done: a page without words means that no worker runs.
    """

    def __init__(self) -> None:
        self._chapter = _opening()
        self._troubles: dict[str, Trouble] = {}
        self._told: Chapter | None = None

    def begin(self, looks: str = LOOKS) -> None:
        """Say that the workflow runs, and what its first step looks for."""
        self._chapter = replace(self._chapter, waits_for=looks)
        self._tell()

    def tell(self, chapter: Chapter) -> None:
        """Say where the workflow stands now."""
        self._chapter = chapter
        self._tell()

    def end(self, stage: str, since: datetime | None = None) -> None:
        """Say as what it ends: the list and the page of an ended workflow wait for nobody."""
        if workflow.patched("tells-its-end"):
            self.tell(
                Chapter(
                    stage=stage.replace("_", " "),
                    waits_for="nothing: it has ended",
                    since=since,
                    safe_to_press=NOTHING_TO_PRESS,
                )
            )

    @contextmanager
    def step(self, step: str) -> Iterator[None]:
        """Whatever it ends with, an answer or a refusal, the step goes wrong no more.

        Unless the run ends in the middle of it: then the next run takes over what was told.
        """
        try:
            yield
        except Exception:
            self.goes_well(step)
            raise
        self.goes_well(step)

    def goes_wrong(self, step: str, why: str) -> None:
        """Say that a step did not succeed and is tried again; before all else, until it does."""
        known = self._troubles.get(step)
        since = known.since if known else workflow.now()
        self._troubles[step] = Trouble(step=step, why=why, since=since)
        self._tell()

    def goes_well(self, step: str) -> None:
        """Say, when a step had gone wrong, that it does no more."""
        if self._troubles.pop(step, None):
            self._tell()

    def _tell(self) -> None:
        chapter = self._chapter
        if self._troubles:
            longest = min(self._troubles.values(), key=lambda trouble: trouble.since)
            chapter = longest.within(chapter, workflow.now())
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
                DUE_AT.value_set(chapter.due_at) if chapter.due_at else DUE_AT.value_unset(),
            ]
        )


def _opening() -> Chapter:
    """A run that goes on from another one keeps its stage and its due time meanwhile."""
    known = workflow.info().typed_search_attributes
    return Chapter(
        stage=known.get(STAGE, "begins"),
        waits_for=LOOKS,
        until=known.get(DUE_AT),
        by_itself="goes on from there",
    )
