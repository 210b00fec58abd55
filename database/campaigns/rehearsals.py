"""The test mails of a version: read by legal before anybody else reads a mail of it (P4)."""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from itertools import product
from uuid import UUID

from sqlmodel import Session, col, func, select

from database.facts import record
from database.mail.outbox import STAFF, VERSION, Queued, queue
from database.mail.steps import FIRST_NOTICE, notice_template
from database.policies.assessments import bases_of, confirmed_adverse, findings_between, findings_of
from database.policies.law import bases_by_law
from database.policies.legal_requirements import requirements
from database.policies.policies import previous_version
from database.policies.wording import languages_read, wording_of
from database.tables import Account, OutboxMail, PolicyVersion, VersionTestMail
from database.writing import hold
from domain.people.account_holders import AccountKind, Status
from domain.policies.reviews import Rehearsed, VersionClass, VersionState

REMINDER = "reminder_1"
ASKS = notice_template(FIRST_NOTICE, asks_approval=True)
WITH_THE_MAIL_SERVICE = ("accepted", "delivered")
UNDER_WAY = ("queued", "sending", "unknown")


class RehearsalRefused(Exception):
    """No test mail can be sent of this version; nothing was."""


@dataclass(frozen=True, kw_only=True)
class Sample:
    """A mail that a version's campaign will send: which one, and from whose version it tells."""

    template: str
    base: PolicyVersion


def samples_of(session: Session, version: PolicyVersion) -> tuple[Sample, ...]:
    """The mails that the campaign of a version will send: the first notice from each version that
    it was compared with, as open accounts stand on these (P6), the newest first.

    Those further behind may be asked for approval by a version of which the others are only told,
    and the other way round. What a reminder says of the change the first notice said, so the newest
    is enough; so it is for minors, where there are any, who are told that they stay.
    """
    previous = previous_version(session, version)
    if previous is None or version.version_class in (None, VersionClass.EDITORIAL):
        return ()
    first_notices = list(_first_notices(session, version))
    asked = [sample for sample in first_notices if sample.template == ASKS]
    if version.version_class == VersionClass.NOTICE and first_notices == asked:
        first_notices.insert(0, Sample(template=notice_template(FIRST_NOTICE), base=previous))
    further = [notice_template(REMINDER, asks_approval=True)]
    if _one_is_a_minor(session):
        further.append(notice_template(FIRST_NOTICE, minor=True))
    newest = (Sample(template=template, base=asked[0].base) for template in further if asked)
    return (*first_notices, *newest)


def send_to(
    transaction: Session,
    version: PolicyVersion,
    staff_id: UUID,
    *,
    languages: Sequence[str],
    now: datetime,
) -> tuple[UUID, ...]:
    """Queue a test mail of each kind and language to somebody of legal; the mails' ids.

    Raises RehearsalRefused.
    """
    hold(transaction, version)
    if version.state != VersionState.IN_REVIEW or version.released_by is not None:
        raise RehearsalRefused(f"Version {version.number} is not in review: nothing was sent.")
    if version.version_class is None:
        raise RehearsalRefused("Give the class first: it decides which mails go out.")
    samples = samples_of(transaction, version)
    if not samples:
        raise RehearsalRefused("Nobody gets a mail of this version, so there is none to test.")
    shown = fingerprint(transaction, version, languages)
    sent: list[UUID] = []
    known = _count(transaction, version)
    wanted = product(samples, languages_read(transaction, version, languages))
    for number, (sample, language) in enumerate(wanted, start=known + 1):
        mail = Queued(
            subject_kind=VERSION,
            subject_id=version.id,
            addressee_kind=STAFF,
            addressee_id=staff_id,
            step=f"test_mail_{number}",
            template=sample.template,
            variant=sample.base.id,
            language=language,
        )
        (mail_id,) = queue(transaction, [mail], now)
        sent.append(mail_id)
        transaction.add(
            VersionTestMail(
                mail_id=mail_id,
                policy_version_id=version.id,
                template=sample.template,
                language=language,
                fingerprint=shown,
                sent_to=staff_id,
            )
        )
    record(
        transaction,
        "policy_version.test_mails_sent",
        version.id,
        now,
        sent_to=staff_id,
        mails=sent,
        fingerprint=shown,
    )
    return tuple(sent)


def rehearsed(session: Session, version: PolicyVersion, *, languages: Sequence[str]) -> Rehearsed:
    """Whether somebody had each test mail of a version as it stands now.

    Which there are its class decides; before it is given, nobody can have had them.
    """
    if version.version_class is None:
        return Rehearsed.NO
    mails = [(sample.template, sample.base.id) for sample in samples_of(session, version)]
    wanted = set(product(mails, languages_read(session, version, languages)))
    if not wanted:
        return Rehearsed.YES
    rows = session.exec(
        select(OutboxMail.template, OutboxMail.variant, OutboxMail.language, OutboxMail.state)
        .join(VersionTestMail, col(VersionTestMail.mail_id) == col(OutboxMail.id))
        .where(
            VersionTestMail.policy_version_id == version.id,
            VersionTestMail.fingerprint == fingerprint(session, version, languages),
        )
    ).all()
    had = {
        ((mail, base), lang) for mail, base, lang, state in rows if state in WITH_THE_MAIL_SERVICE
    }
    coming = {((mail, base), lang) for mail, base, lang, state in rows if state in UNDER_WAY}
    if wanted <= had:
        return Rehearsed.YES
    return Rehearsed.UNDER_WAY if wanted <= had | coming else Rehearsed.NO


def are_out(session: Session, mails: Sequence[UUID]) -> bool:
    """Whether the mail service took all of these mails."""
    states = session.exec(select(OutboxMail.state).where(col(OutboxMail.id).in_(mails))).all()
    return all(state in WITH_THE_MAIL_SERVICE for state in states)


def fingerprint(session: Session, version: PolicyVersion, languages: Sequence[str]) -> str:
    """A hash of all that decides what the mails of a version say: class, what happens without
    approval, findings, the laws that require them, words."""
    found = findings_of(session, version.id)
    findings = [(one.key, one.status, one.consent_key) for one in found]
    laws = requirements(session, found)
    cited = [(one.key, laws[one.id].citation) for one in found if one.id in laws]
    told = [(one.language, one.of, one.text) for one in wording_of(session, version, languages)]
    until_on = str(version.stay_until_on)
    promise = [version.without_approval, until_on]
    said = [version.sha256, version.version_class, promise, findings, cited, told]
    return sha256(json.dumps(said).encode()).hexdigest()


def _count(session: Session, version: PolicyVersion) -> int:
    of_version = VersionTestMail.policy_version_id == version.id
    return session.exec(select(func.count()).select_from(VersionTestMail).where(of_version)).one()


def _first_notices(session: Session, version: PolicyVersion) -> Iterator[Sample]:
    """From each older version the mail that tells of the change, of the law that requires it, or
    asks for approval."""
    by_law = bases_by_law(session, version)
    for base in bases_of(session, version):
        asks = any(map(confirmed_adverse, findings_between(session, base.id, version.id)))
        template = notice_template(
            FIRST_NOTICE,
            asks_approval=asks and base.id not in by_law,
            by_law=base.id in by_law,
        )
        yield Sample(template=template, base=base)


def _one_is_a_minor(session: Session) -> bool:
    minors = select(Account.id).where(
        Account.kind == AccountKind.MINOR, Account.status == Status.OPEN
    )
    return session.exec(minors.limit(1)).first() is not None
