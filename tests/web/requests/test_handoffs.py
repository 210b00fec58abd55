"""Whoever is signed in at the company's application makes a request without more proof (P25)."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from urllib.parse import urlsplit

import pytest
from httpx import Response
from sqlmodel import select

from database.people.links import LinkUnusable
from database.requests.requests import acknowledge
from database.tables import Account, DataSubjectRequest, Fact, Link, OutboxMail
from domain.requests.data_subject_requests import Intake
from tests.web.api.test_api import made
from tests.web.world import NOW, World, browse
from web.app import create_app

Caller = Mapping[str, str]
FORM = {"kinds": "access", "message": "All of it, please."}


@pytest.fixture
def key(world: World) -> Caller:
    """The header of the company's own application."""
    return made(world, "application")


def hand_over(world: World, key: Caller, who: str = "alice", **other: object) -> Response:
    body = {"external_id": who, "login_at": NOW.isoformat(), **other}
    answer: Response = world.browser.post("/api/v1/handoffs", json=body, headers=key)
    return answer


def handed_over(world: World, key: Caller, who: str = "alice", **other: object) -> str:
    """The path and query of the link of a hand-off."""
    answer = hand_over(world, key, who, **other)
    assert answer.status_code == 201, answer.text
    url: str = answer.json()["url"]
    assert url.startswith(f"{world.settings.company.base_url}/requests/signed-in/")
    parts = urlsplit(url)
    return f"{parts.path}?{parts.query}" if parts.query else parts.path


def requests_made(world: World) -> list[DataSubjectRequest]:
    with world.database.session() as session:
        return list(session.exec(select(DataSubjectRequest)).all())


def test_whoever_is_signed_in_is_verified_at_receipt(world: World, key: Caller) -> None:
    """P19, P25: no question who asks, no mail to confirm it, and the answer goes to the account."""
    path = handed_over(world, key, kinds=["access"])
    page = world.browser.get(path).text
    assert "You are signed in" in page
    assert 'value="access" checked' in page
    assert 'name="contact_address"' not in page
    assert "need nothing more to know that it is you" in world.browser.post(path, data=FORM).text
    [request] = requests_made(world)
    assert request.account_id == world.accounts["alice"].id
    assert (request.contact_email, request.name) == ("alice@example.org", "Alice")
    assert request.verified_by == "login of the company's own application"
    assert request.verified_at == NOW
    assert request.channel == "login"
    assert world.messenger.started == [f"data-subject-request/{request.id}"]
    with world.database.transaction() as transaction:
        steps = [mail.step for mail in transaction.exec(select(OutboxMail)).all()]
        assert "verification" not in steps
        acknowledge(transaction, transaction.get_one(DataSubjectRequest, request.id), NOW)
        assert transaction.get_one(DataSubjectRequest, request.id).state == "work"


def test_a_mail_scanner_that_looks_uses_nothing_up(world: World, key: Caller) -> None:
    """P25: GET shows, POST uses up."""
    path = handed_over(world, key)
    for _ in range(3):
        assert world.browser.get(path).status_code == 200
        assert world.browser.head(path).status_code == 200
    assert requests_made(world) == []
    assert world.browser.post(path, data=FORM).status_code == 200
    assert len(requests_made(world)) == 1


def test_what_is_wrong_in_the_form_uses_nothing_up(world: World, key: Caller) -> None:
    path = handed_over(world, key)
    answer = world.browser.post(path, data={"message": "I forgot what I want"})
    assert answer.status_code == 422
    assert "I forgot what I want" in answer.text
    assert world.browser.post(path, data=FORM).status_code == 200


def test_a_link_makes_one_request_and_says_so(world: World, key: Caller) -> None:
    """P25: a replay is refused in words, looked at or posted."""
    path = handed_over(world, key)
    world.browser.post(path, data=FORM)
    for answer in (world.browser.get(path), world.browser.post(path, data=FORM)):
        assert answer.status_code == 410
        assert "This link has been used" in answer.text
        assert "start again where you are signed in" in answer.text
    assert len(requests_made(world)) == 1


@pytest.mark.parametrize("kind", ["used", "expired"])
def test_the_desk_looks_again_once_the_link_is_its_own(
    world: World, key: Caller, kind: str
) -> None:
    """P25: of two posts at once one makes a request; time may be over meanwhile."""
    handed_over(world, key)
    alice = Intake(name="Alice", contact_address="alice@example.org", kinds=("access",))
    with world.database.session() as session:
        link = session.exec(select(Link).where(Link.purpose == "request-handoff")).one()
    if kind == "used":
        world.desk.receive_signed_in(link.id, alice)
    else:
        world.desk.clock.advance(timedelta(minutes=15))
    before = len(requests_made(world))
    with pytest.raises(LinkUnusable) as refused:
        world.desk.receive_signed_in(link.id, alice)
    assert refused.value.kind == kind
    assert len(requests_made(world)) == before


def test_a_link_is_good_for_a_quarter_of_an_hour(world: World, key: Caller) -> None:
    path = handed_over(world, key)
    world.desk.clock.advance(timedelta(minutes=14, seconds=59))
    assert world.browser.get(path).status_code == 200
    world.desk.clock.advance(timedelta(seconds=1))
    for answer in (world.browser.get(path), world.browser.post(path, data=FORM)):
        assert answer.status_code == 410
        assert "This link has expired" in answer.text
        assert "quarter of an hour" in answer.text
    assert requests_made(world) == []


def test_a_link_is_for_one_account_whatever_is_posted_with_it(world: World, key: Caller) -> None:
    """P19, P25: nobody asks for Bob's data with Alice's login, or has hers sent elsewhere."""
    path = handed_over(world, key, "alice")
    elsewhere = {"name": "Bob", "contact_address": "bob@example.org", "account": "bob"}
    world.browser.post(path, data={**FORM, **elsewhere})
    [request] = requests_made(world)
    assert request.account_id == world.accounts["alice"].id
    assert request.contact_email == "alice@example.org"


def test_a_link_opens_nothing_on_another_website(world: World, key: Caller) -> None:
    """P25, P32: bound to its audience, also where the keys and the database are the same."""
    path = handed_over(world, key)
    elsewhere = world.settings.model_copy(update={"base_url": "https://staging.example.com"})
    app = create_app(elsewhere, database=world.database, desk=world.desk)
    answer = browse(app).get(path)
    assert answer.status_code == 404
    assert "This link is not valid" in answer.text
    assert browse(app).post(path, data=FORM).status_code == 404
    assert requests_made(world) == []


def test_the_token_of_a_handoff_is_no_other_link(world: World, key: Caller) -> None:
    """P32: bound to its purpose."""
    token = handed_over(world, key).rsplit("/", 1)[1]
    for path in (f"/requests/{token}", f"/approve/{token}"):
        assert world.browser.get(path).status_code == 404
    approve = world.link("alice").rsplit("/", 1)[1]
    assert world.browser.get(f"/requests/signed-in/{approve}").status_code == 404
    assert world.browser.get("/requests/signed-in/nonsense").status_code == 404


@pytest.mark.parametrize(
    ("ago", "status", "words"),
    [
        (timedelta(minutes=15), 201, ""),
        (timedelta(minutes=15, seconds=1), 422, "more than 15 minutes old"),
        (timedelta(days=-1), 422, "in the future"),
        (timedelta(days=365 * 2000), 422, "year must lie between"),
    ],
)
def test_a_login_that_is_too_old_proves_nothing(
    world: World, key: Caller, ago: timedelta, status: int, words: str
) -> None:
    answer = hand_over(world, key, login_at=(NOW - ago).isoformat())
    assert answer.status_code == status, answer.text
    assert words in answer.text
    with world.database.session() as session:
        links = session.exec(select(Link).where(Link.purpose == "request-handoff")).all()
    assert len(links) == (1 if status == 201 else 0)


@pytest.mark.parametrize("status", ["closed", "deceased"])
def test_nobody_is_handed_over_who_cannot_be_signed_in(
    world: World, key: Caller, status: str
) -> None:
    with world.database.transaction() as transaction:
        transaction.get_one(Account, world.accounts["bob"].id).status = status
    answer = hand_over(world, key, "bob")
    assert answer.status_code == 409
    assert status in answer.json()["detail"]
    assert hand_over(world, key, "nobody").status_code == 404


def test_only_a_key_that_may_write_hands_anybody_over(world: World) -> None:
    assert hand_over(world, {}).status_code == 401
    assert hand_over(world, made(world, "reader", may_write=False)).status_code == 403


def test_whoever_has_no_address_in_the_account_is_asked_for_one(world: World, key: Caller) -> None:
    with world.database.transaction() as transaction:
        transaction.get_one(Account, world.accounts["carol"].id).email = ""
    path = handed_over(world, key, "carol")
    answer = world.browser.post(path, data=FORM)
    assert answer.status_code == 422
    assert 'name="contact_address"' in answer.text
    world.browser.post(path, data={**FORM, "contact_address": "carol@new.example"})
    [request] = requests_made(world)
    assert request.contact_email == "carol@new.example"
    assert request.verified_at == NOW


def test_the_form_speaks_the_language_of_the_account(world: World, key: Caller) -> None:
    with world.database.transaction() as transaction:
        transaction.get_one(Account, world.accounts["alice"].id).locale = "de-AT"
    assert "Sie sind angemeldet" in world.browser.get(handed_over(world, key)).text


def test_who_handed_over_whom_and_when_they_had_logged_in_stays_on_record(
    world: World, key: Caller
) -> None:
    """P25: with ids alone."""
    path = handed_over(world, key, login_at=(NOW - timedelta(minutes=3)).isoformat())
    world.browser.post(path, data=FORM)
    with world.database.session() as session:
        facts = {fact.kind: fact for fact in session.exec(select(Fact)).all()}
    assert facts["handoff.made"].payload["account"] == str(world.accounts["alice"].id)
    assert facts["handoff.made"].payload["login_at"] == (NOW - timedelta(minutes=3)).isoformat()
    assert facts["handoff.used"].subject_id == facts["handoff.made"].subject_id
    assert facts["request.verified"].payload == {"how": "login of the company's own application"}


def test_production_shows_the_form_on_its_own_address(world: World, key: Caller) -> None:
    """P25: the link begins with the address that people know."""
    settings = world.settings.model_copy(update={"base_url": "https://privacy.example.com"})
    app = create_app(settings, database=world.database, desk=world.desk)
    elsewhere = replace(world, settings=settings, browser=browse(app))
    assert handed_over(elsewhere, key).startswith("/requests/signed-in/")
