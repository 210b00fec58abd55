"""What holds for every answer: headers, HEAD, words for errors, and nothing personal in the log."""

import logging
from collections.abc import Iterator

import pytest
from sqlmodel import select

from database.engine import Database
from database.people.links import REQUEST_STATUS
from database.tables import Link
from tests.web.world import World, browse
from web.app import from_environment
from web.middleware import LARGEST_BODY

PAGES = ["/", "/policies/privacy-policy", "/requests/new", "/approve/new-link", "/staff/sign-in"]


@pytest.mark.parametrize("path", [*PAGES, "/nowhere", "/policies/privacy-policy/notice.json"])
def test_every_answer_keeps_scripts_frames_and_referrers_out(world: World, path: str) -> None:
    headers = world.browser.get(path).headers
    assert "default-src 'none'" in headers["content-security-policy"]
    assert "frame-ancestors 'none'" in headers["content-security-policy"]
    assert headers["referrer-policy"] == "no-referrer"
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["cache-control"]


@pytest.mark.parametrize("path", [*PAGES, "/nowhere", "/static/style.css", "/healthz"])
def test_head_is_answered_wherever_get_is(world: World, path: str) -> None:
    got, headed = world.browser.get(path), world.browser.head(path)
    assert headed.status_code == got.status_code
    assert headed.content == b""
    assert headed.headers["content-length"] == got.headers["content-length"]


@pytest.mark.parametrize("path", PAGES)
def test_pages_need_no_script_and_label_every_field(world: World, path: str) -> None:
    page = world.browser.get(path).text
    assert "<script" not in page
    assert '<html lang="en">' in page
    assert "style=" not in page


def test_personal_pages_are_kept_by_nobody(world: World) -> None:
    """P32: neither a proxy nor the next person at the same computer finds them."""
    assert world.browser.get(world.link("alice")).headers["cache-control"] == "no-store"


def test_the_log_names_the_page_and_never_the_token(
    world: World, caplog: pytest.LogCaptureFixture
) -> None:
    """P32: whoever reads the log cannot decide for Alice."""
    path = world.link("alice")
    with caplog.at_level(logging.INFO):
        world.browser.get(path)
        world.browser.get(path[:-3])
        world.browser.get("/nowhere/secret")
        world.browser.get("/static/style.css")
    ours = [record for record in caplog.records if not record.name.startswith("httpx")]
    lines = [record.getMessage() for record in ours if "access" in record.name]
    assert lines == [
        "GET /approve/{token} 200",
        "GET /approve/{token} 404",
        "GET (no page) 404",
        "GET /static 200",
    ]
    token = path.rsplit("/", 1)[1]
    assert not any(token[:20] in record.getMessage() for record in ours)


def test_a_broken_database_is_said_in_words(world: World) -> None:
    with world.database.engine.connect() as connection:
        connection.exec_driver_sql("ALTER TABLE policy_version RENAME TO gone")
        connection.commit()
    answer = world.browser.get("/policies/privacy-policy")
    assert answer.status_code == 503
    assert "We cannot answer just now" in answer.text
    assert "policy_version" not in answer.text


def test_our_own_mistake_is_a_page_and_no_stack_trace(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object, **__: object) -> None:
        raise ValueError("alice@example.org")

    monkeypatch.setattr("web.policies.public.policies", broken)
    answer = world.browser.get("/")
    assert answer.status_code == 500
    assert "Something is wrong on our side" in answer.text
    assert "alice" not in answer.text
    assert answer.headers["x-content-type-options"] == "nosniff"


def test_what_is_too_large_is_refused_before_it_is_read(world: World) -> None:
    large = {"message": "x" * (LARGEST_BODY + 1)}
    answer = world.browser.post("/requests/new", data=large)
    assert answer.status_code == 413
    assert "too large" in answer.text
    assert "fewer or smaller files" in answer.text


def test_a_body_of_unannounced_length_is_cut_off_too(world: World) -> None:
    def endless() -> Iterator[bytes]:
        for _ in range(LARGEST_BODY // 1_000_000 + 2):
            yield b"x=" + b"x" * 1_000_000 + b"&"

    answer = world.browser.post(
        "/requests/new",
        content=endless(),
        headers={"Content-Type": "application/x-www-form-urlencoded"},
    )
    assert answer.status_code == 413


def test_no_page_of_a_stranger_carries_a_link_token(world: World) -> None:
    """P32: receipts and public pages never hold what opens somebody's status page."""
    form = {"kinds": "access", "contact_address": "alice@example.org"}
    receipt = world.browser.post("/requests/new", data=form)
    with world.database.session() as session:
        link = session.exec(select(Link).where(Link.purpose == REQUEST_STATUS)).one()
    assert world.token(REQUEST_STATUS, link) not in receipt.text + str(receipt.url)


def test_the_website_starts_from_the_environment_alone(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It starts without Temporal, says so, and gives everything back when it stops."""
    monkeypatch.setenv("PROMISEKEEPER_DATABASE_URL", database.url)
    monkeypatch.setenv("PROMISEKEEPER_SENDGRID_HOST", "http://127.0.0.1:9")
    monkeypatch.setenv("TEMPORAL_ADDRESS", "127.0.0.1:9")
    with browse(from_environment()) as browser:
        assert browser.get("/").status_code == 200
        answer = browser.get("/readyz")
        assert answer.status_code == 200
        assert answer.json()["Temporal server"]["state"] == "does not answer"
