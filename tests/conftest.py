"""What tests of several rooms need: a database of their own, staff, ports nobody else has."""

import shutil
import socket
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from database.engine import Database
from database.migrate import migrate
from settings import Settings


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

    def make(**changes: object) -> Settings:
        ports = iter(free_ports(4))
        values: dict[str, object] = {
            "data_dir": tmp_path / "data",
            "web_port": next(ports),
            "mail_sandbox_port": next(ports),
            "temporal_port": next(ports),
            "temporal_ui_port": next(ports),
        }
        return Settings.model_validate({**values, **changes})

    return make


def free_ports(count: int) -> list[int]:
    """Ports that nobody listens on, all different."""
    sockets = [socket.socket() for _ in range(count)]
    try:
        for one in sockets:
            one.bind(("127.0.0.1", 0))
        return [int(one.getsockname()[1]) for one in sockets]
    finally:
        for one in sockets:
            one.close()
