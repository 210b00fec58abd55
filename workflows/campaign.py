"""All notices owed because of one policy version: sent, reminded, escalated, by the timetable."""

import asyncio
from collections.abc import Callable
from datetime import datetime, timedelta

from temporalio import workflow
from temporalio.exceptions import ApplicationError

with workflow.unsafe.imports_passed_through():
    from activities.campaigns import (
        CampaignActivities,
        CampaignCase,
        CampaignInput,
        ShardInput,
        StepInput,
    )
    from activities.outbox import SendProgress
    from domain.timetable import Rung, RungKind
    from temporal import Case
    from workflows.acting import SIGN_OF_LIFE, act, reach
    from workflows.story import Chapter, Story

FIRST_NOTICE = "first_notice"
SHARDS_AT_ONCE = 8
ACTIVITIES_PER_RUN = 500
PAUSE = timedelta(seconds=30)
CampaignStep = Callable[[CampaignActivities, CampaignInput], CampaignCase]


@workflow.defn(name="campaign")
class CampaignWorkflow:
    """Holds a campaign to its timetable. Who has answered, the database knows."""

    @workflow.init
    def __init__(self, case: Case) -> None:
        self._subject = case
        self._cursor = case.cursor
        self._activities = 0
        self._story = Story()

    @workflow.run
    async def run(self, case: Case) -> str:
        """Take the steps that are not recorded yet, each at its time."""
        await reach(case.as_of, summary="until it was asked for")
        campaign = await self._do(CampaignActivities.load_campaign, "load the campaign")
        if not campaign.frozen:
            campaign = await self._do(CampaignActivities.freeze_audience, "freeze the audience")
        if campaign.effective_at is None:
            await self._send_to_all(FIRST_NOTICE, campaign)
            campaign = await self._do(
                CampaignActivities.fix_effective_date, "fix the date of effect"
            )
        await self._tell_publication(campaign)
        while campaign.to_come:
            campaign = await self._take(campaign.to_come[0], campaign)
        await self._effect(campaign)
        campaign = await self._do(CampaignActivities.finish_campaign, "keep the final numbers")
        return campaign.state

    async def _take(self, rung: Rung, campaign: CampaignCase) -> CampaignCase:
        self._story.tell(_waits_for(rung, campaign))
        await reach(rung.at, summary=rung.summary)
        if rung.kind is RungKind.REMINDER:
            await self._send_to_all(rung.key, campaign)
        else:
            await self._escalate(rung)
        return await act(
            CampaignActivities.take_step,
            lambda at: self._step(rung, at),
            summary=f"note {rung.key} as taken",
        )

    async def _send_to_all(self, step: str, campaign: CampaignCase) -> None:
        """Send a step to every shard, eight at a time, until none has a mail waiting."""
        shards = list(range(self._cursor, campaign.shards))
        while shards:
            self._story.tell(_sends(step, campaign, None))
            unfinished: list[int] = []
            problem: str | None = None
            for first in range(0, len(shards), SHARDS_AT_ONCE):
                window = shards[first : first + SHARDS_AT_ONCE]
                for shard, progress in await self._send_window(step, window):
                    if progress.waiting or progress.unknown:
                        unfinished.append(shard)
                        problem = progress.problem or problem
                self._continue_when_long(min(unfinished, default=window[-1] + 1))
            shards = unfinished
            if shards:
                self._story.tell(_sends(step, campaign, problem or "waiting for delivery events"))
                await workflow.sleep(PAUSE, summary="before trying the rest again")
        self._cursor = 0

    async def _send_window(self, step: str, window: list[int]) -> list[tuple[int, SendProgress]]:
        self._activities += len(window)
        return await asyncio.gather(*(self._send_shard(step, shard) for shard in window))

    async def _send_shard(self, step: str, shard: int) -> tuple[int, SendProgress]:
        progress = await act(
            CampaignActivities.send_shard,
            lambda at: ShardInput(
                campaign_id=self._subject.subject_id, step=step, shard=shard, now=at
            ),
            summary=f"{step}, shard {shard}",
            sign_of_life=SIGN_OF_LIFE,
        )
        return shard, progress

    async def _escalate(self, rung: Rung) -> None:
        while True:
            progress = await act(
                CampaignActivities.escalate,
                lambda at: self._step(rung, at),
                summary=rung.summary,
                sign_of_life=SIGN_OF_LIFE,
            )
            if not (progress.waiting or progress.unknown):
                return
            await workflow.sleep(PAUSE, summary="before trying again")

    async def _tell_publication(self, campaign: CampaignCase) -> None:
        if campaign.effective_at is None:
            return
        publication = workflow.get_external_workflow_handle(campaign.publication)
        try:
            await publication.signal("effective_date_fixed", campaign.effective_at)
        except ApplicationError:
            workflow.logger.info("the publication is not running; it reads the date when it is")

    async def _effect(self, campaign: CampaignCase) -> None:
        if campaign.effective_at is not None:
            self._story.tell(
                Chapter(
                    stage="notified",
                    waits_for="the date of effect, to keep the final numbers",
                    awaiting="nobody",
                    until=campaign.effective_at,
                    wake="nobody",
                )
            )
            await reach(campaign.effective_at, summary="date of effect")

    def _continue_when_long(self, cursor: int) -> None:
        if self._activities >= ACTIVITIES_PER_RUN:
            workflow.continue_as_new(
                Case(subject_id=self._subject.subject_id, as_of=self._subject.as_of, cursor=cursor)
            )

    def _step(self, rung: Rung, at: datetime) -> StepInput:
        return StepInput(
            campaign_id=self._subject.subject_id, step=rung.key, due_at=rung.at, now=at
        )

    async def _do(self, activity: CampaignStep, summary: str) -> CampaignCase:
        return await act(
            activity,
            lambda at: CampaignInput(campaign_id=self._subject.subject_id, now=at),
            summary=summary,
        )


def _sends(step: str, campaign: CampaignCase, problem: str | None) -> Chapter:
    trouble = f" Mails do not go out: {problem}. It tries again by itself." if problem else ""
    return Chapter(
        stage=f"sending {step}",
        waits_for=f"{step} to {campaign.addressees} account holders.{trouble}",
        awaiting="mail service" if problem else "nobody",
        wake="ops, if this stays for more than an hour" if problem else "nobody",
    )


def _waits_for(rung: Rung, campaign: CampaignCase) -> Chapter:
    return Chapter(
        stage="notified",
        waits_for=f"{campaign.addressees} account holders to approve or decline; next: "
        f"{rung.summary}",
        awaiting="account holders",
        until=rung.at,
        wake="nobody: reminders and escalations go out by themselves",
    )
