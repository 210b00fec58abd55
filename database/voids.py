"""Decisions that count no more: voided by two people of legal, and never deleted (P8).

A correction that voids says it of every decision about its version that was taken before the second
person agreed, whenever it is written down: so none escapes, and none needs a row of its own.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy import ColumnElement, exists
from sqlalchemy.orm import aliased
from sqlmodel import Session, col, select

from database.tables import (
    Approval,
    Campaign,
    CampaignCorrection,
    ConsentDecision,
    PolicyVersion,
)
from domain.approvals import Voided
from domain.reviews import Decisions

_VOIDED, _MAILED = aliased(CampaignCorrection), aliased(Campaign)
"""Of their own, whatever campaign the question around is about."""


def stands(of: type[Approval] | type[ConsentDecision] = Approval) -> ColumnElement[bool]:
    """Of a row of Approval, or of what was said about a purpose: whether it counts, as it was not
    voided."""
    void = (
        select(_VOIDED.id)
        .join(_MAILED, col(_MAILED.id) == col(_VOIDED.campaign_id))
        .where(
            col(_MAILED.policy_version_id) == col(of.policy_version_id),
            col(_VOIDED.decisions) == Decisions.VOID,
            col(_VOIDED.confirmed_at) > col(of.decided_at),
        )
    )
    return ~exists(void.correlate_except(_VOIDED, _MAILED))


class Voids:
    """What was voided of the decisions about a policy, read once."""

    def __init__(self, session: Session, policy_id: UUID) -> None:
        rows = session.exec(
            select(Campaign.policy_version_id, CampaignCorrection)
            .join(Campaign, col(Campaign.id) == col(CampaignCorrection.campaign_id))
            .join(PolicyVersion, col(PolicyVersion.id) == col(Campaign.policy_version_id))
            .where(
                PolicyVersion.policy_id == policy_id,
                CampaignCorrection.decisions == Decisions.VOID,
            )
            .order_by(col(CampaignCorrection.confirmed_at), col(CampaignCorrection.id))
        ).all()
        self._of_version: Mapping[UUID, Sequence[Voided]] = {
            version: [
                Voided(at=row.confirmed_at, proof=f"{row.reason}, correction {row.id}")
                for of, row in rows
                if of == version and row.confirmed_at
            ]
            for version, _ in rows
        }

    def of(self, version_id: UUID, decided_at: datetime) -> Voided | None:
        """From when a decision counts for nothing: the first void that came after it."""
        later = (void for void in self._of_version.get(version_id, ()) if void.at > decided_at)
        return next(later, None)
