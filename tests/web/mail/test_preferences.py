"""What people may be mailed for: chosen on a page without login, stopped with one press (P17)."""

import re
from pathlib import Path

import pytest
from httpx import Response
from sqlmodel import select

from database.people.links import APPROVE, PREFERENCES, UNSUBSCRIBE
from database.requests.marketing import refused_by
from database.requests.restrictions import restrict
from database.tables import Account, MarketingRefusal, PurposeOffer
from domain.people.marketing import MARKETING, OBJECTION
from domain.people.restrictions import Reason
from mail.links import make_token
from settings import Settings
from tests.web.mail.test_unsubscribe import link_of
from tests.web.world import NOW, World

ALL = ("newsletter", "offers", "partners")
PURPOSES = """
[newsletter]
en = "News, <monthly>"
de = "Neuigkeiten"
[offers]
en = "Offers"
de = "Angebote"
[partners]
offered_from = 2026-03-01
en = "Offers of others"
de = "Angebote anderer"
[surveys]
offered_from = 2027-01-01
en = "Surveys"
de = "Umfragen"
"""


@pytest.fixture
def settings(settings: Settings, tmp_path: Path) -> Settings:
    """A company with a purpose that came this month, and one that comes next year."""
    file = tmp_path / "marketing.toml"
    file.write_text(PURPOSES, "utf-8")
    return settings.model_copy(update={"marketing_file": str(file)})


def token(world: World, name: str = "alice") -> str:
    return make_token(PREFERENCES, world.accounts[name].id.bytes, world.settings.link_key_bytes)


def path(world: World, name: str = "alice") -> str:
    return f"/preferences/{token(world, name)}"


def one(world: World, purpose: str = "newsletter", name: str = "alice") -> str:
    return f"/unsubscribe/{purpose}/{token(world, name)}"


def choose(
    world: World, *allowed: str, shown: tuple[str, ...] = ALL, name: str = "alice"
) -> Response:
    """Save a choice."""
    fields = {"shown": list(shown), "allowed": list(allowed)}
    answer: Response = world.browser.post(path(world, name), data=fields, follow_redirects=False)
    return answer


def refused(world: World, name: str = "alice") -> frozenset[str]:
    with world.database.session() as session:
        account = session.get_one(Account, world.accounts[name].id)
        return refused_by(session, account, world.settings.suppression_key_bytes)


def marked(page: str) -> list[str]:
    """Which purposes are marked on a page."""
    return re.findall(r'name="allowed" value="(\w+)" checked', page)


def test_the_page_shows_each_purpose_and_changes_nothing(world: World) -> None:
    """P17: a purpose whose day is to come is not on it, and a new one is not marked."""
    page = world.browser.get(path(world))
    assert page.status_code == 200
    assert "News, &lt;monthly&gt;" in page.text
    assert "Surveys" not in page.text
    assert re.findall(r'name="allowed" value="(\w+)"', page.text) == [*ALL]
    assert marked(page.text) == ["newsletter", "offers"]
    assert world.browser.head(path(world)).status_code == 200
    assert page.headers["cache-control"] == "no-store"
    assert refused(world) == frozenset()
    with world.database.session() as session:
        assert session.exec(select(PurposeOffer)).all() == []


def test_a_choice_holds_at_once_and_can_be_changed(world: World) -> None:
    """P17: without login, for each purpose by itself."""
    answer = choose(world, "offers")
    assert answer.status_code == 200
    assert "Your choice is saved." in answer.text
    assert marked(answer.text) == ["offers"]
    assert refused(world) == {"newsletter", "partners"}
    assert marked(choose(world, "newsletter", "partners").text) == ["newsletter", "partners"]
    assert refused(world) == {"offers"}
    assert refused(world, "bob") == frozenset()


def test_none_marked_refuses_all_of_it_and_what_may_come(world: World) -> None:
    """P17."""
    answer = choose(world)
    assert refused(world) == {MARKETING, *ALL}
    assert marked(answer.text) == []
    assert "Send me no marketing at all" not in answer.text


def test_what_the_page_did_not_show_is_not_chosen_about(world: World) -> None:
    """P17: a page that was open since last year, and a form that somebody made up."""
    choose(world, "newsletter", "surveys", "nonsense", shown=("newsletter", "surveys", "nonsense"))
    assert refused(world) == frozenset()
    with world.database.session() as session:
        assert [row.purpose for row in session.exec(select(PurposeOffer)).all()] == ["newsletter"]


def test_one_press_in_the_mail_program_stops_one_purpose(world: World) -> None:
    """RFC 8058: no cookie, no page before it, no redirect after; GET only asks."""
    page = world.browser.get(one(world)).text
    assert "No more of these messages?" in page
    assert refused(world) == frozenset()
    for _ in range(2):
        answer = world.browser.post(
            one(world), data={"List-Unsubscribe": "One-Click"}, follow_redirects=False
        )
        assert answer.status_code == 200
        assert "You get no more of these messages" in answer.text
    assert path(world) in answer.text
    assert refused(world) == {"newsletter"}
    with world.database.session() as session:
        rows = session.exec(select(MarketingRefusal)).all()
    assert {(row.how, row.refused_at) for row in rows} == {("one_click", NOW)}


def test_the_links_work_whatever_becomes_of_account_and_keys(world: World) -> None:
    """P17: closed, or signed with a key that signs no more."""
    old = path(world)
    with world.database.transaction() as transaction:
        account = transaction.get_one(Account, world.accounts["alice"].id)
        account.status, account.email = "closed", "elsewhere@example.org"
    assert world.browser.post(old, data={"shown": ["newsletter"]}).status_code == 200
    assert "newsletter" in refused(world)


def test_a_link_for_one_thing_is_none_for_the_other(world: World) -> None:
    """P32."""
    keys = world.settings.link_key_bytes
    nonce = link_of(world, "alice").nonce
    for purpose in (APPROVE, UNSUBSCRIBE):
        foreign = make_token(purpose, nonce, keys)
        assert world.browser.post(f"/preferences/{foreign}").status_code == 404
        assert world.browser.post(f"/unsubscribe/newsletter/{foreign}").status_code == 404
    assert world.browser.get(f"/unsubscribe/{token(world)}").status_code == 404
    nobody = make_token(PREFERENCES, b"n" * 16, keys)
    answer = world.browser.get(f"/preferences/{nobody}")
    assert answer.status_code == 404
    assert "it stops at once, without a link" in answer.text


def test_a_purpose_that_is_not_declared_is_no_page(world: World) -> None:
    assert world.browser.post(one(world, "catalogue")).status_code == 404
    assert refused(world) == frozenset()


def test_the_page_says_what_an_objection_and_a_restriction_do(world: World) -> None:
    """P14, P15: and neither is taken back on it."""
    form = {"kinds": "objection_marketing", "contact_address": "alice@example.org"}
    world.browser.post("/requests/new", data=form)
    with world.database.transaction() as transaction:
        restrict(transaction, [world.accounts["alice"].id], Reason.REQUESTED, now=NOW)
    page = choose(world, "newsletter").text
    assert "You objected to the use of your data for marketing" not in page  # mail is allowed again
    assert "is restricted just now" in page
    assert refused(world) >= {*OBJECTION[1:]}


def test_the_page_speaks_the_language_of_the_account(world: World) -> None:
    with world.database.transaction() as transaction:
        transaction.get_one(Account, world.accounts["alice"].id).locale = "de-AT"
    page = world.browser.get(path(world)).text
    assert "Worüber wir Ihnen schreiben dürfen" in page
    assert "Angebote anderer" in page


def test_the_page_to_stop_reminders_leads_to_this_one(world: World) -> None:
    """P17: one press there stops reminders, and all else is chosen here."""
    address = f"/unsubscribe/{world.token(UNSUBSCRIBE, link_of(world, 'alice'))}"
    assert path(world) in world.browser.get(address).text
