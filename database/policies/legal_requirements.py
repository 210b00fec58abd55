"""Which law requires what a finding shows: one of legal cites it, another agrees (P5)."""

from collections.abc import Iterable, Mapping
from datetime import datetime
from uuid import UUID

from sqlalchemy import bindparam
from sqlmodel import Session, col, select

from database.tables import Finding, LegalRequirement, LegalSentence

LONGEST_CITATION = 300
_STANDING = select(LegalRequirement).where(
    col(LegalRequirement.finding_id).in_(bindparam("findings", expanding=True)),
    col(LegalRequirement.dropped_at).is_(None),
)


class LawRefused(Exception):
    """This cannot be said of a law; nothing changed."""


def requirements(
    session: Session, findings: Iterable[Finding], *, agreed: bool = True
) -> Mapping[UUID, LegalRequirement]:
    """The law that requires each finding, by its id; others have none. What waits for the second
    person counts only where it need not be `agreed`."""
    ids = [finding.id for finding in findings]
    rows = session.exec(_STANDING, params={"findings": ids}).all() if ids else ()
    return {row.finding_id: row for row in rows if row.agreed_at or not agreed}


def citation_of(given: str) -> str:
    """A citation as it is kept, in one line. Raises LawRefused when it is empty or too long."""
    citation = " ".join(given.split())
    if not 0 < len(citation) <= LONGEST_CITATION:
        raise LawRefused(
            f"A citation says where the law stands, in 1 to {LONGEST_CITATION} characters, like "
            "Regulation (EU) 2024/1689, Article 50. Nothing was recorded."
        )
    return citation


def cite(transaction: Session, finding: Finding, citation: str, by: UUID, now: datetime) -> None:
    """Say which law requires a change, instead of what was said before; with an empty citation that
    none does. A second person has to agree."""
    before = requirements(transaction, [finding], agreed=False).get(finding.id)
    if before:
        before.dropped_by, before.dropped_at = by, now
        transaction.flush()  # it leaves before the next one comes: only one stands
    if not citation:
        return
    row = LegalRequirement(finding_id=finding.id, citation=citation, cited_by=by, cited_at=now)
    if before and before.citation == citation:
        _tell_the_same(transaction, before, row)
    else:
        transaction.add(row)
    transaction.flush()


def agree(transaction: Session, finding: Finding, citation: str, by: UUID, now: datetime) -> None:
    """A second person agrees to the law that was cited. Raises LawRefused when they read another
    one than the one that stands."""
    row = requirements(transaction, [finding], agreed=False)[finding.id]
    if row.citation != citation:
        raise LawRefused(
            f"Another law is cited for {finding.key} by now: {row.citation}. Read it, then agree."
        )
    row.agreed_by, row.agreed_at = by, now
    transaction.flush()


def inherit_requirement(transaction: Session, earlier: Finding, finding: Finding) -> None:
    """Let the same finding of a later version be required by the same law, on the word of the same
    two people, and told in the same words."""
    known = requirements(transaction, [earlier]).get(earlier.id)
    if known is None:
        return
    said = known.model_dump(exclude={"id", "finding_id", "inherited_from"})
    row = LegalRequirement(**said, finding_id=finding.id, inherited_from=known.id)
    _tell_the_same(transaction, known, row)


def _tell_the_same(transaction: Session, known: LegalRequirement, row: LegalRequirement) -> None:
    """Add a requirement of which people are told the same, in each language."""
    row.sentence = known.sentence
    transaction.add(row)
    transaction.flush()
    for told in transaction.exec(
        select(LegalSentence).where(LegalSentence.requirement_id == known.id)
    ).all():
        words = told.model_dump(exclude={"requirement_id"})
        transaction.add(LegalSentence(**words, requirement_id=row.id))


def sentences_of_laws(
    session: Session, rows: Iterable[LegalRequirement], language: str
) -> Mapping[UUID, str]:
    """What somebody who reads this language is told of each law."""
    told = {row.id: row.sentence for row in rows}
    return {**told, **written_of_laws(session, told, language)}


def written_of_laws(session: Session, rows: Iterable[UUID], language: str) -> Mapping[UUID, str]:
    """What was written about each law in just this language."""
    ids = list(rows)
    if not ids:
        return {}
    found = session.exec(
        select(LegalSentence).where(
            col(LegalSentence.requirement_id).in_(ids), LegalSentence.language == language
        )
    ).all()
    return {row.requirement_id: row.sentence for row in found}


def write_of_law(
    transaction: Session,
    row: LegalRequirement,
    sentence: str,
    language: str,
    *,
    is_default: bool,
    by: UUID,
    now: datetime,
) -> None:
    """Let people who read a language be told this of a law; what is in the default one stands in
    the requirement too."""
    transaction.merge(
        LegalSentence(
            requirement_id=row.id,
            language=language,
            sentence=sentence,
            edited_by=by,
            edited_at=now,
        )
    )
    row.sentence = sentence if is_default else row.sentence
    transaction.add(row)
