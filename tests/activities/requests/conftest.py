"""The company whose sources are asked, and the clinic that it keeps data for."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from activities.mail.courier import Courier
from tests.activities.requests.asked_sources import AskedSources, asked_sources
from tests.activities.requests.instructed_sources import Instructed
from tests.scene import Scene


@pytest.fixture
def company(
    scene: Scene, courier: Courier, database_kind: str, tmp_path: Path
) -> Iterator[AskedSources]:
    with asked_sources(scene, courier, database_kind, tmp_path) as company:
        yield company


@pytest.fixture
def clinic(company: AskedSources) -> Instructed:
    return Instructed(company)
