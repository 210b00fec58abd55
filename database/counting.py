"""Which decisions of account holders count for a version (P5, P8)."""

from uuid import UUID

from sqlalchemy import ColumnElement, SQLColumnExpression, and_, or_
from sqlalchemy.orm import aliased
from sqlmodel import col, select

from database.tables import Approval, PolicyVersion
from database.voids import stands

_CORRECTED = aliased(PolicyVersion)
"""Once: to make it takes longer than the question, which is asked before each batch of mails."""


def counts_for(version_id: SQLColumnExpression[UUID] | UUID) -> ColumnElement[bool]:
    """Of a row of Approval: whether it counts for a version.

    It is about that version, or about one that the version corrects, and it is not voided.
    `version_id` may be a column of the question around it.
    """
    about = col(Approval.policy_version_id)
    corrected = select(_CORRECTED.id).where(col(_CORRECTED.corrected_by_id) == version_id)
    return and_(
        stands(),
        or_(
            about == version_id,
            about.in_(corrected.correlate_except(_CORRECTED)),
        ),
    )
