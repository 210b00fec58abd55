"""The page of an assessment as counsel has it: on a screen, a phone and paper, without scripts."""

from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect
from typer import Typer
from typer.testing import CliRunner

from cli.assess import assess_command

pytestmark = pytest.mark.journey

STAY = "Fernhill keeps its books in order and answers letters of every kind."
OLD = f"""# Fernhill

{STAY} We never share your data with advertisers.

We recieve letters at the desk.

We answer every request within thirty days.
"""
NEW = f"""# Fernhill

{STAY} We may share your data with advertisers.

We receive letters at the desk.

We answer every request within twenty days.
"""


@pytest.fixture
def page(phones: Callable[[], Page], tmp_path: Path) -> Page:
    for name, text in (("1.md", OLD), ("2.md", NEW)):
        (tmp_path / name).write_text(text, "utf-8")
    app = Typer()
    app.command()(assess_command)
    arguments = [str(tmp_path / "1.md"), str(tmp_path / "2.md"), "--format", "html"]
    (tmp_path / "page.html").write_text(CliRunner().invoke(app, arguments).stdout, "utf-8")
    page = phones()
    page.goto((tmp_path / "page.html").as_uri())
    return page


def shown(page: Page) -> list[str]:
    """The numbers of the changes that can be seen."""
    titles = page.locator("article h3").all()
    return [title.inner_text().split(".")[0] for title in titles if title.is_visible()]


def test_the_keyboard_filters_to_what_matters(page: Page) -> None:
    assert shown(page) == ["1", "2", "3"]
    page.keyboard.press("Tab")
    page.keyboard.press("ArrowLeft")
    expect(page.get_by_label("To decide (1)")).to_be_focused()
    assert shown(page) == ["1"]
    expect(page.get_by_text("those that legal has to decide")).to_be_visible()
    page.get_by_label("Shown harmless (1)").check()
    assert shown(page) == ["2"]
    expect(page.get_by_role("heading", name="Findings")).to_be_hidden()


def test_paper_has_what_the_screen_shows_and_says_that_it_is_not_all(page: Page) -> None:
    page.get_by_label("To decide (1)").check()
    page.emulate_media(media="print")
    assert shown(page) == ["1"]
    expect(page.get_by_text("those that legal has to decide")).to_be_visible()
    expect(page.get_by_label("To decide (1)")).to_be_hidden()


def test_what_a_link_leads_to_is_shown_whatever_is_filtered(page: Page) -> None:
    finding = page.get_by_role("region", name="Finding F1")
    page.get_by_role("link", name="F1").first.click()
    page.get_by_label("Shown harmless (1)").check()
    expect(finding).to_be_visible()
    page.reload()
    page.get_by_role("link", name="F3").first.click()
    page.get_by_label("Shown harmless (1)").check()
    expect(finding).to_be_hidden()


def boxes(page: Page) -> list[tuple[float, float]]:
    """Where before, after and the finding of the first change begin."""
    parts = page.locator("#change-1 .side, #change-1 .notes").all()
    found = [part.bounding_box() for part in parts]
    return [(box["x"], box["y"]) for box in found if box]


def test_the_finding_stands_beside_its_clause_and_under_it_on_a_phone(page: Page) -> None:
    before, after, note = boxes(page)
    assert before[0] == after[0] == note[0]
    assert before[1] < after[1] < note[1]
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    page.set_viewport_size({"width": 1280, "height": 900})
    before, after, note = boxes(page)
    assert before[0] < after[0] < note[0]
    assert before[1] == after[1] == note[1]


def test_the_style_is_the_one_that_the_page_allows(page: Page) -> None:
    """A style that its policy refused would leave every mark unframed, with a complaint."""
    complaints: list[str] = []
    page.on("console", lambda message: complaints.append(message.text))
    page.reload()
    assert complaints == []
    expect(page.locator("article mark").first).to_have_css("border-top-style", "solid")
