"""Whom a correction reaches: those who had the wrong words, and nobody else (P8).

They had them in a mail, or on the page on which they decided.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import (
    ColumnElement,
    CompoundSelect,
    Select,
    SQLColumnExpression,
    Uuid,
    and_,
    bindparam,
    exists,
    false,
    or_,
    true,
    union,
)
from sqlalchemy import select as select_columns
from sqlmodel import Session, col, func, select

from database.approvals.wrong_words import Wrong, wrong_of
from database.mail.outbox import ACCOUNT
from database.mail.told import maybe_told, maybe_told_before
from database.people.accounts import is_mailed
from database.policies.counting import counts_for
from database.policies.lineage import is_of_lineage
from database.policies.voids import Reading, read_our_words, stands
from database.tables import (
    Account,
    Approval,
    Campaign,
    CampaignAddressee,
    CampaignCorrection,
    ConsentDecision,
    OutboxMail,
    PolicyVersion,
    WrongWords,
)
from domain.approvals.consents import Consent
from domain.people.languages import nearest_language
from domain.policies.reviews import Decisions
from translations.catalogues import OF_STAFF, speak


def put_right_of(version_id: SQLColumnExpression[UUID]) -> Select[CampaignCorrection]:
    """What was put right of the words about a version, or about one that it corrects; the last
    first. `version_id` may be a column of the question around it."""
    return (
        select_columns(CampaignCorrection)
        .join(Campaign, col(Campaign.id) == col(CampaignCorrection.campaign_id))
        .where(
            is_of_lineage(col(Campaign.policy_version_id), version_id),
            col(CampaignCorrection.confirmed_at).is_not(None),
        )
        .order_by(col(CampaignCorrection.confirmed_at).desc(), col(CampaignCorrection.id).desc())
    )


_PUT_RIGHT = put_right_of(bindparam("version", type_=Uuid()))


@dataclass(frozen=True, kw_only=True)
class Group:
    """People who had wrong words from a version of theirs, in a language: `mailed`, or else on the
    page on which they decided."""

    base: int
    language: str
    people: int
    mailed: bool

    def __str__(self) -> str:
        """As legal reads it: `12 people who were mailed in German from version 1`."""
        one = self.people == 1
        did = f"{'was' if one else 'were'} mailed" if self.mailed else "decided on their page"
        language = speak(OF_STAFF).name_of(self.language)
        return f"{_people(self.people)} who {did} in {language} from version {self.base}"


@dataclass(frozen=True, kw_only=True)
class Reach:
    """Whom a correction is mailed to: how many `people`, and the groups that they are of; whoever
    was mailed in two languages is of two. `decisions`: those that stand and were taken on wrong
    words.

    `not_addressed`: how many had them, as of an earlier campaign of the version, and get no mail
    of this one. `consents`: how many that stand were given by wrong words of their own; others on
    the same pages stay.
    """

    everybody: bool
    people: int
    not_addressed: int
    groups: tuple[Group, ...]
    decisions: int
    consents: int

    @property
    def voids(self) -> str:
        """What becomes void where it is to, as legal reads it before they agree: `2 answers and 1
        consent`."""
        answers = f"{self.decisions:,} {'answer' if self.decisions == 1 else 'answers'}"
        consents = f"{self.consents:,} {'consent' if self.consents == 1 else 'consents'}"
        return f"{answers} and {consents}"

    def __str__(self) -> str:
        """As legal reads it before they agree."""
        if not self.not_addressed:
            return self._mailed_to
        get = "gets" if self.not_addressed == 1 else "get"
        return (
            f"{self._mailed_to} {_people(self.not_addressed)} had the wrong words and {get} no "
            "mail, as this campaign does not address them: they are put on the list of those not "
            "reached."
        )

    @property
    def _mailed_to(self) -> str:
        if not self.people and self.not_addressed:
            return "It is mailed to nobody."
        if not self.people:
            return "Nobody had the wrong words yet, so it is mailed to nobody."
        groups = "; ".join(map(str, self.groups))
        if self.everybody:
            return f"It is mailed to everybody who was mailed, {_people(self.people)}: {groups}."
        if len(self.groups) == 1:
            return f"It is mailed to {groups}."
        return f"It is mailed to {_people(self.people)}: {groups}."


def reach(session: Session, wrong: Wrong) -> Reach:
    """Whom a correction of what is wrong is mailed to; one that is not confirmed: if it were now.

    Counts mails, which takes its time: nobody who writes should wait for it.
    """
    everybody = _people_with_wrong_words(session, wrong).subquery()
    had, told = session.execute(
        select_columns(func.count(), func.count().filter(_is_told(session, wrong)))
        .select_from(everybody)
        .join(Account, col(Account.id) == everybody.c.account_id)
    ).one()
    return Reach(
        everybody=wrong.everybody,
        people=told,
        not_addressed=had - told,
        groups=(*_mailed(session, wrong), *_decided(session, wrong)),
        decisions=_count_decisions(session, wrong),
        consents=_count_consents(session, wrong),
    )


def readers_of_wrong_words(session: Session, correction: CampaignCorrection) -> tuple[str, ...]:
    """From which versions, and in which languages, the words were wrong, like `1 in German`; empty
    where whatever was told was."""
    rows = session.exec(
        select(PolicyVersion.number, WrongWords.language)
        .join(PolicyVersion, col(PolicyVersion.id) == col(WrongWords.base_version_id))
        .where(WrongWords.correction_id == correction.id)
        .distinct()
    ).all()
    of_staff = speak(OF_STAFF)
    return tuple(
        f"{base} in {of_staff.name_of(language)}" for base, language in sorted(rows) if language
    )


def languages_of_reach(
    session: Session, wrong: Wrong, found: Reach, languages: Sequence[str]
) -> tuple[str, ...]:
    """The languages in which those `found` had the wrong words, or read by now."""
    people = _people_with_wrong_words(session, wrong).subquery()
    locales = session.exec(
        select(Account.locale)
        .join(people, people.c.account_id == col(Account.id))
        .where(_is_told(session, wrong))
        .distinct()
    ).all()
    read = {nearest_language(one, languages) for one in locales}
    read |= {nearest_language(group.language, languages) for group in found.groups}
    return tuple(language for language in languages if language in read)


def had_wrong_words(session: Session, correction: CampaignCorrection) -> ColumnElement[bool]:
    """Of an addressee, whether they had words that a confirmed correction says were wrong: before
    it was confirmed."""
    account, wrong = col(CampaignAddressee.account_id), wrong_of(session, correction)
    mailed = _wrong_mails(session, wrong).where(col(OutboxMail.addressee_id) == account)
    decided = _wrong_decisions(wrong).where(col(Approval.account_id) == account)
    return or_(
        exists(mailed.correlate(CampaignAddressee)), exists(decided.correlate(CampaignAddressee))
    )


def had_wrong_words_elsewhere(
    session: Session, correction: CampaignCorrection
) -> ColumnElement[bool]:
    """Of an account, whether it had words of another campaign that a confirmed correction says were
    wrong, and the correction's own campaign does not mail it. Who decided since knows better."""
    wrong, own = wrong_of(session, correction), correction.campaign_id
    if not set(_campaigns_about(session, wrong)) - {own}:
        return false()
    mailed = _wrong_mails(session, wrong).where(col(OutboxMail.addressee_id) == col(Account.id))
    decided = _wrong_decisions(wrong).where(col(Approval.account_id) == col(Account.id))
    since = exists().where(
        col(Approval.account_id) == col(Account.id),
        col(Approval.policy_version_id).in_({each.version_id for each in wrong.readings}),
        col(Approval.decided_at) >= correction.confirmed_at,
    )
    return and_(
        is_mailed(),
        ~_is_addressed(own),
        or_(exists(mailed.correlate(Account)), exists(decided.correlate(Account))),
        ~since,
    )


def correction_for(
    session: Session, version_id: UUID, account_id: UUID
) -> CampaignCorrection | None:
    """What was last put right of what an account holder was told of a version, or of one that it
    corrects; None for whoever had no wrong words."""
    of_lineage = session.scalars(_PUT_RIGHT, {"version": version_id}).all()
    return next((each for each in of_lineage if _concerns(session, each, account_id)), None)


def _concerns(session: Session, correction: CampaignCorrection, account_id: UUID) -> bool:
    wrong = wrong_of(session, correction)
    mailed = _wrong_mails(session, wrong).where(col(OutboxMail.addressee_id) == account_id)
    decided = _wrong_decisions(wrong).where(col(Approval.account_id) == account_id)
    return bool(session.scalar(select_columns(or_(exists(mailed), exists(decided)))))


def _wrong_mails(session: Session, wrong: Wrong) -> Select[Any]:
    """The accounts to which a mail with wrong words went out, or may have.

    The campaigns are named by their ids: so the mails of an account are found, and SQLite does not
    walk all that are in a state.
    """
    campaigns = _campaigns_about(session, wrong)
    return (
        select_columns(col(OutboxMail.addressee_id).label("account_id"))
        .join(Campaign, col(Campaign.id) == col(OutboxMail.subject_id))
        .where(
            col(OutboxMail.subject_id).in_(campaigns),
            col(OutboxMail.addressee_kind) == ACCOUNT,
            _read(wrong, Campaign.policy_version_id, OutboxMail.variant, OutboxMail.language),
            *(
                [maybe_told(), col(OutboxMail.attempt_id).is_not(None)]
                if wrong.until is None
                else [maybe_told_before(wrong.until)]
            ),
        )
    )


def _campaigns_about(session: Session, wrong: Wrong) -> Sequence[UUID]:
    about = {reading.version_id for reading in wrong.readings}
    query = select(Campaign.id).where(col(Campaign.policy_version_id).in_(about))
    return session.exec(query).all()


def _wrong_decisions(wrong: Wrong) -> Select[Any]:
    """The accounts that decided on wrong words.

    Where everybody's mail was wrong and answers stay, who decided without a mail had nothing wrong.
    """
    said = Approval.policy_version_id, Approval.shown_from_version_id, Approval.language
    words_alone = wrong.everybody and wrong.decisions == Decisions.KEEP
    return select_columns(col(Approval.account_id).label("account_id")).where(
        _read(wrong, *said),
        read_our_words(Approval),
        *([] if wrong.until is None else [col(Approval.decided_at) < wrong.until]),
        *([false()] if words_alone else []),
    )


def _read(wrong: Wrong, version_id: UUID, base_id: UUID, language: str) -> ColumnElement[bool]:
    """Of columns of a mail or decision, whether what was shown there was wrong."""
    readings = sorted(wrong.readings, key=str)
    return or_(false(), *(_is(each, version_id, base_id, language) for each in readings))


def _is(
    reading: Reading, version_id: UUID, base_id: UUID | None, language: str
) -> ColumnElement[bool]:
    """Of the same, whether it was this that was shown there."""
    return and_(
        col(version_id) == reading.version_id,
        *([] if reading.base_id is None else [col(base_id) == reading.base_id]),
        *([] if reading.language is None else [col(language) == reading.language]),
    )


def _people_with_wrong_words(session: Session, wrong: Wrong) -> CompoundSelect[Any]:
    """The accounts of both, each once, of those that get mail."""
    mailed = _wrong_mails(session, wrong).join(Account, col(Account.id) == OutboxMail.addressee_id)
    decided = _wrong_decisions(wrong).join(Account, col(Account.id) == Approval.account_id)
    return union(mailed.where(is_mailed()), decided.where(is_mailed()))


def _is_told(session: Session, wrong: Wrong) -> ColumnElement[bool]:
    """Of an account that had wrong words, whether its mail is queued (`campaigns.queue_step`): that
    of a campaign whose audience is not written down yet will be."""
    campaign = session.get_one(Campaign, wrong.campaign_id)
    if campaign.audience_frozen_at is None:
        return is_mailed()
    return and_(is_mailed(), _is_addressed(campaign.id))


def _is_addressed(campaign_id: UUID) -> ColumnElement[bool]:
    return exists().where(
        col(CampaignAddressee.campaign_id) == campaign_id,
        col(CampaignAddressee.account_id) == col(Account.id),
    )


def _mailed(session: Session, wrong: Wrong) -> tuple[Group, ...]:
    return _groups(
        session,
        _wrong_mails(session, wrong)
        .join(Account, col(Account.id) == OutboxMail.addressee_id)
        .join(PolicyVersion, col(PolicyVersion.id) == OutboxMail.variant)
        .where(_is_told(session, wrong))
        .with_only_columns(
            col(PolicyVersion.number),
            col(OutboxMail.language),
            func.count(col(OutboxMail.addressee_id).distinct()),
        )
        .group_by(col(PolicyVersion.number), col(OutboxMail.language)),
        mailed=True,
    )


def _decided(session: Session, wrong: Wrong) -> tuple[Group, ...]:
    """Those who were not mailed the wrong words."""
    mailed = _wrong_mails(session, wrong).where(col(OutboxMail.addressee_id) == Approval.account_id)
    return _groups(
        session,
        _wrong_decisions(wrong)
        .join(Account, col(Account.id) == Approval.account_id)
        .join(PolicyVersion, col(PolicyVersion.id) == Approval.shown_from_version_id)
        .where(_is_told(session, wrong), ~exists(mailed.correlate(Approval)))
        .with_only_columns(
            col(PolicyVersion.number),
            col(Approval.language),
            func.count(col(Approval.account_id).distinct()),
        )
        .group_by(col(PolicyVersion.number), col(Approval.language)),
        mailed=False,
    )


def _groups(session: Session, counted: Select[int, str, int], *, mailed: bool) -> tuple[Group, ...]:
    rows = session.execute(counted).all()
    return tuple(
        Group(base=base, language=language, people=people, mailed=mailed)
        for base, language, people in sorted(rows)
    )


def _count_decisions(session: Session, wrong: Wrong) -> int:
    """How many decisions that stand were taken on wrong words."""
    campaign = session.get_one(Campaign, wrong.campaign_id)
    on_wrong_words = _wrong_decisions(wrong).with_only_columns(col(Approval.id))
    return session.exec(
        select(func.count())
        .select_from(Approval)
        .where(counts_for(campaign.policy_version_id), col(Approval.id).in_(on_wrong_words))
    ).one()


def _count_consents(session: Session, wrong: Wrong) -> int:
    """How many consents that stand were given by wrong words of their own."""
    given = (
        select(func.count())
        .select_from(ConsentDecision)
        .where(
            ConsentDecision.decision == Consent.GIVEN,
            _was_asked_wrongly(wrong),
            read_our_words(ConsentDecision),
            stands(ConsentDecision),
        )
    )
    if wrong.until is not None:
        given = given.where(col(ConsentDecision.decided_at) < wrong.until)
    return session.exec(given).one()


def _was_asked_wrongly(wrong: Wrong) -> ColumnElement[bool]:
    """Of what was said about a purpose, whether it was asked by wrong words of its own."""
    said = (
        ConsentDecision.policy_version_id,
        ConsentDecision.shown_from_version_id,
        ConsentDecision.language,
    )

    def was_in(reading: Reading) -> ColumnElement[bool]:
        own = col(ConsentDecision.purpose).in_(wrong.readings[reading])
        return and_(_is(reading, *said), true() if reading.language is None else own)

    return or_(false(), *map(was_in, sorted(wrong.readings, key=str)))


def _people(count: int) -> str:
    return f"{count:,} {'person' if count == 1 else 'people'}"
