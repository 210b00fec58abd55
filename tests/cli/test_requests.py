"""Privacy and ops do their work without a browser, and are told when Temporal is silent."""

import json
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from uuid import UUID, uuid4

import pytest
from sqlmodel import select
from typer.testing import CliRunner, Result

from cli.main import app
from database.engine import Database
from database.requests import requests
from database.tables import Fact, OutboxMail, RequestDecision
from domain.requests.data_subject_requests import Intake, Kind
from domain.requests.deadlines import deadline
from tests.eventually import eventually
from tests.people import DORA
from tests.workflows.conftest import Town, town

Run = Callable[..., Result]
RECEIVED_AT = datetime(2026, 1, 31, 10, tzinfo=UTC)


@pytest.fixture
def reference(database: Database) -> str:
    """Alice's request for her data."""
    due = deadline(
        received_at=RECEIVED_AT, time_zone=None, country="DE", company_time_zone="Europe/Berlin"
    )
    with database.transaction() as transaction:
        request = requests.receive(
            transaction,
            Intake(name="Alice", contact_address="alice@example.com", kinds=(Kind.ACCESS,)),
            requests.Received(
                channel="web", deadline=due, policy_version_id=None, languages=("en", "de")
            ),
            RECEIVED_AT,
        )
    return request.reference


@pytest.fixture
def in_town(
    database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[tuple[Town, Run]]:
    """The command line of a town, where Temporal and a worker answer."""
    with town(database, tmp_path) as running:
        monkeypatch.setenv("PROMISEKEEPER_DATA_DIR", str(tmp_path))
        monkeypatch.setenv("PROMISEKEEPER_DATABASE_URL", database.url)
        address = running.client.service_client.config.target_host
        monkeypatch.setenv("TEMPORAL_ADDRESS", address)
        yield running, lambda *arguments: CliRunner().invoke(app, list(arguments))


@pytest.fixture
def doubtful_mail(database: Database, reference: str) -> UUID:
    """A mail of which nobody knows whether it went out."""
    with database.transaction() as transaction:
        mail = transaction.exec(select(OutboxMail).where(OutboxMail.state == "queued")).one()
        mail.state = "operator"
        mail.attempt_id = uuid4()
        transaction.add(mail)
    return mail.id


def test_the_link_to_its_workflow_is_in_the_namespace_that_is_set(
    promisekeeper: Run, reference: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    show = ("requests", "show", reference, "--format", "json")
    assert "/namespaces/default/workflows/" in json.loads(promisekeeper(*show).stdout)["workflow"]
    monkeypatch.setenv("TEMPORAL_NAMESPACE", "acme.a1b2c")
    assert "/namespaces/acme.a1b2c/workflows/" in promisekeeper(*show).stdout
    monkeypatch.setenv("TEMPORAL_PROFILE", "nowhere")
    refused = promisekeeper(*show)
    assert refused.exit_code == 2
    assert "'nowhere' not found" in refused.stderr


def test_requests_are_listed_by_urgency_and_shown(promisekeeper: Run, reference: str) -> None:
    (row,) = json.loads(promisekeeper("requests", "list", "--format", "json").stdout)
    assert (row["reference"], row["kinds"]) == (reference, ["access"])
    assert row["due_at"] == "2026-02-28T23:00:00Z"
    shown = json.loads(promisekeeper("requests", "show", reference, "--format", "json").stdout)
    assert "alice@example.com" not in str(shown)
    assert shown["mails"] == ["acknowledgement: queued", "verification: no_address"]


def test_who_reads_a_request_says_so_and_is_recorded(
    promisekeeper: Run, reference: str, database: Database
) -> None:
    """P30: reads of personal data are recorded, and privacy's alone."""
    show = ("requests", "show", reference, "--format", "json")
    refused = promisekeeper(*show, "--as", "lena")
    assert (refused.exit_code, refused.stdout) == (1, "")
    with database.session() as session:
        assert session.exec(select(Fact).where(Fact.kind == "personal_data.read")).all() == []
    assert json.loads(promisekeeper(*show, "--as", "petra").stdout)["name"] == "Alice"
    with database.session() as session:
        read = session.exec(select(Fact).where(Fact.kind == "personal_data.read")).one()
        assert read.subject_id == requests.request_by_reference(session, reference).id


def test_a_deadline_is_explained_with_every_candidate(promisekeeper: Run, reference: str) -> None:
    """P21: anyone may ask for the explanation."""
    result = promisekeeper("requests", "explain-deadline", reference, "--format", "json")
    answer = json.loads(result.stdout)
    assert answer["rule"] == "statute.gdpr"
    assert {found["rule"] for found in answer["candidates"]} == {"policy.720h", "statute.gdpr"}
    table = promisekeeper("requests", "explain-deadline", reference.lower()).stdout
    assert "due 2026-02-28 23:00 UTC by statute.gdpr" in table


def test_a_request_is_assigned_to_the_privacy_team_only(promisekeeper: Run, reference: str) -> None:
    assign = ("requests", "assign", reference)
    assert promisekeeper(*assign, "--to", "lena", "--as", "petra").exit_code == 1
    assert promisekeeper(*assign, "--to", "petra", "--as", "lena").exit_code == 1
    assert promisekeeper(*assign, "--to", "petra", "--as", "petra").exit_code == 0
    (row,) = json.loads(promisekeeper("requests", "list", "--format", "json").stdout)
    assert row["assignee"] == "petra"


def test_a_decision_is_kept_when_temporal_is_silent(
    promisekeeper: Run, reference: str, database: Database
) -> None:
    result = promisekeeper(
        *("requests", "decide", reference, "--outcome", "unverified"),
        *("--explanation", "Nobody answered our question.", "--as", "petra"),
    )
    assert result.exit_code == 3
    assert "Nothing is lost" in result.stderr
    with database.session() as session:
        assert len(session.exec(select(RequestDecision)).all()) == 1


@pytest.mark.parametrize(
    ("given", "code", "words"),
    [
        (["--outcome", "fulfilled", "--explanation", "Here."], 1, "identity is verified"),
        (["--outcome", "refused", "--explanation", "No."], 1, "needs one of the grounds"),
        (["--outcome", "nonsense", "--explanation", "No."], 2, "nonsense"),
    ],
)
def test_an_answer_that_may_not_go_out_is_refused(
    promisekeeper: Run, reference: str, given: list[str], code: int, words: str
) -> None:
    """P19, P20."""
    result = promisekeeper("requests", "decide", reference, *given, "--as", "petra")
    assert (result.exit_code, words in result.stderr) == (code, True)


@pytest.mark.temporal
def test_a_refusal_goes_out_once_a_second_person_confirms_the_answer_they_read(
    in_town: tuple[Town, Run],
) -> None:
    """P20: with the very command that the first person was told, and never by that person."""
    town, promisekeeper = in_town
    dora = Intake(name="Dora", contact_address=DORA.email, kinds=(Kind.ACCESS,))
    reference = town.desk.receive(dora, channel="web").reference

    def answers() -> int:
        return sum("keep nothing" in mail["text"] for mail in town.mails(to=DORA.email))

    proposed = promisekeeper(
        *("requests", "decide", reference, "--outcome", "refused"),
        *("--ground", "manifestly_unfounded_or_excessive", "--evidence", "The tenth this week."),
        *("--explanation", "We keep nothing about you.", "--as", "petra"),
    )
    assert "waits for a second person: promisekeeper requests confirm" in proposed.stdout
    confirm = proposed.stdout.partition("promisekeeper ")[2].removesuffix("STAFF\n").split()
    read = promisekeeper("requests", "show", reference, "--as", "paul", "--format", "json")
    answer = confirm[confirm.index("--answer") + 1]
    assert [right["answer"]["id"] for right in json.loads(read.stdout)["rights"]] == [answer]

    another = ("requests", "confirm", reference, "--answer", str(uuid4()), "--as", "paul")
    for refused, words in (
        (promisekeeper(*confirm, "petra"), "needs a second person"),
        (promisekeeper(*confirm, "lena"), "takes the role privacy"),
        (promisekeeper(*another), "not the answer that waits"),
    ):
        assert (refused.exit_code, refused.stdout, words in refused.stderr) == (1, "", True)

    assert answers() == 0
    confirmed = promisekeeper(*confirm, "paul")
    assert confirmed.stdout == f"Confirmed. {reference} is answered; the mail is on its way.\n"
    assert confirmed.exit_code == 0
    eventually(lambda: answers() == 1)
    with town.database.session() as session:
        decision = session.exec(select(RequestDecision)).one()
    assert decision.decided_by == town.staff["petra"]
    assert decision.confirmed_by == town.staff["paul"]


@pytest.mark.temporal
def test_each_right_of_a_request_is_answered_by_itself(in_town: tuple[Town, Run]) -> None:
    """P22: and whoever answers is told what is still to be decided."""
    town, promisekeeper = in_town
    dora = Intake(name="Dora", contact_address=DORA.email, kinds=("inquiry", "access"))
    request = town.desk.receive(dora, channel="web")
    town.desk.verify(request.id, how="link")
    reference = request.reference
    decide = (
        *("requests", "decide", reference, "--explanation", "It is done.", "--as", "petra"),
        "--outcome",
    )
    unnamed = promisekeeper(*decide, "fulfilled")
    assert (unnamed.exit_code, unnamed.stdout) == (1, "")
    assert "Say which one you answer: inquiry, access" in unnamed.stderr
    first = promisekeeper(*decide, "fulfilled", "--right", "inquiry")
    assert first.stdout == f"{reference} is not answered yet. Still to be decided: access.\n"
    shown = json.loads(promisekeeper("requests", "show", reference, "--format", "json").stdout)
    assert {right["right"]: right["state"] for right in shown["rights"]} == {
        "access": "open",
        "inquiry": "decided",
    }
    assert [right["answer"] for right in shown["rights"]] == [None, None]
    assert "It is done." in promisekeeper("requests", "show", reference, "--as", "paul").stdout
    last = promisekeeper(*decide, "fulfilled", "--right", "access", "--evidence", "by courier")
    assert last.stdout == f"{reference} is answered; the mail is on its way.\n"


def test_a_confirmation_is_not_taken_for_given_when_temporal_is_silent(
    promisekeeper: Run, reference: str
) -> None:
    """P20: the second person is told that nothing went out yet, and to repeat it."""
    result = promisekeeper(
        *("requests", "confirm", reference, "--answer", str(uuid4()), "--as", "petra")
    )
    assert (result.exit_code, result.stdout) == (3, "")
    assert "not decided yet" in result.stderr


def test_a_mail_of_unknown_outcome_is_listed_and_sent_again_by_ops_only(
    promisekeeper: Run, doubtful_mail: UUID, database: Database
) -> None:
    """P4: what nobody can know, a person decides."""
    (row,) = json.loads(promisekeeper("mail", "unknown", "--format", "json").stdout)
    assert row["mail"] == str(doubtful_mail)
    assert promisekeeper("mail", "resend", row["mail"], "--as", "lena").exit_code == 1
    silent = promisekeeper("mail", "resend", row["mail"], "--as", "omar")
    assert silent.exit_code == 3
    assert "What you handed in is kept" in silent.stderr
    with database.session() as session:
        assert session.get_one(OutboxMail, doubtful_mail).state == "queued"
    again = promisekeeper("mail", "resend", row["mail"], "--as", "omar")
    assert (again.exit_code, "does not wait for a decision" in again.stderr) == (1, True)
