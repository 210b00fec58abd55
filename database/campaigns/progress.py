"""How a campaign stands: who was reached, who has answered, who is silent (P4)."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Select, and_, exists, false, or_, true
from sqlalchemy import select as select_columns
from sqlalchemy.orm import Mapped, aliased
from sqlmodel import Session, col, func, select

from database.approvals.reach import had_wrong_words_elsewhere
from database.campaigns.owed import corrections
from database.mail.mail_rows import Batch
from database.mail.outbox import CARRIED, GOT_IT, states
from database.mail.steps import CALLED_OFF, FIRST_NOTICE, UNDELIVERABLE
from database.people.accounts import is_mailed, open_since
from database.policies.counting import counts_for, has_answered
from database.policies.policies import in_force_from
from database.tables import (
    Account,
    Approval,
    Campaign,
    CampaignAddressee,
    MissedNotice,
    OutboxMail,
    PolicyVersion,
)
from domain.approvals.approvals import Decision
from domain.people.account_holders import AccountKind

SEGMENTS = ("language", "kind", "country", "governing_version")


@dataclass(frozen=True, kw_only=True)
class Progress:
    """How a campaign stands, in numbers of account holders.

    `told_only` are those whom the version governs without asking, who were told and said nothing;
    the `silent` are those of `is_silent`. `not_mailed`: their first notice has not gone out, as the
    canary is mailed first, or it waits for its turn; never, where the campaign was called off.
    `not_reached` are those whom the first notice did not reach, without those `reached_otherwise`;
    among them the `late` are not addressed. `left`: those whose account is closed, or gets no such
    mail any more, without an answer.
    """

    addressees: int
    approved: int
    declined: int
    silent: int
    told_only: int
    not_mailed: int
    not_reached: int
    late: int
    left: int
    reached_otherwise: int
    mails: dict[str, int]

    @property
    def audience(self) -> Mapping[str, int]:
        """Where each addressee stands: every one of them once."""
        return {
            "approved": self.approved,
            "declined": self.declined,
            "silent": self.silent,
            "told_only": self.told_only,
            "not_mailed": self.not_mailed,
            "not_reached": self.not_reached - self.late,
            "account_closed": self.left,
        }


def count_addressees(session: Session, campaign_id: UUID) -> int:
    """How many accounts a campaign addresses."""
    return session.exec(
        select(func.count())
        .select_from(CampaignAddressee)
        .where(CampaignAddressee.campaign_id == campaign_id)
    ).one()


def progress_of(session: Session, campaign: Campaign) -> Progress:
    """How a campaign stands now."""
    answers = count_answers(session, campaign)
    missed, late = count_missed(session, campaign, UNDELIVERABLE), _count_late(session, campaign)
    return Progress(
        addressees=count_addressees(session, campaign.id),
        approved=answers.get(Decision.APPROVED, 0),
        declined=answers.get(Decision.DECLINED, 0),
        silent=_count(session, campaign, is_silent(campaign)),
        told_only=_count(session, campaign, _is_told_only(campaign)),
        not_mailed=_count(session, campaign, _is_not_mailed(campaign)),
        not_reached=missed + late,
        late=late,
        left=_count(session, campaign, and_(~_has_answered(campaign), ~is_mailed())),
        reached_otherwise=session.exec(
            select(func.count())
            .select_from(MissedNotice)
            .where(
                MissedNotice.campaign_id == campaign.id, col(MissedNotice.reached_at).is_not(None)
            )
        ).one(),
        mails=states(session, Batch(subject_id=campaign.id, step=FIRST_NOTICE)),
    )


def count_answers(session: Session, campaign: Campaign) -> Mapping[str, int]:
    """How many addressees approved, and how many declined, by their last word that counts."""
    latest = (
        select(Approval.account_id, func.max(Approval.decided_at).label("at"))
        .where(counts_for(campaign.policy_version_id))
        .group_by(col(Approval.account_id))
        .subquery()
    )
    return dict(
        session.exec(
            select(Approval.decision, func.count())
            .join(
                latest,
                (latest.c.account_id == Approval.account_id) & (latest.c.at == Approval.decided_at),
            )
            .join(
                CampaignAddressee,
                (col(CampaignAddressee.account_id) == col(Approval.account_id))
                & (col(CampaignAddressee.campaign_id) == campaign.id),
            )
            .where(counts_for(campaign.policy_version_id))
            .group_by(Approval.decision)
        ).all()
    )


def silent_by(session: Session, campaign: Campaign) -> Mapping[str, Mapping[str, int]]:
    """How many are silent: by language, kind, country and governing version."""
    about = col(Account.locale), col(Account.kind), col(Account.country)
    segments = (*about, col(PolicyVersion.number))
    rows = session.execute(
        _of_addressees(campaign, is_silent(campaign), func.count(), *segments)
        .join(PolicyVersion, col(PolicyVersion.id) == CampaignAddressee.governing_version_id)
        .group_by(*segments)
    ).all()
    counts: dict[str, Counter[str]] = {name: Counter() for name in SEGMENTS}
    for accounts, *values in rows:
        for name, value in zip(SEGMENTS, values, strict=True):
            counts[name][str(value or "unknown")] += accounts
    return {name: dict(sorted(found.items())) for name, found in counts.items()}


def _count(session: Session, campaign: Campaign, which: ColumnElement[bool]) -> int:
    counted: int = session.execute(_of_addressees(campaign, which, func.count())).scalar_one()
    return counted


def _of_addressees(
    campaign: Campaign, which: ColumnElement[bool], *what: ColumnElement[Any] | Mapped[Any]
) -> Select[Any]:
    return (
        select_columns(*what)
        .select_from(CampaignAddressee)
        .join(Account, col(Account.id) == CampaignAddressee.account_id)
        .where(col(CampaignAddressee.campaign_id) == campaign.id, which)
    )


def count_not_reached(session: Session, campaign: Campaign) -> int:
    """How many the first notice did not reach and nobody told otherwise; those too who came late
    (P4), or whom a correction does not reach (P8)."""
    return count_missed(session, campaign, UNDELIVERABLE) + _count_late(session, campaign)


def _count_late(session: Session, campaign: Campaign) -> int:
    not_addressed = or_(joined_later(session, campaign), missed_corrections(session, campaign))
    return session.exec(
        select(func.count())
        .select_from(Account)
        .where(not_addressed, ~_reached_otherwise(campaign.id, col(Account.id)))
    ).one()


def count_missed(session: Session, campaign: Campaign, mail_states: Sequence[str]) -> int:
    """How many first notices are in these states and reached nobody, without those whose holder was
    told otherwise."""
    return session.exec(
        select(func.count(col(OutboxMail.id))).where(
            reached_nobody(campaign, mail_states),
            ~_reached_otherwise(campaign.id, col(OutboxMail.addressee_id)),
        )
    ).one()


def reached_nobody(
    campaign: Campaign, mail_states: Sequence[str] = UNDELIVERABLE
) -> ColumnElement[bool]:
    """Of an addressee, its account and its first notice: whether that reached nobody, although it
    is owed. What is queued may reach them yet, what a campaign that was called off kept back is
    owed no more, and who has answered knows."""
    return and_(
        col(CampaignAddressee.campaign_id) == campaign.id,
        col(Account.id) == col(CampaignAddressee.account_id),
        _is_missed(campaign, mail_states),
        is_mailed(),
        ~_has_answered(campaign),
    )


def _is_missed(campaign: Campaign, mail_states: Sequence[str]) -> ColumnElement[bool]:
    """Of an addressee and its first notice, whether that reached nobody."""
    no_more = ["cancelled"] if campaign.state in CALLED_OFF else []
    return _stands_at(campaign, [state for state in mail_states if state not in no_more])


def _stands_at(campaign: Campaign, mail_states: Sequence[str]) -> ColumnElement[bool]:
    """Of an addressee and its first notice, whether that is in one of these states."""
    return and_(
        col(OutboxMail.subject_id) == campaign.id,
        col(OutboxMail.addressee_id) == col(CampaignAddressee.account_id),
        col(OutboxMail.step) == FIRST_NOTICE,
        col(OutboxMail.state).in_(mail_states),
    )


def joined_later(session: Session, campaign: Campaign) -> ColumnElement[bool]:
    """Whether an account joined or came back after the audience was frozen, or turned out only then
    to be a person's, before the version was in force: it is not mailed, and does not hold the date
    (P7). Of a version that never comes nobody is owed word."""
    if campaign.audience_frozen_at is None or campaign.state in CALLED_OFF:
        return false()
    version = session.get_one(PolicyVersion, campaign.policy_version_id)
    until = in_force_from(version)
    return and_(
        is_mailed(),
        open_since() > campaign.audience_frozen_at,
        ~_addressed(campaign.id),
        true() if until is None else open_since() < until,
    )


def missed_corrections(session: Session, campaign: Campaign) -> ColumnElement[bool]:
    """Whether an account had wrong words with an earlier campaign of the version, that were put
    right, and is not mailed by this one: somebody tells it otherwise (P8). Of a version that never
    comes nobody is owed word."""
    if campaign.audience_frozen_at is None or campaign.state in CALLED_OFF:
        return false()
    had = (
        had_wrong_words_elsewhere(session, correction)
        for correction in corrections(session, campaign.id).values()
    )
    return and_(or_(false(), *had), ~joined_later(session, campaign))


_OWN = aliased(Account)
"""An addressee's own account, beside those of the question."""


def is_asked() -> ColumnElement[bool]:
    """Of an addressee, whether its approval is asked for: a minor cannot give it (P5)."""
    of_a_minor = exists().where(
        col(_OWN.id) == col(CampaignAddressee.account_id), col(_OWN.kind) == AccountKind.MINOR
    )
    return and_(col(CampaignAddressee.asks_approval), ~of_a_minor)


def owes_answer(campaign: Campaign) -> ColumnElement[bool]:
    """Of an addressee, whether it was asked for its approval and has not answered."""
    return and_(~_has_answered(campaign), is_asked())


def is_silent(campaign: Campaign) -> ColumnElement[bool]:
    """Of an addressee and its account, whether it was asked, was told of that by its first notice
    or otherwise, and could have answered, and has not: of a closed account nothing is expected."""
    return and_(owes_answer(campaign), is_mailed(), _was_told(campaign))


def _is_told_only(campaign: Campaign) -> ColumnElement[bool]:
    return and_(~is_asked(), ~_has_answered(campaign), is_mailed(), _was_told(campaign))


def _was_told(campaign: Campaign) -> ColumnElement[bool]:
    """Of an addressee, whether it was told, by its first notice or otherwise."""
    by_mail = exists().where(_stands_at(campaign, [*GOT_IT, CARRIED]))
    return or_(by_mail, _reached_otherwise(campaign.id, col(CampaignAddressee.account_id)))


def _is_not_mailed(campaign: Campaign) -> ColumnElement[bool]:
    """Of an addressee and its account, whether it is neither told nor missed yet."""
    missed = exists().where(_is_missed(campaign, UNDELIVERABLE))
    return and_(~_has_answered(campaign), is_mailed(), ~_was_told(campaign), ~missed)


def _has_answered(campaign: Campaign) -> ColumnElement[bool]:
    return has_answered(col(CampaignAddressee.account_id), campaign.policy_version_id)


def _reached_otherwise(campaign_id: UUID, account_id: Mapped[UUID]) -> ColumnElement[bool]:
    return exists().where(
        col(MissedNotice.campaign_id) == campaign_id,
        col(MissedNotice.account_id) == account_id,
        col(MissedNotice.reached_at).is_not(None),
    )


def _addressed(campaign_id: UUID) -> ColumnElement[bool]:
    return exists().where(
        col(CampaignAddressee.campaign_id) == campaign_id,
        col(CampaignAddressee.account_id) == col(Account.id),
    )
