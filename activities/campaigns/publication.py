"""The steps of a policy version's publication; each can be repeated without harm."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from sqlmodel import Session
from temporalio import activity
from temporalio.exceptions import ApplicationError

from database.campaigns import campaigns, reviews
from database.campaigns.announcing import Announcer
from database.campaigns.comparing import compare
from database.campaigns.owed import postponed_at
from database.engine import Database
from database.facts import record
from database.policies import policies
from database.tables import Policy, PolicyVersion
from database.writing import held
from domain.company import Company
from domain.policies.reviews import VersionState, VersionUnderReview

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
        self._announcer = Announcer(company=company, sending_period=sending_period)

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
        bases = compare(self._database, what.version_id, what.now)
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
        compare(self._database, what.version_id, what.now)
        return self._decided(what, self._announcer.release)

    @activity.defn
    def record_rejection(self, what: VersionInput) -> PublicationCase:
        """Note that the version was taken back. A refusal is final and comes back in words."""
        return self._decided(what, reviews.reject)

    @activity.defn
    def announce(self, what: VersionInput) -> PublicationCase:
        """Put the notice up and open the campaign; an editorial version has none (P3, P4).

        The workflow tells those of a version whose place it takes, at once.
        """
        with self._database.transaction() as transaction:
            version = self._announcer.announce(
                transaction, what.version_id, what.now, heard_at=what.now
            )
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
