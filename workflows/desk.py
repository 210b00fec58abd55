"""What people ask of us, wherever they ask: the website and the command line both come here.

Each act is written to the database first, and the workflow concerned is started or told
afterwards. When Temporal does not answer, nothing is lost: the watchdog starts what is missing.
"""

from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import partial
from uuid import UUID

import temporal
from activities.requests import Confirmation
from clock import Clock
from database import (
    controls,
    corrections,
    not_reached,
    outbox,
    policies,
    reclassifying,
    rehearsals,
    request_answers,
    requests,
    reviews,
    suppressions,
    without_approval,
    wording,
)
from database.accounts import AccountUnknown, account_by_external_id
from database.campaigns import campaign_by_number
from database.engine import Database
from database.facts import record
from database.staff import StaffRefused, by_handle, require_role
from database.tables import DataSubjectRequest, PolicyVersion, RequestDecision
from domain.company import Company
from domain.data_subject_requests import Intake, has_control_characters
from domain.deadlines import deadline
from domain.policy_text import PolicyText
from domain.reviews import ReviewRequest
from domain.suppressions import address_key
from domain.timetable import NoticeTooShort, not_before
from domain.without_approval import JUST_STAY, Promise, promise_refusal
from workflows.data_subject_request import DataSubjectRequestWorkflow
from workflows.messenger import Messenger, Refused
from workflows.publication import PublicationWorkflow

REFUSALS = (
    policies.PolicyUnknown,
    policies.SubmissionRefused,
    reviews.ReviewRefused,
    requests.RequestUnknown,
    request_answers.DecisionRefused,
    StaffRefused,
    NoticeTooShort,
    controls.ControlRefused,
    AccountUnknown,
    wording.WordingRefused,
    rehearsals.RehearsalRefused,
    without_approval.PromiseRefused,
)


@dataclass(frozen=True, kw_only=True)
class NewVersion:
    """A policy version as legal hands it in; `notice_days` None means the usual ones."""

    slug: str
    text: PolicyText
    summary: str
    submitted_by: UUID
    effective_on: date | None = None
    notice_days: int | None = None
    promise: Promise = JUST_STAY


@dataclass(frozen=True, kw_only=True)
class NoticePeriods:
    """The usual days of notice, and what sending may take (P7)."""

    notice_days: int
    sending_period: timedelta


class Desk:
    """Takes in what staff and people ask for. Every method may be called from any thread."""

    def __init__(
        self,
        *,
        database: Database,
        clock: Clock,
        company: Company,
        periods: NoticePeriods,
        messenger: Messenger,
    ) -> None:
        self.database = database
        self.clock = clock
        self.company = company
        self._periods = periods
        self._messenger = messenger

    def submit(self, new: NewVersion) -> PolicyVersion:
        """Store a new policy version and start its publication (P1, P2).

        A draft that is before legal gives way to it, an announced version runs on (P8).

        Raises Refused; TemporalUnreachable when it is stored and only the start is missing.
        """
        now = self.clock.now()
        notice_days = new.notice_days or self._periods.notice_days
        if not new.summary.strip():
            raise Refused("A summary in plain words is needed: it is the first thing people read.")
        _require_showable(new.summary)
        with _refusing(), self.database.transaction() as transaction:
            require_role(transaction, new.submitted_by, "legal")
            self._check_date(new.effective_on, notice_days, now)
            self._check_promise(new.promise, self._not_before(new.effective_on, notice_days, now))
            version = policies.submit(
                transaction,
                policies.policy_by_slug(transaction, new.slug),
                policies.Submission(
                    text=new.text.text,
                    sha256=new.text.sha256,
                    summary=new.summary.strip(),
                    submitted_by=new.submitted_by,
                    planned_effective_on=new.effective_on,
                    notice_days=notice_days,
                    promise=new.promise,
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
        _require_showable(
            reason, *content.confirm, *content.dismiss, *content.add, *content.consent.values()
        )
        request = self._propose(slug, number, reviewer_id, content, reason)
        self._messenger.have_decided(
            f"publication/{slug}/{number}", PublicationWorkflow.review, request
        )

    def word(self, slug: str, number: int, staff_id: UUID, words: Sequence[wording.Words]) -> None:
        """Write what people read of a version, in one or more languages (P4). Raises Refused."""
        for each in words:
            _require_showable(each.summary or "", *each.sentences.values())
        now = self.clock.now()
        with _refusing(), self.database.transaction() as transaction:
            require_role(transaction, staff_id, "legal")
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
        with _refusing(), self.database.transaction() as transaction:
            require_role(transaction, staff_id, "legal")
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
        with _refusing(), self.database.transaction() as transaction:
            require_role(transaction, staff_id, "legal")
            version = policies.version_by_slug(transaction, slug, number)
            mails = rehearsals.send_to(
                transaction, version, staff_id, languages=self.company.languages, now=now
            )
        for mail_id in mails:
            self._messenger.start_or_leave(temporal.mail_delivery(mail_id), now)
        return mails

    def reject(self, slug: str, number: int, reviewer_id: UUID, reason: str) -> None:
        """Take a version back before it is released, with a reason. Raises Refused."""
        _require_showable(reason)
        review = self._propose(slug, number, reviewer_id, reviews.ReviewContent(), reason)
        self._messenger.have_decided(
            f"publication/{slug}/{number}", PublicationWorkflow.reject, review.review_id
        )

    def release(self, slug: str, number: int, releaser_id: UUID) -> None:
        """Let a reviewed version go out; never its submitter alone (P2). Raises Refused."""
        with _refusing(), self.database.session() as session:
            require_role(session, releaser_id, "legal")
            policies.version_by_slug(session, slug, number)
        self._messenger.have_decided(
            f"publication/{slug}/{number}", PublicationWorkflow.release, releaser_id
        )

    def pause(self, slug: str, number: int, staff_id: UUID, reason: str) -> None:
        """Stop a campaign's mails; ops may do that alone (P8). Raises Refused."""
        self._control(controls.pause, slug, number, staff_id, reason, "legal", "ops")

    def resume(self, slug: str, number: int, staff_id: UUID, reason: str) -> None:
        """Let a campaign go on, which takes its owner (P8). Raises Refused."""
        self._control(controls.resume, slug, number, staff_id, reason, "legal", "ops")

    def set_rate(
        self, slug: str, number: int, staff_id: UUID, reason: str, per_minute: int
    ) -> None:
        """Let no more copies of a campaign go out in a minute, 0 for no limit of its own (P8).

        Slower may ops alone; faster takes its owner. Raises Refused.
        """
        rate = partial(controls.set_rate, per_minute=per_minute)
        self._control(rate, slug, number, staff_id, reason, "legal", "ops")

    def withdraw(self, slug: str, number: int, staff_id: UUID, reason: str) -> None:
        """Take back an announced version; whoever was mailed is told (P8). Raises Refused."""
        self._control(controls.withdraw, slug, number, staff_id, reason, "legal")

    def postpone(
        self, slug: str, number: int, staff_id: UUID, reason: str, until_on: date | None
    ) -> None:
        """Let an announced version take effect later, or on a day that is open; whoever was mailed
        is told (P7, P8). Raises Refused.
        """
        later = partial(
            controls.postpone,
            until_on=until_on,
            zone=self.company.zone,
            sending_period=self._periods.sending_period,
        )
        self._control(later, slug, number, staff_id, reason, "legal")

    def correct(
        self, slug: str, number: int, staff_id: UUID, reason: str, right: corrections.Right
    ) -> None:
        """Propose how mails that went out wrong are put right, and stop the campaign (P8).

        Raises Refused.
        """
        for words in right.words:
            _require_showable(words.mail, words.summary or "", *words.sentences.values())
        propose = partial(corrections.propose, right=right, languages=self.company.languages)
        self._control(propose, slug, number, staff_id, reason, "legal")

    def confirm_correction(self, slug: str, number: int, staff_id: UUID) -> None:
        """A second person lets a correction go out; the campaign runs on (P8). Raises Refused."""
        now = self.clock.now()
        with _refusing(), self.database.transaction() as transaction:
            version = policies.version_by_slug(transaction, slug, number)
            campaign = corrections.confirm(
                transaction, version, staff_id, now, languages=self.company.languages
            )
        self._messenger.start_or_leave(temporal.campaign(campaign.id, slug, number), now)
        self._messenger.wake(f"campaign/{slug}/{number}")

    def take_back_correction(self, slug: str, number: int, staff_id: UUID, reason: str) -> None:
        """What was said to be wrong is right after all: the campaign goes on (P8). Raises
        Refused."""
        self._control(corrections.take_back, slug, number, staff_id, reason, "legal")

    def reclassify(
        self,
        slug: str,
        number: int,
        staff_id: UUID,
        reason: str,
        mistake: reclassifying.Mistake,
    ) -> None:
        """Propose that a version in force should have asked for approval (P2). Raises Refused."""
        _require_showable(*mistake.confirm, *mistake.add)
        for words in mistake.words:
            _require_showable(words.summary or "", *words.sentences.values())
        propose = partial(reclassifying.propose, mistake=mistake, languages=self.company.languages)
        self._control(propose, slug, number, staff_id, reason, "legal")

    def agree_to_reclassification(self, slug: str, number: int, staff_id: UUID) -> None:
        """A second person agrees: it takes approval from now on, and people are asked (P2).

        Raises Refused.
        """
        now = self.clock.now()
        with _refusing(), self.database.transaction() as transaction:
            version = policies.version_by_slug(transaction, slug, number)
            campaign = reclassifying.confirm(
                transaction,
                version,
                staff_id,
                now,
                asks_until_on=self._not_before(None, version.notice_days, now),
                languages=self.company.languages,
            )
        self._messenger.wake(f"campaign/{slug}/{number}")
        self._messenger.start_or_leave(temporal.campaign(campaign.id, slug, number), now)

    def assign_not_reached(
        self,
        slug: str,
        number: int,
        staff_id: UUID,
        handle: str,
        *,
        state: str | None = None,
        accounts: Collection[str] = (),
    ) -> int:
        """Say who is to reach those the first notice did not (P4); how many. Raises Refused."""
        now, assigned = self.clock.now(), 0
        while True:
            with _refusing(), self.database.transaction() as transaction:
                require_role(transaction, staff_id, "legal")
                owner = by_handle(transaction, handle)
                more = not_reached.assign(
                    transaction,
                    campaign_by_number(transaction, slug, number),
                    owner=require_role(transaction, owner.id, *not_reached.WHO_REACHES),
                    state=state,
                    accounts=accounts,
                    by=staff_id,
                    now=now,
                )
            assigned += more
            if not more:
                return assigned

    def mark_reached(
        self, slug: str, number: int, staff_id: UUID, account: str, *, how: str, reason: str
    ) -> None:
        """Note that somebody was told by post, by phone or in person (P4). Raises Refused."""
        _require_showable(reason)
        with _refusing(), self.database.transaction() as transaction:
            require_role(transaction, staff_id, *not_reached.WHO_REACHES)
            not_reached.mark_reached(
                transaction,
                campaign_by_number(transaction, slug, number),
                account_by_external_id(transaction, account),
                how=how,
                reason=reason,
                by=staff_id,
                now=self.clock.now(),
            )

    def stop_mail(self, staff_id: UUID, reason: str) -> None:
        """No mail goes out any more, to anybody (P8). Raises Refused."""
        self._switch_mail(controls.stop_mail, staff_id, reason)

    def start_mail(self, staff_id: UUID, reason: str) -> None:
        """Let mail go on, which takes an owner of a policy (P8). Raises Refused."""
        self._switch_mail(controls.start_mail, staff_id, reason)

    def receive(
        self, intake: Intake, *, channel: str, received_at: datetime | None = None
    ) -> DataSubjectRequest:
        """Take in a data-subject request; its clock runs from receipt (P21, P26).

        `intake` has no `problems`. A request is never refused because Temporal is down: the
        watchdog starts its thirty days.
        """
        now = self.clock.now()
        due = deadline(
            received_at=received_at or now,
            time_zone=intake.time_zone,
            country=intake.country,
            company_time_zone=self.company.time_zone,
            right=intake.kinds[0],
            default_regime=self.company.default_regime,
        )
        with self.database.transaction() as transaction:
            policy = next(iter(policies.policies(transaction)), None)
            pinned = policies.version_in_force(transaction, policy.id, now) if policy else None
            request = requests.receive(
                transaction,
                intake,
                requests.Received(
                    channel=channel,
                    deadline=due,
                    policy_version_id=pinned.id if pinned else None,
                    languages=self.company.languages,
                ),
                now,
            )
        self._messenger.start_or_leave(temporal.data_subject_request(request.id, request.kind), now)
        return request

    def verify(self, request_id: UUID, how: str) -> None:
        """The person behind a request proved control of the address on file (P19)."""
        with self.database.transaction() as transaction:
            request = transaction.get_one(DataSubjectRequest, request_id)
            requests.verify_identity(transaction, request, how=how, now=self.clock.now())
        self._messenger.wake(f"data-subject-request/{request_id}")

    def assign(self, reference: str, staff_id: UUID) -> None:
        """Give a request to a member of the privacy team. Raises Refused."""
        with _refusing(), self.database.transaction() as transaction:
            require_role(transaction, staff_id, "privacy")
            request = requests.request_by_reference(transaction, reference)
            requests.assign(transaction, request, staff_id, self.clock.now())
        self._messenger.wake(f"data-subject-request/{request.id}")

    def decide(
        self, reference: str, staff_id: UUID, answer: request_answers.Answer
    ) -> RequestDecision:
        """Answer a request, or put a refusal before a second person (P20, P22). Raises Refused."""
        _require_showable(answer.explanation, answer.evidence or "")
        with _refusing(), self.database.transaction() as transaction:
            require_role(transaction, staff_id, "privacy")
            request = requests.request_by_reference(transaction, reference)
            decision = request_answers.propose_decision(
                transaction, request, answer, decided_by=staff_id, now=self.clock.now()
            )
        self._messenger.have_decided(
            f"data-subject-request/{request.id}", DataSubjectRequestWorkflow.decide, decision.id
        )
        return decision

    def confirm(self, reference: str, decision_id: UUID, staff_id: UUID) -> None:
        """A second person lets the answer that they read go out (P20). Raises Refused."""
        with _refusing(), self.database.session() as session:
            require_role(session, staff_id, "privacy")
            request = requests.request_by_reference(session, reference)
        confirmation = Confirmation(decision_id=decision_id, staff_id=staff_id)
        self._messenger.have_decided(
            f"data-subject-request/{request.id}", DataSubjectRequestWorkflow.confirm, confirmation
        )

    def send(self, mail: outbox.Queued) -> None:
        """Send one mail that somebody asked for on a page."""
        now = self.clock.now()
        with self.database.transaction() as transaction:
            queued = outbox.queue(transaction, [mail], now)
        for mail_id in queued:
            self._messenger.start_or_leave(temporal.mail_delivery(mail_id), now)

    def resend(self, mail_id: UUID, staff_id: UUID) -> None:
        """Ops send a mail of unknown outcome again; who decided that is recorded (P4).

        Raises Refused; TemporalUnreachable when it is decided and only the start is missing.
        """
        now = self.clock.now()
        with _refusing(), self.database.transaction() as transaction:
            require_role(transaction, staff_id, "ops")
            if not outbox.resend(transaction, mail_id):
                raise Refused(
                    f"The mail {mail_id} does not wait for a decision, or its campaign does not "
                    "run; nothing was sent."
                )
            record(transaction, "mail.resent_by_ops", mail_id, now, staff=staff_id)
        self._messenger.start(temporal.mail_delivery(mail_id), now)

    def allow_mail(self, address: str, key: bytes, staff_id: UUID, reason: str) -> int:
        """Ops let mail go to an address again where it came back, or was reported as spam (P4).

        `key` is the one that addresses are hashed with. Returns how many mails that were held back
        because of it go out now. Raises Refused.
        """
        _require_showable(reason)
        now = self.clock.now()
        with _refusing(), self.database.transaction() as transaction:
            act = controls.acting(transaction, staff_id, "ops", reason=reason, now=now)
            allowed = suppressions.allow(
                transaction,
                address,
                address_key(address, key),
                staff_id=act.staff.id,
                reason=act.reason,
                now=now,
            )
            if not allowed.lifted:
                raise Refused("Mail to this address is not stopped; nothing was changed.")
        for mail_id in allowed.mails:
            self._messenger.start_or_leave(temporal.mail_delivery(mail_id), now)
        return len(allowed.mails)

    def advance(self, period: timedelta) -> int:
        """Move the development clock and every running workflow forward, a day at a time.

        Returns how many workflows were moved. Raises as `pass_time` does.
        """
        return self._messenger.advance(period)

    def _propose(
        self,
        slug: str,
        number: int,
        reviewer_id: UUID,
        content: reviews.ReviewContent,
        reason: str,
    ) -> ReviewRequest:
        now = self.clock.now()
        with _refusing(), self.database.transaction() as transaction:
            require_role(transaction, reviewer_id, "legal")
            version = policies.version_by_slug(transaction, slug, number)
            return reviews.propose_review(
                transaction,
                version,
                reviewer_id=reviewer_id,
                content=content,
                reason=reason,
                now=now,
            )

    def _control(
        self,
        control: controls.Control,
        slug: str,
        number: int,
        staff_id: UUID,
        reason: str,
        *roles: str,
    ) -> None:
        """It works with the row that is written here; the workflows are only told."""
        _require_showable(reason)
        with _refusing(), self.database.transaction() as transaction:
            act = controls.acting(
                transaction, staff_id, *roles, reason=reason, now=self.clock.now()
            )
            policy = policies.policy_by_slug(transaction, slug)
            control(transaction, policies.version_by_number(transaction, policy.id, number), act)
        for workflow_id in (f"campaign/{slug}/{number}", f"publication/{slug}/{number}"):
            self._messenger.wake(workflow_id)

    def _switch_mail(self, switch: controls.Switch, staff_id: UUID, reason: str) -> None:
        _require_showable(reason)
        with _refusing(), self.database.transaction() as transaction:
            now = self.clock.now()
            switch(
                transaction,
                controls.acting(transaction, staff_id, "ops", "legal", reason=reason, now=now),
            )

    def _not_before(self, planned_on: date | None, notice_days: int, now: datetime) -> date:
        """The day that mails would name if the version were released now (P7)."""
        return not_before(
            now,
            notice_days,
            planned_on,
            sending_allowance=self._periods.sending_period,
            time_zone=self.company.time_zone,
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


def _require_showable(*texts: str) -> None:
    if any(has_control_characters(text, besides="\r\n\t") for text in texts):
        raise Refused(
            "The text contains a control character, which cannot be shown. Nothing was stored. "
            "Remove it, or type the text again."
        )


@contextmanager
def _refusing() -> Iterator[None]:
    try:
        yield
    except REFUSALS as refusal:
        raise Refused(str(refusal)) from None
