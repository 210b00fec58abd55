"""What somebody was shown of a change: its words, and the hash that stands for them (P5, P6)."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from hashlib import sha256

from sqlalchemy import bindparam
from sqlmodel import Session, col, select

from database.approvals.wrong_words import correction_in
from database.ids import new_id
from database.policies.assessments import findings_between
from database.policies.law import laws_said_of
from database.policies.purposes import asked_because_of
from database.policies.without_approval import promise_of
from database.policies.wording import sentences_in, summary_in
from database.tables import CampaignCorrection, PolicyVersion, ShownWords
from database.writing import insert_new
from domain.policies.reviews import FindingStatus

_KEPT = select(ShownWords.id).where(ShownWords.sha256 == bindparam("sha256"))


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
    findings = findings_between(session, base.id, version.id)
    confirmed = [finding for finding in findings if finding.status == FindingStatus.CONFIRMED]
    told = sentences_in(session, confirmed, language)
    promise = promise_of(version)
    laws = laws_said_of(session, findings, language)
    said = {
        "from": {"version": base.number, "text_sha256": base.sha256},
        "to": {"version": version.number, "text_sha256": version.sha256},
        "summary": summary_in(session, version, language),
        "changes": [told[finding.id] for finding in confirmed],
        "without_approval": f"{promise.what} {promise.until_on or ''}".strip(),
        "consents": asked_because_of(session, findings, language),
        "laws": [{"citation": law.citation, "sentence": law.sentence} for law in laws],
        "put_right": put_right
        and {"id": str(put_right.id), "words": correction_in(session, put_right, language).words},
    }
    return ShownChange(json.dumps(said, ensure_ascii=False, sort_keys=True))


def keep_shown(transaction: Session, change: ShownChange) -> None:
    """Keep the words behind a hash that somebody decides on: legal may write others (P6).

    Asked first: all but the first who decide on them find them there.
    """
    if transaction.exec(_KEPT, params={"sha256": change.sha256}).first():
        return
    insert_new(
        transaction,
        ShownWords,
        [{"id": new_id(), "sha256": change.sha256, "words": change.words}],
    )


def words_behind(session: Session, hashes: Iterable[str]) -> Mapping[str, object]:
    """What the words were, as `shown_change` put them together, by their hash."""
    rows = session.exec(select(ShownWords).where(col(ShownWords.sha256).in_(set(hashes)))).all()
    return {row.sha256: json.loads(row.words) for row in rows}
