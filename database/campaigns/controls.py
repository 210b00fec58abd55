"""Stopping and letting go on: a campaign, a version that was announced, all mail (P8).

Each is a row that every claim of mails reads, so it works at once, also while Temporal is down;
the workflows are told afterwards. Raises ControlRefused where the act makes no sense.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import TypeVar
from uuid import UUID
from zoneinfo import ZoneInfo

from sqlmodel import Session, col, func, select

from database.campaigns.campaigns import campaign_of
from database.campaigns.owed import drop_correction, open_correction
from database.facts import record
from database.mail.outbox import (
    CAMPAIGN,
    STAFF,
    Queued,
    queue,
)
from database.mail.steps import PAUSED, RUNNING, STOPPED, WITHDRAWN
from database.people.staff import in_charge, present, require_role
from database.policies.policies import said_on
from database.policies.without_approval import follow_effect
from database.tables import Campaign, ControlAct, MailStop, Policy, PolicyVersion, Staff
from database.webhooks.alarms import AlarmKind, sound_of_campaign
from database.writing import held, insert_new
from domain.campaigns.timetable import earliest_effective_on
from domain.mail.pace import rate_in_words
from domain.places import start_of_day
from domain.policies.reviews import TO_COME, VersionState

CANARY, BREAKER = "canary", "breaker"
FASTEST = 1_000_000


class ControlRefused(Exception):
    """Nothing was stopped or started; the message says why."""


@dataclass(frozen=True, kw_only=True)
class Act:
    """Who acts, why, and when."""

    staff: Staff
    reason: str
    now: datetime


Found = TypeVar("Found")
Control = Callable[[Session, PolicyVersion, Act], Found]
"""Done to a version's campaign by somebody; what it found."""
Switch = Callable[[Session, Act], None]


def acting(transaction: Session, staff_id: UUID, *roles: str, reason: str, now: datetime) -> Act:
    """An act of somebody who holds one of the roles. Raises StaffRefused, ControlRefused."""
    staff = require_role(transaction, staff_id, *roles)
    if not reason.strip():
        raise ControlRefused("A reason is needed: others will have to understand it.")
    return Act(staff=staff, reason=reason.strip(), now=now)


def pause(transaction: Session, version: PolicyVersion, act: Act) -> None:
    """Nothing more of a campaign goes out until it is resumed; approvals are taken as before.

    One that only waits for a correction of its mails stands still for longer: neither confirming
    that nor taking it back starts it.
    """
    campaign = campaign_held(transaction, version)
    correction = open_correction(transaction, campaign.id)
    if campaign.state == PAUSED and correction and correction.stopped_campaign:
        correction.stopped_campaign = False
    elif campaign.state != RUNNING:
        raise ControlRefused(f"This campaign is {campaign.state}: there is nothing to pause.")
    campaign.state = PAUSED
    note(transaction, version, "pause", act)


def resume(transaction: Session, version: PolicyVersion, act: Act) -> None:
    """Let a paused campaign go on. That takes its owner; legal when the owner has left."""
    campaign = campaign_held(transaction, version)
    if campaign.state != PAUSED:
        raise ControlRefused(f"This campaign is {campaign.state}, so it cannot be resumed.")
    if open_correction(transaction, campaign.id):
        raise ControlRefused(
            "Its mails are said to be wrong, and the correction waits for a second person of "
            "legal: it goes on as soon as they confirm it, or legal takes it back."
        )
    _require_owner(transaction, campaign, act, "starting it again", "paused")
    campaign.state = RUNNING
    if campaign.canary_until is not None and campaign.canary_ended_at is None:
        campaign.canary_ended_at = act.now  # whoever resumes has looked at it
    note(transaction, version, "resume", act)


def set_rate(transaction: Session, version: PolicyVersion, act: Act, *, per_minute: int) -> None:
    """Let no more than so many copies of a campaign go out in a minute; 0 lifts that.

    Slower may anybody who may pause it; faster takes its owner, legal when the owner has left.
    """
    if not 0 <= per_minute <= FASTEST:
        raise ControlRefused(
            f"A rate is a whole number of copies in a minute, 1 to {FASTEST:,}, or 0 for none of "
            "its own. Nothing changed."
        )
    campaign = campaign_held(transaction, version)
    if campaign.state not in (RUNNING, PAUSED):
        raise ControlRefused(f"This campaign is {campaign.state}: no rate matters to it any more.")
    was, is_now = campaign.per_minute, per_minute or None
    if was == is_now:
        raise ControlRefused(f"That is its rate already: {rate_in_words(was)}. Nothing changed.")
    if was is not None and (is_now is None or is_now > was):
        stays = f"at {rate_in_words(was)}"
        _require_owner(transaction, campaign, act, "letting it go faster", stays)
    campaign.per_minute = is_now
    note(transaction, version, "rate", act, per_minute=is_now)


def stop_by_machine(
    transaction: Session, campaign_id: UUID, what: str, reason: str, now: datetime
) -> tuple[UUID, ...]:
    """Pause a campaign that runs, because of what its mails met; an alarm, and a mail to its owner.

    `what` is CANARY or BREAKER, and `reason` names nobody. Returns the ids of the mails, which are
    none when it does not run: it is stopped once. Who resumes it is as with any pause.
    """
    campaign = held(transaction, Campaign, campaign_id)
    if campaign.state != RUNNING:
        return ()
    campaign.state = PAUSED
    version_id = campaign.policy_version_id
    transaction.add(ControlAct(policy_version_id=version_id, act=what, reason=reason, acted_at=now))
    record(transaction, f"campaign.{what}", version_id, now, reason=reason)
    step = f"{STOPPED}{len(stops_by_machine(transaction, version_id))}"
    kind = AlarmKind.CAMPAIGN_STOPPED
    sound_of_campaign(transaction, kind, campaign, step, now, stopped_by=what, reason=reason)
    told = present(transaction, campaign.owner_id) or in_charge(transaction, "legal")
    mails = [
        Queued(
            subject_kind=CAMPAIGN,
            subject_id=campaign.id,
            addressee_kind=STAFF,
            addressee_id=member.id,
            step=step,
            template="campaign_stopped",
            variant=campaign.id,
        )
        for member in told
    ]
    return queue(transaction, mails, now)


def stops_by_machine(session: Session, version_id: UUID) -> Sequence[ControlAct]:
    """When and why the machine paused a version's campaign, the first first."""
    return session.exec(
        select(ControlAct)
        .where(ControlAct.policy_version_id == version_id, col(ControlAct.staff_id).is_(None))
        .order_by(col(ControlAct.acted_at), col(ControlAct.id))
    ).all()


def last_act(session: Session, version_id: UUID) -> ControlAct | None:
    """What was done last to a version's campaign."""
    return session.exec(
        select(ControlAct)
        .where(ControlAct.policy_version_id == version_id)
        .order_by(col(ControlAct.acted_at).desc(), col(ControlAct.id).desc())
    ).first()


def last_resumed_at(session: Session, version_id: UUID) -> datetime | None:
    """When a version's campaign was let go on the last time; what was before counts no more."""
    return session.exec(
        select(func.max(ControlAct.acted_at)).where(
            ControlAct.policy_version_id == version_id, ControlAct.act == "resume"
        )
    ).one()


def withdraw(transaction: Session, version: PolicyVersion, act: Act) -> None:
    """Take an announced version back: it governs nobody, ever, and its queued mails do not go out.

    Whoever was mailed is told by the campaign's workflow.
    """
    held(transaction, Policy, version.policy_id)
    version = held(transaction, PolicyVersion, version.id)
    _require_to_come(version, act.now)
    version.state = VersionState.WITHDRAWN
    version.effective_at = None  # a fact keeps which day it had been
    campaign = campaign_of(transaction, version.id)
    if campaign is not None:
        campaign = held(transaction, Campaign, campaign.id)
        campaign.state = WITHDRAWN
        drop_correction(transaction, campaign, act.now)
    note(transaction, version, "withdraw", act)
    record(transaction, "notice.down", version.id, act.now)


def postpone(
    transaction: Session,
    version: PolicyVersion,
    act: Act,
    *,
    until_on: date | None,
    zone: ZoneInfo,
    sending_period: timedelta,
) -> None:
    """Let an announced version take effect later: never earlier than was said (P7).

    Without a day it has none until one is given. That counts like a first notice: people were told
    that nothing comes for now, so the notice period lies between it and effect. Whoever was mailed
    is told by the campaign's workflow.
    """
    held(transaction, Policy, version.policy_id)
    version = held(transaction, PolicyVersion, version.id)
    _require_to_come(version, act.now)
    said = said_on(version, zone)
    if until_on and said and until_on <= said:
        raise ControlRefused(
            f"People were told {said}, and the date only ever moves later: give a day after it."
        )
    if until_on is None:
        _leave_open(version, said)
    elif version.state == VersionState.POSTPONED:
        _come_back(transaction, version, act, until_on, zone, sending_period)
    elif version.effective_at:
        version.effective_at = start_of_day(until_on, zone)
    else:
        version.planned_effective_on = until_on
    follow_effect(transaction, version, zone, act.now)
    note(transaction, version, "postpone", act, until_on=until_on)


def stop_mail(transaction: Session, act: Act) -> None:
    """No mail goes out any more, to anybody, until it is started again."""
    stop = MailStop(stopped_by=act.staff.id, stopped_at=act.now, reason=act.reason)
    if not insert_new(transaction, MailStop, [stop.model_dump()]):
        raise ControlRefused(
            "All mail is stopped already. An owner of a policy starts it again: "
            "promisekeeper mail start"
        )
    record(transaction, "mail.stopped", stop.id, act.now, staff=act.staff.id)


def start_mail(transaction: Session, act: Act) -> None:
    """Let mail go on. That takes an owner of a policy: it is their people who wait for it."""
    stop = transaction.exec(
        select(MailStop).where(col(MailStop.in_effect).is_(True)).with_for_update()
    ).first()
    if stop is None:
        raise ControlRefused("Mail is not stopped: there is nothing to start.")
    owners = transaction.exec(select(Policy.owner_id)).all()
    owning = [owner for each in set(owners) for owner in present(transaction, each)]
    if owning and act.staff.id not in {owner.id for owner in owning}:
        handles = ", ".join(sorted(owner.handle for owner in owning))
        raise ControlRefused(
            "Whoever stops mail need own no policy, but starting it again takes an owner of one: "
            f"ask {handles}. Mail stays stopped."
        )
    stop.in_effect = None
    stop.started_by, stop.started_at, stop.start_reason = act.staff.id, act.now, act.reason
    record(transaction, "mail.started", stop.id, act.now, staff=act.staff.id)


def open_stop(session: Session) -> MailStop | None:
    """The stop of all mail that is in effect, if there is one."""
    return session.exec(select(MailStop).where(col(MailStop.in_effect).is_(True))).first()


def running(session: Session) -> Sequence[tuple[Policy, PolicyVersion, Campaign]]:
    """The campaigns that are not finished, with what they are about."""
    return session.exec(
        select(Policy, PolicyVersion, Campaign)
        .join(PolicyVersion, col(PolicyVersion.policy_id) == col(Policy.id))
        .join(Campaign, col(Campaign.policy_version_id) == col(PolicyVersion.id))
        .where(col(Campaign.finished_at).is_(None))
        .order_by(Policy.slug, col(PolicyVersion.number))
    ).all()


def _leave_open(version: PolicyVersion, said: date | None) -> None:
    if version.state == VersionState.POSTPONED:
        raise ControlRefused(
            "This version is postponed already, and its day is open. Give a day to let it come."
        )
    version.state = VersionState.POSTPONED
    version.planned_effective_on = said  # it never comes earlier
    version.effective_at = None  # a fact keeps which day it had been


def _come_back(
    transaction: Session,
    version: PolicyVersion,
    act: Act,
    until_on: date,
    zone: ZoneInfo,
    sending_period: timedelta,
) -> None:
    notice = timedelta(days=version.notice_days)
    earliest_on = earliest_effective_on(act.now, notice, sending_period, zone.key)
    if until_on < earliest_on:
        raise ControlRefused(
            f"People were told that it comes later, and have {version.notice_days} days of notice "
            f"from when they hear the new day: the earliest is {earliest_on}."
        )
    version.state = VersionState.ANNOUNCED
    campaign = campaign_of(transaction, version.id)
    if campaign and campaign.notified_at is None:
        version.planned_effective_on = until_on
    else:
        version.effective_at = start_of_day(until_on, zone)


def campaign_about(session: Session, version: PolicyVersion) -> Campaign:
    """The campaign of a version. Raises ControlRefused."""
    campaign = campaign_of(session, version.id)
    if campaign is None:
        raise ControlRefused("This version has no campaign.")
    return campaign


def campaign_held(transaction: Session, version: PolicyVersion) -> Campaign:
    """The same, ours until the transaction ends. Raises ControlRefused."""
    return held(transaction, Campaign, campaign_about(transaction, version).id)


def _require_owner(session: Session, campaign: Campaign, act: Act, what: str, stays: str) -> None:
    """What goes on takes the campaign's owner, or legal when the owner has left."""
    owner = next(iter(present(session, campaign.owner_id)), None)
    if owner and owner.id != act.staff.id:
        raise ControlRefused(
            f"Whoever holds a campaign back need not be its owner, but {what} takes them: "
            f"ask {owner.handle}. It stays {stays}."
        )
    if owner is None and "legal" not in act.staff.roles:
        raise ControlRefused(f"The campaign's owner has left: {what} takes legal.")


def _require_to_come(version: PolicyVersion, now: datetime) -> None:
    """It is announced, and its date has not come: then it rules by itself, written down or not."""
    if version.state not in TO_COME:
        why = _WHY_NOT.get(VersionState(version.state), _NEVER_ANNOUNCED)
        raise ControlRefused(why)
    if version.effective_at is not None and version.effective_at <= now:
        raise ControlRefused(_WHY_NOT[VersionState.IN_FORCE])


def note(
    transaction: Session,
    version: PolicyVersion,
    what: str,
    act: Act,
    until_on: date | None = None,
    per_minute: int | None = None,
) -> None:
    """Keep who did what and why, for everybody to read."""
    transaction.add(
        ControlAct(
            policy_version_id=version.id,
            act=what,
            reason=act.reason,
            staff_id=act.staff.id,
            acted_at=act.now,
            until_on=until_on,
            per_minute=per_minute,
        )
    )
    record(
        transaction,
        f"campaign.{what}",
        version.id,
        act.now,
        staff=act.staff.id,
        until_on=until_on.isoformat() if until_on else None,
        per_minute=per_minute,
    )


_NEVER_ANNOUNCED = (
    "This version was never announced, so nobody waits for it. While it is in review it can be "
    "rejected (promisekeeper policy reject)."
)
_WHY_NOT = {
    VersionState.WITHDRAWN: "This version is withdrawn already.",
    VersionState.REPLACED: "This version was replaced before it took effect.",
    VersionState.SUPERSEDED: "This version was in force once, and a later one followed it.",
    VersionState.IN_FORCE: (
        "This version is in force: it cannot be taken back, as it governs people already. Submit a "
        "version with the old text instead; it frees everybody from this one."
    ),
}
