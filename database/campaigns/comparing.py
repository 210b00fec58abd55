"""A version is compared with every text that somebody may be moved from (P2)."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from sqlmodel import Session

from database.approvals.approvals import PolicyHistory
from database.approvals.standings import texts_in_use
from database.engine import Database
from database.policies import assessments, policies
from database.policies.findings_by_legal import carried_over
from database.tables import Policy, PolicyVersion
from domain.materiality import assess


def compare(database: Database, version_id: UUID, now: datetime) -> Sequence[PolicyVersion]:
    """Assess each pair of texts that is not assessed yet; the texts the version was compared with:
    those that govern a live account, or are announced."""
    with database.session() as session:
        version = session.get_one(PolicyVersion, version_id)
        bases = _bases(session, version, now)
        missing = [
            base for base in bases if not assessments.assessment_of(session, base.id, version.id)
        ]
    for base in missing:
        assessment = assess(base.text, version.text)
        with database.session() as session:
            carried_over(session, base, version)  # compares texts: not while we hold rows
        with database.transaction() as transaction:
            assessments.store_assessment(transaction, base, version, assessment, now)
    return bases


def _bases(session: Session, version: PolicyVersion, now: datetime) -> Sequence[PolicyVersion]:
    policy = session.get_one(Policy, version.policy_id)
    history = PolicyHistory(session, policy)
    previous = policies.previous_version(session, version)
    first = [previous.number] if previous else []
    numbers = texts_in_use(session, history, now)
    for announced in policies.announced_versions(session, version.policy_id):
        corrected = policies.corrected_by(session, announced.id)
        numbers |= {each.number for each in (announced, *corrected)}
    # The version to be superseded comes first, so that its findings are F1 and on.
    others = sorted(numbers - {version.number, *first}, reverse=True)
    return [history.versions[number] for number in (*first, *others)]
