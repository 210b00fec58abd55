"""What the workflow of a campaign knows, and what it hands over: ids, numbers and instants."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from activities.mail.outbox import SendProgress
from database.mail.steps import CALLED_OFF, CORRECTION, FINISHED, PAUSED, WITHDRAWN
from domain.rungs import Rung


@dataclass(frozen=True, kw_only=True)
class CampaignInput:
    """A campaign and the instant at which the workflow acts."""

    campaign_id: UUID
    now: datetime


@dataclass(frozen=True, kw_only=True)
class SendingInput:
    """A step that goes out to the addressees."""

    campaign_id: UUID
    step: str
    now: datetime


@dataclass(frozen=True, kw_only=True)
class ShardInput(SendingInput):
    """A thousand addressees and the step they are owed."""

    shard: int


@dataclass(frozen=True, kw_only=True)
class ShardsInput(SendingInput):
    """Several thousands, served in this order."""

    shards: tuple[int, ...]


@dataclass(frozen=True, kw_only=True)
class StepInput:
    """A step of the timetable that is due."""

    campaign_id: UUID
    step: str
    due_at: datetime
    now: datetime
    effect_at: datetime | None = None


@dataclass(frozen=True, kw_only=True)
class FinishInput(CampaignInput):
    """A campaign whose timetable is done; whether those who were mailed know it was withdrawn."""

    told_the_end: bool = False


@dataclass(frozen=True, kw_only=True)
class CampaignCase:
    """What the campaign workflow knows: ids, numbers and instants.

    `since`: when its stage began, that of reminders and escalations aside.
    """

    publication: str
    slug: str
    number: int
    state: str
    frozen: bool
    addressees: int
    effective_at: datetime | None
    to_come: tuple[Rung, ...]
    since: datetime | None = None
    postponed: bool = False
    """Whether the version has no day: nothing of its timetable comes until it has one (P8)."""
    owed: tuple[str, ...] = ()
    """Steps that somebody's decision caused, and that are not taken yet."""
    canary: int = 0
    """How many are mailed first while the others wait; nought once they need not (P8)."""
    canary_until: datetime | None = None
    """When the others need not wait any more, if all goes well; none while it is being mailed."""
    stopped_because: str = ""
    """Why the machine paused it, in words that name nobody; empty when it did not."""
    asks_late: bool = False
    """Whether its version is in force already, and people are asked because its class was wrong."""
    closed: bool = True
    """Whether its final numbers are kept; a case in an old history does not say."""
    replaces: bool = False
    """Whether its version took the place of one that people may have been told of (P8)."""
    in_doubt: int = 0
    """Of how many nobody knows whether their first notice went out; until ops decide (P4)."""
    without_mail: int = 0
    """How many no first notice reached, whom nobody told otherwise: its owner has the list (P4)."""
    shards: int = 0
    """How many shards its audience fills, from nought on."""
    canary_shards: int = 0
    """How many those who go first fill, below nought."""
    not_begun: tuple[str, ...] = ()
    """Of the steps that come next, those of which no mail is queued yet."""
    followed_by: UUID | None = None
    """The campaign that asks again about its version, which was waiting for this one's end (P2)."""

    @property
    def correction(self) -> str | None:
        """The step by which a wrong mail is put right, which no other step may hold up (P8)."""
        return next((step for step in self.owed if step.startswith(CORRECTION)), None)

    @property
    def paused(self) -> bool:
        """Whether somebody stopped it; nothing goes out until it is resumed (P8)."""
        return self.state == PAUSED

    @property
    def called_off(self) -> bool:
        """Whether its version was withdrawn or replaced: nothing of its timetable comes (P8)."""
        return self.state in CALLED_OFF

    @property
    def addresses(self) -> bool:
        """Whether its audience is needed: if it comes, or if those who were told of the version
        whose place it took are owed word that this one does not come either."""
        return not self.called_off or (self.tells_the_end and self.replaces)

    @property
    def over(self) -> bool:
        """Whether nothing is left to do."""
        return self.closed and self.state in (FINISHED, *CALLED_OFF)

    @property
    def waits_for_its_date(self) -> bool:
        """Whether the date of effect follows from first notices that are still to go out (P7)."""
        return self.effective_at is None and not (self.called_off or self.postponed)

    @property
    def tells_the_end(self) -> bool:
        """Whether whoever was mailed is owed word that nothing comes; else the new version's mail
        says so."""
        return self.state == WITHDRAWN


@dataclass(frozen=True, kw_only=True)
class Escalated(SendProgress):
    """How far word to staff got, and the campaign once it is out and the step noted as taken."""

    noted: CampaignCase | None = None
