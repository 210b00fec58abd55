"""What the company asks us before it mails somebody, and is told of an account (P14-P18)."""

from collections.abc import Mapping
from typing import Any

import pytest
from httpx import Response
from sqlmodel import select

from database.requests.restrictions import restrict
from database.tables import PurposeOffer
from domain.people.restrictions import Reason
from tests.web.api.test_api import Caller, made
from tests.web.mail import test_preferences
from tests.web.mail.test_preferences import choose
from tests.web.world import NOW, World, browse
from web.app import create_app

CHECK = "/api/v1/suppressions/check"
settings = test_preferences.settings


@pytest.fixture
def key(world: World) -> Caller:
    """The header of the system that sends newsletters; it may read."""
    return made(world, "newsletters", may_write=False)


def check(world: World, key: Caller, *addresses: str, purpose: str = "newsletter") -> Response:
    answer: Response = world.browser.post(
        CHECK, json={"purpose": purpose, "addresses": [*addresses]}, headers=key
    )
    return answer


def told(answer: Response) -> dict[str, Any]:
    assert answer.status_code == 200, answer.text
    return {one["address"]: one for one in answer.json()["addresses"]}


def path_of(url: str) -> str:
    return url.removeprefix("http://127.0.0.1:8000")


def test_before_each_mail_the_company_asks_and_gets_the_links_it_needs(
    world: World, key: Caller
) -> None:
    """P17: the whole way of a newsletter: asked, sent with its links, refused, asked again."""
    before = told(check(world, key, "Alice@example.org", "eve@example.com"))
    assert [one["suppressed"] for one in before.values()] == [False, False]
    alice, eve = before["Alice@example.org"], before["eve@example.com"]
    assert (eve["preferences_url"], eve["unsubscribe_url"]) == (
        "http://127.0.0.1:8000/requests/new",
        None,
    )
    assert world.browser.get(path_of(alice["preferences_url"])).status_code == 200
    press = {"List-Unsubscribe": "One-Click"}
    assert world.browser.post(path_of(alice["unsubscribe_url"]), data=press).status_code == 200
    after = told(check(world, key, "alice@example.org"))["alice@example.org"]
    assert (after["suppressed"], after["reason"]) == (True, "refused")
    other = told(check(world, key, "alice@example.org", purpose="offers"))
    assert not other["alice@example.org"]["suppressed"]


@pytest.mark.parametrize("kind", ["marketing_opt_out", "objection_marketing"])
def test_a_request_from_the_form_stops_it_at_once_for_anybody(
    world: World, key: Caller, kind: str
) -> None:
    """P15, P17: no identity, no account and no person of ours is needed."""
    for address in ("alice@example.org", "eve@example.com"):
        form = {"kinds": kind, "contact_address": address}
        world.browser.post("/requests/new", data=form)
    for purpose, stopped in (("newsletter", True), ("profiling", kind == "objection_marketing")):
        found = told(check(world, key, "ALICE@example.org", "eve@example.com", purpose=purpose))
        assert {one["suppressed"] for one in found.values()} == {stopped}


def test_a_new_purpose_is_closed_until_the_company_says_that_it_offered_the_choice(
    world: World, key: Caller
) -> None:
    """P17: or until somebody chose on their page."""
    addresses = "alice@example.org", "bob@example.org", "carol@example.org"
    writes = made(world, "crm")
    found = told(check(world, key, *addresses, purpose="partners"))
    assert {one["reason"] for one in found.values()} == {"not_offered"}
    for new in (1, 0):
        answer = world.browser.post(
            "/api/v1/purposes/partners/offers", json={"accounts": ["alice"]}, headers=writes
        )
        assert (answer.status_code, answer.json()["new"]) == (200, new)
    choose(world, "partners", name="bob")
    found = told(check(world, key, *addresses, purpose="partners"))
    assert [one["suppressed"] for one in found.values()] == [False, False, True]


@pytest.mark.parametrize(
    ("purpose", "accounts", "status"),
    [
        ("partners", ["alice", "nobody"], 404),
        ("newsletter", ["alice"], 409),
        ("surveys", ["alice"], 409),
        ("catalogue", ["alice"], 422),
        ("partners", [], 422),
        ("partners", ["a"] * 1001, 422),
    ],
)
def test_an_offer_that_cannot_be_true_is_refused_whole(
    world: World, purpose: str, accounts: list[str], status: int
) -> None:
    answer = world.browser.post(
        f"/api/v1/purposes/{purpose}/offers",
        json={"accounts": accounts},
        headers=made(world, "crm"),
    )
    assert answer.status_code == status, answer.text
    with world.database.session() as session:
        assert session.exec(select(PurposeOffer)).all() == []


def test_a_key_that_may_only_read_offers_nothing(world: World, key: Caller) -> None:
    body = {"accounts": ["alice"]}
    answer = world.browser.post("/api/v1/purposes/partners/offers", json=body, headers=key)
    assert answer.status_code == 403


@pytest.mark.parametrize(
    "body",
    [
        {"purpose": "catalogue", "addresses": ["alice@example.org"]},
        {"purpose": "newsletter", "addresses": []},
        {"purpose": "newsletter", "addresses": ["a@example.org"] * 1001},
        {"purpose": "newsletter", "addresses": ["x" * 300]},
        {"purpose": "newsletter", "addresses": ["a\0@example.org"]},
        {"purpose": "newsletter"},
        {"addresses": ["alice@example.org"]},
    ],
)
def test_what_cannot_be_checked_is_refused_whole_and_repeats_no_address(
    world: World, key: Caller, body: Mapping[str, object]
) -> None:
    answer = world.browser.post(CHECK, json=body, headers=key)
    assert answer.status_code == 422
    assert answer.headers["content-type"] == "application/problem+json"
    assert "example.org" not in answer.text
    assert answer.json()["faults"]


def test_a_thousand_addresses_are_answered_in_the_order_given(world: World, key: Caller) -> None:
    many = [f"{number}@example.org" for number in range(999)] + ["bob@example.org"]
    found = check(world, key, *many).json()["addresses"]
    assert [one["address"] for one in found] == many


def test_without_a_key_and_too_often_nothing_is_told(world: World, key: Caller) -> None:
    """P32."""
    assert check(world, {}, "alice@example.org").status_code == 401
    slow = world.settings.model_copy(update={"api_rate_limit": 2})
    browser = browse(create_app(slow, database=world.database, desk=world.desk))
    body = {"purpose": "newsletter", "addresses": ["alice@example.org"]}
    codes = [browser.post(CHECK, json=body, headers=key).status_code for _ in range(3)]
    assert codes[0] == 200
    assert codes[-1] == 429


def test_other_systems_ask_whether_an_account_is_restricted(world: World, key: Caller) -> None:
    """P14, P15, P18: why and since when, and which uses are stopped."""
    path = "/api/v1/accounts/alice/restrictions"
    free = world.browser.get(path, headers=key).json()
    assert (free["restricted"], free["restrictions"]) == (False, [])
    assert {name for name, stopped in free["suppressed"].items() if stopped} == {
        "partners",
        "surveys",
    }
    with world.database.transaction() as transaction:
        restrict(transaction, [world.accounts["alice"].id], Reason.MINOR_REPORT, now=NOW)
    said = world.browser.get(path, headers=key).json()
    assert said["restricted"]
    assert said["restrictions"][0]["reason"] == "minor_report"
    assert said["restrictions"][0]["since"] == "2026-03-02T09:00:00Z"
    assert all(said["suppressed"].values())
    assert {"sharing", "profiling", "newsletter"} <= said["suppressed"].keys()
    assert world.browser.get(path.replace("alice", "nobody"), headers=key).status_code == 404


def test_whoever_adds_an_account_gets_the_link_to_its_choices(world: World) -> None:
    """P17: for the mails of the company's own."""
    answer = world.browser.put(
        "/api/v1/accounts/dora", json={"email": "dora@example.org"}, headers=made(world, "crm")
    )
    assert answer.status_code == 201
    assert world.browser.get(path_of(answer.json()["preferences_url"])).status_code == 200
