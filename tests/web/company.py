"""Companies whose website tests open: what is in their databases before anybody comes."""

from collections.abc import Callable, Mapping
from datetime import datetime
from uuid import UUID

from sqlmodel import Session, col

from database.campaigns.campaigns import open_campaign
from database.campaigns.freezing import freeze_audience
from database.campaigns.reviews import ReviewContent, apply_review, propose_review
from database.engine import Database
from database.people.links import add_first_links
from database.people.staff import add_staff, by_handle
from database.policies.assessments import findings_of
from database.policies.policies import add_policy, policy_by_slug, put_in_force
from database.tables import Account, CampaignAddressee, PolicyVersion
from domain.policies.reviews import FindingStatus, VersionClass, VersionState
from tests.people import POLICY
from tests.web.world import EFFECT, FIRST_DAY, NOW, put_in_review, submit_text, text

Tokens = Mapping[str, str]
"""With which members of staff sign in, by their handles."""

Filling = Callable[[Database], Tokens]

STAFF = {
    "lena": ("Lena", ["legal"]),
    "omar": ("Omar", ["legal"]),
    "priya": ("Priya", ["privacy"]),
    "paul": ("Paul", ["privacy"]),
    "otto": ("Otto", ["ops"]),
    "sofia": ("Sofia", ["support"]),
    "aziz": ("Aziz", ["auditor"]),
}


def with_staff_and_a_policy(database: Database) -> Tokens:
    """Staff of every role that signs in, and a policy without a version."""
    tokens = {}
    with database.transaction() as transaction:
        for handle, (name, roles) in STAFF.items():
            _, tokens[handle] = add_staff(
                transaction, handle=handle, name=name, email=f"{handle}@example.com", roles=roles
            )
        transaction.flush()
        lena = by_handle(transaction, "lena")
        add_policy(transaction, slug=POLICY, title="privacy policy", owner_id=lena.id)
    return tokens


def with_a_version_in_review(database: Database) -> Tokens:
    """Version 1 is in force, version 2 waits for legal; Lena submitted both."""
    tokens = with_staff_and_a_policy(database)
    with database.transaction() as transaction:
        first = _submit(transaction, 1, NOW)
        first.state, first.in_force_at = VersionState.IN_FORCE, NOW
        transaction.flush()
        put_in_review(transaction, _submit(transaction, 2, NOW))
    return tokens


def between_two_versions(database: Database) -> Tokens:
    """Version 1 in force, version 2 announced with a confirmed adverse change, links made."""
    tokens = with_staff_and_a_policy(database)
    with database.transaction() as transaction:
        first = _submit(transaction, 1, FIRST_DAY)
        first.version_class, first.effective_at = VersionClass.EDITORIAL, FIRST_DAY
        transaction.flush()
        put_in_force(transaction, first, FIRST_DAY)
        for name in ("alice", "bob", "carol"):
            transaction.add(
                Account(
                    external_id=name,
                    email=f"{name}@example.org",
                    name=name.capitalize(),
                    joined_at=FIRST_DAY,
                    recorded_at=FIRST_DAY,
                )
            )
    with database.transaction() as transaction:
        second = _submit(transaction, 2, NOW)
        put_in_review(transaction, second)
        omar = by_handle(transaction, "omar")
        _confirm_everything(transaction, second, omar.id)
        second.released_by = omar.id  # whose test mails would stand in the outbox of every test
        second.state = VersionState.ANNOUNCED
        second.announced_at = NOW
        second.planned_effective_on = EFFECT
        policy = policy_by_slug(transaction, POLICY)
        campaign_id = open_campaign(transaction, second, policy, NOW).id
    freeze_audience(database, campaign_id, NOW)
    with database.transaction() as transaction:
        add_first_links(transaction, col(CampaignAddressee.campaign_id) == campaign_id, NOW)
    return tokens


def _submit(transaction: Session, number: int, now: datetime) -> PolicyVersion:
    policy = policy_by_slug(transaction, POLICY)
    lena = by_handle(transaction, "lena")
    return submit_text(transaction, policy, text(number), lena.id, now)


def _confirm_everything(transaction: Session, version: PolicyVersion, reviewer_id: UUID) -> None:
    content = ReviewContent(
        confirm=tuple(
            finding.key
            for finding in findings_of(transaction, version.id)
            if finding.status == FindingStatus.OPEN
        ),
        version_class=VersionClass.APPROVAL,
    )
    asked = propose_review(
        transaction,
        version,
        reviewer_id=reviewer_id,
        content=content,
        reason="It is to the disadvantage of account holders.",
        now=NOW,
    )
    transaction.flush()
    apply_review(transaction, version, asked.review_id, NOW)
