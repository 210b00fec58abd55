"""What account holders decide and what governs them then, the same in a scene and in a town."""

from datetime import datetime

from database.approvals import approvals
from database.engine import Database
from database.people.accounts import AccountRow, account_by_external_id
from database.policies.policies import policy_by_slug, version_by_slug
from database.tables import Approval
from domain.approvals.approvals import Decision, Governing
from tests.people import POLICY

APPROVED, DECLINED = Decision.APPROVED, Decision.DECLINED


def decide(
    database: Database, who: AccountRow, decision: Decision, number: int, at: datetime
) -> Approval:
    """Somebody follows the link of their mail, which shows what changes since version 1."""
    with database.transaction() as transaction:
        base, version = (version_by_slug(transaction, POLICY, each) for each in (1, number))
        shown = approvals.Shown(version=version, base=base, how="link", language="en")
        account = account_by_external_id(transaction, who.external_id)
        return approvals.decide(transaction, account, shown, decision, at)


def governing(database: Database, who: AccountRow, at: datetime) -> Governing:
    """What governs somebody at an instant, and why."""
    with database.session() as session:
        policy = policy_by_slug(session, POLICY)
        account = account_by_external_id(session, who.external_id)
        return approvals.governing_version(session, policy, account, at)
