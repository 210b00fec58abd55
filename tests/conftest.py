"""What tests of several rooms need: a database of their own, a stack of their own."""

import shutil
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import pytest

from database.engine import Database
from database.migrate import migrate
from settings import Settings
from tests.own_settings import own_settings


@pytest.fixture(scope="session")
def migrated_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An empty SQLite file with every table, to be copied."""
    path = tmp_path_factory.mktemp("migrated") / "promisekeeper.db"
    database = Database(f"sqlite:///{path}")
    migrate(database)
    with database.engine.connect() as connection:
        connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")
    database.close()
    return path


@pytest.fixture
def database(tmp_path: Path, migrated_file: Path) -> Iterator[Database]:
    """A database of this test's own, with every table and no row."""
    path = tmp_path / "promisekeeper.db"
    shutil.copy(migrated_file, path)
    database = Database(f"sqlite:///{path}")
    yield database
    database.close()


@pytest.fixture
def stack_settings(tmp_path: Path) -> Callable[..., Settings]:
    """Settings of an embedded stack that shares neither ports nor data with any other."""

    return partial(own_settings, tmp_path)
