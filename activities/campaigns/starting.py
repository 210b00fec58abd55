"""Starts a campaign's workflow when its version is announced."""

import asyncio
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from temporalio import activity
from temporalio.client import Client

import temporal
from clock import Clock
from database.engine import Database


@dataclass(frozen=True, kw_only=True)
class CampaignToStart:
    """The campaign of an announced version."""

    campaign_id: UUID
    slug: str
    number: int
    as_of: datetime


class StartingActivities:
    """Starts workflows from inside; built once, in worker.py."""

    def __init__(self, *, database: Database, clock: Clock, client: Client) -> None:
        self._database = database
        self._clock = clock
        self._client = client

    @activity.defn
    async def start_campaign(self, campaign: CampaignToStart) -> None:
        """Start a campaign's workflow, or find it running.

        It is no child of the publication: it lives on when ops terminate that, and Temporal cannot
        skip time in a workflow that has a child under way.
        """
        what = temporal.campaign(campaign.campaign_id, campaign.slug, campaign.number)
        offset = await asyncio.to_thread(self._clock.offset)
        await temporal.start(self._client, what, as_of=campaign.as_of, offset=offset)
