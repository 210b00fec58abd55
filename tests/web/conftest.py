"""A website over a real database, as `tests/web/company.py` fills it."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from anyio.from_thread import BlockingPortal, start_blocking_portal
from sqlmodel import select

import temporal
from database.storage import Storage
from database.tables import Account, Staff
from health import lookout
from settings import Settings
from tests import databases
from tests.own_settings import CLOSING_PAGE
from tests.web import company
from tests.web.company import Filling
from tests.web.world import MessengerWithoutTemporal, StandingClock, World, browse
from web.app import create_app
from workflows.desk import Desk, NoticePeriods
from workflows.messenger import Messenger

PATIENCE_SECONDS = 30.0
"""A neighbour on a busy machine answers late, and is not silent."""


@pytest.fixture(scope="session")
def portal() -> Iterator[BlockingPortal]:
    with start_blocking_portal() as portal:
        yield portal


@pytest.fixture
def settings() -> Settings:
    return Settings(
        _env_file=None, sendgrid_host="http://127.0.0.1:9", company_closing_url=CLOSING_PAGE
    )


@pytest.fixture
def website(
    database_kind: str,
    tmp_path: Path,
    settings: Settings,
    portal: BlockingPortal,
    monkeypatch: pytest.MonkeyPatch,
) -> Iterator[Callable[[Filling], World]]:
    """Opens the website of a company over its database; its Temporal is nowhere."""
    monkeypatch.setenv("TEMPORAL_ADDRESS", "127.0.0.1:9")
    monkeypatch.setattr(lookout, "ANSWER_WITHIN_SECONDS", PATIENCE_SECONDS)
    with ExitStack() as until_closed:

        def open_over(fill: Filling) -> World:
            database, tokens = until_closed.enter_context(
                databases.filled_database(database_kind, tmp_path, fill)
            )
            clock = StandingClock(database, development=True)
            parts: Mapping[str, Any] = {
                "database": database,
                "clock": clock,
                "company": settings.company,
                "suppression_key": settings.suppression_key_bytes,
                "storage": Storage(tmp_path / "storage", settings.data_keys),
                "data_map": settings.data_map_file,
                "periods": NoticePeriods(notice_days=30, sending_period=timedelta(days=1)),
            }
            client = portal.call(partial(temporal.connect, settings.temporal_address, lazy=True))
            messenger = MessengerWithoutTemporal()
            desk = Desk(**parts, messenger=messenger)
            with database.session() as session:
                return World(
                    database=database,
                    settings=settings,
                    parts=parts,
                    desk=desk,
                    messenger=messenger,
                    to_nowhere=Messenger(portal=portal, client=client, clock=clock),
                    browser=browse(create_app(settings, database=database, desk=desk)),
                    staff={row.handle: row for row in session.exec(select(Staff))},
                    accounts={row.external_id: row for row in session.exec(select(Account))},
                    tokens=tokens,
                )

        yield open_over


@pytest.fixture
def empty(website: Callable[[Filling], World]) -> World:
    """A website with staff and an empty policy."""
    return website(company.with_staff_and_a_policy)


@pytest.fixture
def world(website: Callable[[Filling], World]) -> World:
    """Version 1 in force, version 2 announced with a confirmed adverse change, links made."""
    return website(company.between_two_versions)
