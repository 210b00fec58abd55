"""A first notice that is owed again goes out at once: whichever is heard of first, that the old
address fails or what the new one is, and after somebody's own decision (P4, P6)."""

import json
from datetime import date
from uuid import UUID

import pytest
from sqlmodel import select

from database.campaigns.campaigns import campaign_of, link_of, open_campaign, take_step
from database.campaigns.freezing import freeze_audience
from database.campaigns.shards import queue_step
from database.mail import outbox, outcomes
from database.mail.mail_rows import Batch
from database.mail.steps import FIRST_NOTICE
from database.policies.assessments import store_assessment
from database.policies.policies import put_in_force
from database.tables import Campaign, Link, OutboxMail, Policy, PolicyVersion
from settings import Settings
from tests.people import LANGUAGES
from tests.web.api.test_api import made
from tests.web.test_webhooks import PUBLIC, report
from tests.web.world import (
    NOW,
    World,
    assessed,
    hidden,
    put_in_review,
    submit_text,
    text,
    version,
)

LATER_EFFECT = date(2026, 7, 1)
NEW = {"email": "alice@new.example"}


@pytest.fixture
def settings() -> Settings:
    return Settings(
        _env_file=None, sendgrid_webhook_public_keys=tuple(one.decode() for one in PUBLIC)
    )


@pytest.fixture
def delivery(world: World) -> str:
    """Everybody was mailed; the workflow by which what is left of the first notice goes out."""
    with world.database.session() as session:
        campaign = campaign_of(session, version(world, 2).id)
    assert campaign
    return mailed(world, campaign)


def mailed(world: World, campaign: Campaign) -> str:
    """All of a campaign have their first notice; the workflow that brings what is owed again."""
    with world.database.transaction() as transaction:
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


def says_of_second(world: World, decision: str) -> None:
    """Alice presses a button on her page about version 2."""
    with world.database.session() as session:
        link = link_of(session, version(world, 2).id, world.accounts["alice"].id)
    assert link
    path = f"/approve/{world.token('approve', link)}"
    stamp = hidden(world.browser.get(path).text, "stamp")
    assert world.browser.post(path, data={"stamp": stamp, "decision": decision}).is_success


def third_is_told(world: World) -> str:
    """Version 2 is in force, and everybody was mailed about version 3, which only mends it."""
    with world.database.transaction() as transaction:
        policy = transaction.exec(select(Policy)).one()
        second = transaction.get_one(PolicyVersion, version(world, 2).id)
        second.effective_at = NOW
        put_in_force(transaction, second, NOW)
        third = submit_text(transaction, policy, text(3), world.staff["lena"].id, NOW)
        put_in_review(transaction, third)
        words = assessed(second.text, third.text)
        store_assessment(transaction, second, third, words, NOW)
        third.state, third.version_class = "announced", "notice"
        third.announced_at, third.planned_effective_on = NOW, LATER_EFFECT
        campaign = open_campaign(transaction, third, policy, NOW)
    freeze_audience(world.database, campaign.id, NOW)
    return mailed(world, campaign)


def test_who_takes_an_earlier_approval_back_hears_at_once_what_changes_from_their_version(
    world: World, delivery: str
) -> None:
    """P6: Alice was told of version 3 as somebody of version 2, and is asked now."""
    says_of_second(world, "approved")
    owed = third_is_told(world)
    assert owed != delivery
    says_of_second(world, "declined")
    assert world.messenger.started == [owed]
    says_of_second(world, "declined")
    assert world.messenger.started == [owed]
