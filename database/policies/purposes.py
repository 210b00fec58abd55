"""The purposes of a version that need consent of their own, as legal marked its findings (P5)."""

from collections.abc import Iterable, Mapping, Sequence
from uuid import UUID

from sqlmodel import Session, select

from database.policies.assessments import findings_of
from database.tables import ConsentLabel, Finding
from domain.policies.reviews import FindingStatus


def purposes_of(session: Session, version_id: UUID) -> tuple[str, ...]:
    """The keys of all purposes of a version, in the order of its findings."""
    return tuple(_labels(findings_of(session, version_id)))


def written_in(session: Session, version_id: UUID, language: str) -> Mapping[str, str]:
    """What legal wrote in a language about each purpose."""
    rows = session.exec(
        select(ConsentLabel).where(
            ConsentLabel.policy_version_id == version_id, ConsentLabel.language == language
        )
    ).all()
    return {row.purpose: row.label for row in rows}


def asked_because_of(
    session: Session, findings: Sequence[Finding], language: str
) -> Mapping[str, str]:
    """What somebody to whom these findings about a version apply, and who reads a language, is
    asked to consent to: the label of each purpose. One that has no words is left out: nobody
    consents to what is not said."""
    if not _labels(findings):
        return {}
    return asked_in(findings, written_in(session, findings[0].policy_version_id, language))


def asked_in(findings: Iterable[Finding], written: Mapping[str, str | None]) -> Mapping[str, str]:
    """The same, where it is known what legal wrote in the language about each purpose."""
    asked = {purpose: written.get(purpose) or label for purpose, label in _labels(findings).items()}
    return {purpose: label for purpose, label in asked.items() if label}


def _labels(findings: Iterable[Finding]) -> dict[str, str]:
    """The purposes of confirmed findings with the words in the default language."""
    labels: dict[str, str] = {}
    for finding in findings:
        if finding.status == FindingStatus.CONFIRMED and finding.consent_key:
            labels[finding.consent_key] = labels.get(finding.consent_key) or (
                finding.consent_label or ""
            )
    return labels
