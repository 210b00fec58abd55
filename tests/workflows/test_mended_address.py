"""Whoever's address is mended in time gets the first notice after all, by itself (P4, P32)."""

from collections.abc import Callable

import pytest
from sqlmodel import col, select

from database.people.accounts import AccountRow
from database.tables import Account, OutboxMail
from domain.policies.reviews import VersionClass
from tests.eventually import eventually
from tests.people import ALICE, BOB
from tests.texts import FIRST, SECOND
from tests.workflows.conftest import Town

pytestmark = pytest.mark.temporal
NEW = "alice@new.example"


def by_the_call_or_file_that_mends_it(town: Town) -> None:
    town.desk.send_owed_again()


@pytest.mark.parametrize("look", [by_the_call_or_file_that_mends_it, Town.patrol])
def test_it_is_sent_with_a_link_of_its_own_and_the_date_stays(
    running_town: Town, look: Callable[[Town], object]
) -> None:
    """P4, P32: at once; where Temporal did not answer then, with the watchdog's next round."""
    town = running_town
    town.put_in_force(FIRST)
    town.import_accounts(ALICE, BOB)
    number = town.publish(SECOND, VersionClass.APPROVAL)
    effective_at = eventually(lambda: town.version(number).effective_at)
    with town.database.transaction() as transaction:
        transaction.exec(
            select(OutboxMail)
            .join(Account, col(Account.id) == col(OutboxMail.addressee_id))
            .where(Account.external_id == ALICE.external_id)
        ).one().state = "bounced"
    town.import_accounts(AccountRow(external_id=ALICE.external_id, email=NEW))
    look(town)
    (mail,) = eventually(lambda: town.mails(to=NEW))
    (old,) = town.mails(to=ALICE.email)
    assert mail["subject"] == old["subject"]
    assert mail["links"] != old["links"]
    assert len(town.mails(to=BOB.email)) == 1
    assert town.version(number).effective_at == effective_at
