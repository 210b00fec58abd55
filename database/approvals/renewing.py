"""Addressees of a campaign that stand otherwise than when it was frozen (P5, P6).

Who takes back what they said of an earlier version, or whose answer to it was somebody else's, is
governed by an older text than the one from which a later change was shown to them. They are shown,
and asked, from the text that is theirs now, and have the notice once more.
"""

from collections.abc import Collection, Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy import Boolean, bindparam, or_
from sqlalchemy import select as select_columns
from sqlmodel import Session, col, select

from database.approvals.approvals import PolicyHistory, Proven
from database.facts import record
from database.mail.outbox import MAYBE_TOLD, TOLD_ANEW
from database.mail.steps import CALLED_OFF, FINISHED, FIRST_NOTICE, notice_template
from database.policies.lineage import lineage
from database.tables import Account, Campaign, CampaignAddressee, OutboxMail, Policy, PolicyVersion
from database.writing import held
from domain.approvals.approvals import Governing
from domain.people.account_holders import AccountKind
from domain.policies.reviews import TO_COME, VersionState

_ADDRESSED = (
    select_columns(CampaignAddressee, PolicyVersion)
    .join(Campaign, col(Campaign.id) == col(CampaignAddressee.campaign_id))
    .join(PolicyVersion, col(PolicyVersion.id) == col(Campaign.policy_version_id))
    .where(
        col(CampaignAddressee.account_id) == bindparam("account"),
        col(Campaign.state).not_in(CALLED_OFF),
        col(PolicyVersion.policy_id) == bindparam("policy"),
        or_(bindparam("itself", type_=Boolean()), col(PolicyVersion.id) != bindparam("after")),
        col(PolicyVersion.state).in_((*TO_COME, VersionState.IN_FORCE)),
    )
    .order_by(col(CampaignAddressee.id))
)


def stands(
    history: PolicyHistory, state: Governing, version: PolicyVersion, *, asks: bool
) -> dict[str, UUID | bool]:
    """How a campaign addresses an account in this state, which it asks or tells."""
    base = history.asks_from(state, version) if asks else None
    return {
        "governing_version_id": (base or history.versions[state.number]).id,
        "accepted_version_id": history.versions[state.accepted].id,
        "asks_approval": asks,
    }


def renew_addressee(
    transaction: Session, policy: Policy, account: Account, now: datetime, *, after: UUID
) -> Sequence[UUID]:
    """Let campaigns address an account as it stands after what was said or undone about the version
    `after`, in the same transaction: those about other versions that may govern it yet. What was
    answered to these counts, or counts no more, as the fold has it.

    Returns the first notices that are owed again because of it, to be sent afterwards.
    """
    addressed = _addressed(transaction, policy, account, after)
    if not addressed:
        return ()
    history = PolicyHistory(transaction, policy)
    proven = history.proven([account], now).get(account.id)
    if proven is None:
        return ()
    owed: list[UUID] = []
    for addressee, version in addressed:
        _hear(transaction, proven, addressee, version)
        if proven.state.number < version.number:
            owed += _renew(transaction, history, proven.state, addressee, version, account, now)
    return owed


def _hear(
    transaction: Session, proven: Proven, addressee: CampaignAddressee, version: PolicyVersion
) -> None:
    """Mark whether what an account answered to a version counts no more, as it was shown less."""
    until = unheard_until(proven, lineage(transaction, version.id))
    if addressee.unheard_until != until:
        addressee = held(transaction, CampaignAddressee, addressee.id)
        addressee.unheard_until = until
        transaction.add(addressee)


def unheard_until(proven: Proven, about: Collection[UUID]) -> datetime | None:
    """Until when what an account answered to these versions counts no more, as the fold has it;
    None while any of it counts."""
    answers = [row for row in proven.approvals if row.policy_version_id in about]
    counted = {word.row for word in proven.state.words}
    if any(row.id in counted for row in answers):
        return None
    return max((row.decided_at for row in answers), default=None)


def _addressed(
    session: Session, policy: Policy, account: Account, after: UUID
) -> Sequence[tuple[CampaignAddressee, PolicyVersion]]:
    """Who was a minor may have been shown the version itself from a text that they could not
    approve; else what was just decided of it was shown from the one that is theirs."""
    asked = {
        "account": account.id,
        "policy": policy.id,
        "after": after,
        "itself": account.minor_from is not None,
    }
    return [tuple(row) for row in session.execute(_ADDRESSED, asked)]


def _renew(
    transaction: Session,
    history: PolicyHistory,
    state: Governing,
    addressee: CampaignAddressee,
    version: PolicyVersion,
    account: Account,
    now: datetime,
) -> Sequence[UUID]:
    asks = history.asks_from(state, version) is not None
    now_stands = stands(history, state, version, asks=asks)
    before = addressee.model_dump(include=set(now_stands))
    if now_stands == before:
        return ()
    was_shown = history.adverse(
        history.by_id[addressee.governing_version_id].number, version.number
    )
    was_asked = addressee.asks_approval
    addressee = held(transaction, CampaignAddressee, addressee.id)
    addressee.sqlmodel_update(now_stands)
    transaction.add(addressee)
    record(transaction, "campaign.addressee_renewed", addressee.id, now, **now_stands)
    shown = history.adverse(history.by_id[addressee.governing_version_id].number, version.number)
    answered = any(word.number == version.number for word in state.words)
    if asks and not answered and not (was_asked and shown <= was_shown):
        return _tell_anew(transaction, addressee, account, now)
    return ()


def _tell_anew(
    transaction: Session, addressee: CampaignAddressee, account: Account, now: datetime
) -> Sequence[UUID]:
    """Queue the first notice again, which says what changes from the text that is theirs; its id.

    A campaign that is over sends nothing more: whoever falls back then reads it on the page on
    which they said so, and the mail stays what it came to.
    """
    if transaction.get_one(Campaign, addressee.campaign_id).state == FINISHED:
        return ()
    notice = transaction.exec(
        select(OutboxMail)
        .where(
            OutboxMail.subject_id == addressee.campaign_id,
            OutboxMail.addressee_id == addressee.account_id,
            OutboxMail.step == FIRST_NOTICE,
        )
        .with_for_update(key_share=True)
    ).first()
    if notice is None:
        return ()
    minor = account.kind == AccountKind.MINOR
    notice.variant = addressee.governing_version_id
    notice.template = notice_template(FIRST_NOTICE, asks_approval=True, minor=minor)
    transaction.add(notice)
    if notice.state not in MAYBE_TOLD:
        return ()
    record(transaction, "mail.reopened", notice.id, now, was=notice.state, link=notice.link_id)
    notice.state, notice.reason = "queued", TOLD_ANEW
    notice.attempt_id = notice.claimed_at = notice.settled_at = None
    notice.queued_at = now
    return (notice.id,)
