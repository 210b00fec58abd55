"""What the watchdog tells workflows: what was decided while Temporal did not answer, and that
nothing holds them up any more (P8)."""

import asyncio
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from uuid import UUID

from sqlmodel import Session
from temporalio.client import Client

import temporal
from activities.interceptor import incident
from database.campaigns import controls
from database.campaigns.progress import count_missed
from database.campaigns.unheard import (
    About,
    note_heard,
    note_start_heard,
    unheard,
    unheard_starts,
)
from database.engine import Database
from database.mail.steps import DOUBTFUL
from database.tables import Campaign

ALL_MAIL = "campaigns that waited while all mail was stopped"
GOES_WRONG = "telling it what was decided goes wrong: {}"


class Telling:
    """Wakes workflows that have something to look at, each by itself."""

    def __init__(self, *, database: Database, client: Client) -> None:
        self._database = database
        self._client = client

    async def unheard(self, now: datetime) -> Mapping[str, str]:
        """Have workflows look at what was decided while Temporal did not answer; those that could
        not be told, and why."""
        untold = {}
        for (slug, number), acts in (await asyncio.to_thread(self._acts)).items():
            campaign, publication = f"campaign/{slug}/{number}", f"publication/{slug}/{number}"
            try:
                await temporal.wake(self._client, campaign)
                await temporal.wake(self._client, publication)
                await asyncio.to_thread(self._note_heard, acts, now)
            except Exception as fault:  # noqa: BLE001 - whatever it is, its words stay here
                untold[campaign] = GOES_WRONG.format(incident(fault).message)
        try:
            await self._mail_goes_on(now)
        except Exception as fault:  # noqa: BLE001 - as above
            untold[ALL_MAIL] = GOES_WRONG.format(incident(fault).message)
        return untold

    async def settled(self, waiting: Collection[str]) -> None:
        """Have campaigns look again that wait for ops and need not, as none of their first notices
        is in doubt any more: the delivery events that settled them wake nobody."""
        for workflow_id in await asyncio.to_thread(self._settled, waiting):
            await temporal.wake(self._client, workflow_id)

    async def _mail_goes_on(self, now: datetime) -> None:
        over, campaigns = await asyncio.to_thread(self._starts)
        if over:
            for workflow_id in campaigns:
                await temporal.wake(self._client, workflow_id)
            await asyncio.to_thread(self._note_start_heard, over, now)

    def _acts(self) -> Mapping[About, Sequence[UUID]]:
        with self._database.session() as session:
            return unheard(session)

    def _note_heard(self, acts: Collection[UUID], now: datetime) -> None:
        with self._database.transaction() as transaction:
            note_heard(transaction, acts, now)

    def _starts(self) -> tuple[Sequence[UUID], Sequence[str]]:
        """The stops of all mail whose end campaigns may not know, and the campaigns."""
        with self._database.session() as session:
            return unheard_starts(session), list(_on_their_way(session))

    def _note_start_heard(self, over: Collection[UUID], now: datetime) -> None:
        with self._database.transaction() as transaction:
            note_start_heard(transaction, over, now)

    def _settled(self, waiting: Collection[str]) -> Sequence[str]:
        with self._database.session() as session:
            return [
                workflow_id
                for workflow_id, campaign in _on_their_way(session).items()
                if workflow_id in waiting and not count_missed(session, campaign, DOUBTFUL)
            ]


def _on_their_way(session: Session) -> Mapping[str, Campaign]:
    """The campaigns that are not finished, each by the id of its workflow."""
    return {
        f"campaign/{policy.slug}/{version.number}": campaign
        for policy, version, campaign in controls.running(session)
    }
