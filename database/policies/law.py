"""A version governs people because a law requires it, and not because they approved it (P5)."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlmodel import Session

from database.facts import record
from database.policies.assessments import (
    assessment_of,
    bases_of,
    confirmed_adverse,
    findings_between,
    findings_of,
    is_clean,
)
from database.policies.legal_requirements import requirements, sentences_of_laws
from database.tables import Finding, LegalRequirement, PolicyVersion, Staff
from domain.policies.reviews import UNDECIDED


@dataclass(frozen=True, kw_only=True)
class Law:
    """A law as people read of it: where it stands, and what it means for them."""

    citation: str
    sentence: str


@dataclass(frozen=True, kw_only=True)
class Cited:
    """A law that was cited for a finding, by whom, and who agreed; None while nobody did."""

    finding: str
    citation: str
    cited_by_id: UUID
    cited_by: str
    cited_at: datetime
    agreed_by: str | None
    agreed_at: datetime | None

    def __str__(self) -> str:
        """The sentence for a colleague who reviews it."""
        agreed = f"{self.agreed_by} agreed" if self.agreed_by else "a second person has to agree"
        return f"Required by {self.citation}, says {self.cited_by}; {agreed}."


def law_between(
    session: Session, base: PolicyVersion, version: PolicyVersion, *, at_release: bool = False
) -> Sequence[LegalRequirement]:
    """The laws that require all that is material and adverse between two texts, as two people said.

    None where there is more to it, where something is not decided, where nothing is adverse, and
    where they were not compared. `at_release`: leaving aside what was found out later (P2).
    """
    findings = [
        finding
        for finding in findings_between(session, base.id, version.id)
        if not (at_release and finding.reclassified_id)
    ]
    return _law_behind(session, findings)


def _law_behind(session: Session, findings: Sequence[Finding]) -> Sequence[LegalRequirement]:
    return law_behind(findings, requirements(session, filter(confirmed_adverse, findings)))


def law_behind(
    findings: Sequence[Finding], found: Mapping[UUID, LegalRequirement]
) -> Sequence[LegalRequirement]:
    """The laws that require all that is adverse among what two texts show, as `law_between`, where
    it is `found` already which law requires each finding."""
    adverse = [finding for finding in findings if confirmed_adverse(finding)]
    if any(finding.status in UNDECIDED for finding in findings):
        return ()
    required = [found[finding.id] for finding in adverse if finding.id in found]
    return required if len(required) == len(adverse) else ()


def takes_approval(
    session: Session, base: PolicyVersion, version: PolicyVersion, *, at_release: bool = False
) -> frozenset[str]:
    """What is material and adverse between two texts and no law requires: the findings by their
    ids; where it is not known, a name of this pair's own. `at_release` as `law_between`."""
    if base.sha256 == version.sha256:
        return frozenset()
    if assessment_of(session, base.id, version.id) is None:
        return frozenset({f"{base.id} to {version.id} was not assessed"})
    takes = [
        finding
        for finding in findings_between(session, base.id, version.id)
        if (confirmed_adverse(finding) or finding.status in UNDECIDED)
        and not (at_release and finding.reclassified_id)
    ]
    by_law = requirements(session, takes)
    return frozenset(str(finding.id) for finding in takes if finding.id not in by_law)


def bases_by_law(session: Session, version: PolicyVersion) -> frozenset[UUID]:
    """The versions from which the way to this one takes no approval only because of a law."""
    if not requirements(session, findings_of(session, version.id)):
        return frozenset()
    return frozenset(
        base.id for base in bases_of(session, version) if law_between(session, base, version)
    )


def asked_nevertheless(session: Session, version: PolicyVersion) -> tuple[int, ...]:
    """The versions from which a version that a law requires changes more than the law does, by
    number: whoever has one of them is asked, as nobody is governed by half a version."""
    by_law = bases_by_law(session, version)
    if not by_law:
        return ()
    return tuple(
        base.number
        for base in bases_of(session, version)
        if base.id not in by_law and not is_clean(session, base, version)
    )


def laws_said(
    session: Session, base: PolicyVersion, version: PolicyVersion, language: str
) -> tuple[Law, ...]:
    """The same as somebody who reads this language is told of it, each law once."""
    found = _law_behind(session, findings_between(session, base.id, version.id))
    return laws_in(found, sentences_of_laws(session, found, language))


def laws_in(found: Iterable[LegalRequirement], told: Mapping[UUID, str]) -> tuple[Law, ...]:
    """Laws with what is told of them, each once."""
    laws = (Law(citation=one.citation, sentence=told[one.id]) for one in found)
    return tuple(dict.fromkeys(laws))


def laws_of(session: Session, version: PolicyVersion, language: str) -> tuple[Law, ...]:
    """The laws because of which a version applies to people who were not asked, as they are told to
    everybody."""
    by_law = bases_by_law(session, version)
    laws = (
        law
        for base in bases_of(session, version)
        if base.id in by_law
        for law in laws_said(session, base, version, language)
    )
    return tuple(dict.fromkeys(laws))


def cited(session: Session, findings: Iterable[Finding]) -> tuple[Cited, ...]:
    """What was cited for these findings, with the names of who did and of who agreed."""
    findings = list(findings)
    found = requirements(session, findings, agreed=False)
    return tuple(
        Cited(
            finding=finding.key,
            citation=row.citation,
            cited_by_id=row.cited_by,
            cited_by=session.get_one(Staff, row.cited_by).name,
            cited_at=row.cited_at,
            agreed_by=session.get_one(Staff, row.agreed_by).name if row.agreed_by else None,
            agreed_at=row.agreed_at,
        )
        for finding in findings
        for row in [found.get(finding.id)]
        if row is not None
    )


def record_departure(
    transaction: Session, base: PolicyVersion, version: PolicyVersion, now: datetime, at: datetime
) -> None:
    """Record that from an instant a version governs people who were not asked, where it does so
    because of a law: a departure from P5, with the laws and the two people behind each."""
    found = law_between(transaction, base, version)
    if found:
        record(
            transaction,
            "policy_version.departed_from_p5",
            version.id,
            now,
            at=at,
            laws=list(dict.fromkeys(one.citation for one in found)),
            requirements=[one.id for one in found],
            cited_by=[one.cited_by for one in found],
            agreed_by=[one.agreed_by for one in found],
        )
