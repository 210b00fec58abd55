"""Decisions that count no more: voided by two people of legal, and never deleted (P8).

A correction that voids says it of every decision about its version, and about those that this one
corrects, that was taken before the second person agreed, whenever it is written down: so none
escapes, and none needs a row of its own. What was decided with a link that was given back, as its
mail reached somebody else, counts no more either.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy import ColumnElement, and_, exists
from sqlalchemy.orm import aliased
from sqlmodel import Session, col, select

from database.lineage import lineage
from database.links import APPROVE
from database.tables import (
    Approval,
    CampaignCorrection,
    ConsentDecision,
    Link,
    PolicyVersion,
    VoidedVersion,
)
from domain.approvals import Voided

_VOIDED, _VOIDING, _LINK = aliased(VoidedVersion), aliased(CampaignCorrection), aliased(Link)
"""Of their own, whatever correction the question around is about."""
NOT_THE_HOLDER = "whoever read the mail said that it was meant for somebody else"


def stands(of: type[Approval] | type[ConsentDecision] = Approval) -> ColumnElement[bool]:
    """Of a row of Approval, or of what was said about a purpose: whether it counts, as it was not
    voided."""
    void = (
        select(_VOIDING.id)
        .join(_VOIDED, col(_VOIDED.correction_id) == col(_VOIDING.id))
        .where(
            col(_VOIDED.policy_version_id) == col(of.policy_version_id),
            col(_VOIDING.confirmed_at) > col(of.decided_at),
        )
    )
    given_back = select(_LINK.id).where(
        col(_LINK.id) == col(of.link_id), col(_LINK.expires_at).is_not(None)
    )
    return and_(
        ~exists(void.correlate_except(_VOIDED, _VOIDING)),
        ~exists(given_back.correlate_except(_LINK)),
    )


def void_decisions(
    transaction: Session, version: PolicyVersion, correction: CampaignCorrection
) -> None:
    """What was decided until a correction was confirmed counts no more: about the version, and
    about those that it corrects now."""
    transaction.add_all(
        VoidedVersion(correction_id=correction.id, policy_version_id=each)
        for each in lineage(transaction, version.id)
    )


class Voids:
    """What was voided of the decisions about a policy, read once."""

    def __init__(self, session: Session, policy_id: UUID) -> None:
        rows = session.exec(
            select(VoidedVersion.policy_version_id, CampaignCorrection)
            .join(CampaignCorrection, col(CampaignCorrection.id) == VoidedVersion.correction_id)
            .join(PolicyVersion, col(PolicyVersion.id) == col(VoidedVersion.policy_version_id))
            .where(PolicyVersion.policy_id == policy_id)
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
        self._given_back: Mapping[UUID, Voided] = {
            link_id: Voided(at=at, proof=f"{NOT_THE_HOLDER}, link {link_id}")
            for link_id, at in session.exec(
                select(Link.id, Link.expires_at).where(
                    Link.purpose == APPROVE, col(Link.expires_at).is_not(None)
                )
            ).all()
            if at
        }

    @property
    def instants(self) -> frozenset[datetime]:
        """From when decisions may be void with a correction; not those of links given back."""
        return frozenset(void.at for found in self._of_version.values() for void in found)

    def of(self, version_id: UUID, decided_at: datetime, link_id: UUID | None) -> Voided | None:
        """From when a decision counts for nothing: the first void that came after it."""
        found = [void for void in self._of_version.get(version_id, ()) if void.at > decided_at]
        if link_id and link_id in self._given_back:
            found.append(self._given_back[link_id])
        return min(found, key=lambda void: void.at, default=None)
