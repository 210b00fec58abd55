"""Decisions that count no more: voided by two people of legal, and never deleted (P8)."""

from collections.abc import Collection, Mapping
from uuid import UUID

from sqlalchemy import ColumnElement, exists
from sqlmodel import Session, col, select

from database.facts import record
from database.tables import Approval, ApprovalVoid, Campaign, CampaignCorrection
from domain.reviews import Decisions


def stands() -> ColumnElement[bool]:
    """Of a row of Approval: whether it counts, as it was not voided."""
    return ~exists().where(col(ApprovalVoid.approval_id) == col(Approval.id))


def voids_of(session: Session, account_ids: Collection[UUID]) -> Mapping[UUID, ApprovalVoid]:
    """The voids of these accounts' decisions, by the decision's id."""
    rows = session.exec(
        select(ApprovalVoid)
        .join(Approval, col(Approval.id) == col(ApprovalVoid.approval_id))
        .where(col(Approval.account_id).in_(account_ids))
    ).all()
    return {row.approval_id: row for row in rows}


def void_if_overtaken(transaction: Session, approval: Approval) -> None:
    """A decision that is just written down may have been taken before all until now were voided,
    as what was mailed was put right meanwhile: then it is void from the same instant."""
    correction = transaction.exec(
        select(CampaignCorrection)
        .join(Campaign, col(Campaign.id) == col(CampaignCorrection.campaign_id))
        .where(
            Campaign.policy_version_id == approval.policy_version_id,
            CampaignCorrection.decisions == Decisions.VOID,
            col(CampaignCorrection.confirmed_at) > approval.decided_at,
        )
        .order_by(col(CampaignCorrection.confirmed_at))
    ).first()
    if correction is None or correction.confirmed_by is None or correction.confirmed_at is None:
        return
    void = ApprovalVoid(
        approval_id=approval.id,
        reason=correction.reason,
        proposed_by=correction.proposed_by,
        proposed_at=correction.proposed_at,
        confirmed_by=correction.confirmed_by,
        confirmed_at=correction.confirmed_at,
    )
    transaction.add(void)
    record(
        transaction,
        "approval.voided",
        approval.account_id,
        approval.decided_at,
        approval=approval.id,
        void=void.id,
        proposed_by=void.proposed_by,
        confirmed_by=void.confirmed_by,
    )
