"""Staff take requests in, and note what they posted, without a browser (P26, P30)."""

import json
from collections.abc import Callable
from datetime import UTC, datetime

import pytest
from sqlmodel import select
from typer.testing import Result

from database.engine import Database
from database.people.accounts import AccountRow
from database.people.staff import add_staff, by_handle
from database.tables import DataSubjectRequest, OutboxMail, RequestAgent
from tests.people import import_accounts

Run = Callable[..., Result]
LETTER = (
    *("requests", "receive", "--channel", "post", "--received-at", "2026-01-31T10:00:00+01:00"),
    *("--kind", "access", "--name", "Greta Gruber", "--country", "DE", "--language", "de-AT"),
)
BY_MAIL = (*LETTER, "--email", "greta@example.com")
ON_PAPER = (*LETTER, "--postal-address", "Am Bach 3, 8010 Graz")


def stored(database: Database) -> list[DataSubjectRequest]:
    with database.session() as session:
        return list(session.exec(select(DataSubjectRequest)).all())


def test_a_letter_is_taken_in_with_the_time_at_which_it_came(
    promisekeeper: Run, database: Database
) -> None:
    """P21, P26: also while Temporal is silent."""
    result = promisekeeper(*BY_MAIL, "--as", "petra")
    assert result.exit_code == 0, result.stderr
    [request] = stored(database)
    assert f"{request.reference} is taken in, due 2026-02-28 23:00 UTC" in result.stdout
    assert request.received_at == datetime(2026, 1, 31, 9, tzinfo=UTC)
    assert (request.channel, request.language) == ("post", "de")


@pytest.mark.parametrize(
    ("given", "code", "words"),
    [
        ((*BY_MAIL, "--as", "lena"), 1, "takes the role privacy or support"),
        ((*LETTER, "--as", "petra"), 2, "contact_address: Please give an e-mail address"),
        ((*BY_MAIL, "--language", "xx", "--as", "petra"), 2, "we do not speak it"),
        ((*BY_MAIL, "--received-at", "yesterday", "--as", "petra"), 2, "Nothing was taken in"),
        ((*BY_MAIL, "--received-at", "2026-01-31T10:00", "--as", "petra"), 2, "add an offset"),
        ((*BY_MAIL, "--received-at", "2999-01-01T00:00Z", "--as", "petra"), 1, "in the future"),
        ((*BY_MAIL, "--account", "nobody", "--as", "petra"), 1, "no account 'nobody'"),
        ((*BY_MAIL, "--kind", "everything", "--as", "petra"), 2, "everything"),
    ],
)
def test_what_cannot_be_taken_in_changes_nothing(
    promisekeeper: Run, database: Database, given: tuple[str, ...], code: int, words: str
) -> None:
    result = promisekeeper(*given)
    assert (result.exit_code, words in result.stderr) == (code, True), result.stderr
    assert stored(database) == []


def test_support_takes_requests_in(promisekeeper: Run, database: Database) -> None:
    """P30: intake, and nothing else."""
    with database.transaction() as transaction:
        add_staff(
            transaction, handle="sofia", name="Sofia", email="s@example.com", roles=["support"]
        )
    assert promisekeeper(*BY_MAIL, "--as", "sofia").exit_code == 0
    reference = stored(database)[0].reference
    assert promisekeeper("requests", "show", reference, "--as", "sofia").exit_code == 1


def test_a_letter_is_listed_until_it_was_posted(promisekeeper: Run, database: Database) -> None:
    """P26: with the day and what proves it."""
    promisekeeper(*ON_PAPER, "--as", "petra")
    [row] = json.loads(promisekeeper("requests", "letters", "--format", "json").stdout)
    [request] = stored(database)
    assert (row["reference"], row["step"]) == (request.reference, "acknowledgement")
    posted = ("requests", "posted", request.reference, "--letter", row["letter"])
    early = (*posted, "--on", "2026-01-31", "--proof", "RR 1", "--as", "petra")
    assert promisekeeper(*early).exit_code == 1
    on_time = (*posted, "--on", row["written_on"], "--proof", "RR 1")
    assert promisekeeper(*on_time, "--as", "lena").exit_code == 1
    done = promisekeeper(*on_time, "--as", "petra")
    assert done.exit_code == 0, done.stderr
    assert json.loads(promisekeeper("requests", "letters", "--format", "json").stdout) == []
    with database.session() as session:
        assert session.exec(select(OutboxMail)).one().state == "posted"


def test_whether_somebody_may_ask_for_another_is_decided(
    promisekeeper: Run, database: Database
) -> None:
    """P19."""
    agent = ("--agent-name", "Ann", "--agent-email", "ann@law.example")
    promisekeeper(*BY_MAIL, *agent, "--as", "petra")
    reference = stored(database)[0].reference
    decide = ("requests", "authority", reference, "--evidence", "Power of attorney.")
    assert promisekeeper(*decide, "--accept", "--as", "lena").exit_code == 1
    assert promisekeeper(*decide, "--accept", "--as", "petra").exit_code == 0
    with database.session() as session:
        assert session.exec(select(RequestAgent)).one().authority == "accepted"
    shown = json.loads(
        promisekeeper("requests", "show", reference, "--as", "petra", "--format", "json").stdout
    )
    assert (shown["agent"], shown["authority"]) == ("Ann, ann@law.example", "accepted")


def test_whose_letter_it_is_can_be_said_later(promisekeeper: Run, database: Database) -> None:
    """P19, P26: by the rules of the page."""
    promisekeeper(*ON_PAPER, "--as", "petra")
    [request] = stored(database)
    greta = AccountRow(external_id="a-greta", email="greta@example.com", name="Greta Gruber")
    with database.session() as session:
        petra = by_handle(session, "petra").id
    import_accounts(database, [greta], by=petra, now=request.received_at)
    named = ("requests", "name", request.reference, "--account")
    unknown = promisekeeper(*named, "a-nobody", "--as", "petra")
    assert (unknown.exit_code, "a-nobody" in unknown.stderr) == (1, True), unknown.stderr
    result = promisekeeper(*named, "a-greta", "--as", "petra")
    assert result.exit_code == 0, result.stderr
    assert "is about a-greta" in result.stdout
    assert stored(database)[0].account_address == "greta@example.com"
    again = promisekeeper(*named, "a-greta", "--as", "petra")
    assert (again.exit_code, "Nothing was changed" in again.stderr) == (1, True), again.stderr
