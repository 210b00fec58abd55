"""A file of accounts is read line by line; each fault is named by line and field."""

from collections.abc import Sequence
from contextlib import suppress
from datetime import UTC, datetime
from io import BytesIO

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cli.account_file import LONGEST_LINE, Fault, FileRefused, read_accounts
from database.people.accounts import AccountRow

ALICE = AccountRow(external_id="a1", email="alice@example.com")


def read(text: str | bytes) -> list[AccountRow | Fault]:
    raw = text if isinstance(text, bytes) else text.encode()
    return list(read_accounts(BytesIO(raw)))


def faults(text: str) -> list[str]:
    return [str(item) for item in read(text) if isinstance(item, Fault)]


def line(**values: str) -> str:
    everything = {"external_id": "a1", "email": "alice@example.com", **values}
    return ",".join(everything) + "\n" + ",".join(everything.values()) + "\n"


def test_the_two_required_columns_are_enough() -> None:
    assert read("external_id,email\na1,alice@example.com\n") == [ALICE]


@pytest.mark.parametrize(
    "text",
    [
        "\ufeffexternal_id,email\r\na1,alice@example.com\r\n",
        "email , external_id\nalice@example.com , a1",
        'external_id,email\n\n"a1","alice@example.com"\n\n',
    ],
    ids=["byte-order mark and CRLF", "other order and spaces", "quotes and empty lines"],
)
def test_what_spreadsheets_write_is_understood(text: str) -> None:
    assert read(text) == [ALICE]


def test_every_column_is_read() -> None:
    text = line(
        name="Alice Anders",
        locale="pt_BR",
        time_zone="America/Sao_Paulo",
        country="br",
        status="closed",
        kind="organisation",
        joined_at="2024-02-29T12:00:00-03:00",
        organisation_id="o7",
        approver="Yes",
        governing_version="2",
    )
    assert read(text) == [
        AccountRow(
            external_id="a1",
            email="alice@example.com",
            name="Alice Anders",
            locale="pt-BR",
            time_zone="America/Sao_Paulo",
            country="BR",
            status="closed",
            kind="organisation",
            joined_at=datetime(2024, 2, 29, 15, tzinfo=UTC),
            organisation_id="o7",
            approver=True,
            governing_version={"": 2},
        )
    ]


def test_an_empty_value_is_as_good_as_no_column() -> None:
    assert read(line(name="", locale="", status="", joined_at="", approver="")) == [ALICE]


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("external_id", ""),
        ("external_id", "x" * 255),
        ("email", "alice"),
        ("email", "alice@localhost"),
        ("email", "alice@example.com\x1b[31m"),
        ("name", "Alice\x07"),
        ("locale", "english"),
        ("time_zone", "Mars/Olympus"),
        ("country", "Germany"),
        ("status", "asleep"),
        ("kind", "robot"),
        ("joined_at", "2024-02-30T00:00:00Z"),
        ("joined_at", "2024-02-29"),
        ("approver", "perhaps"),
        ("governing_version", "0"),
        ("governing_version", "two"),
        ("governing_version", "terms:two"),
        ("governing_version", "terms:1;terms:2"),
    ],
)
def test_a_bad_value_is_named_by_line_and_field(field: str, value: str) -> None:
    (fault,) = faults(line(**{field: value}))
    assert fault.startswith(f"line 2, {field}: ")


def test_an_account_may_be_without_an_address() -> None:
    """P4: it is on the list of those not reached, and so not lost."""
    (row,) = read(line(email=""))
    assert isinstance(row, AccountRow)
    assert row.email == ""


def test_reading_goes_on_after_a_fault() -> None:
    text = "external_id,email\na1,alice\na2,bob@example.com\na3,carol\n"
    assert [type(item) for item in read(text)] == [Fault, AccountRow, Fault]
    assert [fault.split(":")[0] for fault in faults(text)] == ["line 2, email", "line 4, email"]


def test_an_id_that_stands_twice_is_named_with_both_lines() -> None:
    text = "external_id,email\na1,alice@example.com\na2,bob@example.com\na1,carol@example.com\n"
    assert faults(text) == ["line 4, external_id: 'a1' stands in line 2 already"]


def test_lines_are_counted_as_an_editor_counts_them() -> None:
    text = 'external_id,email,name\n\na1,alice@example.com,"Alice\nAnders"\na2,bob,Bob\n'
    assert [fault.split(":")[0] for fault in faults(text)] == ["line 3, name", "line 5, email"]


def test_a_line_with_too_many_values_is_a_fault() -> None:
    assert faults("external_id,email\na1,alice@example.com,x\n") == [
        "line 2: has 3 values, but there are 2 columns"
    ]


@pytest.mark.parametrize(
    ("raw", "words"),
    [
        (b"", "external_id and email is missing"),
        (b"external_id\na1\n", "column email is missing"),
        (b"external_id,email,shoe_size\n", "Unknown column 'shoe_size'.*Known are: external_id"),
        (b"external_id,email,email\n", "stands twice"),
        (b"external_id,email\na1,\xe9l@example.com\n", "Line 2 is not UTF-8"),
        (b"external_id,email\n\na1,a\0b\n", "Line 3 holds a NUL byte"),
        (b'external_id,email\na1,"alice@example.com\n', "not CSV"),
        (b'external_id,email\na1,"al"ice\n', "Line 2 is not CSV"),
        (b"external_id;email\na1;a@example.com\n", "separated by semicolons.*with commas"),
        (b"external_id\temail\n", "separated by tabs"),
        (b'external_id,email\na1,"' + b"x\n" * 70_000, "longer than 131,072 characters.*quote"),
        (b"external_id,email\na1," + b"x" * 10_000_000, "Line 2 is longer than 65,536 bytes"),
    ],
)
def test_what_is_no_file_of_accounts_is_refused(raw: bytes, words: str) -> None:
    with pytest.raises(FileRefused, match=words):
        read(raw)


def test_a_long_line_is_not_read_to_its_end() -> None:
    stream = BytesIO(b"external_id,email\n" + b"x" * 10_000_000)
    with pytest.raises(FileRefused):
        list(read_accounts(stream))
    assert stream.tell() < 3 * LONGEST_LINE


@given(st.lists(st.text(), max_size=8))
def test_no_text_makes_it_fail_in_any_other_way(lines: Sequence[str]) -> None:
    file = BytesIO(b"external_id,email,name\n" + "\n".join(lines).encode(errors="surrogatepass"))
    with suppress(FileRefused):
        assert all(isinstance(item, AccountRow | Fault) for item in read_accounts(file))


def test_an_account_without_a_person_has_a_reason_and_no_other_has_one() -> None:
    """P4: exempt only with a reason."""
    assert faults(line(kind="service")) == [
        "line 2, exempt_reason: is empty; say why no person stands behind this account"
    ]
    assert faults(line(exempt_reason="robot")) == [
        "line 2, exempt_reason: is only for accounts of kind service"
    ]
    [row] = read(line(kind="service", exempt_reason="backup robot"))
    assert isinstance(row, AccountRow)
    assert (row.kind, row.exempt_reason) == ("service", "backup robot")


@pytest.mark.parametrize(("field", "value"), [("kind", "minor"), ("status", "deceased")])
def test_minors_and_the_dead_can_be_told_of(field: str, value: str) -> None:
    """P5."""
    [row] = read(line(**{field: value}))
    assert getattr(row, field) == value
