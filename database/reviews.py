"""Assessments, findings, and what legal decided about them (P2)."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlmodel import Session, col, select

from database.facts import record
from database.tables import (
    Assessment,
    AssessmentFinding,
    Finding,
    FindingDecision,
    PolicyVersion,
    Review,
)
from database.writing import held, hold
from domain.materiality import Assessment as AssessmentValue
from domain.materiality import Finding as FindingValue
from domain.reviews import (
    FindingStatus,
    FindingUnderReview,
    ReviewRequest,
    VersionClass,
    VersionState,
    VersionUnderReview,
    lowest_class,
    needs_legal,
    rejection_refusal,
    release_refusal,
    review_refusal,
)

BY_LEGAL = "legal"


class ReviewRefused(Exception):
    """Legal's act cannot stand; nothing changed."""


@dataclass(frozen=True, kw_only=True)
class ReviewContent:
    """What a reviewer asks for. `add` holds quotes of the new text that they find adverse."""

    confirm: tuple[str, ...] = ()
    dismiss: tuple[str, ...] = ()
    add: tuple[str, ...] = ()
    version_class: VersionClass | None = None


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
    for finding in _found_by_legal(transaction, base, version, now):
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
    return sorted(rows, key=lambda finding: int(finding.key[1:]))


def findings_between(session: Session, base_id: UUID, version_id: UUID) -> Sequence[Finding]:
    """The findings that a pair of versions shows, F1 first."""
    rows = session.exec(
        select(Finding)
        .join(AssessmentFinding, col(AssessmentFinding.finding_id) == col(Finding.id))
        .join(Assessment, col(Assessment.id) == col(AssessmentFinding.assessment_id))
        .where(Assessment.base_version_id == base_id, Assessment.policy_version_id == version_id)
    ).all()
    return sorted(rows, key=lambda finding: int(finding.key[1:]))


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


def confirmed_adverse(finding: Finding) -> bool:
    """Whether legal confirmed that this change is material and adverse."""
    return finding.status == FindingStatus.CONFIRMED and _is_material_adverse(finding)


def is_clean(session: Session, base: PolicyVersion, version: PolicyVersion) -> bool:
    """No confirmed material adverse finding between two texts that were assessed and decided."""
    if base.sha256 == version.sha256:
        return True
    if assessment_of(session, base.id, version.id) is None:
        return False
    return not any(
        confirmed_adverse(finding) or finding.status in (FindingStatus.OPEN, "dismissal_proposed")
        for finding in findings_between(session, base.id, version.id)
    )


def under_review(session: Session, version: PolicyVersion) -> VersionUnderReview:
    """A version as the rules of review see it."""
    previous = previous_version(session, version)
    in_step = (
        {finding.id for finding in findings_between(session, previous.id, version.id)}
        if previous
        else set[UUID]()
    )
    return VersionUnderReview(
        state=VersionState(version.state),
        submitted_by=version.submitted_by,
        version_class=VersionClass(version.version_class) if version.version_class else None,
        released=version.released_by is not None,
        findings=tuple(
            FindingUnderReview(
                key=finding.key,
                status=FindingStatus(finding.status),
                material_adverse=_is_material_adverse(finding),
                in_step=finding.id in in_step,
                dismissal_proposed_by=_proposer(session, finding),
            )
            for finding in findings_of(session, version.id)
        ),
    )


def previous_version(session: Session, version: PolicyVersion) -> PolicyVersion | None:
    """The version that this one is to replace: the one in force when it was submitted."""
    return session.exec(
        select(PolicyVersion)
        .where(
            PolicyVersion.policy_id == version.policy_id,
            PolicyVersion.number < version.number,
            col(PolicyVersion.in_force_at).is_not(None),
        )
        .order_by(col(PolicyVersion.number).desc())
    ).first()


def propose_review(
    transaction: Session,
    version: PolicyVersion,
    *,
    reviewer_id: UUID,
    content: ReviewContent,
    reason: str,
    now: datetime,
) -> ReviewRequest:
    """Write down what a reviewer wants, before the workflow is asked to accept it.

    Raises ReviewRefused without a reason, or when an added quote is not in the text.
    """
    if not reason.strip():
        raise ReviewRefused("A review needs a reason; it is kept for good.")
    for quote in content.add:
        if not _stands_in(quote, version):
            raise ReviewRefused(f"These words are not in version {version.number}: “{quote}”")
    row = Review(
        policy_version_id=version.id,
        reviewer_id=reviewer_id,
        version_class=content.version_class,
        reason=reason.strip(),
        content={
            "confirm": list(content.confirm),
            "dismiss": list(content.dismiss),
            "add": list(content.add),
        },
        reviewed_at=now,
    )
    transaction.add(row)
    return ReviewRequest(
        review_id=row.id,
        reviewer_id=reviewer_id,
        confirm=content.confirm,
        dismiss=content.dismiss,
        additions=len(content.add),
        version_class=content.version_class,
    )


def apply_review(
    transaction: Session, version: PolicyVersion, review_id: UUID, now: datetime
) -> None:
    """Let a proposed review take effect, once. Raises ReviewRefused when it cannot stand."""
    hold(transaction, version)
    row = held(transaction, Review, review_id)
    if row.recorded_at is not None:
        return
    confirm, dismiss, add = (_strings(row.content[name]) for name in ("confirm", "dismiss", "add"))
    request = ReviewRequest(
        review_id=row.id,
        reviewer_id=row.reviewer_id,
        confirm=confirm,
        dismiss=dismiss,
        additions=len(add),
        version_class=VersionClass(row.version_class) if row.version_class else None,
    )
    refusal = review_refusal(under_review(transaction, version), request)
    if refusal:
        raise ReviewRefused(refusal)
    for finding in findings_of(transaction, version.id):
        if finding.key in confirm:
            _decide(transaction, finding, FindingStatus.CONFIRMED, row, now)
        if finding.key in dismiss:
            agreed = finding.status == FindingStatus.DISMISSAL_PROPOSED
            status = FindingStatus.DISMISSED if agreed else FindingStatus.DISMISSAL_PROPOSED
            _decide(transaction, finding, status, row, now)
    for quote in add:
        _add_by_legal(transaction, version, quote, row, now)
    transaction.flush()
    if row.version_class:
        version.version_class = row.version_class
    elif version.version_class and (
        lowest_class(under_review(transaction, version)) is VersionClass.APPROVAL
    ):
        version.version_class = VersionClass.APPROVAL  # the machine can only raise the class
    row.recorded_at = now
    transaction.add_all([row, version])
    record(
        transaction,
        "policy_version.reviewed",
        version.id,
        now,
        review=row.id,
        reviewer=row.reviewer_id,
        confirmed=confirm,
        dismissed=dismiss,
        added=len(add),
        version_class=row.version_class,
    )


def reject(transaction: Session, version: PolicyVersion, review_id: UUID, now: datetime) -> None:
    """Take a version back before anybody heard of it. Raises ReviewRefused when it is too late."""
    hold(transaction, version)
    if version.state == VersionState.REJECTED:
        return
    refusal = rejection_refusal(under_review(transaction, version))
    if refusal:
        raise ReviewRefused(refusal)
    row = transaction.get_one(Review, review_id)
    row.recorded_at = now
    version.state = VersionState.REJECTED
    transaction.add_all([version, row])
    record(
        transaction,
        "policy_version.rejected",
        version.id,
        now,
        review=row.id,
        rejected_by=row.reviewer_id,
    )


def release(transaction: Session, version: PolicyVersion, releaser_id: UUID, now: datetime) -> None:
    """Let a version go out. Raises ReviewRefused when this person may not, or not yet."""
    hold(transaction, version)
    if version.released_by is not None:
        return
    refusal = release_refusal(under_review(transaction, version), releaser_id)
    if refusal:
        raise ReviewRefused(refusal)
    version.released_by = releaser_id
    transaction.add(version)
    record(transaction, "policy_version.released", version.id, now, released_by=releaser_id)


def _same_finding(
    transaction: Session, version: PolicyVersion, value: FindingValue | Finding
) -> Finding | None:
    for finding in findings_of(transaction, version.id):
        if (finding.rule, finding.before, finding.after) == (value.rule, value.before, value.after):
            return finding
    return None


def _found_by_legal(
    transaction: Session, base: PolicyVersion, version: PolicyVersion, now: datetime
) -> list[Finding]:
    """What legal added to an earlier version, not in the old text and still in this one.

    The engine missed it then and would again; without it a correction of typing errors would
    bring the change to people who never approved it.
    """
    earlier = transaction.exec(
        select(Finding)
        .join(PolicyVersion, col(PolicyVersion.id) == col(Finding.policy_version_id))
        .where(
            PolicyVersion.policy_id == version.policy_id,
            PolicyVersion.number < version.number,
            Finding.rule == BY_LEGAL,
            Finding.status == FindingStatus.CONFIRMED,
        )
    ).all()
    found = []
    for known in earlier:
        if known.after and _stands_in(known.after, version) and not _stands_in(known.after, base):
            same = _same_finding(transaction, version, known)
            found.append(same or _new_finding(transaction, version, known, now))
    return found


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
        sentence=value.explanation,
        before=value.before,
        after=value.after,
        status=FindingStatus.OPEN if needs_legal(value.direction) else FindingStatus.NOTED,
    )
    transaction.add(finding)
    transaction.flush()
    _inherit(transaction, version, finding, now)
    return finding


def _inherit(transaction: Session, version: PolicyVersion, finding: Finding, now: datetime) -> None:
    """The same rule and quotes were decided for an earlier version: that decision stands."""
    decided = transaction.exec(
        select(Finding, FindingDecision)
        .join(FindingDecision, col(FindingDecision.finding_id) == col(Finding.id))
        .join(PolicyVersion, col(PolicyVersion.id) == col(Finding.policy_version_id))
        .where(
            PolicyVersion.policy_id == version.policy_id,
            Finding.id != finding.id,
            Finding.rule == finding.rule,
            Finding.before == finding.before,
            Finding.after == finding.after,
            col(Finding.status).in_([FindingStatus.CONFIRMED, FindingStatus.DISMISSED]),
        )
        .order_by(col(FindingDecision.decided_at).desc())
    ).first()
    if decided is None:
        return
    earlier, decision = decided
    finding.status = earlier.status
    finding.sentence = earlier.sentence
    transaction.add(
        FindingDecision(
            finding_id=finding.id,
            inherited_from=earlier.id,
            decision=earlier.status,
            decided_by=decision.decided_by,
            decided_at=now,
        )
    )


def _add_by_legal(
    transaction: Session, version: PolicyVersion, quote: str, review: Review, now: datetime
) -> None:
    finding = Finding(
        policy_version_id=version.id,
        key=f"F{len(findings_of(transaction, version.id)) + 1}",
        rule=BY_LEGAL,
        direction="adverse",
        severity="material",
        practice="other",
        explanation="Added by legal.",
        sentence=f"New in the policy: “{quote}”",
        after=quote,
        status=FindingStatus.OPEN,
        added_by=review.reviewer_id,
    )
    transaction.add(finding)
    transaction.flush()
    for assessment in transaction.exec(
        select(Assessment).where(Assessment.policy_version_id == version.id)
    ).all():
        transaction.add(AssessmentFinding(assessment_id=assessment.id, finding_id=finding.id))
    _decide(transaction, finding, FindingStatus.CONFIRMED, review, now)


def _decide(
    transaction: Session, finding: Finding, status: FindingStatus, review: Review, now: datetime
) -> None:
    finding.status = status
    transaction.add(finding)
    transaction.add(
        FindingDecision(
            finding_id=finding.id,
            review_id=review.id,
            decision=status,
            decided_by=review.reviewer_id,
            decided_at=now,
        )
    )


def _proposer(session: Session, finding: Finding) -> UUID | None:
    if finding.status != FindingStatus.DISMISSAL_PROPOSED:
        return None
    decision = session.exec(
        select(FindingDecision)
        .where(FindingDecision.finding_id == finding.id)
        .order_by(col(FindingDecision.decided_at).desc())
    ).first()
    return decision.decided_by if decision else None


def _is_material_adverse(finding: Finding) -> bool:
    """Confirming what the engine could not judge (`unclear`) says that it is adverse."""
    return needs_legal(finding.direction) and finding.severity != "minor"


def _stands_in(quote: str, version: PolicyVersion) -> bool:
    words = " ".join(quote.split())
    return bool(words) and words in " ".join(version.text.split())


def _strings(value: object) -> tuple[str, ...]:
    return tuple(str(item) for item in value) if isinstance(value, Iterable) else ()
