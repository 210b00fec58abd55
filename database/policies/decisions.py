"""What was decided of a finding, by whom and why; and what a later version inherits of it (P2)."""

from collections.abc import Sequence
from datetime import datetime
from typing import TypeAlias
from uuid import UUID

from sqlmodel import Session, col, select

from database.policies.legal_requirements import inherit_requirement
from database.tables import (
    ConsentLabel,
    Finding,
    FindingDecision,
    FindingSentence,
    PolicyVersion,
    Review,
    Staff,
)
from domain.materiality import Finding as FindingValue
from domain.policies.reviews import DecidedBefore, FindingStatus

LEADING_TO = {
    FindingStatus.CONFIRMED: (FindingStatus.CONFIRMED,),
    FindingStatus.DISMISSED: (FindingStatus.DISMISSAL_PROPOSED, FindingStatus.DISMISSED),
}
"""By what people say a finding comes to stand like this."""
Identity: TypeAlias = tuple[str, str | None, str | None, str]


def identity(finding: Finding | FindingValue) -> Identity:
    """What makes two findings the same: rule, quotes, and what is said of them.

    What is said belongs to it: of a link that leads elsewhere, only the explanation has the
    addresses, and the words quoted stay as they were.
    """
    return finding.rule, finding.before, finding.after, finding.explanation


def decide(
    transaction: Session, finding: Finding, status: FindingStatus, review: Review, now: datetime
) -> None:
    """Let a finding stand as a reviewer says."""
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


def inherit(transaction: Session, version: PolicyVersion, finding: Finding, now: datetime) -> None:
    """Let a new finding stand as the same one of the earlier version for which people decided it
    last: an older version may have been reclassified since."""
    decided = transaction.exec(
        select(Finding)
        .join(PolicyVersion, col(PolicyVersion.id) == col(Finding.policy_version_id))
        .where(
            PolicyVersion.policy_id == version.policy_id,
            PolicyVersion.number < version.number,
            Finding.rule == finding.rule,
            Finding.before == finding.before,
            Finding.after == finding.after,
            Finding.explanation == finding.explanation,
            col(Finding.status).in_(LEADING_TO),
        )
        .order_by(col(PolicyVersion.number))
    ).all()
    dated = [
        (said[-1].decided_at, place, earlier)
        for place, earlier in enumerate(decided)
        if (said := decisions_behind(transaction, earlier))
    ]
    if dated:
        *_, last = max(dated)
        inherit_from(transaction, version, finding, last, now)


def inherit_from(
    transaction: Session,
    version: PolicyVersion,
    finding: Finding,
    earlier: Finding,
    now: datetime,
) -> None:
    """Let a new finding stand as one of an earlier version, if that one is decided.

    What people are told of it comes along, in each language, and the law that requires it.
    """
    behind = decisions_behind(transaction, earlier)
    if not behind:
        return
    finding.status = earlier.status
    say_the_same(transaction, earlier, finding)
    finding.consent_key, finding.consent_label = earlier.consent_key, earlier.consent_label
    for label in transaction.exec(
        select(ConsentLabel).where(
            ConsentLabel.policy_version_id == earlier.policy_version_id,
            ConsentLabel.purpose == earlier.consent_key,
        )
    ).all():
        values = label.model_dump(exclude={"policy_version_id"})
        transaction.merge(ConsentLabel(policy_version_id=version.id, **values))
    inherit_requirement(transaction, earlier, finding)
    transaction.add(
        FindingDecision(
            finding_id=finding.id,
            inherited_from=behind[-1].finding_id,
            decision=earlier.status,
            decided_by=behind[-1].decided_by,
            decided_at=now,
        )
    )


def say_the_same(transaction: Session, known: Finding, finding: Finding) -> None:
    """Let people be told of a finding what they are told of another, in each language."""
    finding.sentence = known.sentence
    for told in transaction.exec(
        select(FindingSentence).where(FindingSentence.finding_id == known.id)
    ).all():
        values = told.model_dump(exclude={"finding_id"})
        transaction.merge(FindingSentence(**values, finding_id=finding.id))


def decisions_behind(session: Session, finding: Finding) -> Sequence[FindingDecision]:
    """What people said that led to how a finding stands, earliest first: of this finding, or else
    of the one that it inherited from. Nothing while it is undecided."""
    return _decisions(session, finding.id, LEADING_TO.get(FindingStatus(finding.status), ()))


def decided_before(session: Session, finding: Finding) -> DecidedBefore | None:
    """What an earlier version's review decided of the same finding, or None."""
    inherited = session.exec(
        select(FindingDecision).where(
            FindingDecision.finding_id == finding.id,
            col(FindingDecision.inherited_from).is_not(None),
        )
    ).first()
    if inherited is None or inherited.inherited_from is None:
        return None
    status = FindingStatus(inherited.decision)
    said = _decisions(session, inherited.inherited_from, LEADING_TO[status])
    reviews = [session.get_one(Review, one.review_id) for one in said]
    origin = session.get_one(Finding, inherited.inherited_from)
    return DecidedBefore(
        status=status,
        number=session.get_one(PolicyVersion, origin.policy_version_id).number,
        by=_each_once([session.get_one(Staff, one.decided_by).name for one in said]),
        at=said[-1].decided_at,
        reasons=_each_once([review.reason for review in reviews]),
    )


def proposer_of(session: Session, finding: Finding) -> UUID | None:
    """Who proposed the dismissal that waits for a second person."""
    if finding.status != FindingStatus.DISMISSAL_PROPOSED:
        return None
    return session.exec(
        select(FindingDecision.decided_by)
        .where(
            FindingDecision.finding_id == finding.id,
            FindingDecision.decision == FindingStatus.DISMISSAL_PROPOSED,
        )
        .order_by(col(FindingDecision.decided_at).desc())
    ).first()


def _decisions(
    session: Session, finding_id: UUID, leading_to: Sequence[FindingStatus]
) -> Sequence[FindingDecision]:
    own = session.exec(
        select(FindingDecision)
        .where(
            FindingDecision.finding_id == finding_id,
            col(FindingDecision.review_id).is_not(None),
            col(FindingDecision.decision).in_(leading_to),
        )
        .order_by(col(FindingDecision.decided_at), col(FindingDecision.decision))
    ).all()
    if own:
        return own
    origin = session.exec(
        select(FindingDecision.inherited_from).where(
            FindingDecision.finding_id == finding_id,
            col(FindingDecision.inherited_from).is_not(None),
        )
    ).first()
    return _decisions(session, origin, leading_to) if origin else ()


def _each_once(words: Sequence[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(words))
