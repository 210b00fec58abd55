"""What was said of the mails of a campaign goes long after its end; who was told stays (P33)."""

from datetime import datetime, timedelta
from pathlib import Path
from uuid import UUID

import pytest
from sqlmodel import col, func, select

from activities.requests.retention import Retention
from database.campaigns import freezing
from database.mail import delivery, outbox, outcomes
from database.mail.delivery import Event
from database.mail.mail_rows import Batch
from database.requests import holds
from database.storage import Storage
from database.tables import Account, Campaign, DeliveryEvent, OutboxMail
from domain.requests.legal_holds import EVERYWHERE
from domain.requests.retention import RequestPeriods
from settings import DEVELOPMENT_DATA_KEY
from tests.people import ALICE, BOB
from tests.scene import NOW, Scene

A_DAY = timedelta(days=1)
ENDED = NOW + 40 * A_DAY
LONG_AFTER = ENDED + 90 * A_DAY


@pytest.fixture
def campaign(scene: Scene) -> UUID:
    """Alice and Bob got their first notice, and the campaign is over."""
    scene.import_accounts(ALICE, BOB)
    campaign_id = scene.campaign()
    freezing.freeze_audience(scene.database, campaign_id, NOW)
    scene.queue_step(campaign_id)
    with scene.database.transaction() as transaction:
        claim = outbox.claim(transaction, Batch(subject_id=campaign_id), limit=9, now=NOW)
        assert claim
        outcomes.accept(transaction, claim.attempt_id, "x", NOW)
    with scene.database.transaction() as transaction:
        mails = transaction.exec(select(OutboxMail.id)).all()
        events = [
            Event(mail_id=mail, attempt_id=claim.attempt_id, event=name, occurred_at=NOW)
            for mail in mails
            for name in ("processed", "delivered", "open")
        ]
        delivery.record_events(transaction, events, NOW)
        transaction.get_one(Campaign, campaign_id).finished_at = ENDED
    return campaign_id


def go_round(scene: Scene, now: datetime) -> None:
    Retention(
        database=scene.database,
        storage=Storage(Path("/nowhere"), [DEVELOPMENT_DATA_KEY]),
        periods=RequestPeriods(until_closed=30 * A_DAY, until_purged=3 * 365 * A_DAY),
        pseudonym_key=b"k" * 32,
    ).keep_to_it(now)


def events(scene: Scene) -> int:
    with scene.database.session() as session:
        return session.exec(select(func.count()).select_from(DeliveryEvent)).one()


def test_events_go_ninety_days_after_the_end_and_the_proof_stays(
    scene: Scene, campaign: UUID, monkeypatch: pytest.MonkeyPatch
) -> None:
    """P4, P33: few at a time, so that whoever writes waits for none of it long."""
    monkeypatch.setattr("activities.requests.retention.EVENTS_AT_ONCE", 2)
    go_round(scene, LONG_AFTER - timedelta.resolution)
    assert events(scene) == 6
    go_round(scene, LONG_AFTER)
    assert events(scene) == 0
    with scene.database.session() as session:
        mails = session.exec(select(OutboxMail)).all()
    assert [(mail.state, mail.accepted_at) for mail in mails] == [("delivered", NOW)] * 2


def test_what_proves_that_an_unanswered_request_was_taken_stays(
    scene: Scene, campaign: UUID
) -> None:
    """P4: nothing else says that its copies went out."""
    with scene.database.transaction() as transaction:
        attempt = transaction.exec(select(OutboxMail.attempt_id).distinct()).one()
        assert attempt
        outcomes.doubt(transaction, attempt, "no answer", NOW)
    go_round(scene, LONG_AFTER)
    assert events(scene) == 6


def test_a_campaign_that_runs_loses_nothing(scene: Scene, campaign: UUID) -> None:
    with scene.database.transaction() as transaction:
        transaction.get_one(Campaign, campaign).finished_at = None
    go_round(scene, LONG_AFTER)
    assert events(scene) == 6


def test_what_a_legal_hold_keeps_stays(scene: Scene, campaign: UUID) -> None:
    """P13: a hold stops our own purges too."""
    with scene.database.transaction() as transaction:
        holds.place(
            transaction,
            scene.account(ALICE.external_id).id,
            reason="A claim",
            source=EVERYWHERE,
            staff_id=scene.staff["lena"],
            now=NOW,
        )
    go_round(scene, LONG_AFTER)
    with scene.database.session() as session:
        whose = session.exec(
            select(Account.external_id)
            .join(OutboxMail, col(OutboxMail.addressee_id) == col(Account.id))
            .join(DeliveryEvent, col(DeliveryEvent.mail_id) == col(OutboxMail.id))
        ).all()
    assert whose == [ALICE.external_id] * 3
