"""What the page says of those who do not approve (P5)."""

from datetime import date

from database.tables import PolicyVersion
from tests.own_settings import CLOSING_PAGE
from tests.web.approvals.test_approvals import decide, decisions
from tests.web.world import World, hidden, version


def promise(world: World, what: str, until_on: date | None = None) -> None:
    with world.database.transaction() as transaction:
        row = transaction.get_one(PolicyVersion, version(world, 2).id)
        row.without_approval, row.stay_until_on = what, until_on


def test_the_page_says_until_when_they_stay_in_their_language(world: World) -> None:
    """P5: and that it never governs them without approval; a decline is told the same."""
    promise(world, "stay_until", date(2026, 6, 2))
    page = world.browser.get(world.link("alice")).text
    assert "You stay on version 1, until 2 June 2026 at least." in page
    assert "without your approval the new version never applies to you" in page
    assert "closing your account never depend on this" in page
    german = world.browser.get(f"{world.link('alice')}?lang=de").text
    assert "Sie bleiben bei Version 1, mindestens bis zum 2. Juni 2026." in german
    assert "Without your approval" in decide(world, "bob", "declined").text
    assert "2 June 2026" in world.browser.get(world.link("bob")).text
    assert "2 June 2026" not in decide(world, "alice", "approved").text


def test_a_page_on_which_another_day_stood_decides_nothing(world: World) -> None:
    """P5: the day moved later while it was read."""
    promise(world, "stay_until", date(2026, 6, 2))
    path = world.link("alice")
    stamp = hidden(world.browser.get(path).text, "stamp")
    promise(world, "stay_until", date(2026, 7, 9))
    answer = world.browser.post(path, data={"stamp": stamp, "decision": "declined"})
    assert answer.status_code == 409
    assert "9 July 2026" in answer.text
    assert decisions(world) == []


def test_the_page_offers_to_close_the_account(world: World) -> None:
    """P5."""
    promise(world, "offer_closing")
    page = world.browser.get(world.link("alice")).text
    assert "If you would rather leave, you may close your account." in page
    assert f'<a href="{CLOSING_PAGE}">Close your account</a>' in page
