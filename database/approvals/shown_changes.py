"""What somebody was shown of a change: its words, and the hash that stands for them (P5, P6)."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from hashlib import sha256
from typing import NamedTuple

from sqlalchemy import String, bindparam
from sqlalchemy import select as select_columns
from sqlmodel import Session, col, func, select

from database.approvals.wrong_words import correction_in
from database.ids import new_id
from database.policies.assessments import in_order
from database.policies.law import law_behind, laws_in
from database.policies.purposes import asked_in
from database.policies.without_approval import promise_of
from database.tables import (
    Assessment,
    AssessmentFinding,
    CampaignCorrection,
    ConsentLabel,
    Finding,
    FindingSentence,
    LegalRequirement,
    LegalSentence,
    PolicyVersion,
    ShownWords,
    VersionSummary,
)
from database.writing import insert_new
from domain.policies.reviews import FindingStatus

_IN_IT = bindparam("language", type_=String())
_SAID = (
    select_columns(
        Finding,
        func.coalesce(col(FindingSentence.sentence), col(Finding.sentence)),
        LegalRequirement,
        func.coalesce(col(LegalSentence.sentence), col(LegalRequirement.sentence)),
        col(ConsentLabel.label),
        func.coalesce(col(VersionSummary.summary), col(PolicyVersion.summary)),
    )
    .select_from(PolicyVersion)
    .outerjoin(
        VersionSummary,
        (col(VersionSummary.policy_version_id) == col(PolicyVersion.id))
        & (col(VersionSummary.language) == _IN_IT),
    )
    .outerjoin(
        Assessment,
        (col(Assessment.policy_version_id) == col(PolicyVersion.id))
        & (col(Assessment.base_version_id) == bindparam("base")),
    )
    .outerjoin(AssessmentFinding, col(AssessmentFinding.assessment_id) == col(Assessment.id))
    .outerjoin(Finding, col(Finding.id) == col(AssessmentFinding.finding_id))
    .outerjoin(
        FindingSentence,
        (col(FindingSentence.finding_id) == col(Finding.id))
        & (col(FindingSentence.language) == _IN_IT),
    )
    .outerjoin(
        LegalRequirement,
        (col(LegalRequirement.finding_id) == col(Finding.id))
        & col(LegalRequirement.dropped_at).is_(None)
        & col(LegalRequirement.agreed_at).is_not(None),
    )
    .outerjoin(
        LegalSentence,
        (col(LegalSentence.requirement_id) == col(LegalRequirement.id))
        & (col(LegalSentence.language) == _IN_IT),
    )
    .outerjoin(
        ConsentLabel,
        (col(ConsentLabel.policy_version_id) == col(PolicyVersion.id))
        & (col(ConsentLabel.purpose) == col(Finding.consent_key))
        & (col(ConsentLabel.language) == _IN_IT),
    )
    .where(col(PolicyVersion.id) == bindparam("version"))
)
"""What `Said` holds, a row for each finding: everybody who decides asks it, and once is enough."""


class Said(NamedTuple):
    """A finding, what is told of it, the law that requires it, what is told of that, what is asked
    of its purpose, and the summary of the version: to whoever reads a language."""

    finding: Finding | None
    sentence: str | None
    law: LegalRequirement | None
    of_law: str | None
    label: str | None
    summary: str


@dataclass(frozen=True)
class ShownChange:
    """All that a page says of a change to whoever reads its language, as JSON."""

    words: str

    @cached_property
    def sha256(self) -> str:
        """What an approval keeps of it."""
        return sha256(self.words.encode()).hexdigest()


def shown_change(
    session: Session,
    base: PolicyVersion,
    version: PolicyVersion,
    language: str,
    put_right: CampaignCorrection | None = None,
) -> ShownChange:
    """What is shown now of the way from one version to another.

    What was `put_right` of it for somebody is part of it: who has the page open from before has not
    seen that.
    """
    asked = {"base": base.id, "version": version.id, "language": language}
    said = [Said(*row) for row in session.execute(_SAID, asked)]
    findings = in_order(each.finding for each in said if each.finding)
    told = {each.finding.id: each.sentence for each in said if each.finding}
    laws = law_behind(findings, {each.law.finding_id: each.law for each in said if each.law})
    of_laws = {each.law.id: each.of_law or "" for each in said if each.law}
    labels = {each.finding.consent_key or "": each.label for each in said if each.finding}
    promise = promise_of(version)
    shown = {
        "from": {"version": base.number, "text_sha256": base.sha256},
        "to": {"version": version.number, "text_sha256": version.sha256},
        "summary": said[0].summary,
        "changes": [
            told[finding.id] for finding in findings if finding.status == FindingStatus.CONFIRMED
        ],
        "without_approval": f"{promise.what} {promise.until_on or ''}".strip(),
        "consents": asked_in(findings, labels),
        "laws": [
            {"citation": law.citation, "sentence": law.sentence} for law in laws_in(laws, of_laws)
        ],
        "put_right": put_right
        and {"id": str(put_right.id), "words": correction_in(session, put_right, language).words},
    }
    return ShownChange(json.dumps(shown, ensure_ascii=False, sort_keys=True))


def keep_shown(transaction: Session, change: ShownChange) -> None:
    """Keep the words behind a hash that somebody decides on: legal may write others (P6)."""
    insert_new(
        transaction,
        ShownWords,
        [{"id": new_id(), "sha256": change.sha256, "words": change.words}],
    )


def words_behind(session: Session, hashes: Iterable[str]) -> Mapping[str, object]:
    """What the words were, as `shown_change` put them together, by their hash."""
    rows = session.exec(select(ShownWords).where(col(ShownWords.sha256).in_(set(hashes)))).all()
    return {row.sha256: json.loads(row.words) for row in rows}
