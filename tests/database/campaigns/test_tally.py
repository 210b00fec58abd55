"""What a campaign's mails met is reason to stop it, or not (P8)."""

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from uuid import UUID, uuid4

import pytest

from database.campaigns import controls, freezing
from database.campaigns.tally import why_stop_campaign
from database.mail import delivery, outbox, outcomes
from database.mail.delivery import Event
from database.mail.mail_rows import Batch
from database.mail.steps import FIRST_NOTICE
from database.people.accounts import AccountRow
from domain.campaigns.sending import Limits
from tests.database.campaigns.test_controls import act
from tests.scene import NOW, Scene

LIMITS = Limits(
    failed_percent=5, complained_percent=0.3, unknown_percent=5, copies=40, copies_at_least=20
)
MINUTE = timedelta(minutes=1)


@pytest.fixture
def campaign(scene: Scene) -> UUID:
    """A hundred first notices wait."""
    scene.import_accounts(
        *(
            AccountRow(external_id=f"p{number:04}", email=f"p{number}@people.example")
            for number in range(100)
        )
    )
    campaign = scene.campaign()
    freezing.freeze_audience(scene.database, campaign, NOW)
    scene.queue_step(campaign)
    return campaign


@pytest.fixture
def attempt(scene: Scene, campaign: UUID) -> Callable[..., None]:
    """One request with some copies: accepted, and these events come of its first ones."""

    def make(
        copies: int,
        *events: str,
        now: datetime = NOW,
        outcome: str = "accepted",
        step: str = FIRST_NOTICE,
    ) -> None:
        with scene.database.transaction() as transaction:
            batch = Batch(subject_id=campaign, step=step)
            claim = outbox.claim(transaction, batch, limit=copies, now=now)
            assert claim
            copies_of = outbox.addressed(transaction, claim)
            if outcome == "refused":
                outcomes.doubt(transaction, claim.attempt_id, "an error", now, answered=500)
            elif outcome == "unknown":
                outcomes.doubt(transaction, claim.attempt_id, "no answer", now)
            elif outcome == "not_sent":
                outcomes.give_back(transaction, claim.attempt_id, "SendGrid answered 401", now)
            else:
                outcomes.accept(transaction, claim.attempt_id, "x", now)
            delivery.record_events(
                transaction,
                [
                    Event(
                        mail_id=mail.mail_id,
                        attempt_id=claim.attempt_id,
                        event=event,
                        occurred_at=now,
                    )
                    for mail, event in zip(copies_of, events, strict=False)
                ],
                now,
            )

    return make


def why(
    scene: Scene,
    campaign: UUID,
    now: datetime = NOW,
    *,
    step: str = FIRST_NOTICE,
    limits: Limits = LIMITS,
) -> str:
    with scene.database.session() as session:
        return why_stop_campaign(session, campaign, step, limits, now) or ""


def test_too_many_bounces_of_the_last_copies_heard_of_are_a_reason(
    scene: Scene, campaign: UUID, attempt: Callable[..., None]
) -> None:
    """P8: more than one in twenty."""
    attempt(20, "bounce", "delivered")
    assert why(scene, campaign) == ""
    attempt(20, "bounce", "dropped", now=NOW + MINUTE)
    assert "3 of 40 copies bounced" in why(scene, campaign)


def test_copies_of_which_nothing_is_heard_yet_do_not_hide_the_bounces_before(
    scene: Scene, campaign: UUID, attempt: Callable[..., None]
) -> None:
    """P8: bounces come minutes after the requests."""
    attempt(20, "bounce", "bounce")
    attempt(40, now=NOW + MINUTE)
    assert "2 of 20 copies bounced" in why(scene, campaign)


def test_of_a_few_copies_nothing_is_concluded(
    scene: Scene, campaign: UUID, attempt: Callable[..., None]
) -> None:
    """P8: not of fewer than the limits name."""
    attempt(19, *["bounce"] * 19)
    assert why(scene, campaign) == ""


def test_what_was_long_before_counts_no_more(
    scene: Scene, campaign: UUID, attempt: Callable[..., None]
) -> None:
    """P8: only the last copies do."""
    attempt(20, *["bounce"] * 20)
    attempt(40, "delivered", now=NOW + MINUTE)
    assert why(scene, campaign) == ""


def test_two_who_call_it_spam_are_a_reason_and_one_is_not(
    scene: Scene, campaign: UUID, attempt: Callable[..., None]
) -> None:
    """P8."""
    attempt(20, "spamreport")
    assert why(scene, campaign) == ""
    attempt(20, "spamreport", now=NOW + MINUTE)
    assert "2 of 40 copies were reported as spam" in why(scene, campaign)


def test_three_requests_lost_within_a_minute_are_a_reason(
    scene: Scene, campaign: UUID, attempt: Callable[..., None]
) -> None:
    """P8: each leaves its copies in doubt, and a fourth would add to them."""
    attempt(1, outcome="unknown")
    attempt(1, outcome="unknown")
    assert why(scene, campaign) == ""
    attempt(1, outcome="unknown")
    assert "3 of the last 3 requests" in why(scene, campaign)
    assert why(scene, campaign, NOW + MINUTE) == ""


def test_a_key_that_is_refused_is_none_of_it(
    scene: Scene, campaign: UUID, attempt: Callable[..., None]
) -> None:
    """P8: nothing went out and nothing is in doubt: ops mend the key, and it goes on by itself."""
    for _ in range(5):
        attempt(20, outcome="not_sent")
    assert why(scene, campaign) == ""


def test_after_a_resume_only_what_happened_since_counts(
    scene: Scene, campaign: UUID, attempt: Callable[..., None]
) -> None:
    """P8: its owner has decided about what was before."""
    attempt(20, *["bounce"] * 20)
    assert why(scene, campaign)
    with scene.database.transaction() as transaction:
        told = controls.stop_by_machine(transaction, campaign, controls.BREAKER, "Bounces.", NOW)
        assert len(told) == 1
    assert why(scene, campaign) == "", "it is paused already"
    act(scene, controls.resume, "lena", "old addresses", now=NOW + MINUTE)
    assert why(scene, campaign) == ""
    attempt(20, *["bounce"] * 20, now=NOW + 2 * MINUTE)
    assert why(scene, campaign)


def test_the_machine_stops_it_once_and_tells_of_each_stop(scene: Scene, campaign: UUID) -> None:
    """P8: a second look at the same moment says nothing twice."""

    def stop() -> int:
        with scene.database.transaction() as transaction:
            return len(
                controls.stop_by_machine(transaction, campaign, controls.BREAKER, "Bounces.", NOW)
            )

    assert [stop(), stop()] == [1, 0]
    act(scene, controls.resume, "lena", "old addresses", now=NOW + MINUTE)
    assert [stop(), stop()] == [1, 0]


def test_bounces_of_the_first_notice_do_not_stop_a_reminder(
    scene: Scene, campaign: UUID, attempt: Callable[..., None]
) -> None:
    """P8: mail to these addresses is suppressed since; only what a reminder meets counts for it."""
    attempt(20, *["bounce"] * 10)
    assert "10 of 20 copies bounced" in why(scene, campaign)
    scene.queue_step(campaign, "reminder_1")
    attempt(20, "delivered", now=NOW + MINUTE, step="reminder_1")
    assert why(scene, campaign, step="reminder_1") == ""
    attempt(20, *["bounce"] * 10, now=NOW + MINUTE, step="reminder_1")
    assert "10 of 40 copies bounced" in why(scene, campaign, step="reminder_1")


def test_one_request_that_held_most_copies_and_met_an_error_is_a_reason(
    scene: Scene, campaign: UUID, attempt: Callable[..., None]
) -> None:
    """P8: no second or third one has to go wrong for it; an answer that was lost may be no error,
    which the events tell."""
    attempt(25, outcome="refused")
    assert why(scene, campaign) == ""
    attempt(30, outcome="unknown")
    assert why(scene, campaign) == ""
    attempt(1, outcome="refused", now=NOW + MINUTE)
    later = NOW + 2 * MINUTE
    assert "26 of 100 copies with an error (5xx)" in why(scene, campaign, later)
    few = replace(LIMITS, copies_at_least=27)
    assert why(scene, campaign, later, limits=few) == ""


def test_what_is_no_campaign_is_left_alone(scene: Scene) -> None:
    """P8: answers to requests go out whatever campaigns meet."""
    assert why(scene, uuid4()) == ""
