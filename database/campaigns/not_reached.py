"""Whom a campaign's first notice did not reach: why, who is to reach them, and until when (P4)."""

from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from uuid import UUID
from zoneinfo import ZoneInfo

from sqlalchemy import ColumnElement
from sqlmodel import Session, col, func, select

from database.approvals.approvals import PolicyHistory
from database.campaigns.campaigns import ends_at
from database.campaigns.controls import ControlRefused
from database.campaigns.owed import corrections
from database.campaigns.progress import joined_later, missed_corrections, reached_nobody
from database.facts import record
from database.ids import new_id
from database.people.accounts import open_since
from database.tables import (
    Account,
    Campaign,
    CampaignAddressee,
    MissedNotice,
    OutboxMail,
    Policy,
    PolicyVersion,
    Staff,
)
from database.writing import held, insert_new
from domain.campaigns.timetable import reach_by_on

JOINED_LATER, WHY_LATER = "joined_later", "joined or came back after the audience was frozen"
NOT_ADDRESSED = "not_addressed"
WHY_NOT_ADDRESSED = "had wrong words with an earlier campaign, and this one does not mail it"
REASONS = (
    "bounced",
    "dropped",
    "complained",
    "rejected",
    "suppressed",
    "no_address",
    "cancelled",
    "unknown",
    JOINED_LATER,
    NOT_ADDRESSED,
)
WHO_REACHES = ("legal", "privacy", "support")
"""The roles that tell people by other means: those whom people call and write to (P30)."""

MEANS = ("post", "phone", "in_person", "other")
SEGMENTS = ("state", "language", "kind", "country", "governing_version")
ASSIGNED_AT_ONCE = LISTED_AT_ONCE = 1000


@dataclass(frozen=True, kw_only=True)
class NotReached:
    """An account whose first notice reached nobody: `state` is why, one of REASONS.

    `reason`: what the mail service said. `owner`: the handle of who is to reach it, by `due_on`.
    `reached_how`: null, or by what other means it was told since. Without a mail, none was owed.
    """

    account: str
    state: str
    reason: str | None
    mail: UUID | None
    failed_at: datetime
    owner: str
    due_on: date
    language: str
    kind: str
    country: str
    governing_version: int | None
    reached_how: str | None
    reached_at: datetime | None
    reached_by: str | None
    reached_reason: str | None


COLUMNS = tuple(NotReached.__dataclass_fields__)


def not_reached(session: Session, campaign: Campaign, zone: ZoneInfo) -> Sequence[NotReached]:
    """Whom the first notice did not reach, by their external id, those reached since included.

    Among them who joined or came back between the freeze and the effect: they are not mailed, and
    do not hold the date (P7); and whom a correction does not reach, as they had the wrong words
    with an earlier campaign (P8). `zone` is the company's, whose days due dates are.
    """
    return sorted(each_not_reached(session, campaign, zone), key=lambda account: account.account)


def each_not_reached(session: Session, campaign: Campaign, zone: ZoneInfo) -> Iterator[NotReached]:
    """The same, read as it is asked for, however long the list is: who was not to be mailed comes
    last."""
    version = session.get_one(PolicyVersion, campaign.policy_version_id)
    handles: Mapping[UUID, str] = {
        member.id: member.handle for member in session.exec(select(Staff)).all()
    }
    for row in _one_by_one(session, campaign):
        yield _listed(row, campaign, version, handles, zone)


def segments(rows: Sequence[NotReached]) -> dict[str, dict[str, int]]:
    """How many who are not reached yet have which reason, language, kind, country and version."""
    open_ones = [row for row in rows if row.reached_how is None]
    return {
        name: dict(
            sorted(Counter(str(getattr(row, name) or "unknown") for row in open_ones).items())
        )
        for name in SEGMENTS
    }


def segments_of(session: Session, campaign: Campaign) -> dict[str, dict[str, int]]:
    """As `segments`, of a campaign whose list may be too long to be brought here at once."""
    counts: dict[str, Counter[str]] = {name: Counter() for name in SEGMENTS}
    for row in _one_by_one(session, campaign, col(MissedNotice.reached_at).is_(None)):
        account = row.account
        named = (row.state, account.locale, account.kind, account.country, row.governing_version)
        for name, value in zip(SEGMENTS, named, strict=True):
            counts[name][str(value or "unknown")] += 1
    return {name: dict(sorted(found.items())) for name, found in counts.items()}


def assign(
    transaction: Session,
    campaign: Campaign,
    *,
    owner: Staff,
    state: str | None,
    accounts: Collection[str],
    by: UUID,
    now: datetime,
) -> int:
    """Say who is to reach those not reached yet: of one reason or all, or the accounts named.

    Up to a thousand at a time; returns how many, nought when all are theirs. Raises ControlRefused
    when somebody named is not on the list, or nobody is.
    """
    held(transaction, Campaign, campaign.id)
    meant = (col(Account.external_id).in_(accounts),) if accounts else ()
    if accounts:
        listed = {row.account.external_id for row in _open_ones(transaction, campaign, *meant)}
        _require_listed(set(accounts) - listed)
    given_to = func.coalesce(MissedNotice.owner_id, campaign.owner_id)
    others = _open_ones(
        transaction,
        campaign,
        *meant,
        given_to != owner.id,
        state=state,
        limit=ASSIGNED_AT_ONCE,
    )
    if not others and not _open_ones(transaction, campaign, *meant, state=state, limit=1):
        raise ControlRefused("Nobody like that is on the list of those not reached.")
    for case in _cases(transaction, campaign, [row.account.id for row in others]):
        case.owner_id = owner.id
        record(
            transaction,
            "not_reached.assigned",
            campaign.id,
            now,
            owner=owner.id,
            account=case.account_id,
            staff=by,
        )
    return len(others)


def _require_listed(strangers: Collection[str]) -> None:
    if strangers:
        raise ControlRefused(
            f"{len(strangers)} of these accounts are not on the list of those not reached, or were "
            "reached already. Nobody was assigned."
        )


def mark_reached(
    transaction: Session,
    campaign: Campaign,
    account: Account,
    *,
    how: str,
    reason: str,
    by: UUID,
    now: datetime,
) -> None:
    """Note that somebody on the list was told by other means. Raises ControlRefused."""
    if how not in MEANS:
        raise ControlRefused(f"{how!r} is no way to reach somebody: it is {' or '.join(MEANS)}.")
    if not reason.strip():
        raise ControlRefused("A reason is needed: others will have to understand it.")
    held(transaction, Campaign, campaign.id)
    if not _open_ones(transaction, campaign, col(Account.id) == account.id):
        raise ControlRefused(
            "This account is not on the list of those not reached, or was reached already."
        )
    (missed,) = _cases(transaction, campaign, [account.id])
    missed.reached_how, missed.reached_reason = how, reason.strip()
    missed.reached_by, missed.reached_at = by, now
    record(
        transaction,
        "not_reached.reached_otherwise",
        campaign.id,
        now,
        account=account.id,
        how=how,
        staff=by,
    )


@dataclass(frozen=True, kw_only=True)
class _Missed:
    """An account on the list with all that is known of it."""

    account: Account
    state: str
    failed_at: datetime
    reason: str | None
    mail: UUID | None = None
    governing_version: int | None = None
    case: MissedNotice | None = None

    def owner_id(self, campaign: Campaign) -> UUID:
        """Who is to reach it: whoever it was given to, else the campaign's owner."""
        given_to = self.case.owner_id if self.case else None
        return given_to or campaign.owner_id


def _missed(
    session: Session, campaign: Campaign, *which: ColumnElement[bool], limit: int | None = None
) -> list[_Missed]:
    rows = session.exec(
        select(Account, OutboxMail, PolicyVersion.number, MissedNotice)
        .join(CampaignAddressee, col(CampaignAddressee.account_id) == col(Account.id))
        .join(OutboxMail, col(OutboxMail.addressee_id) == col(Account.id))
        .join(PolicyVersion, col(PolicyVersion.id) == col(CampaignAddressee.governing_version_id))
        .outerjoin(
            MissedNotice,
            (col(MissedNotice.account_id) == col(Account.id))
            & (col(MissedNotice.campaign_id) == campaign.id),
        )
        .where(reached_nobody(campaign), *which)
        .order_by(col(Account.external_id))
        .limit(limit)
    ).all()
    return [
        _Missed(
            account=account,
            state="unknown" if mail.state == "operator" else mail.state,
            failed_at=mail.settled_at or mail.claimed_at or mail.queued_at,
            reason=mail.reason,
            mail=mail.id,
            governing_version=number,
            case=case,
        )
        for account, mail, number, case in rows
    ]


def _late(
    session: Session, campaign: Campaign, *which: ColumnElement[bool], limit: int | None = None
) -> list[_Missed]:
    rows = session.exec(
        select(Account, open_since(), MissedNotice)
        .outerjoin(
            MissedNotice,
            (col(MissedNotice.account_id) == col(Account.id))
            & (col(MissedNotice.campaign_id) == campaign.id),
        )
        .where(joined_later(session, campaign), *which)
        .order_by(col(Account.external_id))
        .limit(limit)
    ).all()
    return [
        _Missed(account=account, state=JOINED_LATER, failed_at=since, reason=WHY_LATER, case=case)
        for account, since, case in rows
    ]


def _not_addressed(
    session: Session, campaign: Campaign, *which: ColumnElement[bool], limit: int | None = None
) -> list[_Missed]:
    put_right = [each.confirmed_at for each in corrections(session, campaign.id).values()]
    since = max((at for at in put_right if at), default=campaign.started_at)
    rows = session.exec(
        select(Account, MissedNotice)
        .outerjoin(
            MissedNotice,
            (col(MissedNotice.account_id) == col(Account.id))
            & (col(MissedNotice.campaign_id) == campaign.id),
        )
        .where(missed_corrections(session, campaign), *which)
        .order_by(col(Account.external_id))
        .limit(limit)
    ).all()
    return [
        _Missed(
            account=account,
            state=NOT_ADDRESSED,
            failed_at=since,
            reason=WHY_NOT_ADDRESSED,
            case=case,
        )
        for account, case in rows
    ]


def _one_by_one(
    session: Session, campaign: Campaign, *which: ColumnElement[bool]
) -> Iterator[_Missed]:
    """Those on the list, a thousand at a time."""
    version = session.get_one(PolicyVersion, campaign.policy_version_id)
    for source in (_missed, _late, _not_addressed):
        after = ""
        while page := source(
            session, campaign, *which, col(Account.external_id) > after, limit=LISTED_AT_ONCE
        ):
            after = page[-1].account.external_id
            yield from page if source is _missed else _as_governed(session, version, page)
            for row in page:
                session.expunge(row.account)


def _as_governed(
    session: Session, version: PolicyVersion, late: Sequence[_Missed]
) -> Sequence[_Missed]:
    """Those who were not to be mailed, with the version that governed them when all of them were
    missed."""
    if not late:
        return late
    history = PolicyHistory(session, session.get_one(Policy, version.policy_id))
    accounts = [row.account for row in late]
    found = history.governing(accounts, max(row.failed_at for row in late))
    numbers = {account: state.number for account, state in found.items()}
    return [replace(row, governing_version=numbers.get(row.account.id)) for row in late]


def _open_ones(
    session: Session,
    campaign: Campaign,
    *which: ColumnElement[bool],
    state: str | None = None,
    limit: int | None = None,
) -> list[_Missed]:
    """Those who are not reached yet, of one reason or all: the first up to a limit."""
    which = (col(MissedNotice.reached_at).is_(None), *which)
    missed: list[_Missed] = []
    if state not in (JOINED_LATER, NOT_ADDRESSED):
        missed += _missed(session, campaign, *which, *_because_of(state), limit=limit)
    if state in (None, JOINED_LATER):
        missed += _late(session, campaign, *which, limit=limit)
    if state in (None, NOT_ADDRESSED):
        missed += _not_addressed(session, campaign, *which, limit=limit)
    return missed[:limit]


def _because_of(state: str | None) -> tuple[ColumnElement[bool], ...]:
    if state is None:
        return ()
    alike = ("unknown", "operator") if state == "unknown" else (state,)
    return (col(OutboxMail.state).in_(alike),)


def _cases(
    transaction: Session, campaign: Campaign, accounts: Collection[UUID]
) -> Sequence[MissedNotice]:
    """What is noted of these accounts, to be written to; begun where nothing is noted yet."""
    if not accounts:
        return ()
    insert_new(
        transaction,
        MissedNotice,
        [
            {"id": new_id(), "campaign_id": campaign.id, "account_id": account}
            for account in sorted(accounts)
        ],
    )
    return transaction.exec(
        select(MissedNotice)
        .where(MissedNotice.campaign_id == campaign.id, col(MissedNotice.account_id).in_(accounts))
        .order_by(col(MissedNotice.id))
        .with_for_update()
    ).all()


def _listed(
    row: _Missed,
    campaign: Campaign,
    version: PolicyVersion,
    handles: Mapping[UUID, str],
    zone: ZoneInfo,
) -> NotReached:
    case = row.case
    return NotReached(
        account=row.account.external_id,
        state=row.state,
        reason=row.reason,
        mail=row.mail,
        failed_at=row.failed_at,
        owner=handles[row.owner_id(campaign)],
        due_on=reach_by_on(row.failed_at, ends_at(campaign, version), zone),
        language=row.account.locale,
        kind=row.account.kind,
        country=row.account.country or "",
        governing_version=row.governing_version,
        reached_how=case.reached_how if case else None,
        reached_at=case.reached_at if case else None,
        reached_by=handles[case.reached_by] if case and case.reached_by else None,
        reached_reason=case.reached_reason if case else None,
    )
