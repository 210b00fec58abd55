"""What was found too late of a version, in the earlier ones that said it already (P2).

A typing correction says again what the version before it said. Where only the correction were
found to be adverse, everybody would fall back to the version before it, which is as bad.
"""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from sqlmodel import Session, col, select

from database.policies.assessments import (
    assessment_of,
    findings_between,
    findings_of,
    is_material_adverse,
)
from database.policies.decisions import decide, identity, say_the_same
from database.policies.findings_by_legal import brings
from database.tables import Assessment, AssessmentFinding, Finding, PolicyVersion, Review
from domain.policies.reviews import BY_LEGAL, FindingStatus

HARMLESS = (FindingStatus.DISMISSED, FindingStatus.DISMISSAL_PROPOSED)
"""How a finding stands that was said to be adverse to nobody."""


def confirm_where_said_before(
    transaction: Session,
    version: PolicyVersion,
    wrong: Sequence[Finding],
    review: Review,
    now: datetime,
) -> None:
    """Confirm in every earlier version that was in force what its change shows of these findings of
    a version: by the same reclassification, in the same words."""
    for earlier in _in_force_before(transaction, version):
        for finding in wrong:
            said = _said_before(transaction, earlier, version, finding) or _add(
                transaction, earlier, version, finding
            )
            if said is None or said.status == FindingStatus.CONFIRMED:
                continue
            said.reclassified_id = finding.reclassified_id
            say_the_same(transaction, finding, said)
            decide(transaction, said, FindingStatus.CONFIRMED, review, now)
    transaction.flush()


def _in_force_before(session: Session, version: PolicyVersion) -> Sequence[PolicyVersion]:
    return session.exec(
        select(PolicyVersion)
        .where(
            PolicyVersion.policy_id == version.policy_id,
            PolicyVersion.number < version.number,
            col(PolicyVersion.in_force_at).is_not(None),
        )
        .order_by(col(PolicyVersion.number).desc())
    ).all()


def _said_before(
    session: Session, earlier: PolicyVersion, version: PolicyVersion, finding: Finding
) -> Finding | None:
    """The same finding of an earlier version; or one by the same rule, of the same old words, where
    the rule found nothing between the two: then only slips differ in the new ones."""
    findings = [each for each in findings_of(session, earlier.id) if is_material_adverse(each)]
    for each in findings:
        if identity(each) == identity(finding):
            return each
    if finding.rule == BY_LEGAL or assessment_of(session, earlier.id, version.id) is None:
        return None
    if any(each.rule == finding.rule for each in findings_between(session, earlier.id, version.id)):
        return None
    same_words = (finding.rule, finding.before)
    return next((each for each in findings if (each.rule, each.before) == same_words), None)


def _add(
    transaction: Session, earlier: PolicyVersion, version: PolicyVersion, finding: Finding
) -> Finding | None:
    """What legal quotes of a version, as a finding of an earlier one whose change brought it."""
    if finding.rule != BY_LEGAL:
        return None
    shown = [
        assessment
        for assessment, base in _compared(transaction, earlier.id)
        if brings(finding, version, base, earlier)
    ]
    if not shown:
        return None
    said = Finding(
        **finding.model_dump(exclude={"id", "policy_version_id", "key", "status"}),
        policy_version_id=earlier.id,
        key=f"F{len(findings_of(transaction, earlier.id)) + 1}",
        status=FindingStatus.OPEN,
    )
    transaction.add(said)
    transaction.flush()
    for assessment in shown:
        transaction.add(AssessmentFinding(assessment_id=assessment.id, finding_id=said.id))
    return said


def _compared(session: Session, version_id: UUID) -> Sequence[tuple[Assessment, PolicyVersion]]:
    """How a version was compared with the older ones, with each of these."""
    return session.exec(
        select(Assessment, PolicyVersion)
        .join(PolicyVersion, col(PolicyVersion.id) == col(Assessment.base_version_id))
        .where(Assessment.policy_version_id == version_id)
    ).all()
