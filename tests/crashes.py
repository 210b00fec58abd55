"""Kills parts of a running stack at seeded moments of a campaign, and notes what it was doing."""

import sqlite3
from collections.abc import Callable, Mapping, Sequence
from contextlib import closing, suppress
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from threading import Event
from time import monotonic
from typing import Protocol, TypeVar
from uuid import UUID

from sqlalchemy.exc import OperationalError
from sqlmodel import Session, col, func, select

from database.campaigns.progress import count_addressees
from database.engine import Database
from database.mail.steps import FIRST_NOTICE
from database.tables import Campaign, MailAttempt, OutboxMail
from embedded.sandbox.server import DATABASE_FILE

WORKER, WEBSITE, TEMPORAL, POSTGRESQL = "worker", "website", "Temporal server", "PostgreSQL"
END_THE_ATTEMPTS = (WORKER, POSTGRESQL)
"""With them dies what was to be noted of the requests that were under way."""
LATEST = 0.8
"""Of the mails, so many are out when the last part is killed: later ones can be heard of."""
LONGEST_PAUSE_SECONDS = 4.0
LOOK_EVERY_SECONDS = 0.2
AIM_EVERY_SECONDS = 0.005
PATIENCE_SECONDS = 300.0
NEWEST_COPIES = 2000
ALL_COPIES = -1
WRITTEN_WITHIN_SECONDS = 0.15
"""After its claim is committed, a request is on its way so soon."""
T = TypeVar("T")


class Part(Protocol):
    """A process of the stack, or a server of several."""

    def kill(self) -> None:
        """End it at once, as SIGKILL does."""

    def start_again(self) -> None:
        """Start it, and wait until it answers."""


@dataclass(frozen=True, kw_only=True)
class Blow:
    """A kill that is planned. `after`: the share of the campaign's mails that are out by then.

    `posting`: it waits until a request to the mail service is under way. `pause_seconds`: so long
    the part stays away.
    """

    part: str
    after: float
    posting: bool
    pause_seconds: float


@dataclass(frozen=True, kw_only=True)
class Kill:
    """One that was done. `phase`: freezing, queued, posting, acknowledging or waiting.

    `attempts`: whose requests to the mail service were under way; `second`: since the release.
    """

    part: str
    phase: str
    attempts: frozenset[UUID]
    second: float
    pause_seconds: float


def planned(parts: Sequence[str], each: int, seed: int) -> Sequence[Blow]:
    """So many blows to each part, spread over the campaign in an order of the seed's.

    At least half of those of each part are to hit it while a request is under way; the first one
    that is not comes first of all, while the addressees are being written down.
    """
    chance = Random(seed)
    wanted = [(part, number % 2 == 0) for part in parts for number in range(each)]
    chance.shuffle(wanted)
    wanted.sort(key=lambda blow: blow != next((one for one in wanted if not one[1]), None))
    return [
        Blow(
            part=part,
            after=LATEST * (number + chance.random() * (number > 0)) / len(wanted),
            posting=posting,
            pause_seconds=chance.choice((0.0, chance.uniform(1.0, LONGEST_PAUSE_SECONDS))),
        )
        for number, (part, posting) in enumerate(wanted)
    ]


@dataclass(kw_only=True)
class Crashes:
    """The killer of a campaign's parts; the mail sandbox is left alone, as it bears witness."""

    parts: Mapping[str, Part]
    database: Database
    data_dir: Path
    version_id: UUID
    kills: list[Kill] = field(default_factory=list)
    _left: set[UUID] = field(default_factory=set)
    """Attempts that nobody has in hand any more, as their sender or its database was killed."""
    _seen_at: dict[UUID, float] = field(default_factory=dict)

    def strike(self, blows: Sequence[Blow]) -> None:
        """Do what is planned, one after the other, from the release on."""
        began = monotonic()
        for blow in blows:
            self._strike(blow, began)

    def with_a_post_in_flight(self) -> int:
        """How many kills met a request under way, by the word of the mail sandbox that took it."""
        taken = arrived(self.data_dir, newest=ALL_COPIES)
        return sum(bool(kill.attempts & taken) for kill in self.kills)

    def _strike(self, blow: Blow, began: float) -> None:
        part = self.parts[blow.part]
        _until(lambda: self._share_out() >= blow.after, every=LOOK_EVERY_SECONDS)
        state = _until(lambda: self._ready_for(blow), every=AIM_EVERY_SECONDS)
        part.kill()
        self.kills.append(
            Kill(
                part=blow.part,
                phase=state.phase,
                attempts=state.posting,
                second=round(monotonic() - began, 1),
                pause_seconds=round(blow.pause_seconds, 1),
            )
        )
        if blow.part in END_THE_ATTEMPTS:
            self._left |= state.claimed
        Event().wait(blow.pause_seconds)
        part.start_again()

    def _ready_for(self, blow: Blow) -> "_State | None":
        state = self._state()
        return state if state and (state.posting or not blow.posting) else None

    def _share_out(self) -> float:
        """Of the campaign's first notices, how many the mail service has taken."""
        with self.database.session() as session:
            campaign = _campaign(session, self.version_id)
            if campaign is None:
                return 0.0
            out = session.exec(
                select(func.count(col(OutboxMail.accepted_at))).where(
                    OutboxMail.subject_id == campaign.id, OutboxMail.step == FIRST_NOTICE
                )
            ).one()
            return out / max(1, count_addressees(session, campaign.id))

    def _state(self) -> "_State | None":
        """What is being done just now; None before there is a campaign."""
        with self.database.session() as session:
            campaign = _campaign(session, self.version_id)
            if campaign is None:
                return None
            open_ones = session.exec(
                select(MailAttempt.id).where(
                    MailAttempt.subject_id == campaign.id, col(MailAttempt.ended_at).is_(None)
                )
            ).all()
            claimed = frozenset(open_ones) - self._left
            queued = session.exec(
                select(OutboxMail.id)
                .where(OutboxMail.subject_id == campaign.id, OutboxMail.state == "queued")
                .limit(1)
            ).first()
        now = monotonic()
        seen_at = {attempt: self._seen_at.setdefault(attempt, now) for attempt in claimed}
        posting = frozenset(one for one in claimed if now - seen_at[one] > WRITTEN_WITHIN_SECONDS)
        if campaign.audience_frozen_at is None:
            phase = "freezing"
        elif posting:
            phase = "acknowledging" if posting & arrived(self.data_dir) else "posting"
        else:
            phase = "queued" if queued or claimed else "waiting"
        return _State(phase=phase, claimed=claimed, posting=posting)


def _campaign(session: Session, version_id: UUID) -> Campaign | None:
    return session.exec(select(Campaign).where(Campaign.policy_version_id == version_id)).first()


def _until(look: Callable[[], T | None], *, every: float) -> T:
    """What `look` returns as soon as it is true; a database that was killed may cost a try."""
    give_up_at = monotonic() + PATIENCE_SECONDS
    while monotonic() < give_up_at:
        with suppress(OperationalError):
            if found := look():
                return found
        Event().wait(every)
    raise AssertionError("the campaign did not come so far")


@dataclass(frozen=True, kw_only=True)
class _State:
    phase: str
    claimed: frozenset[UUID]
    posting: frozenset[UUID]


def arrived(data_dir: Path, newest: int = NEWEST_COPIES) -> frozenset[UUID]:
    """The attempts of the newest copies in the mail sandbox."""
    with closing(sqlite3.connect(data_dir / DATABASE_FILE)) as mails:
        rows = mails.execute(
            "SELECT DISTINCT json_extract(custom_args, '$.attempt_id') FROM"
            " (SELECT custom_args FROM message ORDER BY id DESC LIMIT ?)",
            (newest,),
        )
        return frozenset(UUID(attempt) for (attempt,) in rows if attempt)
