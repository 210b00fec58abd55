"""Accounts are found by what is on file."""

import pytest
from sqlmodel import func, select

from database import accounts
from database.accounts import AccountRow
from database.tables import Account
from tests.people import ALICE
from tests.scene import Scene

CLOSED = AccountRow(external_id="a1", email="alice@example.com", status="closed")


def test_accounts_are_found_by_address_whatever_its_case_while_they_are_open(scene: Scene) -> None:
    """P19: an address on file."""
    scene.import_accounts(ALICE, CLOSED)
    with scene.database.session() as session:
        found = accounts.accounts_at_address(session, f"  {ALICE.email.upper()} ")
        assert [account.external_id for account in found] == [ALICE.external_id]
        assert accounts.accounts_at_address(session, CLOSED.email) == []
        with pytest.raises(accounts.AccountUnknown, match="'nobody'"):
            accounts.account_by_external_id(session, "nobody")
        assert session.exec(select(func.count()).select_from(Account)).one() == 2
