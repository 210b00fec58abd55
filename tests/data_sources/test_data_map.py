"""A data map is read strictly, and what is wrong with one is said where it stands."""

from datetime import date
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from data_sources.description import Rule
from data_sources.map_file import DataMapRefused, read_data_map
from domain.requests.personal_data import DataRole
from settings import SAMPLE_DATA_MAP, Settings

SMALL = """
title = "A small shop"

[[source]]
name = "shop"
title = "Customers and orders"
kind = "sql"
role = "controller"
url = "sqlite:///shop.db"

[source.retention.books]
reason = "Bookkeeping"
years = 8
after = "the order was paid"

[[source.table]]
name = "customer"
match = { address = "email" }
category = "Contact details"
purpose = "Delivering orders"
legal_basis = "contract"
origin = "provided"
kept = "a year"
erase = "delete"

[source.table.columns]
email = { erase = "pseudonym" }
name = { erase = "mask" }

[[source.table]]
name = "orders"
through = { column = "customer_id", table = "customer" }
category = "Orders"
purpose = "Delivering orders"
legal_basis = "contract"
origin = "observed"
kept = "a year"
erase = "delete"
retention = { rule = "books", since = "paid_on" }

[source.table.columns]
article = {}
paid_on = {}
"""
DESK = """
[[source]]
name = "desk"
title = "The support desk"
kind = "http"
role = "controller"
url = "https://desk.example/privacy"
secret_file = "desk.secret"

[[source.category]]
name = "Tickets"
purpose = "Support"
legal_basis = "contract"
origin = "provided"
kept = "a year"

[source.category.fields]
subject = {}
"""


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "data_map.toml"


def refusal(path: Path, text: str) -> str:
    """Why a map is not used."""
    path.write_text(text, encoding="utf-8")
    with pytest.raises(DataMapRefused) as refused:
        read_data_map(path)
    return str(refused.value)


def test_a_map_says_what_is_held_by_category_with_every_use(path: Path) -> None:
    path.write_text(SMALL + DESK, encoding="utf-8")
    shop, desk = read_data_map(path).sources
    assert list(shop.categories) == ["Contact details", "Orders"]
    assert [use.purpose for use in desk.categories["Tickets"]] == ["Support"]


def test_the_invented_company_holds_some_of_it_for_somebody_else() -> None:
    """P24."""
    sources = {one.name: one for one in read_data_map(SAMPLE_DATA_MAP).sources}
    assert sources["support"].controller == "Harbour Dental Clinic"
    roles = [one.role for one in sources.values()]
    assert roles.count(DataRole.CONTROLLER) == len(roles) - 1


def test_development_begins_with_the_invented_company_and_production_with_none(path: Path) -> None:
    assert Settings().data_map_file == SAMPLE_DATA_MAP
    assert Settings.model_construct(environment="production").data_map_file is None
    assert Settings(data_map=str(path)).data_map_file == path


CONTACT = 'source "shop", table "customer"'
ORDERS = 'source "shop", table "orders"'
PSEUDONYM = 'email = { erase = "pseudonym" }'
THROUGH = 'through = { column = "customer_id", table = "customer" }'
LAST = 'erase = "delete"\nretention = { rule = "books", since = "paid_on" }'


@pytest.mark.parametrize(
    ("was", "becomes", "told"),
    [
        ('title = "A small shop"', "", "title: is missing"),
        ('role = "controller"', 'role = "owner"', "source \"shop\", role: needs 'controller'"),
        ('role = "controller"', 'role = "processor"', 'source "shop": is held as processor: name'),
        ('role = "controller"', 'role = "controller"\ncontroller = "X"', "which only a processor"),
        ('kind = "sql"', 'kind = "csv"', 'source "shop": kind: needs'),
        ('kind = "sql"', "", 'source "shop": kind: is missing: sql, http or manual'),
        ("sqlite:///shop.db", "postgresql://u:secret@h/shop", "put the address into a file"),
        ("sqlite:///shop.db", "shop", "url: is no address of a database"),
        ('match = { address = "email" }', "", f"{CONTACT}: needs match or through"),
        ('address = "email"', 'address = "mail"', f"{CONTACT}: matches by mail, which is not"),
        ('address = "email"', 'adress = "email"', f"{CONTACT}, match, adress: is not known here"),
        ('kept = "a year"', "", f"{CONTACT}, kept: is missing"),
        ('legal_basis = "contract"', 'legal_basis = "habit"', f"{CONTACT}, legal_basis: needs"),
        ('purpose = "Delivering orders"', 'purpose = ""', f"{CONTACT}, purpose: is empty"),
        (PSEUDONYM, 'email = { erase = "mask" }', "rows would be found as another's"),
        ('name = { erase = "mask" }', 'name = { erase = "pseudonym" }', "only a column of match"),
        ('name = { erase = "mask" }', "name = {}", 'column "name": say what erase leaves of it'),
        ('name = { erase = "mask" }', 'name = { erase = "burn" }', 'column "name", erase: needs'),
        ('table = "customer" }', 'table = "customers" }', "which does not stand before it"),
        ('rule = "books"', 'rule = "book"', 'is kept by "book", which is no rule'),
        ("years = 8", "", "retention, books: says no period"),
        ("years = 8", 'years = "eight"', "retention, books, years: "),
        (LAST, 'erase = "reduce"', f"{ORDERS}: rows stay for no reason"),
        ('name = "orders"', 'name = "customer"', 'has two tables "customer"'),
    ],
)
def test_each_fault_is_named_with_its_place(path: Path, was: str, becomes: str, told: str) -> None:
    assert was in SMALL
    refused = refusal(path, SMALL.replace(was, becomes, 1))
    assert told in refused
    assert str(path) in refused
    assert "secret" not in refused


def test_a_fault_of_the_file_itself_has_its_line(path: Path) -> None:
    assert "at line 2, column 8" in refusal(path, 'title = "x"\nsource [[')
    with pytest.raises(DataMapRefused, match="cannot be read"):
        read_data_map(path.with_name("nothing.toml"))


@pytest.mark.parametrize(
    ("url", "told"),
    [
        ("http://desk.example/privacy", "begins with https://"),
        ("https://user:secret@desk.example/", "without user"),
        ("https://desk.example/?key=secret", "without user"),
        ("file:///etc/passwd", "like https://"),
    ],
)
def test_personal_data_goes_over_https_only(path: Path, url: str, told: str) -> None:
    """P32."""
    refused = refusal(path, SMALL + DESK.replace("https://desk.example/privacy", url))
    assert 'source "desk", url: ' in refused
    assert told in refused
    assert "secret" not in refused.replace("secret_file", "")


def test_every_fault_is_told_at_once(path: Path) -> None:
    refused = refusal(path, SMALL.replace('origin = "provided"', "") + 'x = "y"')
    assert refused.splitlines()[1:] == [
        f"  {CONTACT}, origin: is missing",
        f'  {ORDERS}, column "x": needs keys of its own, in a table or between {{ and }}',
    ]


@pytest.mark.parametrize(
    ("rule", "begun", "ends", "words"),
    [
        ({"years": 8, "from_end_of_year": True}, "2026-03-02", "2035-01-01", "8 years after the"),
        ({"years": 1}, "2024-02-29", "2025-02-28", "1 year after it"),
        ({"months": 1}, "2026-01-31", "2026-02-28", "1 month after it"),
        ({"days": 30}, "2026-01-31", "2026-03-02", "30 days after it"),
        ({"years": 1, "months": 13}, "2026-12-05", "2029-01-05", "1 year and 13 months after it"),
    ],
)
def test_a_retention_ends_on_a_day(rule: dict[str, int], begun: str, ends: str, words: str) -> None:
    """P33."""
    given_rule = Rule.model_validate({"reason": "law", "after": "it", **rule})
    assert given_rule.ends_on(date.fromisoformat(begun)) == date.fromisoformat(ends)
    assert given_rule.words.startswith(words)


@given(
    begun=st.dates(max_value=date(2100, 1, 1)),
    months=st.integers(1, 240),
    more=st.integers(0, 24),
)
def test_a_longer_period_never_ends_earlier(begun: date, months: int, more: int) -> None:
    shorter, longer = (
        Rule(reason="law", after="it", months=number).ends_on(begun)
        for number in (months, months + more)
    )
    assert begun < shorter <= longer
