"""Stopping and letting go on: a campaign, a version that was announced, all mail (P8).

Each is a row that every claim of mails reads, so it works at once, also while Temporal is down;
the workflows are told afterwards. Raises ControlRefused where the act makes no sense.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID
from zoneinfo import ZoneInfo

from sqlmodel import Session, col, func, select

from database.campaigns import POSTPONEMENT, campaign_of
from database.facts import record
from database.outbox import ACCOUNT, CAMPAIGN, STAFF, STOPPED, Batch, Queued, cancel, queue
from database.staff import in_charge, present, require_role
from database.tables import Campaign, ControlAct, MailStop, Policy, PolicyVersion, Staff
from database.writing import held, insert_new
from domain.places import local_date, start_of_day
from domain.reviews import VersionState

RUNNING, PAUSED, WITHDRAWN = "running", "paused", "withdrawn"
CANARY, BREAKER = "canary", "breaker"
THE_MACHINE = "the machine"


class ControlRefused(Exception):
    """Nothing was stopped or started; the message says why."""


@dataclass(frozen=True, kw_only=True)
class Act:
    """Who acts, why, and when."""

    staff: Staff
    reason: str
    now: datetime


@dataclass(frozen=True, kw_only=True)
class Done:
    """An act as it is told afterwards."""

    act: str
    by: str
    reason: str
    at: datetime
    until_on: date | None = None


Control = Callable[[Session, PolicyVersion, Act], None]
Switch = Callable[[Session, Act], None]


def acting(transaction: Session, staff_id: UUID, *roles: str, reason: str, now: datetime) -> Act:
    """An act of somebody who holds one of the roles. Raises StaffRefused, ControlRefused."""
    staff = require_role(transaction, staff_id, *roles)
    if not reason.strip():
        raise ControlRefused("A reason is needed: others will have to understand it.")
    return Act(staff=staff, reason=reason.strip(), now=now)


def pause(transaction: Session, version: PolicyVersion, act: Act) -> None:
    """Nothing more of a campaign goes out until it is resumed; approvals are taken as before."""
    campaign = _campaign(transaction, version)
    if campaign.state != RUNNING:
        raise ControlRefused(f"This campaign is {campaign.state}: there is nothing to pause.")
    campaign.state = PAUSED
    _note(transaction, version, "pause", act)


def resume(transaction: Session, version: PolicyVersion, act: Act) -> None:
    """Let a paused campaign go on. That takes its owner; legal when the owner has left."""
    campaign = _campaign(transaction, version)
    if campaign.state != PAUSED:
        raise ControlRefused(f"This campaign is {campaign.state}, so it cannot be resumed.")
    owner = next(iter(present(transaction, campaign.owner_id)), None)
    if owner and owner.id != act.staff.id:
        raise ControlRefused(
            f"Whoever stops a campaign need not be its owner, but starting it again takes them: "
            f"ask {owner.handle}. It stays paused."
        )
    if owner is None and "legal" not in act.staff.roles:
        raise ControlRefused("The campaign's owner has left: starting it again takes legal.")
    campaign.state = RUNNING
    if campaign.canary_until is not None and campaign.canary_ended_at is None:
        campaign.canary_ended_at = act.now  # whoever resumes has looked at it
    _note(transaction, version, "resume", act)


def stop_by_machine(
    transaction: Session, campaign_id: UUID, what: str, reason: str, now: datetime
) -> tuple[UUID, ...]:
    """Pause a campaign that runs, because of what its mails met, and owe its owner a mail.

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
    stops = len(stops_by_machine(transaction, version_id))
    told = present(transaction, campaign.owner_id) or in_charge(transaction, "legal")
    mails = [
        Queued(
            subject_kind=CAMPAIGN,
            subject_id=campaign.id,
            addressee_kind=STAFF,
            addressee_id=member.id,
            step=f"{STOPPED}{stops}",
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
        .order_by(col(ControlAct.acted_at))
    ).all()


def last_act(session: Session, version_id: UUID) -> ControlAct | None:
    """What was done last to a version's campaign."""
    return session.exec(
        select(ControlAct)
        .where(ControlAct.policy_version_id == version_id)
        .order_by(col(ControlAct.acted_at).desc())
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
        cancel(transaction, Batch(subject_id=campaign.id, addressee_kind=ACCOUNT))
    _note(transaction, version, "withdraw", act)
    record(transaction, "notice.down", version.id, act.now)


def postpone(
    transaction: Session, version: PolicyVersion, act: Act, *, until_on: date, zone: ZoneInfo
) -> None:
    """Let an announced version take effect later: never earlier than was said (P7).

    Whoever was mailed is told of the new day by the campaign's workflow.
    """
    held(transaction, Policy, version.policy_id)
    version = held(transaction, PolicyVersion, version.id)
    _require_to_come(version, act.now)
    said_on = (
        local_date(version.effective_at, zone)
        if version.effective_at
        else version.planned_effective_on
    )
    if said_on and until_on <= said_on:
        raise ControlRefused(
            f"People were told {said_on}, and the date only ever moves later: give a day after it."
        )
    if version.effective_at:
        version.effective_at = start_of_day(until_on, zone)
    else:
        version.planned_effective_on = until_on
    _note(transaction, version, "postpone", act, until_on=until_on)


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


def control_acts(session: Session, version_id: UUID) -> tuple[Done, ...]:
    """What was done to a version's campaign, by whom and why, the first first."""
    rows = session.exec(
        select(ControlAct, func.coalesce(Staff.handle, THE_MACHINE))
        .join(Staff, col(Staff.id) == col(ControlAct.staff_id), isouter=True)
        .where(ControlAct.policy_version_id == version_id)
        .order_by(col(ControlAct.acted_at))
    ).all()
    return tuple(
        Done(act=act.act, by=by, reason=act.reason, at=act.acted_at, until_on=act.until_on)
        for act, by in rows
    )


def postponements(session: Session, version_id: UUID) -> dict[str, datetime]:
    """The steps by which people hear that a version comes later, and when each was decided."""
    rows = session.exec(
        select(ControlAct.acted_at)
        .where(ControlAct.policy_version_id == version_id, ControlAct.act == "postpone")
        .order_by(col(ControlAct.acted_at))
    ).all()
    return {f"{POSTPONEMENT}{number}": at for number, at in enumerate(rows, start=1)}


def _campaign(transaction: Session, version: PolicyVersion) -> Campaign:
    campaign = campaign_of(transaction, version.id)
    if campaign is None:
        raise ControlRefused("This version has no campaign.")
    return held(transaction, Campaign, campaign.id)


def _require_to_come(version: PolicyVersion, now: datetime) -> None:
    """It is announced, and its date has not come: then it rules by itself, written down or not."""
    if version.state != VersionState.ANNOUNCED:
        why = _WHY_NOT.get(VersionState(version.state), _NEVER_ANNOUNCED)
        raise ControlRefused(why)
    if version.effective_at is not None and version.effective_at <= now:
        raise ControlRefused(_WHY_NOT[VersionState.IN_FORCE])


def _note(
    transaction: Session,
    version: PolicyVersion,
    what: str,
    act: Act,
    until_on: date | None = None,
) -> None:
    transaction.add(
        ControlAct(
            policy_version_id=version.id,
            act=what,
            reason=act.reason,
            staff_id=act.staff.id,
            acted_at=act.now,
            until_on=until_on,
        )
    )
    record(
        transaction,
        f"campaign.{what}",
        version.id,
        act.now,
        staff=act.staff.id,
        until_on=until_on.isoformat() if until_on else None,
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
