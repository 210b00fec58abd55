"""The invented company in a database of each test's own, on both kinds."""

from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa

from embedded.sample_company import database as sample
from tests import databases
from tests.data_sources.fernhill import Fernhill, read_map


@pytest.fixture
def fernhill(database_kind: str, tmp_path: Path) -> Iterator[Fernhill]:
    """The company with its people."""
    with databases.empty_database(database_kind, tmp_path) as database:
        url = database.engine.url.render_as_string(hide_password=False)
        assert sample.make(url, others=5)
        engine = sa.create_engine(url)
        yield Fernhill(url=url, engine=engine, data_map=read_map())
        engine.dispose()
