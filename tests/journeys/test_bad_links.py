"""Links that are cut short, made up, made for something else or too old: calm pages, no harm."""

from collections.abc import Callable
from datetime import timedelta

import pytest
from playwright.sync_api import Page, expect
from sqlmodel import func, select

from cli.demo_scene import Scene, link_in
from clock import Clock
from database.tables import Approval
from tests.journeys.company import (
    SAMPLE,
    address,
    announce,
    ask_for_a_copy,
    import_accounts,
    mail_about,
    now,
    put_in_force,
    request_of,
    version,
)

pytestmark = [pytest.mark.journey, pytest.mark.timeout(200)]


@pytest.fixture(scope="module", autouse=True)
def campaign(scene: Scene, tmp_path_factory: pytest.TempPathFactory) -> None:
    """Everybody has a link to decide, and Dora one to confirm a request."""
    put_in_force(scene, SAMPLE / "1.md")
    import_accounts(scene, tmp_path_factory.mktemp("accounts"), crowd=0)
    announce(scene, SAMPLE / "2.md")
    scene.wait("the first notices are out", lambda: version(scene, 2).effective_at)


def test_a_link_cut_short_says_so_and_offers_a_new_one(
    scene: Scene, phones: Callable[[], Page]
) -> None:
    page = phones()
    refused(scene, page, link_to_decide(scene, "alice")[:-5], "This link is incomplete")
    page.get_by_role("link", name="Send me a new link").click()
    page.get_by_label("E-mail address").fill(address("alice"))
    page.get_by_role("button", name="Send the link").click()
    expect(page.get_by_role("heading", name="Thank you")).to_be_visible()
    page.goto(link_in(mail_about(scene, "alice", "Your link"), "/approve/"))
    expect(page.get_by_role("heading", name="Please decide about our privacy")).to_be_visible()


def test_a_forged_link_opens_nothing(scene: Scene, phones: Callable[[], Page]) -> None:
    """P32."""
    link = link_to_decide(scene, "bob")
    tampered = link[:-30] + ("A" if link[-30] != "A" else "B") + link[-29:]
    refused(scene, phones(), tampered, "This link is not valid")


def test_a_link_made_for_something_else_opens_nothing(
    scene: Scene, phones: Callable[[], Page]
) -> None:
    """P32: bound to one purpose."""
    page = phones()
    ask_for_a_copy(page, scene, "carol")
    to_confirm = link_in(mail_about(scene, "carol", "confirm"), "/requests/")
    refused(scene, page, to_confirm.replace("/requests/", "/approve/"), "This link is not valid")
    to_decide = link_to_decide(scene, "carol")
    refused(scene, page, to_decide.replace("/approve/", "/requests/"), "This link is not valid")
    assert request_of(scene, "carol").verified_at is None


def test_a_decision_sent_twice_is_recorded_once(scene: Scene, phones: Callable[[], Page]) -> None:
    """P5."""
    tabs = phones(), phones()
    for tab in tabs:
        tab.goto(link_to_decide(scene, "frieda"))
    for tab in tabs:
        tab.get_by_role("button", name="I decline").click()
        expect(tab.get_by_role("heading", name="You have declined this change")).to_be_visible()
    assert decisions(scene) == 1


def test_an_expired_link_says_so_and_changes_nothing(
    scene: Scene, phones: Callable[[], Page]
) -> None:
    """Links are held against the clock alone: that the workflows follow takes long, and adds
    nothing."""
    page = phones()
    ask_for_a_copy(page, scene, "dora")
    link = link_in(mail_about(scene, "dora", "confirm"), "/requests/")
    expired_at = request_of(scene, "dora").due_at + timedelta(days=61)
    Clock(scene.database, development=True).advance(expired_at - now(scene))
    refused(scene, page, link, "This link has expired")
    assert request_of(scene, "dora").verified_at is None


def refused(scene: Scene, page: Page, link: str, words: str) -> None:
    """Opening the link and posting to it show the same calm page, and nothing is recorded."""
    known = decisions(scene)
    page.goto(link)
    expect(page.get_by_role("heading", name=words)).to_be_visible()
    expect(page.get_by_role("button")).to_have_count(0)
    posted = scene.connections.request("POST", link, fields={"decision": "approved"})
    assert (posted.status // 100, words in posted.data.decode()) == (4, True)
    assert decisions(scene) == known


def link_to_decide(scene: Scene, name: str) -> str:
    return link_in(mail_about(scene, name, "Please decide"), "/approve/")


def decisions(scene: Scene) -> int:
    with scene.database.session() as session:
        return session.exec(select(func.count()).select_from(Approval)).one()
