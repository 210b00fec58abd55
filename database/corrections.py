"""Mails of a campaign that said something wrong: two people of legal put it right (P8).

Whoever proposes it stops the campaign: nothing wrong goes out until a second person
has confirmed it, or it is taken back.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Self
from uuid import UUID

from sqlmodel import Session, col, func, select

from database.campaigns import CALLED_OFF, FINISHED, PAUSED, RUNNING
from database.controls import Act, ControlRefused, campaign_held, note
from database.counting import counts_for
from database.facts import record
from database.lineage import campaigns_of_lineage
from database.outbox import ACCOUNT
from database.owed import open_correction
from database.staff import require_role
from database.tables import (
    Account,
    Approval,
    Campaign,
    CampaignAddressee,
    CampaignCorrection,
    CorrectionWords,
    MailAttempt,
    OutboxMail,
    PolicyVersion,
)
from database.voids import void_decisions
from database.wording import Words, keep_words, require_showable
from database.writing import held
from domain.languages import nearest_language
from domain.reviews import Decisions


@dataclass(frozen=True, kw_only=True)
class RightWords(Words):
    """What the mails should have said in a language: `mail` tells those who had a wrong one.

    Without `summary`, and without a sentence, those were right.
    """

    mail: str

    @property
    def tidy(self) -> Self:
        """As it is kept; what is empty was right."""
        return replace(super().tidy.given, mail=self.mail.strip())


@dataclass(frozen=True, kw_only=True)
class Right:
    """What becomes of what people answered, and the right words in each language."""

    decisions: Decisions
    words: Sequence[RightWords]


NONE = RightWords(language="", mail="")


def words_of(
    session: Session, correction: CampaignCorrection, languages: Sequence[str]
) -> tuple[RightWords, ...]:
    """What a correction says in each language, the default one first."""
    others = session.exec(
        select(CorrectionWords)
        .where(CorrectionWords.correction_id == correction.id)
        .order_by(CorrectionWords.language)
    ).all()
    rows: list[tuple[str, CampaignCorrection | CorrectionWords]] = [(languages[0], correction)]
    rows += [(row.language, row) for row in others]
    return tuple(
        RightWords(
            language=language, mail=row.mail, summary=row.summary or None, sentences=row.sentences
        )
        for language, row in rows
    )


def in_words(
    session: Session, correction: CampaignCorrection, languages: Sequence[str]
) -> dict[str, object]:
    """What the second person has to read before they agree."""
    return {
        "reason": correction.reason,
        "decisions": correction.decisions,
        "words": {
            words.language: {
                "mail": words.mail,
                "summary": words.summary or "as it was",
                "sentences": words.sentences,
            }
            for words in words_of(session, correction, languages)
        },
    }


def languages_mailed(
    session: Session, campaign_id: UUID, languages: Sequence[str]
) -> tuple[str, ...]:
    """The default language, and every other one that an addressee reads or has a mail in."""
    mailed = campaigns_of_lineage(session, session.get_one(Campaign, campaign_id))
    locales = session.exec(
        select(Account.locale)
        .join(CampaignAddressee, col(CampaignAddressee.account_id) == col(Account.id))
        .where(col(CampaignAddressee.campaign_id).in_(mailed))
        .distinct()
    ).all()
    mails = session.exec(
        select(OutboxMail.language)
        .where(col(OutboxMail.subject_id).in_(mailed), OutboxMail.addressee_kind == ACCOUNT)
        .distinct()
    ).all()
    read = {nearest_language(one, languages) for one in (*locales, *mails)}
    return tuple(name for name in languages if name == languages[0] or name in read)


def propose(
    transaction: Session,
    version: PolicyVersion,
    act: Act,
    right: Right,
    *,
    languages: Sequence[str],
) -> None:
    """Say what was wrong and what is right, and stop the campaign until a second person agrees.

    It takes the place of an earlier proposal that nobody confirmed. Raises ControlRefused,
    WordingRefused.
    """
    version = held(transaction, PolicyVersion, version.id)
    campaign = _correctable(transaction, version)
    if not _anybody_was_mailed(transaction, campaign):
        raise ControlRefused("No mail of this campaign has gone out yet: there is nobody to tell.")
    said = {words.language: words.tidy for words in right.words}
    for words in said.values():
        require_showable(transaction, version, words, languages)
    _require_in_every_language(said, languages_mailed(transaction, campaign.id, languages))
    default = said.pop(languages[0])
    earlier = open_correction(transaction, campaign.id)
    if earlier:
        earlier.dropped_at = act.now
        transaction.flush()  # it leaves before the next one comes: only one is open
    stops = campaign.state == RUNNING
    correction = CampaignCorrection(
        campaign_id=campaign.id,
        reason=act.reason,
        mail=default.mail,
        decisions=right.decisions,
        summary=default.summary or "",
        sentences=dict(default.sentences),
        stopped_campaign=stops or bool(earlier and earlier.stopped_campaign),
        proposed_by=act.staff.id,
        proposed_at=act.now,
    )
    transaction.add(correction)
    transaction.flush()  # before the words that belong to it
    for words in said.values():
        transaction.add(
            CorrectionWords(
                correction_id=correction.id,
                language=words.language,
                mail=words.mail,
                summary=words.summary or "",
                sentences=dict(words.sentences),
            )
        )
    if stops:
        campaign.state = PAUSED
    note(transaction, version, "propose_correction", act)


def confirm(
    transaction: Session,
    version: PolicyVersion,
    staff_id: UUID,
    now: datetime,
    *,
    languages: Sequence[str],
) -> Campaign:
    """A second person of legal agrees: from now on the right words go out, and the wrong mails are
    put right by a step of the campaign, which runs on.

    Where the decisions are to be void, they are so from this instant. A campaign that is finished
    begins again for it. Raises ControlRefused, StaffRefused.
    """
    staff = require_role(transaction, staff_id, "legal")
    version = held(transaction, PolicyVersion, version.id)
    campaign = _correctable(transaction, version)
    correction = open_correction(transaction, campaign.id)
    if correction is None:
        raise ControlRefused("No correction of this campaign is proposed.")
    if correction.proposed_by == staff.id:
        raise ControlRefused("You proposed it: a second person of legal has to agree.")
    voided = 0
    if correction.decisions == Decisions.VOID:
        voided = _count_decisions(transaction, version, now)
        void_decisions(transaction, version, correction)
    correction.confirmed_by, correction.confirmed_at = staff.id, now
    _put_right(transaction, version, correction, languages)
    if campaign.state == FINISHED:
        campaign.state, campaign.finished_at = RUNNING, None
    elif campaign.state == PAUSED and correction.stopped_campaign:
        campaign.state = RUNNING
    note(transaction, version, "correct", Act(staff=staff, reason=correction.reason, now=now))
    record(
        transaction,
        "campaign.corrected",
        campaign.id,
        now,
        correction=correction.id,
        proposed_by=correction.proposed_by,
        confirmed_by=staff.id,
        decisions=correction.decisions,
        voided=voided,
    )
    return campaign


def take_back(transaction: Session, version: PolicyVersion, act: Act) -> None:
    """What was said to be wrong is right after all: the campaign goes on as it was.

    Raises ControlRefused.
    """
    version = held(transaction, PolicyVersion, version.id)
    campaign = _correctable(transaction, version)
    correction = open_correction(transaction, campaign.id)
    if correction is None:
        raise ControlRefused("No correction of this campaign is proposed.")
    correction.dropped_at = act.now
    if campaign.state == PAUSED and correction.stopped_campaign:
        campaign.state = RUNNING
    note(transaction, version, "take_back_correction", act)


def _correctable(transaction: Session, version: PolicyVersion) -> Campaign:
    campaign = campaign_held(transaction, version)
    if version.corrected_by_id:
        heir = transaction.get_one(PolicyVersion, version.corrected_by_id)
        raise ControlRefused(
            f"Version {heir.number} took this one's place and only corrects it. Correct the mails "
            f"of version {heir.number}: whoever had a wrong one of either is told, and void are "
            "answers to either."
        )
    if campaign.state in CALLED_OFF:
        raise ControlRefused(
            f"This campaign is {campaign.state}: what its mails announced does not come, and "
            "whoever had one is told so."
        )
    return campaign


def _require_in_every_language(said: Mapping[str, RightWords], read: Sequence[str]) -> None:
    """What was wrong is put right for whoever had it, in the language they had it in."""
    default = said.get(read[0])
    wrong = [*(("summary",) if default and default.summary else ()), *(default or NONE).sentences]
    for language in read:
        words = said.get(language, NONE)
        given = {*(("summary",) if words.summary else ()), *words.sentences}
        missing = [*(() if words.mail else ("what was wrong, and what is right",))]
        missing += [of for of in wrong if of not in given]
        if missing:
            raise ControlRefused(
                f"Mails of this campaign are read in {language}, and so is the correction. Missing "
                f"in {language}, in plain words: {'; '.join(missing)}. Nothing was stored."
            )


def _anybody_was_mailed(session: Session, campaign: Campaign) -> bool:
    query = (
        select(OutboxMail.id)
        .join(MailAttempt, col(MailAttempt.id) == col(OutboxMail.attempt_id))
        .where(col(OutboxMail.subject_id).in_(campaigns_of_lineage(session, campaign)))
    )
    return session.exec(query.limit(1)).first() is not None


def _put_right(
    transaction: Session,
    version: PolicyVersion,
    correction: CampaignCorrection,
    languages: Sequence[str],
) -> None:
    """What is still queued is rendered when it is sent, and so with these words."""
    for words in words_of(transaction, correction, languages):
        if words.summary or words.sentences:
            keep_words(
                transaction,
                version,
                words,
                default=languages[0],
                by=correction.proposed_by,
                now=correction.confirmed_at or correction.proposed_at,
            )


def _count_decisions(session: Session, version: PolicyVersion, now: datetime) -> int:
    """How many decisions that count for the version stand until now."""
    return session.exec(
        select(func.count())
        .select_from(Approval)
        .where(counts_for(version.id), Approval.decided_at < now)
    ).one()
