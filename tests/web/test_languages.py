"""Pages in the language of whoever reads them, and no word about it that is not in the address."""

import json
import re

import pytest
from sqlmodel import select

from database.people.links import REQUEST_STATUS, REQUEST_VERIFY
from database.tables import Account, Approval, DataSubjectRequest, Link, OutboxMail
from settings import Settings
from tests.web.approvals.test_approvals import decide
from tests.web.requests.test_requests import ask, path, stored
from tests.web.world import NOW, World, browse, hidden
from web.app import create_app

POLICY = "/policies/privacy-policy"
PUBLIC = (
    "/",
    POLICY,
    f"{POLICY}/versions",
    f"{POLICY}/versions/2",
    f"{POLICY}/changes/1/2",
    f"{POLICY}/on/2026-02-01",
    "/requests/new",
    "/approve/new-link",
)
GERMAN = {"Accept-Language": "fr, de-CH;q=0.9, en;q=0.5"}


def speaks(world: World, name: str, locale: str, time_zone: str | None = None) -> None:
    """Let an account holder's locale be this."""
    with world.database.transaction() as transaction:
        account = transaction.get_one(Account, world.accounts[name].id)
        account.locale, account.time_zone = locale, time_zone


@pytest.mark.parametrize("page", [*PUBLIC, "/nowhere", "/approve/cut-short"])
def test_a_page_speaks_what_the_browser_likes_unless_its_address_says_otherwise(
    world: World, page: str
) -> None:
    plain = world.browser.get(page)
    german = world.browser.get(page, headers=GERMAN)
    asked = world.browser.get(f"{page}?lang=en", headers=GERMAN)
    assert '<html lang="en">' in plain.text
    assert '<html lang="de">' in german.text
    assert '<html lang="en">' in asked.text
    for answer in (plain, german, asked):
        assert "Accept-Language" in answer.headers["vary"]
        assert "set-cookie" not in answer.headers
    assert plain.status_code == german.status_code == asked.status_code


@pytest.mark.parametrize(
    "lang", ["", "fr", "xx", "../../etc/passwd", "x" * 300, "de\0", "<script>"]
)
def test_a_language_that_we_do_not_speak_is_as_if_none_was_named(world: World, lang: str) -> None:
    answer = world.browser.get("/", params={"lang": lang})
    assert answer.status_code == 200
    assert '<html lang="en">' in answer.text
    assert "?lang=x" not in answer.text
    assert "<script" not in answer.text


@pytest.mark.parametrize("page", PUBLIC)
def test_the_links_of_a_page_keep_the_language_of_its_address(world: World, page: str) -> None:
    """Remembered nowhere else, and switched by a link, without scripts."""
    german = world.browser.get(f"{page}?lang=de").text
    links = re.findall(r'href="(/(?!static)[^"]*)"', german)
    assert links
    assert all(link.endswith("?lang=de") for link in links), links
    assert 'href="?lang=en" hreflang="en" lang="en">English</a>' in german
    assert "?lang=" not in "".join(
        re.findall(r'href="(/[^"]*)"', world.browser.get(page, headers=GERMAN).text)
    )


def test_a_german_page_says_that_the_english_text_is_the_binding_one(world: World) -> None:
    """The policy stays in the language it was written in, and is marked as such."""
    for page in (POLICY, f"{POLICY}/changes/1/2", world.link("alice")):
        german = world.browser.get(f"{page}?lang=de").text
        assert "Verbindlich ist der Text auf Englisch." in german
        assert ' lang="en">' in german.partition("</header>")[2]
        assert "binding" not in world.browser.get(f"{page}?lang=en").text


def test_dates_and_states_are_those_of_the_language(world: World) -> None:
    german = world.browser.get(f"{POLICY}?lang=de").text
    assert "Datenschutzerklärung, Version 1, in Kraft seit dem 5. Januar 2026" in german
    assert "tritt nicht vor dem <strong>3. April 2026</strong> in Kraft" in german
    assert "angekündigt" in world.browser.get(f"{POLICY}/versions?lang=de").text
    missing = world.browser.get(f"{POLICY}/on/2020-01-01?lang=de").text
    assert "Am 1. Januar 2020 war keine Version dieser Richtlinie in Kraft." in missing
    assert "Das ist kein Datum" in world.browser.get(f"{POLICY}/on/gestern?lang=de").text


def test_feed_and_notice_speak_the_language_too(world: World) -> None:
    """P3: other sites show the notice to their readers."""
    assert 'xml:lang="de"' in world.browser.get(f"{POLICY}/feed.atom", headers=GERMAN).text
    notice = world.browser.get(f"{POLICY}/notice.json", headers=GERMAN)
    assert json.loads(notice.text)["notice"]["when"] == (
        "Sie tritt nicht vor dem 3. April 2026 in Kraft."
    )
    in_german = world.browser.get(f"{POLICY}/notice.json?lang=de").json()["notice"]["url"]
    assert in_german.endswith("/changes/1/2?lang=de"), "whoever read it in German reads on in it"
    assert notice.headers["vary"] == "Accept-Language"
    script = json.dumps("Wir ändern unsere Datenschutzerklärung.")
    assert script in world.browser.get(f"{POLICY}/notice.js?lang=de").text


def test_the_page_behind_a_link_speaks_the_language_of_the_account(world: World) -> None:
    """P5: before what the browser likes, and after what the address says."""
    speaks(world, "alice", "de-AT")
    page = world.browser.get(world.link("alice"), headers={"Accept-Language": "en"}).text
    assert '<html lang="de">' in page
    assert "Guten Tag Alice." in page
    assert "Ich stimme der Änderung zu" in page
    assert "tritt nicht vor dem 3. April 2026 in Kraft" in page
    assert f'href="{POLICY}/versions/1?lang=de"' in page, "the next page goes on in German"
    assert "I approve" in world.browser.get(f"{world.link('alice')}?lang=en").text


@pytest.mark.parametrize("locale", ["fr", "xx", "../../etc", "x" * 300])
def test_an_account_whose_language_we_do_not_speak_is_left_to_the_browser(
    world: World, locale: str
) -> None:
    speaks(world, "alice", locale)
    assert '<html lang="en">' in world.browser.get(world.link("alice")).text
    assert '<html lang="de">' in world.browser.get(world.link("alice"), headers=GERMAN).text


def test_a_decision_is_recorded_with_the_language_that_was_shown(world: World) -> None:
    """P5, P6: of what was approved, in which words."""
    speaks(world, "bob", "de")
    assert "You have approved this change" in decide(world, "alice", "approved").text
    page = decide(world, "bob", "declined").text
    assert "Sie haben diese Änderung abgelehnt" in page
    assert "Festgehalten am <time" in page
    assert "2. März 2026, 10:00 Uhr (Europe/Berlin)</time>." in page
    with world.database.session() as session:
        rows = session.exec(select(Approval)).all()
    assert {row.account_id: row.language for row in rows} == {
        world.accounts["alice"].id: "en",
        world.accounts["bob"].id: "de",
    }


def test_a_page_in_one_language_decides_nothing_on_that_in_another(world: World) -> None:
    """P5: the stamp says in which words the change was shown."""
    english = world.link("alice")
    stamp = hidden(world.browser.get(english).text, "stamp")
    data = {"stamp": stamp, "decision": "approved"}
    answer = world.browser.post(f"{english}?lang=de", data=data)
    assert answer.status_code == 409
    assert "Ihre Entscheidung ist noch nicht festgehalten." in answer.text
    data["stamp"] = hidden(answer.text, "stamp")
    again = world.browser.post(f"{english}?lang=de", data=data, follow_redirects=False)
    assert again.headers["location"] == f"{english}?lang=de"
    with world.database.session() as session:
        assert session.exec(select(Approval.language)).all() == ["de"]


def test_when_somebody_decided_stands_in_their_own_time_zone(world: World) -> None:
    """The promise is midnight at the company; what a person did is told by their own clock."""
    speaks(world, "alice", "en", "America/New_York")
    page = decide(world, "alice", "approved").text
    assert "Recorded on <time" in page
    assert "2 March 2026, 04:00 (America/New_York)" in page
    assert "not before 3 April 2026" in page


def test_a_request_made_on_a_german_page_is_answered_for_in_german(world: World) -> None:
    """P26: receipt, mail and page; problems too, and what was typed is kept."""
    wrong = world.browser.post("/requests/new?lang=de", data={"contact_address": "alice"}).text
    assert "Bitte geben Sie eine E-Mail-Adresse wie name@example.com an." in wrong
    assert "sehen Sie sich die markierten Felder an" in wrong
    form = {"name": "Eve", "kinds": "access", "contact_address": "eve@example.com"}
    receipt = world.browser.post("/requests/new?lang=de", data=form)
    assert receipt.url.query == b"lang=de"
    assert "Unsere Antwort erhalten Sie bis zum" in receipt.text
    assert stored(world).language == "de"
    status = world.browser.get(path(world, REQUEST_STATUS)).text
    assert "Worum Sie bitten" in status
    assert "eine Kopie Ihrer personenbezogenen Daten" in status
    assert "Artikel 79 DSGVO" in status


def test_whether_we_know_somebody_shows_in_no_language(world: World) -> None:
    """P19: Alice's account is German, whoever asks in her name on an English page reads English."""
    speaks(world, "alice", "de")
    receipt = ask(world).text
    assert '<html lang="en">' in receipt
    assert '<html lang="en">' in world.browser.get(path(world, REQUEST_STATUS)).text
    assert '<html lang="de">' in world.browser.get(path(world, REQUEST_VERIFY)).text
    with world.database.session() as session:
        languages = {row.step: row.language for row in session.exec(select(OutboxMail)).all()}
    assert languages == {"acknowledgement": "en", "verification": "de"}


def test_the_day_of_an_answer_is_that_of_the_persons_law(world: World) -> None:
    """P21: a limit that ends at midnight in Seoul ends on the day before there."""
    ask(world, country="KR")
    with world.database.transaction() as transaction:
        request = transaction.get_one(DataSubjectRequest, stored(world).id)
        request.time_zone = "Asia/Seoul"
        request.received_at = request.received_at.replace(hour=20)
    page = world.browser.get(path(world, REQUEST_STATUS)).text
    assert "3 March 2026, 05:00 (Asia/Seoul)" in page


def test_countries_stand_under_their_names_in_the_order_of_the_alphabet(world: World) -> None:
    page = world.browser.get("/requests/new?lang=de").text
    names = re.findall(r'<option value="([A-Z-]+)">([^<]+)</option>', page)
    assert ("AT", "Österreich") in names
    assert ("US-CA", "Vereinigte Staaten: Kalifornien") in names
    order = [name for _, name in names]
    assert order.index("Oman") < order.index("Österreich") < order.index("Pakistan")
    assert len(names) == len(set(names)) > 190
    assert all(len(name) > 3 for name in order)


def test_staff_pages_are_english_whatever_the_browser_likes(world: World) -> None:
    for page in ("/staff/sign-in", "/staff/nowhere"):
        answer = world.browser.get(page, headers=GERMAN)
        assert '<html lang="en">' in answer.text
        assert "?lang=" not in answer.text


def test_a_company_of_one_language_offers_no_switch(world: World) -> None:
    """The first language is that of the policies, and of everybody who reads none of the others."""
    settings = Settings.model_validate({**world.settings.model_dump(), "languages": ("de",)})
    browser = browse(create_app(settings, database=world.database, desk=world.desk))
    page = browser.get(POLICY, headers={"Accept-Language": "en"}).text
    assert '<html lang="de">' in page
    assert "?lang=" not in page
    assert "Verbindlich" not in page


def test_a_new_link_is_sent_in_the_language_of_the_account(world: World) -> None:
    """P4: not in that of whoever typed the address in."""
    speaks(world, "alice", "de")
    world.browser.post("/approve/new-link?lang=en", data={"email": "alice@example.org"})
    with world.database.session() as session:
        mail = session.exec(select(OutboxMail)).one()
    assert (mail.template, mail.language) == ("approval_link_again", "de")


def test_a_link_that_was_given_back_says_so_in_the_language_of_the_account(world: World) -> None:
    """P32: only a link that was ours tells it; a forged one speaks the browser's language."""
    speaks(world, "alice", "de")
    link = world.link("alice")
    with world.database.transaction() as transaction:
        row = transaction.exec(
            select(Link).where(Link.account_id == world.accounts["alice"].id)
        ).one()
        row.expires_at = NOW
    closed = world.browser.get(link)
    assert closed.status_code == 410
    assert "Dieser Link wurde zurückgegeben" in closed.text
    assert "This link is" in world.browser.get(link[:-1] + "~").text
