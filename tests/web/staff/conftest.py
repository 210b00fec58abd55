"""The staff console while a version waits for legal."""

from collections.abc import Callable

import pytest

from tests.web import company
from tests.web.company import Filling
from tests.web.world import World


@pytest.fixture
def in_review(website: Callable[[Filling], World]) -> World:
    """Version 1 is in force, version 2 waits for legal; Lena submitted both."""
    return website(company.with_a_version_in_review)
