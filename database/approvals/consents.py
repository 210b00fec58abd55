"""What account holders consented to: only ever appended, and taken back as easily as given (P5).

Approving a version says nothing about a purpose, and a purpose nothing about approving.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from uuid import UUID

from sqlmodel import Session, col, func, select

from database.approvals.approvals import Shown, change_shown
from database.approvals.shown_changes import keep_shown
from database.facts import record
from database.policies.voids import stands
from database.tables import (
    Account,
    Campaign,
    CampaignAddressee,
    ConsentDecision,
    Policy,
    PolicyVersion,
)
from database.writing import held
from domain.approvals.consents import Consent


def standing(session: Session, account_id: UUID, policy_id: UUID) -> Mapping[str, ConsentDecision]:
    """The latest word of an account about each purpose of a policy that stands; of the others there
    is none."""
    rows = session.exec(
        select(ConsentDecision)
        .join(PolicyVersion, col(PolicyVersion.id) == col(ConsentDecision.policy_version_id))
        .where(
            ConsentDecision.account_id == account_id,
            PolicyVersion.policy_id == policy_id,
            stands(ConsentDecision),
        )
        .order_by(col(ConsentDecision.decided_at), col(ConsentDecision.id))
    ).all()
    return {row.purpose: row for row in rows}


def say(
    transaction: Session,
    account: Account,
    shown: Shown,
    purpose: str,
    consent: Consent,
    now: datetime,
) -> ConsentDecision:
    """Append what somebody said about a purpose. The same again returns what is recorded."""
    account = held(transaction, Account, account.id)
    earlier = standing(transaction, account.id, shown.version.policy_id).get(purpose)
    if earlier is not None and earlier.decision == consent:
        return earlier
    change = shown.change or change_shown(transaction, account, shown)
    keep_shown(transaction, change)
    row = ConsentDecision(
        account_id=account.id,
        policy_version_id=shown.version.id,
        purpose=purpose,
        decision=consent,
        decided_at=now,
        how=shown.how,
        language=shown.language,
        shown_from_version_id=shown.base.id,
        change_sha256=change.sha256,
        link_id=shown.link_id,
    )
    transaction.add(row)
    transaction.flush()
    record(
        transaction,
        f"consent.{consent.value}",
        account.id,
        now,
        consent=row.id,
        version=shown.version.id,
        purpose=purpose,
        change_sha256=row.change_sha256,
    )
    return row


def told(session: Session, account_id: UUID) -> list[dict[str, object]]:
    """What an account holder last said about each purpose of each policy, with all that was said
    before, for others to read. Of what is not here, or was voided, there is no consent."""
    rows = session.exec(
        select(ConsentDecision, PolicyVersion.number, Policy.slug, stands(ConsentDecision))
        .join(PolicyVersion, col(PolicyVersion.id) == col(ConsentDecision.policy_version_id))
        .join(Policy, col(Policy.id) == col(PolicyVersion.policy_id))
        .where(ConsentDecision.account_id == account_id)
        .order_by(Policy.slug, col(ConsentDecision.decided_at), col(ConsentDecision.id))
    ).all()
    said: dict[tuple[str, str], list[dict[str, object]]] = {}
    for row, number, slug, counts_still in rows:
        said.setdefault((slug, row.purpose), []).append(
            {
                "id": row.id,
                "decision": row.decision,
                "version": number,
                "decided_at": row.decided_at,
                "how": row.how,
                "language": row.language,
                "change_sha256": row.change_sha256,
                "voided": not counts_still,
            }
        )
    return [
        {"policy": slug, "purpose": purpose, "consent": _last_word(words), "decisions": words}
        for (slug, purpose), words in said.items()
    ]


def _last_word(words: Sequence[Mapping[str, object]]) -> object:
    return next((word["decision"] for word in reversed(words) if not word["voided"]), None)


def counts(
    session: Session, campaign: Campaign, purposes: Sequence[str]
) -> Mapping[str, Mapping[str, int]]:
    """Of each purpose of a campaign's version: how many addressees gave their consent and how many
    withheld it, as they last said on any page of the policy."""
    latest_first = (col(ConsentDecision.decided_at).desc(), col(ConsentDecision.id).desc())
    of_policy = select(PolicyVersion.policy_id).where(
        PolicyVersion.id == campaign.policy_version_id
    )
    by_each = (col(ConsentDecision.account_id), col(ConsentDecision.purpose))
    words = (
        select(
            ConsentDecision.purpose,
            ConsentDecision.decision,
            func.row_number().over(partition_by=by_each, order_by=latest_first).label("place"),
        )
        .join(CampaignAddressee, col(CampaignAddressee.account_id) == ConsentDecision.account_id)
        .join(PolicyVersion, col(PolicyVersion.id) == ConsentDecision.policy_version_id)
        .where(
            CampaignAddressee.campaign_id == campaign.id,
            PolicyVersion.policy_id == of_policy.scalar_subquery(),
            col(ConsentDecision.purpose).in_(purposes),
            stands(ConsentDecision),
        )
        .subquery()
    )
    rows = session.exec(
        select(words.c.purpose, words.c.decision, func.count())
        .where(words.c.place == 1)
        .group_by(words.c.purpose, words.c.decision)
    ).all()
    found = {(purpose, decision): count for purpose, decision, count in rows}
    return {
        purpose: {consent: found.get((purpose, consent), 0) for consent in Consent}
        for purpose in purposes
    }
