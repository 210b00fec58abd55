"""Sends what is in the outbox: claim, commit, send, acknowledge."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from uuid import UUID

from temporalio import activity

from activities.mail.breaker import Breaker
from activities.mail.letters import Letter, Letters
from activities.moments import Moments, moments_since
from database.engine import Database
from database.mail import outbox, outcomes, pace, suppressions
from database.mail.mail_rows import Batch
from database.mail.outbox import Claim, NotYet
from domain.mail.suppressions import address_key
from mail.message import Message, Templates
from mail.sendgrid import Accepted, Halt, MailService, NotSent, Outcome, Rejected, Unknown

ALL_STOPPED = "all mail is stopped; an owner starts it again with `promisekeeper mail start`"
SEND_WITHIN = timedelta(minutes=3)
"""A try that would take longer ends there, in time to say so, and the next one goes on."""
PROBLEM_WORDS: Mapping[type, str] = {
    NotSent: "the mail service does not take mails now",
    Halt: "the mail service refuses our key, account or settings",
    Unknown: "the mail service did not say what became of a request",
}
"""What Temporal may know of a problem: the service's own words may name a person (P31). They stand
in the attempt's row."""


@dataclass(frozen=True, kw_only=True)
class SendInput:
    """Which mails to send: all that are queued for a subject, those of a step, or one of them."""

    now: datetime
    subject_id: UUID | None = None
    step: str | None = None
    mail_id: UUID | None = None


@dataclass(frozen=True, kw_only=True)
class SendProgress:
    """How far sending got. `problem` is why it stopped: a word for ops, never an address."""

    accepted: int = 0
    waiting: int = 0
    unknown: int = 0
    problem: str | None = None
    held: bool = False
    """It was stopped: what waits goes out when somebody lets it (P8)."""
    per_minute: int | None = None
    """The rate that limits it (P8)."""
    not_before: datetime | None = None
    """When more may go: a rate, or a 429, lets nothing out until then. That is no problem."""
    not_begun: int = 0
    """Of the shards of a try, how many have not had their turn."""

    def then(self, later: "SendProgress") -> "SendProgress":
        """How far both got together."""
        return replace(
            later if later.patience else self,
            accepted=self.accepted + later.accepted,
            waiting=self.waiting + later.waiting,
            unknown=self.unknown + later.unknown,
            problem=later.problem or self.problem,
            held=self.held or later.held,
        )

    @property
    def patience(self) -> str | None:
        """Why it goes slowly, in words; None when nothing limits it."""
        if self.per_minute is None and self.not_before is None:
            return None
        if self.per_minute is None:
            return "the mail service asked us to go slower, and nobody sends until it lets us"
        return f"rate: {self.per_minute:,} a minute"


@dataclass(frozen=True, kw_only=True)
class Manner:
    """How many copies go in one request, how long a copy in doubt waits for its events, and how
    many copies go in a minute, over all senders (0: as many as the mail service takes)."""

    batch_size: int
    settle_after: timedelta
    per_minute: int = 0


class Sender:
    """Sends batches of the outbox through the mail service."""

    def __init__(
        self,
        *,
        database: Database,
        service: MailService,
        templates: Templates,
        letters: Letters,
        breaker: Breaker,
        manner: Manner,
        suppression_key: bytes,
    ) -> None:
        self._database = database
        self._service = service
        self._templates = templates
        self._letters = letters
        self._breaker = breaker
        self._batch_size = manner.batch_size
        self._settle_after = manner.settle_after
        self._per_minute = manner.per_minute
        self._suppression_key = suppression_key

    def send(self, batch: Batch, now: datetime) -> SendProgress:
        """Send every queued mail of a batch, until none is left or the mail service refuses.

        A sender that died left mails in doubt: they are settled by delivery events or by time, and
        never simply sent again. What is not out after SEND_WITHIN waits for the next try. A
        campaign that meets too many errors is paused on the way, and its owner told. Where a rate
        or a 429 lets nothing out it ends, and says until when: a thread that waits is no use.
        """
        moments = Moments(now)
        self._settle(batch, now)
        all_claimed, problem, limit = False, None, self._batch_size
        stopped, per_minute, wait = False, None, None
        while problem is None and not stopped and moments.passed() < SEND_WITHIN:
            try:
                claim = self._claim(batch, limit, moments.now())
            except NotYet as not_yet:
                per_minute, wait = not_yet.per_minute, not_yet.until
                break
            if claim is None:
                all_claimed = True
                break
            per_minute = claim.per_minute
            outcome = self._attempt(claim, moments.now())
            # The notice period counts from here (P7), not from when we were asked to send.
            problem = self._acknowledge(claim, outcome, moments.now()) if outcome else None
            nobody_named = isinstance(outcome, Rejected) and not outcome.mail_ids
            halved = claim.copies // 2  # to find the culprit
            limit = max(1, halved) if nobody_named and halved else self._batch_size
            stopped = self._stops(batch, moments.now(), at_once=problem is not None)
        progress = self._progress(batch, problem, all_claimed=all_claimed, stopped=stopped)
        return replace(progress, per_minute=per_minute, not_before=wait)

    def tell(self, mails: Sequence[UUID], now: datetime) -> None:
        """Send these mails now. What does not go out, the watchdog sends later."""
        for mail_id in mails:
            self.send(Batch(mail_id=mail_id), now)

    def _settle(self, batch: Batch, now: datetime) -> None:
        """Decide about mails in doubt; where there are none, without taking a turn to write."""
        with self._database.session() as session:
            if not outcomes.any_in_doubt(session, batch):
                return
        with self._database.transaction() as transaction:
            outcomes.doubt_abandoned(transaction, batch, now)
        with self._database.transaction() as transaction:  # of its own: each holds mails in order
            outcomes.settle(transaction, batch, settle_after=self._settle_after, now=now)

    def _claim(self, batch: Batch, limit: int, now: datetime) -> Claim | None:
        with self._database.transaction() as transaction:
            return outbox.claim(
                transaction, batch, limit=limit, now=now, per_minute=self._per_minute
            )

    def _stops(self, batch: Batch, now: datetime, *, at_once: bool) -> bool:
        """Whether the breaker has just paused the campaign of a batch."""
        told = self._breaker.look(batch, now, at_once=at_once)
        self.tell(told, now)
        return bool(told)

    def _attempt(self, claim: Claim, now: datetime) -> Outcome | None:
        """What became of it; None when there is nobody left to send it to."""
        try:
            letter, message, stopped = self._write(claim, now)
        except Exception as fault:
            reason = f"could not be written: {type(fault).__name__}"  # its words may be personal
            self._acknowledge(claim, NotSent(reason=reason), now)
            raise
        if stopped:
            with self._database.transaction() as transaction:
                outcomes.suppress(transaction, claim.attempt_id, stopped, now)
        copies = [copy for copy in letter.copies if copy.mail_id not in stopped]
        return self._service.send(message, copies, claim.attempt_id) if copies else None

    def _write(self, claim: Claim, now: datetime) -> tuple[Letter, Message, Mapping[UUID, str]]:
        """The letter, and which of its copies must not go out, with the reason."""
        with self._database.session() as session:
            letter = self._letters.letter(session, claim, now)
            keys = {
                copy.mail_id: address_key(copy.address, self._suppression_key)
                for copy in letter.copies
            }
            stopped = suppressions.stopped(session, claim, keys)
        message = self._templates.render(
            letter.template,
            language=letter.language,
            shared=letter.shared,
            personal=letter.personal,
        )
        message = replace(message, subject=letter.subject_begins + message.subject)
        return letter, message, stopped

    def _acknowledge(self, claim: Claim, outcome: Outcome, now: datetime) -> str | None:
        """Write the outcome down; the problem, when it is no use to go on."""
        attempt = claim.attempt_id
        with self._database.transaction() as transaction:
            match outcome:
                case Accepted():
                    outcomes.accept(transaction, attempt, outcome.provider_id, now)
                    return None
                case Rejected():
                    outcomes.reject(transaction, attempt, outcome.mail_ids, outcome.reason, now)
                    return None
                case NotSent(too_fast=True):
                    outcomes.give_back(transaction, attempt, outcome.reason, now)
                    if not pace.slow_down(transaction, attempt, outcome.retry_after, now):
                        return None  # the next claim says how long that lasts
                case NotSent() | Halt():
                    outcomes.give_back(transaction, attempt, outcome.reason, now)
                case Unknown():
                    outcomes.doubt(
                        transaction, attempt, outcome.reason, now, answered=outcome.answered
                    )
        return PROBLEM_WORDS[type(outcome)]

    def _progress(
        self, batch: Batch, problem: str | None, *, all_claimed: bool, stopped: bool
    ) -> SendProgress:
        with self._database.session() as session:
            states = outbox.states_of_sending(session, batch)
            all_stopped = outbox.all_is_stopped(session)
        waiting = states.get("queued", 0)
        return SendProgress(
            accepted=sum(states.get(state, 0) for state in outbox.WENT_OUT),
            waiting=waiting,
            unknown=sum(states.get(state, 0) for state in outbox.IN_DOUBT),
            problem=ALL_STOPPED if waiting and all_stopped else problem,
            held=stopped or (bool(waiting) and all_claimed),
        )


class OutboxActivities:
    """Sending for workflows whose mails are few."""

    def __init__(self, sender: Sender) -> None:
        self._sender = sender

    @activity.defn
    def send_mail(self, send: SendInput) -> SendProgress:
        """Send the queued mails of a data-subject request, of a campaign's step, or one mail."""
        batch = Batch(subject_id=send.subject_id, step=send.step, mail_id=send.mail_id)
        return self._sender.send(batch, moments_since(send.now).now())
