"""No more reminders: one press, for ever, and nothing else stops (P17)."""

import pytest
from httpx import Response
from sqlmodel import select

from database.people.links import APPROVE, UNSUBSCRIBE
from database.tables import Campaign, Link, PolicyVersion, ReminderOptOut
from mail.links import make_token
from tests.web.world import NOW, World


def link_of(world: World, name: str) -> Link:
    with world.database.session() as session:
        account_id = world.accounts[name].id
        return session.exec(
            select(Link).where(Link.account_id == account_id, Link.purpose == APPROVE)
        ).one()


def path(world: World, name: str = "alice") -> str:
    return f"/unsubscribe/{world.token(UNSUBSCRIBE, link_of(world, name))}"


def opted_out(world: World) -> list[ReminderOptOut]:
    with world.database.session() as session:
        return list(session.exec(select(ReminderOptOut)).all())


def press(world: World, address: str) -> Response:
    answer: Response = world.browser.post(address, follow_redirects=False)
    return answer


def test_opening_the_page_stops_nothing(world: World) -> None:
    """Scanners open every link."""
    page = world.browser.get(path(world)).text
    assert "Send me no more reminders" in page
    assert "cannot be unsubscribed" in page
    assert world.browser.head(path(world)).status_code == 200
    assert opted_out(world) == []


def test_one_press_stops_reminders_and_says_what_stays(world: World) -> None:
    """P17: the page says since when, and pressing again changes nothing."""
    for _ in range(2):
        answer = press(world, path(world))
        assert answer.status_code == 200
        assert "You get no more reminders" in answer.text
        assert "We still tell you once of each change" in answer.text
    (row,) = opted_out(world)
    assert (row.account_id, row.how, row.opted_out_at) == (
        world.accounts["alice"].id,
        "page",
        NOW,
    )
    assert "You get no more reminders" in world.browser.get(path(world)).text


@pytest.mark.parametrize("multipart", [False, True])
def test_a_mail_program_does_it_by_itself(world: World, multipart: bool) -> None:
    """RFC 8058: either kind of form, no cookie, no page before it, no redirect after."""
    said = {"List-Unsubscribe": (None, "One-Click")} if multipart else None
    form = None if multipart else {"List-Unsubscribe": "One-Click"}
    answer = world.browser.post(path(world), data=form, files=said, follow_redirects=False)
    assert answer.status_code == 200
    assert [row.how for row in opted_out(world)] == ["one_click"]


def test_it_works_after_the_campaign_and_when_the_link_to_approve_was_replaced(
    world: World,
) -> None:
    """P17: such links never expire."""
    address = path(world)
    alice, bob = link_of(world, "alice"), link_of(world, "bob")
    with world.database.transaction() as transaction:
        link = transaction.get_one(Link, alice.id)
        link.successor_id, link.expires_at = bob.id, NOW
        campaign = transaction.exec(select(Campaign)).one()
        campaign.state = "finished"
        transaction.get_one(PolicyVersion, campaign.policy_version_id).state = "superseded"
    assert press(world, address).status_code == 200
    assert [row.account_id for row in opted_out(world)] == [world.accounts["alice"].id]


def test_a_link_for_one_thing_is_none_for_the_other(world: World) -> None:
    """P32."""
    keys = world.settings.link_key_bytes
    approve = make_token(APPROVE, link_of(world, "alice").nonce, keys)
    assert press(world, f"/unsubscribe/{approve}").status_code == 404
    unsubscribe = make_token(UNSUBSCRIBE, link_of(world, "alice").nonce, keys)
    assert world.browser.get(f"/approve/{unsubscribe}").status_code == 404
    assert opted_out(world) == []


def test_a_link_that_is_none_of_ours_is_answered_in_words(world: World) -> None:
    for token in ("x", "A" * 43, make_token(UNSUBSCRIBE, b"n" * 16, [b"k" * 32])):
        answer = press(world, f"/unsubscribe/{token}")
        assert answer.status_code == 404
        assert "If you want no more reminders" in answer.text
    unknown = make_token(UNSUBSCRIBE, b"n" * 16, world.settings.link_key_bytes)
    assert press(world, f"/unsubscribe/{unknown}").status_code == 404
