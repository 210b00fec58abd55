"""Mails of a campaign that said something wrong: two people of legal put it right (P8).

Told is whoever had the wrong words, and void are at most the decisions that were taken on them.
Whoever proposes it stops the campaign: nothing wrong goes out until a second person
has confirmed it, or it is taken back.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Self
from uuid import UUID

from sqlmodel import Session, col, select

from database.approvals.reach import Reach, languages_of_reach, reach
from database.approvals.wrong_words import (
    Wrong,
    keep_wrong,
    only_what_differs,
    whatever_was_told,
    wrong_of,
    wrong_words,
)
from database.campaigns.controls import Act, ControlRefused, campaign_about, campaign_held, note
from database.campaigns.owed import open_correction
from database.facts import record
from database.mail.outbox import ACCOUNT
from database.mail.steps import CALLED_OFF, FINISHED, PAUSED, RUNNING
from database.people.staff import require_role
from database.policies.lineage import campaigns_of_lineage
from database.policies.voids import Reading
from database.policies.wording import SUMMARY, Words, keep_words, require_showable
from database.tables import (
    Account,
    Campaign,
    CampaignAddressee,
    CampaignCorrection,
    CorrectionWords,
    MailAttempt,
    OutboxMail,
    PolicyVersion,
)
from database.webhooks.events import tell_in_force
from database.writing import held
from domain.people.languages import nearest_language
from domain.policies.reviews import TO_COME, Decisions, VersionClass, VersionState
from translations.catalogues import for_staff


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
    """What becomes of what was answered on wrong words, and the right ones in each language.

    `everybody`: the mails were wrong in more than words that are given here, as they are where none
    are.
    """

    decisions: Decisions
    words: Sequence[RightWords]
    everybody: bool = False


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
    found = reach(session, wrong_of(session, correction))
    return {
        "reason": correction.reason,
        "mailed_to": str(found),
        "decisions": correction.decisions,
        "voids": found.voids if correction.decisions == Decisions.VOID else "nothing",
        "words": {
            words.language: {
                "mail": words.mail or "nothing",
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


def without_what_stands(session: Session, version: PolicyVersion, words: RightWords) -> RightWords:
    """The same without what people read already, as in a form where it was left as it stood."""
    said = dict(only_what_differs(session, version, words.tidy))
    return replace(words, summary=said.pop(SUMMARY, None), sentences=said)


def look_ahead(
    session: Session, version: PolicyVersion, right: Right, *, languages: Sequence[str]
) -> Reach:
    """Whom a correction would tell, were it proposed and agreed to now.

    Counts mails: it is asked before anything is written, so that nobody who writes waits for it.
    Raises WordingRefused; ControlRefused, for people, too, who would read nothing in their
    language.
    """
    campaign = _correctable(session, version)
    wrong = Wrong(
        campaign_id=campaign.id,
        decisions=right.decisions,
        readings=_what_was_wrong(session, version, right, languages),
    )
    found = reach(session, wrong)
    _require_mail(
        {each.language: each.tidy.mail for each in right.words},
        languages_of_reach(session, wrong, found, languages),
    )
    return found


def propose(
    transaction: Session,
    version: PolicyVersion,
    act: Act,
    right: Right,
    *,
    languages: Sequence[str],
) -> None:
    """Say what was wrong and what is right, and stop the campaign until a second person agrees;
    `look_ahead` has said whom they tell then.

    Wrong was what people read otherwise than it is right. It takes the place of an earlier proposal
    that nobody confirmed. Raises ControlRefused, WordingRefused.
    """
    version = held(transaction, PolicyVersion, version.id)
    campaign_held(transaction, version)
    campaign = _correctable(transaction, version)
    _require_that_nothing_rests_on(transaction, version, right.decisions)
    if not _anybody_was_mailed(transaction, campaign):
        raise ControlRefused("No mail of this campaign has gone out yet: there is nobody to tell.")
    wrong = _what_was_wrong(transaction, version, right, languages)
    tidy = [each.tidy for each in right.words]
    said = {each.language: without_what_stands(transaction, version, each) for each in tidy}
    default = said.pop(languages[0], RightWords(language=languages[0], mail=""))
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
    for each in said.values():
        transaction.add(
            CorrectionWords(
                correction_id=correction.id,
                language=each.language,
                mail=each.mail,
                summary=each.summary or "",
                sentences=dict(each.sentences),
            )
        )
    keep_wrong(transaction, correction, wrong)
    if stops:
        campaign.state = PAUSED
    note(transaction, version, "propose_correction", act)


@dataclass(frozen=True, kw_only=True)
class Counted:
    """The correction that waits for a second person, and whom it would tell."""

    correction_id: UUID
    reach: Reach


def count(session: Session, version: PolicyVersion) -> Counted | None:
    """Whom the correction that waits would tell, for who is about to agree; None where none waits.

    Counts mails: it is asked before anything is written, as `look_ahead`.
    """
    correction = open_correction(session, campaign_about(session, version).id)
    if correction is None:
        return None
    found = reach(session, wrong_of(session, correction))
    return Counted(correction_id=correction.id, reach=found)


def confirm(
    transaction: Session,
    version: PolicyVersion,
    staff_id: UUID,
    now: datetime,
    *,
    counted: Counted | None,
    languages: Sequence[str],
) -> tuple[Campaign, Reach]:
    """A second person of legal agrees: from now on the right words go out, and the wrong mails are
    put right by a step of the campaign, which runs on.

    Where the decisions on wrong words are to be void, they are so from this instant, those too that
    were taken since it was `counted`. A campaign that is finished begins again for it. The
    campaign, and whom it tells. Raises ControlRefused, StaffRefused.
    """
    staff = require_role(transaction, staff_id, "legal")
    version = held(transaction, PolicyVersion, version.id)
    campaign_held(transaction, version)
    campaign = _correctable(transaction, version)
    correction = open_correction(transaction, campaign.id)
    if correction is None:
        raise ControlRefused("No correction of this campaign is proposed.")
    if correction.proposed_by == staff.id:
        raise ControlRefused("You proposed it: a second person of legal has to agree.")
    if counted is None or counted.correction_id != correction.id:
        raise ControlRefused(
            "Another correction was proposed just now. Read that one before you agree to it. "
            "Nothing was changed."
        )
    _require_that_nothing_rests_on(transaction, version, correction.decisions)
    found = counted.reach
    correction.people = found.people
    correction.voided = found.decisions if correction.decisions == Decisions.VOID else 0
    correction.confirmed_by, correction.confirmed_at = staff.id, now
    _put_right(transaction, version, correction, languages)
    if correction.decisions == Decisions.VOID and version.state == VersionState.IN_FORCE:
        tell_in_force(transaction, version.id, now)
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
        people=correction.people,
        voided=correction.voided,
    )
    return campaign, found


def take_back(transaction: Session, version: PolicyVersion, act: Act) -> None:
    """What was said to be wrong is right after all: the campaign goes on as it was.

    Raises ControlRefused.
    """
    version = held(transaction, PolicyVersion, version.id)
    campaign_held(transaction, version)
    campaign = _correctable(transaction, version)
    correction = open_correction(transaction, campaign.id)
    if correction is None:
        raise ControlRefused("No correction of this campaign is proposed.")
    correction.dropped_at = act.now
    if campaign.state == PAUSED and correction.stopped_campaign:
        campaign.state = RUNNING
    note(transaction, version, "take_back_correction", act)


def _correctable(session: Session, version: PolicyVersion) -> Campaign:
    campaign = campaign_about(session, version)
    if version.corrected_by_id:
        heir = session.get_one(PolicyVersion, version.corrected_by_id)
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


def _require_that_nothing_rests_on(
    session: Session, version: PolicyVersion, decisions: str
) -> None:
    """Answers are not voided while people are asked about a later version by what they mean: they
    would approve a change from a version that does not govern them any more (P6)."""
    later = session.exec(
        select(PolicyVersion).where(
            PolicyVersion.policy_id == version.policy_id,
            PolicyVersion.number > version.number,
            col(PolicyVersion.state).in_((*TO_COME, VersionState.IN_FORCE)),
            PolicyVersion.version_class != VersionClass.EDITORIAL,
        )
    ).first()
    if decisions != Decisions.VOID or later is None or version.in_force_at is None:
        return
    begins = f"Version {later.number} "
    if later.state == VersionState.IN_FORCE:
        raise ControlRefused(
            f"{begins}has followed, and people were told what it changes from what they had "
            f"answered. Answers to version {version.number} can only be kept. Nothing was changed."
        )
    raise ControlRefused(
        f"{begins}is announced, and people were told what it changes from what they had answered. "
        f"Withdraw version {later.number} first, or keep the answers. Nothing was changed."
    )


def _what_was_wrong(
    session: Session, version: PolicyVersion, right: Right, languages: Sequence[str]
) -> Mapping[Reading, Collection[str]]:
    """What people read otherwise than it is right, with the purposes that it asked consent to; all
    of it where everybody had a wrong mail. Raises ControlRefused, WordingRefused."""
    for each in right.words:
        require_showable(session, version, each.tidy, languages)
    given = {each.language: each.tidy.by_what_they_are_of for each in right.words}
    if right.everybody or not any(given.values()):
        return whatever_was_told(session, version)
    wrong = wrong_words(session, version, given, languages)
    if not wrong:
        raise ControlRefused(
            "The words that you gave are those that people read already, so nobody had wrong ones. "
            "Change those that were wrong; or, if the mails were wrong in something else, say that "
            "everybody had a wrong one. Nothing was stored."
        )
    return wrong


def _require_mail(told: Mapping[str, str], read: Sequence[str]) -> None:
    """What was wrong is told to whoever had it, in the language they had it in, or read by now."""
    if missing := [language for language in read if not told.get(language)]:
        names = ", ".join(map(for_staff, missing))
        raise ControlRefused(
            f"People who had the wrong words read {names}. Missing in {names}, in plain words: "
            "what was wrong, and what is right. Nothing was stored."
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
