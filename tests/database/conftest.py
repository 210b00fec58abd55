"""What tests of the database start from."""

import pytest

from database.engine import Database
from tests.scene import Scene, set_scene


@pytest.fixture
def scene(database: Database) -> Scene:
    return set_scene(database)
