"""The steps of a campaign. The database holds the people; these hold it to its timetable."""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import replace
from datetime import datetime, timedelta
from functools import reduce
from uuid import UUID

from sqlmodel import Session
from temporalio import activity

from activities.campaigns.case import (
    CampaignCase,
    CampaignInput,
    Escalated,
    FinishInput,
    SendingInput,
    ShardInput,
    ShardsInput,
    StepInput,
)
from activities.campaigns.timetable import Timetable
from activities.mail.courier import Courier
from activities.mail.outbox import Sender, SendProgress
from activities.moments import Moments, moments_since
from database.campaigns import campaigns, freezing
from database.campaigns.canaries import choose_canary, look_at_canary
from database.campaigns.owed import steps_owed
from database.campaigns.progress import Progress, progress_of
from database.campaigns.replacing import carry_over, last_told_at, tell_of_later_day
from database.campaigns.shards import (
    open_shards,
    queue_step,
)
from database.chunks import LongEnough, at_most
from database.engine import Database
from database.facts import record
from database.mail.mail_rows import Batch
from database.mail.outbox import (
    ACCOUNT,
    CAMPAIGN,
    STAFF,
    Queued,
    cancel,
    cancel_overtaken,
    queue,
)
from database.mail.steps import (
    CALLED_OFF,
    FINISHED,
    FIRST_NOTICE,
    OWNERS_REPORT,
    TO_LEGAL,
    WITHDRAWAL,
    WITHDRAWN,
    is_reminder,
)
from database.people.staff import in_charge, present
from database.policies.without_approval import follow
from database.tables import Campaign, PolicyVersion, Staff
from database.webhooks.alarms import AlarmKind, sound_of_campaign
from database.writing import held
from domain.campaigns.sending import Canary, Limits
from domain.campaigns.timetable import effective_at
from domain.company import CampaignLeads, Company
from domain.places import local_date
from domain.policies.reviews import VersionState

ONE_DAY = timedelta(days=1)
CANCELLED_AT_ONCE = 1000
BEGIN_WITHIN = timedelta(minutes=1)
"""A shard that is begun later might not end within one try of a workflow (see SEND_WITHIN)."""
HANDS = 2
"""One fills in letters while the other waits for the database or the mail service."""
FREEZE_WITHIN = timedelta(minutes=3)
"""Well within one try of a workflow, which takes it for broken after five minutes."""


class CampaignActivities:
    """Freezes the audience, sends steps, fixes the date, escalates; built once, in worker.py."""

    def __init__(
        self,
        *,
        database: Database,
        sender: Sender,
        company: Company,
        leads: CampaignLeads,
        canary: Canary,
        limits: Limits,
        courier: Courier,
    ) -> None:
        self._database = database
        self._sender = sender
        self._company = company
        self._timetable = Timetable(zone=company.zone, leads=leads)
        self._canary = canary
        self._limits = limits
        self._courier = courier

    @activity.defn
    def load_campaign(self, what: CampaignInput) -> CampaignCase:
        """How the campaign stands in the database, and which rungs are still to come."""
        with self._database.session() as session:
            return self._timetable.case(
                session, session.get_one(Campaign, what.campaign_id), what.now
            )

    @activity.defn
    def freeze_audience(self, what: CampaignInput) -> CampaignCase:
        """Write down whom the campaign addresses (P4), and who of them are mailed first (P8); not
        yet frozen if that takes very long. Done once, and not where nobody is to be mailed."""
        case = self.load_campaign(what)
        if case.frozen or not case.addresses:
            return case
        with suppress(LongEnough):
            enough = at_most(FREEZE_WITHIN)
            freezing.freeze_audience(self._database, what.campaign_id, what.now, enough)
            choose_canary(self._database, what.campaign_id, self._canary, what.now, enough)
        return self.load_campaign(what)

    @activity.defn
    def look_at_canary(self, what: CampaignInput) -> CampaignCase:
        """Let the others wait for the canary that was mailed; then look what became of it (P8).

        When too much went wrong the campaign is paused and its owner told; else the others follow.
        """
        with self._database.transaction() as transaction:
            told = look_at_canary(
                transaction, what.campaign_id, self._canary, self._limits, what.now
            )
        now = moments_since(what.now).now()
        self._courier.tell(now)
        self._sender.tell(told, now)
        return self.load_campaign(what)

    @activity.defn
    def open_shards(self, sending: SendingInput) -> list[int]:
        """The shards that are not done with a step: not queued yet, or with mails waiting."""
        with self._database.session() as session:
            return open_shards(session, sending.campaign_id, sending.step)

    @activity.defn
    def send_shard(self, shard: ShardInput) -> SendProgress:
        """Queue what a shard is owed for a step, and send it. Asking twice queues nothing twice.

        A reminder whose time is over, as the mail service was away until the next one was due or
        the version in effect, goes to nobody any more. One whose version has no day for now waits:
        its rest goes out in its time before the new one.
        """
        return self._send_shard(shard, moments_since(shard.now))

    @activity.defn
    def send_shards(self, what: ShardsInput) -> SendProgress:
        """As `send_shard`, for one shard after the other, by two hands; until one has mails left,
        or a minute has passed. How many were not begun, the progress says."""
        moments, waiting = moments_since(what.now), iter(what.shards)

        def serve(_hand: int) -> list[SendProgress]:
            served: list[SendProgress] = []
            while not served or not (served[-1].waiting or moments.passed() > BEGIN_WITHIN):
                number = next(waiting, None)  # of both hands' shards
                if number is None:
                    break
                shard = ShardInput(
                    campaign_id=what.campaign_id, step=what.step, shard=number, now=what.now
                )
                served.append(self._send_shard(shard, moments))
            return served

        with ThreadPoolExecutor(HANDS) as hands:
            served = [each for hand in hands.map(serve, range(HANDS)) for each in hand]
        together = reduce(SendProgress.then, served, SendProgress())
        return replace(together, not_begun=len(what.shards) - len(served))

    def _send_shard(self, shard: ShardInput, moments: Moments) -> SendProgress:
        batch = Batch(subject_id=shard.campaign_id, step=shard.step, shard=shard.shard)
        with self._database.transaction() as transaction:
            campaign = transaction.get_one(Campaign, shard.campaign_id)
            if _waits_for_a_day(transaction, campaign, shard.step):
                return SendProgress()
            called_off = campaign.state in CALLED_OFF and shard.step != WITHDRAWAL
            if called_off or self._timetable.is_over(transaction, campaign, shard.step, shard.now):
                cancel(transaction, batch)
            else:
                queue_step(
                    transaction,
                    campaign,
                    shard.step,
                    shard.shard,
                    languages=self._company.languages,
                    now=shard.now,
                )
                carry_over(transaction, campaign, batch, shard.now)
        return self._sender.send(batch, moments.now())

    @activity.defn
    def fix_effective_date(self, what: CampaignInput) -> CampaignCase:
        """The first local midnight after the last first notice was accepted plus the notice (P7).

        Mails that nobody took (bounced, in doubt) do not hold the date: they are the not-reached.
        Where all were taken long ago, about the version that this one corrects, it is never earlier
        than what was said then, nor than tomorrow; whoever joined since does not move it. Of a
        version that is in force already, whose class was wrong, it is the day until which people
        are asked (P2).
        """
        with self._database.transaction() as transaction:
            addressed = transaction.get_one(Campaign, what.campaign_id)
            version = held(transaction, PolicyVersion, addressed.policy_version_id)
            campaign = held(transaction, Campaign, what.campaign_id)
            to_come = version.state == VersionState.ANNOUNCED  # and neither withdrawn nor postponed
            asks_late = campaign.reclassified_id is not None
            if campaign.notified_at is None and (to_come or asks_late):
                accepted_at = last_told_at(transaction, campaign)
                tomorrow = local_date(what.now, self._company.zone) + ONE_DAY
                ends_at = effective_at(
                    accepted_at or what.now,
                    timedelta(days=version.notice_days),
                    max(tomorrow, version.planned_effective_on or tomorrow),
                    self._company.time_zone,
                )
                if asks_late:
                    campaign.asks_until = ends_at
                else:
                    version.effective_at = ends_at
                    effect_on = local_date(ends_at, self._company.zone)
                    tell_of_later_day(transaction, version, effect_on, what.now)
                campaign.notified_at = what.now
                follow(transaction, version, local_date(ends_at, self._company.zone), what.now)
                transaction.add_all([campaign, version])
                campaigns.take_step(
                    transaction,
                    campaign.id,
                    FIRST_NOTICE,
                    due_at=campaign.started_at,
                    now=what.now,
                )
                record(
                    transaction,
                    "campaign.end_fixed" if asks_late else "policy_version.effective_date_fixed",
                    campaign.id if asks_late else version.id,
                    what.now,
                    effective_at=ends_at,
                    last_accepted_at=accepted_at,
                )
            return self._timetable.case(transaction, campaign, what.now)

    @activity.defn
    def take_step(self, step: StepInput) -> CampaignCase:
        """Note a step of the timetable as taken, unless it is a reminder whose rest waits for a
        day."""
        with self._database.transaction() as transaction:
            campaign = held(transaction, Campaign, step.campaign_id)
            if not _waits_for_a_day(transaction, campaign, step.step):
                campaigns.take_step(
                    transaction,
                    step.campaign_id,
                    step.step,
                    due_at=step.due_at,
                    now=step.now,
                    effect_at=step.effect_at,
                )
            return self._timetable.case(transaction, campaign, step.now)

    @activity.defn
    def escalate(self, step: StepInput) -> Escalated:
        """Tell the campaign's owner, or legal, how many stay silent and who was not reached; once
        the mail service has it, or may have, note the step as taken."""
        progress = self._progress(step.campaign_id)
        with self._database.transaction() as transaction:
            campaign = transaction.get_one(Campaign, step.campaign_id)
            audience = self._audience(transaction, campaign, step.step)
            template = "campaign_escalation"
            if queue(transaction, _word(campaign, audience, step.step, template), step.now):
                self._sound(transaction, campaign, step, progress)
        now = moments_since(step.now).now()
        self._courier.tell(now)
        sent = self._sender.send(Batch(subject_id=step.campaign_id, step=step.step), now)
        return Escalated(**vars(sent), noted=None if sent.waiting else self.take_step(step))

    def _progress(self, campaign_id: UUID) -> Progress:
        """Counted before anything is written: of a million that takes seconds, in which everybody
        else who writes would wait."""
        with self._database.session() as session:
            return progress_of(session, session.get_one(Campaign, campaign_id))

    def _sound(
        self,
        transaction: Session,
        campaign: Campaign,
        step: StepInput,
        progress: Progress,
    ) -> None:
        sound_of_campaign(
            transaction,
            AlarmKind.CAMPAIGN_ESCALATED,
            campaign,
            step.step,
            step.now,
            addressees=progress.addressees,
            declined=progress.declined,
            silent=progress.silent,
            not_reached=progress.not_reached,
        )

    @activity.defn
    def finish_campaign(self, what: FinishInput) -> CampaignCase:
        """The timetable is done: keep the final numbers, and tell the owner what it came to.

        Not of one that was withdrawn or replaced: who did that knows. Nothing happens while
        something is left to do of which the workflow was not told: the date of effect moved later,
        the version was withdrawn, or mails are to be put right.
        """
        told: tuple[UUID, ...] = ()
        progress = self._progress(what.campaign_id)
        with self._database.transaction() as transaction:
            addressed = transaction.get_one(Campaign, what.campaign_id)
            version = held(transaction, PolicyVersion, addressed.policy_version_id)
            campaign = held(transaction, Campaign, what.campaign_id)
            if campaign.finished_at is None and not self._goes_on(
                transaction, campaign, version, what
            ):
                campaign.finished_at = what.now
                if campaign.state not in CALLED_OFF:
                    campaign.state = FINISHED
                    told = self._tell_owner(transaction, campaign, what.now)
                transaction.add(campaign)
                if campaign.reclassified_id:
                    record(transaction, "notice.down", version.id, what.now)
                record(
                    transaction,
                    "campaign.finished",
                    campaign.id,
                    what.now,
                    addressees=progress.addressees,
                    approved=progress.approved,
                    declined=progress.declined,
                    silent=progress.silent,
                    not_reached=progress.not_reached,
                )
            case = self._timetable.case(transaction, campaign, what.now)
        if case.closed:
            self._clear_the_queue(what.campaign_id, what.now)
        self._sender.tell(told, moments_since(what.now).now())
        return case

    def _clear_the_queue(self, campaign_id: UUID, now: datetime) -> None:
        """What waits in vain, which no claim takes, is told from what waits: a first notice too
        that was to be sent again when the end came, so that its addressee counts as not reached."""
        batch, cancelled = Batch(subject_id=campaign_id), None
        notices = Batch(subject_id=campaign_id, addressee_kind=ACCOUNT, step=FIRST_NOTICE)
        while cancelled != 0:
            with self._database.transaction() as transaction:
                if transaction.get_one(Campaign, campaign_id).state in CALLED_OFF:
                    cancelled = cancel(transaction, batch, limit=CANCELLED_AT_ONCE)
                else:
                    cancelled = cancel(transaction, notices, limit=CANCELLED_AT_ONCE)
                    cancelled += cancel_overtaken(transaction, batch, now, limit=CANCELLED_AT_ONCE)

    def _goes_on(
        self, session: Session, campaign: Campaign, version: PolicyVersion, what: FinishInput
    ) -> bool:
        if campaign.state in CALLED_OFF:
            return campaign.state == WITHDRAWN and not what.told_the_end
        return _is_to_come(campaign, version, what.now) or bool(steps_owed(session, campaign))

    def _tell_owner(
        self, transaction: Session, campaign: Campaign, now: datetime
    ) -> tuple[UUID, ...]:
        owner = self._audience(transaction, campaign, OWNERS_REPORT)
        return queue(transaction, _word(campaign, owner, OWNERS_REPORT, "campaign_finished"), now)

    def _audience(self, session: Session, campaign: Campaign, step: str) -> Sequence[Staff]:
        """The owner, and legal when it is their turn or the owner has left."""
        owner = () if step.startswith(TO_LEGAL) else present(session, campaign.owner_id)
        return owner or in_charge(session, "legal")


def _waits_for_a_day(session: Session, campaign: Campaign, step: str) -> bool:
    """Whether a step reminds people of a version that was postponed to an open day."""
    version = session.get_one(PolicyVersion, campaign.policy_version_id)
    return is_reminder(step) and version.state == VersionState.POSTPONED


def _word(campaign: Campaign, audience: Sequence[Staff], step: str, template: str) -> list[Queued]:
    """A mail to each of these members of staff about a campaign."""
    return [
        Queued(
            subject_kind=CAMPAIGN,
            subject_id=campaign.id,
            addressee_kind=STAFF,
            addressee_id=member.id,
            step=step,
            template=template,
            variant=campaign.id,
        )
        for member in audience
    ]


def _is_to_come(campaign: Campaign, version: PolicyVersion, now: datetime) -> bool:
    """A campaign without a day has not told everybody yet: it goes on until it has."""
    ends_at = campaigns.ends_at(campaign, version)
    waits = version.state == VersionState.ANNOUNCED or campaign.asks_until is not None
    to_come = ends_at is None or ends_at > now
    return version.state == VersionState.POSTPONED or (waits and to_come)
