"""Whether a version only mends the one that is announced, and what follows for people (P6, P8)."""

from dataclasses import dataclass
from uuid import UUID

from sqlmodel import Session, col, func, select

from database.campaigns.campaigns import campaign_of
from database.campaigns.owed import open_correction, steps_owed
from database.campaigns.progress import count_answers
from database.mail.steps import FIRST_NOTICE
from database.mail.told import maybe_told
from database.policies.assessments import (
    assessment_of,
    confirmed_adverse,
    findings_between,
    is_clean,
)
from database.policies.policies import announced_versions
from database.policies.without_approval import promise_of
from database.tables import Account, OutboxMail, PolicyVersion
from domain.approvals.approvals import Decision
from domain.approvals.without_approval import Promise, WithoutApproval, keeps
from domain.people.account_holders import Status
from domain.policies.reviews import UNDECIDED, VersionClass, VersionState


@dataclass(frozen=True, kw_only=True)
class Mending:
    """How a version stands to the announced one, whose place it takes.

    `differences`: why it does not only correct it, as sentences; `undecided`: what has still to be
    decided for it to correct it. `told`: how many open accounts had the announced one's mail, or
    may have had it; `approved` and `declined`: how many answered it.
    """

    number: int
    differences: tuple[str, ...]
    undecided: tuple[str, ...]
    told: int
    approved: int
    declined: int

    @property
    def corrects(self) -> bool:
        """Whether nobody is told twice or asked again, if it were announced now."""
        return not (self.differences or self.undecided)

    @property
    def answered(self) -> str:
        """How many answered the announced version, in words."""
        return f"{self.approved} approved and {self.declined} declined"

    def __str__(self) -> str:
        """What a colleague is told before the release."""
        had = f"{_people(self.told)} had the mail of version {self.number}, which is announced; "
        had += f"{self.answered}."
        if self.corrects:
            return (
                f"It counts as a correction of version {self.number}. {had} Whoever had that mail "
                "gets no other, and every answer counts."
            )
        if self.differences:
            return (
                f"It does not count as a correction of version {self.number}: "
                f"{' '.join(self.differences)} {had} They hear of this one anew, and whoever "
                "declined has to decline again."
            )
        return (
            f"It counts as a correction of version {self.number} only if: "
            f"{' '.join(self.undecided)} {had} Otherwise they hear of this one anew, and whoever "
            "declined has to decline again."
        )


def mending(session: Session, version: PolicyVersion) -> Mending | None:
    """How a version that is not announced yet stands to the announced one; None if there is none.

    Reads the mails of a campaign to count them.
    """
    announced = announced_versions(session, version.policy_id)
    old = next((each for each in announced if each.number < version.number), None)
    if old is None or version.state not in (VersionState.SUBMITTED, VersionState.IN_REVIEW):
        return None
    campaign = campaign_of(session, old.id)
    answers = count_answers(session, campaign) if campaign else {}
    return Mending(
        number=old.number,
        differences=differences(session, old, version),
        undecided=_undecided(session, old, version),
        told=_told(session, campaign.id) if campaign else 0,
        approved=answers.get(Decision.APPROVED, 0),
        declined=answers.get(Decision.DECLINED, 0),
    )


def corrects(session: Session, old: PolicyVersion, version: PolicyVersion) -> bool:
    """Whether what was said of the old one is right for the new one, what happens without approval
    too."""
    return not (differences(session, old, version) or _undecided(session, old, version))


def differences(session: Session, old: PolicyVersion, version: PolicyVersion) -> tuple[str, ...]:
    """Why a version does not only correct an announced one, as sentences.

    Of a postponed one it was said that it comes later, and where its mails were wrong or name
    another day that is still to be said: then everybody has to hear of the new one.
    """
    found = []
    if old.state == VersionState.POSTPONED:
        found.append(f"Version {old.number} is postponed: everybody has to hear of the new day.")
    if version.version_class and version.version_class != old.version_class:
        found.append(f"Its class is {version.version_class}, not {old.version_class}.")
    told, promise = promise_of(old), promise_of(version)
    if not keeps(told, promise):
        found.append(f"Without approval it promises {_said(promise)}, not {_said(told)}.")
    if adverse := [
        finding.key
        for finding in findings_between(session, old.id, version.id)
        if confirmed_adverse(finding)
    ]:
        found.append(f"{', '.join(adverse)} says that it is worse for people.")
    campaign = campaign_of(session, old.id)
    if campaign and open_correction(session, campaign.id):
        found.append(f"The mails of version {old.number} were wrong, and are not put right yet.")
    elif campaign and steps_owed(session, campaign):
        found.append(f"It is still to be said to people what changed about version {old.number}.")
    return tuple(found)


def _undecided(session: Session, old: PolicyVersion, version: PolicyVersion) -> tuple[str, ...]:
    if is_clean(session, old, version):
        open_ = []
    elif assessment_of(session, old.id, version.id) is None:
        return (f"It is not compared with version {old.number} yet.",)
    else:
        open_ = [
            finding.key
            for finding in findings_between(session, old.id, version.id)
            if finding.status in UNDECIDED
        ]
    found = [f"{', '.join(open_)} is dismissed by two people."] if open_ else []
    if not version.version_class:
        found.append(f"Its class becomes {old.version_class or VersionClass.APPROVAL}.")
    return tuple(found)


def _told(session: Session, campaign_id: UUID) -> int:
    return session.exec(
        select(func.count())
        .select_from(OutboxMail)
        .join(Account, col(Account.id) == col(OutboxMail.addressee_id))
        .where(
            OutboxMail.subject_id == campaign_id,
            OutboxMail.step == FIRST_NOTICE,
            maybe_told(),
            Account.status == Status.OPEN,
        )
    ).one()


def _people(count: int) -> str:
    return "1 account" if count == 1 else f"{count} accounts"


def _said(promise: Promise) -> str:
    if promise.what is WithoutApproval.STAY_UNTIL:
        return f"{promise.what} {promise.until_on}"
    return str(promise.what)
