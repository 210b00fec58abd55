"""Which decisions of account holders count for a version (P5, P8)."""

from collections.abc import Collection, Mapping
from uuid import UUID

from sqlalchemy import ColumnElement, SQLColumnExpression, and_, exists, or_
from sqlalchemy.orm import aliased
from sqlmodel import Session, col, select

from database.policies.lineage import is_of_lineage
from database.policies.voids import stands, voided_as_wrong
from database.tables import Account, Approval, Campaign, CampaignAddressee
from domain.approvals.approvals import Decision

_HOLDER, _ADDRESSEE, _CAMPAIGN = aliased(Account), aliased(CampaignAddressee), aliased(Campaign)
"""Of their own, beside those of the question around."""


def counts_for(version_id: SQLColumnExpression[UUID] | UUID) -> ColumnElement[bool]:
    """Of a row of Approval: whether it counts for a version.

    It is about that version, or about one that the version corrects; it is not voided, nor a
    minor's approval; and its holder had been shown all that the version changes for them (P6).
    `version_id` may be a column of the question around it.
    """
    return and_(
        stands(),
        is_of_lineage(col(Approval.policy_version_id), version_id),
        ~_is_of_a_minor(),
        ~_is_unheard(version_id),
    )


def _is_of_a_minor() -> ColumnElement[bool]:
    """As `void_as_a_minors` has it by now: of several times in which its holder was said to be one
    the last, which stands in the account, voids what those before did."""
    of_a_minor = select(_HOLDER.id).where(
        col(Approval.decision) == Decision.APPROVED,
        col(_HOLDER.id) == col(Approval.account_id),
        col(_HOLDER.minor_from).is_not(None),
        or_(
            col(_HOLDER.minor_until).is_(None),
            col(_HOLDER.minor_until) > col(Approval.decided_at),
        ),
    )
    return exists(of_a_minor.correlate_except(_HOLDER))


def _is_unheard(version_id: SQLColumnExpression[UUID] | UUID) -> ColumnElement[bool]:
    unheard = (
        select(_ADDRESSEE.id)
        .join(_CAMPAIGN, col(_CAMPAIGN.id) == col(_ADDRESSEE.campaign_id))
        .where(
            col(_ADDRESSEE.account_id) == col(Approval.account_id),
            col(_ADDRESSEE.unheard_until).is_not(None),
            col(_ADDRESSEE.unheard_until) >= col(Approval.decided_at),
            col(_CAMPAIGN.policy_version_id) == version_id,
        )
    )
    return exists(unheard.correlate_except(_ADDRESSEE, _CAMPAIGN))


def has_answered(
    account_id: SQLColumnExpression[UUID], version_id: SQLColumnExpression[UUID] | UUID
) -> ColumnElement[bool]:
    """Whether the holder of an account gave an answer that counts for a version. Both may be
    columns of the questions around it."""
    answer = select(Approval.id).where(
        col(Approval.account_id) == account_id, counts_for(version_id)
    )
    return exists(answer.correlate_except(Approval))


def answers_that_count(
    session: Session, version_id: UUID, accounts: Collection[UUID]
) -> Mapping[UUID, bool]:
    """Of those of some accounts that answered: whether an answer counts for a version; where none
    does, all were void, as they were given on wrong words (P8)."""
    about = (
        col(Approval.account_id).in_(accounts),
        is_of_lineage(col(Approval.policy_version_id), version_id),
    )
    void = select(Approval.account_id).where(*about, voided_as_wrong()).distinct()
    count = select(Approval.account_id).where(*about, stands()).distinct()
    return {
        **dict.fromkeys(session.exec(void).all(), False),
        **dict.fromkeys(session.exec(count).all(), True),
    }
