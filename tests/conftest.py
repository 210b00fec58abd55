"""What tests of several rooms need: a database of their own, a stack of their own."""

from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import pytest
from hypothesis import HealthCheck
from hypothesis import settings as hypothesis_settings

from database.engine import Database
from settings import Settings
from tests import databases
from tests.own_settings import own_settings

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


@pytest.fixture(
    params=[
        databases.SQLITE,
        pytest.param(databases.POSTGRESQL, marks=pytest.mark.postgresql),
    ]
)
def database(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Database]:
    """A database of this test's own, with every table and no row: each test runs on both kinds."""
    with databases.migrated_database(request.param, tmp_path) as database:
        yield database


@pytest.fixture
def stack_settings(tmp_path: Path) -> Callable[..., Settings]:
    """Settings of an embedded stack that shares neither ports nor data with any other."""

    return partial(own_settings, tmp_path)
