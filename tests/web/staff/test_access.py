"""Who may come into the staff console, and what each role finds there (P30)."""

import pytest

from tests.web.world import NOW, World, browse, form_key
from web.app import create_app
from web.staff.access import _local

VERSION_2 = "/staff/policies/privacy-policy/versions/2"


@pytest.mark.parametrize(
    "path", ["/staff", "/staff/policies", VERSION_2, "/staff/requests", "/staff/ops"]
)
def test_strangers_are_shown_the_door(world: World, path: str) -> None:
    """P30: every page of the console asks who is there, and leads back afterwards."""
    answer = world.browser.get(path, follow_redirects=False)
    assert answer.status_code == 303
    assert answer.headers["location"] == f"/staff/sign-in?next={path}"


def test_a_wrong_token_opens_nothing(world: World) -> None:
    key = form_key(world.browser.get("/staff/sign-in").text)
    answer = world.browser.post("/staff/sign-in", data={"form_key": key, "token": "pk_staff_x"})
    assert answer.status_code == 403
    assert "not valid" in answer.text
    assert "pk_staff_x" not in answer.text


def test_a_personal_token_leads_to_what_waits(world: World) -> None:
    world.enter_as("lena")
    page = world.browser.get("/staff").text
    assert "Lena" in page
    assert "Privacy policy, version 2" in page


def test_the_handle_alone_is_enough_only_in_development(world: World) -> None:
    """P30: outside development there is no way in without a token."""
    key = form_key(world.browser.get("/staff/sign-in").text)
    world.browser.post("/staff/sign-in", data={"form_key": key, "handle": "priya"})
    assert "Priya" in world.browser.get("/staff").text
    production = world.settings.model_copy(
        update={"environment": "production", "base_url": "https://example.com"}
    )
    app = create_app(production, database=world.database, desk=world.desk)
    browser = browse(app, "https://example.com")
    page = browser.get("/staff/sign-in")
    assert "Priya" not in page.text
    fields = {"form_key": form_key(page.text), "handle": "priya"}
    assert browser.post("/staff/sign-in", data=fields).status_code == 403
    cookie = page.headers["set-cookie"]
    assert {"httponly", "secure", "samesite=lax", "path=/staff"} <= {
        part.strip().lower() for part in cookie.split(";")
    }


def test_a_handle_that_nobody_can_have_opens_nothing(world: World) -> None:
    key = form_key(world.browser.get("/staff/sign-in").text)
    answer = world.browser.post("/staff/sign-in", data={"form_key": key, "handle": "pri\x00ya"})
    assert answer.status_code == 403


def test_whoever_left_the_company_is_out_at_once(world: World) -> None:
    world.enter_as("lena")
    with world.database.transaction() as transaction:
        member = transaction.merge(world.staff["lena"])
        member.left_at = NOW
    assert world.browser.get("/staff", follow_redirects=False).status_code == 303


def test_signing_out_ends_the_session(world: World) -> None:
    world.enter_as("lena")
    world.post("/staff", "/staff/sign-out")
    assert world.browser.get("/staff", follow_redirects=False).status_code == 303


@pytest.mark.parametrize(
    "path", ["https://example.com", "//example.com", "/staff//example.com", "/staff\\x", "/"]
)
def test_nobody_is_led_elsewhere_after_signing_in(path: str) -> None:
    assert _local(path) == "/staff"
    assert _local(VERSION_2) == VERSION_2


@pytest.mark.parametrize(
    ("handle", "path", "status"),
    [
        ("lena", "/staff/policies", 200),
        ("lena", "/staff/requests", 403),
        ("lena", "/staff/ops", 403),
        ("priya", "/staff/requests", 200),
        ("priya", "/staff/policies", 403),
        ("otto", "/staff/ops", 200),
        ("otto", "/staff/requests", 403),
    ],
)
def test_everybody_sees_what_their_role_needs(
    world: World, handle: str, path: str, status: int
) -> None:
    """P30: need to know."""
    world.enter_as(handle)
    assert world.browser.get(path).status_code == status


@pytest.mark.parametrize(
    ("handle", "leads"), [("lena", True), ("aziz", True), ("sofia", False), ("otto", False)]
)
def test_the_first_page_leads_to_a_version_only_whoever_may_open_it(
    world: World, handle: str, *, leads: bool
) -> None:
    """P30."""
    world.enter_as(handle)
    page = world.browser.get("/staff").text
    assert "Privacy policy, version 2" in page
    assert (f'href="{VERSION_2}"' in page) is leads


def test_a_form_without_the_key_of_the_session_does_nothing(in_review: World) -> None:
    in_review.enter_as("omar")
    fields = {"reason": "x", "version_class": "approval", "form_key": "guessed"}
    answer = in_review.browser.post(f"{VERSION_2}/review", data=fields)
    assert answer.status_code == 403
    assert "not from your present session" in answer.text
    assert in_review.messenger.told == 0


@pytest.mark.parametrize(
    ("handle", "path"),
    [
        ("omar", "policies/a%00b"),
        ("omar", "policies/a%00b/submit"),
        ("omar", "policies/privacy-policy/versions/99999999999"),
        ("omar", f"policies/privacy-policy/versions/{'9' * 23}"),
        ("priya", "requests/R-%00"),
        ("priya", f"requests/{'R' * 5000}"),
    ],
)
def test_an_address_that_nothing_can_have_is_unknown(world: World, handle: str, path: str) -> None:
    world.enter_as(handle)
    assert world.browser.get(f"/staff/{path}").status_code == 404
