"""Who has not approved a version: the list for the company's own systems (P5)."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID

from sqlmodel import Session, col, select

from database.approvals.approvals import PolicyHistory, Proven
from database.campaigns.progress import is_asked
from database.mail.outbox import CARRIED, GOT_IT
from database.mail.steps import FIRST_NOTICE
from database.tables import (
    Account,
    Campaign,
    CampaignAddressee,
    MissedNotice,
    OutboxMail,
    PolicyVersion,
)
from domain.approvals.approvals import Decision
from domain.people.account_holders import Status
from domain.policies.reviews import TO_COME, VersionState

ACCOUNTS_AT_ONCE = 1000
ASKED = (*TO_COME, VersionState.IN_FORCE, VersionState.SUPERSEDED)
"""Of versions in these states it matters who has not approved; the others come to nothing."""


@dataclass(frozen=True, kw_only=True)
class NotApproved:
    """An open account that was asked, and that the version does not govern, or would not.

    `decision`: declined, or null while it is silent. `first_notice`: what became of the mail that
    asked it; null when none was owed. `stay_until`: the day until which it stays at least.
    `may_end`: whether that day is over, the account was told of it, by that mail or otherwise, and
    the version that has followed this one promises no longer stay.
    """

    account: str
    kind: str
    governing_version: int
    since: datetime
    decision: str | None
    decided_at: datetime | None
    first_notice: str | None
    without_approval: str
    stay_until: date | None
    may_end: bool


COLUMNS = tuple(NotApproved.__dataclass_fields__)


def not_approved(
    session: Session, history: PolicyHistory, campaign: Campaign, *, at: datetime, today: date
) -> Iterator[NotApproved]:
    """Whom a campaign asked, and who has not approved so far, by their external id.

    `today` is the company's. Read a thousand at a time, however many there are.
    """
    version = history.by_id[campaign.policy_version_id]
    if version.state not in ASKED:
        return
    after = ""
    while page := _asked_after(session, campaign, after):
        after = page[-1].external_id
        ids = [account.id for account in page]
        mails = _first_notices(session, campaign, ids)
        otherwise = _reached_otherwise(session, campaign, ids)
        answers = history.proven(page, at)
        for account in page:
            proven, mail = answers.get(account.id), mails.get(account.id)
            if proven is not None and _stays(history, proven, version):
                told = mail in (*GOT_IT, CARRIED) or account.id in otherwise
                yield _listed(account, proven, version, mail, today if told else None)


def _stays(history: PolicyHistory, proven: Proven, version: PolicyVersion) -> bool:
    older = proven.state.number < version.number
    return older and history.needs_approval(proven.state, version)


def _asked_after(session: Session, campaign: Campaign, after: str) -> Sequence[Account]:
    return session.exec(
        select(Account)
        .join(CampaignAddressee, col(CampaignAddressee.account_id) == col(Account.id))
        .where(
            CampaignAddressee.campaign_id == campaign.id,
            is_asked(),
            Account.status == Status.OPEN,
            Account.external_id > after,
        )
        .order_by(col(Account.external_id))
        .limit(ACCOUNTS_AT_ONCE)
    ).all()


def _first_notices(
    session: Session, campaign: Campaign, account_ids: Sequence[UUID]
) -> Mapping[UUID, str]:
    return dict(
        session.exec(
            select(OutboxMail.addressee_id, OutboxMail.state).where(
                OutboxMail.subject_id == campaign.id,
                OutboxMail.step == FIRST_NOTICE,
                col(OutboxMail.addressee_id).in_(account_ids),
            )
        ).all()
    )


def _reached_otherwise(
    session: Session, campaign: Campaign, account_ids: Sequence[UUID]
) -> frozenset[UUID]:
    return frozenset(
        session.exec(
            select(MissedNotice.account_id).where(
                MissedNotice.campaign_id == campaign.id,
                col(MissedNotice.account_id).in_(account_ids),
                col(MissedNotice.reached_at).is_not(None),
            )
        ).all()
    )


def _listed(
    account: Account, proven: Proven, version: PolicyVersion, mail: str | None, today: date | None
) -> NotApproved:
    """`today`: None of an account that was not told, whose contract may end on no day."""
    said_no = [
        word
        for word in proven.state.words
        if word.number == version.number and word.decision is Decision.DECLINED
    ]
    latest = proven.not_approved
    followed = [latest] if latest and latest.number > version.number else []
    promised = [each.stay_until_on for each in (version, *followed)]
    return NotApproved(
        account=account.external_id,
        kind=account.kind,
        governing_version=proven.state.number,
        since=proven.state.since,
        decision=said_no[-1].decision if said_no else None,
        decided_at=said_no[-1].at if said_no else None,
        first_notice=mail,
        without_approval=version.without_approval,
        stay_until=version.stay_until_on,
        may_end=all(_is_over(until_on, today) for until_on in promised),
    )


def _is_over(until_on: date | None, today: date | None) -> bool:
    return until_on is not None and today is not None and until_on < today
