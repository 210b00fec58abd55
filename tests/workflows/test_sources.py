"""A request goes on until every data source has said or done its part, whoever presses what, and
nothing that a source knows of anybody reaches Temporal or our log (P11, P17, P31)."""

import logging
import os
import re
from collections.abc import Iterator
from pathlib import Path
from uuid import UUID

import pytest
from sqlmodel import select

from database.engine import Database
from database.requests import source_tasks
from database.requests.requested_rights import rights_of
from database.tables import Account, DataSubjectRequest, SourceTask
from domain.requests.collected import collected_from
from domain.requests.data_subject_requests import Intake
from domain.requests.personal_data import Verb
from embedded.sample_company import database as sample_company
from tests.eventually import eventually
from tests.people import DORA
from tests.texts import FIRST
from tests.workflows.conftest import Town, town
from tests.workflows.living import ended, leap, request_id
from tests.workflows.stories_of_requests import (
    CUSTOMER,
    a_request_that_erases,
    a_request_whose_sources_take_their_time,
    standing_of,
)
from tests.workflows.test_no_personal_data import everything_in_temporal

pytestmark = pytest.mark.temporal


@pytest.fixture
def company_town(database: Database, tmp_path: Path) -> Iterator[Town]:
    """A town with the invented company's sources, whose database is not there yet."""
    with town(database, tmp_path, data_map="") as running:
        running.put_in_force(FIRST)
        running.import_accounts(CUSTOMER)
        yield running


def asks(town: Town, kind: str) -> DataSubjectRequest:
    intake = Intake(name="Dora Dahl", contact_address=DORA.email, kinds=(kind,))
    return town.desk.receive(intake, channel="web")


def test_what_sources_know_of_a_person_is_in_no_history_and_no_log(
    company_town: Town, caplog: pytest.LogCaptureFixture
) -> None:
    """P31: every value that is in Dora's copy, and what went wrong before it was."""
    caplog.set_level(logging.INFO)
    town = company_town
    request = asks(town, "access")
    town.desk.verify(request.id, how="link to the address on file")
    eventually(lambda: "waiting" in standing_of(town, request).values())
    town.come_to_rest()
    sample_company.make(town.settings.sample_company, others=3)
    town.advance(hours=1)
    eventually(lambda: set(standing_of(town, request).values()) == {"done", "by_hand"})
    town.come_to_rest()
    with town.database.session() as session:
        files = [task.file for task in session.exec(select(SourceTask)) if task.file]
    kept = [collected_from(town.desk._storage.read(file)) for file in files]
    values = {
        str(record.value)
        for one in kept
        if one.source != "promisekeeper"  # of ours, words like `access` are in Temporal too
        for record in one.records
        if len(str(record.value)) > 4
    }
    assert "Dora Dahl" in values
    exported = town.portal.call(everything_in_temporal, town.client)
    assert b"somebody of staff to do it by hand" in exported
    for value in values:
        assert value.encode() not in exported, value
        assert value not in caplog.text, value


def test_an_answered_request_goes_on_until_marketing_has_stopped_everywhere(
    company_town: Town,
) -> None:
    """P17: it is answered at once; a source that is away hears of it later, and the watchdog brings
    back who was to tell it."""
    town = company_town
    request = asks(town, "marketing_opt_out")
    eventually(lambda: "waiting" in standing_of(town, request).values())
    town.come_to_rest()
    assert town.told(request_id(request))["stage"] == "answered"
    assert "marketing: no answer yet" in town.told(request_id(request))["waits_for"]
    town.terminate(request_id(request))
    assert any(request_id(request) in line for line in town.patrol().repaired)
    sample_company.make(town.settings.sample_company, others=3)
    town.advance(hours=1)
    eventually(lambda: set(standing_of(town, request).values()) == {"done", "by_hand"})
    (paper,) = [task for task in tasks(town, request) if task.state == "by_hand"]
    assert eventually(lambda: town.mails(to="petra@staff.example", subject="A task for you"))
    town.desk.give_up(
        request.reference, paper.id, town.staff["petra"], reason="Nothing there is for marketing."
    )
    eventually(lambda: ended(town, request_id(request)))
    assert town.patrol().repaired == ()


def test_a_source_that_nobody_asks_though_it_is_due_is_found_by_the_watchdog(
    company_town: Town,
) -> None:
    """As when the database knows of it, and the workflow does not."""
    town = company_town
    request = asks(town, "inquiry")
    eventually(lambda: is_acknowledged(town, request))  # a workflow not listed yet seems at rest
    town.come_to_rest()
    with town.database.transaction() as transaction:
        row = transaction.get_one(DataSubjectRequest, request.id)
        (right,) = rights_of(transaction, row.id)
        source_tasks.add_task(transaction, right, "billing", Verb.LOCATE, town.now())
    leap(town, 0.1)
    assert any(request_id(request) in line for line in town.patrol().stuck)


def is_acknowledged(town: Town, request: DataSubjectRequest) -> bool:
    with town.database.session() as session:
        return session.get_one(DataSubjectRequest, request.id).acknowledged_at is not None


def tasks(town: Town, request: DataSubjectRequest) -> list[SourceTask]:
    with town.database.session() as session:
        return list(source_tasks.tasks_of(session, request.id))


def test_the_answer_brings_a_link_and_a_code_comes_when_it_is_asked_for(
    database: Database, tmp_path: Path
) -> None:
    """P11: the request has ended by then; and after a month the watchdog deletes the copy."""
    with town(database, tmp_path, data_map="") as running:
        ((request_name, _),) = a_request_whose_sources_take_their_time(running).values()
        request_id = UUID(request_name.partition("/")[2])
        (answer,) = running.mails(to=DORA.email, subject="Our answer")
        assert any("/requests/copy/" in str(link) for link in answer["links"])
        assert running.desk.send_copy_code(request_id)
        (code,) = eventually(lambda: running.mails(to=DORA.email, subject="The code"))
        assert re.search(r"\n\d{8}\n", str(code["text"]))
        assert any("/requests/copy/" in str(link) for link in code["links"])
        files = running.settings.storage_folder
        assert list(files.iterdir())
        (files / "0123456789abcdef0123456789abcdef").touch()
        os.utime(files / "0123456789abcdef0123456789abcdef", times=(0, 0))
        leap(running, 31)
        running.patrol()
        assert list(files.iterdir()) == []


def test_our_own_database_forgets_who_was_erased_once_the_answer_is_out(
    database: Database, tmp_path: Path
) -> None:
    """P13: nobody has to wake the request for it."""
    with town(database, tmp_path, data_map="") as running:
        a_request_that_erases(running)
        assert running.mails(to=CUSTOMER.email, subject="Our answer")
        with running.database.session() as session:
            account = session.exec(select(Account)).one()
        assert account.status == "closed"
        assert account.email.endswith("@erased.invalid")
