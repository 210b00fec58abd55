"""What people read of a change: a summary and a sentence for each finding, in their language (P4).

What somebody wrote has a row for its language. Where a language has none, the words that stand in
the version and the finding themselves are read: those of the default language, or the engine's
draft.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum
from hashlib import sha256
from typing import Self
from uuid import UUID

from sqlalchemy import bindparam
from sqlmodel import Session, col, select

from database.facts import record
from database.policies.assessments import findings_between, findings_of
from database.policies.legal_requirements import (
    requirements,
    sentences_of_laws,
    write_of_law,
    written_of_laws,
)
from database.policies.purposes import asked_because_of, purposes_of, written_in
from database.tables import (
    Account,
    ConsentLabel,
    Finding,
    FindingSentence,
    LegalRequirement,
    Policy,
    PolicyVersion,
    VersionSummary,
)
from database.writing import hold
from domain.people.account_holders import Status
from domain.people.languages import language_named, nearest_language
from domain.policies.reviews import OF_LAW, FindingStatus, MissingWords, VersionClass, VersionState
from translations.catalogues import for_staff, is_usual_title

TITLE = "title"
SUMMARY = "summary"
DRAFTED_IN = "en"
"""The language of the engine's own sentences."""
LONGEST_SENTENCE = 1_000
LONGEST_SUMMARY = 5_000
_SUMMARY = select(VersionSummary.summary).where(
    VersionSummary.policy_version_id == bindparam("version"),
    VersionSummary.language == bindparam("language"),
)
_SENTENCES = select(FindingSentence.finding_id, FindingSentence.sentence).where(
    col(FindingSentence.finding_id).in_(bindparam("findings", expanding=True)),
    FindingSentence.language == bindparam("language"),
)


class WordingRefused(Exception):
    """These words cannot be taken; nothing changed."""


@dataclass(frozen=True, kw_only=True)
class Words:
    """What legal writes in one language; the sentences by the key of their finding, of the purpose
    that takes consent, or like F1-law of the law that requires a finding."""

    language: str
    summary: str | None = None
    sentences: Mapping[str, str] = field(default_factory=dict)

    @property
    def by_what_they_are_of(self) -> Mapping[str, str]:
        """The summary, where it is given, and the sentences."""
        summary = {} if self.summary is None else {SUMMARY: self.summary}
        return {**summary, **self.sentences}

    @property
    def tidy(self) -> Self:
        """The same as it is kept: each sentence in one line, as it stands in a list."""
        return replace(
            self,
            summary=None if self.summary is None else self.summary.strip(),
            sentences={key: " ".join(said.split()) for key, said in self.sentences.items()},
        )

    @property
    def given(self) -> Self:
        """The same without what was left empty."""
        return replace(
            self,
            summary=self.summary or None,
            sentences={key: said for key, said in self.sentences.items() if said},
        )


class WordsState(StrEnum):
    """Whether somebody can be told something in a language."""

    WRITTEN = "written"
    DRAFT = "draft"
    MISSING = "missing"
    NOT_NEEDED = "not needed"


@dataclass(frozen=True, kw_only=True)
class Told:
    """One thing to tell people in one language. `of`: the title, the summary, a finding's
    key, that of a purpose that takes consent, or like F1-law of the law that requires a finding."""

    language: str
    of: str
    text: str
    state: WordsState


def sentences_in(
    session: Session, findings: Iterable[Finding], language: str
) -> Mapping[UUID, str]:
    """The sentence of each finding as somebody who reads this language is shown it."""
    told = {finding.id: finding.sentence for finding in findings}
    return {**told, **_written(session, told, language)}


def summary_in(session: Session, version: PolicyVersion, language: str) -> str:
    """The summary of a version as somebody who reads this language is shown it."""
    written = session.exec(_SUMMARY, params={"version": version.id, "language": language}).first()
    return version.summary if written is None else written


def words_read(session: Session, version: PolicyVersion, language: str) -> Words:
    """All that somebody who reads this language is told of a version."""
    told = dict(all_words(session, version, language))
    return Words(language=language, summary=told.pop(SUMMARY), sentences=told)


def all_words(session: Session, version: PolicyVersion, language: str) -> Mapping[str, str]:
    """The same by what it is of, with what is asked of each purpose; from whichever version."""
    return _shown(session, version, _confirmed(session, version), language)


def words_shown(
    session: Session, base: PolicyVersion, version: PolicyVersion, language: str
) -> Mapping[str, str]:
    """What somebody who has a version and reads this language is told of another one, by what it
    is of."""
    shown = findings_between(session, base.id, version.id)
    confirmed = [each for each in shown if each.status == FindingStatus.CONFIRMED]
    return _shown(session, version, confirmed, language)


def _shown(
    session: Session, version: PolicyVersion, confirmed: Sequence[Finding], language: str
) -> Mapping[str, str]:
    told = sentences_in(session, confirmed, language)
    laws = _laws(session, confirmed)
    of_laws = sentences_of_laws(session, laws.values(), language)
    return {
        SUMMARY: summary_in(session, version, language),
        **{finding.key: told[finding.id] for finding in confirmed},
        **{key: of_laws[row.id] for key, row in laws.items()},
        **asked_because_of(session, confirmed, language),
    }


def languages_read(
    session: Session, version: PolicyVersion, languages: Sequence[str]
) -> tuple[str, ...]:
    """The default language, and every other one that an open account reads.

    Of an editorial version nobody is told.
    """
    if version.version_class == VersionClass.EDITORIAL:
        return tuple(languages[:1])
    return languages_of_accounts(session, languages)


def languages_of_accounts(session: Session, languages: Sequence[str]) -> tuple[str, ...]:
    """The default language, and every other one that an open account reads."""
    locales = session.exec(
        select(Account.locale).where(Account.status == Status.OPEN).distinct()
    ).all()
    read = {languages[0], *(nearest_language(one, languages) for one in locales)}
    return tuple(name for name in languages if name in read)


def wording_of(
    session: Session, version: PolicyVersion, languages: Sequence[str]
) -> tuple[Told, ...]:
    """What is there and what is missing, language by language: title where it is legal's to
    write, summary, then sentences."""
    confirmed = _confirmed(session, version)
    read = languages_read(session, version, languages)
    purposes = purposes_of(session, version.id)
    laws = _laws(session, confirmed)
    return tuple(
        told
        for language in languages
        for told in (
            *_of_title(session, version, language, default=languages[0], read=read),
            *_told(session, version, confirmed, language, default=languages[0], read=read),
            *_said_of_laws(session, laws, language, read=read),
            *_asked(session, version, purposes, language, read=read),
        )
    )


def missing_words(told: Iterable[Told]) -> tuple[MissingWords, ...]:
    """What is still to be written, by language."""
    missing: dict[str, list[str]] = {}
    for words in told:
        if words.state is WordsState.MISSING:
            missing.setdefault(words.language, []).append(words.of)
    return tuple(
        MissingWords(
            language=for_staff(language),
            title=TITLE in lacking,
            summary=SUMMARY in lacking,
            findings=tuple(key for key in lacking if key not in (TITLE, SUMMARY)),
        )
        for language, lacking in missing.items()
    )


def write_words(
    transaction: Session,
    version: PolicyVersion,
    words: Words,
    *,
    languages: Sequence[str],
    by: UUID,
    now: datetime,
) -> None:
    """Write what people will read of a version in review. Raises WordingRefused."""
    hold(transaction, version)
    _require_in_review(version)
    words = words.tidy
    require_showable(transaction, version, words, languages)
    keep_words(transaction, version, words, default=languages[0], by=by, now=now)


def keep_words(
    transaction: Session,
    version: PolicyVersion,
    words: Words,
    *,
    default: str,
    by: UUID,
    now: datetime,
) -> None:
    """Let these words be read from now on; in the `default` language they stand in the version and
    its findings too."""
    findings = {finding.key: finding for finding in findings_of(transaction, version.id)}
    purposes = purposes_of(transaction, version.id)
    laws = _laws(transaction, findings.values())
    is_default = words.language == default
    if words.summary is not None:
        transaction.merge(
            VersionSummary(
                policy_version_id=version.id,
                language=words.language,
                summary=words.summary,
                edited_by=by,
                edited_at=now,
            )
        )
        version.summary = words.summary if is_default else version.summary
    for key, sentence in words.sentences.items():
        if key in laws:
            write_of_law(
                transaction,
                laws[key],
                sentence,
                words.language,
                is_default=is_default,
                by=by,
                now=now,
            )
            continue
        if key in purposes:
            transaction.merge(
                ConsentLabel(
                    policy_version_id=version.id,
                    purpose=key,
                    language=words.language,
                    label=sentence,
                    edited_by=by,
                    edited_at=now,
                )
            )
            for finding in findings.values():
                if is_default and finding.consent_key == key:
                    finding.consent_label = sentence
            continue
        finding = findings[key]
        transaction.merge(
            FindingSentence(
                finding_id=finding.id,
                language=words.language,
                sentence=sentence,
                edited_by=by,
                edited_at=now,
            )
        )
        finding.sentence = sentence if is_default else finding.sentence
    transaction.add_all([version, *findings.values()])
    record(
        transaction,
        "policy_version.worded",
        version.id,
        now,
        by=by,
        language=words.language,
        summary_sha256=_sha256(words.summary) if words.summary else None,
        findings=list(words.sentences),
        sentences_sha256=[_sha256(sentence) for sentence in words.sentences.values()],
    )


def _laws(session: Session, findings: Iterable[Finding]) -> Mapping[str, LegalRequirement]:
    """The laws that were cited for findings, by keys like F1-law."""
    findings = list(findings)
    rows = requirements(session, findings, agreed=False)
    return {f"{each.key}{OF_LAW}": rows[each.id] for each in findings if each.id in rows}


def _confirmed(session: Session, version: PolicyVersion) -> list[Finding]:
    return [
        finding
        for finding in findings_of(session, version.id)
        if finding.status == FindingStatus.CONFIRMED
    ]


def _of_title(
    session: Session, version: PolicyVersion, language: str, *, default: str, read: Sequence[str]
) -> Iterator[Told]:
    """Nothing where it needs no writing: in the default language, and of one that is usual."""
    policy = session.get_one(Policy, version.policy_id)
    if title := policy.titles.get(language):
        yield Told(language=language, of=TITLE, text=title, state=WordsState.WRITTEN)
    elif language != default and not is_usual_title(policy.title):
        lacking = WordsState.MISSING if language in read else WordsState.NOT_NEEDED
        yield Told(language=language, of=TITLE, text="", state=lacking)


def _told(
    session: Session,
    version: PolicyVersion,
    confirmed: Sequence[Finding],
    language: str,
    *,
    default: str,
    read: Sequence[str],
) -> Iterator[Told]:
    summary = version.summary if language == default else ""
    row = session.get(VersionSummary, (version.id, language))
    written = _written(session, [finding.id for finding in confirmed], language)
    drafted = language == default and language_named(language, [DRAFTED_IN]) is not None
    lacking = WordsState.MISSING if language in read else WordsState.NOT_NEEDED

    def told(of: str, text: str | None, draft: str) -> Told:
        if text:
            return Told(language=language, of=of, text=text, state=WordsState.WRITTEN)
        state = WordsState.DRAFT if draft else lacking
        return Told(language=language, of=of, text=draft, state=state)

    yield told(SUMMARY, row.summary if row else summary, "")
    for finding in confirmed:
        # Of what it cannot judge the engine only says that a person has to read it.
        draft = finding.sentence if drafted and finding.direction != "unclear" else ""
        yield told(finding.key, written.get(finding.id), draft)


def _asked(
    session: Session,
    version: PolicyVersion,
    purposes: Sequence[str],
    language: str,
    *,
    read: Sequence[str],
) -> Iterator[Told]:
    lacking = WordsState.MISSING if language in read else WordsState.NOT_NEEDED
    written = written_in(session, version.id, language)
    for purpose in purposes:
        label = written.get(purpose, "")
        state = WordsState.WRITTEN if label else lacking
        yield Told(language=language, of=purpose, text=label, state=state)


def _said_of_laws(
    session: Session, laws: Mapping[str, LegalRequirement], language: str, *, read: Sequence[str]
) -> Iterator[Told]:
    lacking = WordsState.MISSING if language in read else WordsState.NOT_NEEDED
    written = written_of_laws(session, [row.id for row in laws.values()], language)
    for key, row in laws.items():
        sentence = written.get(row.id, "")
        state = WordsState.WRITTEN if sentence else lacking
        yield Told(language=language, of=key, text=sentence, state=state)


def words_there(
    session: Session, version: PolicyVersion, language: str, *, default: str
) -> frozenset[str]:
    """Of what people can be told in a language: the summary and the keys of the findings that
    somebody wrote, or the engine drafted; whether confirmed or not."""
    findings = findings_of(session, version.id)
    told = _told(session, version, findings, language, default=default, read=())
    return frozenset(words.of for words in told if words.text)


def require_showable(
    session: Session,
    version: PolicyVersion,
    words: Words,
    languages: Sequence[str],
    *,
    coming: Sequence[str] = (),
) -> None:
    """The words are in a language that we speak, of findings that are there or `coming`, of
    purposes that take consent or of laws that were cited, and not too long.

    Raises WordingRefused.
    """
    if words.language not in languages:
        raise WordingRefused(
            f"{words.language!r} is none of the languages in PROMISEKEEPER_LANGUAGES: "
            f"{', '.join(languages)}. Nothing was stored."
        )
    findings = findings_of(session, version.id)
    keys = [*(finding.key for finding in findings), *_laws(session, findings)]
    known = [*keys, *purposes_of(session, version.id), *coming]
    unknown = sorted(words.sentences.keys() - set(known))
    if unknown:
        raise WordingRefused(
            f"There is no finding {', '.join(unknown)}; there are {', '.join(known) or 'none'}. "
            "Nothing was stored."
        )
    _require_length("The summary", words.summary, LONGEST_SUMMARY)
    for key, sentence in words.sentences.items():
        _require_length(f"The sentence of {key}", sentence, LONGEST_SENTENCE)


def _require_in_review(version: PolicyVersion) -> None:
    if version.state != VersionState.IN_REVIEW or version.released_by is not None:
        raise WordingRefused(
            f"Version {version.number} is not in review, so what people read of it stays as it is."
        )


def _require_length(what: str, words: str | None, longest: int) -> None:
    if words is not None and not 0 < len(words) <= longest:
        length = f"has {len(words)} characters" if words else "is empty"
        raise WordingRefused(f"{what} {length}; 1 to {longest} can be shown. Nothing was stored.")


def _written(session: Session, findings: Iterable[UUID], language: str) -> Mapping[UUID, str]:
    ids = list(findings)
    if not ids:
        return {}
    return dict(session.exec(_SENTENCES, params={"findings": ids, "language": language}).all())


def _sha256(words: str) -> str:
    return sha256(words.encode()).hexdigest()
