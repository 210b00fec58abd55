"""The privacy team's figures, and the counts for Prometheus: they name nobody (P21, P30)."""

from dataclasses import replace
from typing import cast

import pytest
from fastapi import FastAPI
from sqlmodel import select

from database.requests.requested_rights import rights_of
from database.tables import DataSubjectRequest, RequestDecision
from tests.web.requests.test_request_ends import ask, page_of
from tests.web.world import NOW, World

TOKEN = "a-token-that-is-only-in-this-test-1234"


def test_figures_of_what_was_asked_and_answered(world: World) -> None:
    withdrawn = ask(world)
    ask(world, "erasure", "access")
    world.browser.post(f"{page_of(world, withdrawn)}/withdraw")
    world.enter_as("priya")
    page = world.browser.get("/staff/requests/metrics?of=30").text
    assert "1 of 1 (100 %)" in page
    assert "Withdrawn" in page
    assert "alice" not in page.lower()
    told = world.browser.get("/metrics").text
    assert "promisekeeper_requests_open 1" in told
    assert "promisekeeper_requests_answered_in_time_total 1" in told
    assert 'promisekeeper_rights_by_kind_total{kind="access"} 2' in told
    assert "alice" not in told.lower()


@pytest.mark.parametrize(
    ("token", "sent", "status"),
    [
        (TOKEN, f"Bearer {TOKEN}", 200),
        (TOKEN, "Bearer wrong", 401),
        (TOKEN, "Bearer ä", 401),
        (TOKEN, "", 401),
        ("", "", 404),
        ("", "Bearer ", 404),
    ],
)
def test_in_production_prometheus_alone_reads_them(
    world: World, token: str, sent: str, status: int
) -> None:
    """P30: where nobody set a token, nobody does; and the answer says what is missing."""
    app = cast("FastAPI", world.browser.app)
    app.state.site = replace(app.state.site, metrics_token=token, development=False)
    told = world.browser.get("/metrics", headers={"Authorization": sent.encode()})
    assert told.status_code == status
    assert ("PROMISEKEEPER_METRICS_TOKEN" in told.text) is (status != 200)
    assert ("promisekeeper_requests_open" in told.text) is (status == 200)


def test_grounds_of_refusals_reach_prometheus(world: World) -> None:
    """P20."""
    ask(world)
    with world.database.transaction() as transaction:
        request = transaction.exec(select(DataSubjectRequest)).one()
        (right,) = rights_of(transaction, request.id)
        decision = RequestDecision(
            right_id=right.id,
            outcome="refused",
            ground="already_answered",
            explanation="In May.",
            decided_at=NOW,
        )
        transaction.add(decision)
        transaction.flush()
        right.decision_id, right.outcome = decision.id, "refused"
        transaction.add(right)
    told = world.browser.get("/metrics").text
    assert 'promisekeeper_rights_by_ground_total{ground="already_answered"} 1' in told
    assert "In May" not in told


def test_the_figures_are_for_the_privacy_team(world: World) -> None:
    """P30."""
    world.enter_as("omar")
    assert world.browser.get("/staff/requests/metrics").status_code == 403
