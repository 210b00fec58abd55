"""A version of a policy, from handing it in to its release (P1, P2, P4, P5)."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID

import temporal
from database.campaigns import rehearsals, reviews
from database.campaigns.announcing import Announcer
from database.campaigns.comparing import compare
from database.people.staff import require_role
from database.policies import policies, without_approval, wording
from database.tables import Policy, PolicyVersion
from database.writing import held
from domain.approvals.without_approval import JUST_STAY, Promise, moved_later, promise_refusal
from domain.policies.reviews import ReviewRequest, VersionState, decided_refusal
from domain.texts.policy_text import PolicyText
from workflows.desk.part import DeskPart, refusing, require_showable
from workflows.messenger import Refused, TemporalUnreachable
from workflows.publication import PublicationWorkflow


@dataclass(frozen=True, kw_only=True)
class NewVersion:
    """A policy version as legal hands it in. `notice_days` and `promise` None mean those of the
    announced version, whose place it takes, and where there is none the usual ones."""

    slug: str
    text: PolicyText
    summary: str
    submitted_by: UUID
    effective_on: date | None = None
    notice_days: int | None = None
    promise: Promise | None = None


class Versions(DeskPart):
    """Where legal hands versions in, reviews and releases them."""

    def submit(self, new: NewVersion) -> PolicyVersion:
        """Store a new policy version and start its publication (P1, P2).

        A draft that is before legal gives way to it, an announced version runs on (P8).

        Raises Refused; TemporalUnreachable when it is stored and only the start is missing.
        """
        now = self.clock.now()
        if not new.summary.strip():
            raise Refused("A summary in plain words is needed: it is the first thing people read.")
        require_showable(new.summary)
        with self._acting(new.submitted_by, "legal") as transaction:
            policy = policies.policy_by_slug(transaction, new.slug)
            announced = next(iter(policies.announced_versions(transaction, policy.id)), None)
            usual_days = announced.notice_days if announced else self._periods.notice_days
            notice_days = new.notice_days or usual_days
            self._check_date(new.effective_on, notice_days, now)
            effect_on = self._not_before(new.effective_on, notice_days, now)
            promise = new.promise
            if promise is None:
                told = without_approval.promise_of(announced) if announced else JUST_STAY
                promise = moved_later(told, effect_on)
            self._check_promise(promise, effect_on)
            version = policies.submit(
                transaction,
                policy,
                policies.Submission(
                    text=new.text.text,
                    sha256=new.text.sha256,
                    summary=new.summary.strip(),
                    submitted_by=new.submitted_by,
                    planned_effective_on=new.effective_on,
                    notice_days=notice_days,
                    promise=promise,
                ),
                now,
            )
            drafts = policies.replaced_by(transaction, version.id)
        for draft in drafts:
            self._messenger.wake(f"publication/{new.slug}/{draft.number}")
        self._messenger.start(temporal.publication(version.id, new.slug, version.number), now)
        return version

    def review(
        self,
        slug: str,
        number: int,
        reviewer_id: UUID,
        content: reviews.ReviewContent,
        reason: str,
    ) -> None:
        """Confirm, dismiss and add findings and give the class (P2). Raises Refused."""
        require_showable(
            *(reason, *content.confirm, *content.dismiss, *content.add),
            *(*content.consent.values(), *content.law.values(), *content.agree_to_law.values()),
        )
        request = self._propose(slug, number, reviewer_id, content, reason)
        self._messenger.have_decided(
            f"publication/{slug}/{number}", PublicationWorkflow.review, request
        )

    def entitle(self, slug: str, staff_id: UUID, titles: Mapping[str, str]) -> None:
        """Say what a policy is called in these languages. Raises Refused."""
        require_showable(*titles.values())
        now = self.clock.now()
        with self._acting(staff_id, "legal") as transaction:
            policies.entitle(
                transaction,
                policies.policy_by_slug(transaction, slug),
                titles,
                languages=self.company.languages,
                by=staff_id,
                now=now,
            )

    def word(self, slug: str, number: int, staff_id: UUID, words: Sequence[wording.Words]) -> None:
        """Write what people read of a version, in one or more languages (P4). Raises Refused."""
        for each in words:
            require_showable(each.summary or "", *each.sentences.values())
        now = self.clock.now()
        with self._acting(staff_id, "legal") as transaction:
            version = policies.version_by_slug(transaction, slug, number)
            for each in words:
                wording.write_words(
                    transaction,
                    version,
                    each,
                    languages=self.company.languages,
                    by=staff_id,
                    now=now,
                )

    def promise(self, slug: str, number: int, staff_id: UUID, promise: Promise) -> None:
        """Say what happens to whoever does not approve a version in review (P5). Raises Refused."""
        now = self.clock.now()
        with self._acting(staff_id, "legal") as transaction:
            version = policies.version_by_slug(transaction, slug, number)
            without_approval.change_promise(
                transaction,
                version,
                promise,
                effect_on=self._not_before(version.planned_effective_on, version.notice_days, now),
                closing_page=self.company.closing_page,
                by=staff_id,
                now=now,
            )

    def send_test_mails(self, slug: str, number: int, staff_id: UUID) -> tuple[UUID, ...]:
        """Send what a version's campaign would send to somebody of legal, to be read before its
        release (P4); the mails' ids. Raises Refused.
        """
        now = self.clock.now()
        with self._acting(staff_id, "legal") as transaction:
            version = policies.version_by_slug(transaction, slug, number)
            mails = rehearsals.send_to(
                transaction, version, staff_id, languages=self.company.languages, now=now
            )
        for mail_id in mails:
            self._messenger.start_or_leave(temporal.mail_delivery(mail_id), now)
        return mails

    def reject(self, slug: str, number: int, reviewer_id: UUID, reason: str) -> None:
        """Take a version back before it is released, with a reason. Raises Refused."""
        require_showable(reason)
        review = self._propose(slug, number, reviewer_id, reviews.ReviewContent(), reason)
        self._messenger.have_decided(
            f"publication/{slug}/{number}", PublicationWorkflow.reject, review.review_id
        )

    def release(self, slug: str, number: int, releaser_id: UUID) -> None:
        """Let a reviewed version go out; never its submitter alone (P2). Raises Refused.

        Where its workflow cannot be asked it is announced here, so that one that it replaces stops
        at once (P8); what follows from it the watchdog begins.
        """
        with refusing(), self.database.session() as session:
            require_role(session, releaser_id, "legal")
            version = policies.version_by_slug(session, slug, number)
            _require_undecided(version)
        try:
            self._messenger.have_decided(
                f"publication/{slug}/{number}", PublicationWorkflow.release, releaser_id
            )
        except TemporalUnreachable:
            self._go_out(version.id, releaser_id)
            self._tell(slug, number)

    def _go_out(self, version_id: UUID, releaser_id: UUID) -> None:
        compare(self.database, version_id, self.clock.now())
        announcer = Announcer(company=self.company, sending_period=self._periods.sending_period)
        with self._acting(releaser_id, "legal") as transaction:
            version = transaction.get_one(PolicyVersion, version_id)
            held(transaction, Policy, version.policy_id)  # what waited is done when it is done
            announcer.go_out(transaction, version, releaser_id, self.clock.now())

    def _propose(
        self,
        slug: str,
        number: int,
        reviewer_id: UUID,
        content: reviews.ReviewContent,
        reason: str,
    ) -> ReviewRequest:
        now = self.clock.now()
        with self._acting(reviewer_id, "legal") as transaction:
            version = policies.version_by_slug(transaction, slug, number)
            _require_undecided(version)
            return reviews.propose_review(
                transaction,
                version,
                reviewer_id=reviewer_id,
                content=content,
                reason=reason,
                now=now,
            )

    def _check_promise(self, promise: Promise, effect_on: date) -> None:
        refusal = promise_refusal(promise, effect_on, closing_page=self.company.closing_page)
        if refusal:
            raise Refused(f"{refusal} Nothing was stored.")

    def _check_date(self, effective_on: date | None, notice_days: int, now: datetime) -> None:
        """Refuse a date in the past or inside the notice period (P7)."""
        earliest = self._not_before(None, notice_days, now)
        today = now.astimezone(self.company.zone).date()
        if effective_on is None:
            return
        if effective_on < today:
            raise Refused(f"The effective date {effective_on} is in the past; nothing was stored.")
        if effective_on < earliest:
            raise Refused(
                f"The effective date {effective_on} lies inside the notice period of {notice_days} "
                f"days (P7): the earliest is {earliest}. Nothing was stored."
            )


def _require_undecided(version: PolicyVersion) -> None:
    if refusal := decided_refusal(VersionState(version.state)):
        raise Refused(refusal)
