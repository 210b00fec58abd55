"""The steps of a policy version's publication; each can be repeated without harm."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from uuid import UUID

from sqlmodel import Session
from temporalio import activity
from temporalio.exceptions import ApplicationError

from database.approvals.approvals import PolicyHistory
from database.approvals.standings import texts_in_use
from database.campaigns import campaigns, replacing, reviews
from database.campaigns.owed import postponed_at
from database.engine import Database
from database.facts import record
from database.imports.unfinished_imports import BEING_IMPORTED, one_stands_unfinished
from database.policies import assessments, policies
from database.policies.findings_by_legal import carried_over
from database.policies.without_approval import follow_effect, promise_of
from database.tables import Policy, PolicyVersion
from database.writing import held, hold
from domain.approvals.without_approval import promise_refusal
from domain.campaigns.timetable import not_before
from domain.company import Company
from domain.materiality import assess
from domain.places import start_of_day
from domain.policies.reviews import VersionClass, VersionState, VersionUnderReview

Decide = Callable[[Session, PolicyVersion, UUID, datetime], None]


@dataclass(frozen=True, kw_only=True)
class VersionInput:
    """A version, the instant at which the workflow acts, and whose act it is, if anybody's."""

    version_id: UUID
    now: datetime
    act_id: UUID | None = None


@dataclass(frozen=True, kw_only=True)
class PublicationCase:
    """What the publication workflow knows: ids, numbers and states.

    `reviews` counts those that took effect: it only grows, and so tells old answers from new ones.
    `since`: when its state began, where the database knows.
    """

    slug: str
    number: int
    review: VersionUnderReview
    effective_at: datetime | None
    campaign_id: UUID | None
    replaces: tuple[int, ...] = ()
    """The announced versions whose place it took, by number."""
    reviews: int = 0
    since: datetime | None = None

    @property
    def state(self) -> VersionState:
        """Where the version stands."""
        return self.review.state


class PublicationActivities:
    """Loads, assesses, reviews, announces and puts in force; built once, in worker.py."""

    def __init__(self, *, database: Database, company: Company, sending_period: timedelta) -> None:
        self._database = database
        self._company = company
        self._sending_period = sending_period

    @activity.defn
    def load_publication(self, version: VersionInput) -> PublicationCase:
        """How the version stands in the database."""
        with self._database.session() as session:
            return _case(session, session.get_one(PolicyVersion, version.version_id))

    @activity.defn
    def assess_version(self, what: VersionInput) -> PublicationCase:
        """Compare a new version with every text that governs a live account, or is announced, and
        put it in review; one that was compared is only loaded.

        The first version of a policy has nothing to be compared with.
        """
        case = self.load_publication(what)
        if case.state is not VersionState.SUBMITTED:
            return case
        bases = self._assess(what)
        with self._database.transaction() as transaction:
            version = held(transaction, PolicyVersion, what.version_id)
            if version.state == VersionState.SUBMITTED:
                version.state = VersionState.IN_REVIEW
                transaction.add(version)
                record(
                    transaction,
                    "policy_version.in_review",
                    version.id,
                    what.now,
                    compared_with=[base.number for base in bases],
                )
            return _case(transaction, version)

    @activity.defn
    def record_review(self, what: VersionInput) -> PublicationCase:
        """Let a review take effect. A refusal is final and comes back in words."""
        return self._decided(what, reviews.apply_review)

    @activity.defn
    def record_release(self, what: VersionInput) -> PublicationCase:
        """Note who released the version. A refusal is final and comes back in words.

        Accounts may have joined on another version since it was assessed: that pair comes first.
        """
        self._assess(what)
        return self._decided(what, self._release)

    @activity.defn
    def record_rejection(self, what: VersionInput) -> PublicationCase:
        """Note that the version was taken back. A refusal is final and comes back in words."""
        return self._decided(what, reviews.reject)

    @activity.defn
    def announce(self, what: VersionInput) -> PublicationCase:
        """Put the notice up and open the campaign; an editorial version has none (P3, P4).

        Its date of effect is fixed at once; that of the others follows from when the last first
        notice was accepted (P7). Until then only "not before" is known; it is what was said before
        of a version that this one corrects, and never earlier where approvals of the one that gives
        way count for it. A version that is announced already gives way (P8).
        """
        with self._database.transaction() as transaction:
            submitted = transaction.get_one(PolicyVersion, what.version_id)
            policy = held(transaction, Policy, submitted.policy_id)
            version = held(transaction, PolicyVersion, what.version_id)
            if version.state == VersionState.IN_REVIEW:
                zone = self._company.zone
                taken = replacing.take_place(transaction, version, what.now, zone)
                version.state = VersionState.ANNOUNCED
                version.announced_at = what.now
                days = [taken.said_on, version.planned_effective_on]
                if version.version_class != VersionClass.EDITORIAL and not taken.corrects:
                    days.append(self._not_before(version, what.now))
                version.planned_effective_on = max((day for day in days if day), default=None)
                if version.version_class == VersionClass.EDITORIAL:
                    version.effective_at = self._editorial_effect(version, what.now)
                follow_effect(transaction, version, zone, what.now)
                transaction.add(version)
                record(
                    transaction,
                    "notice.up",
                    version.id,
                    what.now,
                    version_class=version.version_class,
                )
            if version.version_class != VersionClass.EDITORIAL:
                campaigns.open_campaign(transaction, version, policy, what.now)
            transaction.flush()
            return _case(transaction, version)

    @activity.defn
    def put_in_force(self, what: VersionInput) -> PublicationCase:
        """Make the version the one in force, and take the notice down (P3).

        Nothing happens without a date of effect, which may have moved later meanwhile (P7).
        """
        with self._database.transaction() as transaction:
            submitted = transaction.get_one(PolicyVersion, what.version_id)
            held(transaction, Policy, submitted.policy_id)
            version = held(transaction, PolicyVersion, what.version_id)
            announced = version.state == VersionState.ANNOUNCED
            if announced and policies.put_in_force(transaction, version, what.now):
                record(transaction, "notice.down", version.id, what.now)
            return _case(transaction, version)

    def _release(
        self, transaction: Session, version: PolicyVersion, releaser_id: UUID, now: datetime
    ) -> None:
        held(transaction, Policy, version.policy_id)
        hold(transaction, version)
        if version.released_by is None and one_stands_unfinished(transaction):
            raise reviews.ReviewRefused(BEING_IMPORTED)
        refusal = promise_refusal(
            promise_of(version),
            self._not_before(version, now),
            closing_page=self._company.closing_page,
        )
        if refusal and version.released_by is None:
            raise reviews.ReviewRefused(refusal)
        reviews.release(transaction, version, releaser_id, now, languages=self._company.languages)

    def _assess(self, what: VersionInput) -> list[PolicyVersion]:
        """Assess each pair that is not assessed yet; the texts the version was compared with."""
        with self._database.session() as session:
            version = session.get_one(PolicyVersion, what.version_id)
            bases = self._bases(session, version, what.now)
            missing = [
                base
                for base in bases
                if not assessments.assessment_of(session, base.id, version.id)
            ]
        for base in missing:
            assessment = assess(base.text, version.text)
            with self._database.session() as session:
                carried_over(session, base, version)  # compares texts: not while we hold rows
            with self._database.transaction() as transaction:
                assessments.store_assessment(transaction, base, version, assessment, what.now)
        return bases

    def _decided(self, what: VersionInput, decide: Decide) -> PublicationCase:
        if what.act_id is None:
            raise ValueError("this act belongs to nobody")
        with self._database.transaction() as transaction:
            version = transaction.get_one(PolicyVersion, what.version_id)
            try:
                decide(transaction, version, what.act_id, what.now)
            except reviews.ReviewRefused as refusal:
                raise ApplicationError(str(refusal), type="Refused", non_retryable=True) from None
            return _case(transaction, version)

    def _bases(
        self, session: Session, version: PolicyVersion, now: datetime
    ) -> list[PolicyVersion]:
        policy = session.get_one(Policy, version.policy_id)
        history = PolicyHistory(session, policy)
        previous = policies.previous_version(session, version)
        first = [previous.number] if previous else []
        numbers = texts_in_use(session, history, now)
        for announced in policies.announced_versions(session, version.policy_id):
            corrected = policies.corrected_by(session, announced.id)
            numbers |= {each.number for each in (announced, *corrected)}
        # The version to be superseded comes first, so that its findings are F1 and on.
        others = sorted(numbers - {version.number, *first}, reverse=True)
        return [history.versions[number] for number in (*first, *others)]

    def _editorial_effect(self, version: PolicyVersion, now: datetime) -> datetime:
        if version.planned_effective_on is None:
            return now
        return max(now, start_of_day(version.planned_effective_on, self._company.zone))

    def _not_before(self, version: PolicyVersion, now: datetime) -> date:
        """The date that mails may name: the planned one, or later when review took long (P7)."""
        return not_before(
            now,
            version.notice_days,
            version.planned_effective_on,
            sending_allowance=self._sending_period,
            time_zone=self._company.time_zone,
        )


def _case(session: Session, version: PolicyVersion) -> PublicationCase:
    policy = session.get_one(Policy, version.policy_id)
    campaign = campaigns.campaign_of(session, version.id)
    return PublicationCase(
        slug=policy.slug,
        number=version.number,
        review=reviews.under_review(session, version),
        effective_at=version.effective_at,
        campaign_id=campaign.id if campaign else None,
        replaces=tuple(
            old.number for old in policies.replaced_by(session, version.id) if old.announced_at
        ),
        reviews=reviews.count_recorded(session, version.id),
        since=_since(session, version),
    )


def _since(session: Session, version: PolicyVersion) -> datetime | None:
    match version.state:
        case VersionState.SUBMITTED:
            return version.submitted_at
        case VersionState.IN_REVIEW:
            return reviews.in_review_since(session, version.id)
        case VersionState.ANNOUNCED:
            return version.announced_at
        case VersionState.POSTPONED:
            return postponed_at(session, version.id)
        case VersionState.IN_FORCE:
            return version.in_force_at
        case _:
            return None
