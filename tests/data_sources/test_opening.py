"""Sources are opened from the map, with secrets from files, and refused without leaking these."""

from dataclasses import replace
from pathlib import Path

import pytest

from data_sources.data_map import DataMap
from data_sources.http import HttpSource
from data_sources.manual import ManualSource
from data_sources.map_file import DataMapRefused, read_data_map
from data_sources.opening import Means, open_sources
from data_sources.sql import SqlSource
from tests.data_sources.example_service import SECRET
from tests.data_sources.fernhill import means, read_map
from tests.data_sources.test_data_map import DESK, SMALL


@pytest.fixture
def shop(tmp_path: Path) -> DataMap:
    path = tmp_path / "data_map.toml"
    shop = SMALL.replace('url = "sqlite:///shop.db"', 'url_file = "shop.url"')
    path.write_text(shop + DESK, encoding="utf-8")
    (tmp_path / "shop.url").write_text("sqlite:///shop.db\n", encoding="utf-8")
    (tmp_path / "desk.secret").write_text(f"{SECRET}\n", encoding="utf-8")
    return read_data_map(path)


@pytest.fixture
def here(tmp_path: Path) -> Means:
    return replace(means("sqlite://"), folder=tmp_path)


def test_every_source_of_the_company_opens() -> None:
    sources = open_sources(read_map(), means("sqlite://"))
    assert [one.about.name for one in sources] == [
        *("billing", "sessions", "marketing", "support", "paper")
    ]
    assert [type(one) for one in sources] == [*(SqlSource,) * 4, ManualSource]


def test_secrets_stand_in_files_beside_the_map(shop: DataMap, here: Means) -> None:
    """P32."""
    assert [type(one) for one in open_sources(shop, here)] == [SqlSource, HttpSource]


@pytest.mark.parametrize(
    ("name", "content", "told"),
    [
        ("shop.url", None, r'source "shop": the file shop.url cannot be read \(FileNotFoundError'),
        ("shop.url", "hunter2", r'source "shop": its address is none that we can open \(Argument'),
        ("shop.url", "nodb://u:hunter2@h/x", r"none that we can open \(NoSuchModuleError"),
        ("desk.secret", "whsec_hunter2é", r'source "desk": desk.secret holds no whsec_ and base64'),
        ("desk.secret", "", r"desk.secret holds no whsec_ and base64"),
    ],
)
def test_a_secret_that_is_wrong_is_refused_without_being_told(
    shop: DataMap, here: Means, name: str, content: str | None, told: str
) -> None:
    """P32."""
    if content is None:
        (here.folder / name).unlink()
    else:
        (here.folder / name).write_text(content, encoding="utf-8")
    with pytest.raises(DataMapRefused, match=told) as refused:
        open_sources(shop, here)
    assert "hunter2" not in str(refused.value)


def test_a_database_without_an_address_is_named() -> None:
    with pytest.raises(DataMapRefused, match='source "billing": says no address'):
        open_sources(read_map(), replace(means("sqlite://"), urls={}))
