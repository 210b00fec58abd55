"""Accounts are found by what is on file."""

import pytest
from sqlmodel import func, select

from database.people import accounts
from database.people.accounts import AccountRow
from database.tables import Account
from domain.people.languages import nearest_language
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


LOCALES = (
    *("de", "de-AT", "de_CH", "DE", "de-Latn-AT", "den", "d", "en", "en-GB", "fr", "", "xx", "-"),
    *("pt", "pt-BR", "PT_br", "pt-BR-x", "zh-Hant-TW", "zh", "../../etc", "%", "de%", "x" * 300),
)


def test_the_database_finds_the_language_that_the_rule_finds(scene: Scene) -> None:
    """In one statement for a whole shard, what `nearest_language` says of each account."""
    rows = [
        AccountRow(external_id=f"{number}", email=f"{number}@people.example", locale=locale)
        for number, locale in enumerate(LOCALES)
    ]
    scene.import_accounts(*rows)
    for spoken in (("en", "de"), ("de",), ("en", "pt", "pt-BR", "zh-Hant", "de-AT", "de")):
        query = select(Account.locale, accounts.language_of_account(spoken))
        with scene.database.session() as session:
            found = dict(session.exec(query).all())
        assert found == {locale: nearest_language(locale, spoken) for locale in LOCALES}
