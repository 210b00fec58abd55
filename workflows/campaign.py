"""All notices owed because of one policy version: sent, reminded, escalated, by the timetable."""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from math import ceil

from temporalio import workflow
from temporalio.exceptions import ActivityError, ApplicationError, is_cancelled_exception

with workflow.unsafe.imports_passed_through():
    from activities.campaigns.campaigns import CampaignActivities
    from activities.campaigns.case import (
        CampaignCase,
        CampaignInput,
        FinishInput,
        SendingInput,
        ShardInput,
        ShardsInput,
        StepInput,
    )
    from activities.mail.outbox import ALL_STOPPED, SendProgress
    from domain.rungs import Rung, RungKind
    from temporal import Case
    from workflows.acting import act, attempt, continue_when_long, reach, wait, why
    from workflows.campaign_chapters import (
        FIRST_NOTICE,
        FREEZES,
        TAKES_UP,
        every_shard,
        is_paused,
        is_postponed,
        pace_of,
        problem_with,
        rest_of,
        sends,
        waits_for,
        waits_for_canary,
        waits_for_effect,
        whom,
    )
    from workflows.story import Story

WITHDRAWAL = "withdrawal"
TRIES_AT_ONCE = 4
SHARDS_IN_A_TRY = 10
"""Fewer tries are fewer events in Temporal; more would hold up what was decided meanwhile."""
TRIES_AT_ONCE_BEFORE = 8
SHARDS_IN_A_TRY_BEFORE = 5
"""Of runs that began before a try had two hands."""
FEWER_EVENTS = "keeps-fewer-events"
"""A run that began before the patch of this name keeps the order in which it began."""
PAUSE = timedelta(seconds=30)
WHILE_ALL_IS_STOPPED = timedelta(hours=1)
"""Whoever starts mail again wakes the campaigns; this is for when that was missed."""
LOOK_AGAIN = timedelta(hours=6)
LOOKS = "look what was decided"
LOOKS_AT_CANARY = "look at the canary"
_LONG_AGO = datetime.min.replace(tzinfo=UTC)
CampaignStep = Callable[[CampaignActivities, CampaignInput], CampaignCase]


@workflow.defn(name="campaign")
class CampaignWorkflow:
    """Holds a campaign to its timetable. Who has answered, the database knows."""

    @workflow.init
    def __init__(self, case: Case) -> None:
        self._subject = case
        self._story = Story()
        self._news = False
        self._woken = 0
        self._fewer_events = workflow.patched(FEWER_EVENTS)
        self._at_once = TRIES_AT_ONCE if self._fewer_events else TRIES_AT_ONCE_BEFORE
        self._in_a_try = _in_a_try if self._fewer_events else _in_a_try_before

    @workflow.run
    async def run(self, case: Case) -> str:
        """Take the steps that are not recorded yet, each at its time; then those of the campaign
        that asks again about the same version, if one waits for this one's end."""
        self._story.begin(TAKES_UP)
        await reach(case.as_of, summary="until it was asked for")
        if self._fewer_events:
            campaign = await self._do(
                CampaignActivities.freeze_audience, "load the campaign, and freeze its audience"
            )
        else:
            campaign = await self._do(CampaignActivities.load_campaign, "load the campaign")
        while not (campaign := await self._timetable(campaign)).over:
            campaign = await self._until_it_has_a_day(campaign)
        if campaign.followed_by:
            workflow.continue_as_new(Case(subject_id=campaign.followed_by, as_of=workflow.now()))
        self._story.end(campaign.state, campaign.since)
        return campaign.state

    async def _timetable(self, campaign: CampaignCase) -> CampaignCase:
        """Go through it until the effect, or until the version has no day any more."""
        campaign = await self._notify(campaign)
        campaign = await self._effect(await self._take_steps(campaign))
        if campaign.postponed and not campaign.called_off:
            return campaign
        if campaign.tells_the_end:
            await self._send_to_all(WITHDRAWAL, campaign)
        return await self._finish(told_the_end=campaign.tells_the_end)

    @workflow.signal
    def look_again(self) -> None:
        """Somebody paused, resumed or called it off, or let mail go on: the database says what."""
        self._news = True
        self._woken += 1

    async def _notify(self, campaign: CampaignCase) -> CampaignCase:
        """Send the first notice to everybody, which fixes the date of effect."""
        while campaign.addresses and not campaign.frozen:
            self._story.tell(replace(FREEZES, since=campaign.since))
            campaign = await self._do(CampaignActivities.freeze_audience, "freeze the audience")
        campaign = await self._send_canary(campaign)
        if campaign.waits_for_its_date:
            campaign = await self._send_to_all(FIRST_NOTICE, campaign)
        if campaign.waits_for_its_date:
            campaign = await self._do(
                CampaignActivities.fix_effective_date, "fix the date of effect"
            )
        await self._tell_publication(campaign)
        return campaign

    async def _send_canary(self, campaign: CampaignCase) -> CampaignCase:
        """Mail those who go first, wait, and look what became of it, before the others follow.

        Who they are and whether they need still go first, the database knows: of a campaign that
        was frozen before there were canaries, nobody.
        """
        while campaign.canary and not (campaign.called_off or campaign.postponed):
            if campaign.paused:
                campaign = await self._while_paused(campaign)
            elif campaign.correction:
                campaign = await self._tell_of(campaign.correction, campaign)
            elif campaign.canary_until is None:
                campaign = await self._send_to_all(FIRST_NOTICE, campaign)
                if campaign.postponed:
                    continue
                campaign = await self._look_at_canary()
            else:
                self._story.tell(waits_for_canary(campaign, campaign.canary_until))
                until = campaign.canary_until
                over = await self._undisturbed_until(until, LOOKS_AT_CANARY, campaign)
                campaign = await (self._look_at_canary() if over else self._heed(campaign))
        return campaign

    async def _look_at_canary(self) -> CampaignCase:
        return await self._do(CampaignActivities.look_at_canary, LOOKS_AT_CANARY)

    async def _take_steps(self, campaign: CampaignCase) -> CampaignCase:
        """First those that a decision caused, then those of the timetable, each at its time."""
        while (campaign.owed or campaign.to_come) and not campaign.called_off:
            if campaign.owed:
                campaign = await self._tell_of(campaign.owed[0], campaign)
            else:
                campaign = await self._take(campaign.to_come[0], campaign)
        return campaign

    async def _tell_of(self, step: str, campaign: CampaignCase) -> CampaignCase:
        sent = await self._send_to_all(step, campaign)
        return sent if sent.called_off else await self._note(step, workflow.now())

    async def _take(self, rung: Rung, campaign: CampaignCase) -> CampaignCase:
        self._story.tell(waits_for(rung, campaign))
        if not await self._undisturbed_until(rung.at, rung.summary, campaign):
            return await self._heed(campaign)
        if rung.kind is RungKind.ESCALATION:
            return await self._escalate(rung, campaign)
        sent = await self._send_to_all(rung.key, campaign)
        return sent if sent.called_off else await self._note(rung.key, rung.at, rung.effect_at)

    async def _heed(self, campaign: CampaignCase) -> CampaignCase:
        """Ask the database for what was decided, if we were told that something was."""
        if not self._news:
            return campaign
        self._news = False
        return await self._do(CampaignActivities.load_campaign, LOOKS)

    async def _undisturbed_until(
        self, instant: datetime, summary: str, campaign: CampaignCase
    ) -> bool:
        """Wait until an instant has come; False when something was decided before, or it is time to
        look whether mails still are in doubt."""
        look_at = workflow.now() + LOOK_AGAIN
        while workflow.now() < instant:
            if campaign.in_doubt and look_at < instant:
                await continue_when_long(self._subject)
                await wait(lambda: self._news, look_at, summary=LOOKS)
                self._news = True
                return False
            if await wait(lambda: self._news, instant, summary=summary):
                return False
        return True

    async def _while_paused(self, campaign: CampaignCase) -> CampaignCase:
        """Wait until it is resumed or called off; that may have been missed, so look again."""
        while campaign.paused:
            self._story.tell(is_paused(campaign))
            await continue_when_long(self._subject)
            await wait(lambda: self._news, workflow.now() + LOOK_AGAIN, summary=LOOKS)
            self._news = True
            campaign = await self._heed(campaign)
        return campaign

    async def _until_it_has_a_day(self, campaign: CampaignCase) -> CampaignCase:
        """Wait until the version comes after all, is called off, or something is to be told."""
        while campaign.postponed and not (campaign.called_off or campaign.owed):
            self._story.tell(is_postponed(campaign))
            await continue_when_long(self._subject)
            await wait(lambda: self._news, workflow.now() + LOOK_AGAIN, summary=LOOKS)
            self._news = True
            campaign = await self._heed(campaign)
        return campaign

    async def _note(
        self, step: str, due_at: datetime, effect_at: datetime | None = None
    ) -> CampaignCase:
        return await act(
            CampaignActivities.take_step,
            lambda at: self._step(step, due_at, at, effect_at),
            summary=f"note {step} as taken",
            case=self._subject,
            story=self._story,
        )

    async def _send_to_all(self, step: str, campaign: CampaignCase) -> CampaignCase:
        """Send a step to every shard, four tries at a time, until none has a mail waiting.

        A shard with mails left takes its turn again when the others had theirs, after a pause: what
        waits may wait for what concerns all, and holds all up; what is only in doubt does not. The
        database knows what an earlier run has sent, so a run that continues as new needs no memory
        of its own.
        """
        called_off = campaign.called_off
        shards = await self._open_shards(step, campaign)
        problem, limited = None, SendProgress()
        rest: list[int] = []
        careful = False
        since = campaign.since if step == FIRST_NOTICE else None
        mails = f"the {step.replace('_', ' ')} for {whom(step, campaign)}"
        while shards:
            campaign = await self._while_paused(await self._heed(campaign))
            if campaign.called_off is not called_off:
                return campaign
            if step == FIRST_NOTICE and campaign.postponed:
                return campaign
            if correction := _overtaken_by(step, campaign):
                campaign = await self._tell_of(correction, campaign)
                continue
            pace = pace_of(limited, rest_of(shards + rest, campaign))
            self._story.tell(sends(step, mails, problem, since, pace))
            at_once = 1 if limited.patience else self._at_once
            # What held some up concerns one, or all.
            in_a_try = 1 if careful else self._in_a_try(shards)
            window, shards = shards[: at_once * in_a_try], shards[at_once * in_a_try :]
            tries = [window[first : first + in_a_try] for first in range(0, len(window), in_a_try)]
            woken = self._woken
            sent = await asyncio.gather(*(self._send_shards(step, each) for each in tries))
            for each, progress in zip(tries, sent, strict=True):
                begun = len(each) - progress.not_begun
                if progress.waiting or (progress.unknown and not campaign.canary):
                    rest += each[:begun]
                shards += each[begun:]
            problem = next((told for told in map(problem_with, sent) if told), None)
            limited = _limited(sent)
            self._news = self._news or any(progress.held for progress in sent)
            await continue_when_long(self._subject)
            careful = bool(rest)
            if not rest:
                continue
            concerns_all = any(each.waiting or each.problem or each.patience for each in sent)
            if shards and not concerns_all and workflow.patched("lets-others-go-on"):
                careful = False
                continue
            campaign = await self._heed(campaign)  # perhaps it was paused: that waits by itself
            if not campaign.paused and campaign.called_off is called_off:
                pace = pace_of(limited, rest_of(shards + rest, campaign))
                self._story.tell(sends(step, mails, problem, since, pace))
                await self._before_the_rest(limited, problem, woken)
            shards, rest = shards + rest, []
        return campaign

    async def _before_the_rest(
        self, limited: SendProgress, problem: str | None, woken: int
    ) -> None:
        """Wait half a minute; or, where a rate or a 429 said so, until then or until news; or,
        where all mail is stopped, until somebody woke us since it was tried."""
        if limited.not_before is not None:
            await wait(lambda: self._news, limited.not_before, summary="until more mails may go")
        elif (pause := _until_the_next_try(problem)) > PAUSE:
            until = workflow.now() + pause
            await wait(lambda: self._woken > woken, until, summary="until mail goes on")
        else:
            await workflow.sleep(PAUSE, summary="before trying the rest again")

    async def _open_shards(self, step: str, campaign: CampaignCase) -> list[int]:
        """Those that are not done with it: all, where no mail of it was queued yet, which the case
        says. Nobody but this workflow begins a step."""
        if self._fewer_events and step in campaign.not_begun:
            return every_shard(step, campaign)
        return await act(
            CampaignActivities.open_shards,
            lambda at: SendingInput(campaign_id=self._subject.subject_id, step=step, now=at),
            summary=f"look who is still owed {step}",
            case=self._subject,
            story=self._story,
        )

    async def _send_shards(self, step: str, shards: Sequence[int]) -> SendProgress:
        """One try; what goes wrong with it does not hold up the other shards."""
        first, several = shards[0], len(shards) > 1
        summary = f"send {step}, shard{f's {first} to {shards[-1]}' if several else f' {first}'}"
        campaign_id = self._subject.subject_id
        try:
            if several:
                progress = await attempt(
                    CampaignActivities.send_shards,
                    lambda at: ShardsInput(
                        campaign_id=campaign_id, step=step, shards=tuple(shards), now=at
                    ),
                    summary=summary,
                )
            else:
                progress = await attempt(
                    CampaignActivities.send_shard,
                    lambda at: ShardInput(campaign_id=campaign_id, step=step, shard=first, now=at),
                    summary=summary,
                )
        except ActivityError as failure:
            if is_cancelled_exception(failure):
                raise
            self._story.goes_wrong(summary, why(failure))
            return SendProgress(waiting=1)
        self._story.goes_well(summary)
        return progress

    async def _escalate(self, rung: Rung, campaign: CampaignCase) -> CampaignCase:
        """Tell staff, unless something is decided before the mail service took it. A mail in doubt
        holds nothing up: the watchdog looks after it once the step is noted."""
        mails = f"the {rung.summary}"
        if not self._fewer_events:
            self._story.tell(sends(rung.key, mails, None))
        while True:
            told = await act(
                CampaignActivities.escalate,
                lambda at: self._step(rung.key, rung.at, at, rung.effect_at),
                summary=rung.summary,
                case=self._subject,
                story=self._story,
            )
            if told.noted:
                return told.noted
            heeds = self._fewer_events or workflow.patched("heeds-while-it-escalates")
            if not (told.waiting or (told.unknown and not heeds)):  # by code that did not note it
                return await self._note(rung.key, rung.at, rung.effect_at)
            pace = pace_of(_limited([told]), told.waiting)
            self._story.tell(sends(rung.key, mails, problem_with(told), pace=pace))
            await continue_when_long(self._subject)
            if not heeds:
                await workflow.sleep(PAUSE, summary="before trying again")
            elif await wait(
                lambda: self._news,
                workflow.now() + _until_the_next_try(told.problem),
                summary="before trying again",
            ):
                return await self._heed(campaign)

    async def _tell_publication(self, campaign: CampaignCase) -> None:
        if campaign.effective_at is None:
            return
        publication = workflow.get_external_workflow_handle(campaign.publication)
        try:
            await publication.signal("effective_date_fixed", campaign.effective_at)
        except ApplicationError:
            workflow.logger.info("the publication is not running; it reads the date when it is")

    async def _effect(self, campaign: CampaignCase) -> CampaignCase:
        """Wait for the date of effect, unless the version is withdrawn before; it may move."""
        while campaign.effective_at is not None and not campaign.called_off:
            if campaign.effective_at > workflow.now() or not self._fewer_events:
                self._story.tell(waits_for_effect(campaign))
            if await self._undisturbed_until(campaign.effective_at, "date of effect", campaign):
                break
            campaign = await self._take_steps(await self._heed(campaign))
        return campaign

    def _step(
        self, step: str, due_at: datetime, at: datetime, effect_at: datetime | None
    ) -> StepInput:
        return StepInput(
            campaign_id=self._subject.subject_id,
            step=step,
            due_at=due_at,
            now=at,
            effect_at=effect_at,
        )

    async def _finish(self, *, told_the_end: bool) -> CampaignCase:
        return await act(
            CampaignActivities.finish_campaign,
            lambda at: FinishInput(
                campaign_id=self._subject.subject_id, now=at, told_the_end=told_the_end
            ),
            summary="keep the final numbers",
            case=self._subject,
            story=self._story,
        )

    async def _do(self, activity: CampaignStep, summary: str) -> CampaignCase:
        return await act(
            activity,
            lambda at: CampaignInput(campaign_id=self._subject.subject_id, now=at),
            summary=summary,
            case=self._subject,
            story=self._story,
        )


def _overtaken_by(step: str, campaign: CampaignCase) -> str | None:
    """The step by which wrong mails are put right, where it comes before the rest of this one:
    nothing of the timetable may hold it up (P8)."""
    if step == FIRST_NOTICE or not campaign.correction:
        return campaign.correction
    reminds = step.startswith(RungKind.REMINDER)
    return (
        campaign.correction if reminds and workflow.patched("corrects-before-it-reminds") else None
    )


def _until_the_next_try(problem: str | None) -> timedelta:
    """Half a minute; where people stopped all mail, it is theirs to start it, and they say so."""
    if problem == ALL_STOPPED and workflow.patched("waits-while-all-is-stopped"):
        return WHILE_ALL_IS_STOPPED
    return PAUSE


def _limited(sent: Sequence[SendProgress]) -> SendProgress:
    """Of what some shards came to, the one that a rate or a 429 holds longest, if any is."""
    limited = [progress for progress in sent if progress.patience]
    if not (limited and workflow.patched("waits-for-the-rate")):
        return SendProgress()
    return max(limited, key=lambda progress: progress.not_before or _LONG_AGO)


def _in_a_try(shards: Sequence[int]) -> int:
    """How many shards one try sends: in as few tries as may be, of like size."""
    return _alike(shards, SHARDS_IN_A_TRY, TRIES_AT_ONCE)


def _in_a_try_before(shards: Sequence[int]) -> int:
    if len(shards) > 1 and workflow.patched("as-few-tries-as-may-be"):
        return _alike(shards, SHARDS_IN_A_TRY_BEFORE, TRIES_AT_ONCE_BEFORE)
    if len(shards) <= TRIES_AT_ONCE_BEFORE or not workflow.patched("several-shards-in-a-try"):
        return 1
    return min(ceil(len(shards) / TRIES_AT_ONCE_BEFORE), SHARDS_IN_A_TRY_BEFORE)


def _alike(shards: Sequence[int], most: int, at_once: int) -> int:
    tries = min(ceil(len(shards) / most), at_once)
    return min(ceil(len(shards) / tries), most)
