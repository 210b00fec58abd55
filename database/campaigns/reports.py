"""What a campaign came to: the report its owner gets, and anybody may ask for at any time (P4)."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import or_
from sqlmodel import Session, col, func, select

from database.approvals import consents
from database.approvals.reach import readers_of_wrong_words
from database.campaigns.control_acts import Done, control_acts
from database.campaigns.not_reached import segments_of
from database.campaigns.owed import corrections
from database.campaigns.progress import Progress, progress_of, silent_by
from database.campaigns.shards import CanaryStanding, canary
from database.mail.outbox import ACCOUNT
from database.policies.assessments import findings_of
from database.policies.law import Cited, asked_nevertheless, bases_by_law, cited
from database.policies.purposes import purposes_of
from database.tables import (
    Campaign,
    CampaignStep,
    Fact,
    MailAttempt,
    OutboxMail,
    PolicyVersion,
)

Counts = Mapping[str, int]


@dataclass(frozen=True, kw_only=True)
class StepTaken:
    """A step of the timetable, when it was due, and when it was taken."""

    step: str
    due_at: datetime
    taken_at: datetime


@dataclass(frozen=True, kw_only=True)
class Corrected:
    """What was put right of a campaign's mails (P8): the reason, and by whose agreement when.

    `whose`: the versions that people had and the languages they read, as `1 in German`; nothing
    where everybody had a wrong mail. `people`: how many were affected; `voided`: how many decisions
    on wrong words were voided. Both are null of one that was confirmed before they were counted.
    """

    at: datetime
    reason: str
    decisions: str
    whose: tuple[str, ...]
    people: int | None
    voided: int | None


@dataclass(frozen=True, kw_only=True)
class Report:
    """Everything about a campaign, in numbers of account holders and of mails.

    `silent_by` and `not_reached_by` count by segment; `mails_by_step` by state. `possible_doubles`:
    copies sent again after an attempt of which nobody knows whether it went out. `consents`: of
    each purpose how many gave and withheld it (P5). `notice_up` and `notice_down`: when the notice
    stood on the public page (P3). `required_by_law`: the laws because of which the version applies
    without approval, with both who said so; `asked_from_versions`: the versions from which more
    changes than that; `departed_from_p5_at`: when the departure was recorded (P5). `asks_until`:
    where people are asked after the effect, as the class was wrong (P2).
    """

    progress: Progress
    canary: CanaryStanding
    controls: tuple[Done, ...]
    corrections: tuple[Corrected, ...]
    steps: tuple[StepTaken, ...]
    silent_by: Mapping[str, Counts]
    not_reached_by: Mapping[str, Counts]
    mails_by_step: Mapping[str, Counts]
    possible_doubles: int
    consents: Mapping[str, Counts]
    required_by_law: tuple[Cited, ...]
    asked_from_versions: tuple[int, ...]
    departed_from_p5_at: datetime | None
    effective_at: datetime | None
    asks_until: datetime | None
    notice_up: datetime | None
    notice_down: datetime | None


def report(session: Session, campaign: Campaign) -> Report:
    """How a campaign stands now, or came out once it is finished."""
    version_id = campaign.policy_version_id
    version = session.get_one(PolicyVersion, version_id)
    return Report(
        progress=progress_of(session, campaign),
        canary=canary(campaign),
        controls=control_acts(session, version_id),
        corrections=_corrections(session, campaign),
        steps=_steps(session, campaign),
        silent_by=silent_by(session, campaign),
        not_reached_by=segments_of(session, campaign),
        mails_by_step=_mails_by_step(session, campaign),
        possible_doubles=_possible_doubles(session, campaign),
        consents=consents.counts(session, campaign, purposes_of(session, version_id)),
        required_by_law=_required_by_law(session, version),
        asked_from_versions=asked_nevertheless(session, version),
        departed_from_p5_at=_first_fact(session, "policy_version.departed_from_p5", campaign),
        effective_at=version.effective_at,
        asks_until=campaign.asks_until,
        notice_up=_first_fact(session, "notice.up", campaign),
        notice_down=_first_fact(session, "notice.down", campaign),
    )


def _corrections(session: Session, campaign: Campaign) -> tuple[Corrected, ...]:
    return tuple(
        Corrected(
            at=one.confirmed_at,
            reason=one.reason,
            decisions=one.decisions,
            whose=readers_of_wrong_words(session, one),
            people=one.people,
            voided=one.voided,
        )
        for one in corrections(session, campaign.id).values()
        if one.confirmed_at
    )


def _required_by_law(session: Session, version: PolicyVersion) -> tuple[Cited, ...]:
    if not bases_by_law(session, version):
        return ()
    return tuple(one for one in cited(session, findings_of(session, version.id)) if one.agreed_by)


def _steps(session: Session, campaign: Campaign) -> tuple[StepTaken, ...]:
    rows = session.exec(
        select(CampaignStep)
        .where(CampaignStep.campaign_id == campaign.id)
        .order_by(col(CampaignStep.taken_at))
    ).all()
    return tuple(StepTaken(step=row.step, due_at=row.due_at, taken_at=row.taken_at) for row in rows)


def _mails_by_step(session: Session, campaign: Campaign) -> Mapping[str, Counts]:
    rows = session.exec(
        select(OutboxMail.step, OutboxMail.state, func.count())
        .where(OutboxMail.subject_id == campaign.id, OutboxMail.addressee_kind == ACCOUNT)
        .group_by(OutboxMail.step, OutboxMail.state)
        .order_by(OutboxMail.step, OutboxMail.state)
    ).all()
    found: dict[str, dict[str, int]] = {}
    for step, state, count in rows:
        found.setdefault(step, {})[state] = count
    return found


def _possible_doubles(session: Session, campaign: Campaign) -> int:
    """Copies of attempts of unknown outcome that belong to a later attempt by now, or wait for
    one."""
    lost = or_(col(MailAttempt.outcome) == "unknown", col(MailAttempt.outcome).is_(None))
    attempts = dict(
        session.exec(
            select(MailAttempt.id, MailAttempt.copies).where(
                MailAttempt.subject_id == campaign.id, lost
            )
        ).all()
    )
    still_theirs = session.exec(
        select(func.count())
        .select_from(OutboxMail)
        .join(MailAttempt, col(MailAttempt.id) == col(OutboxMail.attempt_id))
        .where(
            MailAttempt.subject_id == campaign.id,
            lost,
            col(OutboxMail.state).not_in(["queued", "suppressed"]),
        )
    ).one()
    return sum(attempts.values()) - still_theirs


def _first_fact(session: Session, kind: str, campaign: Campaign) -> datetime | None:
    """When it was first so for this campaign; an earlier one of its version has a notice of its
    own."""
    return session.exec(
        select(func.min(Fact.recorded_at)).where(
            Fact.kind == kind,
            Fact.subject_id == campaign.policy_version_id,
            Fact.recorded_at >= campaign.started_at,
        )
    ).one()
