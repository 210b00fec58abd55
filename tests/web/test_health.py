"""Alive, ready, and why not: 503 exactly when people cannot be served."""

import threading
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from anyio import to_thread
from sqlalchemy import text

from database.tables import MailAttempt
from health import lookout
from health.lookout import Answer, Lookout
from health.neighbours import DATABASE, MAIL_SERVICE
from tests.web.world import NOW, World, browse
from web.app import create_app, own_neighbours

SECRETS = ("postgresql", "sqlite", "127.0.0.1", "password")


def ready(world: World) -> tuple[int, dict[str, Any]]:
    answer = world.browser.get("/readyz")
    return answer.status_code, answer.json()


def at_revision(world: World, revision: str) -> None:
    with world.database.engine.execution_options(writes=True).begin() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = :it"), {"it": revision})


def test_the_website_is_alive_when_nothing_else_is(world: World) -> None:
    world.database.close()
    assert world.browser.get("/healthz").json() == {"website": "answers"}


def test_people_are_served_without_the_mail_service_and_ops_are_told(world: World) -> None:
    status, found = ready(world)
    assert status == 200
    assert found["database"]["state"] == "answers"
    assert found["mail service"]["state"] == "does not answer"
    assert found["mail service"]["remedy"] == "mail-service-silent"
    assert found["mail service"]["since"].endswith("Z")


@pytest.mark.parametrize(
    ("revision", "status", "state"),
    [
        ("0001", 503, "has tables older than this code"),
        ("9999", 200, "has tables newer than this code"),
    ],
)
def test_tables_of_another_version_are_named(
    world: World, revision: str, status: int, state: str
) -> None:
    """While a new version is rolled out, the old website goes on with the new tables."""
    at_revision(world, revision)
    answered, found = ready(world)
    assert (answered, found["database"]["state"]) == (status, state)


def test_readiness_tells_strangers_no_address_and_no_secret(world: World) -> None:
    said = world.browser.get("/readyz").text
    assert not [secret for secret in SECRETS if secret in said]


def test_head_tells_readiness_too(world: World) -> None:
    assert world.browser.head("/readyz").status_code == 200
    at_revision(world, "0001")
    assert world.browser.head("/readyz").status_code == 503


async def take_all_threads() -> None:
    """As pages do that wait for an answer."""
    threads = to_thread.current_default_thread_limiter()
    while threads.available_tokens:
        threads.acquire_on_behalf_of_nowait(object())


def test_a_hung_database_keeps_nobody_waiting(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Pages say so at once, and the website is alive all the while."""
    may_answer = threading.Event()

    def hang() -> Answer:
        assert may_answer.wait(60)
        return Answer()

    monkeypatch.setattr(lookout, "ANSWER_WITHIN_SECONDS", 0.1)
    monkeypatch.setattr(lookout, "SILENT_AFTER_SECONDS", 0.0)
    neighbours = {**own_neighbours(world.settings, world.database), DATABASE: hang}
    browser = browse(
        create_app(
            world.settings, database=world.database, desk=world.desk, lookout=Lookout(neighbours)
        )
    )
    assert browser.get("/readyz").status_code == 503
    page = browser.get("/requests/new")
    assert page.status_code == 503
    assert "Our database does not answer" in page.text
    assert page.headers["retry-after"] == "60"
    assert browser.get("/healthz").status_code == 200
    with browser:
        assert browser.portal is not None
        browser.portal.call(take_all_threads)
        assert browser.get("/requests/new").status_code == 503
    may_answer.set()
    while browser.get("/readyz").status_code == 503:
        pass
    assert browser.get("/requests/new").status_code == 200


def test_ops_see_since_when_a_service_is_away_and_what_mends_it(world: World) -> None:
    world.enter_as("otto")
    page = world.browser.get("/staff/ops").text
    assert "does not answer, since" in page
    assert "mail-service-silent" in page


def test_a_mail_service_that_answers_our_requests_with_errors_is_not_called_well(
    world: World,
) -> None:
    """P4: it is there, and takes nothing. One request that it takes, or an hour, ends that."""
    neighbours = {**own_neighbours(world.settings, world.database), MAIL_SERVICE: Answer}
    browser = browse(
        create_app(
            world.settings, database=world.database, desk=world.desk, lookout=Lookout(neighbours)
        )
    )

    def state() -> str:
        return str(browser.get("/readyz").json()["mail service"]["state"])

    def sent(minutes: int, outcome: str, answered: int | None = None) -> None:
        with world.database.transaction() as transaction:
            transaction.add(
                MailAttempt(
                    copies=9,
                    started_at=NOW + timedelta(minutes=minutes),
                    outcome=outcome,
                    answered=answered,
                )
            )

    sent(-9, "unknown")
    assert state() == "answers"
    sent(-8, "unknown", 502)
    sent(-7, "accepted")
    assert state() == "answers"
    sent(-6, "unknown", 502)
    sent(-5, "unknown", 500)
    found = browser.get("/readyz").json()["mail service"]
    assert found["state"] == "answers, but took no mail: 2 requests failed with 500"
    assert found["since"] == "2026-03-02T08:54:00Z"
    assert found["remedy"] == "mail-service-fails"
    replace(world, browser=browser).enter_as("otto")
    assert "took no mail: 2 requests failed with 500" in browser.get("/staff/ops").text
    sent(-4, "accepted")
    assert state() == "answers"
    sent(-3, "unknown", 500)
    assert state() == "answers, but took no mail: 1 request failed with 500"
    world.desk.clock.advance(timedelta(hours=1))
    assert state() == "answers"
