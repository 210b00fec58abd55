"""The privacy team's figures, and the counts for Prometheus: they name nobody (P21, P30)."""

from tests.web.test_request_ends import ask, page_of
from tests.web.world import World


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


def test_the_figures_are_for_the_privacy_team(world: World) -> None:
    """P30."""
    world.enter_as("omar")
    assert world.browser.get("/staff/requests/metrics").status_code == 403
