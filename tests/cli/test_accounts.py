"""`accounts import` takes the whole file or nothing of it, and never invents an approval."""

import json
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy.exc import OperationalError
from sqlmodel import func, select
from typer.testing import Result

from database.engine import Database
from database.imports import account_imports, unfinished_imports
from database.people.accounts import AccountRow, count_accounts
from database.people.staff import by_handle
from database.tables import Account, AccountImportRow, Approval, Fact
from tests.people import import_accounts
from tests.scene import NOW

Run = Callable[..., Result]


@pytest.fixture
def people(tmp_path: Path) -> Callable[..., str]:
    """Writes a file of accounts a0001, a0002, ... and returns its path."""

    def write(count: int, *, domain: str = "example.com", broken: Iterable[int] = ()) -> str:
        rows = [
            f"a{number:04},holder{number}{'' if number in broken else '@' + domain}"
            for number in range(1, count + 1)
        ]
        path = tmp_path / "people.csv"
        path.write_text("\n".join(["external_id,email", *rows]) + "\n")
        return str(path)

    return write


def rows_of(database: Database) -> tuple[int, int]:
    """How many accounts there are, and how many are put aside."""
    with database.session() as session:
        staged = session.exec(select(func.count()).select_from(AccountImportRow)).one()
        return count_accounts(session), staged


def test_a_file_is_imported_whole_and_harmless_when_repeated(
    promisekeeper: Run, people: Callable[..., str], database: Database
) -> None:
    file = people(1234)
    assert (
        "1234 added, 0 updated" in promisekeeper("accounts", "import", file, "--as", "omar").stdout
    )
    again = promisekeeper("accounts", "import", file, "--as", "omar")
    assert (again.exit_code, "0 added, 0 updated, 1234 unchanged" in again.stdout) == (0, True)
    assert rows_of(database) == (1234, 0)
    with database.session() as session:
        assert session.exec(select(Approval)).all() == []


def test_one_bad_line_imports_nothing(
    promisekeeper: Run, people: Callable[..., str], database: Database
) -> None:
    result = promisekeeper("accounts", "import", people(2500, broken=[2400]), "--as", "omar")
    assert result.exit_code == 2
    assert "line 2401, email: 'holder2400' is not an e-mail address" in result.stderr
    assert "Nothing was imported." in result.stderr
    assert rows_of(database) == (0, 0)


def test_a_hundred_faults_are_shown_and_the_rest_counted(
    promisekeeper: Run, people: Callable[..., str]
) -> None:
    result = promisekeeper("accounts", "import", people(130, broken=range(131)), "--as", "omar")
    assert result.stderr.count("is not an e-mail address") == 100
    assert "and 30 more" in result.stderr


def test_a_dry_run_tells_and_changes_nothing(
    promisekeeper: Run, people: Callable[..., str], database: Database
) -> None:
    result = promisekeeper("accounts", "import", people(10), "--dry-run", "--as", "omar")
    assert result.exit_code == 0
    assert "Would import people.csv: 10 added" in result.stdout
    assert rows_of(database) == (0, 0)


def test_re_addressing_many_takes_a_yes(
    promisekeeper: Run, people: Callable[..., str], database: Database
) -> None:
    promisekeeper("accounts", "import", people(40), "--as", "omar")
    moved = people(40, domain="example.org")
    refused = promisekeeper("accounts", "import", moved, "--as", "omar")
    assert refused.exit_code == 1
    assert "40 of 40 accounts" in refused.stderr
    assert "--yes" in refused.stderr
    assert rows_of(database) == (40, 0)
    assert promisekeeper("accounts", "import", moved, "--as", "omar", "--yes").exit_code == 0
    with database.session() as session:
        addresses = session.exec(select(Account.email)).all()
    assert {address.partition("@")[2] for address in addresses} == {"example.org"}


def test_what_another_import_moved_meanwhile_takes_a_yes_too(
    promisekeeper: Run,
    people: Callable[..., str],
    database: Database,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """An old file changed nothing when it was checked, and would now move everybody back."""
    promisekeeper("accounts", "import", people(40), "--as", "omar")
    decide = account_imports.decide

    def another_first(*given: Any) -> bool:  # noqa: ANN401 - whatever deciding takes
        monkeypatch.setattr(account_imports, "decide", decide)
        moved = [
            AccountRow(external_id=f"a{number:04}", email=f"holder{number}@example.org")
            for number in range(1, 41)
        ]
        with database.session() as session:
            omar = by_handle(session, "omar").id
        import_accounts(database, moved, by=omar, now=NOW)
        return decide(*given)

    monkeypatch.setattr(account_imports, "decide", another_first)
    refused = promisekeeper("accounts", "import", people(40), "--as", "omar")
    assert refused.exit_code == 1
    assert "40 of 40 accounts" in refused.stderr
    with database.session() as session:
        addresses = session.exec(select(Account.email)).all()
    assert {address.partition("@")[2] for address in addresses} == {"example.org"}


def test_an_import_that_is_stopped_after_its_decision_stands(
    promisekeeper: Run,
    people: Callable[..., str],
    database: Database,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Ctrl-C while it is carried: it says so, and the next import finishes it first."""
    monkeypatch.setattr(unfinished_imports, "STANDSTILL_SECONDS", 0)
    carry_chunk = unfinished_imports._carry_chunk

    def stop_after_the_first(*given: Any) -> int:  # noqa: ANN401 - whatever carrying takes
        if rows_of(database)[0]:
            raise KeyboardInterrupt
        return carry_chunk(*given)

    with monkeypatch.context() as stopping:
        stopping.setattr(unfinished_imports, "_carry_chunk", stop_after_the_first)
        stopped = promisekeeper("accounts", "import", people(600), "--as", "omar")
    assert stopped.exit_code == 130
    assert "The import of people.csv stands" in stopped.stderr
    assert rows_of(database) == (account_imports.CHUNK, 600 - account_imports.CHUNK)
    again = promisekeeper("accounts", "import", people(600), "--as", "omar")
    assert "0 added, 0 updated, 600 unchanged" in again.stdout
    assert rows_of(database) == (600, 0)


def test_a_database_that_goes_away_meanwhile_is_told_of_in_one_line(
    promisekeeper: Run, people: Callable[..., str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """What the driver adds in further lines helps nobody, and may say too much."""
    lost = OperationalError("INSERT", {}, Exception("the server went away\nDETAIL: much more"))

    def lose(*_given: object) -> None:
        raise lost

    monkeypatch.setattr(unfinished_imports, "carry", lose)
    stopped = promisekeeper("accounts", "import", people(3), "--as", "omar")
    assert stopped.exit_code == 3
    assert "The database does not answer: the server went away. The import" in stopped.stderr
    assert "DETAIL" not in stopped.stderr


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"external_id,shoe_size\n", "Unknown column"),
        (b"external_id,email\n\xff\n", "UTF-8"),
        (b"external_id,email\n\n", "no account in it"),
    ],
)
def test_what_is_no_file_of_accounts_is_refused(
    promisekeeper: Run, tmp_path: Path, content: bytes, words: str
) -> None:
    (tmp_path / "people.csv").write_bytes(content)
    result = promisekeeper("accounts", "import", str(tmp_path / "people.csv"), "--as", "omar")
    assert result.exit_code == 2
    assert words in result.stderr
    assert "Nothing was imported." in result.stderr


def test_a_file_that_is_not_there_is_refused(promisekeeper: Run) -> None:
    result = promisekeeper("accounts", "import", "nowhere.csv", "--as", "omar")
    assert (result.exit_code, result.stdout) == (2, "")
    assert "no such file" in result.stderr


def test_who_reads_accounts_says_so_and_is_recorded(
    promisekeeper: Run, people: Callable[..., str], database: Database
) -> None:
    """P30: reads of personal data are recorded."""
    promisekeeper("accounts", "import", people(3), "--as", "omar")
    assert promisekeeper("accounts", "list", "--as", "lena").exit_code == 1
    listed = promisekeeper("accounts", "list", "--as", "petra", "--format", "json")
    assert json.loads(listed.stdout)[0]["email"] == "holder1@example.com"
    shown = promisekeeper("accounts", "show", "a0003", "--as", "omar", "--format", "json")
    assert json.loads(shown.stdout)["email"] == "holder3@example.com"
    with database.session() as session:
        read = session.exec(select(Fact).where(Fact.kind == "personal_data.read")).all()
        known = {account.id: account.external_id for account in session.exec(select(Account))}
    assert sorted(known[fact.subject_id] for fact in read) == ["a0001", "a0002", "a0003", "a0003"]


def test_accounts_are_listed_and_shown(promisekeeper: Run, people: Callable[..., str]) -> None:
    promisekeeper("accounts", "import", people(3), "--as", "omar")
    listed = promisekeeper("accounts", "list", "--limit", "2", "--format", "json")
    assert [row["external_id"] for row in json.loads(listed.stdout)] == ["a0001", "a0002"]
    shown = json.loads(promisekeeper("accounts", "show", "a0003", "--format", "json").stdout)
    assert shown["status"] == "open"
    assert "holder" not in listed.stdout + str(shown)
    unknown = promisekeeper("accounts", "show", "zz")
    assert (unknown.exit_code, unknown.stderr) == (1, "There is no account 'zz'.\n")
