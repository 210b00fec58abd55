"""What the page says of those who do not approve (P5)."""

from datetime import date

import pytest

from database.tables import PolicyVersion
from tests.own_settings import CLOSING_PAGE
from tests.web.approvals.test_approvals import decide, decisions
from tests.web.world import World, hidden, version


def done_box(page: str) -> str:
    """What is said where a decision is recorded, its lines joined."""
    return " ".join(page.partition('<aside class="done')[2].partition("</aside>")[0].split())


def promise(world: World, what: str, until_on: date | None = None) -> None:
    with world.database.transaction() as transaction:
        row = transaction.get_one(PolicyVersion, version(world, 2).id)
        row.without_approval, row.stay_until_on = what, until_on


def test_the_page_says_until_when_they_stay_in_their_language(world: World) -> None:
    """P5: and that it never governs them without approval."""
    promise(world, "stay_until", date(2026, 6, 2))
    page = world.browser.get(world.link("alice")).text
    assert "You stay on version 1, until 2 June 2026 at least." in page
    assert "without your approval the new version never applies to you" in page
    assert "closing your account never depend on this" in page
    german = world.browser.get(f"{world.link('alice')}?lang=de").text
    assert "Sie bleiben bei Version 1, mindestens bis zum 2. Juni 2026." in german
    assert "2 June 2026" not in decide(world, "alice", "approved").text


@pytest.mark.parametrize(
    ("language", "told"),
    [
        (
            "en",
            (
                "You stay on version 1, until 2 June 2026 at least. After that day we may end our "
                "contract with you; without your approval the new version never applies to you. "
                "We will not remind you."
            ),
        ),
        (
            "de",
            (
                "Sie bleiben bei Version 1, mindestens bis zum 2. Juni 2026. Nach diesem Tag "
                "können wir unseren Vertrag mit Ihnen beenden; ohne Ihre Zustimmung gilt die neue "
                "Version für Sie nie. Wir erinnern Sie nicht."
            ),
        ),
    ],
)
def test_the_box_of_a_decline_says_that_the_contract_may_end(
    world: World, language: str, told: str
) -> None:
    """P5: where it is recorded, not only below."""
    promise(world, "stay_until", date(2026, 6, 2))
    declined = decide(world, "bob", "declined").text
    assert "2 June 2026" in done_box(declined)
    again = world.browser.get(f"{world.link('bob')}?lang={language}").text
    assert told in done_box(again)
    assert again.count(told.partition(".")[0]) == 1


def test_the_box_of_a_decline_offers_to_close_the_account(world: World) -> None:
    """P5."""
    promise(world, "offer_closing")
    box = done_box(decide(world, "bob", "declined").text)
    assert "If you would rather leave, you may close your account." in box
    assert f'<a href="{CLOSING_PAGE}">Close your account</a>' in box
    assert "closing your account never depend on this" in box


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
