"""Versions that belong together: those that one only mends, and those whose place it took (P6, P8).

What was told and decided of the first counts for it. Whoever was told of any of the second waits
for what becomes of it.
"""

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import ColumnElement, SQLColumnExpression, or_
from sqlalchemy.orm import aliased
from sqlmodel import Session, col, select

from database.policies.policies import corrected_by, replaced_by
from database.tables import Campaign, PolicyVersion

_CORRECTED = aliased(PolicyVersion)
"""Once: to make it takes longer than the question, which is asked before each batch of mails."""


def lineage(session: Session, version_id: UUID) -> Sequence[UUID]:
    """A version and those that it corrects."""
    return [version_id, *(each.id for each in corrected_by(session, version_id))]


def is_of_lineage(
    about: SQLColumnExpression[UUID], version_id: SQLColumnExpression[UUID] | UUID
) -> ColumnElement[bool]:
    """Whether a version is another one, or one that it corrects; either may be a column of the
    question around it."""
    corrected = select(_CORRECTED.id).where(col(_CORRECTED.corrected_by_id) == version_id)
    return or_(about == version_id, about.in_(corrected.correlate_except(_CORRECTED)))


def campaigns_of_lineage(session: Session, campaign: Campaign) -> Sequence[UUID]:
    """The campaigns whose mails say what this one's do: itself, and those about the versions that
    its version corrects."""
    corrected = select(_CORRECTED.id).where(
        _CORRECTED.corrected_by_id == campaign.policy_version_id
    )
    about = select(Campaign.id).where(col(Campaign.policy_version_id).in_(corrected))
    return [campaign.id, *session.exec(about).all()]


def campaigns_replaced(session: Session, version_id: UUID) -> Sequence[UUID]:
    """The campaigns that ended because this version took the place of theirs, or of one that had
    taken it; up to one that told people itself that nothing comes."""
    found: list[UUID] = []
    for old in replaced_by(session, version_id):
        ended = session.exec(select(Campaign).where(Campaign.policy_version_id == old.id)).all()
        if not any(each.state == "withdrawn" for each in ended):
            found += [*(each.id for each in ended), *campaigns_replaced(session, old.id)]
    return found
