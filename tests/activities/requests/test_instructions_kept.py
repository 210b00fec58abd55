"""How long we keep what controllers told us: three years, as proof, and no word longer (P33)."""

from datetime import datetime, timedelta
from uuid import UUID

import pytest

from activities.requests.retention import Retention
from data_sources.pseudonyms import is_pseudonym
from data_sources.source import Call
from database.people.accounts import account_by_external_id
from database.requests import holds
from domain.requests.personal_data import OWN_SOURCE, Exported, Located, Person, Receipt, Verb
from domain.requests.retention import RequestPeriods
from tests.activities.requests.asked_sources import ALICE
from tests.activities.requests.instructed_sources import Instructed, told
from tests.data_sources.fernhill import KEY, values
from tests.scene import NOW

A_DAY = timedelta(days=1)
THEIR_ID = "patient-4711"
WHO = Person(addresses=(ALICE.email,), external_ids=(ALICE.external_id,))


@pytest.fixture
def refused(clinic: Instructed) -> UUID:
    """What the clinic told us about Alice, whom it calls by an id of its own, and Paul refused."""
    erasure = clinic.enter(told(Verb.ERASE, external_id=THEIR_ID))
    clinic.decide(erasure, "paul", carry_out=False)
    return erasure


def keep_to_it(clinic: Instructed, now: datetime) -> None:
    Retention(
        database=clinic.database,
        storage=clinic.company.storage,
        periods=RequestPeriods(until_closed=60 * A_DAY, until_purged=1096 * A_DAY),
        pseudonym_key=KEY,
    ).keep_to_it(now)


def test_a_person_gets_the_id_that_a_controller_has_for_them(
    clinic: Instructed, refused: UUID
) -> None:
    """P11: it is about them, though nobody of ours is found by it."""
    own, call = clinic.company.sources[OWN_SOURCE], Call(id="one", now=NOW)
    exported = own.export(WHO, call)
    assert isinstance(exported, Exported)
    assert THEIR_ID in values(exported, "external_id")
    stranger = own.export(Person(external_ids=(THEIR_ID,)), call)
    assert isinstance(stranger, Exported)
    assert stranger.records == ()
    assert clinic.row(refused).state == "refused"


@pytest.mark.parametrize("address", ["", ALICE.email, "alice@before.example"])
def test_one_that_names_an_account_is_found_by_it_and_counted_once(
    clinic: Instructed, address: str
) -> None:
    """P11, P24: by whatever address, or without any, the controller knows the person."""
    with clinic.database.session() as session:
        account = account_by_external_id(session, ALICE.external_id)
    told_us = told(Verb.EXPORT, address=address, external_id=THEIR_ID, account_id=account.id)
    clinic.enter(told_us)
    located = clinic.company.sources[OWN_SOURCE].locate(WHO, Call(id="one", now=NOW))
    assert isinstance(located, Located)
    held = {one.category: one.rows for one in located.held}
    assert held["Instructions of companies we work for"] == 1


def test_an_erasure_leaves_it_while_it_proves_what_we_did(
    clinic: Instructed, refused: UUID
) -> None:
    """P13, P33."""
    receipt = clinic.company.sources[OWN_SOURCE].erase(WHO, Call(id="one", now=NOW))
    assert isinstance(receipt, Receipt)
    kept = {one.category: one.until_on for one in receipt.retained}
    assert kept["Instructions of companies we work for"] == NOW.date().replace(year=NOW.year + 3)
    assert clinic.row(refused).external_id == THEIR_ID


def test_after_three_years_only_what_was_told_and_by_whom_is_left(
    clinic: Instructed, refused: UUID
) -> None:
    """P33: not a word about the person, and not a day sooner; what is under way stays."""
    waiting = clinic.enter(told(Verb.ERASE, external_id=THEIR_ID))
    keep_to_it(clinic, NOW + 1095 * A_DAY)
    assert clinic.row(refused).external_id == THEIR_ID
    keep_to_it(clinic, NOW + 1096 * A_DAY)
    row = clinic.row(refused)
    assert is_pseudonym(row.address)
    assert (row.external_id, row.evidence, row.reason, row.account_id) == ("", "", "", None)
    assert (row.controller, row.verb, row.state) == ("Harbour Dental Clinic", "erase", "refused")
    assert clinic.row(waiting).external_id == THEIR_ID


def test_a_hold_on_our_records_keeps_it_longer(clinic: Instructed, refused: UUID) -> None:
    """P33."""
    with clinic.database.transaction() as transaction:
        account = account_by_external_id(transaction, ALICE.external_id)
        holds.place(
            transaction,
            account.id,
            reason="The claim of 3 February",
            source=OWN_SOURCE,
            staff_id=clinic.staff["lena"],
            now=NOW,
        )
    keep_to_it(clinic, NOW + 1096 * A_DAY)
    assert clinic.row(refused).external_id == THEIR_ID
