"""A SQL database is asked what it holds of a person, and does what they may demand (P10-P17)."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, date, datetime
from itertools import count
from pathlib import Path

import pytest
import sqlalchemy as sa

from data_sources import sql_rows
from data_sources.erasing import UNTIL_RELEASE
from data_sources.pseudonyms import address_pseudonym, id_pseudonym
from data_sources.source import CorrectionRefused, SourceUnavailable, SourceWrong
from data_sources.sql import NO_FLAG, NOT_THERE, SqlSource
from domain.requests.personal_data import (
    Correction,
    Failed,
    LegalBasis,
    Origin,
    Person,
    Retained,
    Use,
)
from tests.data_sources.fernhill import (
    ALICE,
    BOB,
    CALL,
    EMIL,
    KEY,
    NOBODY,
    Fernhill,
    done,
    located,
    record_of,
    retained,
    values,
)
from tests.own_settings import free_ports

NAME = Correction(category="Contact details", field="name", before="Alice Abel", after="Alice Bell")
BOOKKEEPING = "Bookkeeping records are kept by law (Fiscal Code, section 147)"


def test_what_is_held_is_counted_by_category(fernhill: Fernhill) -> None:
    """P10."""
    found = fernhill.source("billing").locate(ALICE, CALL)
    assert located(found) == {"Contact details": 1, "Contract": 1, "Invoices and payments": 4}
    contract = next(one for one in found.held if one.category == "Contract")
    assert contract.uses == (
        Use(
            purpose="Keeping the customer's account",
            legal_basis=LegalBasis.CONTRACT,
            origin=Origin.OBSERVED,
            recipients=("Ledger & Partners, tax advisers",),
            kept="As long as the account is open, and until the last invoice need not be kept "
            "any more",
        ),
    )


def test_nothing_found_is_an_answer_for_each_category(fernhill: Fernhill) -> None:
    """P10."""
    for source in fernhill.sources:
        found = source.locate(NOBODY, CALL)
        assert [one.category for one in found.held] == list(source.about.categories)
        assert not located(found)
        assert source.export(NOBODY, CALL).records == ()


def test_an_address_is_found_in_capitals_of_any_alphabet(fernhill: Fernhill) -> None:
    """P10: SQLite by itself knows those of ASCII alone."""
    with fernhill.engine.begin() as connection:
        contact = sa.table("marketing_contact", sa.column("email"))
        connection.execute(
            sa.update(contact)
            .where(contact.c.email == "alice@people.example")
            .values(email="ÄNNE@people.example")
        )
    found = fernhill.source("marketing").locate(Person(addresses=("änne@people.example",)), CALL)
    assert located(found)


def test_a_copy_has_every_value_with_its_origin_purpose_and_basis(fernhill: Fernhill) -> None:
    """P11."""
    marketing = fernhill.source("marketing").export(ALICE, CALL)
    assert values(marketing, "name") == ["Alice Abel"]
    guess = record_of(marketing, "likely_to_buy")
    assert (guess.category, guess.origin) == ("Profile", Origin.INFERRED)
    assert guess.legal_basis is LegalBasis.LEGITIMATE_INTERESTS
    assert record_of(marketing, "employer").origin is Origin.THIRD_PARTY
    assert record_of(marketing, "happened").legal_basis is LegalBasis.CONSENT


def test_values_of_one_entry_belong_together(fernhill: Fernhill) -> None:
    """P11: which amount is whose invoice can be read."""
    records = fernhill.source("billing").export(ALICE, CALL).records
    invoices: dict[int, dict[str, object]] = {}
    for one in records:
        if one.category == "Invoices and payments":
            invoices.setdefault(one.item, {})[one.field] = one.value
    assert [entry.get("number") for entry in invoices.values()][:2] == ["2015-0001", "2026-0001"]
    assert invoices[1]["amount_cents"] == 1991
    assert invoices[3]["paid_on"] == "2015-12-10"


def test_what_may_tell_of_others_is_marked_for_the_review(fernhill: Fernhill) -> None:
    """P11: Bob's name stands in the notes of Alice's session."""
    sessions = fernhill.source("sessions").export(ALICE, CALL)
    notes = record_of(sessions, "notes")
    assert (notes.value, notes.others) == ("Bob Brandt joined and shared their screen.", True)
    assert "bob@people.example" not in values(sessions, "email")


def test_an_address_is_the_same_in_every_case(fernhill: Fernhill) -> None:
    shouting = Person(addresses=(" ALICE@People.Example ",))
    assert located(fernhill.source("billing").locate(shouting, CALL))["Contact details"] == 1


def test_of_two_accounts_with_one_address_the_other_is_left_alone_and_told_of(
    fernhill: Fernhill,
) -> None:
    """P19: who asks for one account gets nothing of the other one at the same address."""
    fernhill.tell("UPDATE customer SET email = 'alice@people.example' WHERE name = 'Bob Brandt'")
    billing = fernhill.source("billing")
    exported = billing.export(ALICE, CALL)
    assert values(exported, "name") == ["Alice Abel"]
    assert exported.doubtful == billing.locate(ALICE, CALL).doubtful == 1
    billing.erase(ALICE, CALL)
    assert fernhill.contents()["customer"][1]["name"] == "Bob Brandt"


def test_who_asks_by_address_alone_gets_all_that_is_under_it(fernhill: Fernhill) -> None:
    fernhill.tell("UPDATE customer SET email = 'alice@people.example' WHERE name = 'Bob Brandt'")
    both = fernhill.source("billing").export(Person(addresses=ALICE.addresses), CALL)
    assert (values(both, "name"), both.doubtful) == (["Alice Abel", "Bob Brandt"], 0)


def test_a_row_without_an_external_id_is_found_by_its_address(fernhill: Fernhill) -> None:
    fernhill.tell("UPDATE customer SET account_number = NULL WHERE name = 'Alice Abel'")
    assert values(fernhill.source("billing").export(ALICE, CALL), "name") == ["Alice Abel"]


@pytest.mark.parametrize("identifier", ["", "  "])
def test_nobody_is_looked_for_by_nothing(identifier: str) -> None:
    """P19: an empty address stands in many rows."""
    with pytest.raises(ValueError, match="none empty"):
        Person(addresses=("alice@people.example", identifier))
    with pytest.raises(ValueError, match="address or external id"):
        Person()


def test_an_erasure_tells_what_went_what_stays_why_and_until_when(fernhill: Fernhill) -> None:
    """P13: the old invoice and its payment go; those the law keeps, and whom they are for, stay."""
    receipt = fernhill.source("billing").erase(ALICE, CALL)
    assert done(receipt) == {"Invoices and payments": 2}
    assert receipt.retained == tuple(
        Retained(
            category=category,
            rows=rows,
            reason=BOOKKEEPING,
            until="8 years after the end of the year in which the invoice was issued",
            until_on=date(2035, 1, 1),
        )
        for category, rows in (
            ("Contact details", 1),
            ("Contract", 1),
            ("Invoices and payments", 2),
        )
    )
    there = fernhill.contents()
    assert [row["number"] for row in there["invoice"] if row["customer_id"] == 1] == ["2026-0001"]
    alice = there["customer"][0]
    assert (alice["name"], alice["street"], alice["phone"]) == ("erased", None, None)
    assert alice["email"] == address_pseudonym("alice@people.example", KEY)
    assert alice["account_number"] == id_pseudonym("a-alice", KEY)


def test_whom_an_invoice_is_for_stays_as_long_as_the_last_one(fernhill: Fernhill) -> None:
    """P13."""
    for number, day in (("2015-0001", date(2025, 1, 1)), ("2026-0001", date(2020, 1, 1))):
        fernhill.tell("UPDATE invoice SET issued_on = :day WHERE number = :n", day=day, n=number)
    receipt = fernhill.source("billing").erase(ALICE, CALL)
    until = {one.category: one.until_on for one in receipt.retained}
    assert set(until.values()) == {date(2034, 1, 1)}
    assert retained(receipt)["Invoices and payments"] == 4


def test_when_the_law_keeps_nothing_any_more_the_rest_goes(fernhill: Fernhill) -> None:
    """P13: asked again after the last retention, and found by the pseudonym."""
    billing = fernhill.source("billing")
    billing.erase(ALICE, CALL)
    later = replace(CALL, now=datetime(2035, 1, 1, tzinfo=UTC))
    the_day_before = replace(CALL, now=datetime(2034, 12, 31, 23, 59, tzinfo=UTC))
    assert retained(billing.erase(ALICE, the_day_before))
    receipt = billing.erase(ALICE, later)
    assert done(receipt) == {"Contact details": 1, "Contract": 1, "Invoices and payments": 2}
    assert not receipt.retained
    assert not located(billing.locate(ALICE, CALL))


def test_an_erasure_leaves_everybody_else_as_they_were(fernhill: Fernhill) -> None:
    before = fernhill.contents()
    for source in fernhill.sources:
        source.erase(ALICE, CALL)
    after = fernhill.contents()
    for table in ("customer", "remote_session", "marketing_contact", "support_ticket"):
        others = [row for row in before[table] if row["id"] != 1]
        assert [row for row in after[table] if row["id"] != 1] == others
    bobs = [row for row in before["session_participant"] if row["name"] == "Bob Brandt"]
    assert [row for row in after["session_participant"] if row["name"] == "Bob Brandt"] == bobs


def test_a_session_stays_for_those_who_took_part_without_its_host(fernhill: Fernhill) -> None:
    """P13."""
    receipt = fernhill.source("sessions").erase(ALICE, CALL)
    assert done(receipt) == {"Sessions and devices": 1, "Taking part in sessions": 2}
    session = fernhill.contents()["remote_session"][0]
    assert session["host_account"] is session["ip_address"] is session["notes"] is None


def test_a_hold_keeps_everything_until_it_is_released(fernhill: Fernhill) -> None:
    """P13: Emil is in a dispute."""
    billing, before = fernhill.source("billing"), fernhill.contents()
    receipt = billing.erase(EMIL, CALL)
    assert fernhill.contents() == before
    assert not done(receipt)
    assert retained(receipt) == located(billing.locate(EMIL, CALL))
    assert {one.until for one in receipt.retained} == {UNTIL_RELEASE}
    fernhill.tell("UPDATE customer SET in_dispute = :over", over=False)
    assert done(billing.erase(EMIL, CALL)) == {"Invoices and payments": 2}


def test_an_erasure_that_the_database_refuses_changes_nothing(fernhill: Fernhill) -> None:
    """P13: a table that the map does not speak of refers to what should go."""
    fernhill.tell(
        "CREATE TABLE complaint (id INTEGER PRIMARY KEY, contact INTEGER NOT NULL "
        "REFERENCES marketing_contact (id))"
    )
    fernhill.tell("INSERT INTO complaint VALUES (1, 1)")
    before = fernhill.contents()
    with pytest.raises(SourceWrong, match="marketing refuses: rows that the data map does not"):
        fernhill.source("marketing").erase(ALICE, CALL)
    assert fernhill.contents() == before


def test_a_correction_names_the_wrong_value_and_may_be_repeated(fernhill: Fernhill) -> None:
    """P12."""
    billing = fernhill.source("billing")
    first, again = (billing.correct(ALICE, [NAME], CALL) for _ in range(2))
    assert first == again
    assert done(first) == {"Contact details": 1}
    assert not first.failed
    assert values(billing.export(ALICE, CALL), "name") == ["Alice Bell"]
    assert fernhill.contents()["customer"][1]["name"] == "Bob Brandt"


def test_a_correction_of_what_is_not_there_is_told(fernhill: Fernhill) -> None:
    """P12, P31: what somebody typed for a category does not come back in the receipt."""
    wrong = [replace(NAME, before="Alicia"), replace(NAME, category="Alice Abel, her hobbies")]
    receipt = fernhill.source("billing").correct(ALICE, wrong, CALL)
    assert receipt.failed == (
        Failed(category="Contact details", rows=0, reason=NOT_THERE),
        Failed(category="unknown", rows=0, reason=NOT_THERE),
    )
    assert not done(receipt)


def test_dates_are_corrected_as_an_export_has_them(fernhill: Fernhill) -> None:
    """P12."""
    since = Correction(
        category="Contract", field="customer_since", before="2015-04-08", after="2015-05-08"
    )
    fernhill.source("billing").correct(ALICE, [since], CALL)
    assert fernhill.contents()["customer"][0]["customer_since"] == date(2015, 5, 8)


def test_a_right_value_of_the_wrong_kind_is_refused_whole(fernhill: Fernhill) -> None:
    """P12."""
    before = fernhill.contents()
    since = Correction(
        category="Contract", field="customer_since", before="2015-04-08", after="last spring"
    )
    with pytest.raises(CorrectionRefused, match=r"customer_since: .* Nothing was changed"):
        fernhill.source("billing").correct(ALICE, [NAME, since], CALL)
    assert fernhill.contents() == before


def test_a_restriction_is_put_on_and_lifted(fernhill: Fernhill) -> None:
    """P14: the flag of a customer stands for their invoices too."""
    billing = fernhill.source("billing")
    first, again = (billing.restrict(ALICE, CALL) for _ in range(2))
    assert first == again
    assert done(first) == located(billing.locate(ALICE, CALL))
    assert [row["restricted"] for row in fernhill.contents()["customer"]][:2] == [True, False]
    billing.restrict(ALICE, CALL, restricted=False)
    assert fernhill.contents()["customer"][0]["restricted"] is False


def test_where_there_is_no_flag_a_restriction_fails_aloud(fernhill: Fernhill) -> None:
    """P14."""
    receipt = fernhill.source("support").restrict(ALICE, CALL)
    assert receipt.failed == (Failed(category="Support tickets", rows=2, reason=NO_FLAG),)
    assert not done(receipt)


def test_marketing_stops_where_the_map_says_how(fernhill: Fernhill) -> None:
    """P15, P17."""
    first, again = (fernhill.source("marketing").suppress(ALICE, CALL) for _ in range(2))
    assert first == again
    assert done(first) == {"Marketing contacts": 1, "Profile": 1}
    contacts = fernhill.contents()["marketing_contact"]
    assert [row["newsletter"] for row in contacts][:2] == [False, True]
    assert not done(fernhill.source("billing").suppress(ALICE, CALL))


def test_a_column_that_the_map_does_not_know_stops_every_answer(fernhill: Fernhill) -> None:
    """P11: a copy without it would pass for the whole."""
    fernhill.tell("ALTER TABLE customer ADD COLUMN birthday DATE")
    for ask in (fernhill.source("billing").locate, fernhill.source("billing").export):
        with pytest.raises(SourceWrong, match=r"table customer that .* not know: birthday"):
            ask(ALICE, CALL)
    assert located(fernhill.source("sessions").locate(ALICE, CALL))


@pytest.mark.parametrize(
    ("statement", "told"),
    [
        ("DROP TABLE marketing_event", "has no table marketing_event"),
        ("ALTER TABLE marketing_event RENAME COLUMN happened TO what", "has no column happened"),
    ],
)
def test_what_the_map_describes_and_is_not_there_is_named(
    fernhill: Fernhill, statement: str, told: str
) -> None:
    fernhill.tell(statement)
    with pytest.raises(SourceWrong, match=told):
        fernhill.source("marketing").locate(ALICE, CALL)


@pytest.mark.parametrize(
    ("name", "table", "told"),
    [
        ("marketing", "marketing_contact", "marketing_contact that are somebody else's"),
        ("billing", "invoice", "invoice that hang on somebody else"),
    ],
)
def test_rows_of_somebody_else_are_refused_whole(
    fernhill: Fernhill, name: str, table: str, told: str
) -> None:
    """P19: asked for Alice's rows of a table, the database gives everybody's."""

    def without_condition(*asked: object) -> tuple[object, object]:
        statement, values = str(asked[2]), asked[3]
        if f"FROM {table}" in statement:
            return statement.partition("WHERE")[0], ()
        return statement, values

    source = fernhill.source(name)
    engine = source._database._engine
    sa.event.listen(engine, "before_cursor_execute", without_condition, retval=True)
    with pytest.raises(SourceWrong, match=told):
        source.export(ALICE, CALL)


def test_an_erasure_that_times_out_half_way_changes_nothing_and_is_done_again(
    fernhill: Fernhill, monkeypatch: pytest.MonkeyPatch
) -> None:
    """P13: another program holds a payment, which the erasure waits for in vain."""
    monkeypatch.setitem(sql_rows.POSTGRESQL, "options", "-c lock_timeout=200ms")
    monkeypatch.setitem(sql_rows.SQLITE, "timeout", 0.2)
    billing, before = fernhill.source("billing"), fernhill.contents()
    with fernhill.engine.begin() as other:
        other.execute(sa.text("UPDATE payment SET iban = 'DE00' WHERE id = 1"))
        with pytest.raises(SourceUnavailable, match="asking again is safe"):
            billing.erase(ALICE, CALL)
        other.rollback()
    assert fernhill.contents() == before
    assert done(billing.erase(ALICE, CALL)) == {"Invoices and payments": 2}


def test_a_database_that_does_not_answer_is_asked_again_later(fernhill: Fernhill) -> None:
    """Nothing of the address, which may hold a password, is told."""
    port = free_ports(1)[0]
    url = f"postgresql://fernhill:secret@127.0.0.1:{port}/fernhill"
    gone = SqlSource(fernhill.source("billing").about, url, pseudonym_key=KEY)
    with pytest.raises(SourceUnavailable, match=r"billing did not answer.*asking again") as told:
        gone.erase(ALICE, CALL)
    assert "secret" not in str(told.value)
    assert told.value.__cause__ is None


def test_a_source_whose_every_statement_is_slow_is_asked_again_later(
    fernhill: Fernhill, monkeypatch: pytest.MonkeyPatch
) -> None:
    """P11, P13: no worker is kept for good, and nothing was erased of what was found so far."""
    billing = fernhill.source("billing")
    before = located(billing.locate(ALICE, CALL))
    monkeypatch.setattr(sql_rows, "monotonic", count(step=50).__next__)
    with pytest.raises(SourceUnavailable, match="longer than 120 seconds"):
        billing.erase(ALICE, CALL)
    monkeypatch.undo()
    assert located(billing.locate(ALICE, CALL)) == before


def test_a_file_that_is_not_there_is_not_made(fernhill: Fernhill, tmp_path: Path) -> None:
    """P10: an empty one would say that nothing is held."""
    path = tmp_path / "gone.db"
    source = SqlSource(fernhill.source("billing").about, f"sqlite:///{path}", pseudonym_key=KEY)
    with pytest.raises(SourceUnavailable):
        source.locate(ALICE, CALL)
    assert not path.exists()


def test_of_several_who_erase_at_once_one_does_it(fernhill: Fernhill) -> None:
    """P13: an activity that was given up may still be at work when it is tried again."""
    with ThreadPoolExecutor(4) as threads:
        receipts = list(
            threads.map(
                lambda source: source.erase(ALICE, CALL),
                [fernhill.source("billing") for _ in range(4)],
            )
        )
    assert sorted(len(done(receipt)) for receipt in receipts) == [0, 0, 0, 1]
    assert len({receipt.retained for receipt in receipts}) == 1


def test_an_error_of_the_database_quotes_no_row(fernhill: Fernhill) -> None:
    """P31: drivers tell the row that they refuse."""
    fernhill.tell("CREATE UNIQUE INDEX one_name ON customer (name)")
    fernhill.source("billing").erase(BOB, CALL)
    with pytest.raises(SourceWrong) as told:
        fernhill.source("billing").erase(ALICE, CALL)
    assert not any(word in str(told.value).lower() for word in ("alice", "bob", "erased"))
