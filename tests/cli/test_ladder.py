"""Privacy staff say that they act, that they are away, and when a letter really came (P21, P26)."""

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
from sqlmodel import select
from typer.testing import Result

from clock import Clock
from database.engine import Database
from database.people.staff import add_staff
from database.requests import requests
from database.requests.rungs import fire
from database.tables import DataSubjectRequest, FiredRung, ReceiptCorrection
from domain.requests.data_subject_requests import Intake, Kind
from domain.requests.deadlines import deadline
from domain.rungs import Role, Rung, RungKind

Run = Callable[..., Result]
DAY = timedelta(days=1)
RECEIVED_AT = datetime(2026, 6, 2, 9, tzinfo=UTC)
A_REMINDER = Rung(
    key="d-20", at=RECEIVED_AT, kind=RungKind.REMINDER, audience=(Role.ASSIGNEE,), summary="one"
)


@pytest.fixture
def reference(database: Database) -> str:
    """Alice's request for her data."""
    due = deadline(
        received_at=RECEIVED_AT, time_zone=None, country="DE", company_time_zone="Europe/Berlin"
    )
    with database.transaction() as transaction:
        request = requests.receive(
            transaction,
            Intake(
                name="Alice",
                contact_address="alice@example.com",
                kinds=(Kind.ACCESS,),
                country="DE",
            ),
            requests.Received(
                channel="web", deadline=due, policy_version_id=None, languages=("en", "de")
            ),
            RECEIVED_AT,
        )
    return request.reference


@pytest.fixture
def paul(database: Database, staff_tokens: dict[str, str]) -> str:
    """A second one of privacy."""
    assert "paul" not in staff_tokens
    with database.transaction() as transaction:
        add_staff(transaction, handle="paul", name="Paul", email="p@example.com", roles=["privacy"])
    return "paul"


def test_petra_says_that_she_acts(promisekeeper: Run, reference: str, database: Database) -> None:
    """P21."""
    early = promisekeeper("requests", "acknowledge", reference, "--as", "petra")
    assert early.exit_code == 1
    assert "has not spoken yet" in early.stderr
    with database.transaction() as transaction:
        row = requests.request_by_reference(transaction, reference)
        fire(transaction, row, A_REMINDER, now=RECEIVED_AT)
    assert promisekeeper("requests", "acknowledge", reference, "--as", "lena").exit_code == 1
    assert promisekeeper("requests", "acknowledge", reference, "--as", "petra").exit_code == 0
    with database.session() as session:
        assert session.exec(select(FiredRung)).one().acknowledged_at is not None
    shown = json.loads(promisekeeper("requests", "show", reference, "--format", "json").stdout)
    assert shown["ladder"][0].endswith(", acknowledged")


def test_a_receipt_is_corrected_earlier_at_once_and_later_by_two(
    promisekeeper: Run, reference: str, database: Database, paul: str
) -> None:
    """P26."""
    correct = ("requests", "correct-receipt", reference, "--as", "petra", "--received-at")
    earlier, later = (f"{RECEIVED_AT + by:%Y-%m-%dT%H:%M:%SZ}" for by in (-DAY, DAY))
    assert "is due" in promisekeeper(*correct, earlier).stdout
    refused = promisekeeper(*correct, later)
    assert refused.exit_code == 1
    assert "needs its proof" in refused.stderr
    waits = promisekeeper(*correct, later, "--proof", "The envelope is stamped.")
    assert "confirm-receipt" in waits.stdout
    show = ("requests", "show", reference, "--format", "json", "--as", paul)
    assert "The envelope is stamped." in str(json.loads(promisekeeper(*show).stdout))
    with database.session() as session:
        newest = select(ReceiptCorrection).where(ReceiptCorrection.proof != "")
        correction = str(session.exec(newest).one().id)
    confirm = ("requests", "confirm-receipt", reference, "--correction", correction)
    assert promisekeeper(*confirm, "--as", "petra").exit_code == 1
    assert promisekeeper(*confirm, "--as", paul).exit_code == 0
    with database.session() as session:
        assert session.exec(select(DataSubjectRequest)).one().received_at == RECEIVED_AT + DAY


def test_what_is_no_instant_and_no_country_is_refused_in_words(
    promisekeeper: Run, reference: str
) -> None:
    correct = ("requests", "correct-receipt", reference, "--as", "petra")
    no_instant = promisekeeper(*correct, "--received-at", "yesterday")
    assert no_instant.exit_code == 2
    assert "--received-at yesterday" in no_instant.stderr
    no_country = promisekeeper(*correct, "--country", "Germany")
    assert no_country.exit_code == 1
    assert "not a country code" in no_country.stderr


def test_petra_is_away_and_comes_back(promisekeeper: Run, database: Database, paul: str) -> None:
    """P21."""
    today = Clock(database, development=True).now().date()
    days = ("--from", str(today - DAY), "--until", str(today + DAY))
    away = ("staff", "absent", "petra", *days, "--delegate", paul, "--as", "petra")
    assert promisekeeper(*away).exit_code == 0
    rows = json.loads(promisekeeper("staff", "list", "--format", "json").stdout)
    shown = {row["handle"]: row["away"] for row in rows}
    assert shown["petra"] == f"{today - DAY} to {today + DAY}: paul"
    assert shown["paul"] is None
    assert promisekeeper("staff", "back", "petra", "--as", paul).exit_code == 1
    assert "is back" in promisekeeper("staff", "back", "petra", "--as", "petra").stdout
    assert "was not away" in promisekeeper("staff", "back", "petra", "--as", "petra").stdout


def test_an_absence_that_cannot_be_is_refused(promisekeeper: Run, paul: str) -> None:
    end = ("--until", "2026-12-31", "--as", "petra", "--delegate")
    wrong_day = promisekeeper("staff", "absent", "petra", "--from", "soon", *end, paul)
    assert wrong_day.exit_code == 2
    stranger = promisekeeper("staff", "absent", "petra", "--from", "2026-01-01", *end, "lena")
    assert stranger.exit_code == 1
    assert "none of the roles" in stranger.stderr


def test_the_late_reply_is_read_and_approved(promisekeeper: Run, paul: str) -> None:
    """P21: by two of privacy, in each language; doctor says what is missing."""
    words = promisekeeper("requests", "late-reply").stdout
    assert "The fault is ours" in words
    assert "Der Fehler liegt bei uns" in words
    assert promisekeeper("requests", "late-reply", "--approve", "fr", "--as", paul).exit_code == 2
    assert promisekeeper("requests", "late-reply", "--approve", "de").exit_code == 2
    for who in ("petra", paul):
        assert "de: approved by" in (
            promisekeeper("requests", "late-reply", "--approve", "de", "--as", who).stdout
        )
    assert "de: approved by 2 of 2" in promisekeeper("requests", "late-reply").stdout
    assert promisekeeper("requests", "late-reply", "--approve", "de", "--as", "lena").exit_code == 1
    found = json.loads(promisekeeper("doctor", "--format", "json").stdout)
    (late_reply,) = [row for row in found if row["part"] == "late reply"]
    assert late_reply["state"] == "advice"
    assert late_reply["finding"] == "not approved by two of privacy in en (P21)"
