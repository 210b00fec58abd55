"""The staff console while a version waits for legal."""

import pytest
from sqlmodel import select

from database.tables import Policy
from tests.web.world import NOW, World, put_in_review, submit_text, text


@pytest.fixture
def in_review(empty: World) -> World:
    """Version 1 is in force, version 2 waits for legal; Lena submitted both."""
    lena = empty.staff["lena"].id
    with empty.database.transaction() as transaction:
        policy = transaction.exec(select(Policy)).one()
        first = submit_text(transaction, policy, text(1), lena, NOW)
        first.state, first.in_force_at = "in_force", NOW
        transaction.flush()
        put_in_review(transaction, submit_text(transaction, policy, text(2), lena, NOW))
    return empty
