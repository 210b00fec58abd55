"""Data-subject requests as people and the privacy team live them, over all their thirty days."""

from collections.abc import Callable
from datetime import timedelta

import pytest
from playwright.sync_api import Page, expect

from cli.demo_scene import Scene, link_in
from tests.journeys.company import (
    SAMPLE,
    address,
    advance_to,
    ask_for_a_copy,
    import_accounts,
    mail_about,
    put_in_force,
    request_of,
    sign_in,
)

pytestmark = [pytest.mark.journey, pytest.mark.timeout(200)]


@pytest.fixture(scope="module", autouse=True)
def account_holders(scene: Scene, tmp_path_factory: pytest.TempPathFactory) -> None:
    """A policy in force, and people with accounts."""
    put_in_force(scene, SAMPLE / "1.md")
    import_accounts(scene, tmp_path_factory.mktemp("accounts"), crowd=0)


def test_who_asks_for_a_copy_proves_who_they_are_and_is_answered(
    scene: Scene, phones: Callable[[], Page]
) -> None:
    """P11, P19, P22, P26: on the web form, by mail, on the staff page."""
    dora, petra = phones(), phones()
    ask_for_a_copy(dora, scene, "dora")
    request = request_of(scene, "dora")
    expect(dora.get_by_text(request.reference).first).to_be_visible()

    sign_in(petra, scene, "Petra Privacy", f"/staff/requests/{request.reference}")
    petra.get_by_role("button", name="Assign to me").click()
    expect(petra.get_by_text("Identity not proved: nothing may be disclosed")).to_be_visible()
    expect(petra.get_by_label("How it ends")).not_to_contain_text("fulfilled")

    dora.goto(link_in(mail_about(scene, "dora", "confirm"), "/requests/"))
    assert request_of(scene, "dora").verified_at is None, "opening the link confirms nothing"
    dora.get_by_role("button", name="Yes, this request is mine").click()
    expect(dora.get_by_role("heading", name="Thank you")).to_be_visible()

    petra.reload()
    answer(petra)
    expect(petra.get_by_role("heading", name="The answer")).to_be_visible()
    mail = mail_about(scene, "dora", "Our answer")
    assert "We hold your name, your address and your approvals." in str(mail["text"])
    assert "supervisory authority" in str(mail["text"]).lower()

    dora.goto(link_in(mail_about(scene, "dora", "We have your request"), "/requests/"))
    expect(dora.get_by_text("We hold your name, your address and your approvals.")).to_be_visible()


def test_a_request_nobody_touches_gets_the_late_reply_and_is_a_breach_at_day_thirty(
    scene: Scene, phones: Callable[[], Page]
) -> None:
    """P21: nothing pauses the clock, and the late reply is no answer."""
    emil, paul = phones(), phones()
    ask_for_a_copy(emil, scene, "emil")
    request = request_of(scene, "emil")
    assert request.due_at - request.received_at <= timedelta(hours=720)

    advance_to(scene, request.due_at - timedelta(hours=25))
    scene.wait("staff were reminded", lambda: scene.mails(to="petra@fernhill.example"))
    assert not scene.mails(to=address("emil"), subject="we are late")
    advance_to(scene, request.due_at - timedelta(hours=23))
    late = mail_about(scene, "emil", "we are late")
    assert request_of(scene, "emil").answered_at is None

    emil.goto(link_in(mail_about(scene, "emil", "We have your request"), "/requests/"))
    expect(emil.get_by_text("We have not answered yet, and we should have.")).to_be_visible()
    assert "supervisory authority" in str(late["text"]).lower()
    assert request_of(scene, "emil").policy_breach_at is None

    advance_to(scene, request.due_at + timedelta(hours=1))
    scene.wait("the breach is recorded", lambda: request_of(scene, "emil").policy_breach_at)
    sign_in(paul, scene, "Paul Privacy", f"/staff/requests/{request.reference}")
    expect(paul.get_by_role("alert")).to_contain_text("Overdue.")


def test_a_form_with_faults_comes_back_with_the_words_kept(
    scene: Scene, phones: Callable[[], Page]
) -> None:
    page = phones()
    page.goto(f"{scene.stack.website}/requests/new")
    page.get_by_label("Your name").fill("Frieda <b>Fuchs</b>")
    page.get_by_label("Your e-mail address").fill("frieda at example")
    page.get_by_role("button", name="Send the request").click()
    expect(page.get_by_role("alert")).to_contain_text("The request was not sent yet.")
    expect(page.get_by_label("Your name")).to_have_value("Frieda <b>Fuchs</b>")
    expect(page.get_by_label("Your e-mail address")).to_have_attribute("aria-invalid", "true")
    assert not scene.mails(to="frieda")


def answer(page: Page) -> None:
    """Fill the staff form in, and send it."""
    page.get_by_label("How it ends").select_option("fulfilled")
    page.get_by_label("Explanation").fill(
        "We hold your name, your address and your approvals. Nothing else."
    )
    page.get_by_label("Evidence").fill("Read out on the telephone.")
    page.get_by_role("button", name="Answer", exact=True).click()
