"""Decisions that count no more: voided by two people of legal, and never deleted (P8)."""

from collections.abc import Collection, Mapping
from datetime import datetime
from uuid import UUID

from sqlalchemy import ColumnElement, exists
from sqlmodel import Session, col, select

from database.facts import record
from database.staff import require_role
from database.tables import Account, Approval, ApprovalVoid, Campaign, CampaignCorrection
from database.writing import held, insert_new
from domain.reviews import Decisions


class VoidRefused(Exception):
    """The decision was not voided; the message says why."""


def stands() -> ColumnElement[bool]:
    """Of a row of Approval: whether it counts, as no void of it is confirmed."""
    return ~exists().where(
        col(ApprovalVoid.approval_id) == col(Approval.id),
        col(ApprovalVoid.confirmed_at).is_not(None),
    )


def voids_of(session: Session, account_ids: Collection[UUID]) -> Mapping[UUID, ApprovalVoid]:
    """The confirmed voids of these accounts' decisions, by the decision's id."""
    rows = session.exec(
        select(ApprovalVoid)
        .join(Approval, col(Approval.id) == col(ApprovalVoid.approval_id))
        .where(
            col(Approval.account_id).in_(account_ids), col(ApprovalVoid.confirmed_at).is_not(None)
        )
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
    if correction is None:
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


def propose_void(
    transaction: Session, approval: Approval, *, reason: str, by: UUID, now: datetime
) -> ApprovalVoid:
    """Somebody of legal wants a decision voided; it counts until a second person confirms.

    Raises VoidRefused without a reason, or when it is proposed already; StaffRefused.
    """
    require_role(transaction, by, "legal")
    if not reason.strip():
        raise VoidRefused("A reason is needed: it is kept for good.")
    void = ApprovalVoid(
        approval_id=approval.id, reason=reason.strip(), proposed_by=by, proposed_at=now
    )
    if not insert_new(transaction, ApprovalVoid, [void.model_dump()]):
        raise VoidRefused("Somebody has proposed to void this decision already.")
    record(transaction, "approval.void_proposed", approval.account_id, now, void=void.id, by=by)
    return transaction.get_one(ApprovalVoid, void.id)


def confirm_void(transaction: Session, void_id: UUID, *, by: UUID, now: datetime) -> None:
    """A second person of legal agrees: from now on the decision counts for nothing.

    Raises VoidRefused when they proposed it themselves, or it is voided already; StaffRefused.
    """
    require_role(transaction, by, "legal")
    void = transaction.get_one(ApprovalVoid, void_id)
    approval = transaction.get_one(Approval, void.approval_id)
    held(transaction, Account, approval.account_id)
    void = held(transaction, ApprovalVoid, void_id)
    if void.confirmed_at is not None:
        raise VoidRefused("This decision is voided already.")
    if void.proposed_by == by:
        raise VoidRefused("You proposed to void it: a second person of legal has to agree.")
    void.confirmed_by, void.confirmed_at = by, now
    record(
        transaction,
        "approval.voided",
        approval.account_id,
        now,
        approval=approval.id,
        void=void.id,
        proposed_by=void.proposed_by,
        confirmed_by=by,
    )
