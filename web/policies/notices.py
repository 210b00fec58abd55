"""The notice of an announced version: on our pages, and offered to other sites (P3)."""

from dataclasses import dataclass
from datetime import date

from sqlmodel import Session

from database.campaigns.reclassifying import asked_for_late
from database.policies.assessments import findings_between
from database.policies.law import Law, asked_nevertheless, laws_of
from database.policies.policies import announced_version, previous_version
from database.policies.without_approval import promise_of
from database.policies.wording import sentences_in, summary_in
from database.tables import Finding, Policy, PolicyVersion
from domain.approvals.without_approval import Promise
from domain.campaigns.timetable import not_before
from domain.places import local_date
from domain.policies.reviews import FindingStatus
from web.site import Site


@dataclass(frozen=True, kw_only=True)
class Notice:
    """What people are told of a version before it takes effect.

    `effective_on` is None while it only stands that it is not before `not_before_on`. `in_error`:
    it is in force, and had needed the approval that is asked for now (P2). `laws`: because of which
    it applies without approval, to everyone unless somebody is `asked_nevertheless` (P5).
    """

    policy: Policy
    version: PolicyVersion
    summary: str
    changes: tuple[str, ...]
    not_before_on: date
    effective_on: date | None
    policy_path: str
    redline_path: str | None
    in_error: bool = False
    laws: tuple[Law, ...] = ()
    asked_nevertheless: bool = False

    @property
    def promise(self) -> Promise:
        """What happens to whoever does not approve the version."""
        return promise_of(self.version)

    @property
    def postponed(self) -> bool:
        """Whether the day of its effect is open (P8)."""
        return self.version.state == "postponed"

    @property
    def asks_approval(self) -> bool:
        """Whether the version waits for each account holder's approval."""
        return self.version.version_class == "approval"


def notice_of(session: Session, site: Site, policy: Policy, language: str) -> Notice | None:
    """The notice that is up now, in the words for whoever reads this language; or None."""
    announced = announced_version(session, policy.id, site.now())
    version = announced or asked_for_late(session, policy.id)
    if version is None:
        return None
    previous = previous_version(session, version)
    path = f"/policies/{policy.slug}"
    return Notice(
        policy=policy,
        version=version,
        summary=summary_in(session, version, language),
        changes=confirmed_sentences(session, previous, version, language) if previous else (),
        not_before_on=not_before_on(site, version),
        effective_on=effective_on(site, version),
        policy_path=path,
        redline_path=f"{path}/changes/{previous.number}/{version.number}" if previous else None,
        in_error=announced is None,
        laws=laws_of(session, version, language),
        asked_nevertheless=bool(asked_nevertheless(session, version)),
    )


def confirmed_findings(
    session: Session, base: PolicyVersion, version: PolicyVersion
) -> tuple[Finding, ...]:
    """What legal confirmed of the change from one version to another."""
    return tuple(
        finding
        for finding in findings_between(session, base.id, version.id)
        if finding.status == FindingStatus.CONFIRMED
    )


def confirmed_sentences(
    session: Session, base: PolicyVersion, version: PolicyVersion, language: str
) -> tuple[str, ...]:
    """The plain sentences of the confirmed findings, for somebody who reads this language."""
    findings = confirmed_findings(session, base, version)
    told = sentences_in(session, findings, language)
    return tuple(told[finding.id] for finding in findings)


def effective_on(site: Site, version: PolicyVersion) -> date | None:
    """The day a version takes effect, in the company's zone; None until it is settled."""
    instant = version.in_force_at or version.effective_at
    return local_date(instant, site.company.zone) if instant else None


def not_before_on(site: Site, version: PolicyVersion) -> date:
    """The day before which a version cannot take effect (P7)."""
    said = effective_on(site, version) or (version.announced_at and version.planned_effective_on)
    if said:
        return said
    return not_before(
        version.announced_at or site.now(),
        version.notice_days,
        version.planned_effective_on,
        sending_allowance=site.sending_period,
        time_zone=site.company.time_zone,
    )
