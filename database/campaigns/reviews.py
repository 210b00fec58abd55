"""What legal decided about a version: reviews, releases, rejections (P2)."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from sqlmodel import Session, col, func, select

from database.campaigns.rehearsals import rehearsed
from database.facts import record
from database.policies.assessments import (
    add_by_legal,
    findings_between,
    findings_of,
    is_material_adverse,
    quote_refusal,
)
from database.policies.decisions import decide, proposer_of
from database.policies.legal_requirements import LawRefused, agree, citation_of, cite, requirements
from database.policies.policies import previous_version
from database.policies.wording import missing_words, wording_of
from database.tables import Fact, Finding, PolicyVersion, Review
from database.writing import held, hold
from domain.approvals.consents import purpose_key
from domain.policies.reviews import (
    FindingStatus,
    FindingUnderReview,
    Preparation,
    ReviewRequest,
    VersionClass,
    VersionState,
    VersionUnderReview,
    lowest_class,
    rejection_refusal,
    release_refusal,
    review_refusal,
)


class ReviewRefused(Exception):
    """Legal's act cannot stand; nothing changed."""


@dataclass(frozen=True, kw_only=True)
class ReviewContent:
    """What a reviewer asks for. `add` holds words, new or gone, that they find adverse;
    `consent` the purpose that a finding takes consent for, empty when it takes none any more; `law`
    the law that requires a finding, empty when none does after all; `agree_to_law` the law that
    somebody else cited for a finding, as the reviewer read it."""

    confirm: tuple[str, ...] = ()
    dismiss: tuple[str, ...] = ()
    add: tuple[str, ...] = ()
    version_class: VersionClass | None = None
    consent: Mapping[str, str] = field(default_factory=dict)
    law: Mapping[str, str] = field(default_factory=dict)
    agree_to_law: Mapping[str, str] = field(default_factory=dict)


def under_review(session: Session, version: PolicyVersion) -> VersionUnderReview:
    """A version as the rules of review see it."""
    previous = previous_version(session, version)
    in_step = (
        {finding.id for finding in findings_between(session, previous.id, version.id)}
        if previous
        else set[UUID]()
    )
    findings = findings_of(session, version.id)
    laws = requirements(session, findings, agreed=False)
    return VersionUnderReview(
        state=VersionState(version.state),
        submitted_by=version.submitted_by,
        version_class=VersionClass(version.version_class) if version.version_class else None,
        released=version.released_by is not None,
        findings=tuple(
            FindingUnderReview(
                key=finding.key,
                status=FindingStatus(finding.status),
                material_adverse=is_material_adverse(finding),
                in_step=finding.id in in_step,
                dismissal_proposed_by=proposer_of(session, finding),
                takes_consent=finding.consent_key is not None,
                law_cited_by=laws[finding.id].cited_by if finding.id in laws else None,
                law_agreed=finding.id in laws and laws[finding.id].agreed_at is not None,
            )
            for finding in findings
        ),
    )


def count_recorded(session: Session, version_id: UUID) -> int:
    """How many reviews of a version took effect."""
    recorded = col(Review.policy_version_id) == version_id, col(Review.recorded_at).is_not(None)
    return session.exec(select(func.count()).select_from(Review).where(*recorded)).one()


def in_review_since(session: Session, version_id: UUID) -> datetime | None:
    """When a version was compared with the earlier texts, and put before legal."""
    return session.exec(
        select(Fact.recorded_at).where(
            Fact.kind == "policy_version.in_review", Fact.subject_id == version_id
        )
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

    Raises ReviewRefused without a reason, when an added quote is in no text, or a purpose has
    no proper key.
    """
    if not reason.strip():
        raise ReviewRefused("A review needs a reason; it is kept for good.")
    for quote in content.add:
        if refusal := quote_refusal(transaction, version, quote):
            raise ReviewRefused(refusal)
    consent = {key: _purpose(given) for key, given in content.consent.items()}
    law = {key: _citation(given) for key, given in content.law.items()}
    row = Review(
        policy_version_id=version.id,
        reviewer_id=reviewer_id,
        version_class=content.version_class,
        reason=reason.strip(),
        content={
            "confirm": list(content.confirm),
            "dismiss": list(content.dismiss),
            "add": list(content.add),
            "consent": consent,
            "law": law,
            "agree_to_law": dict(content.agree_to_law),
        },
        reviewed_at=now,
    )
    transaction.add(row)
    return _request(row)


def apply_review(
    transaction: Session, version: PolicyVersion, review_id: UUID, now: datetime
) -> None:
    """Let a proposed review take effect, once. Raises ReviewRefused when it cannot stand."""
    hold(transaction, version)
    row = held(transaction, Review, review_id)
    if row.recorded_at is not None:
        return
    confirm, dismiss, add = (_strings(row.content[name]) for name in ("confirm", "dismiss", "add"))
    consent = _mapping(row.content.get("consent", {}))
    refusal = review_refusal(under_review(transaction, version), _request(row))
    if refusal:
        raise ReviewRefused(refusal)
    for finding in findings_of(transaction, version.id):
        if finding.key in confirm:
            decide(transaction, finding, FindingStatus.CONFIRMED, row, now)
        if finding.key in dismiss:
            agreed = finding.status == FindingStatus.DISMISSAL_PROPOSED
            status = FindingStatus.DISMISSED if agreed else FindingStatus.DISMISSAL_PROPOSED
            decide(transaction, finding, status, row, now)
        if finding.key in consent:
            _take_consent_for(finding, consent[finding.key] or None)
            transaction.add(finding)
    for quote in add:
        added = add_by_legal(transaction, version, quote, row.reviewer_id)
        decide(transaction, added, FindingStatus.CONFIRMED, row, now)
    transaction.flush()
    _say_of_laws(transaction, version, row, now)
    _classify(transaction, version, row)
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
        consent=[f"{key}={purpose}" for key, purpose in consent.items()] or None,
        law=_pairs(row, "law"),
        agreed_to_law=_pairs(row, "agree_to_law"),
        version_class=row.version_class,
    )


def _take_consent_for(finding: Finding, purpose: str | None) -> None:
    if finding.consent_key != purpose:
        finding.consent_label = None  # those words asked about another purpose
    finding.consent_key = purpose


def _say_of_laws(
    transaction: Session, version: PolicyVersion, review: Review, now: datetime
) -> None:
    findings = {finding.key: finding for finding in findings_of(transaction, version.id)}
    for key, citation in _mapping(review.content.get("law", {})).items():
        cite(transaction, findings[key], citation, review.reviewer_id, now)
    try:
        for key, citation in _mapping(review.content.get("agree_to_law", {})).items():
            agree(transaction, findings[key], citation, review.reviewer_id, now)
    except LawRefused as refused:
        raise ReviewRefused(str(refused)) from None


def _classify(transaction: Session, version: PolicyVersion, review: Review) -> None:
    """Give the class that legal gave; what they confirmed since can only raise it."""
    if review.version_class:
        version.version_class = review.version_class
    elif version.version_class:
        lowest = lowest_class(under_review(transaction, version))
        if lowest is VersionClass.APPROVAL:
            version.version_class = VersionClass.APPROVAL


def _request(row: Review) -> ReviewRequest:
    """What a reviewer wants, as the rules of review see it."""
    content = row.content
    law = _mapping(content.get("law", {}))
    return ReviewRequest(
        review_id=row.id,
        reviewer_id=row.reviewer_id,
        confirm=_strings(content["confirm"]),
        dismiss=_strings(content["dismiss"]),
        additions=len(_strings(content["add"])),
        version_class=VersionClass(row.version_class) if row.version_class else None,
        consent=tuple(_mapping(content.get("consent", {}))),
        law_cited=tuple(key for key, citation in law.items() if citation),
        law_agreed=tuple(_mapping(content.get("agree_to_law", {}))),
        law_dropped=tuple(key for key, citation in law.items() if not citation),
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


def preparation(session: Session, version: PolicyVersion, languages: Sequence[str]) -> Preparation:
    """What has still to be done before people hear of a version."""
    return Preparation(
        missing_words=missing_words(wording_of(session, version, languages)),
        rehearsed=rehearsed(session, version, languages=languages),
    )


def release(
    transaction: Session,
    version: PolicyVersion,
    releaser_id: UUID,
    now: datetime,
    *,
    languages: Sequence[str],
) -> None:
    """Let a version go out, to people who read these languages.

    Raises ReviewRefused when this person may not, or not yet.
    """
    hold(transaction, version)
    if version.released_by is not None:
        return
    refusal = release_refusal(
        under_review(transaction, version),
        releaser_id,
        preparation(transaction, version, languages),
    )
    if refusal:
        raise ReviewRefused(refusal)
    version.released_by = releaser_id
    transaction.add(version)
    record(transaction, "policy_version.released", version.id, now, released_by=releaser_id)


def _purpose(given: str) -> str:
    try:
        return purpose_key(given) if given.strip() else ""
    except ValueError as fault:
        raise ReviewRefused(f"{fault}. Nothing was recorded.") from None


def _citation(given: str) -> str:
    try:
        return citation_of(given) if given.strip() else ""
    except LawRefused as refused:
        raise ReviewRefused(str(refused)) from None


def _pairs(review: Review, name: str) -> list[str] | None:
    said = _mapping(review.content.get(name, {}))
    return [f"{key}={citation}" for key, citation in said.items()] or None


def _mapping(value: object) -> Mapping[str, str]:
    return {str(key): str(item) for key, item in value.items()} if isinstance(value, dict) else {}


def _strings(value: object) -> tuple[str, ...]:
    return tuple(str(item) for item in value) if isinstance(value, Iterable) else ()
