"""Holds are placed, released and listed without a browser, with a request or without (P13)."""

import json
from collections.abc import Callable
from datetime import UTC, datetime

import pytest
from sqlmodel import select
from typer.testing import Result

from database.engine import Database
from database.requests import requests
from database.requests.deferred_erasures import defer
from database.requests.requested_rights import rights_of
from database.tables import Account, Fact, LegalHold
from domain.requests.data_subject_requests import Intake, Kind
from domain.requests.deadlines import deadline

Run = Callable[..., Result]
RECEIVED_AT = datetime(2026, 1, 31, 10, tzinfo=UTC)
SECRET = "Abel ./. Fernhill"


@pytest.fixture
def alice(database: Database) -> str:
    """Alice's account."""
    with database.transaction() as transaction:
        transaction.add(
            Account(
                external_id="a-1",
                email="alice@example.com",
                name="Alice",
                joined_at=RECEIVED_AT,
                recorded_at=RECEIVED_AT,
            )
        )
    return "a-1"


@pytest.fixture
def reference(database: Database, alice: str) -> str:
    """Her request for erasure."""
    assert alice
    due = deadline(
        received_at=RECEIVED_AT,
        time_zone=None,
        country="DE",
        company_time_zone="Europe/Berlin",
        right=Kind.ERASURE,
    )
    with database.transaction() as transaction:
        return requests.receive(
            transaction,
            Intake(name="Alice", contact_address="alice@example.com", kinds=(Kind.ERASURE,)),
            requests.Received(
                channel="web", deadline=due, policy_version_id=None, languages=("en", "de")
            ),
            RECEIVED_AT,
        ).reference


def add(run: Run, account: str, *, by: str = "lena", **options: str) -> Result:
    given = {"reason": SECRET, **options}
    words = [word for name, value in given.items() for word in (f"--{name}", value)]
    return run("holds", "add", "--account", account, *words, "--as", by)


def listed(run: Run, *options: str) -> list[dict[str, object]]:
    rows: list[dict[str, object]] = json.loads(
        run("holds", "list", *options, "--format", "json").stdout
    )
    return rows


def test_lena_places_one_and_petra_releases_it(promisekeeper: Run, alice: str) -> None:
    """P13: nobody releases their own."""
    placed = add(promisekeeper, alice)
    assert placed.exit_code == 0
    (row,) = listed(promisekeeper)
    assert str(row["id"]) in placed.stdout
    assert (row["account"], row["placed_by"], row["source"]) == (alice, "lena", "")
    release = ("holds", "release", "--account", alice, "--reason", "Settled.")
    refused = promisekeeper(*release, "--as", "lena")
    assert refused.exit_code == 1
    assert "a second person has to release it" in refused.stderr
    assert promisekeeper(*release, "--as", "petra").exit_code == 0
    assert listed(promisekeeper) == []
    (over,) = listed(promisekeeper, "--all")
    assert over["released_by"] == "petra"
    again = promisekeeper(*release, "--as", "petra")
    assert again.exit_code == 1
    assert "no such hold" in again.stderr


def test_what_it_is_about_is_shown_to_whoever_says_who_they_are(
    promisekeeper: Run, alice: str, database: Database
) -> None:
    """P30: reads are recorded, and those of legal and privacy alone."""
    add(promisekeeper, alice)
    assert SECRET not in promisekeeper("holds", "list").stdout
    assert promisekeeper("holds", "list", "--as", "omar").exit_code == 1
    (row,) = listed(promisekeeper, "--as", "noor")
    assert row["reason"] == SECRET
    with database.session() as session:
        read = session.exec(select(Fact).where(Fact.kind == "personal_data.read")).one()
        assert read.subject_id == session.exec(select(Account)).one().id


def test_where_several_stand_the_one_is_named(promisekeeper: Run, alice: str) -> None:
    """P13."""
    add(promisekeeper, alice)
    add(promisekeeper, alice, source="promisekeeper")
    release = ("holds", "release", "--account", alice, "--reason", "Settled.", "--as", "petra")
    refused = promisekeeper(*release)
    assert refused.exit_code == 1
    assert "Say which one with --hold" in refused.stderr
    first, second = (str(row["id"]) for row in listed(promisekeeper))
    assert promisekeeper(*release, "--hold", first).exit_code == 0
    assert [row["id"] for row in listed(promisekeeper)] == [second]


@pytest.mark.parametrize(
    "wrong",
    [{"account": "nobody"}, {"reason": ""}, {"source": "no-such-source"}, {"by": "omar"}],
)
def test_bad_input_is_refused_and_changes_nothing(
    promisekeeper: Run, alice: str, database: Database, wrong: dict[str, str]
) -> None:
    refused = add(promisekeeper, **{"account": alice, **wrong})
    assert refused.exit_code == 1
    assert refused.stderr
    with database.session() as session:
        assert session.exec(select(LegalHold)).all() == []


def test_the_one_on_the_account_of_a_request_is_released_by_its_reference(
    promisekeeper: Run, alice: str, reference: str
) -> None:
    """P13."""
    release = ("requests", "release-hold", reference, "--reason", "Settled.", "--as", "petra")
    assert promisekeeper(*release).exit_code == 1
    add(promisekeeper, alice)
    show = ("requests", "show", reference, "--format", "json")
    assert json.loads(promisekeeper(*show).stdout)["on_hold"] is True
    assert promisekeeper(*release).exit_code == 0
    assert listed(promisekeeper) == []
    assert json.loads(promisekeeper(*show).stdout)["on_hold"] is False


def test_petra_reads_by_when_to_erase_and_says_that_it_is_done(
    promisekeeper: Run, alice: str, reference: str, database: Database
) -> None:
    """P13: of an erasure that was answered under a hold."""
    erased = ("requests", "erased", reference, "--as", "petra")
    add(promisekeeper, alice)
    with database.transaction() as transaction:
        request = requests.request_by_reference(transaction, reference)
        (right,) = rights_of(transaction, request.id)
        defer(transaction, right, RECEIVED_AT)
    assert promisekeeper(*erased).exit_code == 1
    promisekeeper("requests", "release-hold", reference, "--reason", "Over.", "--as", "petra")
    show = ("requests", "show", reference, "--format", "json")
    assert json.loads(promisekeeper(*show).stdout)["erase_by"]
    assert promisekeeper(*erased).exit_code == 0
    assert json.loads(promisekeeper(*show).stdout)["erase_by"] is None
