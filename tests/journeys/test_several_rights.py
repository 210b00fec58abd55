"""Dora asks for three things at once, and gets one answer that says what became of each."""

from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from cli.demo_scene import Scene, link_in
from tests.journeys.company import (
    SAMPLE,
    address,
    import_accounts,
    mail_about,
    put_in_force,
    request_of,
    sign_in,
)

pytestmark = [pytest.mark.journey, pytest.mark.timeout(300)]


def test_three_rights_in_one_request_each_get_their_answer(
    scene: Scene, phones: Callable[[], Page], tmp_path: Path
) -> None:
    """P10-P17, P19, P20, P22: marketing at once, the others after she shows who she is."""
    put_in_force(scene, SAMPLE / "1.md")
    import_accounts(scene, tmp_path, crowd=0)
    dora, petra, paul = phones(), phones(), phones()
    dora.goto(f"{scene.stack.website}/requests/new")
    for label in (
        *("Send me a copy of my data", "Erase my data"),
        "Send me no more marketing messages",
    ):
        dora.get_by_role("checkbox", name=label).check()
    dora.get_by_label("Your e-mail address").fill(address("dora"))
    dora.get_by_label("Country you live in").select_option("DE")
    dora.get_by_role("button", name="Send the request").click()
    acknowledged = mail_about(scene, "dora", "We have your request")
    assert "the erasure of your personal data and no more marketing" in str(acknowledged["text"])
    status = link_in(acknowledged, "/requests/")
    path = f"/staff/requests/{request_of(scene, 'dora').reference}"

    sign_in(petra, scene, "Petra", path)
    dora.goto(status)
    expect(dora.get_by_text("not decided yet")).to_have_count(2)
    dora.goto(link_in(mail_about(scene, "dora", "confirm"), "/requests/"))
    dora.get_by_role("button", name="Yes, this request is mine").click()
    scene.wait("she is verified", lambda: request_of(scene, "dora").verified_at)

    petra.reload()
    answer(
        petra,
        *("access", "fulfilled", "You find everything\nin your account.\n\nNothing else."),
        evidence="Looked up with her on the telephone.",
    )
    answer(
        petra,
        *("erasure", "partial", "We erased all but your invoices."),
        ground="regulatory_obligation",
        evidence="German Commercial Code, section 257",
    )
    expect(petra.get_by_text("A colleague of yours has to confirm it.")).to_be_visible()
    sign_in(paul, scene, "Paul", path)
    paul.get_by_role("button", name="Confirm, and send the answer").click()

    text = str(mail_about(scene, "dora", "Our answer")["text"])
    for words in (
        *("We have done part of what you asked for.", "from now on we send you no marketing"),
        *("You find everything\nin your account.", "We erased all but your invoices."),
        *("A law or an authority obliges us to keep", "lodge a complaint"),
    ):
        assert words in text
    assert "section 257" not in text
    dora.goto(status)
    expect(dora.get_by_text("We erased all but your invoices.")).to_be_visible()
    assert len(scene.mails(to=address("dora"), subject="Our answer")) == 1


def answer(page: Page, right: str, outcome: str, explanation: str, **more: str) -> None:
    """Petra answers one right on the page of the case."""
    form = page.locator(f"#{right}")
    form.get_by_text("Answer", exact=True).first.click()
    form.get_by_label("How it ends").select_option(outcome)
    if "ground" in more:
        form.get_by_label("Ground").select_option(more["ground"])
    form.get_by_label("Evidence").fill(more["evidence"])
    form.get_by_label("Explanation").fill(explanation)
    form.get_by_role("button", name="Answer", exact=True).click()
