"""A first notice that is owed again goes out at once, whichever is heard of first: that the old
address fails, or what the new one is (P4)."""

import json
from uuid import UUID

import pytest
from sqlmodel import select

from database.campaigns.campaigns import campaign_of, take_step
from database.campaigns.shards import queue_step
from database.mail import outbox, outcomes
from database.mail.mail_rows import Batch
from database.mail.steps import FIRST_NOTICE
from database.tables import Link, OutboxMail
from settings import Settings
from tests.people import LANGUAGES
from tests.web.api.test_api import made
from tests.web.test_webhooks import PUBLIC, report
from tests.web.world import NOW, World, version

NEW = {"email": "alice@new.example"}


@pytest.fixture
def settings() -> Settings:
    return Settings(
        _env_file=None, sendgrid_webhook_public_keys=tuple(one.decode() for one in PUBLIC)
    )


@pytest.fixture
def delivery(world: World) -> str:
    """Everybody was mailed; the workflow by which what is left of the first notice goes out."""
    with world.database.transaction() as transaction:
        campaign = campaign_of(transaction, version(world, 2).id)
        assert campaign
        queue_step(transaction, campaign, FIRST_NOTICE, 0, languages=LANGUAGES, now=NOW)
    with world.database.transaction() as transaction:
        while claim := outbox.claim(transaction, Batch(subject_id=campaign.id), limit=9, now=NOW):
            outcomes.accept(transaction, claim.attempt_id, "x", NOW)
        take_step(transaction, campaign.id, FIRST_NOTICE, due_at=NOW, now=NOW)
    world.messenger.started.clear()
    return f"mail-delivery/{campaign.id}/{FIRST_NOTICE}"


def bounce(world: World, attempt_id: UUID, mail_id: UUID) -> None:
    entry = {
        "event": "bounce",
        "timestamp": 1767603600,
        "mail_id": str(mail_id),
        "attempt_id": str(attempt_id),
        "email": world.accounts["alice"].email,
        "reason": "550 no such mailbox",
    }
    assert report(world, json.dumps([entry]).encode()).status_code == 204


def put(world: World) -> None:
    key = made(world, "billing")
    assert world.browser.put("/api/v1/accounts/alice", json=NEW, headers=key).is_success


@pytest.mark.parametrize("bounce_first", [True, False])
def test_it_is_sent_as_soon_as_both_are_known(
    world: World, delivery: str, bounce_first: bool
) -> None:
    """P4, P32."""
    with world.database.session() as session:
        alices = Link.account_id == world.accounts["alice"].id
        mail = session.exec(
            select(OutboxMail).join(Link, OutboxMail.link_id == Link.id).where(alices)  # type: ignore[arg-type]
        ).one()
    assert mail.attempt_id
    if bounce_first:
        bounce(world, mail.attempt_id, mail.id)
    else:
        put(world)
    assert world.messenger.started == []
    if bounce_first:
        put(world)
    else:
        bounce(world, mail.attempt_id, mail.id)
    assert world.messenger.started == [delivery]
