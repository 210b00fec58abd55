"""What tests of several rooms need: a database of their own, a stack of their own."""

import gc
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import pytest
from hypothesis import HealthCheck
from hypothesis import settings as hypothesis_settings
from sqlalchemy.engine import Engine

from database.engine import Database
from settings import Settings
from tests import databases
from tests.holding_order import holdings, in_order
from tests.own_settings import own_settings
from tests.sandbox_server import RunningSandbox, running_sandbox
from tests.scene import Scene, a_scene

# How long an example takes says nothing about it, and the same code is asked the same questions
# every day. New ones: pytest --hypothesis-profile=explore
hypothesis_settings.register_profile(
    "everyday", deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow]
)
hypothesis_settings.register_profile(
    "explore",
    deadline=None,
    max_examples=1000,
    print_blob=True,
    suppress_health_check=[HealthCheck.too_slow],
)
hypothesis_settings.load_profile("everyday")


def pytest_itemcollected(item: pytest.Item) -> None:
    """One process makes all journeys, one after the other: a browser and a stack fill a core."""
    if item.get_closest_marker("journey"):
        item.add_marker(pytest.mark.xdist_group("journeys"))


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The longest first, the rest shuffled: what begins late, all others would wait for."""
    items.sort(key=lambda item: item.get_closest_marker("slow") is None)
    items.sort(key=lambda item: item.get_closest_marker("journey") is None)


def pytest_collection_finish() -> None:
    """What is there now stays to the end: nobody looks for garbage in thousands of tests again."""
    gc.freeze()


@pytest.fixture(params=databases.BOTH)
def database_kind(request: pytest.FixtureRequest) -> str:
    """A kind of database: each test that has one runs on both."""
    return str(request.param)


@pytest.fixture
def database(database_kind: str, tmp_path: Path) -> Iterator[Database]:
    """A database of this test's own, with every table and no row."""
    with databases.migrated_database(database_kind, tmp_path) as database:
        yield database


@pytest.fixture
def scene(database_kind: str, tmp_path: Path) -> Iterator[Scene]:
    """A scene of this test's own, instead of a database without rows."""
    with a_scene(database_kind, tmp_path) as scene:
        yield scene


@pytest.fixture
def one_holding_order() -> Iterator[None]:
    """Whoever writes in this test holds rows in the one order of everybody (PostgreSQL)."""
    with holdings(Engine) as found:
        yield
    assert not [held for held in found if not in_order(held)]


@pytest.fixture(scope="session")
def one_sandbox(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningSandbox]:
    with running_sandbox(tmp_path_factory.mktemp("sandbox")) as sandbox:
        yield sandbox


@pytest.fixture
def sandbox(one_sandbox: RunningSandbox) -> RunningSandbox:
    """The mail service, empty and well behaved."""
    one_sandbox.empty()
    one_sandbox.misbehave("off")
    return one_sandbox


@pytest.fixture
def stack_settings(tmp_path: Path) -> Callable[..., Settings]:
    """Settings of an embedded stack that shares neither ports nor data with any other."""

    return partial(own_settings, tmp_path)
