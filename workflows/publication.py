"""The life of a policy version: assessed, reviewed by legal, announced, in force."""

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from uuid import UUID

from temporalio import workflow
from temporalio.exceptions import ApplicationError

with workflow.unsafe.imports_passed_through():
    from activities.campaigns.publication import (
        PublicationActivities,
        PublicationCase,
        VersionInput,
    )
    from activities.campaigns.starting import CampaignToStart, StartingActivities
    from domain.policies.reviews import (
        TO_COME,
        ReviewRequest,
        VersionState,
        rejection_refusal,
        release_refusal,
        review_refusal,
    )
    from temporal import Case
    from workflows.acting import act, continue_when_long, reach, wait
    from workflows.story import LOOKS, Chapter, Story

LOOK_AGAIN = timedelta(days=1)
LOOKS_FOR_DECISION = "look whether legal has decided"
LOOKS_FOR_DATE = "look whether the date of effect is fixed"
PublicationStep = Callable[[PublicationActivities, VersionInput], PublicationCase]


@workflow.defn(name="publication")
class PublicationWorkflow:
    """Waits for legal, then for the notice to have gone out, then for the date of effect."""

    @workflow.init
    def __init__(self, case: Case) -> None:
        self._subject = case
        self._version_id = case.subject_id
        self._case: PublicationCase | None = None
        self._told: datetime | None = None
        self._effective_at: datetime | None = None
        self._news = False
        self._story = Story()
        self._fewer_events = workflow.patched("keeps-fewer-events")

    @workflow.run
    async def run(self, case: Case) -> str:
        """Live through the stages that are not recorded yet."""
        self._story.begin(_TAKES_UP)
        await reach(case.as_of, summary="until it was asked for")
        if self._fewer_events:
            now = await self._do(
                PublicationActivities.assess_version,
                "load the version, and compare it if it is new",
            )
        else:
            now = await self._load_and_assess()
        if now.state is VersionState.IN_REVIEW:
            self._story.tell(replace(_WAITS_FOR_LEGAL, since=now.since))
            now = await self._legal_decides()
        if now.state in TO_COME:
            await self._tell_replaced()
            await self._notice_goes_out()
            now = await self._takes_effect()
        await workflow.wait_condition(workflow.all_handlers_finished)
        self._story.end(now.state, now.since)
        return now.state

    async def _load_and_assess(self) -> PublicationCase:
        """In two steps, as runs do that began before it was one."""
        now = await self._do(PublicationActivities.load_publication, "load the version")
        if now.state is VersionState.SUBMITTED:
            self._story.tell(replace(_COMPARES, since=now.since))
            now = await self._do(
                PublicationActivities.assess_version,
                "compare with earlier texts, for legal to review",
            )
        return now

    @workflow.update
    async def review(self, review: ReviewRequest) -> None:
        """Legal confirms, dismisses or adds findings and gives the class (P2)."""
        await self._do(PublicationActivities.record_review, "record a review", review.review_id)

    @review.validator
    def refuse_review(self, review: ReviewRequest) -> None:
        """Refused before it enters the history: by the wrong person, or too late."""
        if self._knows_the_review:
            _refuse(review_refusal(self._loaded.review, review))

    @workflow.update
    async def release(self, releaser_id: UUID) -> None:
        """Legal lets the version go out; never the submitter alone (P2)."""
        await self._do(PublicationActivities.record_release, "record the release", releaser_id)

    @release.validator
    def refuse_release(self, releaser_id: UUID) -> None:
        """Refused while a finding is undecided, the class is missing, or by the submitter."""
        if self._knows_the_review:
            _refuse(release_refusal(self._loaded.review, releaser_id))

    @workflow.signal
    def effective_date_fixed(self, effective_at: datetime) -> None:
        """The campaign says that all first notices are out, so the date is fixed (P7).

        Anybody who reaches Temporal can say so: which date, and whether, the database says.
        """
        self._told = effective_at

    @workflow.signal
    def look_again(self) -> None:
        """Somebody withdrew, postponed or replaced it: what exactly, the database says (P8)."""
        self._news = True

    @workflow.update
    async def reject(self, review_id: UUID) -> None:
        """Legal takes the version back before anybody heard of it."""
        await self._do(PublicationActivities.record_rejection, "record the rejection", review_id)

    @reject.validator
    def refuse_rejection(self, review_id: UUID) -> None:  # noqa: ARG002 - the update's signature
        """Refused once the version is released."""
        if self._knows_the_review:
            _refuse(rejection_refusal(self._loaded.review))

    @property
    def _knows_the_review(self) -> bool:
        """Before that the activity, which asks the database, is the only judge."""
        return self._case is not None and self._case.state is not VersionState.SUBMITTED

    @property
    def _loaded(self) -> PublicationCase:
        if self._case is None:
            raise RuntimeError("the version has not been read yet")
        return self._case

    async def _legal_decides(self) -> PublicationCase:
        """Wait until the version is released, and announce it; or until it is rejected.

        A decision may stand in the database that this workflow was not told: it looks once a day.
        """
        while not self._is_decided():
            await continue_when_long(self._subject)
            again_at = workflow.now() + LOOK_AGAIN
            decided = await wait(
                lambda: self._is_decided() or self._news, again_at, summary=LOOKS_FOR_DECISION
            )
            if not decided or self._news:
                self._news = False
                await self._do(PublicationActivities.load_publication, LOOKS_FOR_DECISION)
        if self._loaded.state is VersionState.IN_REVIEW:
            return await self._do(PublicationActivities.announce, "announce")
        return self._loaded

    def _is_decided(self) -> bool:
        case = self._loaded
        return case.review.released or case.state is not VersionState.IN_REVIEW

    async def _tell_replaced(self) -> None:
        """Let the workflows of the version whose place this one took look, and end."""
        slug = self._loaded.slug
        for number in self._loaded.replaces:
            for workflow_id in (f"campaign/{slug}/{number}", f"publication/{slug}/{number}"):
                try:
                    await workflow.get_external_workflow_handle(workflow_id).signal("look_again")
                except ApplicationError:
                    workflow.logger.info("it is not running; it reads the database when it is")

    async def _notice_goes_out(self) -> None:
        """Start the campaign, which fixes the date; an editorial version has none."""
        now = self._loaded
        if now.campaign_id is None:
            return
        campaign_id = now.campaign_id
        await act(
            StartingActivities.start_campaign,
            lambda at: CampaignToStart(
                campaign_id=campaign_id, slug=now.slug, number=now.number, as_of=at
            ),
            summary="start the campaign",
            case=self._subject,
            story=self._story,
        )

    async def _takes_effect(self) -> PublicationCase:
        """Wait for the date of effect; the database may have come to know a later one."""
        self._effective_at = self._loaded.effective_at
        while self._loaded.state in TO_COME:
            if self._effective_at is None:
                await self._date_is_fixed()
            else:
                await self._date_comes(self._effective_at)
        return self._loaded

    async def _date_is_fixed(self) -> None:
        """Wait to be told that the date is fixed, at most a day, and ask the database for it."""
        if self._told is None:
            await continue_when_long(self._subject)
            postponed = self._loaded.state is VersionState.POSTPONED
            waits_for = _waits_for_a_day if postponed else _waits_for_campaign
            self._story.tell(waits_for(self._loaded))
            again_at = workflow.now() + LOOK_AGAIN
            await wait(
                lambda: self._told is not None or self._news, again_at, summary=LOOKS_FOR_DATE
            )
        if self._news:
            await self._heed()
            return
        told, self._told = self._told, None
        asks = told is None or self._fewer_events
        if asks or workflow.patched("asks-the-database-for-the-date"):
            await self._do(PublicationActivities.load_publication, LOOKS_FOR_DATE)
            self._effective_at = self._loaded.effective_at
        else:
            self._effective_at = told

    async def _date_comes(self, effective_at: datetime) -> None:
        """Whether it has come, the database says, and else which date it knows now."""
        self._story.tell(_waits_for_date(effective_at, self._loaded.since))
        while workflow.now() < effective_at:
            if await wait(lambda: self._news, effective_at, summary="date of effect"):
                await self._heed()
                return
        await self._do(PublicationActivities.put_in_force, "put in force")
        self._effective_at = self._loaded.effective_at

    async def _heed(self) -> None:
        """Ask the database for what was decided."""
        self._news = False
        await self._do(PublicationActivities.load_publication, LOOKS_FOR_DATE)
        self._effective_at = self._loaded.effective_at

    async def _do(
        self, activity: PublicationStep, summary: str, act_id: UUID | None = None
    ) -> PublicationCase:
        read = await act(
            activity,
            lambda at: VersionInput(version_id=self._version_id, now=at, act_id=act_id),
            summary=summary,
            case=self._subject,
            story=self._story,
        )
        self._case = _further(self._case, read)
        return self._case


def _further(known: PublicationCase | None, read: PublicationCase) -> PublicationCase:
    """What is known after reading. Acts overlap, and an answer may be older than the one before.

    A version never goes back to an earlier stage, a release stays one, and so does a review.
    """
    if known is None or _progress(read) >= _progress(known):
        return read
    return known


def _progress(case: PublicationCase) -> tuple[int, bool, int]:
    stage = VersionState.ANNOUNCED if case.state in TO_COME else case.state  # to and fro
    return list(VersionState).index(stage), case.review.released, case.reviews


def _refuse(refusal: str | None) -> None:
    if refusal:
        raise ApplicationError(refusal, type="Refused")


_COMPARES = Chapter(
    stage="submitted",
    waits_for="the comparison with every text that somebody accepted, for legal to review",
    by_itself="puts the version in review",
)
_TAKES_UP = (
    f"{LOOKS}, and of a new version for the comparison with every text that somebody accepted"
)
_WAITS_FOR_LEGAL = Chapter(
    stage="in review",
    waits_for="legal to decide every finding, to give the class, and to release or reject the "
    "version in the staff console",
    awaiting="legal",
    by_itself="nothing, before legal decides",
    wake="nobody at night. Legal in office hours: as long as this waits, nobody outside hears of "
    "the version, and nothing is late",
)


def _waits_for_campaign(case: PublicationCase) -> Chapter:
    campaign = f"campaign/{case.slug}/{case.number}"
    return Chapter(
        stage="announced",
        waits_for=f"`{campaign}` to send every first notice; the date of effect follows from the "
        "last one",
        awaiting="campaign",
        since=case.since,
        by_itself="fixes the date of effect when the campaign tells it",
        wake=f"nobody for this. Look at the page of `{campaign}`: it says when mails do not go out",
    )


def _waits_for_a_day(case: PublicationCase) -> Chapter:
    return Chapter(
        stage="postponed",
        waits_for="legal to say when it takes effect: `promisekeeper policy postpone "
        f"{case.slug} {case.number} --until DATE`",
        awaiting="legal",
        since=case.since,
        by_itself="nothing. Whoever was mailed was told that it comes later",
        wake="nobody",
    )


def _waits_for_date(effective_at: datetime, since: datetime | None) -> Chapter:
    return Chapter(
        stage="announced",
        waits_for="the date of effect",
        awaiting="nobody",
        since=since,
        until=effective_at,
        by_itself="puts the version in force",
        wake="nobody. The version counts as in force from that instant, also while no worker runs",
    )
