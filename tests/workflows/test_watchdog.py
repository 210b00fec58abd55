"""The watchdog starts what should be running and is not, and says what it did."""

import logging
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from sqlmodel import select

import temporal
from database.engine import Database
from database.tables import Fact
from domain.data_subject_requests import Intake
from domain.reviews import VersionClass
from tests.eventually import eventually
from tests.people import ALICE, DORA
from tests.texts import FIRST, SECOND
from tests.workflows.conftest import Town, town

pytestmark = pytest.mark.temporal


def names(told: tuple[str, ...]) -> set[str]:
    return {line.partition(":")[0] for line in told}


def test_terminated_workflows_come_back_and_nothing_is_sent_twice(
    running_town: Town, caplog: pytest.LogCaptureFixture
) -> None:
    """P4, P21: ops may terminate anything; the database knows what was done."""
    town = running_town
    town.put_in_force(FIRST)
    town.import_accounts(ALICE, DORA)
    number = town.publish(SECOND, VersionClass.APPROVAL)
    eventually(lambda: town.version(number).effective_at)
    request = town.desk.receive(
        Intake(name="Dora", contact_address=DORA.email, kinds=("access",)), channel="web"
    )
    eventually(lambda: len(town.mails()) == 4)
    lost = {
        f"publication/privacy-policy/{number}",
        f"campaign/privacy-policy/{number}",
        f"data-subject-request/{request.id}",
    }
    for workflow_id in lost:
        town.terminate(workflow_id)
    with caplog.at_level(logging.WARNING, "promisekeeper.watchdog"):
        found = town.patrol()
    assert names(found.repaired) == lost
    assert all("it was terminated" in line for line in found.repaired)
    (warning,) = caplog.messages
    assert all(line in warning for line in found.repaired)
    with town.database.session() as session:
        facts = session.exec(select(Fact).where(Fact.kind == "watchdog.started")).all()
    assert {fact.payload["workflow_id"] for fact in facts} == lost
    assert {fact.payload["why"] for fact in facts} == {"it was terminated"}
    assert town.patrol().repaired == ()
    town.advance(days=33)
    eventually(lambda: town.version(number).state == "in_force")
    assert len(town.mails(to=ALICE.email)) == 3


def test_a_request_taken_in_without_temporal_is_started_later(running_town: Town) -> None:
    """P21: the thirty days run although nobody could start the workflow at receipt."""
    town = running_town
    town.put_in_force(FIRST)
    request = town.desk.receive(
        Intake(name="Dora", contact_address=DORA.email, kinds=("access",)), channel="web"
    )
    town.terminate(f"data-subject-request/{request.id}")
    assert names(town.patrol().repaired) == {f"data-subject-request/{request.id}"}
    eventually(lambda: town.mails(to=DORA.email))


def test_its_page_says_what_it_did(running_town: Town) -> None:
    """P21: who opens it in the Temporal UI reads it, also while no worker answers."""
    town = running_town
    town.put_in_force(FIRST)
    request = town.desk.receive(
        Intake(name="Dora", contact_address=DORA.email, kinds=("access",)), channel="web"
    )
    town.terminate(f"data-subject-request/{request.id}")
    found = town.patrol()
    assert found.in_words == (
        "Watched 1 workflows, started 1 that did not run, found 0 that stand still."
    )
    memo = town.portal.call(town.client.get_workflow_handle("watchdog").describe)
    told = town.portal.call(memo.memo)
    assert told["found"] == found.in_words
    assert told["named"] == list(found.repaired)


def test_it_names_what_runs_and_stands_still(running_town: Town) -> None:
    """P7, P21: their own clocks stand, so what is due by ours does not come."""
    town = running_town
    town.put_in_force(FIRST)
    town.import_accounts(ALICE, DORA)
    number = town.publish(SECOND, VersionClass.APPROVAL)
    eventually(lambda: town.version(number).effective_at)
    request = town.desk.receive(
        Intake(name="Dora", contact_address=DORA.email, kinds=("access",)), channel="web"
    )
    assert town.patrol().stuck == ()
    town.clock.advance(timedelta(days=3))
    assert names(town.patrol().stuck) == {f"data-subject-request/{request.id}"}
    town.clock.advance(timedelta(days=37))
    assert names(town.patrol().stuck) == {
        f"data-subject-request/{request.id}",
        f"publication/privacy-policy/{number}",
        f"campaign/privacy-policy/{number}",
    }
    town.advance(minutes=1)
    assert eventually(lambda: town.patrol().stuck == ())


@pytest.fixture
def impatient_town(database: Database, tmp_path: Path) -> Iterator[Town]:
    """A town whose server reports the first failure of a workflow's code."""
    at_once = {"system.numConsecutiveWorkflowTaskProblemsToTriggerSearchAttribute": 1}
    with town(database, tmp_path, server_settings=at_once) as running:
        yield running


def test_it_names_what_fails_at_its_own_code(impatient_town: Town) -> None:
    """P21: that it cannot mend; ops have to bring back the code that fits."""
    town = impatient_town

    async def unknown() -> None:
        await town.client.start_workflow(
            "of-another-release", id="of-another-release/1", task_queue=temporal.TASK_QUEUE
        )

    town.portal.call(unknown)
    (line,) = eventually(lambda: town.patrol().stuck)
    assert line.startswith("of-another-release/1: stands still, because its code fails")
