"""What the engine says of pairs of texts, and the findings about a version (P2)."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy import bindparam
from sqlalchemy.orm import aliased
from sqlmodel import Session, col, select

from database.facts import record
from database.policies.decisions import identity, inherit, inherit_from
from database.policies.findings_by_legal import CarriedOver, carried_over, shown
from database.tables import Assessment, AssessmentFinding, Finding, PolicyVersion
from database.writing import held
from domain.materiality import Assessment as AssessmentValue
from domain.materiality import Finding as FindingValue
from domain.policies.quotes import stands_in
from domain.policies.reviews import BY_LEGAL, FindingStatus, needs_legal

_BETWEEN = (
    select(Finding)
    .join(AssessmentFinding, col(AssessmentFinding.finding_id) == col(Finding.id))
    .join(Assessment, col(Assessment.id) == col(AssessmentFinding.assessment_id))
    .where(
        Assessment.base_version_id == bindparam("base"),
        Assessment.policy_version_id == bindparam("version"),
    )
)


def store_assessment(
    transaction: Session,
    base: PolicyVersion,
    version: PolicyVersion,
    assessment: AssessmentValue,
    now: datetime,
) -> Assessment:
    """Keep what the engine says of a pair of texts, once; link its findings to the version."""
    held(transaction, PolicyVersion, version.id)
    known = assessment_of(transaction, base.id, version.id)
    if known is not None:
        return known
    row = Assessment(
        base_version_id=base.id,
        policy_version_id=version.id,
        verdict=assessment.verdict,
        engine=assessment.engine,
        content=assessment.to_json_dict(),
        assessed_at=now,
    )
    transaction.add(row)
    transaction.flush()
    for value in assessment.findings:
        finding = _same_finding(transaction, version, value) or _new_finding(
            transaction, version, value, now
        )
        transaction.merge(AssessmentFinding(assessment_id=row.id, finding_id=finding.id))
    for carried in carried_over(transaction, base, version):
        finding = _carried(transaction, version, carried, now)
        transaction.merge(AssessmentFinding(assessment_id=row.id, finding_id=finding.id))
    record(
        transaction,
        "policy_version.assessed",
        version.id,
        now,
        base=base.number,
        verdict=row.verdict,
        engine=row.engine,
        findings=len(assessment.findings),
    )
    return row


def assessment_of(session: Session, base_id: UUID, version_id: UUID) -> Assessment | None:
    """The assessment of a pair of versions, if there is one."""
    return session.exec(
        select(Assessment).where(
            Assessment.base_version_id == base_id, Assessment.policy_version_id == version_id
        )
    ).first()


def findings_of(session: Session, version_id: UUID) -> Sequence[Finding]:
    """Every finding about a version, F1 first."""
    rows = session.exec(select(Finding).where(Finding.policy_version_id == version_id)).all()
    return in_order(rows)


def findings_between(session: Session, base_id: UUID, version_id: UUID) -> Sequence[Finding]:
    """The findings that a pair of versions shows, F1 first."""
    rows = session.exec(_BETWEEN, params={"base": base_id, "version": version_id}).all()
    return in_order(rows)


def in_order(findings: Iterable[Finding]) -> list[Finding]:
    """Findings about a version, F1 first."""
    return sorted(findings, key=lambda finding: int(finding.key[1:]))


def compared_with(session: Session, version_id: UUID) -> dict[UUID, tuple[int, ...]]:
    """For each finding about a version: the numbers of the older versions that show it."""
    rows = session.exec(
        select(AssessmentFinding.finding_id, PolicyVersion.number)
        .join(Assessment, col(Assessment.id) == col(AssessmentFinding.assessment_id))
        .join(PolicyVersion, col(PolicyVersion.id) == col(Assessment.base_version_id))
        .where(Assessment.policy_version_id == version_id)
        .order_by(col(PolicyVersion.number).desc())
    ).all()
    shown: dict[UUID, tuple[int, ...]] = {}
    for finding_id, number in rows:
        shown[finding_id] = (*shown.get(finding_id, ()), number)
    return shown


def ways_shown(session: Session, reclassification_id: UUID) -> frozenset[tuple[int, int]]:
    """The changes (from, to) that show what a reclassification confirmed, by number."""
    base, to = aliased(PolicyVersion), aliased(PolicyVersion)
    rows = session.exec(
        select(base.number, to.number, Finding)
        .join(Assessment, col(Assessment.base_version_id) == col(base.id))
        .join(to, col(to.id) == col(Assessment.policy_version_id))
        .join(AssessmentFinding, col(AssessmentFinding.assessment_id) == col(Assessment.id))
        .join(Finding, col(Finding.id) == col(AssessmentFinding.finding_id))
        .where(Finding.reclassified_id == reclassification_id)
    ).all()
    return frozenset((old, new) for old, new, finding in rows if is_material_adverse(finding))


def as_assessed(session: Session, version_id: UUID) -> dict[UUID, FindingValue]:
    """What the engine said of the findings about a version: their record, grounds and evidence."""
    ids = {identity(finding): finding.id for finding in findings_of(session, version_id)}
    contents = session.exec(
        select(Assessment.content).where(Assessment.policy_version_id == version_id)
    ).all()
    values = [
        FindingValue.from_json_dict(written)
        for content in contents
        for written in content["findings"]
    ]
    return {ids[identity(value)]: value for value in values if identity(value) in ids}


def confirmed_adverse(finding: Finding) -> bool:
    """Whether legal confirmed that this change is material and adverse."""
    return finding.status == FindingStatus.CONFIRMED and is_material_adverse(finding)


def is_material_adverse(finding: Finding) -> bool:
    """Whether the change is worse for people if legal confirms it.

    Confirming what the engine could not judge (`unclear`) says that it is adverse.
    """
    return needs_legal(finding.direction) and finding.severity != "minor"


def bases_of(session: Session, version: PolicyVersion) -> Sequence[PolicyVersion]:
    """The versions that a version was compared with, the newest first."""
    return session.exec(
        select(PolicyVersion)
        .join(Assessment, col(Assessment.base_version_id) == col(PolicyVersion.id))
        .where(Assessment.policy_version_id == version.id)
        .order_by(col(PolicyVersion.number).desc())
    ).all()


def is_clean(
    session: Session, base: PolicyVersion, version: PolicyVersion, *, at_release: bool = False
) -> bool:
    """No confirmed material adverse finding between two texts that were assessed and decided.

    `at_release`: leaving aside what was found out later (P2).
    """
    if base.sha256 == version.sha256:
        return True
    if assessment_of(session, base.id, version.id) is None:
        return False
    return not any(
        confirmed_adverse(finding) or finding.status in (FindingStatus.OPEN, "dismissal_proposed")
        for finding in findings_between(session, base.id, version.id)
        if not (at_release and finding.reclassified_id)
    )


def add_by_legal(
    transaction: Session, version: PolicyVersion, quote: str, reviewer_id: UUID
) -> Finding:
    """Add what a reviewer finds adverse and the engine did not see: words of the text, or words
    that it has no more. They count in each assessment whose older text lacks, or has, them.

    The sentence for people has to be written by a person too.
    """
    is_new = stands_in(quote, version.text)
    finding = Finding(
        policy_version_id=version.id,
        key=f"F{len(findings_of(transaction, version.id)) + 1}",
        rule=BY_LEGAL,
        direction="adverse",
        severity="material",
        practice="other",
        explanation="Added by legal.",
        sentence="",
        before=None if is_new else quote,
        after=quote if is_new else None,
        status=FindingStatus.OPEN,
        added_by=reviewer_id,
    )
    transaction.add(finding)
    transaction.flush()
    for assessment, base in transaction.exec(
        select(Assessment, PolicyVersion)
        .join(PolicyVersion, col(PolicyVersion.id) == col(Assessment.base_version_id))
        .where(Assessment.policy_version_id == version.id)
    ).all():
        if shown(transaction, finding, version, base, version):
            transaction.add(AssessmentFinding(assessment_id=assessment.id, finding_id=finding.id))
    return finding


def quote_refusal(session: Session, version: PolicyVersion, quote: str) -> str | None:
    """The sentence why legal cannot add these words as adverse, or None."""
    texts = (version.text, *(base.text for base in bases_of(session, version)))
    if any(stands_in(quote, text) for text in texts):
        return None
    return (
        f"These words are not in version {version.number}, nor in a text that it was compared "
        f"with: “{quote}”"
    )


def _same_finding(
    transaction: Session, version: PolicyVersion, value: FindingValue | Finding
) -> Finding | None:
    for finding in findings_of(transaction, version.id):
        if identity(finding) == identity(value):
            return finding
    return None


def _carried(
    transaction: Session, version: PolicyVersion, carried: CarriedOver, now: datetime
) -> Finding:
    """The finding about a version that goes on from what legal added; of the same words one."""
    for finding in findings_of(transaction, version.id):
        if (finding.rule, finding.before, finding.after) == (
            BY_LEGAL,
            carried.before,
            carried.after,
        ):
            return finding
    known = carried.known
    value = Finding(
        **known.model_dump(include={"rule", "direction", "severity", "practice"}),
        explanation=carried.explanation,
        before=carried.before,
        after=carried.after,
    )
    finding = _new_finding(transaction, version, value, now)
    if carried.is_sure and finding.status == FindingStatus.OPEN:
        inherit_from(transaction, version, finding, known, now)
    return finding


def _new_finding(
    transaction: Session, version: PolicyVersion, value: FindingValue | Finding, now: datetime
) -> Finding:
    finding = Finding(
        policy_version_id=version.id,
        key=f"F{len(findings_of(transaction, version.id)) + 1}",
        rule=value.rule,
        direction=value.direction,
        severity=value.severity,
        practice=value.practice,
        explanation=value.explanation,
        sentence="" if value.rule == BY_LEGAL else value.explanation,
        before=value.before,
        after=value.after,
        status=FindingStatus.OPEN if needs_legal(value.direction) else FindingStatus.NOTED,
    )
    transaction.add(finding)
    transaction.flush()
    inherit(transaction, version, finding, now)
    return finding
