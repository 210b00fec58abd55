"""Which words of a campaign were wrong (P8).

What somebody is told of a version depends on the version from which it changes for them, and on
their language. A correction keeps the pairs of the two in which it puts something right. So it is
known who had wrong words (`database/approvals/reach.py`), and which decisions were taken on them
(`database/policies/voids.py`), without a row for any person.
"""

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from sqlmodel import Session, col, select

from database.policies.assessments import assessment_of, bases_of, findings_of
from database.policies.lineage import lineage
from database.policies.purposes import purposes_of
from database.policies.voids import Reading
from database.policies.wording import SUMMARY, Words, all_words, words_shown
from database.tables import (
    CampaignCorrection,
    CorrectionWords,
    PolicyVersion,
    WrongPurpose,
    WrongWords,
)
from domain.policies.reviews import Decisions


def only_what_differs(session: Session, version: PolicyVersion, words: Words) -> Mapping[str, str]:
    """Of words in a language those that people read otherwise now, by what they are of."""
    standing = all_words(session, version, words.language)
    return {
        of: said
        for of, said in words.by_what_they_are_of.items()
        if of not in standing or _folded(standing[of]) != _folded(said)
    }


def wrong_words(
    session: Session,
    version: PolicyVersion,
    right: Mapping[str, Mapping[str, str]],
    languages: Sequence[str],
) -> Mapping[Reading, Collection[str]]:
    """Where people read something else than is right, about a version or one that it corrects; with
    the purposes that they were asked to consent to by that.

    `right` has by language, and by what they are of, the words from now on.
    """
    read = {each: _read(session, version, right, each, languages[0]) for each in languages}
    about = [session.get_one(PolicyVersion, each) for each in lineage(session, version.id)]
    return {
        Reading(version_id=told.id, base_id=base.id, language=language): _purposes_asked_by(
            session, version, wrong
        )
        for told in about
        for base in bases_of(session, told)
        for language in languages
        if (wrong := _wrong(session, base, told, version, read[language], language))
    }


def _purposes_asked_by(
    session: Session, version: PolicyVersion, wrong: Collection[str]
) -> Collection[str]:
    """The purposes that words were about: those of the summary are about all."""
    findings = findings_of(session, version.id)
    changes = {each.consent_key for each in findings if each.key in wrong}
    return [
        purpose
        for purpose in purposes_of(session, version.id)
        if SUMMARY in wrong or purpose in wrong or purpose in changes
    ]


def _read(
    session: Session,
    version: PolicyVersion,
    right: Mapping[str, Mapping[str, str]],
    language: str,
    default: str,
) -> Mapping[str, str]:
    """What is right in a language; where it has no words of its own it reads the default ones."""
    standing = all_words(session, version, language)
    in_default = all_words(session, version, default)
    borrowed = {
        of: said
        for of, said in right.get(default, {}).items()
        if standing.get(of) == in_default.get(of)
    }
    return {**borrowed, **right.get(language, {})}


def _wrong(
    session: Session,
    base: PolicyVersion,
    told: PolicyVersion,
    version: PolicyVersion,
    right: Mapping[str, str],
    language: str,
) -> Collection[str]:
    """Of which of the right words of a version something else was told, by what they are of: from a
    base, of that version, or of one that it corrects, whose findings have keys of their own."""
    if not right:
        return ()
    said = {of: _folded(words) for of, words in words_shown(session, base, told, language).items()}
    if told.id == version.id:
        return [of for of, words in right.items() if of in said and said[of] != _folded(words)]
    compared = assessment_of(session, base.id, version.id) is not None
    shows = words_shown(session, base, version, language) if compared else right
    told_so = said.values()
    return [of for of, words in right.items() if of in shows and _folded(words) not in told_so]


def _folded(words: str) -> str:
    """The same words in one line: how they are broken into lines is nothing that is told."""
    return " ".join(words.split())


@dataclass(frozen=True, kw_only=True)
class Wrong:
    """What a correction of a campaign says was wrong, or would if it were proposed; of that which
    was read before `until`, if it is confirmed.

    `readings`: with the purposes that people were asked to consent to by the wrong words; where
    whatever was told was wrong, none is named and all are meant.
    """

    campaign_id: UUID
    decisions: Decisions
    readings: Mapping[Reading, Collection[str]]
    until: datetime | None = None

    @property
    def everybody(self) -> bool:
        """Whether whatever was told was wrong, and not only some words."""
        return any(reading.language is None for reading in self.readings)


def wrong_of(session: Session, correction: CampaignCorrection) -> Wrong:
    """What a correction says was wrong."""
    rows = session.exec(
        select(WrongWords, WrongPurpose.purpose)
        .join(WrongPurpose, col(WrongPurpose.wrong_words_id) == col(WrongWords.id), isouter=True)
        .where(WrongWords.correction_id == correction.id)
    ).all()
    readings = defaultdict[Reading, set[str]](set)
    for row, purpose in rows:
        reading = Reading(row.policy_version_id, row.base_version_id, row.language)
        readings[reading].update([purpose] if purpose else [])
    return Wrong(
        campaign_id=correction.campaign_id,
        decisions=Decisions(correction.decisions),
        readings=dict(readings),
        until=correction.confirmed_at,
    )


def whatever_was_told(
    session: Session, version: PolicyVersion
) -> Mapping[Reading, Collection[str]]:
    """All that people read about a version, and about those that it corrects now; as of `Wrong`."""
    return {Reading(each, None, None): () for each in lineage(session, version.id)}


def keep_wrong(
    transaction: Session, correction: CampaignCorrection, wrong: Mapping[Reading, Collection[str]]
) -> None:
    """Note with a correction where the words were wrong, and by which of them people were asked to
    consent."""
    rows = {
        each: WrongWords(
            correction_id=correction.id,
            policy_version_id=each.version_id,
            base_version_id=each.base_id,
            language=each.language,
        )
        for each in wrong
    }
    transaction.add_all(rows.values())
    transaction.flush()  # before the purposes that belong to them
    transaction.add_all(
        WrongPurpose(wrong_words_id=row.id, purpose=purpose)
        for each, row in rows.items()
        for purpose in wrong[each]
    )


class PutRight(NamedTuple):
    """What was wrong and what is right, in words of legal: in this `language`, the default one
    where that is None."""

    words: str
    language: str | None


def correction_in(session: Session, correction: CampaignCorrection, language: str) -> PutRight:
    """What was wrong and what is right, for somebody who reads this language: in one that had it
    wrong, where theirs had not."""
    rows = session.exec(
        select(CorrectionWords)
        .where(CorrectionWords.correction_id == correction.id, CorrectionWords.mail != "")
        .order_by(CorrectionWords.language)
    ).all()
    told = {row.language: PutRight(row.mail, row.language) for row in rows}
    default = PutRight(correction.mail, None)
    return told.get(language) or (default if default.words else next(iter(told.values()), default))
