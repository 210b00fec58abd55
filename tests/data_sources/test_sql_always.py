"""What holds of SQL sources whatever rows there are, on both databases."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

import sqlalchemy as sa
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from data_sources.erasing import holds_something
from domain.requests.personal_data import Correction, Person
from embedded.sample_company.database import CUSTOMER, INVOICE, PAYMENT, TABLES
from tests.data_sources.fernhill import CALL, NOW, Fernhill, done, located, retained

ADDRESSES = ("ann@people.example", "Ann@People.example", "ben@people.example", "cyd@people.example")
NUMBERS = ("a-1", "a-2", "a-3")
ON_ANY_ROWS = settings(
    max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
Rows = Mapping[sa.Table, Sequence[Mapping[str, Any]]]

addresses = st.sampled_from(ADDRESSES)
people = st.builds(
    Person,
    addresses=st.lists(addresses, min_size=1, max_size=2, unique=True).map(tuple),
    external_ids=st.lists(st.sampled_from(NUMBERS), max_size=2, unique=True).map(tuple),
)


@dataclass(frozen=True, kw_only=True)
class Child:
    """A row that hangs on another, by its number."""

    of: int
    day: date


children = st.lists(
    st.builds(
        Child,
        of=st.integers(0, 3),
        day=st.dates(min_value=date(2014, 1, 1), max_value=date(2026, 12, 31)),
    ),
    max_size=6,
)


@st.composite
def companies(draw: st.DrawFn) -> Rows:
    """Up to four customers, who share addresses, with what hangs on them. Names tell rows apart."""
    numbers = draw(st.lists(st.sampled_from([*NUMBERS, None]), max_size=4))
    numbers = [
        one for place, one in enumerate(numbers) if one is None or one not in numbers[:place]
    ]
    customers = [
        {
            "id": place,
            "account_number": number,
            "email": draw(addresses),
            "name": f"customer {place}",
            "customer_since": date(2014, 1, 1),
            "restricted": False,
            "in_dispute": draw(st.integers(0, 5)) == 0,
        }
        for place, number in enumerate(numbers)
    ]
    bills = [one for one in draw(children) if one.of < len(customers)]
    invoices = [
        {
            "id": place,
            "customer_id": one.of,
            "number": str(place),
            "issued_on": one.day,
            "billed_to": f"invoice {place}",
            "amount_cents": place,
        }
        for place, one in enumerate(bills)
    ]
    payments = [
        {"id": place, "invoice_id": one.of, "iban": f"iban {place}", "paid_on": one.day}
        for place, one in enumerate(draw(children))
        if one.of < len(invoices)
    ]
    return {CUSTOMER: customers, INVOICE: invoices, PAYMENT: payments}


def fill(fernhill: Fernhill, rows: Rows) -> None:
    """These rows, and no other."""
    with fernhill.engine.begin() as connection:
        for table in (PAYMENT, INVOICE, CUSTOMER):
            connection.execute(sa.delete(table))
        for table, some in rows.items():
            if some:
                connection.execute(sa.insert(table), list(some))


def theirs(person: Person, customer: Mapping[str, Any]) -> bool:
    """Whose a customer is, as docs/data-sources.md says it."""
    if person.external_ids and customer["account_number"]:
        return customer["account_number"] in person.external_ids
    return customer["email"].lower() in {one.lower() for one in person.addresses}


@ON_ANY_ROWS
@given(rows=companies(), person=people)
def test_a_copy_has_the_persons_rows_and_no_others(
    fernhill: Fernhill, rows: Rows, person: Person
) -> None:
    """P11, P19."""
    fill(fernhill, rows)
    exported = fernhill.source("billing").export(person, CALL)
    given_out = Counter(
        one.value for one in exported.records if one.field in {"name", "billed_to", "iban"}
    )
    customers = {one["id"]: one for one in rows[CUSTOMER] if theirs(person, one)}
    invoices = {one["id"]: one for one in rows[INVOICE] if one["customer_id"] in customers}
    expected = [one["name"] for one in customers.values()]
    expected += [one["billed_to"] for one in invoices.values()]
    expected += [one["iban"] for one in rows[PAYMENT] if one["invoice_id"] in invoices]
    assert given_out == Counter(expected)


@ON_ANY_ROWS
@given(rows=companies(), person=people)
def test_an_erasure_leaves_what_it_says_and_a_second_one_changes_nothing(
    fernhill: Fernhill, rows: Rows, person: Person
) -> None:
    """P13."""
    fill(fernhill, rows)
    billing = fernhill.source("billing")
    receipt = billing.erase(person, CALL)
    once = fernhill.contents()
    again = billing.erase(person, CALL)
    assert fernhill.contents() == once
    assert not done(again)
    assert [one.category for one in again.done] == [one.category for one in receipt.done]
    assert again.retained == receipt.retained
    assert located(billing.locate(person, CALL)) == retained(receipt)


@ON_ANY_ROWS
@given(rows=companies(), person=people)
def test_an_erasure_keeps_what_the_law_wants_and_touches_nobody_else(
    fernhill: Fernhill, rows: Rows, person: Person
) -> None:
    """P13."""
    fill(fernhill, rows)
    before = fernhill.contents()
    fernhill.source("billing").erase(person, CALL)
    after = fernhill.contents()
    mine = {one["id"] for one in rows[CUSTOMER] if theirs(person, one)}
    on_hold = any(one["in_dispute"] for one in rows[CUSTOMER] if one["id"] in mine)
    invoices = [
        one
        for one in before["invoice"]
        if on_hold or one["customer_id"] not in mine or one["issued_on"].year + 9 > NOW.year
    ]
    assert after["invoice"] == invoices
    kept = {one["id"] for one in invoices}
    assert after["payment"] == [one for one in before["payment"] if one["invoice_id"] in kept]
    others = [one for one in before["customer"] if one["id"] not in mine or on_hold]
    assert [one for one in after["customer"] if one in others] == others
    left = {one["id"] for one in after["customer"]} - {one["id"] for one in others}
    assert left == {one["customer_id"] for one in invoices} & mine - {one["id"] for one in others}


@ON_ANY_ROWS
@given(person=people, rows=companies())
def test_nothing_that_is_left_says_who_it_was(
    fernhill: Fernhill, rows: Rows, person: Person
) -> None:
    """P13, P33: what stays of a customer is a pseudonym and what the map keeps."""
    fill(fernhill, rows)
    billing = fernhill.source("billing")
    before = fernhill.contents()
    receipt = billing.erase(person, CALL)
    if any(one.until == "the hold is released" for one in receipt.retained):
        return
    (customer,) = (one for one in billing.about.tables if one.name == "customer")
    was = {one["id"]: one for one in before["customer"]}
    for row in fernhill.contents()["customer"]:
        if theirs(person, was[row["id"]]):
            said = [name for name in customer.columns if holds_something(customer, row, name)]
            assert set(said) <= {"account_number", "email", "customer_since"}
            assert row["email"] != was[row["id"]]["email"]
            assert row["account_number"] is None or row["account_number"] not in NUMBERS


@ON_ANY_ROWS
@given(rows=companies(), person=people)
def test_no_receipt_says_who_it_was(fernhill: Fernhill, rows: Rows, person: Person) -> None:
    """P31: receipts cross the rooms, and are kept when all else is gone."""
    fill(fernhill, rows)
    billing = fernhill.source("billing")
    wrong = Correction(category="Contact details", field="name", before="customer 0", after="Ann")
    told = repr(
        [
            billing.locate(person, CALL),
            billing.correct(person, [wrong], CALL),
            billing.restrict(person, CALL),
            billing.suppress(person, CALL),
            billing.erase(person, CALL),
        ]
    )
    personal = ("people.example", "a-1", "a-2", "a-3", "customer 0", "customer 1", "Ann", "iban ")
    assert not any(word in told for word in personal)


def test_every_table_of_the_company_belongs_to_a_source(fernhill: Fernhill) -> None:
    described = {table.place for source in fernhill.sources for table in source.about.tables}
    assert described == set(TABLES.tables)
