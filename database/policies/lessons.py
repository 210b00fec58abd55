"""What legal decided about findings, as cases to test the engine with and counts per rule (P2)."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from uuid import UUID

from sqlalchemy.orm import aliased
from sqlmodel import Session, col, func, or_, select

from database.policies.assessments import findings_between, is_material_adverse
from database.policies.decisions import decisions_behind
from database.tables import (
    Account,
    Assessment,
    Finding,
    FindingDecision,
    Policy,
    PolicyVersion,
    Review,
    Staff,
)
from domain.policies.lessons import Answer, Case, RuleAgreement, agreement, case_of, naming_nobody
from domain.policies.quotes import stands_in
from domain.policies.reviews import BY_LEGAL, UNDECIDED, FindingStatus, VersionState


@dataclass(frozen=True, kw_only=True)
class Lesson:
    """Two texts that were compared, the later one's number first, with what legal made of them.

    `case` is None while they have still to decide, and where nothing was for them to decide.
    """

    number: int
    base: int
    before: str
    after: str
    is_open: bool
    case: Case | None


def lessons_of(session: Session, policy: Policy, number: int | None = None) -> Sequence[Lesson]:
    """Every pair of texts of a policy, or of one of its versions, that was assessed."""
    base = aliased(PolicyVersion)
    query = (
        select(base, PolicyVersion)
        .join(Assessment, col(Assessment.base_version_id) == base.id)
        .join(PolicyVersion, col(PolicyVersion.id) == col(Assessment.policy_version_id))
        .where(PolicyVersion.policy_id == policy.id)
        .order_by(col(PolicyVersion.number), col(base.number))
    )
    if number is not None:
        query = query.where(PolicyVersion.number == number)
    reasons = _reasons(session, policy)
    return [_lesson(session, policy.slug, *pair, reasons) for pair in session.exec(query).all()]


def agreement_of(session: Session, policy: Policy | None = None) -> tuple[RuleAgreement, ...]:
    """For each rule how often legal agreed, in one policy or in all.

    A decision that a later version inherited is the same answer and counts once; what was open
    when a version was rejected asks nobody any more.
    """
    inherited = select(FindingDecision.finding_id).where(
        col(FindingDecision.inherited_from).is_not(None)
    )
    query = (
        select(Finding.rule, Finding.status)
        .join(PolicyVersion, col(PolicyVersion.id) == col(Finding.policy_version_id))
        .where(
            col(Finding.id).not_in(inherited),
            or_(
                PolicyVersion.state != VersionState.REJECTED,
                col(Finding.status).not_in(UNDECIDED),
            ),
        )
    )
    if policy is not None:
        query = query.where(PolicyVersion.policy_id == policy.id)
    return agreement((rule, FindingStatus(status)) for rule, status in session.exec(query).all())


def _lesson(
    session: Session,
    slug: str,
    base: PolicyVersion,
    version: PolicyVersion,
    reasons: Mapping[UUID, str],
) -> Lesson:
    answers = [
        _answer(session, finding, reasons)
        for finding in findings_between(session, base.id, version.id)
        if not _stood_there_before(finding, base)
    ]
    return Lesson(
        number=version.number,
        base=base.number,
        before=base.text,
        after=version.text,
        is_open=any(answer.status in UNDECIDED for answer in answers),
        case=case_of(_case_id(slug, base, version), slug, answers),
    )


def _case_id(slug: str, base: PolicyVersion, version: PolicyVersion) -> str:
    """Names a folder. The same two texts have the same id, and no two others share it."""
    name = re.sub(r"[^\w-]", "-", slug)
    texts = sha256(f"{base.sha256} {version.sha256}".encode()).hexdigest()
    return f"{name}-{base.number}-{version.number}-{texts[:12]}"


def _stood_there_before(finding: Finding, base: PolicyVersion) -> bool:
    """What legal adds to a version is held against every older text, also one that has it too."""
    return finding.rule == BY_LEGAL and stands_in(finding.after or "", base.text)


def _answer(session: Session, finding: Finding, reasons: Mapping[UUID, str]) -> Answer:
    status = FindingStatus(finding.status)
    decisions = decisions_behind(session, finding)
    return Answer(
        finding=finding.key,
        rule=finding.rule,
        practice=finding.practice,
        material_adverse=is_material_adverse(finding),
        before=finding.before,
        after=finding.after,
        status=status,
        people=len({decision.decided_by for decision in decisions}),
        reasons=tuple(reasons[one.review_id] for one in decisions if one.review_id),
    )


def _reasons(session: Session, policy: Policy) -> Mapping[UUID, str]:
    """Why legal decided as they did, by review, as it may leave the house: without the names of
    staff, and without names, ids and addresses of account holders."""
    reviews = session.exec(
        select(Review)
        .join(PolicyVersion, col(PolicyVersion.id) == col(Review.policy_version_id))
        .where(PolicyVersion.policy_id == policy.id)
    ).all()
    said = "\n".join(review.reason for review in reviews)
    names = [*_staff(session), *_account_holders(session, said)]
    return {review.id: naming_nobody(review.reason, names) for review in reviews}


def _staff(session: Session) -> Iterator[str]:
    for handle, name in session.exec(select(Staff.handle, Staff.name)).all():
        yield from (handle, name, *name.split())


def _account_holders(session: Session, said: str) -> Iterator[str]:
    """The names and external ids of account holders that occur in what was said.

    Asked by `replace`, as LIKE would take the signs in a name for wildcards.
    """
    said = f"{said}\n{said.lower()}"
    for column in (col(Account.name), col(Account.external_id)):
        occurs = [func.replace(said, name, "") != said for name in (column, func.lower(column))]
        yield from session.exec(select(column).where(or_(*occurs)).distinct()).all()
