"""Mails of a campaign that said something wrong: two people of legal put it right (P8).

Whoever proposes it stops the campaign: nothing wrong goes out while the second person reads.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import literal, update
from sqlalchemy import select as select_columns
from sqlmodel import Session, col, func, select
from sqlmodel.sql.sqltypes import UTCDateTime

from database.assessments import findings_of
from database.campaigns import CALLED_OFF, FINISHED, PAUSED, RUNNING
from database.controls import Act, ControlRefused, campaign_held, note
from database.facts import record
from database.ids import id_of_each
from database.staff import require_role
from database.tables import (
    Approval,
    ApprovalVoid,
    Campaign,
    CampaignCorrection,
    MailAttempt,
    OutboxMail,
    PolicyVersion,
)
from database.voids import stands
from database.writing import held, insert_selected
from domain.reviews import Decisions


@dataclass(frozen=True, kw_only=True)
class Right:
    """What the mails should have said: words for those who were mailed, and texts put right.

    `summary` and `sentences` (by the finding's key) are empty where they were right.
    """

    mail: str
    decisions: Decisions
    summary: str = ""
    sentences: Mapping[str, str] = field(default_factory=dict)


def open_correction(session: Session, campaign_id: UUID) -> CampaignCorrection | None:
    """The proposal that waits for a second person."""
    return session.exec(
        select(CampaignCorrection).where(
            CampaignCorrection.campaign_id == campaign_id,
            col(CampaignCorrection.confirmed_at).is_(None),
            col(CampaignCorrection.dropped_at).is_(None),
        )
    ).first()


def in_words(correction: CampaignCorrection) -> dict[str, object]:
    """What the second person has to read before they agree."""
    return {
        "reason": correction.reason,
        "mail": correction.mail,
        "decisions": correction.decisions,
        "summary": correction.summary or "as it was",
        "sentences": correction.sentences,
    }


def propose(transaction: Session, version: PolicyVersion, act: Act, right: Right) -> None:
    """Say what was wrong and what is right, and stop the campaign until a second person agrees.

    It takes the place of an earlier proposal that nobody confirmed. Raises ControlRefused.
    """
    version = held(transaction, PolicyVersion, version.id)
    campaign = _correctable(transaction, version)
    if not right.mail.strip():
        raise ControlRefused("Say in plain words what was wrong and what is right: it is mailed.")
    if not _anybody_was_mailed(transaction, campaign):
        raise ControlRefused("No mail of this campaign has gone out yet: there is nobody to tell.")
    known = {finding.key for finding in findings_of(transaction, version.id)}
    if unknown := sorted(set(right.sentences) - known):
        raise ControlRefused(f"There is no finding {', '.join(unknown)}.")
    earlier = open_correction(transaction, campaign.id)
    if earlier:
        earlier.dropped_at = act.now
        transaction.flush()  # it leaves before the next one comes: only one is open
    stops = campaign.state == RUNNING
    correction = CampaignCorrection(
        campaign_id=campaign.id,
        reason=act.reason,
        mail=right.mail.strip(),
        decisions=right.decisions,
        summary=right.summary.strip(),
        sentences={key: words.strip() for key, words in right.sentences.items() if words.strip()},
        stopped_campaign=stops or bool(earlier and earlier.stopped_campaign),
        proposed_by=act.staff.id,
        proposed_at=act.now,
    )
    transaction.add(correction)
    if stops:
        campaign.state = PAUSED
    note(transaction, version, "propose_correction", act)


def confirm(
    transaction: Session, version: PolicyVersion, staff_id: UUID, now: datetime
) -> Campaign:
    """A second person of legal agrees: from now on the right words go out, and the wrong mails are
    put right by a step of the campaign, which runs on.

    Where the decisions are to be void, they are so from this instant. A campaign that is finished
    begins again for it. Raises ControlRefused, StaffRefused.
    """
    staff = require_role(transaction, staff_id, "legal")
    version = held(transaction, PolicyVersion, version.id)
    campaign = _correctable(transaction, version)
    correction = open_correction(transaction, campaign.id)
    if correction is None:
        raise ControlRefused("No correction of this campaign is proposed.")
    if correction.proposed_by == staff.id:
        raise ControlRefused("You proposed it: a second person of legal has to agree.")
    correction.confirmed_by, correction.confirmed_at = staff.id, now
    _put_right(transaction, version, correction)
    voided = 0
    if correction.decisions == Decisions.VOID:
        voided = _void_decisions(transaction, version, correction, now)
    if campaign.state == FINISHED:
        campaign.state, campaign.finished_at = RUNNING, None
    elif campaign.state == PAUSED and correction.stopped_campaign:
        campaign.state = RUNNING
    note(transaction, version, "correct", Act(staff=staff, reason=correction.reason, now=now))
    record(
        transaction,
        "campaign.corrected",
        campaign.id,
        now,
        correction=correction.id,
        proposed_by=correction.proposed_by,
        confirmed_by=staff.id,
        decisions=correction.decisions,
        voided=voided,
    )
    return campaign


def _correctable(transaction: Session, version: PolicyVersion) -> Campaign:
    campaign = campaign_held(transaction, version)
    if campaign.state in CALLED_OFF:
        raise ControlRefused(
            f"This campaign is {campaign.state}: what its mails announced does not come, and "
            "whoever had one is told so."
        )
    return campaign


def _anybody_was_mailed(session: Session, campaign: Campaign) -> bool:
    query = (
        select(OutboxMail.id)
        .join(MailAttempt, col(MailAttempt.id) == col(OutboxMail.attempt_id))
        .where(OutboxMail.subject_id == campaign.id)
    )
    return session.exec(query).first() is not None


def _put_right(
    transaction: Session, version: PolicyVersion, correction: CampaignCorrection
) -> None:
    """What is still queued is rendered when it is sent, and so with these words."""
    if correction.summary:
        version.summary = correction.summary
    for finding in findings_of(transaction, version.id):
        finding.sentence = correction.sentences.get(finding.key, finding.sentence)


def _void_decisions(
    transaction: Session, version: PolicyVersion, correction: CampaignCorrection, now: datetime
) -> int:
    """Every decision about the version until now, at one instant and so in one statement."""
    proposed = {
        "reason": correction.reason,
        "proposed_by": correction.proposed_by,
        "proposed_at": correction.proposed_at,
        "confirmed_by": correction.confirmed_by,
        "confirmed_at": now,
    }
    wrong = (
        col(Approval.policy_version_id) == version.id,
        col(Approval.decided_at) < now,
        stands(),
    )
    transaction.flush()
    voided = transaction.exec(select(func.count()).select_from(Approval).where(*wrong)).one()
    of_wrong = col(ApprovalVoid.approval_id).in_(select(Approval.id).where(*wrong))
    transaction.execute(update(ApprovalVoid).where(of_wrong).values(**proposed))
    columns: dict[str, Any] = {
        "id": id_of_each(),
        "approval_id": col(Approval.id),
        "reason": literal(correction.reason),
        "proposed_by": literal(correction.proposed_by),
        "proposed_at": literal(correction.proposed_at, UTCDateTime()),
        "confirmed_by": literal(correction.confirmed_by),
        "confirmed_at": literal(now, UTCDateTime()),
    }
    insert_selected(
        transaction, ApprovalVoid, list(columns), select_columns(*columns.values()).where(*wrong)
    )
    return voided
