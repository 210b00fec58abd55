"""Minors, recipients, deaths and what was joined: staff see to them without a browser."""

import json
from collections.abc import Callable
from datetime import UTC, datetime
from uuid import UUID

import pytest
from sqlmodel import select
from typer.testing import Result

from database.engine import Database
from database.people.staff import add_staff, by_handle
from database.requests import recipients, requests
from database.requests.requested_rights import rights_of
from database.tables import Account, DataSubjectRequest, Fact, JoinedRequest, RecipientNotice
from domain.requests.data_subject_requests import Intake, Kind
from domain.requests.deadlines import deadline

Run = Callable[..., Result]
RECEIVED_AT = datetime(2026, 1, 31, 10, tzinfo=UTC)


@pytest.fixture
def reference(database: Database, staff_tokens: dict[str, str]) -> str:
    """The request of Alice, who has an account; Paul is of privacy, too."""
    assert staff_tokens
    due = deadline(
        received_at=RECEIVED_AT, time_zone=None, country="DE", company_time_zone="Europe/Berlin"
    )
    with database.transaction() as transaction:
        add_staff(transaction, handle="paul", name="Paul", email="p@example.com", roles=["privacy"])
        account = Account(
            external_id="a-1",
            email="alice@example.com",
            name="Alice",
            joined_at=RECEIVED_AT,
            recorded_at=RECEIVED_AT,
        )
        transaction.add(account)
        transaction.flush()
        return requests.receive(
            transaction,
            Intake(name="Alice", contact_address="alice@example.com", kinds=(Kind.ACCESS,)),
            requests.Received(
                channel="web", deadline=due, policy_version_id=None, languages=("en", "de")
            ),
            RECEIVED_AT,
        ).reference


def account(database: Database) -> Account:
    with database.session() as session:
        return session.exec(select(Account)).one()


def listed(run: Run, *command: str) -> list[dict[str, object]]:
    rows: list[dict[str, object]] = json.loads(run(*command, "--format", "json").stdout)
    return rows


def test_a_death_that_petra_noted_by_mistake_is_taken_back_by_paul(
    promisekeeper: Run, reference: str, database: Database
) -> None:
    """P19: a second person says so, nobody alone."""
    assert promisekeeper("requests", "died", reference, "--as", "petra").exit_code == 0
    assert account(database).death_noted_at is not None
    alone = promisekeeper("requests", "lives", reference, "--as", "petra")
    assert alone.exit_code == 1
    assert alone.stderr
    assert account(database).death_noted_at is not None
    assert promisekeeper("requests", "lives", reference, "--as", "paul").exit_code == 0
    assert account(database).death_noted_at is None
    assert promisekeeper("requests", "died", reference, "--as", "lena").exit_code == 1


def test_recipients_are_listed_and_told_of_several_things_at_once(
    promisekeeper: Run, reference: str, database: Database
) -> None:
    """P12, P13: the list names no person."""
    with database.transaction() as transaction:
        request = transaction.exec(select(DataSubjectRequest)).one()
        (right,) = rights_of(transaction, request.id)
        who = [
            recipients.Recipient(name=name, source="billing") for name in ("Ledger", "Example Mail")
        ]
        recipients.note(transaction, right, who, RECEIVED_AT)
    rows = listed(promisekeeper, "requests", "recipients")
    assert {row["recipient"] for row in rows} == {"Ledger", "Example Mail"}
    assert {row["reference"] for row in rows} == {reference}
    assert "alice" not in str(rows).lower()
    notices = [str(row["notice"]) for row in rows]
    told = ("requests", "told", *notices, "--as", "petra", "--how")
    unsaid = promisekeeper(*told, " ")
    assert unsaid.exit_code == 1
    assert "Write how you told them" in unsaid.stderr
    assert promisekeeper(*told, "A letter").exit_code == 0
    assert listed(promisekeeper, "requests", "recipients") == []
    with database.session() as session:
        assert {one.how for one in session.exec(select(RecipientNotice))} == {"A letter"}
    assert promisekeeper(*told, "Again").exit_code == 1


def test_what_was_joined_is_taken_out_by_the_reference_that_was_told(
    promisekeeper: Run, reference: str, database: Database
) -> None:
    """P26."""
    with database.transaction() as transaction:
        request = transaction.exec(select(DataSubjectRequest)).one()
        transaction.add(
            JoinedRequest(
                reference="R-JOINED22",
                request_id=request.id,
                name="Bob",
                account_address=None,
                kinds=["access"],
                message="Mine, please",
                channel="web",
                received_at=RECEIVED_AT,
            )
        )
    own_already = promisekeeper("requests", "take-out", reference, "--as", "petra")
    assert own_already.exit_code == 1
    assert "joined to no other" in own_already.stderr
    assert promisekeeper("requests", "take-out", "R-JOINED22", "--as", "petra").exit_code == 0
    with database.session() as session:
        own = requests.request_by_reference(session, "R-JOINED22")
        assert (own.name, own.received_at) == ("Bob", RECEIVED_AT)
        assert session.exec(select(JoinedRequest)).all() == []
    assert promisekeeper("requests", "take-out", "R-JOINED22", "--as", "petra").exit_code == 1


def test_an_account_that_may_be_a_minors_is_looked_into(
    promisekeeper: Run, reference: str, database: Database
) -> None:
    """P18, P30: heard first, and agreed to by a second person."""
    assert reference
    add = ("minors", "add", "--account", "a-1", "--note", "A school's name", "--as")
    assert promisekeeper(*add, "lena").exit_code == 1
    assert promisekeeper(*add, "petra").exit_code == 0
    assert promisekeeper(*add, "petra").exit_code == 1
    (row,) = listed(promisekeeper, "minors", "list")
    check = str(row["id"])
    assert (row["account"], row["owner"], row["restricted"]) == ("a-1", "petra", True)
    assert "note" not in row
    (read,) = listed(promisekeeper, "minors", "list", "--as", "paul")
    assert read["note"] == "A school's name"
    with database.session() as session:
        facts = session.exec(select(Fact).where(Fact.kind == "personal_data.read")).all()
        paul = by_handle(session, "paul").id
    assert [UUID(str(one.payload["staff"])) for one in facts] == [paul]
    assert promisekeeper("minors", "take", check, "--as", "paul").exit_code == 0
    found = ("minors", "found", check, "--outcome", "minor", "--means", "The profile", "--as")
    unheard = promisekeeper(*found, "paul")
    assert unheard.exit_code == 1
    assert "to say something" in unheard.stderr
    heard = ("minors", "heard", check, "--said", "I am nine.", "--how", "A call", "--as", "paul")
    assert promisekeeper(*heard).exit_code == 0
    said = promisekeeper(*found, "paul")
    assert said.exit_code == 0
    assert f"minors confirm {check}" in said.stdout
    assert promisekeeper("minors", "confirm", check, "--as", "paul").exit_code == 1
    agreed = promisekeeper("minors", "confirm", check, "--as", "petra")
    assert agreed.exit_code == 0
    assert "R-" in agreed.stdout
    assert listed(promisekeeper, "minors", "list") == []
    assert promisekeeper("minors", "restrict", check, "--as", "petra").exit_code == 1
