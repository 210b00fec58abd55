"""Which decisions of account holders count for a version (P5, P8)."""

from uuid import UUID

from sqlalchemy import ColumnElement, SQLColumnExpression, and_
from sqlmodel import col

from database.lineage import is_of_lineage
from database.tables import Approval
from database.voids import stands


def counts_for(version_id: SQLColumnExpression[UUID] | UUID) -> ColumnElement[bool]:
    """Of a row of Approval: whether it counts for a version.

    It is about that version, or about one that the version corrects, and it is not voided.
    `version_id` may be a column of the question around it.
    """
    return and_(stands(), is_of_lineage(col(Approval.policy_version_id), version_id))
