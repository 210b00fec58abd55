"""Which decisions of account holders count for a version (P5, P8)."""

from collections.abc import Collection, Mapping
from uuid import UUID

from sqlalchemy import ColumnElement, SQLColumnExpression, and_, exists
from sqlmodel import Session, col, select

from database.policies.lineage import is_of_lineage
from database.policies.voids import stands, voided_as_wrong
from database.tables import Approval


def counts_for(version_id: SQLColumnExpression[UUID] | UUID) -> ColumnElement[bool]:
    """Of a row of Approval: whether it counts for a version.

    It is about that version, or about one that the version corrects, and it is not voided.
    `version_id` may be a column of the question around it.
    """
    return and_(stands(), is_of_lineage(col(Approval.policy_version_id), version_id))


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
