"""The main job, from the first version to the correction of typing errors, as people live it."""

import re
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect
from sqlmodel import select

from cli.demo_scene import Scene, link_in
from database.tables import Approval
from settings import ROOT
from tests.journeys.company import (
    SAMPLE,
    SLUG,
    account,
    act,
    address,
    advance_to,
    governing,
    import_accounts,
    put_in_force,
    review,
    scene_on,
    sign_in,
    submit,
    version,
)
from tests.own_settings import own_settings

pytestmark = [pytest.mark.journey, pytest.mark.timeout(300)]

# A policy of other people's words, which is no part of the project: it takes part where it is kept.
FOREIGN = ROOT.parent / "shared" / "seed" / "helpu-privacy-policy.txt"
NAMES = ("alice", "bob", "carol", "dora")


@dataclass(frozen=True, kw_only=True)
class Texts:
    """Three versions: as it was, changed for the worse, mended in its spelling."""

    first: Path
    second: Path
    third: Path
    says: str


@pytest.fixture(params=["sample", *(["foreign"] if FOREIGN.exists() else [])])
def texts(request: pytest.FixtureRequest, tmp_path: Path) -> Texts:
    if request.param == "sample":
        return Texts(
            first=SAMPLE / "1.md",
            second=SAMPLE / "2.md",
            third=SAMPLE / "3.md",
            says="Call recordings would be kept for one year instead of 30 days.",
        )
    second, third = tmp_path / "2.md", tmp_path / "3.md"
    changed = re.sub(r"thirty \(30\) days", "sixty (60) days", FOREIGN.read_text("utf-8"))
    changed += "\n\nWe may sell your contact data to advertising partners.\n"
    second.write_text(changed, "utf-8")
    third.write_text(re.sub(r"\bnon compliance\b", "non-compliance", changed), "utf-8")
    return Texts(
        first=FOREIGN,
        second=second,
        third=third,
        says="Data could be sold to advertisers; the old text did not allow any sale of data.",
    )


@pytest.fixture
def scene(tmp_path: Path) -> Iterator[Scene]:
    """A stack of each policy's own."""
    with scene_on(own_settings(tmp_path)) as scene:
        yield scene


def test_a_change_for_the_worse_binds_only_those_who_approved_it(
    scene: Scene, phones: Callable[[], Page], texts: Texts, tmp_path: Path
) -> None:
    """P1 to P7, on real input, in a real browser."""
    put_in_force(scene, texts.first)
    everybody = import_accounts(scene, tmp_path)
    submit(scene, texts.second, "We would keep data longer and share more of it.")

    noor = phones()
    the_submitter_cannot_release_alone(scene, phones())
    legal_confirms_and_releases_on_the_staff_page(scene, noor, texts.says)
    everybody_gets_one_mail_with_a_link_of_their_own(scene, everybody)
    the_public_page_carries_the_notice(scene, phones(), texts.says)

    a_scanner_decides_nothing(scene, "carol")
    alice_approves_once(scene, phones(), phones(), texts.says)
    bob_declines(scene, phones())
    dora_changes_her_mind(scene, phones())
    effective_at = the_silent_are_reminded_and_then_it_escalates(scene)
    assert [governing(scene, name).number for name in NAMES] == [1, 1, 1, 1]

    advance_to(scene, effective_at + timedelta(hours=1))
    scene.wait("version 2 is in force", lambda: version(scene, 2).state == "in_force")
    each_is_governed_by_what_they_accepted(scene, effective_at)
    the_public_page_shows_the_new_version(scene, phones())
    legal_sees_how_the_campaign_went(scene, noor, len(everybody))

    a_correction_mails_nobody(scene, texts.third)
    assert [governing(scene, name).number for name in NAMES] == [3, 1, 1, 1]
    page = phones()
    page.goto(f"{scene.stack.website}/policies/{SLUG}/versions")
    for number in (1, 2, 3):
        expect(page.get_by_role("link", name=f"Version {number}", exact=True)).to_be_visible()


def the_submitter_cannot_release_alone(scene: Scene, page: Page) -> None:
    sign_in(page, scene, "Lena Legal", f"/staff/policies/{SLUG}/versions/2")
    expect(page.get_by_role("heading", name="Version 2")).to_be_visible()
    expect(page.get_by_role("button", name="Release version 2")).to_have_count(0)
    scene.type("policy", "release", SLUG, "2", "--as", "lena", expected=1)
    assert version(scene, 2).state == "in_review"


def legal_confirms_and_releases_on_the_staff_page(scene: Scene, page: Page, says: str) -> None:
    sign_in(page, scene, "Noor Legal", f"/staff/policies/{SLUG}/versions/2")
    expect(page.get_by_text(says).first).to_be_visible()
    for choice in page.get_by_role("radio", name="confirm", exact=True).all():
        choice.check()
    review_form = page.locator("form", has=page.get_by_role("button", name="Record the review"))
    review_form.get_by_label("Class").select_option("approval")
    review_form.get_by_label("Reason").fill("Worse for account holders, without doubt.")
    page.get_by_role("button", name="Record the review").click()
    page.get_by_role("button", name="Send me the test mails").click()
    release = page.get_by_role("button", name="Release version 2")
    scene.wait("the test mails are out", lambda: page.reload() and release.count())
    release.click()
    expect(page.get_by_role("button", name="Release version 2")).to_have_count(0)
    scene.wait("the date is fixed", lambda: version(scene, 2).effective_at)


def everybody_gets_one_mail_with_a_link_of_their_own(
    scene: Scene, everybody: Sequence[str]
) -> None:
    mails = scene.mails()
    assert Counter(str(mail["to"]) for mail in mails) == Counter(everybody)
    assert len({link_in(mail, "/approve/") for mail in mails}) == len(everybody)


def the_public_page_carries_the_notice(scene: Scene, page: Page, says: str) -> None:
    page.goto(f"{scene.stack.website}/policies/{SLUG}")
    notice = page.get_by_role("complementary", name="This policy is about to change")
    expect(notice).to_contain_text(says)
    notice.get_by_role("link", name="Every word that changes").click()
    expect(page.get_by_role("heading", name="What changes in our privacy policy")).to_be_visible()
    expect(page.locator("ins").first).to_be_visible()


def a_scanner_decides_nothing(scene: Scene, name: str) -> None:
    link = link_to_decide(scene, name)
    for method in ("GET", "HEAD"):
        assert scene.connections.request(method, link).status == 200
        assert scene.connections.request(method, f"{link}?decision=approved").status == 200
    assert decisions(scene, name) == []


def alice_approves_once(scene: Scene, page: Page, other_tab: Page, says: str) -> None:
    link = link_to_decide(scene, "alice")
    other_tab.goto(link)
    page.goto(link)
    expect(page.get_by_role("heading", name="Please decide about our privacy")).to_be_visible()
    expect(page.get_by_role("listitem").filter(has_text=says)).to_be_visible()
    expect(page.get_by_text("You stay on version 1.")).to_be_visible()
    for tab in (page, other_tab):
        tab.get_by_role("button", name="I approve the change").click()
        expect(tab.get_by_role("heading", name="You have approved this change")).to_be_visible()
    page.goto(link)
    expect(page.get_by_role("heading", name="You have approved this change")).to_be_visible()
    assert decisions(scene, "alice") == ["approved"]


def bob_declines(scene: Scene, page: Page) -> None:
    page.goto(link_to_decide(scene, "bob"))
    page.get_by_role("button", name="I decline").click()
    expect(page.get_by_role("heading", name="You have declined this change")).to_be_visible()
    expect(page.get_by_text("You stay on version 1. We will not remind you.")).to_be_visible()
    assert decisions(scene, "bob") == ["declined"]


def dora_changes_her_mind(scene: Scene, page: Page) -> None:
    page.goto(link_to_decide(scene, "dora"))
    page.get_by_role("button", name="I approve the change").click()
    page.get_by_role("button", name="I take my approval back").click()
    expect(page.get_by_role("heading", name="You have declined this change")).to_be_visible()
    assert decisions(scene, "dora") == ["approved", "declined"]


def the_silent_are_reminded_and_then_it_escalates(scene: Scene) -> datetime:
    """P5: at most two reminders; who has answered gets none."""
    effective_at = version(scene, 2).effective_at
    assert effective_at is not None
    for days_before, mails in ((13, 2), (2, 3)):
        advance_to(scene, effective_at - timedelta(days=days_before))
        scene.wait("a reminder", lambda: len(mails_to(scene, "carol")) == mails)  # noqa: B023
    advance_to(scene, effective_at - timedelta(hours=1))
    scene.wait("the owner is told", lambda: scene.mails(to="lena@fernhill.example"))
    assert [len(mails_to(scene, name)) for name in NAMES] == [1, 1, 3, 1]
    return effective_at


def each_is_governed_by_what_they_accepted(scene: Scene, effective_at: datetime) -> None:
    """P6: now and for the past, with the proof."""
    assert [governing(scene, name).number for name in NAMES] == [2, 1, 1, 1]
    before = effective_at - timedelta(seconds=1)
    assert [governing(scene, name, before).number for name in NAMES] == [1, 1, 1, 1]
    answer = scene.ask("governing", SLUG, "a-alice")
    assert answer["version"] == 2
    assert "approved by link on" in answer["steps"][-1]["because"]
    assert governing(scene, "carol").steps[-1].number == 1


def the_public_page_shows_the_new_version(scene: Scene, page: Page) -> None:
    page.goto(f"{scene.stack.website}/policies/{SLUG}")
    expect(page.get_by_text("Privacy policy, version 2, in force since")).to_be_visible()
    expect(page.get_by_text("This policy is about to change")).to_have_count(0)
    page.goto(f"{scene.stack.website}/policies/{SLUG}/versions/1")
    expect(page.get_by_text("Version 1 is no longer in force.")).to_be_visible()


def legal_sees_how_the_campaign_went(scene: Scene, page: Page, addressed: int) -> None:
    page.goto(f"{scene.stack.website}/staff/policies/{SLUG}/versions/2")
    numbers = page.locator("dl.numbers")
    for label, count in (
        ("addressed", addressed),
        ("approved", 1),
        ("declined", 2),
        ("silent", addressed - 3),
    ):
        row = numbers.locator("div").filter(has_text=label)
        expect(row.get_by_role("definition")).to_have_text(str(count))


def a_correction_mails_nobody(scene: Scene, text: Path) -> None:
    known = len(scene.mails())
    submit(scene, text, "We corrected a typing error. Nothing changes for you.")
    review(scene, 3, "editorial")
    act(scene, "policy", "release", SLUG, "3", "--as", "noor")
    scene.wait("version 3 is in force", lambda: version(scene, 3).state == "in_force")
    assert len(scene.mails()) == known


def link_to_decide(scene: Scene, name: str) -> str:
    return link_in(mails_to(scene, name)[0], "/approve/")


def mails_to(scene: Scene, name: str) -> list[dict[str, object]]:
    return scene.mails(to=address(name))


def decisions(scene: Scene, name: str) -> list[str]:
    holder = account(scene, name)
    with scene.database.session() as session:
        rows = session.exec(select(Approval).where(Approval.account_id == holder.id)).all()
        return [row.decision for row in sorted(rows, key=lambda row: row.decided_at)]
