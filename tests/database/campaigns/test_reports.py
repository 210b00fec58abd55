"""What a campaign came to: people, mails, steps and what was done to it, for its owner (P4)."""

from dataclasses import replace
from datetime import datetime
from uuid import UUID

import pytest
from sqlmodel import select

from database.campaigns import campaigns, controls, freezing
from database.campaigns.reports import Report, report
from database.mail import doubts, outbox, outcomes
from database.mail.mail_rows import Batch
from database.tables import Campaign, MissedNotice, OutboxMail
from tests.database.campaigns.test_controls import act, switch
from tests.deciding import DECLINED
from tests.people import ALICE, BOB, CAROL
from tests.scene import NOW, ONE_HOUR, Scene


@pytest.fixture
def campaign(scene: Scene) -> UUID:
    """First notices for Alice, Bob, who reads German, and Carol are queued."""
    scene.import_accounts(ALICE, replace(BOB, locale="de", country="DE"), CAROL)
    campaign = scene.campaign()
    freezing.freeze_audience(scene.database, campaign, NOW)
    scene.queue_step(campaign)
    return campaign


def reported(scene: Scene, campaign: UUID) -> Report:
    with scene.database.session() as session:
        return report(session, session.get_one(Campaign, campaign))


def test_the_silent_are_counted_by_segment_and_who_answered_is_not(
    scene: Scene, campaign: UUID
) -> None:
    """P4: nor who is not mailed yet."""
    scene.decide(CAROL, DECLINED)
    assert not any(reported(scene, campaign).silent_by.values())
    scene.take_mails()
    assert reported(scene, campaign).silent_by == {
        "language": {"de": 1, "en": 1},
        "kind": {"person": 2},
        "country": {"DE": 1, "unknown": 1},
        "governing_version": {"1": 2},
    }


def test_who_was_never_reached_is_not_silent(scene: Scene, campaign: UUID) -> None:
    """P4, P5: Alice's mail came back, so she is on the list of the not reached and nowhere else;
    told by post, she is silent like Bob and Carol."""
    scene.take_mails()
    with scene.database.transaction() as transaction:
        mail = transaction.exec(
            select(OutboxMail).where(OutboxMail.addressee_id == scene.account(ALICE.external_id).id)
        ).one()
        mail.state = "bounced"
    found = reported(scene, campaign)
    assert (found.progress.silent, found.progress.not_reached) == (2, 1)
    assert found.silent_by["language"] == {"de": 1, "en": 1}
    with scene.database.transaction() as transaction:
        transaction.add(
            MissedNotice(
                campaign_id=campaign,
                account_id=scene.account(ALICE.external_id).id,
                reached_how="post",
                reached_at=NOW,
            )
        )
    found = reported(scene, campaign)
    assert (found.progress.silent, found.progress.not_reached) == (3, 0)
    assert found.silent_by["language"] == {"de": 1, "en": 2}


def test_copies_sent_again_after_a_lost_answer_are_possible_doubles(
    scene: Scene, campaign: UUID
) -> None:
    """P4: each is counted, whether its second copy went out or waits."""
    with scene.database.transaction() as transaction:
        claim = outbox.claim(transaction, Batch(subject_id=campaign), limit=2, now=NOW)
        assert claim
        outcomes.doubt(transaction, claim.attempt_id, "no answer", NOW)
        one, *_ = (copy.mail_id for copy in outbox.addressed(transaction, claim))
    assert reported(scene, campaign).possible_doubles == 0
    with scene.database.transaction() as transaction:
        assert doubts.resend(transaction, one, NOW)
    assert reported(scene, campaign).possible_doubles == 1
    with scene.database.transaction() as transaction:
        while claim := outbox.claim(transaction, Batch(subject_id=campaign), limit=2, now=NOW):
            outcomes.accept(transaction, claim.attempt_id, "x", NOW)
    found = reported(scene, campaign)
    assert found.possible_doubles == 1
    assert sum(found.mails_by_step["first_notice"].values()) == 3
    assert found.mails_by_step["first_notice"]["accepted"] >= 2


def test_steps_and_stops_are_told_in_their_order(scene: Scene, campaign: UUID) -> None:
    with scene.database.transaction() as transaction:
        campaigns.take_step(transaction, campaign, "first_notice", due_at=NOW, now=NOW + ONE_HOUR)
    act(scene, controls.pause, "omar", "a wrong sentence")
    found = reported(scene, campaign)
    assert [(step.step, step.due_at, step.taken_at) for step in found.steps] == [
        ("first_notice", NOW, NOW + ONE_HOUR)
    ]
    assert [(done.act, done.by) for done in found.controls] == [("pause", "omar")]


def test_a_stop_of_all_mail_is_told_of_the_campaigns_that_it_met(
    scene: Scene, campaign: UUID
) -> None:
    """P8: who stopped and who let go on, when and why, among what was done to the campaign; one
    that was over before is not told of."""
    switch(scene, controls.stop_mail, "omar", "a wrong address", NOW - 2 * ONE_HOUR)
    switch(scene, controls.start_mail, "lena", "it was right", NOW - ONE_HOUR)
    assert reported(scene, campaign).controls == ()
    switch(scene, controls.stop_mail, "omar", "a wrong sentence", NOW + ONE_HOUR)
    act(scene, controls.pause, "omar", "that too", now=NOW + 2 * ONE_HOUR)
    assert [(done.act, done.by) for done in reported(scene, campaign).controls] == [
        ("stop_all_mail", "omar"),
        ("pause", "omar"),
    ]
    switch(scene, controls.start_mail, "lena", "it is mended", NOW + 3 * ONE_HOUR)
    finished_at(scene, campaign, NOW + 4 * ONE_HOUR)
    switch(scene, controls.stop_mail, "omar", "another matter", NOW + 5 * ONE_HOUR)
    stopped, _, started = reported(scene, campaign).controls
    assert (stopped.reason, stopped.at) == ("a wrong sentence", NOW + ONE_HOUR)
    assert (started.act, started.by, started.reason, started.at) == (
        *("start_all_mail", "lena", "it is mended"),
        NOW + 3 * ONE_HOUR,
    )


def finished_at(scene: Scene, campaign: UUID, at: datetime) -> None:
    with scene.database.transaction() as transaction:
        row = transaction.get_one(Campaign, campaign)
        row.state, row.finished_at = "finished", at
