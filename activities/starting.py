"""Starts workflows by name: a campaign when it is announced, and whatever is found missing."""

import asyncio
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlmodel import col, select
from temporalio import activity
from temporalio.client import Client

import temporal
from clock import Clock
from database.engine import Database
from database.facts import record
from database.outbox import without_sender
from database.requests import open_requests
from database.tables import Campaign, Policy, PolicyVersion
from domain.reviews import VersionState

LIVES = (VersionState.SUBMITTED, VersionState.IN_REVIEW, VersionState.ANNOUNCED)


@dataclass(frozen=True, kw_only=True)
class CampaignToStart:
    """The campaign of an announced version."""

    campaign_id: UUID
    slug: str
    number: int
    as_of: datetime


@dataclass(frozen=True, kw_only=True)
class Patrol:
    """What one round of the watchdog found and repaired."""

    watched: int
    started: tuple[str, ...]


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

    @activity.defn
    async def patrol(self) -> Patrol:
        """Start every workflow that the register says should run and that does not."""
        now = await asyncio.to_thread(self._clock.now)
        offset = await asyncio.to_thread(self._clock.offset)
        wanted = await asyncio.to_thread(self._register)
        running = {
            execution.id
            async for execution in self._client.list_workflows("ExecutionStatus='Running'")
        }
        missing = [what for what in wanted if what.workflow_id not in running]
        for what in missing:
            await temporal.start(self._client, what, as_of=now, offset=offset)
        await asyncio.to_thread(self._record, missing, now)
        return Patrol(watched=len(wanted), started=tuple(what.workflow_id for what in missing))

    def _register(self) -> list[temporal.Start]:
        with self._database.session() as session:
            versions = session.exec(
                select(PolicyVersion, Policy)
                .join(Policy, col(Policy.id) == col(PolicyVersion.policy_id))
                .where(col(PolicyVersion.state).in_(LIVES))
            ).all()
            campaigns = session.exec(
                select(Campaign, PolicyVersion, Policy)
                .join(PolicyVersion, col(PolicyVersion.id) == col(Campaign.policy_version_id))
                .join(Policy, col(Policy.id) == col(PolicyVersion.policy_id))
                .where(Campaign.state == "running")
            ).all()
            return [
                *(
                    temporal.publication(version.id, policy.slug, version.number)
                    for version, policy in versions
                ),
                *(
                    temporal.campaign(campaign.id, policy.slug, version.number)
                    for campaign, version, policy in campaigns
                ),
                *(
                    temporal.data_subject_request(request.id, request.kind)
                    for request in open_requests(session)
                ),
                *(temporal.mail_delivery(mail_id) for mail_id in without_sender(session)),
            ]

    def _record(self, missing: list[temporal.Start], now: datetime) -> None:
        if not missing:
            return
        with self._database.transaction() as transaction:
            for what in missing:
                record(
                    transaction,
                    "watchdog.started",
                    what.subject_id,
                    now,
                    workflow_id=what.workflow_id,
                )
