"""The page for ops at three in the morning says what the code does, and shows pictures it has."""

import re
from datetime import UTC, datetime

import pytest

from settings import ROOT
from temporal import SEARCH_ATTRIBUTES, VIEWS

PAPER = (ROOT / "docs" / "operations.md").read_text("utf-8")
PICTURES = ROOT / "docs" / "screenshots"
THREE_IN_THE_MORNING = datetime(2026, 11, 22, 3, tzinfo=UTC)
LARGEST_PICTURE = 150_000


@pytest.mark.parametrize("key", VIEWS)
def test_each_view_can_be_pasted_from_the_page(key: str) -> None:
    view = VIEWS[key]
    row = f"| {view.name.capitalize()} | `{view.at(THREE_IN_THE_MORNING)}` |"
    assert row in PAPER


@pytest.mark.parametrize("name", [attribute.name for attribute in SEARCH_ATTRIBUTES])
def test_each_search_attribute_is_explained(name: str) -> None:
    assert re.search(rf"^\|[^|]*`{name}`", PAPER, re.MULTILINE)


def test_the_page_shows_every_picture_and_each_is_there() -> None:
    shown = set(re.findall(r"\(screenshots/([^)]+)\)", PAPER))
    assert shown == {picture.name for picture in PICTURES.glob("*.png")}


def test_pictures_stay_small() -> None:
    assert max(picture.stat().st_size for picture in PICTURES.glob("*.png")) <= LARGEST_PICTURE
