"""A scene without services: a policy in the database, its campaign, a request, mails to send."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from uuid import UUID, uuid4

from sqlmodel import Session, col, select

from database.campaigns import campaigns, reviews
from database.campaigns.shards import queue_step
from database.engine import Database
from database.mail import outbox
from database.mail.steps import FIRST_NOTICE
from database.people import accounts
from database.policies import assessments, policies
from database.requests import requests
from database.tables import (
    Account,
    Approval,
    Campaign,
    DataSubjectRequest,
    OutboxMail,
    PolicyVersion,
)
from domain.approvals.approvals import Decision, Governing
from domain.materiality import assess
from domain.policies.reviews import FindingStatus, VersionClass, VersionState
from domain.requests.data_subject_requests import Intake
from domain.requests.deadlines import deadline, earliest
from domain.texts.policy_text import read_policy_text
from tests import deciding
from tests.databases import filled_database
from tests.people import POLICY, import_accounts, move_in
from tests.texts import FIRST, SECOND

FIRST_DAY = datetime(2026, 1, 5, 9, tzinfo=UTC)
NOW = datetime(2026, 3, 2, 9, tzinfo=UTC)
EFFECT = datetime(2026, 4, 2, tzinfo=UTC)
ONE_HOUR = timedelta(hours=1)
LANGUAGES = ("en", "de")


@dataclass(frozen=True, kw_only=True)
class Scene:
    """A database with staff and a policy, and what tests do to it again and again."""

    database: Database
    staff: Mapping[str, UUID]

    def submit(self, text: str, *, by: str = "lena", now: datetime = NOW) -> PolicyVersion:
        """Hand a version in."""
        read = read_policy_text(text.encode())
        with self.database.transaction() as transaction:
            return policies.submit(
                transaction,
                policies.policy_by_slug(transaction, POLICY),
                policies.Submission(
                    text=read.text,
                    sha256=read.sha256,
                    summary="Recordings are kept longer.",
                    submitted_by=self.staff[by],
                    planned_effective_on=None,
                    notice_days=30,
                ),
                now,
            )

    def put_in_force(self, version: PolicyVersion, at: datetime) -> None:
        """Make a version the one in force, whatever stood before."""
        with self.database.transaction() as transaction:
            row = transaction.get_one(PolicyVersion, version.id)
            row.effective_at = row.effective_at or at
            policies.put_in_force(transaction, row, at)

    def assess(self, *bases: PolicyVersion, version: PolicyVersion) -> None:
        """Compare a version with older ones and put it in review."""
        with self.database.transaction() as transaction:
            row = transaction.get_one(PolicyVersion, version.id)
            for base in bases:
                value = assess(base.text, row.text)
                assessments.store_assessment(transaction, base, row, value, NOW)
            row.state = VersionState.IN_REVIEW

    def review(
        self,
        version: PolicyVersion,
        content: reviews.ReviewContent,
        *,
        by: str = "noor",
        reason: str = "read it twice",
    ) -> None:
        """Let a review take effect. Raises ReviewRefused."""
        with self.database.transaction() as transaction:
            row = transaction.get_one(PolicyVersion, version.id)
            request = reviews.propose_review(
                transaction,
                row,
                reviewer_id=self.staff[by],
                content=content,
                reason=reason,
                now=NOW,
            )
            transaction.flush()
            reviews.apply_review(transaction, row, request.review_id, NOW)

    def confirm_all(self, version: PolicyVersion, version_class: VersionClass) -> None:
        """Noor confirms every open finding and gives the class."""
        with self.database.session() as session:
            keys = tuple(
                finding.key
                for finding in assessments.findings_of(session, version.id)
                if finding.status == FindingStatus.OPEN
            )
        self.review(version, reviews.ReviewContent(confirm=keys, version_class=version_class))

    def announce(self, version: PolicyVersion, on: date | None = None) -> UUID:
        """Announce a version and open its campaign; the campaign's id."""
        with self.database.transaction() as transaction:
            row = transaction.get_one(PolicyVersion, version.id)
            policy = policies.policy_by_slug(transaction, POLICY)
            row.state = VersionState.ANNOUNCED
            row.announced_at = NOW
            row.planned_effective_on = on or EFFECT.date()
            return campaigns.open_campaign(transaction, row, policy, NOW).id

    def campaign(self) -> UUID:
        """Version 1 in force, version 2 announced with its adverse changes; its campaign."""
        first = self.submit(FIRST, now=FIRST_DAY)
        self.put_in_force(first, FIRST_DAY)
        second = self.submit(SECOND)
        self.assess(first, version=second)
        self.confirm_all(second, VersionClass.APPROVAL)
        return self.announce(second)

    def import_accounts(self, *rows: accounts.AccountRow, now: datetime = FIRST_DAY) -> None:
        """Make these people account holders."""
        import_accounts(self.database, list(rows), by=self.staff["omar"], now=now)

    def decide(
        self, who: accounts.AccountRow, decision: Decision, *, number: int = 2, at: datetime = NOW
    ) -> Approval:
        """Somebody decides about a version."""
        return deciding.decide(self.database, who, decision, number, at)

    def governs(self, who: accounts.AccountRow, at: datetime) -> Governing:
        """What governs somebody at an instant, and why."""
        return deciding.governing(self.database, who, at)

    def queue_step(self, campaign_id: UUID, step: str = FIRST_NOTICE) -> tuple[UUID, ...]:
        """Queue what the first shard of a campaign is owed for a step."""
        with self.database.transaction() as transaction:
            campaign = transaction.get_one(Campaign, campaign_id)
            known = set(transaction.exec(select(OutboxMail.id)).all())
            queue_step(transaction, campaign, step, 0, languages=LANGUAGES, now=NOW)
            return tuple(set(transaction.exec(select(OutboxMail.id)).all()) - known)

    def take_mails(self) -> None:
        """The mail service takes every mail that waits or is under way."""
        with self.database.transaction() as transaction:
            waiting = col(OutboxMail.state).in_(["queued", "sending"])
            for mail in transaction.exec(select(OutboxMail).where(waiting)).all():
                mail.state = "accepted"

    def request(
        self,
        address: str,
        *,
        name: str = "Dora Dahl",
        language: str = "",
        kinds: tuple[str, ...] = ("access",),
        country: str = "DE",
        about: str = "",
        now: datetime = NOW,
    ) -> DataSubjectRequest:
        """A request for access, or other rights, from this address, received now; `about` another
        one's account."""
        intake = Intake(
            name=name,
            contact_address=address,
            account_address=about,
            kinds=kinds,
            country=country,
            language=language,
        )
        return self.taken_in(intake, now)

    def taken_in(self, intake: Intake, now: datetime = NOW) -> DataSubjectRequest:
        """A request that came through the website."""
        due = earliest(
            deadline(
                received_at=now,
                time_zone=None,
                country=intake.country,
                company_time_zone="Europe/Berlin",
                right=right,
                default_regime="gdpr",
            )
            for right in intake.rights
        )
        received = requests.Received(
            channel="web", deadline=due, policy_version_id=None, languages=LANGUAGES
        )
        with self.database.transaction() as transaction:
            return requests.receive(transaction, intake, received, now)

    def mail(self, mail_id: UUID) -> OutboxMail:
        """A mail as it stands."""
        with self.database.session() as session:
            return session.get_one(OutboxMail, mail_id)

    def version(self, number: int) -> PolicyVersion:
        """A version as it stands."""
        with self.database.session() as session:
            return policies.version_by_slug(session, POLICY, number)

    def account(self, external_id: str) -> Account:
        """An account as it stands."""
        with self.database.session() as session:
            return accounts.account_by_external_id(session, external_id)


@contextmanager
def a_scene(kind: str, directory: Path) -> Iterator[Scene]:
    """Staff, and a policy without versions, in a database of that kind."""
    with filled_database(kind, directory, move_in) as (database, staff):
        yield Scene(database=database, staff=staff)


def loose_mails(
    count: int, *, subject_id: UUID | None = None, step: str = "test"
) -> list[outbox.Queued]:
    """Mails of one subject that share a template and need no campaign."""
    subject = subject_id or uuid4()
    return [
        outbox.Queued(
            subject_kind=outbox.REQUEST,
            subject_id=subject,
            addressee_kind=outbox.STAFF,
            addressee_id=uuid4(),
            step=step,
            template="request_rung",
            variant=subject,
        )
        for _ in range(count)
    ]


def mails_of(database: Database, attempt_id: UUID) -> list[OutboxMail]:
    """The mails of a claim."""
    with database.session() as session:
        of_attempt = select(OutboxMail).where(OutboxMail.attempt_id == attempt_id)
        return list(session.exec(of_attempt).all())


def mails(session: Session) -> list[OutboxMail]:
    """Every mail, in the order of queueing."""
    return list(session.exec(select(OutboxMail)).all())
