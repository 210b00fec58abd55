"""A website over a real database: version 1 in force, version 2 announced, links in the mails."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

import pytest
from anyio.from_thread import BlockingPortal, start_blocking_portal
from sqlmodel import select

import temporal
from database.assessments import findings_of
from database.audiences import freeze_audience
from database.campaigns import open_campaign
from database.engine import Database
from database.policies import add_policy, put_in_force
from database.reviews import ReviewContent, apply_review, propose_review, release
from database.staff import add_staff
from database.tables import Account, Policy
from domain.reviews import FindingStatus, VersionClass
from health import lookout
from settings import Settings
from tests.web.world import (
    FIRST_DAY,
    NOW,
    DeskWithoutTemporal,
    StandingClock,
    World,
    browse,
    put_in_review,
    submit_text,
    text,
)
from web.app import create_app
from workflows.desk import NoticePeriods

PATIENCE_SECONDS = 30.0
"""A neighbour on a busy machine answers late, and is not silent."""


@pytest.fixture(scope="session")
def portal() -> Iterator[BlockingPortal]:
    with start_blocking_portal() as portal:
        yield portal


@pytest.fixture
def settings() -> Settings:
    return Settings(_env_file=None, sendgrid_host="http://127.0.0.1:9")


@pytest.fixture
def parts(
    database: Database,
    settings: Settings,
    portal: BlockingPortal,
    monkeypatch: pytest.MonkeyPatch,
) -> dict[str, Any]:
    """What a desk is made of; its Temporal is nowhere."""
    monkeypatch.setenv("TEMPORAL_ADDRESS", "127.0.0.1:9")
    monkeypatch.setattr(lookout, "ANSWER_WITHIN_SECONDS", PATIENCE_SECONDS)
    return {
        "database": database,
        "clock": StandingClock(database, development=True),
        "company": settings.company,
        "periods": NoticePeriods(notice_days=30, sending_period=timedelta(days=1)),
        "portal": portal,
        "client": portal.call(partial(temporal.connect, settings.temporal_address, lazy=True)),
    }


@pytest.fixture
def empty(database: Database, settings: Settings, parts: dict[str, Any]) -> World:
    """A website with staff and an empty policy."""
    desk = DeskWithoutTemporal(**parts)
    app = create_app(settings, database=database, desk=desk)
    browser = browse(app)
    world = World(database=database, settings=settings, desk=desk, browser=browser)
    people = {
        "lena": ("Lena", ["legal"]),
        "omar": ("Omar", ["legal"]),
        "priya": ("Priya", ["privacy"]),
        "paul": ("Paul", ["privacy"]),
        "otto": ("Otto", ["ops"]),
    }
    with database.transaction() as transaction:
        for handle, (name, roles) in people.items():
            address = f"{handle}@example.com"
            member, token = add_staff(
                transaction, handle=handle, name=name, email=address, roles=roles
            )
            world.staff[handle], world.tokens[handle] = member, token
        transaction.flush()
        add_policy(
            transaction,
            slug="privacy-policy",
            title="privacy policy",
            owner_id=world.staff["lena"].id,
        )
    return world


@pytest.fixture
def world(empty: World) -> World:
    """Version 1 in force, version 2 announced with a confirmed adverse change, links made."""
    lena, omar = empty.staff["lena"].id, empty.staff["omar"].id
    with empty.database.transaction() as transaction:
        policy = transaction.exec(select(Policy)).one()
        first = submit_text(transaction, policy, text(1), lena, FIRST_DAY)
        first.version_class = VersionClass.EDITORIAL
        transaction.flush()
        put_in_force(transaction, first, FIRST_DAY)
        for name in ("alice", "bob", "carol"):
            account = Account(
                external_id=name,
                email=f"{name}@example.org",
                name=name.capitalize(),
                joined_at=FIRST_DAY,
                recorded_at=FIRST_DAY,
            )
            transaction.add(account)
            empty.accounts[name] = account
    with empty.database.transaction() as transaction:
        policy = transaction.exec(select(Policy)).one()
        second = submit_text(transaction, policy, text(2), lena, NOW)
        put_in_review(transaction, second)
        everything = ReviewContent(
            confirm=tuple(
                finding.key
                for finding in findings_of(transaction, second.id)
                if finding.status == FindingStatus.OPEN
            ),
            version_class=VersionClass.APPROVAL,
        )
        asked = propose_review(
            transaction,
            second,
            reviewer_id=omar,
            content=everything,
            reason="It is to the disadvantage of account holders.",
            now=NOW,
        )
        transaction.flush()
        apply_review(transaction, second, asked.review_id, NOW)
        release(transaction, second, omar, NOW)
        second.state = "announced"
        second.announced_at = NOW
        second.planned_effective_on = datetime(2026, 4, 3, tzinfo=UTC).date()
        campaign_id = open_campaign(transaction, second, policy, NOW).id
    freeze_audience(empty.database, campaign_id, NOW)
    return empty
