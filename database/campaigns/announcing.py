"""A version goes out: released by legal, announced, its campaign opened (P2, P3, P4)."""

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from uuid import UUID

from sqlmodel import Session

from database.campaigns import campaigns, replacing, reviews
from database.campaigns.mended_versions import corrects
from database.facts import record
from database.imports.unfinished_imports import BEING_IMPORTED, one_stands_unfinished
from database.policies.assessments import is_clean
from database.policies.policies import announced_versions, said_on
from database.policies.without_approval import follow_effect, promise_of
from database.tables import ControlAct, Policy, PolicyVersion
from database.writing import held, hold
from domain.approvals.without_approval import promise_refusal
from domain.campaigns.timetable import not_before
from domain.company import Company
from domain.places import local_date, start_of_day
from domain.policies.reviews import VersionClass, VersionState

WHILE_AWAY = "while Temporal did not answer"


@dataclass(frozen=True, kw_only=True)
class Announcer:
    """What versions go out by: the company, and what sending may take (P7)."""

    company: Company
    sending_period: timedelta

    def release(
        self, transaction: Session, version: PolicyVersion, releaser_id: UUID, now: datetime
    ) -> None:
        """Note who released a version. Raises ReviewRefused when they may not, or not yet."""
        held(transaction, Policy, version.policy_id)
        hold(transaction, version)
        if version.released_by is None and one_stands_unfinished(transaction):
            raise reviews.ReviewRefused(BEING_IMPORTED)
        refusal = promise_refusal(
            promise_of(version),
            earliest_effect_on(
                transaction,
                version,
                company=self.company,
                sending_period=self.sending_period,
                now=now,
            ),
            closing_page=self.company.closing_page,
        )
        if refusal and version.released_by is None:
            raise reviews.ReviewRefused(refusal)
        reviews.release(transaction, version, releaser_id, now, languages=self.company.languages)

    def announce(
        self,
        transaction: Session,
        version_id: UUID,
        now: datetime,
        *,
        heard_at: datetime | None,
    ) -> PolicyVersion:
        """Put the notice up and open the campaign; an editorial version has none (P3, P4).

        Its date of effect is fixed at once; that of the others follows from when the last first
        notice was accepted (P7). Until then only "not before" is known; it is what was said before
        of a version that this one corrects, and never earlier where approvals of the one that gives
        way count for it. A version that is announced already gives way (P8); `heard_at`: when its
        workflows are told of that, null where nobody tells them yet.
        """
        submitted = transaction.get_one(PolicyVersion, version_id)
        policy = held(transaction, Policy, submitted.policy_id)
        version = held(transaction, PolicyVersion, version_id)
        if version.state == VersionState.IN_REVIEW:
            self._put_up(transaction, version, now, heard_at)
        if version.version_class != VersionClass.EDITORIAL:
            campaigns.open_campaign(transaction, version, policy, now)
        transaction.flush()
        return version

    def go_out(
        self, transaction: Session, version: PolicyVersion, releaser_id: UUID, now: datetime
    ) -> None:
        """Release a version and announce it, by the database alone; its workflows, and those of the
        one that gives way, hear of it from the watchdog. Raises ReviewRefused."""
        self.release(transaction, version, releaser_id, now)
        if version.state != VersionState.IN_REVIEW:
            raise reviews.ReviewRefused(f"This version is {version.state} already.")
        self.announce(transaction, version.id, now, heard_at=None)
        transaction.add(
            ControlAct(
                policy_version_id=version.id,
                act="release",
                reason=WHILE_AWAY,
                staff_id=releaser_id,
                acted_at=now,
            )
        )

    def _put_up(
        self,
        transaction: Session,
        version: PolicyVersion,
        now: datetime,
        heard_at: datetime | None,
    ) -> None:
        zone = self.company.zone
        taken = replacing.take_place(transaction, version, now, zone, heard_at=heard_at)
        version.state = VersionState.ANNOUNCED
        version.announced_at = now
        days = [taken.said_on, version.planned_effective_on]
        if version.version_class != VersionClass.EDITORIAL and not taken.corrects:
            days.append(self._not_before(version, now))
        version.planned_effective_on = max((day for day in days if day), default=None)
        if version.version_class == VersionClass.EDITORIAL:
            version.effective_at = self._editorial_effect(version, now)
        follow_effect(transaction, version, zone, now)
        transaction.add(version)
        record(transaction, "notice.up", version.id, now, version_class=version.version_class)

    def _editorial_effect(self, version: PolicyVersion, now: datetime) -> datetime:
        if version.planned_effective_on is None:
            return now
        return max(now, start_of_day(version.planned_effective_on, self.company.zone))

    def _not_before(self, version: PolicyVersion, now: datetime) -> date:
        """The date that mails may name: the planned one, or later when review took long (P7)."""
        return not_before(
            now,
            version.notice_days,
            version.planned_effective_on,
            sending_allowance=self.sending_period,
            time_zone=self.company.time_zone,
        )


def earliest_effect_on(
    session: Session,
    version: PolicyVersion,
    *,
    company: Company,
    sending_period: timedelta,
    now: datetime,
) -> date:
    """The day that mails and pages would name if a version were announced now: never before what
    was said of a version whose approvals count for it, and that day where it only corrects it."""
    announced = [
        each
        for each in announced_versions(session, version.policy_id)
        if each.number < version.number and not (each.effective_at and each.effective_at <= now)
    ]
    said = [said_on(old, company.zone) for old in announced if is_clean(session, old, version)]
    days = [*said, version.planned_effective_on]
    only_corrects = any(corrects(session, old, version) for old in announced)
    if version.version_class != VersionClass.EDITORIAL and not only_corrects:
        days.append(
            not_before(
                now,
                version.notice_days,
                version.planned_effective_on,
                sending_allowance=sending_period,
                time_zone=company.time_zone,
            )
        )
    return max((day for day in days if day), default=local_date(now, company.zone))
